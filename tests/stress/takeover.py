#!/usr/bin/python3
"""Takeovers in a row, under load, between two versions: nothing is lost, nothing is left behind.

    takeover.py DAEMON OTHER_DAEMON BENCH [--takeovers N] [--active N] [--idle N] [--stalled N] [--partial N] [--halves N]
                [--limits]

lombard-bench loads a server by --active connections with pipelines of 32, and verifies every value; beside them are
idle connections, readers that ask for 64 values of 100 KB and do not read them until the end, and partial
commands; and here are uploads that go on by a piece after each takeover. OTHER_DAEMON and DAEMON take over in turn. With --limits, which is for a build without sanitizers, the
last process must have little more memory than the first.
"""
import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "helpers"))

from checks import Checks
from client import ask, connect, read_all, stats, value
from heir import PATIENCE_S, Heir
from server import Server, end_on_sigterm

UPLOAD_BYTES = 300000
SPARE_DESCRIPTORS = 40  # what a server has besides connections
check = Checks()


class Uploads:
    """Values of which a piece comes after each takeover."""

    def __init__(self, server, count, pieces):
        self.step = UPLOAD_BYTES // (pieces + 1)
        self.at = 0
        self.clients = [connect(server) for _ in range(count)]
        for i, s in enumerate(self.clients):
            s.sendall(b"set half-%d 0 0 %d\r\n" % (i, UPLOAD_BYTES))
        self.go_on()

    def send(self, until):
        for i, s in enumerate(self.clients):
            s.sendall(value(i, UPLOAD_BYTES)[self.at:until])
        self.at = until

    def go_on(self):
        self.send(min(self.at + self.step + 1, UPLOAD_BYTES - 1))

    def finish(self):
        self.send(UPLOAD_BYTES)
        right = 0
        for i, s in enumerate(self.clients):
            stored = ask(s, b"\r\n") == b"STORED\r\n"
            s.sendall(b"get half-%d\r\n" % i)
            right += stored and read_all(s, b"VALUE half-%d 0 %d\r\n%s\r\nEND\r\n" % (i, UPLOAD_BYTES,
                                                                                    value(i, UPLOAD_BYTES)))
            s.close()
        check.equal(right, len(self.clients), "uploads that are whole")


def load(args, port, report):
    command = [args.bench, "-s", "127.0.0.1:%d" % port, "-f", "-k", "50000", "--value-size", "10-2000",
               "-c", str(args.active), "-P", "32", "-w", "0", "-d", "10m", "--strict", "-q", "-j", report, "--idle",
               str(args.idle), "--slow-readers", str(args.stalled), "--half-commands", str(args.partial)]
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)


def wait_until(condition):
    end = time.monotonic() + PATIENCE_S
    while not condition() and time.monotonic() < end:
        time.sleep(0.05)
    return condition()


def loads(s, conns):
    """All are there, and it is being measured."""
    now = stats(s)
    return int(now["curr_connections"]) >= conns and int(now["cmd_get"]) > 100000


def take_over(args, server, control, s, options, uploads):
    """One after the other; returns the last one, and what each took."""
    last, pauses = None, []
    for i in range(args.takeovers):
        heir = Heir((args.other, args.daemon)[i % 2], control, *options)
        if not heir.wait_for("took over"):
            check("takeover %d: %s" % (i, heir.log), False)
            break
        code = last.ended() if last else server.process.wait(PATIENCE_S)
        check.equal(code, 0, "the one before exits")
        last = heir
        now = stats(s)
        pauses.append(int(now["takeover_pause_us"]) / 1000)
        check.equal(now["lombard_version"] != "99.0.0", i % 2 == 1, "versions in turn")
        uploads.go_on()
        time.sleep(0.1)
    return last, pauses


def judge_load(report):
    with open(report, encoding="utf-8") as f:
        result = json.load(f)
    one = result["servers"][0]
    reasons = [why for why in result["verdict"]["reasons"] if "ended by signal" not in why]
    check.equal(reasons, [], "what the load complains of")
    for name in ("mismatches", "unreadable_replies", "error_replies", "lost_connections", "lost_requests", "misses",
                 "foreign_values", "timed_out_requests"):
        check.equal(one[name], 0, name)
    for role, got in one["roles"].items():
        if isinstance(got, dict):
            check.equal((got["failed"], got["lost"], got["mismatches"]), (0, 0, 0), "lost or wrong: " + role)
    return one


def judge_last(last, s, before, limits):
    """As at the beginning, but for what is stored."""
    check("all have left", wait_until(lambda: stats(s)["curr_connections"] == "1"))
    check("no pin is left", wait_until(lambda: stats(s)["segments_pinned"] == "0"))
    now, buffers = stats(s), stats(s, " buffers")
    check.equal((now["internal_errors"], now["sandbox_denied"], now["evictions"]), ("0", "0", "0"), "nothing is wrong")
    check("no buffer is lent but to the one that asks: %s" % buffers["buffers_lent"],
          int(buffers["buffers_lent"]) <= 2)
    fds = len(os.listdir("/proc/%d/fd" % last.process.pid))
    check("no descriptor is left: %d" % fds, fds < SPARE_DESCRIPTORS)
    used = stats(s, " memory")
    heap = int(used["heap_bytes"]) + int(used["other_bytes"])
    print("the last process: %d descriptors, %d bytes of heap and unexplained; the first had %d" % (fds, heap, before))
    if limits:
        check("memory: %s" % used, heap <= before + (8 << 20))


def run(args, folder):
    control, report = os.path.join(folder, "control"), os.path.join(folder, "report")
    options = ["-m", "1024", "-c", "19000"]
    with Server([args.daemon, "--control=" + control] + options) as server:
        with connect(server) as s:
            now = stats(s, " memory")
            before = int(now["heap_bytes"]) + int(now["other_bytes"])
            bench = load(args, server.port, report)
            conns = args.active + args.idle + args.stalled + args.partial
            check("the load runs", wait_until(lambda: bench.poll() is not None or loads(s, conns)))
            uploads = Uploads(server, args.halves, args.takeovers)
            last, pauses = take_over(args, server, control, s, options, uploads)
            bench.send_signal(2)
            _, log = bench.communicate(timeout=PATIENCE_S)
            check.equal(bench.returncode, 130, "it is asked to end: %s" % log.decode())
            uploads.finish()
            one = judge_load(report)
            check.equal(stats(s)["takeovers"], str(args.takeovers), "takeovers")
            pauses.sort()
            print("%d takeovers, %d connections: %d requests, %d hits, 0 misses; a pause took %.1f ms (median), %.1f at most" %
                  (len(pauses), conns + args.halves, one["requests"], one["hits"], pauses[len(pauses) // 2], pauses[-1]))
            if last is not None:
                judge_last(last, s, before, args.limits)
        if last is not None:
            check.equal(last.stop(), 0, "the last one stops")
            check("of the sandbox nothing was refused", "the sandbox refused" not in last.log)


def main():
    end_on_sigterm()
    parser = argparse.ArgumentParser(usage=__doc__)
    for name in ("daemon", "other", "bench"):
        parser.add_argument(name, type=os.path.abspath)
    for name, count in (("takeovers", 20), ("active", 50), ("idle", 5000), ("stalled", 200), ("partial", 500), ("halves", 50)):
        parser.add_argument("--" + name, type=int, default=count)
    parser.add_argument("--limits", action="store_true")
    args = parser.parse_args()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with tempfile.TemporaryDirectory(prefix="lombard-takeovers-") as folder:
        os.chmod(folder, 0o777)
        run(args, folder)
    check.done()


main()
