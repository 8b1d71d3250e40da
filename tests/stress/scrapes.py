#!/usr/bin/python3
"""What scrapers and open status pages cost clients: p99 with them, against without.

    scrapes.py DAEMON BENCH [--scrapes 10000] [--pages 50] [--rate 20000] [--ms 200] [--rounds 100] [--realtime]

Short rounds with and without take turns, and the median of the ratios is told with its 95 % interval, of what
clients saw and of what the server says of its gets; it has to be at most 1.05. Only a quiet machine tells the
truth: the server has one core, load and scrapers another one, and the scrapers, which are a process of their
own, give way to the load. On a machine with other work --realtime lets server and load go before it
(SCHED_FIFO). What the scrapers really asked is counted, and has to be 90 % of what was wanted.
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
SCRAPERS = 10
READ_BYTES = 1 << 14  # what takes a call long, delays the load, which has the same core
SETTLE_S = 0.05
TRIES = 10
RATIO_MAX = 1.05
DONE_MIN = 0.9  # of what the scrapers want
checks = Checks()


class Asker:
    """One connection that asks for TARGETS in turn, every EVERY_S, as soon as it has the answer."""

    def __init__(self, port, targets, every_s, share):
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.targets, self.every_s, self.next_s = targets, every_s, share * every_s
        self.asked, self.answered, self.waits, self.tail = 0, 0, False, b""

    def ask(self, on_s):
        """Time is that in which it was to ask."""
        if self.waits or on_s < self.next_s:
            return
        self.socket.sendall(REQUEST % self.targets[self.asked % len(self.targets)])
        self.asked += 1
        self.waits = True
        self.next_s += self.every_s

    def read(self):
        data = self.socket.recv(READ_BYTES)
        if not data:
            raise ConnectionError("the server ended a scraper's connection")
        self.tail = (self.tail + data)[-16:]
        if self.tail.endswith((b"\r\n0\r\n\r\n", b"Not Found\n")):
            self.waits = False
            self.answered += 1


def make_askers(port, scrapes_a_minute, pages):
    every_s = 60 * SCRAPERS / scrapes_a_minute
    return ([Asker(port, [b"/metrics"], every_s, i / SCRAPERS) for i in range(SCRAPERS)] +
            [Asker(port, PAGE, 1 / PAGE_ASKS, i / pages) for i in range(pages)])


def scrape(port, scrapes_a_minute, pages):
    """Each line of standard input says "on" or "off"; at its end, how many answers a second came of each kind."""
    os.nice(19)
    selector = selectors.DefaultSelector()
    askers, on, on_s, since = make_askers(port, scrapes_a_minute, pages), False, 0, 0
    for asker in askers:
        selector.register(asker.socket, selectors.EVENT_READ, asker)
    selector.register(sys.stdin, selectors.EVENT_READ)
    while True:
        for key, _ in selector.select(0.002 if on else None):
            if key.data is not None:
                key.data.read()
                continue
            word = os.read(0, 16)  # one line: what is said next waits for what this one did
            now = time.monotonic()
            on_s += now - since if on else 0
            on, since = word == b"on\n", now
            if not word:
                by_kind = [sum(a.answered for a in some) / on_s for some in (askers[:SCRAPERS], askers[SCRAPERS:])]
                print("%.1f %.1f" % tuple(by_kind), flush=True)
                return
        now = time.monotonic()
        for asker in askers if on else []:
            asker.ask(on_s + now - since)


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


def stolen():
    """Since the start, in 1/100 s: what a hypervisor gave to others, of all cores."""
    with open("/proc/stat", encoding="ascii") as file:
        return int(file.readline().split()[8])


def p99_us(o, port, operator):
    """As its clients saw it, and as the server did; measured again when the host had no time for this machine."""
    for _ in range(TRIES):
        before = stolen()
        seen = measure_once(o, port, operator)
        if stolen() == before:
            break
    return seen


def measure_once(o, port, operator):
    ask(operator, b"stats reset\r\n", b"RESET\r\n")
    done = subprocess.run([o.bench, "-s", "127.0.0.1:%d" % port, "-c", "50", "-d", "%dms" % o.ms,
                           "-w", "50ms", "-k", "100000", "--rate", str(o.rate), "--json", "-"],
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False, preexec_fn=first(o))
    # From a request's sending on: what the load itself is late by has the scrapers' core as its cause.
    return (json.loads(done.stdout)["servers"][0]["latency_us"]["all"]["p99"],
            float(stats(operator, " latency")["get:ever:p99_us"]))


def start_scrapers(o, http):
    scraper = subprocess.Popen([sys.executable, __file__, "--scraper", str(http), "--scrapes", str(o.scrapes),
                                "--pages", str(o.pages)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    os.sched_setaffinity(scraper.pid, {cores()[1]})
    return scraper


def tell(scraper, word):
    scraper.stdin.write(word)
    scraper.stdin.flush()
    time.sleep(SETTLE_S)


def end_scrapers(o, scraper):
    """Whether they did what was wanted."""
    checks.that(scraper.poll() is None, "the scrapers were there to the end")
    scrapes, pages = (float(word) for word in scraper.communicate()[0].split())
    print("%.0f scrapes a minute, %.0f answers a second for pages" % (scrapes * 60, pages))
    checks.that(scrapes >= DONE_MIN * o.scrapes / 60 and pages >= DONE_MIN * o.pages * PAGE_ASKS,
                "they asked what was wanted:", scrapes, pages)


def measure(o, server, http):
    ratios = []
    operator = connect(server)
    fill(o, server.port)
    scraper = start_scrapers(o, http)
    end = time.monotonic() + o.limit
    for number in range(o.rounds):
        seen = {}
        for with_them in ((False, True), (True, False))[number % 2]:
            if with_them:
                tell(scraper, b"on\n")
            seen[with_them] = p99_us(o, server.port, operator)
            if with_them:
                tell(scraper, b"off\n")
        ratios.append([seen[True][i] / seen[False][i] for i in (0, 1)])
        print("p99 without %.1f, with %.1f: %.3f; by the server %.1f, %.1f: %.3f" % (
            seen[False][0], seen[True][0], ratios[-1][0], seen[False][1], seen[True][1], ratios[-1][1]), flush=True)
        if time.monotonic() > end:
            break
    end_scrapers(o, scraper)
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
    parser.add_argument("--ms", type=int, default=200, help="of a round")
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--limit", type=float, default=600, help="seconds: no further round after that")
    parser.add_argument("--realtime", action="store_true", help="server and load go before all others")
    parser.add_argument("--scraper", type=int, help=argparse.SUPPRESS)
    o = parser.parse_args()
    if o.scraper is not None:
        scrape(o.scraper, o.scrapes, o.pages)
        return
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
