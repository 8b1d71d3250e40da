#!/usr/bin/python3
"""Every verb at random on a store that is full, with sizes around the edges of its layout.

    soak.py DAEMON SECONDS [SEED]

One server after the other, each with another -m, -I, and with or without -M and -C, gets
pipelines of text, meta and binary commands from two clients, while others read slowly (their
replies pin values), begin uploads and leave, or stand still in the middle of one. Each server
draws its own number of keys and its own share of each kind of command and size, some of them none.
Whatever a command answers, the server must live, keep every stream in step, and serve only
bytes that were stored: all bytes of a value are the letter of its key, whatever was appended.
"""
import os
import random
import re
import socket
import struct
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "helpers"))

from checks import Checks
from client import ask, connect, stats
from server import Server

KEYS_MAX = 300
SECONDS_PER_SERVER = 3
# -m, -I, other options; sizes are drawn around parts of a segment, whose size follows -m.
SERVERS = (
    ("1", "512k", ()), ("4", "1m", ("-M",)), ("1", "512k", ()), ("8", "2m", ("-C",)),
    ("1", "512k", ()), ("2", "1m", ()), ("16", "1m", ()), ("16", "4m", ("-M",)), ("64", "5m", ()), ("64", "1m", ("-M", "-C")),
)
CLASSIC_STORES = (b"set", b"add", b"replace", b"append", b"prepend")
META_MODES = (b"", b" ME", b" MA", b" MP", b" MR", b" MS")
BINARY_STORES = (0x01, 0x02, 0x03, 0x0e, 0x0f)  # set add replace append prepend
BINARY_READS = (0x00, 0x1d)  # get gat
NOOP = 0x0a


def letter(number):
    return b"%c" % (ord("a") + number % 26)


def draw_weights(rng, names):
    """A weight for each name, about a third of them 0, but never all."""
    weights = [0 if rng.random() < 0.35 else 2 ** rng.randrange(7) for _ in names]
    return weights if any(weights) else [1] * len(weights)


class Sizes:
    """Sizes of values at random: tiny, near the parts of a segment, and up to -I."""

    KINDS = ("tiny", "some records", "near an edge", "any", "one size")

    def __init__(self, rng, item_max, segment):
        self.rng, self.item_max = rng, item_max
        self.edges = [segment * n // d for n, d in
                      ((1, 32), (1, 8), (1, 4), (1, 2), (3, 4), (1, 1), (2, 1), (7, 1), (8, 1))]
        self.weights = draw_weights(rng, self.KINDS)
        self.one_size = rng.randrange(10000, 20000)

    def draw(self):
        kind = self.rng.choices(self.KINDS, self.weights)[0]
        if kind == "tiny":
            size = self.rng.randrange(0, 100)
        elif kind == "some records":
            size = self.rng.randrange(14000, 20000)
        elif kind == "one size":
            size = self.one_size
        elif kind == "near an edge":
            size = self.rng.choice(self.edges) + self.rng.randrange(-40, 40)
        else:
            size = int(2 ** (self.rng.random() * 23))
        return max(0, min(size, self.item_max + 10))


