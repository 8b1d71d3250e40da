#!/usr/bin/python3
"""Put known faults into a copy of the source, one at a time; the suite must fail.

    mutate.py [WORD...]     only the faults whose name has one of the words
    mutate.py --by TEST [WORD...]   find them with these tests alone: those whose path has TEST
    mutate.py --stale       only look whether all of them still have their place

What is in MUTATE_PREFIX comes before each command that builds or tests, such as nice.

Each fault (faults.py) is a piece of source that is replaced. When that piece is no longer
there, the fault is stale, which is reported as a failure: this list has to keep
up with the source. For each fault the fast tests run first; the time to find it
is printed. Runs by night, and for a word or two at any time.
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
from faults_bench import BENCH_FAULTS
from faults_range import RANGE_FAULTS

FAULTS += BENCH_FAULTS
FAULTS += RANGE_FAULTS

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
OPTIONS = ["-Dbuildtype=debugoptimized", "-Db_lto=false", "-Db_sanitize=address,undefined"]
WORKERS = 2  # each with a copy of its own
ONLY_BY = ""  # tests whose path has this
PREFIX = os.environ.get("MUTATE_PREFIX", "").split()
APP_MAIN = "src/app/lombard"  # the daemon as a process
# The quick ones first; of these, those of the faulty room first.
TESTS = [
    ["tests/sim/sweep", "founding"],
    ["tests/search/search_loan_buf_32"],
    ["tests/search/search_loan_pool"],
    ["tests/search/search_loan_buf_56"],
    ["tests/search/search_loan_buf_80"],
    ["tests/unit/loan/test_loan_buf"],
    ["tests/unit/loan/test_loan_pool"],
    ["tests/sim/test_pool_refused"],
    ["tests/unit/event/test_event_loop"],
    ["tests/unit/event/test_event_timer"],
    ["tests/unit/event/test_event_listen"],
    ["tests/unit/event/test_event_signal"],
    ["tests/unit/base/test_base_log"],
    ["tests/unit/app/test_app_config"],
    ["tests/unit/app/test_app_own_file"],
    ["tests/unit/app/test_app_user"],
    ["tests/unit/app/test_app_daemon"],
    [APP_MAIN],
    ["tests/unit/proto/test_proto_token"],
    ["tests/unit/proto/test_proto_text"],
    ["tests/unit/proto/test_proto_mcbp"],
    ["tests/unit/proto/test_proto_mcbp_reply"],
    ["tests/unit/proto/test_proto_meta"],
    ["tests/unit/proto/test_proto_history"],
    ["tests/unit/proto/test_proto_reply"],
    ["tests/unit/cmd/test_cmd_cmd"],
    ["tests/unit/cmd/test_cmd_stats"],
    ["tests/unit/cmd/test_cmd_meta"],
    ["tests/unit/cmd/test_cmd_upload"],
    ["tests/unit/cmd/test_cmd_join"],
    ["tests/unit/cmd/test_cmd_refuse"],
    ["tests/unit/conn/test_conn_check"],
    ["tests/unit/conn/test_conn_conn"],
    ["tests/unit/conn/test_conn_dispatch"],
    ["tests/unit/conn/test_conn_join"],
    ["tests/unit/conn/test_conn_sweep"],
    ["tests/sim/test_fair"],
    ["tests/unit/conn/test_conn_server"],
    ["tests/unit/conn/test_conn_pressure"],
    ["tests/unit/conn/test_conn_refuse"],
    ["tests/sim/policy", "waiting", "1", "20"],
    ["tests/sim/policy", "closing", "1", "20"],
    ["tests/sim/policy", "refusal", "1", "20"],
    ["tests/sim/policy", "light", "1", "10"],
    ["tests/unit/conn/test_conn_stall"],
    ["tests/sim/sim", "1", "60"],
    ["tests/unit/store/test_store"],
    ["tests/unit/store/test_store_model"],
    ["tests/sim/sweep", "quick"],
    ["tests/sim/sim", "100", "200"],
]

# Of the load generator; the last one is the program against servers that misbehave.
BENCH_MAIN = "tools/bench/lombard-bench"
BENCH_TESTS = [["tests/unit/bench/test_bench_" + name] for name in (
    "load", "keys", "holds", "fill", "report", "roles", "findmax", "workload", "tally", "options", "wire_text",
    "wire_binary")]
BENCH_TESTS.append([BENCH_MAIN])


def command_of(test, build):
    command = [os.path.join(build, test[0])] + test[1:]
    if test[0] == BENCH_MAIN:
        return [sys.executable, os.path.join(build, "..", "tests/unit/bench/test_main.py")] + command
    if test[0] == APP_MAIN:
        return [sys.executable, os.path.join(build, "..", "tests/unit/app/test_main.py")] + command
    return command


def run(command, cwd, seconds):
    """(status, output); a test that hangs has found the fault, too."""
    env = dict(os.environ, UBSAN_OPTIONS="halt_on_error=1", CK_FORK="yes",
               CK_TIMEOUT_MULTIPLIER="10")
    done = subprocess.run(PREFIX + ["timeout", str(seconds)] + command, cwd=cwd, env=env,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    return done.returncode, done.stdout.decode("latin-1")

# What the unit tests of a room are linked with.
LINKED = {
    "base": ["base"],
    "loan": ["loan", "base"],
    "event": ["event", "base"],
    "proto": ["proto", "base"],
    "store": ["store", "base"],
    "cmd": ["cmd", "store", "proto", "base"],
    "conn": ["conn", "cmd", "store", "proto", "event", "loan", "base"],
    "app": ["app", "conn", "event", "base"],  # of what is below, what only the program shows
}


class DoesNotCompile(Exception):
    """Then it is no fault that a test could find."""


def build_one(build, name):
    return run(["ninja", "-C", build, name], build, 600)


def room_of(path):
    return path.split("/")[1 if path.startswith("src/") else 2]


def tests_for(path):
    """Those that link the faulty room, its own first: but the store's take long."""
    if path.startswith("tools/bench/"):
        return BENCH_TESTS
    room = room_of(path)

    def sees(test):
        parts = test[0].split("/")
        if ONLY_BY not in test[0]:
            return False
        if test[0] == APP_MAIN:
            return room in LINKED["app"]
        if parts[1] == "search":
            return room == "base" or parts[2].startswith("search_" + room)
        if parts[1] != "unit":
            return room != "app"
        return room in LINKED[parts[2]]

    return sorted((t for t in TESTS if sees(t)),
                  key=lambda t: room == "store" or ("/%s/" % room not in t[0] and t is not TESTS[0]))


