#!/usr/bin/python3
"""The limit on memory goes up and down while clients store.

    limit.py DAEMON [SECONDS] [--limits]

A server of 128 MB is filled by three clients: many small values, some larger ones, and values
of up to 900 KB. Every SECONDS (1 by default) the limit becomes another one. Nothing may be
refused, and nothing broken. With --limits, resident memory must be within the limit and 8 MB
after each of them (sanitizers take more).
"""
import os
import random
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "helpers"))

from checks import Checks
from client import PATIENCE_S, ask, connect, stats
from server import Server

KEYS = 1000000
LIMITS_MB = (32, 64, 16, 256, 8, 128)


class Client(threading.Thread):
    """Stores values of SIZES in batches of COUNT until it is told to stop."""

    def __init__(self, server, seed, sizes, count):
        super().__init__()
        self.socket = connect(server)
        self.random = random.Random(seed)
        self.sizes, self.count = sizes, count
        self.stopped = False
        self.refused = self.longest_s = 0

    def run(self):
        junk = bytes(max(self.sizes))
        while not self.stopped:
            batch = []
            for _ in range(self.count):
                value = junk[:self.random.choice(self.sizes)]
                batch.append(b"set k%d 0 0 %d noreply\r\n%b\r\n" %
                             (self.random.randrange(KEYS), len(value), value))
            since = time.monotonic()
            answer = ask(self.socket, b"".join(batch) + b"mn\r\n", b"MN\r\n")
            self.longest_s = max(self.longest_s, time.monotonic() - since)
            self.refused += answer != b"MN\r\n"


def resident(server):
    with open("/proc/%d/status" % server.process.pid, encoding="ascii") as f:
        return next(int(line.split()[1]) << 10 for line in f if line.startswith("VmRSS"))


def most(megabytes):
    return (megabytes + 8) << 20


def within(server, megabytes):
    """What is resident, as soon as it is within the limit of MEGABYTES; a busy host takes longer."""
    end = time.monotonic() + PATIENCE_S
    while resident(server) > most(megabytes) and time.monotonic() < end:
        time.sleep(0.05)
    return resident(server)


def main():
    limits = "--limits" in sys.argv
    words = [word for word in sys.argv[2:] if word != "--limits"]
    seconds = float(words[0]) if words else 1
    checks = Checks()
    with Server([sys.argv[1], "-m", "128"]) as server:
        control = connect(server)
        clients = [Client(server, 1, (200,), 300), Client(server, 2, (50, 5000), 30),
                   Client(server, 3, (300000, 900000), 1)]
        for client in clients:
            client.start()
        time.sleep(2 * seconds)
        for megabytes in LIMITS_MB:
            answer = ask(control, b"cache_memlimit %d\r\n" % megabytes, b"\r\n")
            checks.that(answer == b"OK\r\n", "%d MB: the limit is taken" % megabytes)
            time.sleep(seconds)
            now = within(server, megabytes) if limits else resident(server)
            print("%4d MB: resident %.1f MB" % (megabytes, now / (1 << 20)), flush=True)
            checks.that(not limits or now <= most(megabytes), "%d MB: it is kept to" % megabytes)
        for client in clients:
            client.stopped = True
            client.join()
            checks.that(client.refused == 0, "all was stored")
        print("longest batch %.3f s" % max(client.longest_s for client in clients))
        checks.that(stats(control)["store_no_memory"] == "0", "nothing lacked memory")
        server.check_end(checks)
    checks.done()


main()
