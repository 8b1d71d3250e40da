#!/usr/bin/python3
"""Whether what the server tells of itself is what clients see.

    insight.py DAEMON BENCH [--rate 20000] [--seconds 4] [--rounds 10] [--realtime] [--seeds 3] [--pipeline 100]

Latency: `stats latency` beside what lombard-bench saw in an open loop, the server on one core and
the client on another. What the kernel adds is what the client sees of lombard-bench's floor, a server on the
same core that does next to nothing: in the median of all rounds there is no more than that between the two. A
round in which the host had no time for this machine is repeated; --realtime lets both go before other work. Then
the server is given much to do at once, and stopped for 20 ms, until that hits an iteration: it has to appear in
both. Hot keys: how many of the true 20 hottest of a million (zipf 0.99) are shown after 10 s, and whether a key
that suddenly gets 5 % of all requests is shown within a second.
"""
import argparse
import itertools
import json
import os
import random
import signal
import socket
import statistics
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "helpers"))
from checks import Checks
from server import Server, end_on_sigterm

KEYS, TOP, ZIPF = 1000000, 20, 0.99
STOPS, STOP_S = 20, 0.02
MUCH = 50000  # requests: some milliseconds' work
TRIES = 10
MARGIN = 0.1  # quantiles of a sum are not the sum of quantiles
checks = Checks()


def stats_of(port, group):
    with socket.create_connection(("127.0.0.1", port)) as s:
        s.sendall(b"stats %s\r\n" % group.encode())
        text = b""
        while not text.endswith(b"END\r\n"):
            data = s.recv(1 << 16)
            if not data:
                raise ConnectionError("the server ended a connection")
            text += data
    return dict(line.split(" ", 2)[1:] for line in text.decode().splitlines()[:-1])


def cores():
    mine = sorted(os.sched_getaffinity(0))
    return mine[0], mine[-1]


# --- Latency ---


def stolen():
    """Since the start, in 1/100 s: what a hypervisor gave to others, of all cores."""
    with open("/proc/stat", encoding="ascii") as file:
        return int(file.readline().split()[8])


def first(o):
    """Before a process begins: it goes before all others."""
    return (lambda: os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))) if o.realtime else None


def reset(port):
    with socket.create_connection(("127.0.0.1", port)) as s:
        s.sendall(b"stats reset\r\n")
        s.recv(64)


def compare_once(o, server):
    """{quantile: (what the server says, its client, the floor's client)}, in microseconds."""
    reset(server.port)
    done = subprocess.run([o.bench, "-s", "127.0.0.1:%d" % server.port, "--compare", "floor", "--rounds", "2",
                           "--server-pid", str(server.process.pid), "-c", "50", "-d", "300ms", "-w", "50ms",
                           "-k", "10000", "-r", "1:0", "--rate", str(o.rate), "--json", "-"],
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, preexec_fn=first(o), check=False)
    told = [one["latency_us"]["all"] for one in json.loads(done.stdout)["servers"]]
    here = stats_of(server.port, "latency")
    return {what: (float(here["get:ever:%s_us" % what]), told[0][what], told[1][what]) for what in ("p50", "p90", "p99")}


def compare(o, server):
    rounds = []
    for _ in range(o.rounds):
        for _ in range(TRIES):
            before = stolen()
            seen = compare_once(o, server)
            if stolen() == before:
                break
        rounds.append(seen)
    for what in rounds[0]:
        here, there, floor = (statistics.median(r[what][i] for r in rounds) for i in range(3))
        between = statistics.median(r[what][1] - r[what][0] for r in rounds)
        print("latency %s at %d/s: server %.1f us, client %.1f us: %.1f us between; client of the floor %.1f us" %
              (what, o.rate, here, there, between, floor), flush=True)
        checks.that(here <= there, "the server tells no more than the client saw:", what)
        checks.that(between <= floor * (1 + MARGIN), "what is between is the kernel's:", what)


