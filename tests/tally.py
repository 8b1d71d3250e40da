#!/usr/bin/python3
"""Run one test program and add its checks to the tally.

    tally.py PROGRAM [ARGUMENT...]

A program counts its checks in one of three ways: with the TAP file of Check, by
a last line `N passed, M failed[, K skipped]`, or as one check by its exit
status (77: skipped). The tally (file $LOMBARD_TALLY) gets one line:
phase, name, passed, failed, skipped, seconds of processor time, of those it started, too.
"""
import fcntl
import os
import re
import resource
import subprocess
import sys
import tempfile

SKIPPED_STATUS = 77
VALGRIND_SECONDS_MAX = 40  # what takes longer there is not worth it
# Never done by then: valgrind takes 30 times as long.
LONG = ("/test_store", "/test_store_model", "/test_bench_selftest", "/test_bench_interval")
VALGRIND = [
    "valgrind", "-q", "--suppressions=" + os.path.join(os.path.dirname(__file__), "valgrind.supp"), "--error-exitcode=99", "--leak-check=full",
    "--errors-for-leak-kinds=definite,indirect", "--show-leak-kinds=definite,indirect",
]


def count_tap(text):
    passed = len(re.findall(r"^ok \d+", text, re.M))
    failed = len(re.findall(r"^not ok \d+", text, re.M))
    return passed, failed, 0


def count(tap, output, status):
    """(passed, failed, skipped); a program that fails fails at least one check."""
    summary = re.findall(r"^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?\s*$", output, re.M)
    if tap:
        counts = count_tap(tap)
    elif summary:
        counts = tuple(int(n or 0) for n in summary[-1])
    elif status == SKIPPED_STATUS:
        counts = (0, 0, 1)
    else:
        counts = (1, 0, 0) if status == 0 else (0, 1, 0)
    if status not in (0, SKIPPED_STATUS) and counts[1] == 0:
        counts = (counts[0], 1, counts[2])
    return counts


def run(argv, seconds=None):
    with tempfile.NamedTemporaryFile("r", prefix="tally-") as tap:
        env = dict(os.environ, CK_TAP_LOG_FILE_NAME=tap.name)
        try:
            done = subprocess.run(argv, env=env, stdout=subprocess.PIPE, text=True,
                                  errors="replace", check=False, timeout=seconds)
        except subprocess.TimeoutExpired:
            return (0, 0, 1), SKIPPED_STATUS
        sys.stdout.write(done.stdout)
        return count(tap.read(), done.stdout, done.returncode), done.returncode


def seconds_used():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def has_kernel_limits(program):
    """Tests of descriptor limits, of time and of what the kernel refuses mean nothing under valgrind;
    and it does not know that io_uring has written what was received (the bench's floor)."""
    layers = ("/unit/event/", "/unit/conn/", "/unit/app/test_app_daemon", "/unit/app/test_app_sandbox",
              "/unit/bench/test_bench_floor")
    return any(layer in program for layer in layers)


def expects_aborts(program):
    """Tests that have to abort, or change the process for ever: each in one of its own."""
    return "/unit/loan/" in program or program.endswith(
        ("/test_base_eventlog", "/test_base_invariant", "/test_app_sealed", "/test_app_statistics"))


def forks_slowly(phase, program):
    """A fork for each check costs more than the check: where nothing depends on it there is none."""
    if phase == "asan":
        return "/unit/store/" in program
    return phase == "valgrind" and not expects_aborts(program)


def main():
    argv = sys.argv[1:]
    name = os.path.basename(argv[0])
    phase = os.environ.get("LOMBARD_PHASE", "-")
    if forks_slowly(phase, argv[0]):
        os.environ["CK_FORK"] = "no"
    is_script = any(arg.endswith(".py") for arg in argv[:2])  # an interpreter may stand before it
    if os.environ.get("LOMBARD_VALGRIND") and (is_script or argv[0].endswith(LONG) or has_kernel_limits(argv[0])):
        counts, status = (0, 0, 1), SKIPPED_STATUS
    elif os.environ.get("LOMBARD_VALGRIND"):
        counts, status = run(VALGRIND + argv, VALGRIND_SECONDS_MAX)
    else:
        counts, status = run(argv)
    path = os.environ.get("LOMBARD_TALLY")
    if path:
        with open(path, "a", encoding="ascii") as tally:
            fcntl.flock(tally, fcntl.LOCK_EX)
            tally.write("%s %s %d %d %d %.2f\n" % (phase, name, *counts, seconds_used()))
    if counts[1] and not status:
        status = 1
    sys.exit(status if status >= 0 else 128 - status)


main()
