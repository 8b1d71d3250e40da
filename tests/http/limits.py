#!/usr/bin/python3
"""Clients of HTTP that behave badly: each is bounded, and nobody else waits for it.

    limits.py LOMBARD
"""
import os
import socket
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "helpers"))

from checks import Checks
from client import ask, connect, stats
from http_client import Connection, ask as get, dial, port_of
from server import Server, end_on_sigterm

CONNS, MANY, TIMEOUT_S = 20, 1000, 2
checks = Checks()


def status_of(http, data):
    """What DATA is answered at first, and whether the connection ends then."""
    c = Connection(http)
    try:
        try:
            c.socket.sendall(data)
        except OSError:
            pass  # it answered before it had all
        answer = c.answer()
        return answer.status
    finally:
        c.close()


def check_heads(http):
    line = b"GET /?%s HTTP/1.1\r\nHost: a\r\n"
    checks.equal(status_of(http, line % (b"x" * 2000) + b"\r\n"), 200, "a long line")
    checks.equal(status_of(http, line % (b"x" * 3000) + b"\r\n"), 414, "too long a line")
    checks.equal(status_of(http, b"GET /" + b"x" * 3000), 414, "too long a line without its end")
    field = b"X-%d: %s\r\n"
    some = b"".join(field % (i, b"y" * 50) for i in range(100))
    checks.equal(status_of(http, line % b"" + some + b"\r\n"), 200, "many fields")
    checks.equal(status_of(http, line % b"" + some * 20 + b"\r\n"), 431, "too many fields")
    checks.equal(status_of(http, line % b"" + b"Cookie: " + b"z" * 1000000), 431, "one huge field")
    checks.equal(status_of(http, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\n\n"), 400, "TLS")


def check_many(http, s):
    """A thousand of them: some are served, the others told so; clients are neither."""
    before = int(stats(s)["http_rejected"])
    held, served, rejected = [], 0, 0
    for _ in range(MANY):
        held.append(dial(http))
    for c in held:
        try:
            c.sendall(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
            head = c.recv(4096)
        except ConnectionError:
            head = b""
        served += head.startswith(b"HTTP/1.1 200")
        rejected += head.startswith(b"HTTP/1.1 503") or head == b""
    checks.equal(served, CONNS, "as many are served as --http-conns says")
    checks.equal(served + rejected, MANY, "all others are rejected")
    now = stats(s)
    checks.equal(int(now["http_rejected"]) - before, MANY - CONNS, "http_rejected")
    checks.equal(int(now["http_connections"]), CONNS, "http_connections")
    checks.equal(int(now["rejected_connections"]), 0, "no client was rejected")
    checks.equal(int(now["curr_connections"]), 1, "none of them is a client")
    for c in held:
        c.close()


def wait_for(s, name, value):
    end = time.monotonic() + 60
    while stats(s)[name] != str(value) and time.monotonic() < end:
        time.sleep(0.05)
    checks.equal(stats(s)[name], str(value), name)


def check_slow(http, s):
    """Bytes that trickle in, answers that are not taken, and nothing at all: each has its time."""
    wait_for(s, "http_connections", 0)
    before = int(stats(s)["conn_closed_http_timeout"])
    trickle = dial(http)
    silent = dial(http)
    reader = socket.socket()
    reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    reader.connect(("127.0.0.1", http))
    reader.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n" * 300)
    begun = time.monotonic()
    trickle.sendall(b"GET / HTTP/1.1\r\n")
    trickle.settimeout(0.2)
    closed = False
    while not closed and time.monotonic() < begun + 30:
        try:
            trickle.sendall(b"X: y\r\n")
            closed = trickle.recv(1) == b""
        except TimeoutError:
            pass
        except ConnectionError:
            closed = True
        if time.monotonic() < begun + 1:
            buffers = stats(s, " buffers")
            checks.that(int(buffers["buffers_lent"]) <= 5, "what they hold", buffers)
    checks.that(closed, "a request that trickles in is closed")
    checks.that(time.monotonic() - begun > TIMEOUT_S, "not before its time")
    wait_for(s, "http_connections", 0)
    checks.equal(int(stats(s)["conn_closed_http_timeout"]) - before, 3, "conn_closed_http_timeout")
    for c in (trickle, silent, reader):
        c.close()
    wait_for_buffers(s)


def wait_for_buffers(s):
    end = time.monotonic() + 60
    while int(stats(s, " buffers")["buffers_lent"]) > 2 and time.monotonic() < end:
        time.sleep(0.05)
    checks.that(int(stats(s, " buffers")["buffers_lent"]) <= 2, "buffers come back")


def check_full(lombard):
    """While every client's place is taken, HTTP has its own; and the other way round."""
    with Server([lombard, "--http", "127.0.0.1:0", "-c", "3", "--http-conns", "2"]) as server:
        http = port_of(server)
        clients = [connect(server) for _ in range(3)]
        for c in clients:
            ask(c, b"get a\r\n")
        checks.equal(get(http, "/metrics").status, 200, "HTTP while -c is full")
        wait_for(clients[0], "http_connections", 0)
        held = [Connection(http) for _ in range(2)]
        for c in held:
            checks.equal(c.ask("/healthz").status, 200, "held")
        checks.equal(get(http, "/healthz").status, 503, "HTTP is full")
        for c in clients:
            checks.equal(ask(c, b"get a\r\n"), b"END\r\n", "clients while HTTP is full")
        server.check_end(checks)


def probes_in_s(server_port, client_port):
    """When the kernel asks whether the peer of a connection of the server is there; None: never."""
    with open("/proc/net/tcp", encoding="ascii") as table:
        for row in list(table)[1:]:
            _, local, remote, _, _, timer = row.split()[:6]
            if (int(local.split(":")[1], 16), int(remote.split(":")[1], 16)) == (server_port, client_port):
                kind, ticks = timer.split(":")
                return int(ticks, 16) / os.sysconf("SC_CLK_TCK") if kind == "02" else None
    return None


def wait_for_probes(port, s, low, high):
    """Data under way takes the kernel's timer for itself; the tick has a part of the connections."""
    end = time.monotonic() + 60
    seen = None
    while time.monotonic() < end:
        seen = probes_in_s(port, s.getsockname()[1])
        if seen is not None and low <= seen <= high:
            break
        time.sleep(0.05)
    checks.that(seen is not None and low <= seen <= high, "probes in", low, "to", high, seen)


def check_peer_timeout(lombard):
    """Of all listeners, and when it is changed also of what is connected already."""
    with Server([lombard, "--http", "127.0.0.1:0", "--peer-timeout", "1000"]) as server:
        http = port_of(server)
        client = connect(server)
        page = dial(http)
        ask(client, b"get a\r\n")
        for port, s in ((http, page), (server.port, client)):
            wait_for_probes(port, s, 300, 501)
        checks.equal(ask(client, b"config peer-timeout 86400\r\n", b"\r\n"), b"OK\r\n", "config")
        wait_for_probes(http, dial(http), 30000, 32768)
        checks.equal(ask(client, b"config peer-timeout 100\r\n", b"\r\n"), b"OK\r\n", "config")
        later = dial(http)
        for port, s in ((http, later), (http, page), (server.port, client)):
            wait_for_probes(port, s, 10, 51)
        server.check_end(checks)


def main():
    end_on_sigterm()
    with Server([sys.argv[1], "--http", "127.0.0.1:0", "--http-conns", str(CONNS),
                 "--http-timeout", str(TIMEOUT_S)]) as server:
        http = port_of(server)
        s = connect(server)
        check_heads(http)
        wait_for(s, "http_connections", 0)
        check_many(http, s)
        check_slow(http, s)
        checks.equal(get(http, "/healthz").status, 200, "it still answers")
        server.check_end(checks)
    check_full(sys.argv[1])
    check_peer_timeout(sys.argv[1])
    checks.done()


if __name__ == "__main__":
    main()