def bench(o, port):
    return subprocess.Popen([o.bench, "-s", "127.0.0.1:%d" % port, "-c", "50", "-d", "%ds" % o.seconds,
                             "-w", "500ms", "-k", "10000", "-r", "1:0", "-f", "--rate", str(o.rate),
                             "--json", "-"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)


def told_by(child):
    """What the client saw, from sending a request: of all of them, in microseconds."""
    return json.loads(child.communicate()[0])["servers"][0]["latency_us"]["all"]


def stop_for_a_moment(server, s):
    """While it is at work: what it does not know of yet would wait in the kernel."""
    s.sendall(b"get nothing\r\n" * MUCH)
    server.process.send_signal(signal.SIGSTOP)
    time.sleep(STOP_S)
    server.process.send_signal(signal.SIGCONT)
    left = len(b"END\r\n") * MUCH
    while left > 0:
        left -= len(s.recv(left))


def seen_us(port, what):
    return float(stats_of(port, "latency").get("get:10s:" + what, "0"))


def latency(o, server):
    told_by(bench(o, server.port))  # all keys are there now
    compare(o, server)
    child = bench(o, server.port)
    time.sleep(1)
    stops = 0
    busy = socket.create_connection(("127.0.0.1", server.port))
    while stops < STOPS and child.poll() is None and \
            seen_us(server.port, "max_us") < STOP_S * 1e6:
        stop_for_a_moment(server, busy)
        stops += 1
        time.sleep(0.01)
    here = seen_us(server.port, "max_us")
    there = told_by(child)["max"]
    print("stopped %d times for %d ms: longest: server %.1f us, client %.1f us" %
          (stops, STOP_S * 1000, here, there), flush=True)
    checks.that(here >= STOP_S * 1e6 * 0.9, "a stalled iteration is seen by the server")
    checks.that(there >= STOP_S * 1e6 * 0.9, "and by the client")


# --- Hot keys ---


def ask(s, numbers, pipeline):
    for begin in range(0, len(numbers), pipeline):
        part = numbers[begin:begin + pipeline]
        s.sendall(b"".join(b"get k%d\r\n" % number for number in part))
        left = 5 * len(part)  # each is a miss: "END\r\n"
        while left > 0:
            left -= len(s.recv(left))


def ask_for(s, o, seconds, draw):
    """Requests a second."""
    end, count = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        numbers = draw(2000)
        ask(s, numbers, o.pipeline)
        count += len(numbers)
    return count / seconds


def hot_numbers(port):
    return [value for name, value in stats_of(port, "hotkeys").items() if name.endswith(":key")]


def hot_keys(o, server, weights, seed):
    rng = random.Random(seed)
    sudden = KEYS + seed
    with socket.create_connection(("127.0.0.1", server.port)) as s:
        s.sendall(b"stats reset\r\n")
        s.recv(64)
        rate = ask_for(s, o, 10, lambda n: rng.choices(range(KEYS), cum_weights=weights, k=n))
        shown = hot_numbers(server.port)
        found = sum("k%d" % number in shown for number in range(TOP))
        ask_for(s, o, 1, lambda n: [sudden if rng.random() < 0.05 else number for number in
                                    rng.choices(range(KEYS), cum_weights=weights, k=n)])
        rank = (hot_numbers(server.port) + ["k%d" % sudden]).index("k%d" % sudden) + 1
    print("hot keys, seed %d: %d of the true %d after 10 s at %d requests a second; a sudden one is "
          "number %d after 1 s" % (seed, found, TOP, rate, rank), flush=True)
    checks.that(found >= TOP - 1, "the hottest are shown, seed", seed)
    checks.that(rank <= len(shown), "a sudden one is shown within a second, seed", seed)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("daemon")
    parser.add_argument("bench")
    parser.add_argument("--rate", type=int, default=20000)
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--realtime", action="store_true", help="server and client go before all others")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--pipeline", type=int, default=100)
    o = parser.parse_args()
    end_on_sigterm()
    weights = list(itertools.accumulate((i + 1) ** -ZIPF for i in range(KEYS)))
    with Server([o.daemon, "-m", "64"]) as server:
        os.sched_setaffinity(server.process.pid, {cores()[0]})
        if o.realtime:
            os.sched_setscheduler(server.process.pid, os.SCHED_FIFO, os.sched_param(1))
        os.sched_setaffinity(0, {cores()[1]})
        latency(o, server)
        for seed in range(1, o.seeds + 1):
            hot_keys(o, server, weights, seed)
        server.check_end(checks)
    checks.done()


main()
