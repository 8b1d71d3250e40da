#!/usr/bin/python3
"""Put known faults into a copy of the source, one at a time; the suite must fail.

    mutate.py [WORD...]     only the faults whose name has one of the words
    mutate.py --by TEST [WORD...]   find them with these tests alone: those whose path has TEST
    mutate.py --stale       only check whether the text of each is still in the source

What is in MUTATE_PREFIX comes before each command that builds or tests, such as nice.

Each fault (faults.py) is a piece of source that is replaced. When that piece is no longer
there, the fault is stale, which is reported as a failure: this list has to keep
up with the source. The unit test of the faulty file runs first, then whatever took least
with the sound source (suite.py); the time to find the fault is printed.
"""
import os
import queue
import shutil
import subprocess
import sys
import tempfile
import threading
import time

from faults import FAULTS
from faults_admin import ADMIN_FAULTS
from faults_auth import AUTH_FAULTS
from faults_bench import BENCH_FAULTS
from faults_bench_truth import BENCH_TRUTH_FAULTS
from faults_loads import LOADS_FAULTS
from faults_http import HTTP_FAULTS
from faults_huge import HUGE_FAULTS
from faults_insight import INSIGHT_FAULTS
from faults_io import IO_FAULTS
from faults_layout import LAYOUT_FAULTS
from faults_limit import LIMIT_FAULTS
from faults_options import OPTIONS_FAULTS
from faults_poll import POLL_FAULTS
from faults_range import RANGE_FAULTS
from faults_restart import RESTART_FAULTS
from faults_sandbox import SANDBOX_FAULTS
from faults_space import SPACE_FAULTS
from faults_takeover import TAKEOVER_FAULTS
from suite import Suite

FAULTS += ADMIN_FAULTS
FAULTS += AUTH_FAULTS
FAULTS += HTTP_FAULTS
FAULTS += HUGE_FAULTS
FAULTS += BENCH_FAULTS + BENCH_TRUTH_FAULTS + LOADS_FAULTS
FAULTS += INSIGHT_FAULTS
FAULTS += IO_FAULTS
FAULTS += LAYOUT_FAULTS
FAULTS += LIMIT_FAULTS
FAULTS += OPTIONS_FAULTS
FAULTS += POLL_FAULTS
FAULTS += RANGE_FAULTS
FAULTS += RESTART_FAULTS
FAULTS += SANDBOX_FAULTS
FAULTS += SPACE_FAULTS
FAULTS += TAKEOVER_FAULTS

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
OPTIONS = ["-Dbuildtype=debugoptimized", "-Db_lto=false", "-Db_sanitize=address,undefined"]
WORKERS = 2  # each with a copy of its own


class DoesNotCompile(Exception):
    """Then it is no fault that a test could find."""


def find(suite, path):
    """(how it was found, seconds of testing); how is None when it was not."""
    seconds = 0.0
    for test in suite.for_path(path):
        status, output = suite.build_one(test)
        if status != 0:
            raise DoesNotCompile(first_error(output))
        good, took = test.run(suite.build, suite.forks(test))
        seconds += took
        if not good:
            return test.name, seconds
    return None, seconds


def try_fault(suite, fault):
    """What came of it, and whether that is as it should be."""
    _, path, old, new = fault
    path = os.path.join(suite.tree, path)
    with open(path, encoding="utf-8") as f:
        text = f.read()
    if text.count(old) != 1:
        return "STALE: its text is there %d times" % text.count(old), False
    try:
        with open(path, "w", encoding="utf-8") as f:
            f.write(text.replace(old, new))
        how, seconds = find(suite, fault[1])
        if how is None:
            return "NOT FOUND in %.1f s" % seconds, False
        return "found by %s in %.1f s" % (how, seconds), True
    except DoesNotCompile as error:
        return "DOES NOT COMPILE: %s" % error, False
    finally:
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)


def first_error(output):
    lines = [line for line in output.splitlines() if "error" in line]
    return lines[0][-100:] if lines else "?"


def show_stale():
    stale = 0
    for name, path, old, _ in FAULTS:
        path = os.path.join(ROOT, path)
        count = 0
        if os.path.exists(path):
            with open(path, encoding="utf-8") as f:
                count = f.read().count(old)
        if count != 1:
            stale += 1
            print("%s: its text is there %d times" % (name, count))
    print("%d passed, %d failed" % (len(FAULTS) - stale, stale))
    return 1 if stale else 0


def copy_tree(tree):
    """A copy of the source, and where it is built."""
    os.mkdir(tree)
    for part in ("meson.build", "README.md", "src", "include", "tests", "tools"):
        source = os.path.join(ROOT, part)
        copy = shutil.copytree if os.path.isdir(source) else shutil.copy2
        copy(source, os.path.join(tree, part))
    build = os.path.join(tree, "build")
    subprocess.run(["meson", "setup", build, tree] + OPTIONS, check=True,
                   stdout=subprocess.DEVNULL)
    return tree, build


def check_sound(suites, faults, again):
    """The sound source must pass; how long each test takes decides which comes first."""
    started = time.monotonic()
    failed = suites[0].measure(sorted({fault[1] for fault in faults}), again)
    if failed is not None:
        print("the source is not sound as it is: " + failed)
        sys.exit(1)
    for suite in suites[1:]:
        for test, other in zip(suite.tests, suites[0].tests):
            test.seconds = other.seconds
    print("the sound source passes all in %.1f s" % (time.monotonic() - started), flush=True)


def work(suite, faults, found):
    while True:
        try:
            fault = faults.get_nowait()
        except queue.Empty:
            return
        text, good = try_fault(suite, fault)
        if good:
            found.append(fault)
        print("%-55s %s" % (fault[0], text), flush=True)


def main():
    words = sys.argv[1:]
    if words == ["--stale"]:
        sys.exit(show_stale())
    only_by = ""
    if words[:1] == ["--by"]:
        only_by = words[1]
        words = words[2:]
    faults = queue.Queue()
    for fault in FAULTS:
        if not words or any(w in fault[0] for w in words):
            faults.put(fault)
    wanted = faults.qsize()
    found = []
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="lombard-mutate-") as directory:
        suites = [Suite(*copy_tree(os.path.join(directory, str(i))), only_by) for i in range(WORKERS)]
        check_sound(suites, list(faults.queue), again=not words)
        workers = [threading.Thread(target=work, args=(suite, faults, found)) for suite in suites]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
    print("%d s in all" % (time.monotonic() - started))
    print("%d passed, %d failed" % (len(found), wanted - len(found)))
    sys.exit(0 if len(found) == wanted else 1)


main()
