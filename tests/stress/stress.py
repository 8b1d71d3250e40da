#!/usr/bin/python3
"""Many bad clients on real sockets.

    stress.py DAEMON SCENARIO [COUNT] [--limits]

Scenarios:
    stalled  COUNT clients ask for 64 x 100 KB each and read nothing; others are
             served meanwhile; then they read, and every byte must be right
    idle     COUNT connections that each did a set and a get of 1 KB hold no buffer
    partial  COUNT connections with a partial command hold some bytes each, no buffer
    churn    COUNT connections are opened, used and closed or reset

Figures are printed. What depends on the build (resident bytes) is only checked
with --limits, which means a release build.
"""
import os
import resource
import socket
import struct
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "helpers"))

from checks import Checks
from client import VALUE_BYTES, VALUES, ask, connect, read_all, stats, value, wait_until_at_most
from server import Server

BUFFER_KB = 16
SLACK_BYTES = 1 << 20  # what a few buffers and items take, however many connections there are


def good_client(checks, s, rounds, name):
    """A well-behaved client stores and reads back."""
    slowest = 0.0
    for i in range(rounds):
        body = b"%s-%d" % (name, i) * 20
        started = time.monotonic()
        stored = ask(s, b"set good-%d 0 0 %d\r\n%s\r\n" % (i, len(body), body))
        got = ask(s, b"get good-%d\r\n" % i, b"END\r\n")
        slowest = max(slowest, time.monotonic() - started)
        if stored != b"STORED\r\n" or body not in got:
            checks.that(False, "the good client reads what it stored")
            return slowest
    checks.that(True, "the good client reads what it stored")
    return slowest


def stalled(checks, server, count, limits):
    good = connect(server)
    values = [value(i, VALUE_BYTES) for i in range(VALUES)]
    for i, v in enumerate(values):
        checks.that(ask(good, b"set big-%d 0 0 %d\r\n%s\r\n" % (i, len(v), v)) == b"STORED\r\n",
                    "a value is stored")
    keys = b" ".join(b"big-%d" % i for i in range(VALUES))
    want = b"".join(b"VALUE big-%d 0 %d\r\n%s\r\n" % (i, len(v), v)
                    for i, v in enumerate(values)) + b"END\r\n"
    clients = [connect(server, 4096) for _ in range(count)]
    for s in clients:
        ask(s, b"version\r\n")
    before_kb = server.rss_kb()
    for s in clients:
        s.sendall(b"get " + keys + b"\r\n")
    slowest = good_client(checks, good, 200, b"stalled")
    time.sleep(0.5)
    held = stats(good, " buffers")
    grown_kb = server.rss_kb() - before_kb
    print("stalled: %d clients, %d buffers lent, resident +%d KB (%.1f KB each), "
          "slowest good request %.1f ms" % (count, int(held["buffers_lent"]), grown_kb,
                                            grown_kb / count, slowest * 1000))
    # One each, and the two of the connection that asks.
    checks.that(int(held["buffers_lent"]) <= count + 2, "a stalled client holds one buffer")
    if limits:
        checks.that(grown_kb <= count * BUFFER_KB + 2048, "memory is bounded by one buffer each")
    right = sum(read_all(s, want) for s in clients)
    checks.that(right == count, "all %d read every byte right, not %d" % (count, right))
    for s in clients:
        s.close()
    wait_until_at_most(checks, good, "buffers_lent", 2)


