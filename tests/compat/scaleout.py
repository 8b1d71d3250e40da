#!/usr/bin/python3
"""Three Lombards as one cache: one of them is killed and started again under load.

    scaleout.py LOMBARD WAY

WAY is how clients find the instance of a key: nutcracker (Debian's twemproxy, a failed
instance keeps its keys), nutcracker-ejecting (its keys move to the others), pymemcache or
pylibmc (consistent hashing in the client), or refusals: no instance is killed, but some
requests are refused, which must not confuse the proxy. Every value read is compared with
what was stored; errors and misses are counted by key: only keys of the killed instance may
have any. Nothing here is judged by how long it takes.
"""
import os
import random
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "helpers"))

from checks import Checks
from scaleout_clients import WAYS, Failed, TextClient, Proxy, is_installed
from server import Server, ServerFailed, end_on_sigterm

SKIPPED_STATUS = 77
INSTANCES = 3
KILLED = 1
WORKERS = 4
KEYS = 60  # of each worker
STEPS = 400  # of each worker in each phase
LONGEST_S = 120  # until an instance that is back has to be used again; only a guard

check = Checks()


class Worker(threading.Thread):
    """A client with keys of its own, as an application uses a cache: get, and store on a miss."""

    def __init__(self, number, cluster):
        super().__init__(daemon=True)
        self.cluster = cluster
        self.random = random.Random(number)
        self.keys = ["w%d-key%d" % (number, i) for i in range(KEYS)]
        self.possible = {key: set() for key in self.keys}  # values that a get may find
        self.events = []  # (kind, phase at its begin, at its end, key)
        self.steps = 0
        self.versions = 0
        self.broken = None
        self.client = cluster.client()

    def value(self, key):
        self.versions += 1
        head = ("%s version %d " % (key, self.versions)).encode()
        size = self.random.choice((10, 100, 1000, 5000, 40000))
        return head + bytes([97 + self.versions % 26]) * size

    def attempt(self, kind, key, call):
        begin = self.cluster.phase
        try:
            result, outcome = call(), kind
        except Failed:
            result, outcome = None, "error"
        if outcome == "error" or (kind == "get" and result is None):
            kind = "miss" if outcome == "get" else outcome
            self.events.append((kind, begin, self.cluster.phase, key))
        return outcome == "error", result

    def store(self, key):
        value = self.value(key)
        self.possible[key].add(value)  # also when it fails: the instance may have executed it
        failed, _ = self.attempt("set", key, lambda: self.client.set(key, value))
        if not failed:
            self.possible[key] = {value}

    def look(self, key):
        """Whether there was an answer, and a value in it."""
        failed, found = self.attempt("get", key, lambda: self.client.get(key))
        if found is not None and found not in self.possible[key]:
            self.events.append(("wrong", self.cluster.phase, self.cluster.phase, key))
        return not failed, found is not None

    def step(self):
        key = self.random.choice(self.keys)
        answered, found = self.look(key)
        if answered and (not found or self.random.random() < 0.2):
            self.store(key)
        self.steps += 1

    def run(self):
        try:
            while self.cluster.phase != "end":
                self.step()
        except Exception as broken:  # pylint: disable=broad-except
            self.broken = broken

    def count(self, kind, phase, keys=None):
        """Events that lie in PHASE from begin to end, of KEYS or all."""
        return sum(1 for k, begin, end, key in self.events
                   if k == kind and begin == end == phase and (keys is None or key in keys))


class Cluster:
    """The instances, the proxy where there is one, and which of them holds which key."""

    def __init__(self, lombard, way, options=()):
        self.argv = [lombard] + list(options)
        self.way = way
        self.instances = []
        self.proxy = None
        self.phase = "fill"

    def __enter__(self):
        try:
            for _ in range(INSTANCES):
                self.instances.append(Server(self.argv).__enter__())
            self.ports = [i.port for i in self.instances]
            if self.way.ejects is not None:
                self.proxy = Proxy(self.ports, self.way.ejects).__enter__()
        except ServerFailed:
            self.__exit__()
            raise
        return self

    def __exit__(self, *exc):
        if self.proxy:
            self.proxy.__exit__()
        for instance in self.instances:
            instance.__exit__()

    def client(self):
        return self.way.client([self.proxy.port] if self.proxy else self.ports)

    def kill(self, which):
        self.instances[which].process.kill()
        self.instances[which].process.wait()

    def start_again(self, which):
        self.instances[which].__exit__()
        self.instances[which] = Server(self.argv, port=self.ports[which]).__enter__()

    def holds(self, which, keys):
        """Those of KEYS that instance WHICH has, asked without the proxy."""
        direct = TextClient([self.ports[which]])
        held = set(direct.get_many(keys))
        direct.close()
        return held


