"""What broke memcached at some time, against a running server that logs all it gets."""
import os
import re
import socket
import struct
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "helpers"))

from checks import Checks

PORT = int(sys.argv[1])
REPLY_S = 30
check = Checks()


class Peer:
    """A connection that is read by lines, or until a mark."""

    def __init__(self):
        self.sock = socket.create_connection(("127.0.0.1", PORT), timeout=REPLY_S)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buf = b""

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.sock.close()

    def send(self, data):
        self.sock.sendall(data)

    def _more(self):
        try:
            data = self.sock.recv(1 << 18)
        except ConnectionResetError:
            data = b""
        self.buf += data
        return data

    def until(self, mark):
        """All up to and with MARK, or what there was when the peer closed."""
        parts, tail = [], b""
        while True:
            at = (tail + self.buf).find(mark)
            if at >= 0:
                whole = b"".join(parts) + tail + self.buf
                end = len(b"".join(parts)) + at + len(mark)
                self.buf = whole[end:]
                return whole[:end]
            whole = tail + self.buf
            keep = len(mark) - 1
            parts.append(whole[:len(whole) - keep])
            tail, self.buf = whole[len(whole) - keep:], b""
            if not self._more():
                return b"".join(parts) + tail

    def ask(self, data):
        """The reply to DATA; a barrier behind it shows that the two are in step."""
        self.send(data + b"mn\r\n")
        reply = self.until(b"MN\r\n")
        return reply[:-4] if reply.endswith(b"MN\r\n") else reply + b"<closed>"


def in_step(peer):
    return peer.ask(b"") == b""


def serves():
    with Peer() as peer:
        return peer.ask(b"set alive 0 0 1\r\n1\r\nget alive\r\n") == \
            b"STORED\r\nVALUE alive 0 1\r\n1\r\nEND\r\n"


# --- Numbers ---

NUMBERS = ["-1", "0", "2147483647", "2147483648", "2147483649", "4294967295", "4294967296",
           "4294967297", "-2147483648", "-2147483649", "9223372036854775807",
           "9223372036854775808", "18446744073709551615", "18446744073709551616",
           "007", "0" * 100 + "1", "1" * 400, "-" + "1" * 400, "1x", "+", "-", "0x10"]

FIELDS = ["set n %s 0 2\r\nxx\r\n", "set n 0 %s 2\r\nxx\r\n", "cas n 0 0 2 %s\r\nxx\r\n",
          "incr n %s\r\n", "decr n %s\r\n", "touch n %s\r\n", "gat %s n\r\n", "gats %s n\r\n",
          "delete n %s\r\n", "verbosity %s\r\n", "mg n v T%s\r\n", "mg n v N%s\r\n",
          "mg n v R%s t\r\n", "ms n 2 F%s\r\nxx\r\n", "ms n 2 T%s\r\nxx\r\n",
          "ms n 2 C%s\r\nxx\r\n", "ms n 2 E%s\r\nxx\r\n", "ma n D%s\r\n", "ma n N0 J%s\r\n",
          "ma n N%s\r\n", "ma n T%s\r\n", "ma n C%s\r\n", "md n C%s\r\n", "md n I T%s\r\n",
          "cache_memlimit %s\r\n", "stats cachedump %s 1\r\n", "stats cachedump 1 %s\r\n",
          "lru_crawler metadump %s\r\n", "lru_crawler sleep %s\r\n", "slabs automove %s\r\n",
          "slabs reassign %s 1\r\n", "flush_all %s\r\n"]


def numbers():
    for field in FIELDS:
        for number in NUMBERS:
            with Peer() as peer:
                reply = peer.ask(b"set n 0 0 2\r\n10\r\n" + (field % number).encode())
                check("%r with %s" % (field, number[:24]),
                      reply.startswith(b"STORED\r\n") and reply.endswith(b"\r\n"))
    with Peer() as peer:
        peer.ask(b"verbosity 2\r\nflush_all\r\n")
    check("serves after the numbers", serves())


