#!/usr/bin/python3
"""Who has the memory, and that all of it stays within --total-memory.

    owners.py DAEMON [--limits]

A server with --total-memory is filled, and then held up by clients that are idle, send parts of
commands, upload parts of values, and do not read. In each state the parts of `stats memory` must
sum to what is resident; with --limits what they leave unexplained must be within 2 %, and all of
it within --total-memory. Where a control group can be made, the server has one that allows
--total-memory and what the kernel takes: it must not be killed, and nothing of it swapped. In the end all
clients fill their sockets at the same time, in both directions; version 1 of control groups counts these apart.
"""
import os
import socket
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "helpers"))

from checks import Checks
from client import ask, connect, stats
from server import Server, end_on_sigterm

TOTAL_MB = 96
CONNS = 2000
KERNEL_BYTES = 16 * 1024  # what the kernel takes for one connection, as the README says
SOCKET_BYTES = 200 * 1024  # and with what is in its sockets
PARTS = ("items", "index", "buffers", "connections", "heap", "program", "other")
VALUE = b"x" * 500
KEYS = 200000


class Group:
    """A control group of its own that limits memory, of either version; `path` is None where none can be made."""

    ROOTS = (("/sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.swappiness", KERNEL_BYTES),
             ("/sys/fs/cgroup", "memory.max", "memory.swap.max", SOCKET_BYTES))

    def __init__(self):
        self.path = None
        for root, name, swap, conn_bytes in self.ROOTS:
            limit = (TOTAL_MB << 20) + CONNS * conn_bytes
            path = os.path.join(root, "lombard-test-%d" % os.getpid())
            try:
                os.mkdir(path)
            except OSError:
                continue
            try:
                self.write(path, name, limit)
                self.path = path
                self.write(path, swap, 0)
                self.write(path, "memory.kmem.tcp.limit_in_bytes", 1 << 40)  # without one it counts nothing
                return
            except OSError:
                if self.path is None:
                    os.rmdir(path)

    @staticmethod
    def write(path, name, number):
        with open(os.path.join(path, name), "w", encoding="ascii") as f:
            f.write("%d\n" % number)

    def read(self, *names):
        """The first of these files that is there, or ""."""
        for name in names:
            try:
                with open(os.path.join(self.path, name), encoding="ascii") as f:
                    return f.read()
            except OSError:
                pass
        return ""

    def add(self, pid):
        self.write(self.path, "cgroup.procs", pid)

    def kills(self):
        text = self.read("memory.oom_control", "memory.events")
        return [int(line.split()[1]) for line in text.splitlines() if line.startswith("oom_kill ")]

    def peak(self):
        """The most there ever was, sockets included; each at its own time where they are counted apart."""
        return sum(int(text) for text in (self.read("memory.max_usage_in_bytes", "memory.peak"),
                                          self.read("memory.kmem.tcp.max_usage_in_bytes")) if text)

    def sockets(self):
        """Bytes that are in sockets now."""
        text = self.read("memory.kmem.tcp.usage_in_bytes")
        return int(text) if text else sum(int(line.split()[1]) for line in self.read("memory.stat").splitlines()
                                          if line.startswith("sock "))

    def remove(self):
        if self.path is not None:
            os.rmdir(self.path)


def look(check, server, s, what, limits):
    now = {name: int(number) for name, number in stats(s, " memory").items()}
    total = sum(now["%s_bytes" % part] for part in PARTS)
    resident = now["resident_bytes"]
    # Each line is read at a moment of its own.
    check.that(abs(total - resident) <= 1 << 20, "%s: the parts sum to %d of %d" % (what, total, resident))
    check.that(abs(resident - (server.rss_kb() << 10)) <= 1 << 20, "%s: resident is %d" % (what, resident))
    if limits:
        check.that(abs(now["other_bytes"]) <= 0.02 * resident, "%s: unexplained are %d bytes of %d" %
                   (what, now["other_bytes"], resident))
        check.that(resident <= TOTAL_MB << 20, "%s: %d bytes are resident" % (what, resident))