class Traffic:
    """The commands; each method returns bytes to send."""

    def __init__(self, rng, sizes, keys):
        self.rng, self.sizes, self.keys = rng, sizes, keys
        self.makers = (self.store, self.classic_store, self.meta_store, self.cas, self.change,
                       self.touch, self.read, self.meta_get)
        self.weights = draw_weights(rng, self.makers)
        self.rare_share = rng.choice((0, 0, 0.0003, 0.003))

    def key(self):
        number = self.rng.randrange(self.keys)
        return b"k%02d" % number, letter(number)

    def store(self):
        key, a = self.key()
        value = a * self.sizes.draw()
        return b"set %b 0 0 %d\r\n%b\r\n" % (key, len(value), value)

    def touch(self):
        return b"touch %b 1000\r\n" % self.key()[0]

    def meta_get(self):
        return b"".join(b"mg %b\r\n" % self.key()[0] for _ in range(16))

    def ttl(self):
        return self.rng.choice((b"0", b"0", b"1", b"1000", b"-1", b"100000"))

    def classic_store(self):
        key, a = self.key()
        value = a * self.sizes.draw()
        verb = self.rng.choice(CLASSIC_STORES + (b"set",) * 4)
        return b"%b %b 0 %b %d\r\n%b\r\n" % (verb, key, self.ttl(), len(value), value)

    def cas(self):
        key, a = self.key()
        value = a * self.sizes.draw()
        return b"cas %b 0 0 %d %d\r\n%b\r\n" % (key, len(value), self.rng.randrange(3000), value)

    def meta_store(self):
        key, a = self.key()
        value = a * self.sizes.draw()
        mode = self.rng.choice(META_MODES)
        extra = self.rng.choice((b"", b" T1000", b" I", b" C%d" % self.rng.randrange(3000), b" c"))
        return b"ms %b %d%b%b\r\n%b\r\n" % (key, len(value), mode, extra, value)

    def read(self):
        key, _ = self.key()
        return self.rng.choice((
            b"get %b\r\n" % key, b"gets %b k01 k02\r\n" % key, b"gat %b %b\r\n" % (self.ttl(), key),
            b"gats 1000 %b\r\n" % key, b"mg %b k v t c\r\n" % key, b"mg %b k v T1000\r\n" % key,
            b"mg %b k v N100\r\n" % key, b"mg %b k v E77\r\n" % key, b"me %b\r\n" % key))

    def change(self):
        key, _ = self.key()
        return self.rng.choice((
            b"touch %b %b\r\n" % (key, self.ttl()), b"touch %b 1000\r\n" % key,
            b"delete %b\r\n" % key, b"md %b\r\n" % key, b"md %b I T1000\r\n" % key,
            b"md %b x\r\n" % key, b"incr n%b 1\r\n" % key, b"decr n%b 5\r\n" % key,
            b"ma n%b N0 J7 T1000\r\n" % key, b"ma n%b T1000\r\n" % key, b"set n%b 0 0 1\r\n5\r\n" % key))

    def rare(self):
        return self.rng.choice((b"flush_all 1\r\n", b"flush_all\r\n", b"stats\r\n", b"version\r\n",
                                b"stats items\r\n", b"lru_crawler metadump all\r\n"))

    def text(self):
        parts = []
        for _ in range(self.rng.randrange(1, 80)):
            rare = self.rng.random() < self.rare_share
            parts.append(self.rare() if rare else self.rng.choices(self.makers, self.weights)[0]())
        return b"".join(parts) + b"mn\r\n"

    def packet(self, opcode, key, extras=b"", value=b""):
        return struct.pack(">BBHBBHIIQ", 0x80, opcode, len(key), len(extras), 0, 0,
                           len(extras) + len(key) + len(value), 0, 0) + extras + key + value

    def binary(self):
        parts = []
        for _ in range(self.rng.randrange(1, 40)):
            key, a = self.key()
            draw = self.rng.random()
            if draw < 0.4:
                opcode = self.rng.choice(BINARY_STORES)
                extras = b"" if opcode >= 0x0e else struct.pack(">II", 0, self.rng.choice((0, 1, 1000)))
                parts.append(self.packet(opcode, key, extras, a * self.sizes.draw()))
            elif draw < 0.7:
                opcode = self.rng.choice(BINARY_READS)
                parts.append(self.packet(opcode, key, struct.pack(">I", 1000) if opcode else b""))
            elif draw < 0.85:
                parts.append(self.packet(0x1c, key, struct.pack(">I", self.rng.choice((0, 1, 1000)))))
            elif draw < 0.95:
                parts.append(self.packet(0x05, b"n" + key, struct.pack(">QQI", 1, 0, 1000)))
            else:
                parts.append(self.packet(0x04, key))
        return b"".join(parts) + self.packet(NOOP, b"")


class Reader:
    """Replies of one stream, in order: each value is looked at."""

    HEAD = re.compile(rb"(?:VALUE ([a-z0-9]+) \d+ (\d+)[^\r]*|VA (\d+)([^\r]*))\r\n")

    def __init__(self, sock):
        self.sock, self.data, self.wrong, self.values = sock, b"", 0, 0

    def more(self):
        got = self.sock.recv(1 << 20)
        if not got:
            raise EOFError("closed; the last that came was %r" % self.data[-80:])
        self.data += got

    def exactly(self, count):
        if len(self.data) < count:
            parts, have = [self.data], len(self.data)
            while have < count:
                self.data = b""
                self.more()
                parts.append(self.data)
                have += len(self.data)
            self.data = b"".join(parts)
        got, self.data = self.data[:count], self.data[count:]
        return got

    def line(self):
        while b"\n" not in self.data:
            self.more()
        line, self.data = self.data.split(b"\n", 1)
        return line + b"\n"

    def look(self, key, value):
        self.values += 1
        if key.startswith(b"n") or not value:
            return
        if value.strip(letter(int(key[1:]))) != b"":
            self.wrong += 1

    def text(self):
        while True:
            line = self.line()
            if line == b"MN\r\n":
                return
            head = self.HEAD.fullmatch(line)
            if not head:
                continue
            size = int(head[2] or head[3])
            value = self.exactly(size + 2)
            key = head[1] or next((f[1:] for f in head[4].split() if f.startswith(b"k")), b"n")
            if value[-2:] != b"\r\n":
                raise EOFError("out of step behind %r" % line)
            self.look(key, value[:-2])

    def binary(self):
        while True:
            magic, opcode, key_len, extras, _, status, body, _, _ = struct.unpack(
                ">BBHBBHIIQ", self.exactly(24))
            if magic != 0x81:
                raise EOFError("out of step: magic %#x" % magic)
            content = self.exactly(body)
            if opcode == NOOP:
                return
            if opcode in BINARY_READS and status == 0:
                self.values += 1
                value = content[extras + key_len:]
                self.wrong += value != value[:1] * len(value)


