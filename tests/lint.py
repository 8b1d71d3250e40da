#!/usr/bin/python3
"""Let clang-tidy look at every file of a room.

    lint.py ROOT ROOM

The checks are those whose findings have been mistakes: what nobody meant to write
(bugprone), and what the analyzer follows through all branches (memory, dead stores,
uninitialized values). Where clang-tidy is missing the test is skipped.
"""
import glob
import os
import re
import shutil
import subprocess
import sys

CHECKS = """
    -* bugprone-*
    clang-analyzer-deadcode.* clang-analyzer-unix.* clang-analyzer-core.uninitialized.*
    clang-analyzer-core.DivideZero clang-analyzer-core.StackAddressEscape
    clang-analyzer-core.UndefinedBinaryOperatorResult clang-analyzer-security.FloatLoopCounter
    misc-redundant-expression misc-misplaced-const
    readability-misleading-indentation readability-redundant-control-flow
    cert-err34-c performance-* -performance-no-int-to-ptr
    -bugprone-easily-swappable-parameters
    -bugprone-narrowing-conversions
    -bugprone-not-null-terminated-result
    -bugprone-reserved-identifier
    -bugprone-sizeof-expression
""".split()
# Not these: casts of const views to where they were made for writing, the compilers' own
# -Wconversion, bytes that are no strings, _GNU_SOURCE, and pointers to opaque structs.
SKIPPED_STATUS = 77


def main():
    root, room = sys.argv[1:]
    if shutil.which("clang-tidy") is None:
        print("lint: skipped: clang-tidy is not installed (Debian: clang-tidy)")
        sys.exit(SKIPPED_STATUS)
    files = sorted(glob.glob(os.path.join(root, "src", room, "*.c")))
    done = subprocess.run(
        ["clang-tidy", "--quiet", "--checks=" + ",".join(CHECKS)] + files +
        ["--", "-std=gnu11", "-D_GNU_SOURCE", '-DLOMBARD_VERSION="lint"',
         "-I" + os.path.join(root, "include")],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    sys.stdout.write(done.stdout)
    if "error:" in done.stdout:
        sys.stdout.write(done.stderr)
    found = set(re.findall(r"^(\S+?):\d+:\d+: (?:warning|error):", done.stdout, re.M))
    print("%d passed, %d failed" % (max(len(files) - len(found), 0), len(found)))
    sys.exit(1 if found else 0)


main()
