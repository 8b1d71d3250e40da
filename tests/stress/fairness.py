#!/usr/bin/python3
"""The latency of a light client while heavy ones keep the server busy.

    fairness.py DAEMON [MEMCACHED] [--heavy N,...] [--drain N] [--drain-rate MB]
                [--seconds S] [--rounds R] [--limits] [--pin]

One light client sends a get and waits for its answer, repeatedly: while N connections have
pipelines that never end, and while N slow readers read what has accumulated for them. With a
second server (memcached, started with -t 1; or another build of the daemon) both are
measured alternately, and the medians of the rounds are compared. The heavy clients' throughput
is measured before, without the light one: replies (or MB) a second, and the server's CPU for
each.

The slow readers take --drain-rate MB a second together (0: as much as the server sends): a
server that sends faster is busier, and what a light client waits is compared for the same work.

With --limits and a second server, p50 and p99 have to be at most that server's; without
--limits the figures are only shown. What is always checked needs no quiet machine: that
every answer comes, that the heavy ones are served as well, and that no client is closed.
--pin: the server alone on the last CPU, all clients on the others.
"""
import argparse
import multiprocessing
import os
import selectors
import socket
import statistics
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "helpers"))

from checks import Checks
from client import PATIENCE_S, ask, connect, dial
from server import Server

GET = b"get aaaa\r\n"
REPLY_BYTES = len(b"VALUE aaaa 0 10\r\n" + b"v" * 10 + b"\r\nEND\r\n")
PIPELINE = 1600  # one piece of a pipeline without an end
BIG = 100 * 1024
BIGS = 64        # values that a slow reader asks for at a time
RATE_STEP_S = 0.0005
PAUSE_S = 0.3    # until the heavy ones are under way
EQUAL = 1.1      # timings that differ by less are the same


class Crowd:
    """Connections of one process that send REQUEST without an end, and read all replies."""

    def __init__(self, port, count, request, slow, rate=0):
        self.request, self.slow, self.rate = request, slow, rate
        self.left, self.got = {}, 0
        self.selector = selectors.DefaultSelector()
        for _ in range(count):
            s = dial(port, 65536 if slow else 0)
            s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            s.setblocking(False)
            self.left[s] = memoryview(request)
            self.selector.register(s, selectors.EVENT_READ | selectors.EVENT_WRITE)

    def serve(self, s, ready):
        try:
            if ready & selectors.EVENT_WRITE:
                self.left[s] = self.left[s][s.send(self.left[s]):] or memoryview(self.request)
            if ready & selectors.EVENT_READ:
                got = len(s.recv(65536 if self.slow else 1 << 20))
                if got == 0:
                    raise EOFError("a heavy connection was closed")
                self.got += got
        except BlockingIOError:
            pass

    def run(self, until):
        started, got = time.monotonic(), self.got
        while (now := time.monotonic()) < until:
            if self.rate and self.got - got > self.rate * (now - started):
                time.sleep(RATE_STEP_S)
                continue
            for key, ready in self.selector.select(0.05):
                self.serve(key.fileobj, ready)


def crowd_process(port, count, slow, rate, shared):
    """PAUSE_S of starting, then count what comes until told to end."""
    request = b"get " + b" ".join([b"big"] * BIGS) + b"\r\n" if slow else GET * PIPELINE
    crowd = Crowd(port, count, request, slow, rate if slow else 0)
    if slow:  # they ask, and read nothing until their replies have piled up
        for s in crowd.left:
            s.send(request)
            crowd.selector.modify(s, selectors.EVENT_READ)
        time.sleep(PAUSE_S)
        for s in crowd.left:
            crowd.selector.modify(s, selectors.EVENT_READ | selectors.EVENT_WRITE)
    crowd.run(time.monotonic() + PAUSE_S)
    shared["ready"].set()
    while not shared["end"].is_set():
        crowd.run(time.monotonic() + 0.05)
        shared["got"].value = crowd.got


def cpu_s(pid):
    """Of all its threads."""
    tasks = "/proc/%d/task" % pid
    total = 0
    for task in os.listdir(tasks):
        with open("%s/%s/schedstat" % (tasks, task), encoding="ascii") as f:
            total += int(f.read().split()[0])
    return total / 1e9