def fill(s):
    for first in range(0, KEYS, 1000):
        batch = [b"set key%09d 0 0 %d noreply\r\n%s\r\n" % (key, len(VALUE), VALUE)
                 for key in range(first, first + 1000)]
        ask(s, b"".join(batch) + b"mn\r\n", b"MN\r\n")


def hold_up(check, server, s, limits):
    clients = [connect(server) for _ in range(CONNS - 10)]
    ask(s, b"mn\r\n", b"MN\r\n")
    look(check, server, s, "idle clients", limits)
    quarter = len(clients) // 4
    for client in clients[:quarter]:
        client.sendall(b"get " + b"k" * 200 + b" " + b"q" * 200)
    time.sleep(0.2)
    look(check, server, s, "parts of commands", limits)
    for number, client in enumerate(clients[quarter:2 * quarter]):
        client.sendall(b"set u%d 0 0 %d\r\n%s" % (number, 50000, b"y" * 20000))
    time.sleep(0.2)
    look(check, server, s, "parts of values", limits)
    keys = b" ".join(b"key%09d" % key for key in range(KEYS - 100, KEYS))
    for client in clients[2 * quarter:3 * quarter]:
        client.sendall((b"get " + keys + b"\r\n") * 40)
    time.sleep(0.5)
    look(check, server, s, "clients that do not read", limits)
    fill(s)
    look(check, server, s, "and more is stored", limits)
    for client in clients:
        client.close()
    time.sleep(0.3)
    look(check, server, s, "all have left", limits)


def flood(check, group, clients, commands, rounds):
    """CLIENTS ask for much more than they read, and go on asking."""
    keys = b" ".join(b"key%09d" % key for key in range(KEYS - 100, KEYS))
    for client in clients:
        client.setblocking(False)
    for _ in range(rounds):
        for client in clients:
            try:
                client.send((b"get " + keys + b"\r\n") * commands)
            except OSError:
                pass  # its socket is full, or it was closed to make room
    time.sleep(0.2)
    held = group.sockets() if group.path is not None else 0
    check.that(held <= len(clients) * SOCKET_BYTES, "%d sockets hold %d bytes" % (len(clients), held))
    for client in clients:
        client.close()


def fill_sockets(check, server, group):
    """First by some that sent fast before, for which the kernel might take more, then by all that there may be."""
    clients = [connect(server, receive_bytes=4096) for _ in range(100)]
    for client in clients:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4 << 20)
        client.sendall((b"set u 0 0 500000 noreply\r\n%s\r\n" % (b"z" * 500000)) * 20)
        ask(client, b"mn\r\n", b"MN\r\n")
    flood(check, group, clients, 8000, 3)
    flood(check, group, [connect(server, receive_bytes=4096) for _ in range(CONNS - 10)], 300, 3)


def main():
    end_on_sigterm()
    limits = "--limits" in sys.argv
    check = Checks()
    group = Group()
    with Server([sys.argv[1], "--total-memory", str(TOTAL_MB), "-c", str(CONNS)]) as server:
        try:
            if group.path is not None and limits:
                group.add(server.process.pid)
            with connect(server) as s:
                look(check, server, s, "nothing stored", False)
                fill(s)
                look(check, server, s, "filled", limits)
                check.that(int(stats(s)["evictions"]) > 0, "it is full")
                hold_up(check, server, s, limits)
                fill_sockets(check, server, group)
                look(check, server, s, "sockets were full", limits)
            if group.path is not None and limits:
                check.equal(group.kills(), [0], "killed for want of memory")
                most = (TOTAL_MB << 20) + CONNS * SOCKET_BYTES
                check.that(group.peak() <= most, "the group took %d of %d bytes at most" % (group.peak(), most))
                print("the group took %d of %d bytes at most" % (group.peak(), most))
            elif limits:
                print("no control group can be made here: that the server is never killed was not tried")
            server.check_end(check)
        finally:
            server.stop()
            group.remove()
    check.done()


main()