def find(build, path):
    """(how it was found, seconds of testing); how is None when it was not."""
    seconds = 0.0
    for test in tests_for(path):
        status, output = build_one(build, test[0])
        if status != 0:
            raise DoesNotCompile(first_error(output))
        started = time.monotonic()
        status, _ = run(command_of(test, build), build, 300)
        seconds += time.monotonic() - started
        if status != 0:
            return " ".join(test), seconds
    return None, seconds


def try_fault(tree, build, fault):
    """What came of it, and whether that is as it should be."""
    _, path, old, new = fault
    path = os.path.join(tree, path)
    with open(path, encoding="utf-8") as f:
        text = f.read()
    if text.count(old) != 1:
        return "STALE: its place is there %d times" % text.count(old), False
    try:
        with open(path, "w", encoding="utf-8") as f:
            f.write(text.replace(old, new))
        how, seconds = find(build, fault[1])
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
        with open(os.path.join(ROOT, path), encoding="utf-8") as f:
            count = f.read().count(old)
        if count != 1:
            stale += 1
            print("%s: its place is there %d times" % (name, count))
    print("%d passed, %d failed" % (len(FAULTS) - stale, stale))
    return 1 if stale else 0


def copy_tree(tree):
    """A copy of the source, and where it is built."""
    os.mkdir(tree)
    for part in ("meson.build", "src", "include", "tests", "tools"):
        source = os.path.join(ROOT, part)
        copy = shutil.copytree if os.path.isdir(source) else shutil.copy2
        copy(source, os.path.join(tree, part))
    build = os.path.join(tree, "build")
    subprocess.run(["meson", "setup", build, tree] + OPTIONS, check=True,
                   stdout=subprocess.DEVNULL)
    return tree, build


def check_sound(_, build, faults):
    started = time.monotonic()
    for part in ("src/base/", "tools/bench/"):
        if any(fault[1].startswith(part.split("/")[0]) for fault in faults):
            how, _ = find(build, part)
            if how is not None:
                print("the source is not sound as it is: " + how)
                sys.exit(1)
    print("the sound source passes all in %.1f s" % (time.monotonic() - started), flush=True)


def work(tree, build, faults, found):
    while True:
        try:
            fault = faults.get_nowait()
        except queue.Empty:
            return
        text, good = try_fault(tree, build, fault)
        if good:
            found.append(fault)
        print("%-55s %s" % (fault[0], text), flush=True)


def main():
    global ONLY_BY
    words = sys.argv[1:]
    if words == ["--stale"]:
        sys.exit(show_stale())
    if words[:1] == ["--by"]:
        ONLY_BY = words[1]
        words = words[2:]
    faults = queue.Queue()
    for fault in FAULTS:
        if not words or any(w in fault[0] for w in words):
            faults.put(fault)
    wanted = faults.qsize()
    found = []
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="lombard-mutate-") as directory:
        trees = [copy_tree(os.path.join(directory, str(i))) for i in range(WORKERS)]
        check_sound(*trees[0], list(faults.queue))
        workers = [threading.Thread(target=work, args=(*tree, faults, found)) for tree in trees]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
    print("%d s in all" % (time.monotonic() - started))
    print("%d passed, %d failed" % (len(found), wanted - len(found)))
    sys.exit(0 if len(found) == wanted else 1)


main()
