"""Clients that authenticate: libmemcached's and bmemcached's SASL, and text, against a server with -Y."""
import os
import socket
import sys

import bmemcached
import pylibmc

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "helpers"))

from checks import Checks

PORT = int(sys.argv[1])
SERVERS = ["127.0.0.1:%d" % PORT]
check = Checks()


def fails(call):
    """With an exception, or with what stands for nothing."""
    try:
        return not call()
    except Exception:  # whatever class the client has for it
        return True


def with_pylibmc():
    c = pylibmc.Client(SERVERS, binary=True, username="foo", password="bar")
    check("pylibmc: set", c.set("k", "v") is True)
    check("pylibmc: get", c.get("k") == "v")
    values = {"many%d" % i: b"%d" % i for i in range(500)}
    check("pylibmc: set_multi", c.set_multi(values) == [])
    check("pylibmc: get_multi", c.get_multi(list(values)) == values)
    check("pylibmc: a value of 500 KB", c.set("l", b"x" * 500000) and len(c.get("l")) == 500000)
    c.disconnect_all()
    check("pylibmc: connected again", c.get("k") == "v")
    wrong = pylibmc.Client(SERVERS, binary=True, username="foo", password="baz")
    check("pylibmc: a wrong password", fails(lambda: wrong.set("k", "stolen")))
    nobody = pylibmc.Client(SERVERS, binary=True)
    check("pylibmc: no password", fails(lambda: nobody.set("k", "stolen")))
    text = pylibmc.Client(SERVERS)
    check("pylibmc: text without one", fails(lambda: text.set("k", "stolen")))
    check("pylibmc: nothing of it was stored", c.get("k") == "v")


def with_bmemcached():
    c = bmemcached.Client(SERVERS, "baaaz", "quux quux")
    check("bmemcached: set", c.set("b", "w") is True and c.get("b") == "w")
    check("bmemcached: delete", c.delete("b") is True)
    check("bmemcached: stats", int(next(iter(c.stats().values()))["auth_errors"]) >= 1)
    c.disconnect_all()
    wrong = bmemcached.Client(SERVERS, "baaaz", "quux")
    check("bmemcached: a wrong password", fails(lambda: wrong.set("k", "stolen")))
    nobody = bmemcached.Client(SERVERS)
    check("bmemcached: no password", fails(lambda: nobody.set("k", "stolen")))


def with_text():
    """What a client does that knows nothing of it: its first command is a set."""
    s = socket.create_connection(("127.0.0.1", PORT), timeout=30)
    file = s.makefile("rwb")

    def ask(text):
        file.write(text)
        file.flush()
        return file.readline()

    check("text: before", ask(b"get k\r\n") == b"CLIENT_ERROR unauthenticated\r\n")
    check("text: set", ask(b"set _ 0 0 7\r\nfoo bar\r\n") == b"STORED\r\n")
    check("text: get", ask(b"get k\r\n").startswith(b"VALUE k "))
    s.close()


def main():
    with_pylibmc()
    with_bmemcached()
    with_text()
    check.done()


main()