def lengths():
    """What follows an impossible length is commands; what follows a possible one is not."""
    for verb in ("set", "add", "replace", "append", "prepend", "cas", "ms"):
        line = "ms k %s\r\n" if verb == "ms" else verb + " k 0 0 %s" + \
            (" 1" if verb == "cas" else "") + "\r\n"
        for number in NUMBERS:
            digits = re.fullmatch(r"-?\d*", number) and len(number) <= 11
            value = int(number + "0") // 10 if digits else -1  # a minus sign alone is 0
            with Peer() as peer:
                if 0 <= value <= 7:
                    reply = peer.ask((line % number).encode() + b"v" * value + b"\r\n")
                    good = re.fullmatch(rb"(STORED|NOT_STORED|NOT_FOUND|EXISTS|HD|NS|NF|EX)\r\n",
                                        reply)
                elif 0 <= value <= 2 ** 31 - 3:
                    continue  # waits for so much
                else:
                    reply = peer.ask((line % number).encode())
                    good = re.fullmatch(rb"(CLIENT|SERVER)_ERROR [^\r\n]*\r\n", reply)
                check("%s with a length of %s: %r" % (verb, number[:24], reply[:60]), good)
    check("serves after the lengths", serves())


# --- Admin commands ---

ADMIN = ["stats", "stats settings", "stats items", "stats slabs", "stats sizes", "stats conns",
         "stats detail", "stats cachedump", "stats reset", "stats nonsense", "flush_all",
         "verbosity", "version", "slabs", "slabs reassign", "slabs automove", "lru", "lru mode",
         "lru tune", "lru temp_ttl", "lru_crawler", "lru_crawler metadump", "lru_crawler mgdump",
         "lru_crawler crawl", "lru_crawler enable", "lru_crawler disable", "lru_crawler sleep",
         "lru_crawler tocrawl", "cache_memlimit", "watch", "shutdown", "refresh_certs", "mn", "me",
         "extstore", "misbehave", "debugtime"]
ARGUMENTS = [["1"] * 6, ["all"] * 6, ["-1"] * 6, ["noreply"] * 6, ["x" * 300] * 6,
             ["1", "noreply", "0", "all", "graceful", "hash"]]


def admin():
    for command in ADMIN:
        for arguments in ARGUMENTS:
            for count in range(7):
                line = " ".join([command] + arguments[:count]) + "\r\n"
                with Peer() as peer:
                    peer.send(line.encode())
                    peer.send(b"set step 0 0 1\r\n7\r\n")
                    # A watcher only listens from then on.
                    end = b"OK\r\n" if line == "watch\r\n" else b"STORED\r\n"
                    reply = peer.until(end)
                    check("%r" % line[:60], reply.endswith(end))
    with Peer() as peer:
        peer.ask(b"verbosity 2\r\nflush_all\r\n")
    check("serves after the admin commands", serves())


# --- Blanks, and lines' ends at the edges of buffers ---

BAD = b"CLIENT_ERROR bad command line format\r\n"


def blanks():
    for data, want in ((b"\n", BAD), (b"\r\n", BAD),
                       (b" \r\n", BAD), (b" " * 1000 + b"\r\n", rb"ERROR\r\n"),
                       (b" " * 1500 + b"version\r\n", rb"ERROR\r\n"),
                       (b" " * 1500 + b"flush_all\r\n", rb"OK\r\n"),
                       (b"get " + b" " * 5000 + b"nokey\r\n", rb"END\r\n"),
                       (b"get nokey" + b" " * 40000 + b"\r\n", rb"END\r\n"),
                       (b"\r\r\n", BAD), (b"\n\n\n", rb"(%b){3}" % BAD),
                       (b"get nokey\n", rb"END\r\n")):
        with Peer() as peer:
            reply = peer.ask(data)
            check("%r of %d bytes: %r" % (data[:12], len(data), reply[:40]),
                  re.fullmatch(want, reply))
    with Peer() as peer:
        peer.send(b"\r")
        time.sleep(0.05)
        check("a \\r alone, then the rest", peer.ask(b"\n") == BAD)
    for edge in (1024, 2048, 4096, 16384, 32768, 65536):
        for shift in range(-3, 4):
            fill = edge + shift
            with Peer() as peer:
                head = b"set edge 0 0 %05d\r\n"
                n = fill - len(head % 0) - 2
                reply = peer.ask(head % n + b"v" * n + b"\r\nget nokey\r\n")
                check("a command that begins at %d" % fill, reply == b"STORED\r\nEND\r\n")
                check("a line's end alone at %d" % fill,
                      peer.ask(head % n + b"v" * n + b"\r\n\n") == b"STORED\r\n" + BAD)
    check("serves after the blanks", serves())


