#!/usr/bin/python3
"""What the server takes of the host while what it is asked to store changes.

    memory.py DAEMON MB [--limits]

A server of MB megabytes is filled over and over: values of each size
from 1 byte to 1 MB, a mix that goes from 100 bytes to 10 KB and back, keys that are
overwritten, values larger than a segment, and all sizes at random. After each the
peak of its resident memory must be within MB and 5 % and 20 MB, and the parts that
`stats store` names must sum to MB. When a mix of sizes comes back, as many items must
fit as the first time. Without --limits the peak is not checked: sanitizers take more.
"""
import os
import random
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "helpers"))

from checks import Checks
from client import ask, connect, stats
from server import Server

BATCH_BYTES = 1 << 20
PARTS = ("live_bytes", "header_bytes", "dead_bytes", "index_bytes", "pinned_bytes", "free_bytes")


class Memory:
    def __init__(self, server, megabytes, limits, checks):
        self.server, self.limits, self.checks = server, limits, checks
        self.limit = megabytes << 20
        self.client = connect(server)
        self.random = random.Random(1)
        self.junk = self.random.randbytes(16 << 20)
        self.next = 0

    def peak(self):
        with open("/proc/%d/status" % self.server.process.pid, encoding="ascii") as f:
            return next(int(line.split()[1]) << 10 for line in f if line.startswith("VmHWM"))

    def fill(self, name, times, size, keys=None):
        """Store TIMES the limit in values of SIZE() bytes, under new keys or KEYS of them."""
        left, batch, held = int(self.limit * times), [], 0
        while left > 0:
            number = self.random.randrange(keys) if keys else self.next
            self.next += 1
            value = self.junk[:size()]
            batch.append(b"set %016x 0 0 %d noreply\r\n%b\r\n" % (number, len(value), value))
            held += len(value) + 50
            left -= len(value) + 50
            if held > BATCH_BYTES or left <= 0:
                answer = ask(self.client, b"".join(batch) + b"mn\r\n", b"MN\r\n")
                self.checks.that(answer == b"MN\r\n", "%s: all is stored" % name)
                batch, held = [], 0
        return self.check(name)

    def check(self, name):
        layout = stats(self.client, " store")
        total = sum(int(layout[part]) for part in PARTS)
        items = int(stats(self.client)["curr_items"])
        peak = self.peak()
        print("%-24s %9d items, peak %.1f MB, %+.1f %%" %
              (name, items, peak / (1 << 20), 100 * (peak - self.limit) / self.limit), flush=True)
        self.checks.that(not self.limits or peak <= self.limit * 1.05 + (20 << 20), "%s: the limit holds" % name)
        self.checks.that(abs(total - self.limit) <= self.limit / 50, "%s: parts sum up" % name)
        return items

    def run(self):
        first = [self.fill("%d B" % size, 2, lambda: size) for size in (100, 10000)]
        again = [self.fill("%d B again" % size, 2.5, lambda: size) for size in (100, 10000)]
        for before, after in zip(first, again):
            self.checks.that(after >= before * 0.97, "%d items, and later %d" % (before, after))
        for size in (1, 10, 32, 1000, 100000, 1000000):
            self.fill("%d B" % size, 1, lambda: size)
        keys = self.limit // 200
        self.fill("100 B, overwritten", 2, lambda: self.random.randrange(90, 111), keys)
        self.fill("1 to 20 KB, overwritten", 3, lambda: self.random.randrange(1000, 20000),
                  keys // 80)
        large = min(self.limit // 8, len(self.junk))
        self.fill("1 MB and more", 3, lambda: self.random.randrange(1 << 20, large), 200)
        self.fill("any size", 2, lambda: int(2 ** (self.random.random() * 20)))


def main():
    megabytes, limits = int(sys.argv[2]), sys.argv[3:] == ["--limits"]
    checks = Checks()
    with Server([sys.argv[1], "-m", str(megabytes), "-I", "%dm" % (megabytes // 4)]) as server:
        Memory(server, megabytes, limits, checks).run()
        server.check_end(checks)
    checks.done()


main()
