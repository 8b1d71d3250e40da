"""Runs lombard-bench as a process, and reads its reports."""
import json
import os
import subprocess
import sys
import tempfile

BENCH = sys.argv[1]
PATIENCE_S = 120
VALID, WRONG, NOT_RUN, NOT_VALID, NO_REPORT = 0, 1, 2, 3, 4
DIRECTORY = tempfile.TemporaryDirectory(prefix="lombard-bench-")


def path(name):
    return os.path.join(DIRECTORY.name, name)


def run(*args):
    """(status, standard output, standard error)."""
    done = subprocess.run([BENCH] + [str(a) for a in args], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=PATIENCE_S,
                          check=False)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def no_constant(name):
    raise ValueError("not JSON: " + name)


def load_json(name):
    with open(name, encoding="utf-8") as f:
        return json.load(f, parse_constant=no_constant)


def report(name, *args):
    """(status, the report of the first server, standard error). A busy machine is no fault: where it
    only kept requests from leaving in time, the status is VALID."""
    mode = args[:1] if args[0] in ("hitratio", "replay") else ()
    status, _, said = run(*mode, "-q", "-j", path(name), *args[len(mode):])
    result = load_json(path(name))
    if status == NOT_VALID and all("arrivals were not as planned" in r
                                   for r in result["verdict"]["reasons"]):
        status = VALID
    return status, result["servers"][0], said
