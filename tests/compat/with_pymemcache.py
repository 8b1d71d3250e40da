"""pymemcache: classic text, its noreply default included."""
import os
import sys
import time

from pymemcache.client.base import Client

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "helpers"))

from checks import Checks
from large import LARGE

ADDRESS = ("127.0.0.1", int(sys.argv[1]))
check = Checks()


def basics(c):
    check("set", c.set("k", b"v", noreply=False) is True)
    check("get", c.get("k") == b"v")
    check("get of an absent key", c.get("absent") is None)
    check("add", c.add("k", b"w", noreply=False) is False)
    check("add of an absent key", c.add("k2", b"w", noreply=False) is True)
    check("replace", c.replace("k", b"x", noreply=False) is True)
    check("replace of an absent key", c.replace("k3", b"x", noreply=False) is False)
    check("append", c.append("k", b"y", noreply=False) and c.get("k") == b"xy")
    check("prepend", c.prepend("k", b"w", noreply=False) and c.get("k") == b"wxy")
    check("append to an absent key", c.append("k3", b"y", noreply=False) is False)
    check("delete", c.delete("k", noreply=False) is True and c.get("k") is None)
    check("delete of an absent key", c.delete("k", noreply=False) is False)
    check("empty value", c.set("e", b"", noreply=False) and c.get("e") == b"")
    check("flags", c.set("f", b"v", noreply=False, flags=4294967295) is True)
    check("version", c.version().startswith(b"1.6"))
    stats = c.stats()
    check("stats", stats[b"pid"] > 0 and b"curr_items" in stats)
    check("stats settings", b"maxbytes" in c.stats("settings"))


def raises(call):
    try:
        call()
    except Exception:
        return True
    return False


def numbers(c):
    c.set("n", b"10", noreply=False)
    check("incr", c.incr("n", 5) == 15)
    check("decr", c.decr("n", 6) == 9)
    check("decr below 0", c.decr("n", 60) == 0)
    check("incr of an absent key", c.incr("absent", 1) is None)
    c.set("n", b"18446744073709551615", noreply=False)
    check("incr wraps", c.incr("n", 1) == 0)
    c.set("n", b"abc", noreply=False)
    check("incr of a word", raises(lambda: c.incr("n", 1)))
    check("the connection is in step", c.get("n") == b"abc")


def cas(c):
    c.set("c", b"1", noreply=False)
    value, token = c.gets("c")
    check("gets", value == b"1" and token.isdigit())
    check("cas", c.cas("c", b"2", token, noreply=False) is True)
    check("cas with an old one", c.cas("c", b"3", token, noreply=False) is False)
    check("cas of an absent key", c.cas("absent", b"3", token, noreply=False) is None)
    check("gets_many", set(c.gets_many(["c", "absent"])) == {"c"})


def many(c):
    values = {"many%d" % i: b"%d" % i * (i % 50) for i in range(2000)}
    check("set_many", c.set_many(values, noreply=False) == [])
    check("get_many", c.get_many(list(values)) == values)
    check("set_many noreply", c.set_many({k: b"n" for k in values}, noreply=True) == [])
    check("after it", set(c.get_many(list(values)).values()) == {b"n"})
    check("delete_many", c.delete_many(list(values), noreply=False) is True)
    check("get_many of nothing", c.get_many(list(values)) == {})


def noreply(c):
    for i in range(1000):
        c.set("q", b"%d" % i, noreply=True)
    check("set noreply", c.get("q") == b"999")
    for _ in range(500):
        c.incr("q", 1, noreply=True)
    check("incr noreply", c.get("q") == b"1499")
    for _ in range(200):
        c.append("q", b"a", noreply=True)
    check("append noreply", c.get("q") == b"1499" + b"a" * 200)
    c.delete("q", noreply=True)
    check("delete noreply", c.get("q") is None)
    c.touch("absent", 10, noreply=True)
    c.add("q", b"1", noreply=True)
    c.add("q", b"2", noreply=True)
    c.replace("absent", b"3", noreply=True)
    c.cas("q", b"4", b"1", noreply=True)
    check("what fails is silent, too", c.get("q") == b"1")


def expiry(c):
    c.set("x1", b"v", expire=1, noreply=False)
    c.set("x2", b"v", expire=100, noreply=False)
    c.set("x3", b"v", expire=int(time.time()) + 1, noreply=False)
    c.set("x4", b"v", expire=1, noreply=False)
    c.set("x5", b"v", expire=-1, noreply=False)
    check("negative exptime", c.get("x5") is None)
    check("touch", c.touch("x4", 100, noreply=False) is True)
    check("touch of an absent key", c.touch("absent", 1, noreply=False) is False)
    if hasattr(c, "gat"):  # since 4.0
        check("gat", c.gat("x4", expire=100) == b"v" and c.gats("x4", expire=100)[0] == b"v")
    time.sleep(2.1)
    check("expired", c.get("x1") is None)
    check("expired at a time of day", c.get("x3") is None)
    check("not expired", c.get("x2") == b"v")
    check("touched before", c.get("x4") == b"v")


def sizes_and_keys(c):
    check("900 KB", c.set("l", LARGE, noreply=False) and c.get("l") == LARGE)
    check("append to 900 KB", c.append("l", b"z", noreply=False) and c.get("l") == LARGE + b"z")
    check("2 MB is refused", raises(lambda: c.set("l", b"v" * 2000000, noreply=False)))
    check("and the old value gone", c.get("l") is None)
    for n in (0, 1, 1023, 1024, 1025, 16383, 16384, 16385, 65536, 500000):
        value = LARGE[:n]
        check("%d bytes" % n, c.set("s", value, noreply=False) and c.get("s") == value)
    everything = bytes(range(256)) * 4
    check("every byte in a value", c.set("b", everything, noreply=False)
          and c.get("b") == everything)
    keys = [bytes([b]) + b"-key" for b in range(0x21, 0x7f)] + [b"k" * 250]
    check("every ASCII byte in a key", c.set_many({k: k for k in keys}, noreply=False) == []
          and c.get_many(keys) == {k: k for k in keys})
    u = Client(ADDRESS, allow_unicode_keys=True)
    key = "".join(chr(x) for x in range(0xa1, 0x100))[:100]
    check("a UTF-8 key", u.set(key, b"v", noreply=False) and u.get(key) == b"v")
    u.close()


def main():
    c = Client(ADDRESS, timeout=30)
    c.flush_all(noreply=False)
    for part in (basics, numbers, cas, many, noreply, expiry, sizes_and_keys):
        part(c)
    check("flush_all", c.flush_all(noreply=False) is True and c.get("x2") is None)
    c.quit()
    check.done()


main()