def wait_for(condition):
    end = time.monotonic() + LONGEST_S
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.02)
    return False


def run_steps(workers):
    """Until each of them has made STEPS more."""
    goals = [(w, w.steps + STEPS) for w in workers]
    return wait_for(lambda: all(w.broken or w.steps >= goal for w, goal in goals))


def total(workers, kind, *phases, keys=None):
    return sum(w.count(kind, phase, keys) for w in workers for phase in phases)


def owners(cluster, keys):
    """A set of keys for each instance; each key has to be at exactly one."""
    held = [cluster.holds(i, keys) for i in range(INSTANCES)]
    check("each key is at one instance",
          sum(len(h) for h in held) == len(keys) == len(set.union(*held)))
    check("each instance has its share: %s" % [len(h) for h in held],
          min(len(h) for h in held) * 20 >= len(keys))
    return held


def fill(workers):
    for w in workers:
        for key in w.keys:
            w.store(key)


def judge(workers, mine):
    """MINE: the keys of the killed instance."""
    events = [e for w in workers for e in w.events]
    others = [e for e in events if e[3] not in mine]
    check("no value was wrong", not [e for e in events if e[0] == "wrong"])
    check("no key of the others had an error or a miss: %s" % others[:3], not others)
    check("neither had any key before",
          not [e for e in events if e[2] in ("fill", "whole")])
    check("no error once the instance is back", total(workers, "error", "again") == 0)
    # A key misses when it moves or its instance is gone, when it comes back, and after a failed store.
    errors = sum(1 for e in events if e[0] == "error")
    misses = sum(1 for e in events if e[0] == "miss")
    check("a key misses twice at most: %d misses, %d keys" % (misses, len(mine)),
          misses <= 2 * len(mine) + errors)
    twice = [key for key in mine
             if sum(w.count("miss", "again", {key}) for w in workers) > 1]
    check("once it is back a key misses at most once: %s" % twice[:3], not twice)


def report(way, workers, mine):
    print("%s: %d keys, %d of them at the killed instance; %d steps; while it was down and "
          "coming back: %d errors, %d misses; after that: %d errors, %d misses; wrong values: %d"
          % (way, WORKERS * KEYS, len(mine), sum(w.steps for w in workers),
             sum(1 for w in workers for e in w.events if e[0] == "error" and e[1] != "again"),
             sum(1 for w in workers for e in w.events if e[0] == "miss" and e[1] != "again"),
             total(workers, "error", "again"), total(workers, "miss", "again"),
             sum(1 for w in workers for e in w.events if e[0] == "wrong")))


def read_all(workers):
    """Errors and misses of a look at every key."""
    before = sum(len(w.events) for w in workers)
    for w in workers:
        for key in w.keys:
            w.look(key)
    return sum(len(w.events) for w in workers) - before


def killed(cluster, name):
    workers = [Worker(n, cluster) for n in range(WORKERS)]
    keys = [key for w in workers for key in w.keys]
    fill(workers)
    mine = owners(cluster, keys)[KILLED]
    cluster.phase = "whole"
    for w in workers:
        w.start()
    check("load before", run_steps(workers))
    cluster.phase = "down"
    cluster.kill(KILLED)
    check("load while one instance is down", run_steps(workers))
    cluster.phase = "back"
    cluster.start_again(KILLED)
    check("every client uses the instance again", wait_for(lambda: all(
        w.broken or cluster.holds(KILLED, mine.intersection(w.keys)) for w in workers)))
    cluster.phase = "again"
    check("load afterwards", run_steps(workers))
    cluster.phase = "end"
    for w in workers:
        w.join(LONGEST_S)
    check("no client broke: %s" % [w.broken for w in workers],
          not any(w.broken or w.is_alive() for w in workers))
    judge(workers, mine)
    report(name, workers, mine)
    fill(workers)
    check("all values are there in the end", read_all(workers) == 0)
    # Where keys move, those that moved have left a copy: it is old, and waits for the next time.
    check("where they were before", cluster.holds(KILLED, keys) == mine)


