#!/usr/bin/python3
"""Line and branch coverage of the layers, by the whole suite.

    coverage.py [--missing] [--report] [--keep] [--suites "unit wire"] [LAYER...]

Builds build-coverage (gcc, no optimisation, no invariant checks), runs the suites
(unit sim wire compat stress fuzz), and counts with gcov. --report only counts what
the last run left, --keep adds to it; --missing lists what was not reached. LAYER: loan conn proto, if
not said otherwise.

Not counted, as they cannot be reached but by a programmer's mistake:
  - BUG_ON(), which such a build leaves out, lines that are a BUG(), the way there;
  - of a switch that names every value of its enum, the arm for none of them.
"""
import argparse
import collections
import glob
import json
import os
import re
import subprocess
import sys

ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
BUILD = os.path.join(ROOT, "build-coverage")
OPTIONS = ["-Dbuildtype=debug", "-Db_ndebug=true", "-Db_lto=false", "-Db_coverage=true"]
SUITES = "unit sim wire compat stress fuzz"
LAYERS = ["loan", "conn", "proto"]
IMPOSSIBLE = re.compile(r"\bBUG\(")
IF = re.compile(r"^\s*(\} else )?if \(")
SWITCH = re.compile(r"^\s*switch \(")


def run_suites(suites, keep):
    os.umask(0)  # a daemon that became another user writes its counts, too
    if not os.path.exists(os.path.join(BUILD, "build.ninja")):
        subprocess.run(["meson", "setup", BUILD, ROOT] + OPTIONS, check=True,
                       stdout=subprocess.DEVNULL)
    subprocess.run(["ninja", "-C", BUILD], check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["chmod", "-R", "a+rwX", BUILD], check=True)
    if not keep:
        for path in glob.glob(BUILD + "/**/*.gcda", recursive=True):
            os.unlink(path)
    command = ["meson", "test", "-C", BUILD, "--no-rebuild", "-t", "10"]
    for suite in suites.split():
        command += ["--suite", suite]
    env = dict(os.environ, CK_TIMEOUT_MULTIPLIER="10")  # such a build is slow
    return subprocess.run(command, env=env, check=False).returncode


def guards_of_bugs(text):
    """Numbers of the lines of an `if` whose only statement is a BUG()."""
    lines = text.split("\n")
    found = set()
    for i, line in enumerate(lines):
        if not IF.match(line):
            continue
        for last in (i, i + 1):  # of the lines of the condition
            if lines[last].rstrip().endswith(")") and IMPOSSIBLE.search(lines[last + 1]):
                found.update(range(i + 1, last + 2))
    return found


def sound_switches(text):
    """Numbers of the lines that begin a switch which has no default."""
    lines = text.split("\n")
    found = set()
    for i, line in enumerate(lines):
        if not SWITCH.match(line):
            continue
        depth, body = 0, []
        for inner in lines[i:]:
            depth += inner.count("{") - inner.count("}")
            body.append(inner)
            if depth == 0 and "}" in inner:
                break
        if not any("default:" in b for b in body):
            found.add(i + 1)
    return found


class Source:
    """Counts of one file, added up over all objects that it went into."""

    def __init__(self, path):
        with open(path, encoding="utf-8") as f:
            self.text = f.read()
        self.lines = collections.Counter()
        self.branches = collections.defaultdict(collections.Counter)
        self.known = set()

    def add(self, line):
        number = line["line_number"]
        self.known.add(number)
        self.lines[number] += line["count"]
        for i, branch in enumerate(line["branches"]):
            self.branches[number][i] += branch["count"]

    def count(self):
        """[lines, reached, branches, taken], and what is missing as (line, text)."""
        source = self.text.split("\n")
        one_less = sound_switches(self.text) | guards_of_bugs(self.text)
        totals, missing = [0, 0, 0, 0], []
        for number in sorted(self.known):
            text = source[number - 1].strip()
            if IMPOSSIBLE.search(text):
                continue
            totals[0] += 1
            totals[1] += self.lines[number] > 0
            branches = self.branches[number]
            taken = sum(n > 0 for n in branches.values())
            wanted = len(branches) - (number in one_less and taken < len(branches))
            totals[2] += wanted
            totals[3] += taken
            if self.lines[number] == 0:
                missing.append((number, "never: " + text))
            elif taken < wanted:
                missing.append((number, "%d of %d: %s" % (taken, wanted, text)))
        return totals, missing


def read_counts():
    sources = {}
    data = glob.glob(BUILD + "/src/**/*.gcda", recursive=True)
    data += glob.glob(BUILD + "/tests/sim/**/*.gcda", recursive=True)
    for path in data:
        done = subprocess.run(["gcov", "--json-format", "--stdout", "--branch-probabilities", path],
                              cwd=BUILD, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                              check=True)
        for file in json.loads(done.stdout)["files"]:
            name = os.path.relpath(os.path.join(BUILD, file["file"]), ROOT)
            if name.startswith(("src/", "include/")):
                source = sources.setdefault(name, Source(os.path.join(ROOT, name)))
                for line in file["lines"]:
                    source.add(line)
    return sources


def in_layer(name, layer):
    return name.startswith(("src/%s/" % layer, "include/lombard/%s/" % layer))


def percent(part, whole):
    return 100.0 * part / whole if whole else 100.0


def report(layers, show_missing):
    sources = read_counts()
    for layer in layers:
        sums = [0, 0, 0, 0]
        for name in sorted(n for n in sources if in_layer(n, layer)):
            totals, missing = sources[name].count()
            sums = [a + b for a, b in zip(sums, totals)]
            if show_missing:
                for number, text in missing:
                    print("%s:%d: %s" % (name, number, text))
        print("%-6s lines %5.1f %% (%d of %d), branches %5.1f %% (%d of %d)" % (
            layer, percent(sums[1], sums[0]), sums[1], sums[0],
            percent(sums[3], sums[2]), sums[3], sums[2]))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--missing", action="store_true")
    parser.add_argument("--report", action="store_true")
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("--suites", default=SUITES)
    parser.add_argument("layers", nargs="*", default=LAYERS)
    args = parser.parse_args()
    status = 0 if args.report else run_suites(args.suites, args.keep)
    report(args.layers, args.missing)
    sys.exit(status)


main()
