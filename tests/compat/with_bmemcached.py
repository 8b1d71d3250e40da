"""python-binary-memcached: a binary client of its own, in Python."""
import os
import sys
import time

import bmemcached

from bmemcached.exceptions import MemcachedException

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "helpers"))

from checks import Checks
from large import LARGE

check = Checks()


def main():
    c = bmemcached.Client(("127.0.0.1:%s" % sys.argv[1],), socket_timeout=30)
    check("flush_all", c.flush_all() is True)
    check("set", c.set("k", "v") is True)
    check("get", c.get("k") == "v")
    check("get of an absent key", c.get("absent") is None)
    check("get with cas", c.get("k", get_cas=True)[1] > 0)
    check("add", c.add("k", "w") is False and c.add("k2", "w") is True)
    check("replace", c.replace("k", "x") is True and c.replace("k3", "x") is False)
    check("delete", c.delete("k") is True and c.get("k") is None)
    check("delete of an absent key", c.delete("k") is True)  # this client says so for both
    check("empty value", c.set("e", b"") and c.get("e") == b"")
    check("types", all(c.set("t", t) and c.get("t") == t
                       for t in (b"bytes", "text", 7, 1.5, True, ["list"])))
    numbers(c)
    cas(c)
    many(c)
    expiry(c)
    sizes_and_keys(c)
    stats = next(iter(c.stats().values()))
    check("stats", int(stats["pid"]) > 0 and "curr_items" in stats)
    check("stats settings", "maxbytes" in next(iter(c.stats("settings").values())))
    check("flush_all at the end", c.flush_all() is True and c.get("x2") is None)
    c.disconnect_all()
    check.done()


def numbers(c):
    c.delete("n")
    check("incr of an absent key", c.incr("n", 5, default=10) == 10)
    check("incr", c.incr("n", 5) == 15)
    check("decr", c.decr("n", 6) == 9)
    check("decr below 0", c.decr("n", 60) == 0)


def cas(c):
    c.set("c", "1")
    value, token = c.gets("c")
    check("gets", value == "1" and token > 0)
    check("cas", c.cas("c", "2", token) is True)
    check("cas with an old one", c.cas("c", "3", token) is False)
    check("cas of an absent key", c.cas("absent", "3", token) is False)
    check("delete with an old cas", c.delete("c", cas=token) is False)


def many(c):
    values = {"many%d" % i: b"%d" % i * (i % 50) for i in range(2000)}
    check("set_multi", not c.set_multi(values))
    check("get_multi", c.get_multi(list(values) + ["absent"]) == values)
    check("get_multi with cas", len(c.get_multi(list(values), get_cas=True)) == 2000)
    check("delete_multi", c.delete_multi(list(values)) is True)
    check("get_multi of nothing", c.get_multi(list(values)) == {})


def expiry(c):
    c.set("x1", "v", time=1)
    c.set("x2", "v", time=100)
    c.set("x3", "v", time=int(time.time()) + 1)
    time.sleep(2.1)
    check("expired", c.get("x1") is None and c.get("x3") is None)
    check("not expired", c.get("x2") == "v")


def sizes_and_keys(c):
    check("900 KB", c.set("l", LARGE, compress_level=0) and c.get("l") == LARGE)
    try:
        c.set("l", LARGE * 3, compress_level=0)
        check("2 MB is refused", False)
    except MemcachedException as refusal:
        check("2 MB is refused", refusal.code == 3)
    check("in step after it", c.set("l", b"v") is True and c.get("l") == b"v")
    for n in (1, 1023, 1024, 1025, 16383, 16384, 16385, 65536, 500000):
        check("%d bytes" % n, c.set("s", LARGE[:n], compress_level=0)
              and c.get("s") == LARGE[:n])
    keys = [chr(b) + "-key" for b in range(1, 128)] + ["k" * 250]
    check("every ASCII byte in a key", not c.set_multi({k: k for k in keys})
          and c.get_multi(keys) == {k: k for k in keys})


main()