# --- Refusals ---

LARGE = b"L" * 2000000  # more than -I
FILLING = b"F" * 100000


def refused_whole(client):
    """Values that are too large, between requests that are in order, all sent together."""
    for i in range(30):
        key = "pipe%d" % i
        reply = client.pipeline([
            ("set %s 0 0 5\r\nfirst\r\n" % key).encode(),
            ("set %s-large 0 0 %d\r\n" % (key, len(LARGE))).encode() + LARGE + b"\r\n",
            ("get %s\r\n" % key).encode()])
        check("a value that is too large is refused in its place: %s" % reply,
              reply[0] == "STORED" and reply[1].startswith("SERVER_ERROR object too large")
              and reply[2] == "VALUE %s 0 5 first" % key)


def refused_quietly(client):
    """What fails without an answer must not leave one for the proxy's next request."""
    client.pipeline([b"set word 0 0 3\r\nabc\r\n"])
    client.send(b"set quiet-large 0 0 2000000 noreply\r\n" + LARGE + b"\r\n"
                b"add word 0 0 1 noreply\r\nx\r\nincr word 1 noreply\r\n"
                b"replace absent 0 0 1 noreply\r\nx\r\ndelete absent noreply\r\n")
    check("in step after refusals without an answer",
          client.pipeline([b"get word\r\n"]) == ["VALUE word 0 3 abc"])
    check("nothing of them is stored", client.pipeline([b"get quiet-large\r\n"]) == ["END"])


def refused_full(client):
    """-M: until every instance has refused one; then what is there can be read and deleted."""
    stored, refusals = [], 0
    while refusals < 40 and len(stored) < 1000:
        key = "full%d" % (len(stored) + refusals)
        try:
            client.set(key, FILLING)
            stored.append(key)
        except Failed as refusal:
            check("a full store says so: %s" % refusal,
                  str(refusal).startswith("SERVER_ERROR out of memory"))
            refusals += 1
    check("the stores became full", refusals >= 40 and stored)
    found = client.get_many(stored)
    check("what was stored is there", found == {key: FILLING for key in stored})
    for key in stored:
        client.pipeline([b"delete %s\r\n" % key.encode()])
    client.set("full0", b"again")
    check("after deleting there is room", client.get("full0") == b"again")


def refusals(cluster, _):
    workers = [Worker(n, cluster) for n in range(2)]
    fill(workers)
    cluster.phase = "whole"
    for w in workers:
        w.start()
    client = cluster.client()
    refused_whole(client)
    refused_quietly(client)
    run_steps(workers)
    cluster.phase = "end"
    for w in workers:
        w.join(LONGEST_S)
    refused_full(client)
    events = [e for w in workers for e in w.events]
    check("no other client noticed: %s %s" % (events[:3], [w.broken for w in workers]),
          not events and not any(w.broken for w in workers))
    for name in ("server_err", "server_eof", "server_timedout"):
        check("the proxy's %s" % name, cluster.proxy.count(name) == 0)


def main():
    end_on_sigterm()
    lombard, name = sys.argv[1:]
    way = WAYS[name]
    if not is_installed(way):
        print("skipped: %s is not installed (Debian: %s)" % (name, way.package))
        sys.exit(SKIPPED_STATUS)
    options = ["-M", "-m", "8"] if name == "refusals" else ["-m", "64"]
    try:
        with Cluster(os.path.abspath(lombard), way, options) as cluster:
            (refusals if name == "refusals" else killed)(cluster, name)
            for i, instance in enumerate(cluster.instances):
                wrong = instance.stop()
                check("instance %d: %s" % (i, wrong), not wrong)
    except ServerFailed as failure:
        check(str(failure), False)
    check.done()


if __name__ == "__main__":
    main()