def quantile(took, q):
    return sorted(took)[min(len(took) - 1, int(len(took) * q))] * 1e6


def measure(command, count, slow, args):
    """(p50, p99) of the light client in us, units a second of the crowd, CPU us for each."""
    with Server(command) as server:
        pid = server.process.pid
        if args.pin:
            os.sched_setaffinity(pid, {os.cpu_count() - 1})
        light = connect(server)
        light.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        ask(light, b"set aaaa 0 0 10\r\nvvvvvvvvvv\r\n")
        ask(light, b"set big 0 0 %d\r\n%s\r\n" % (BIG, b"b" * BIG))
        shared = {"ready": multiprocessing.Event(), "end": multiprocessing.Event(),
                  "got": multiprocessing.Value("q", 0)}
        crowd = multiprocessing.Process(target=crowd_process,
                                        args=(server.port, count, slow, args.drain_rate * 1e6, shared))
        if count > 0:
            crowd.start()
            if not shared["ready"].wait(PATIENCE_S):
                raise TimeoutError("the heavy clients do not get under way")
        started, cpu, got = time.monotonic(), cpu_s(pid), shared["got"].value
        time.sleep(args.seconds)
        cpu, got = cpu_s(pid) - cpu, shared["got"].value - got
        seconds = time.monotonic() - started
        took, started = [], time.monotonic()
        while time.monotonic() - started < args.seconds:
            before = time.perf_counter()
            if ask(light, b"get nokey\r\n") != b"END\r\n":
                raise ValueError("a wrong answer")
            took.append(time.perf_counter() - before)
        shared["end"].set()
        if count > 0:
            crowd.join()
        units = got / (1e6 if slow else REPLY_BYTES)
        return {"p50": quantile(took, 0.5), "p99": quantile(took, 0.99),
                "rate": units / seconds, "cpu": cpu * 1e6 / units if units else 0,
                "ok": count == 0 or (crowd.exitcode == 0 and got > 0)}


def show(name, server, figures, slow):
    print("%-22s %-10s p50 %6.0f us, p99 %6.0f us; heavy: %8.0f %s/s, CPU %.4g us each" % (
        name, server, figures["p50"], figures["p99"], figures["rate"],
        "MB" if slow else "replies", figures["cpu"]), flush=True)


def compare(checks, args, servers, name, count, slow):
    rounds = {server: [] for server in servers}
    for _ in range(args.rounds):
        for server, command in servers.items():
            rounds[server].append(measure(command, count, slow, args))
            checks.that(rounds[server][-1]["ok"], "%s, %s: the heavy ones are served" % (
                name, server))
    medians = {server: {key: statistics.median(r[key] for r in of)
                        for key in ("p50", "p99", "rate", "cpu")}
               for server, of in rounds.items()}
    for server, figures in medians.items():
        show(name, server, figures, slow)
    if args.limits and len(servers) == 2:
        ours, theirs = medians.values()
        for key in ("p50", "p99"):
            checks.that(ours[key] <= EQUAL * theirs[key], "%s: %s %.0f us, the other %.0f us" % (
                name, key, ours[key], theirs[key]))


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("daemon")
    parser.add_argument("peer", nargs="?")
    parser.add_argument("--heavy", default="0,1,32,200,1000")
    parser.add_argument("--drain", type=int, default=200)
    parser.add_argument("--drain-rate", type=float, default=1000)
    parser.add_argument("--seconds", type=float, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--limits", action="store_true")
    parser.add_argument("--pin", action="store_true")
    args = parser.parse_args()
    if args.pin and os.cpu_count() > 1:
        os.sched_setaffinity(0, set(range(os.cpu_count() - 1)))
    servers = {"lombard": [args.daemon, "-c", "2000"]}
    if args.peer:
        servers[os.path.basename(args.peer)] = [args.peer, "-t", "1", "-c", "2000"]
    checks = Checks()
    for count in (int(word) for word in args.heavy.split(",") if word):
        compare(checks, args, servers, "%d pipelines" % count, count, False)
    if args.drain:
        compare(checks, args, servers, "%d drain" % args.drain, args.drain, True)
    checks.done()


if __name__ == "__main__":
    main()
