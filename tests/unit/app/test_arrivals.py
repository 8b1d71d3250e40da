#!/usr/bin/python3
"""What comes while the server stands still is told to it once: all of it is answered, to the end.

    test_arrivals.py DAEMON
"""
import os
import signal
import socket
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "helpers"))
from checks import Checks
from server import Server, end_on_sigterm

PATIENCE_S = 20


def answer(s):
    """All that comes, until its end or PATIENCE_S."""
    s.settimeout(PATIENCE_S)
    got = b""
    try:
        while True:
            more = s.recv(65536)
            if not more:
                return got + b"<end>"
            got += more
    except socket.timeout:
        return got + b"<nothing>"


def with_its_end(s):
    s.sendall(b"mn\r\n")
    s.shutdown(socket.SHUT_WR)
    return b"MN\r\n<end>"


def with_half_a_command(s):
    s.sendall(b"mn\r\nset k 0 0 10\r\n12")
    s.shutdown(socket.SHUT_WR)
    return b"MN\r\n<end>"


def with_a_long_value(s):
    s.sendall(b"set k 0 0 30000\r\n" + b"v" * 30000 + b"\r\n")
    s.shutdown(socket.SHUT_WR)
    return b"STORED\r\n<end>"


def with_urgent_data(s):
    """A receive ends before that byte, which is skipped."""
    s.sendall(b"mn\r\nm")
    s.send(b"X", socket.MSG_OOB)
    s.sendall(b"n\r\nmn\r\nquit\r\n")
    return b"MN\r\nMN\r\nMN\r\n<end>"


def with_descriptors(s):
    """A receive ends behind them."""
    for _ in range(3):
        socket.send_fds(s, [b"mn\r\n"], [0])
        s.sendall(b"mn\r\n")
    s.sendall(b"quit\r\n")
    return b"MN\r\n" * 6 + b"<end>"


def try_one(checks, server, dial, what):
    s = dial()
    s.sendall(b"mn\r\n")
    s.recv(4)
    server.process.send_signal(signal.SIGSTOP)
    want = what(s)
    server.process.send_signal(signal.SIGCONT)
    checks.equal(answer(s), want, what.__name__)
    s.close()


def try_all(checks, server, dial, kinds):
    with server:
        for what in kinds:
            try_one(checks, server, lambda: dial(server), what)
        server.check_end(checks)


def dial_tcp(server):
    return socket.create_connection(("127.0.0.1", server.port))


def dial_unix(server):
    s = socket.socket(socket.AF_UNIX)
    s.connect(server.path)
    return s


def main():
    end_on_sigterm()
    checks = Checks()
    kinds = [with_its_end, with_half_a_command, with_a_long_value]
    try_all(checks, Server([sys.argv[1]]), dial_tcp, kinds + [with_urgent_data])
    path = "/tmp/lombard-arrivals-%d.sock" % os.getpid()
    server = Server([sys.argv[1]])
    server.argv += ["--admin", path]
    server.path = path
    try_all(checks, server, dial_unix, kinds + [with_descriptors])
    checks.done()


main()
