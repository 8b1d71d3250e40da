#!/usr/bin/python3
"""Check that every C file is formatted as .clang-format says.

    format.py [ROOT]

Another major version of clang-format breaks lines elsewhere, so only version 14 counts;
where that is missing the test is skipped. To mend a file: clang-format-14 -i FILE.
"""
import os
import re
import shutil
import subprocess
import sys

MAJOR = 14
FOLDERS = ["include", "src", "tests", "tools"]
SKIPPED_STATUS = 77


def find_formatter():
    """The command, or None."""
    for name in ("clang-format-%d" % MAJOR, "clang-format"):
        path = shutil.which(name)
        if path is None:
            continue
        text = subprocess.run([path, "--version"], stdout=subprocess.PIPE, text=True,
                              check=True).stdout
        if re.search(r"version %d\." % MAJOR, text):
            return path
    return None


def source_files(root):
    return sorted(os.path.join(where, name) for folder in FOLDERS
                  for where, _, names in os.walk(os.path.join(root, folder))
                  for name in names if name.endswith((".c", ".h")))


def unformatted(formatter, files):
    """Lines that name what would be changed; the exit status says the same."""
    done = subprocess.run([formatter, "--dry-run", "-Werror", "--ferror-limit=1"] + files,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    return sorted(set(re.findall(r"^(\S+?:\d+):\d+: error:", done.stdout, re.M))) or \
        (["clang-format failed: " + done.stdout] if done.returncode else [])


def main():
    root = sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(__file__), "..")
    formatter = find_formatter()
    if formatter is None:
        print("format: skipped: clang-format %d is not installed (Debian: clang-format-%d)" % (
            MAJOR, MAJOR))
        sys.exit(SKIPPED_STATUS)
    files = source_files(root)
    found = unformatted(formatter, files)
    for place in found:
        print("%s: not formatted: clang-format-%d -i FILE mends it" % (
            os.path.relpath(place, root), MAJOR))
    print("%d passed, %d failed" % (max(len(files) - len(found), 0), len(found)))
    sys.exit(1 if found else 0)


main()
