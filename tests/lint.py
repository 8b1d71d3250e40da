#!/usr/bin/python3
"""Let clang-tidy look at every C file of a folder.

    lint.py ROOT FOLDER         FOLDER from ROOT, such as src/conn

The checks are those of the .clang-tidy files, which editors read, too. Where clang-tidy is missing
the test is skipped.
"""
import glob
import os
import re
import shutil
import subprocess
import sys

SKIPPED_STATUS = 77
# A third of the analyzer's own limit on the states that it follows through one function: what it finds
# it finds early, and it is three quarters of the time.
ANALYZER = ["-Xclang", "-analyzer-config", "-Xclang", "max-nodes=75000"]


def main():
    root, folder = sys.argv[1:]
    if shutil.which("clang-tidy") is None:
        print("lint: skipped: clang-tidy is not installed (Debian: clang-tidy)")
        sys.exit(SKIPPED_STATUS)
    files = sorted(glob.glob(os.path.join(root, folder, "**", "*.c"), recursive=True))
    done = subprocess.run(
        ["clang-tidy", "--quiet"] + files + ["--", "-std=gnu11", "-D_GNU_SOURCE", '-DLOMBARD_VERSION="lint"',
         "-I" + os.path.join(root, "include"), "-I" + os.path.join(root, "tools/bench")] + ANALYZER,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    sys.stdout.write(done.stdout)
    if "error:" in done.stdout or done.returncode not in (0, 1):
        sys.stdout.write(done.stderr)
    found = set(re.findall(r"^(\S+?):\d+:\d+: (?:warning|error):", done.stdout, re.M))
    failed = len(found) or int(done.returncode != 0)
    print("%d passed, %d failed" % (max(len(files) - failed, 0), failed))
    sys.exit(1 if failed else 0)


main()
