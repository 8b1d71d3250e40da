"""Two connections, one to each server: send the same, and make replies comparable.

A reply is turned into units: what is the same on both sides when the servers agree. CAS
values become their order of appearance, times stay apart as numbers, and of `me` what
says how memory is managed is left out.
"""
import re
import select
import socket
import struct
import time

SILENT_S = 2
PIECE_S = 0.001
CLOSED = b"<closed>"
SILENT = b"<silent>"
MARK_TEXT = b"mn\r\n"
MARK_OPAQUE = 0xffffffff
MARK_BINARY = struct.pack(">BBHBBHIIQ", 0x80, 0x0a, 0, 0, 0, 0, 0, MARK_OPAQUE, 0)
NO_REPLY_KEY = re.compile(rb" k(\S+)")


class Side:
    """One server's end of a session."""

    def __init__(self, port, binary):
        self.binary = binary
        self.sock = socket.create_connection(("127.0.0.1", port))
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock.setblocking(False)
        self.order = {0: 0}  # of CAS values
        self.seen = {}       # CAS values of a key, the last one last
        self.keys = {}       # by opaque
        self.closed = False
        self.begin(b"", 0)

    def begin(self, data, marks):
        self.out = memoryview(data)
        self.buf = bytearray()
        self.pos = 0
        self.marks = marks
        self.segments = [[]]

    def is_done(self):
        return self.closed or len(self.segments) > self.marks

    def send(self, most=None):
        if not self.out or self.closed or most == 0:
            return
        try:
            self.out = self.out[self.sock.send(self.out[:most]):]
        except BlockingIOError:
            pass
        except OSError:
            self.out = memoryview(b"")  # what it said before is still to be read

    def receive(self):
        try:
            data = self.sock.recv(1 << 18)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        self.buf += data
        (self._parse_binary if self.binary else self._parse_text)()
        if not data:
            self.end(CLOSED)

    def end(self, why):
        if self.pos < len(self.buf):
            self.segments[-1].append(bytes(self.buf[self.pos:]))
        self.segments[-1].append(why)
        self.closed = True

    def _cas(self, value, key=None):
        if key is not None:
            values = self.seen.setdefault(key, [])
            if not values or values[-1] != value:
                values.append(value)
        return self.order.setdefault(value, len(self.order))

    # --- text ---

    def _parse_text(self):
        buf, pos, size = self.buf, self.pos, len(self.buf)
        while True:
            newline = buf.find(b"\n", pos)
            if newline < 0:
                break
            line = bytes(buf[pos:newline])
            after = newline + 1
            kind = line[:3]
            if kind == b"MN\r":
                self.segments.append([])
            elif kind == b"VAL" or kind == b"VA ":
                words = line.split()
                after += int(words[3 if kind == b"VAL" else 1]) + 2
                if after > size:
                    break
                value = bytes(buf[newline + 1:after])
                self._add_value(line, words, value)
            elif kind[:2] == b"HD" or kind == b"ME ":
                self.segments[-1].append(self._meta(line))
            else:
                self.segments[-1].append(line)
            pos = after
        self.pos = pos

    def _add_value(self, line, words, value):
        if words[0] == b"VA":
            unit = self._meta(line)
            if isinstance(unit, tuple):
                self.segments[-1].append((unit[0] + b"\n" + value, unit[1]))
                return
            line = unit
        elif len(words) == 5:
            line = b"%b cas %d" % (line[:line.rindex(b" ")], self._cas(int(words[4]), words[1]))
        self.segments[-1].append(line + b"\n" + value)

    def _meta(self, line):
        """HD, VA or ME, with c as an order and t, l, exp and la as numbers apart."""
        words, times = line.split(b" "), []
        key = None
        for word in words[1:]:
            if word[:1] == b"k":
                key = word[1:].rstrip(b"\r")
        for i, word in enumerate(words):
            name, number = word[:1], word[1:]
            if i == 0:
                continue
            if words[0] == b"ME" and b"=" in word:
                name, _, number = word.partition(b"=")
                if name in (b"cls", b"size"):
                    words[i] = name
                    continue
            if name in (b"c", b"cas") and number.strip().isdigit():
                words[i] = b"%b %d" % (name, self._cas(int(number), key))
            elif name in (b"t", b"l", b"exp", b"la") and number.strip(b"-\r").isdigit():
                words[i] = name
                times.append(int(number))
        line = b" ".join(words).rstrip(b"\r")
        return (line, times) if times else line

    # --- binary ---

    def _parse_binary(self):
        buf, pos, size = self.buf, self.pos, len(self.buf)
        while size - pos >= 24:
            (magic, opcode, key_len, extras_len, kind, status, body_len, opaque,
             cas) = struct.unpack_from(">BBHBBHIIQ", buf, pos)
            if magic != 0x81 or size - pos - 24 < body_len:
                break
            body = bytes(buf[pos + 24:pos + 24 + body_len])
            pos += 24 + body_len
            if opaque == MARK_OPAQUE:
                self.segments.append([])
                continue
            key = self.keys.get(opaque) if status == 0 and cas else None
            self.segments[-1].append(
                (opaque, b"op %02x status %d key %d extras %d type %d cas %d: %b" % (
                    opcode, status, key_len, extras_len, kind, self._cas(cas, key), body)))
        self.pos = pos


def send_pieces(sides, cuts):
    """Send up to each cut, and let the servers look at that alone."""
    ends = [[len(side.out) * cut // 1000 for cut in cuts] for side in sides]
    whole = [len(side.out) for side in sides]
    for i in range(len(cuts)):
        for side, size, end in zip(sides, whole, ends):
            side.send(max(0, end[i] - (size - len(side.out))))
        time.sleep(PIECE_S)


def exchange(sides, cuts=()):
    """Send what begin() was given, and read until all marks came, or silence, or the end."""
    send_pieces(sides, cuts)
    poll = select.poll()
    by_fd = {side.sock.fileno(): side for side in sides}
    for side in sides:
        side.send()
        poll.register(side.sock, select.POLLIN | (select.POLLOUT if side.out else 0))
    end = time.monotonic() + SILENT_S
    waiting = [side for side in sides if not side.is_done()]
    while waiting:
        events = poll.poll(500)
        for fd, event in events:
            side = by_fd[fd]
            if event & select.POLLOUT:
                side.send()
            if event & ~select.POLLOUT:
                side.receive()
            if side.is_done():
                poll.unregister(fd)
            elif event & select.POLLOUT and not side.out:
                poll.modify(fd, select.POLLIN)
        waiting = [side for side in waiting if not side.is_done()]
        if events:
            end = time.monotonic() + SILENT_S
        elif time.monotonic() > end:
            for side in waiting:
                side.end(SILENT)
            return
