"""pylibmc: libmemcached's client, in text and in binary."""
import os
import sys
import time

import pylibmc

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "helpers"))

from checks import Checks
from large import LARGE

SERVERS = ["127.0.0.1:%s" % sys.argv[1]]
check = Checks()


def raises(kind, call):
    try:
        call()
    except kind:
        return True
    return False


def fails(call):
    """One protocol's client says so with False, the other's with an exception."""
    try:
        return not call()
    except pylibmc.NotFound:
        return True


def basics(c, at):
    check(at + "set", c.set("k", "v") is True)
    check(at + "get", c.get("k") == "v")
    check(at + "get of an absent key", c.get("absent") is None)
    check(at + "add", c.add("k", "w") is False and c.add("k2", "w") is True)
    check(at + "replace", c.replace("k", "x") and fails(lambda: c.replace("k3", "x")))
    check(at + "append", c.append("k", "y") and c.get("k") == "xy")
    check(at + "prepend", c.prepend("k", "w") and c.get("k") == "wxy")
    check(at + "append to an absent key", fails(lambda: c.append("k3", "y")))
    check(at + "delete", c.delete("k") is True and c.delete("k") is False)
    check(at + "types", all(c.set("t", t) and c.get("t") == t
                            for t in (b"", b"bytes", "", 7, 2 ** 70, 1.5, True, ["list"])))
    stats = c.get_stats()
    check(at + "stats", len(stats) == 1 and int(stats[0][1]["pid"]) > 0)


def numbers(c, at):
    c.set("n", 10)
    check(at + "incr", c.incr("n", 5) == 15 and c.get("n") == 15)
    check(at + "decr", c.decr("n", 6) == 9)
    check(at + "decr below 0", c.decr("n", 60) == 0)
    check(at + "incr of an absent key", raises(pylibmc.NotFound, lambda: c.incr("absent")))
    c.set("n", "abc")
    check(at + "incr of a word", raises(pylibmc.Error, lambda: c.incr("n")))
    check(at + "in step after it", c.get("n") == "abc")


def cas(c, at):
    c.set("c", "1")
    value, token = c.gets("c")
    check(at + "gets", value == "1" and token > 0)
    check(at + "cas", c.cas("c", "2", token) is True)
    check(at + "cas with an old one", c.cas("c", "3", token) is False)
    check(at + "cas of an absent key",
          raises(pylibmc.NotFound, lambda: c.cas("absent", "3", token)))


def many(c, at):
    values = {"many%d" % i: b"%d" % i * (i % 50) for i in range(2000)}
    check(at + "set_multi", c.set_multi(values) == [])
    check(at + "get_multi", c.get_multi(list(values) + ["absent"]) == values)
    check(at + "add_multi", len(c.add_multi({"many1": b"", "new": b""})) == 1)
    check(at + "delete_multi", c.delete_multi(list(values)) is True)
    check(at + "get_multi of nothing", c.get_multi(list(values)) == {})


def expiry(c, at):
    c.set("x1", "v", time=1)
    c.set("x2", "v", time=100)
    c.set("x3", "v", time=int(time.time()) + 1)
    c.set("x4", "v", time=1)
    check(at + "touch", c.touch("x4", 100) is True)
    check(at + "touch of an absent key", fails(lambda: c.touch("absent", 100)))
    time.sleep(2.1)
    check(at + "expired", c.get("x1") is None and c.get("x3") is None)
    check(at + "not expired", c.get("x2") == "v" and c.get("x4") == "v")


def sizes_and_keys(c, at, text):
    check(at + "900 KB", c.set("l", LARGE) and c.get("l") == LARGE)
    check(at + "2 MB is refused", raises(pylibmc.Error, lambda: c.set("l", b"v" * 2000000)))
    check(at + "in step after it", c.set("l", b"v") and c.get("l") == b"v")
    for n in (1, 1023, 1024, 1025, 16383, 16384, 16385, 65536, 500000):
        check(at + "%d bytes" % n, c.set("s", LARGE[:n]) and c.get("s") == LARGE[:n])
    # Text forbids blanks and controls, and the client itself all of that before it is sent.
    allowed = range(0x21, 0x100) if text else range(0x01, 0x100)
    keys = [bytes([b]) + b"-key" for b in allowed if b != 0x7f] + [b"k" * 250]
    check(at + "keys of every byte", c.set_multi({k: b"v" + k for k in keys}) == [])
    got = c.get_multi(keys)
    check(at + "and back", {k if isinstance(k, bytes) else k.encode(): v
                            for k, v in got.items()} == {k: b"v" + k for k in keys})


def pipelined(at, binary):
    c = pylibmc.Client(SERVERS, binary=binary, behaviors={"_noreply": True})
    for i in range(2000):
        c.set("q%d" % i, b"%d" % i)
    c.set("q", b"1")
    for _ in range(500):
        c.append("q", b"a")
    c.delete("q0")
    c.disconnect_all()
    c = pylibmc.Client(SERVERS, binary=binary)
    time.sleep(0.2)
    check(at + "noreply sets", c.get_multi(["q%d" % i for i in range(1, 2000)]) ==
          {"q%d" % i: b"%d" % i for i in range(1, 2000)})
    check(at + "noreply appends", c.get("q") == b"1" + b"a" * 500)
    check(at + "noreply delete", c.get("q0") is None)


def main():
    for binary in (False, True):
        at = "binary: " if binary else "text: "
        c = pylibmc.Client(SERVERS, binary=binary, behaviors={"cas": True})
        check(at + "flush_all", c.flush_all() is True)
        basics(c, at)
        numbers(c, at)
        cas(c, at)
        many(c, at)
        expiry(c, at)
        sizes_and_keys(c, at, not binary)
        pipelined(at, binary)
        check(at + "flush_all", c.flush_all() is True and c.get("x2") is None)
    check.done()


main()