# --- Long and many ---

def multiget():
    keys = [b"many%05d" % i for i in range(18725)]
    with Peer() as peer:
        peer.send(b"".join(b"set %b 0 0 5 noreply\r\n%b\r\n" % (k, k[-5:]) for k in keys[::5]))
        check("sets for the multiget", in_step(peer))
        want = b"".join(b"VALUE %b 0 5\r\n%b\r\n" % (k, k[-5:]) for k in keys[::5]) + b"END\r\n"
        line = b"get " + b" ".join(keys) + b"\r\n"
        check("18,725 keys in %d bytes" % len(line), peer.ask(line) == want)
        for at in range(0, len(line), 5000):
            peer.send(line[at:at + 5000])
            time.sleep(0.001)
        check("in pieces", peer.ask(b"") == want)
        few = b"gat 0 " + b" ".join(keys[:180]) + b"\r\n"  # as long as a line may be
        want = b"".join(b"VALUE %b 0 5\r\n%b\r\n" % (k, k[-5:]) for k in keys[:180:5]) + b"END\r\n"
        check("gat of 180", peer.ask(few) == want)
        long = b"get " + b"k" * 100000 + b"\r\n"
        check("a key of 100,000 bytes", peer.ask(long) == b"CLIENT_ERROR bad command line format\r\n")
    with Peer() as peer:
        packets = [struct.pack(">BBHBBHIIQ", 0x80, 0x0d, len(k), 0, 0, 0, len(k), i, 0) + k
                   for i, k in enumerate(keys)]
        peer.send(b"".join(packets) + struct.pack(">BBHBBHIIQ", 0x80, 0x0a, 0, 0, 0, 0, 0, 7, 0))
        end = struct.pack(">BBHBBHIIQ", 0x81, 0x0a, 0, 0, 0, 0, 0, 7, 0)
        reply = peer.until(end)
        check("as many getkq", reply.endswith(end) and reply.count(b"many") == len(keys[::5]))


def noreply_storm():
    commands = []
    for i in range(6000):
        commands += [b"set q 0 0 1 noreply\r\n1\r\n", b"incr q 1 noreply\r\n",
                     b"append q 0 0 1 noreply\r\n0\r\n", b"touch q 0 noreply\r\n",
                     b"delete absent noreply\r\n", b"add q 0 0 1 noreply\r\nx\r\n",
                     b"cas q 0 0 1 1 noreply\r\nx\r\n", b"mg absent q\r\n", b"ms m 1 q\r\nx\r\n"]
    with Peer() as peer:
        reply = peer.ask(b"".join(commands) + b"get q\r\n")
        check("%d commands without a reply" % len(commands), reply == b"VALUE q 0 2\r\n20\r\nEND\r\n")
        errors = (b"set q 0 0 x noreply\r\n" + b"incr q x noreply\r\n"
                  + b"set %b 0 0 4 noreply\r\nmn\r\n\r\n" % (b"k" * 251)
                  + b"set q -1 0 4 noreply\r\nmn\r\n\r\n") * 2000
        check("refused ones are in step", peer.ask(errors) == BAD * 2000)
    check("serves after the storm", serves())


# --- Binary, with crafted lengths ---

def packet(opcode, key_len=0, extras_len=0, body_len=0, rest=b"", cas=0):
    return struct.pack(">BBHBBHIIQ", 0x80, opcode, key_len, extras_len, 0, 0, body_len, 5,
                       cas) + rest


