#!/usr/bin/python3
"""Print what has to be built for some suites: targets for ninja, a line each.

    needed.py BUILD_DIR SUITE...
"""
import json
import os
import subprocess
import sys


def introspect(build, what):
    done = subprocess.run(["meson", "introspect", build, what], stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout)


def main():
    build, suites = os.path.abspath(sys.argv[1]), set(sys.argv[2:])
    files = {t["id"]: t["filename"] for t in introspect(build, "--targets")}
    needed = set()
    for test in introspect(build, "--tests"):
        if suites & {s.split(":")[-1] for s in test["suite"]}:
            needed.update(name for i in test["depends"] for name in files[i])
    for name in sorted(needed):
        print(os.path.relpath(name, build))


main()