def idle(checks, server, count, limits):
    good = connect(server)
    body = b"x" * 1024
    clients = [connect(server) for _ in range(min(count, 200))]
    for s in clients:
        ask(s, b"version\r\n")
    before_kb, before = server.rss_kb(), len(clients)
    clients += [connect(server) for _ in range(count - before)]
    for i, s in enumerate(clients):
        ask(s, b"set idle-%d 0 0 1024\r\n%s\r\n" % (i % 100, body))
        ask(s, b"get idle-%d\r\n" % (i % 100), b"END\r\n")
    held = stats(good, " buffers")
    each = (server.rss_kb() - before_kb) * 1024 / (count - before or 1)
    print("idle: %d connections, %s buffers lent, resident bytes each: %.0f"
          % (count, held["buffers_lent"], each))
    checks.that(int(held["buffers_lent"]) <= 2, "an idle connection holds no buffer")
    if limits:
        checks.that(each * count <= 256 * count + SLACK_BYTES, "a sleeping connection costs little")
    for s in clients:
        s.close()


def partial(checks, server, count, limits):
    good = connect(server)
    clients = [connect(server) for _ in range(min(count, 200))]
    for i, s in enumerate(clients):
        s.sendall(b"set partial-%d 0 0 10" % i)
    ask(good, b"version\r\n")
    before_kb, before = server.rss_kb(), len(clients)
    clients += [connect(server) for _ in range(count - before)]
    for i, s in enumerate(clients[before:]):
        s.sendall(b"set partial-%d 0 0 10" % (i + before))
    good_client(checks, good, 20, b"partial")
    held = stats(good, " buffers")
    each = (server.rss_kb() - before_kb) * 1024 / (count - before or 1)
    print("partial: %d connections, %s buffers lent, %s stash bytes, resident bytes each: %.0f"
          % (count, held["buffers_lent"], held["stash_bytes"], each))
    checks.that(int(held["buffers_lent"]) <= 2, "a partial command holds no buffer")
    if limits:
        checks.that(each * count <= 512 * count + SLACK_BYTES,
                    "a partial command costs at most 512 bytes")
    right = 0
    for i, s in enumerate(clients):
        right += ask(s, b"00\r\n" + b"y" * 1000 + b"\r\n") == b"STORED\r\n"
    checks.that(right == count, "each partial command is completed")
    for s in clients:
        s.close()
    wait_until_at_most(checks, good, "stash_bytes", 0)


def churn(checks, server, count, _limits):
    good = connect(server)
    reset = struct.pack("ii", 1, 0)
    for i in range(count):
        s = connect(server)
        kind = i % 4
        if kind < 2:
            ask(s, b"get nothing\r\n", b"END\r\n")
        elif kind == 2:
            s.sendall(b"get noth")
        if kind != 1:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)
        s.close()
    good_client(checks, good, 50, b"churn")
    end = time.monotonic() + 60
    while int(stats(good)["curr_connections"]) > 1 and time.monotonic() < end:
        time.sleep(0.05)
    now = stats(good)
    checks.that(int(now["curr_connections"]) == 1, "all connections are gone")
    checks.that(int(now["total_connections"]) == count + 1, "all connections were counted")
    closed = sum(int(v) for k, v in now.items() if k.startswith("conn_closed_"))
    checks.that(closed == count, "all closes have a reason: %d of %d" % (closed, count))
    wait_until_at_most(checks, good, "buffers_lent", 2)
    print("churn: %d connections came and went" % count)


SCENARIOS = {"stalled": (stalled, 200), "idle": (idle, 10000), "partial": (partial, 10000),
             "churn": (churn, 100000)}


def raise_limit(count):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < min(count, 19000) + 200 and "churn" not in sys.argv:
        print("stress: only %d descriptors: skipped" % hard)
        sys.exit(77)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(max(soft, count + 200), hard), hard))


def main():
    args = [a for a in sys.argv[1:] if a != "--limits"]
    scenario, default = SCENARIOS[args[1]]
    count = int(args[2]) if len(args) > 2 else default
    raise_limit(count)
    checks = Checks()
    # Memory that is taken ahead of need would come between two looks at what is resident.
    with Server([args[0], "-m", "256", "--huge-pages=off", "-c", str(count + 100)]) as server:
        scenario(checks, server, count, "--limits" in sys.argv)
        server.check_end(checks)
    checks.done()


main()
