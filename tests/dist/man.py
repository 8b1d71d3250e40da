#!/usr/bin/python3
"""The man pages name exactly the options that --help names, and are clean.

    man.py DIRECTORY_OF_PAGES LOMBARD BENCH TOP
"""
import os
import re
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "helpers"))

from checks import Checks

check = Checks()
# How each renderer is asked for its complaints.
RENDERERS = {
    "mandoc": ["mandoc", "-T", "lint", "-W", "warning"],
    "man": ["man", "--warnings", "-E", "UTF-8", "-T", "utf8", "-Z", "-l"],
}


def of_help(program):
    """-v and -vv are one option, and -t with a number is -t."""
    text = subprocess.run([program, "--help"], stdout=subprocess.PIPE, check=True).stdout.decode()
    found = re.findall(r"(?<![\w'<-])(--[a-z][a-z-]*[a-z]|-[A-Za-z])(?![\w]*-)", text)
    return {option for option in found if option != "-vv"}


def of_page(path):
    """The flags of the list's tags; those of other programs in examples have no macro."""
    with open(path, encoding="ascii") as page:
        tags = [line for line in page if line.startswith(".It ")]
    return {"-" + flag for line in tags for flag in re.findall(r"Fl (\S+)", line)}


def compare(program, path):
    said, written = of_help(program), of_page(path)
    name = os.path.basename(path)
    check("%s has every option of --help: %s" % (name, sorted(said - written)), said <= written)
    check("%s has no other: %s" % (name, sorted(written - said)), written <= said)
    check("%s has some at all" % name, len(written) >= 10)


def lint(path):
    for name, command in RENDERERS.items():
        if shutil.which(name) is None:
            continue
        done = subprocess.run(command + [path], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              check=False, env=dict(os.environ, MAN_DISABLE_SECCOMP="1"))
        complaints = [line for line in done.stdout.decode("utf-8", "replace").splitlines()
                      if re.match(r"(mandoc|troff|groff|man)\b.*(:|warning)", line)
                      and "outdated mandoc.db" not in line]
        check("%s: %s has no complaint: %s" % (os.path.basename(path), name, complaints),
              not complaints)


def main():
    pages, lombard, bench, top = sys.argv[1:]
    for program, page in ((lombard, "lombard.8"), (bench, "lombard-bench.1"),
                          (top, "lombard-top.1")):
        path = os.path.join(pages, page)
        compare(program, path)
        lint(path)
    check.done()


main()