class Bystanders:
    """Connections that stall: they read nothing, or stop in the middle of a value."""

    def __init__(self, server, rng, sizes):
        self.server, self.rng, self.sizes, self.sockets = server, rng, sizes, []
        self.most = rng.choice((0, 2, 12))

    def step(self):
        while len(self.sockets) > self.most or (self.sockets and self.rng.random() < 0.3):
            self.sockets.pop(self.rng.randrange(len(self.sockets))).close()
        if self.most == 0 or self.rng.random() < 0.7:
            return
        s = connect(self.server, 4096)
        s.settimeout(10)
        try:
            if self.rng.random() < 0.5:
                s.sendall(b"get" + b" k%02d" % self.rng.randrange(KEYS_MAX) * 40 + b"\r\n")
            else:
                size = max(3000, self.sizes.draw())
                begun = self.rng.randrange(size)
                s.setblocking(False)
                s.send(b"set k%02d 0 0 %d\r\n" % (self.rng.randrange(KEYS_MAX), size) + b"#" * begun)
        except (OSError, socket.timeout):
            pass  # it may be shed
        self.sockets.append(s)

    def close(self):
        for s in self.sockets:
            s.close()


def play(server, rng, item_max, until):
    """One server's share. How many values were read, how many were wrong."""
    segment = int(stats(connect(server), " store")["segment_bytes"])
    sizes = Sizes(rng, item_max, segment)
    traffic = Traffic(rng, sizes, rng.randrange(20, KEYS_MAX))
    text, binary = Reader(connect(server)), Reader(connect(server))
    bystanders = Bystanders(server, rng, sizes)
    both = rng.random() < 0.5
    while time.monotonic() < until:
        bystanders.step()
        send_and_read(text, traffic.text(), text.text)
        if both:
            send_and_read(binary, traffic.binary(), binary.binary)
    bystanders.close()
    return text.values + binary.values, text.wrong + binary.wrong


def play_tight(server, rng, memory, until):
    """Little else than touching items of one size of which a few more are asked for than fit."""
    size = rng.randrange(12000, 20000)
    keys = memory * rng.randrange(90, 160) // 100 // size
    value = b"v" * size
    s = connect(server)
    touches = rng.sample((b"touch k%d 1000", b"gat 1000 k%d", b"mg k%d T1000", b"md k%d I T1000",
                          b"touch k%d 0"), rng.randrange(1, 4))
    while time.monotonic() < until:
        batch = [b"mg k%d" % rng.randrange(keys) for _ in range(rng.choice((8, 64)))]
        batch.append(b"set k%d 0 0 %d\r\n%b" % (rng.randrange(keys), size, value))
        batch += [b"mg k%d" % rng.randrange(keys), rng.choice(touches) % rng.randrange(keys)]
        ask(s, b"\r\n".join(batch) + b"\r\nmn\r\n", b"MN\r\n")
    return keys, 0


def send_and_read(reader, data, read):
    """Both at the same time: neither end may wait for the other with its buffers full."""
    sock = reader.sock
    sock.setblocking(False)
    view, at = memoryview(data), 0
    parts = [reader.data]
    while at < len(view):
        try:
            at += sock.send(view[at:at + 65536])
        except BlockingIOError:
            pass
        try:
            got = sock.recv(1 << 20)
            if not got:
                raise EOFError("closed while a pipeline was sent")
            parts.append(got)
        except BlockingIOError:
            pass
    reader.data = b"".join(parts)
    sock.settimeout(60)
    read()


def main():
    daemon, seconds = sys.argv[1], float(sys.argv[2])
    seed = int(sys.argv[3]) if len(sys.argv) > 3 else 1
    checks, end, number, values = Checks(), time.monotonic() + seconds, 0, 0
    while time.monotonic() < end and not checks.failed:
        memory, item, options = SERVERS[number % len(SERVERS)]
        rng = random.Random(seed * 1000003 + number)
        name = "seed %d, server %d (-m %s -I %s %s)" % (seed, number, memory, item, " ".join(options))
        number += 1
        item_max = int(item[:-1]) << (20 if item[-1] == "m" else 10)
        with Server([daemon, "-m", memory, "-I", item, *options]) as server:
            share = min(end, time.monotonic() + SECONDS_PER_SERVER)
            try:
                if number % 3 == 0:
                    read, wrong = play_tight(server, rng, int(memory) << 20, share)
                else:
                    read, wrong = play(server, rng, item_max, share)
                values += read
                checks.that(wrong == 0, "%s: %d of %d values are wrong" % (name, wrong, read))
                held = stats(connect(server))
                checks.that(held["conn_closed_internal"] == "0", name + ": no bug was noticed")
            except (EOFError, OSError) as e:
                checks.that(False, "%s: %r" % (name, e))
            checks.that(server.is_alive(), name + ": the server lives")
            ended = server.stop()
            checks.that(ended is None, "%s: %s" % (name, ended))
    checks.that(values > 0, "values were read")
    print("%d servers, %d values read" % (number, values))
    checks.done()


main()
