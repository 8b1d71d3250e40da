#!/usr/bin/python3
"""`config` lists options and changes them in a server that runs; what cannot be changed says so.

    test_config_live.py DAEMON
"""
import array
import fcntl
import os
import socket
import sys
import termios
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "helpers"))
from checks import Checks
import client
from client import connect, stats
from server import Server

MEGABYTE = 1 << 20
check = Checks()


def ask(s, line, end=b"\r\n"):
    return client.ask(s, line.encode() + b"\r\n", end).decode()


def listed(s):
    lines = ask(s, "config", b"END\r\n").split("\r\n")
    return dict(line.split(" ", 2)[1:] for line in lines if line.startswith("STAT "))


def settings(s):
    return stats(s, " settings")


def lists(s):
    found = listed(s)
    check.equal(found["conn-limit"].startswith("20 live 1 to "), True, found["conn-limit"])
    check.equal(found["disable-evictions"], "no at the start only", "an option that was not given")
    check.equal(found["drain-time"].split(" ")[0], "5", "in the unit in which it is set")
    check.equal(found["buffer-memory"].split(" ")[0], "256", "likewise")
    check.equal(found["port"].endswith(" at the start only"), True, found["port"])
    check("what has no value is not listed", "help" not in found and "extended" not in found)


def changes(s):
    for name, value, setting, want in (
            ("idle-timeout", "77", "idle_timeout", "77"),
            ("send-timeout", "0", "send_timeout", "0"),
            ("drain-time", "2", "drain_time_ms", "2000"),
            ("stall-ms", "33", "stall_ms", "33"),
            ("busy-poll", "50", "busy_poll", "50"),
            ("R", "5", "reqs_per_event", "5"),
            ("-R", "6", "reqs_per_event", "6"),
            ("--max-reqs-per-event", "7", "reqs_per_event", "7"),
            ("max-reqs-per-event", "0", "reqs_per_event", "0"),
            ("buffer-memory", "2m", "buffer_memory", str(2 << 20)),
            ("verbose", "1", "verbosity", "1"),
            ("verbose", "0", "verbosity", "0"),
            ("m", "96", "maxbytes", str(96 << 20)),
            ("memory-limit", "64", "maxbytes", str(64 << 20)),
            ("client-names", "1", "client_names", "1")):
        check.equal(ask(s, "config %s %s" % (name, value)), "OK\r\n", name)
        check.equal(settings(s)[setting], want, "%s in stats settings" % name)
    check.equal("up to 50 us; the kernel: " in settings(s)["busy_poll_in_force"], True, "in force now")
    check.equal(stats(s)["sandbox_denied"], "0", "the sandbox lets it be turned on")
    check.equal(int(stats(s, " buffers")["buffers_limit"]) * 16 * 1024 > 2 << 20, False,
                "the limit of buffers is that")


def refuses(s):
    before = settings(s)
    for line, why in (
            ("config nothing 1", "CLIENT_ERROR nothing: there is no such setting; config lists them\r\n"),
            ("config port 1", "CLIENT_ERROR port: can be set at the start only\r\n"),
            ("config memory-limit 100000000", None),
            ("config idle-timeout x", None),
            ("config idle-timeout -1", None),
            ("config idle-timeout %s" % ("1" * 100), None),
            ("config stall-ms 60001", None),
            ("config busy-poll 10001", None),
            ("config verbose 3", "CLIENT_ERROR verbose: 0 to 2\r\n"),
            ("config conn-limit 0", None),
            ("config conn-limit 1000000000", None),
            ("config conn-limit 1 2", None)):
        answer = ask(s, line)
        check("%s: %s" % (line, answer), answer.startswith("CLIENT_ERROR ") and why in (None, answer))
    check.equal(settings(s), before, "nothing has changed")
    check.equal(ask(s, "config conn-limit"), "ERROR\r\n", "a value is needed")


def limits_connections(server, s):
    """A lower limit closes none, and lets no further ones in; a higher one does."""
    others = [connect(server) for _ in range(10)]
    for other in others:
        check.equal(ask(other, "mn"), "MN\r\n", "there are as many")
    check.equal(ask(s, "config conn-limit 5"), "OK\r\n", "lower")
    check.equal(ask(others[9], "mn"), "MN\r\n", "the ones that are there stay")
    more = [connect(server) for _ in range(2)]
    check.equal(ask(more[1], "mn")[:5], "ERROR", "no further one is let in")
    check.equal(ask(s, "config conn-limit 100"), "OK\r\n", "higher")
    check.equal(ask(connect(server), "mn"), "MN\r\n", "a further one is let in")
    check.equal(stats(s)["max_connections"], "100", "max_connections")
    for other in others + more:
        other.close()


def is_told(server, s):
    events = ask(s, "stats events", b"END\r\n")
    check("an event says what has changed", "event=config id=" in events and
          "setting=idle-timeout value=77" in events)
    check("by its full name", "setting=max-reqs-per-event value=5" in events)
    time.sleep(0.1)
    with open(server.log_path, encoding="latin-1") as log:
        check("so does the log", "setting=idle-timeout value=77" in log.read())


def keeps_the_total(s):
    """200 MB: 16 for the program, 24 for buffers and the like, and 256 bytes a connection."""
    left = "--total-memory 200 leaves %d megabytes for -m\r\n"
    for line, answer in (
            ("config memory-limit 160", "CLIENT_ERROR memory-limit: " + left % 159),
            ("cache_memlimit 160",
             "MEMLIMIT_ADJUST_FAILED out of bounds or unable to adjust: at most 159m\r\n"),
            ("config buffer-memory 20", "CLIENT_ERROR buffer-memory: " + left % 123),
            ("config memory-limit 123", "OK\r\n"),
            ("config buffer-memory 20", "OK\r\n"),
            ("cache_memlimit 124",
             "MEMLIMIT_ADJUST_FAILED out of bounds or unable to adjust: at most 123m\r\n"),
            ("config buffer-memory 8", "OK\r\n"),
            ("cache_memlimit 159", "OK\r\n")):
        check.equal(ask(s, line), answer, line)


def keeps_little_unread(server):
    """A client sends fast, so that the kernel would take more and more of it, and then asks without reading."""
    s = connect(server, receive_bytes=4096)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4 * MEGABYTE)
    s.sendall((b"set k 0 0 1000000 noreply\r\n%s\r\n" % (b"x" * 1000000)) * 20)
    check.equal(ask(s, "mn"), "MN\r\n", "all of it was read")
    s.settimeout(0.5)
    sent = 0
    try:
        while sent < 64 * MEGABYTE:
            sent += s.send(b"get k\r\n" * 10000)
    except socket.timeout:
        pass
    unread = sent - unsent(s)
    check("%d bytes are taken of a client that does not read" % unread, unread < 300000)
    s.close()


def unsent(s):
    """Bytes in S's own socket that its peer has not acknowledged (SIOCOUTQ)."""
    number = array.array("i", [0])
    fcntl.ioctl(s, termios.TIOCOUTQ, number)
    return number[0]


def main():
    with Server([os.path.abspath(sys.argv[1]), "--total-memory", "200"]) as server:
        keeps_the_total(connect(server))
        keeps_little_unread(server)
        server.check_end(check)
    with Server([os.path.abspath(sys.argv[1]), "-c", "20"]) as server:
        s = connect(server)
        lists(s)
        changes(s)
        refuses(s)
        limits_connections(server, s)
        is_told(server, s)
        server.check_end(check)
    return check.done()


if __name__ == "__main__":
    sys.exit(main())
