#!/usr/bin/python3
"""What scrapers and open status pages cost clients: p99 with them, against without.

    scrapes.py DAEMON BENCH [--scrapes 10000] [--pages 50] [--rate 20000] [--seconds 4] [--rounds 6]

Rounds with and without take turns, and the median of the ratios is told; it has to be at most
1.05. Only a quiet machine tells the truth: the server has one core, load and scrapers another one,
and the scrapers, which are a process of their own, give way to the load.
"""
import argparse
import json
import os
import selectors
import socket
import statistics
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "helpers"))
from checks import Checks
from http_client import port_of
from server import Server, end_on_sigterm

REQUEST = b"GET %s HTTP/1.1\r\nHost: a\r\n\r\n"
# What a page asks for: once a second all, and now and then its lists.
PAGE = [b"/stats.json"] * 3 + [b"/stats.json?group=conns%20top%20bytes_out%2010",
                               b"/stats.json?group=hotkeys"]
RATIO_MAX = 1.05
checks = Checks()


class Asker:
    """One connection that asks for TARGETS in turn, every EVERY_S, as soon as it has the answer."""

    def __init__(self, port, targets, every_s, begin):
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.targets, self.every_s, self.next_s = targets, every_s, begin
        self.asked, self.waits, self.tail = 0, False, b""

    def ask(self, now):
        if self.waits or now < self.next_s:
            return
        self.socket.sendall(REQUEST % self.targets[self.asked % len(self.targets)])
        self.asked += 1
        self.waits = True
        self.next_s += self.every_s

    def read(self):
        data = self.socket.recv(1 << 17)
        if not data:
            raise ConnectionError("the server ended a scraper's connection")
        self.tail = (self.tail + data)[-16:]
        if self.tail.endswith((b"\r\n0\r\n\r\n", b"Not Found\n")):
            self.waits = False


def scrape(port, scrapes_a_minute, pages):
    """Until this process is ended."""
    os.nice(19)
    selector = selectors.DefaultSelector()
    scrapers, now = 10, time.monotonic()
    every_s = 60 * scrapers / scrapes_a_minute
    askers = [Asker(port, [b"/metrics"], every_s, now + i * every_s / scrapers)
              for i in range(scrapers)]
    askers += [Asker(port, PAGE, 1 / 1.2, now + i / pages) for i in range(pages)]
    for asker in askers:
        selector.register(asker.socket, selectors.EVENT_READ, asker)
    while True:
        for key, _ in selector.select(0.002):
            key.data.read()
        now = time.monotonic()
        for asker in askers:
            asker.ask(now)


def cores():
    """The server's, and that of all others."""
    mine = sorted(os.sched_getaffinity(0))
    return mine[0], mine[-1]


def p99_us(o, port):
    done = subprocess.run([o.bench, "-s", "127.0.0.1:%d" % port, "-c", "50", "-d", "%ds" % o.seconds,
                           "-w", "500ms", "-k", "100000", "-f", "--rate", str(o.rate), "--json", "-"],
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
    return find(json.loads(done.stdout)["servers"][0], "p99")


def find(node, name):
    """The first NAME... in what the bench told, whatever it is in."""
    for key, value in node.items() if isinstance(node, dict) else enumerate(node):
        if isinstance(key, str) and (key == name or key.startswith(name + "_")) and \
                isinstance(value, (int, float)):
            return value
        if isinstance(value, (dict, list)):
            found = find(value, name)
            if found is not None:
                return found
    return None


def measure(o, server, http):
    others = cores()[1]
    ratios = []
    for number in range(o.rounds):
        seen = {}
        for with_them in ((False, True), (True, False))[number % 2]:
            scraper = None
            if with_them:
                scraper = subprocess.Popen([sys.executable, __file__, "--scraper", str(http),
                                            "--scrapes", str(o.scrapes), "--pages", str(o.pages)])
                os.sched_setaffinity(scraper.pid, {others})
                time.sleep(0.5)
            seen[with_them] = p99_us(o, server.port)
            if scraper is not None:
                checks.that(scraper.poll() is None, "the scrapers were there to the end")
                scraper.terminate()
                scraper.wait()
        ratios.append(seen[True] / seen[False])
        print("p99 without %.1f, with %.1f: %.3f" % (seen[False], seen[True], ratios[-1]), flush=True)
    return statistics.median(ratios)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("daemon", nargs="?")
    parser.add_argument("bench", nargs="?")
    parser.add_argument("--scrapes", type=int, default=10000, help="a minute")
    parser.add_argument("--pages", type=int, default=50)
    parser.add_argument("--rate", type=int, default=20000)
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--scraper", type=int, help=argparse.SUPPRESS)
    o = parser.parse_args()
    if o.scraper is not None:
        scrape(o.scraper, o.scrapes, o.pages)
    end_on_sigterm()
    with Server([o.daemon, "-m", "256", "--http", "127.0.0.1:0", "--http-conns", "256"]) as server:
        os.sched_setaffinity(server.process.pid, {cores()[0]})
        os.sched_setaffinity(0, {cores()[1]})
        ratio = measure(o, server, port_of(server))
        print("median of the ratios: %.3f" % ratio)
        checks.that(ratio <= RATIO_MAX, "p99 with scrapes is at most", RATIO_MAX, "of that without")
        server.check_end(checks)
    checks.done()


main()
