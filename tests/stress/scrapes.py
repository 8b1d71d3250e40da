#!/usr/bin/python3
"""What scrapers and open status pages cost clients: p99 with them, against without.

    scrapes.py DAEMON BENCH [--scrapes 10000] [--pages 50] [--rate 20000] [--seconds 1] [--rounds 25] [--realtime]

Rounds with and without take turns, and the median of the ratios is told with its 95 % interval, of what
clients saw and of what the server says of its gets; it has to be at most 1.05. Only a quiet machine tells the truth: the server has one core, load and scrapers another one,
and the scrapers, which are a process of their own, give way to the load. On a machine with other work
--realtime lets server and load go before it (SCHED_FIFO). What the scrapers really asked is counted, and has
to be 90 % of what was wanted.
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
from client import ask, connect, stats
from http_client import port_of
from server import Server, end_on_sigterm

REQUEST = b"GET %s HTTP/1.1\r\nHost: a\r\n\r\n"
# What a page asks for: once a second all, and now and then its lists.
PAGE = [b"/stats.json"] * 3 + [b"/stats.json?group=conns%20top%20bytes_out%2010",
                               b"/stats.json?group=hotkeys"]
PAGE_ASKS = 1.2  # a second
RATIO_MAX = 1.05
DONE_MIN = 0.9  # of what the scrapers want
checks = Checks()


class Asker:
    """One connection that asks for TARGETS in turn, every EVERY_S, as soon as it has the answer."""

    def __init__(self, port, targets, every_s, begin):
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.targets, self.every_s, self.next_s = targets, every_s, begin
        self.asked, self.answered, self.waits, self.tail = 0, 0, False, b""

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
            self.answered += 1


def scrape(port, scrapes_a_minute, pages):
    """Until this process is ended; then it says how many answers a second came of each kind."""
    os.nice(19)
    end_on_sigterm()
    selector = selectors.DefaultSelector()
    scrapers, now = 10, time.monotonic()
    every_s = 60 * scrapers / scrapes_a_minute
    askers = [Asker(port, [b"/metrics"], every_s, now + i * every_s / scrapers)
              for i in range(scrapers)]
    askers += [Asker(port, PAGE, 1 / PAGE_ASKS, now + i / pages) for i in range(pages)]
    for asker in askers:
        selector.register(asker.socket, selectors.EVENT_READ, asker)
    begin_s = now
    try:
        while True:
            for key, _ in selector.select(0.002):
                key.data.read()
            now = time.monotonic()
            for asker in askers:
                asker.ask(now)
    finally:
        by_kind = [sum(a.answered for a in some) / (now - begin_s) for some in (askers[:scrapers], askers[scrapers:])]
        print("%.1f %.1f" % tuple(by_kind), flush=True)


def cores():
    """The server's, and that of all others."""
    mine = sorted(os.sched_getaffinity(0))
    return mine[0], mine[-1]


def first(o):
    """Before a process begins: it goes before all others."""
    return (lambda: os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))) if o.realtime else None


def fill(o, port):
    subprocess.run([o.bench, "-s", "127.0.0.1:%d" % port, "-k", "100000", "-f", "-c", "1", "-n", "1"],
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)


def p99_us(o, port, operator):
    """As its clients saw it, and as the server did."""
    ask(operator, b"stats reset\r\n", b"RESET\r\n")
    done = subprocess.run([o.bench, "-s", "127.0.0.1:%d" % port, "-c", "50", "-d", "%ds" % o.seconds,
                           "-w", "200ms", "-k", "100000", "--rate", str(o.rate), "--json", "-"],
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False, preexec_fn=first(o))
    # From a request's sending on: what the load itself is late by has the scrapers' core as its cause.
    return (json.loads(done.stdout)["servers"][0]["latency_us"]["all"]["p99"],
            float(stats(operator, " latency")["get:ever:p99_us"]))


def end_scrapers(o, scraper):
    """What they did, as a text."""
    checks.that(scraper.poll() is None, "the scrapers were there to the end")
    scraper.terminate()
    scrapes, pages = (float(word) for word in scraper.communicate()[0].split())
    checks.that(scrapes >= DONE_MIN * o.scrapes / 60 and pages >= DONE_MIN * o.pages * PAGE_ASKS,
                "they asked what was wanted:", scrapes, pages)
    return "%.0f scrapes a minute, %.0f answers a second for pages" % (scrapes * 60, pages)


def measure(o, server, http):
    others = cores()[1]
    ratios, did = [], ""
    operator = connect(server)
    fill(o, server.port)
    for number in range(o.rounds):
        seen = {}
        for with_them in ((False, True), (True, False))[number % 2]:
            scraper = None
            if with_them:
                scraper = subprocess.Popen([sys.executable, __file__, "--scraper", str(http),
                                            "--scrapes", str(o.scrapes), "--pages", str(o.pages)],
                                           stdout=subprocess.PIPE, encoding="ascii")
                os.sched_setaffinity(scraper.pid, {others})
                time.sleep(0.3)
            seen[with_them] = p99_us(o, server.port, operator)
            if scraper is not None:
                did = end_scrapers(o, scraper)
        ratios.append([seen[True][i] / seen[False][i] for i in (0, 1)])
        print("p99 without %.1f, with %.1f: %.3f; by the server %.1f, %.1f: %.3f; %s" % (
            seen[False][0], seen[True][0], ratios[-1][0], seen[False][1], seen[True][1], ratios[-1][1], did), flush=True)
    return [sorted(of) for of in zip(*ratios)]


def median_with_interval(ratios):
    """The median of RATIOS, which are sorted, and between which two of them it is with 95 % (by their order alone)."""
    n = len(ratios)
    off = max(0, int(n / 2 - 0.98 * n ** 0.5))
    return statistics.median(ratios), ratios[off], ratios[n - 1 - off]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("daemon", nargs="?")
    parser.add_argument("bench", nargs="?")
    parser.add_argument("--scrapes", type=int, default=10000, help="a minute")
    parser.add_argument("--pages", type=int, default=50)
    parser.add_argument("--rate", type=int, default=20000)
    parser.add_argument("--seconds", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=25)
    parser.add_argument("--realtime", action="store_true", help="server and load go before all others")
    parser.add_argument("--scraper", type=int, help=argparse.SUPPRESS)
    o = parser.parse_args()
    if o.scraper is not None:
        scrape(o.scraper, o.scrapes, o.pages)
    end_on_sigterm()
    with Server([o.daemon, "-m", "256", "--http", "127.0.0.1:0", "--http-conns", "256"]) as server:
        os.sched_setaffinity(server.process.pid, {cores()[0]})
        if o.realtime:
            os.sched_setscheduler(server.process.pid, os.SCHED_FIFO, os.sched_param(1))
        os.sched_setaffinity(0, {cores()[1]})
        for who, ratios in zip(("clients", "the server"), measure(o, server, port_of(server))):
            ratio, low, high = median_with_interval(ratios)
            print("median of the ratios, by %s: %.3f (%.3f to %.3f)" % (who, ratio, low, high))
            checks.that(ratio <= RATIO_MAX, "p99 with scrapes is at most", RATIO_MAX, "of that without, by", who)
        server.check_end(checks)
    checks.done()


main()