def binary():
    cases = []
    for opcode in list(range(0x00, 0x26)) + [0x7f, 0xff]:
        cases += [("no key, no body", packet(opcode)),
                  ("a key longer than the body", packet(opcode, 10, 0, 3, b"abc")),
                  ("extras longer than the body", packet(opcode, 0, 255, 10, b"x" * 10)),
                  ("extras and key longer than the body", packet(opcode, 4, 8, 10, b"x" * 10)),
                  ("a key of 65535 bytes", packet(opcode, 65535, 0, 65535, b"k" * 65535)),
                  ("a key of 251 bytes", packet(opcode, 251, 0, 251, b"k" * 251)),
                  ("a body of -1", packet(opcode, 1, 0, 0xffffffff, b"k")),
                  ("a body of 2^31", packet(opcode, 1, 8, 0x80000000, b"x" * 8 + b"k")),
                  ("a body that wraps with its key", packet(opcode, 250, 8, 0xfffffffe, b"x" * 258)),
                  ("extras of every odd length", packet(opcode, 1, 3, 4, b"xxxk"))]
    for what, data in cases:
        with Peer() as peer:
            try:
                peer.send(data)
                peer.sock.shutdown(socket.SHUT_WR)
            except OSError:
                pass  # closed by the server before it had all
            reply = peer.until(b"\0never\0")
            check("opcode %02x, %s" % (data[1], what),
                  reply == b"" or reply[:1] == b"\x81" and len(reply) >= 24)
    check("serves after the binary lengths", serves())


# --- Log ---

def hostile_log():
    lines = [bytes(range(256)).replace(b"\n", b""), b"\x1b[2J\x1b]0;title\x07", b"%n%s%x" * 50,
             b"get " + bytes(range(1, 10)) + b"\xff\x7f", b"\x9b31m", b"\r\r\r", b"\0" * 100]
    with Peer() as peer:
        for line in lines:
            check("a hostile line: %r" % line[:12], b"<closed>" not in peer.ask(line + b"\r\n"))
        check("a hostile value",
              peer.ask(b"set v 0 0 6\r\n\x1b[2J\0\n\r\n") == b"STORED\r\n")
        check("a hostile key", peer.ask(b"set \x1b[31m 0 0 1\r\n1\r\n") == b"STORED\r\n")
    with open(os.environ["LOMBARD_LOG"], "rb") as log:
        text = log.read()
    check("they were logged", len(text) > 1000 and b"2J" in text)
    check("without a control byte", not re.search(rb"[\x00-\x09\x0b-\x1f\x7f-\xff]", text))


# --- A client that does not read ---

def rss_kb():
    with open("/proc/%s/status" % os.environ["LOMBARD_PID"], "r", encoding="ascii") as status:
        return int(re.search(r"VmRSS:\s*(\d+)", status.read()).group(1))


def not_reading(command, end, times):
    before = rss_kb()
    with Peer() as peer:
        sent = 0
        peer.sock.setblocking(False)
        for _ in range(times):
            try:
                sent += peer.sock.send(command)
            except BlockingIOError:
                break
        whole = sent // len(command)
        started = time.monotonic()
        check("other clients are served meanwhile: %r" % command, all(serves() for _ in range(20)))
        check("and soon", time.monotonic() - started < 30)
        check("in little memory", rss_kb() - before < 32 * 1024)
        peer.sock.settimeout(REPLY_S)
        for _ in range(whole):
            if not peer.until(end).endswith(end):
                break
        else:
            whole = 0
        check("all replies are there when it reads at last", whole == 0)


def stalled():
    with Peer() as peer:
        peer.send(b"".join(b"set stall%05d 0 0 1 noreply\r\nx\r\n" % i for i in range(20000)))
        check("items to dump", in_step(peer))
    not_reading(b"stats\r\n", b"END\r\n", 4000)
    not_reading(b"lru_crawler metadump all\r\n", b"END\r\n", 20)
    not_reading(b"lru_crawler mgdump all\r\n", b"EN\r\n", 20)
    not_reading(b"stats cachedump 1 0\r\n", b"END\r\n", 20)
    for _ in range(20):  # and one that leaves in the middle
        with Peer() as peer:
            peer.send(b"lru_crawler metadump all\r\nstats\r\n" * 3)
            peer.sock.recv(100)
    check("serves after the dumps", serves())


def half_values():
    for sent in (0, 1, 100, 20000, 899999):
        with Peer() as peer:
            peer.send(b"set part 0 0 900000\r\n" + b"v" * sent)
    check("serves after values that end early", serves())
    with Peer() as peer:
        check("and stored none", peer.ask(b"get part\r\n") == b"END\r\n")


for part in (numbers, lengths, admin, blanks, multiget, noreply_storm, binary, hostile_log,
             stalled, half_values):
    part()
check.done()
