"""What a session is made of, and the words that the generators draw from.

A session is a list of batches, a batch a list of commands that are sent in one piece.
A command's bytes may have holes, for the CAS values that each server gave itself.
"""
import random
import struct

KEYS = [b"k%d" % i for i in range(9)] + [b"n%d" % i for i in range(4)] + [
    b"k" * 250, b"\xc3\xa4\xff\x80!#~", b"VALUE"]
NO_CAS = 12345678901234  # where a server gave none yet

EDGE_BITS = (7, 8, 15, 16, 31, 32, 63, 64)
EDGES = [2 ** bits + more for bits in EDGE_BITS for more in (-1, 0, 1)]
MONTH_S = 2592000  # a longer time is one of day
FORMS = [b"%d", b"%d", b"%d", b"-%d", b"-%d", b"+%d", b"0%d", b"0000%d", b"%011d", b"%012d",
         b"%022d", b"%023d", b"%d\t", b"\t%d", b"%d\tx", b"%dx", b"%d.0", b"0x%d", b"%d-", b"--%d"]
ODD = [b"0", b"1", b"-1", b"-0", b"007", b"00", b"1" * 400, b"0" * 400 + b"1", b"+1", b"1x", b"x",
       b"", b"1.5", b"0x10", b"--1", b"1-", b"-", b"+", b"1e3", b"%d" % (MONTH_S - 1),
       b"%d" % MONTH_S, b"%d" % (MONTH_S + 1)]


def time_is_soon(number):
    """Whether it may mean one of the next seconds, which come to one server first."""
    digits = number.strip(b"+\t\r").split(b"\t")[0]
    try:
        low = int(digits) & 0xffffffff
    except ValueError:
        return False
    return 0 < low < 6


class Cas:
    """A hole for the last CAS seen of a key (age 0), or the one before that."""

    __slots__ = ("key", "age", "binary")

    def __init__(self, key, age=0, binary=False):
        self.key, self.age, self.binary = key, age, binary

    def fill(self, seen):
        values = seen.get(self.key, ())
        value = values[-1 - self.age] if len(values) > self.age else NO_CAS
        return struct.pack(">Q", value) if self.binary else b"%d" % value


OPAQUE = object()  # a hole for the command's number in its session


class Command:
    """Bytes, or a list of bytes and holes.

    alone: nothing else may be in its segment; fetches: keys whose values the reply may
    bring; counts: it changes the key's value as a number.
    """

    __slots__ = ("data", "key", "alone", "fetches", "counts")

    def __init__(self, data, key=b"", alone=False, fetches=(), counts=False):
        self.data, self.key, self.alone = data, key, alone
        self.fetches, self.counts = fetches, counts

    def fill(self, seen, number):
        if isinstance(self.data, bytes):
            return self.data
        return b"".join(p if isinstance(p, bytes) else struct.pack(">I", number)
                        if p is OPAQUE else p.fill(seen) for p in self.data)

    def show(self):
        data = self.data if isinstance(self.data, list) else [self.data]
        text = "".join(repr(p)[2:-1] if isinstance(p, bytes) else "...." if p is OPAQUE
                       else "<CAS %d of %r>" % (p.age, p.key) for p in data)
        return text if len(text) < 400 else "%s...(%d)" % (text[:400], len(text))


class Pause:
    """A batch of its own: let this much time pass."""

    def __init__(self, seconds):
        self.seconds = seconds


class Draw(random.Random):
    """Random words of a session.

    plain: nothing that versions of memcached answer differently.
    """

    plain = False

    def chance(self, p):
        return self.random() < p

    def pick(self, words):
        return words[int(self.random() * len(words))]

    def weighted(self, table, cum):
        return self.choices(table, cum_weights=cum)[0]

    def number(self):
        """One from the edges of a type, or one in an odd form."""
        if self.chance(0.25):
            return self.pick(ODD)
        return self.pick(FORMS) % self.pick(EDGES)

    def time(self):
        while True:
            number = self.number()
            if not time_is_soon(number):
                return number

    def any_key(self):
        return KEYS[int(self.random() * len(KEYS))]

    def number_key(self):
        return b"n%d" % int(self.random() * 4)

    def value(self):
        r = self.random()
        if r < 0.30:
            return b"%d" % int(self.random() * 1000)
        if r < 0.86:
            value = self.randbytes(int(self.random() * 80))
            return b"blank" if value.isspace() else value
        if r < 0.90:
            return self.pick((b"", b"18446744073709551616", b" 7",
                              b"7 ", b"-7", b"0", b"007", b"+5", b"99", b"9 x", b"12\0",
                              b"1" * 21, b"END\r\n", b"MN\r\n", b"VALUE a 0 1\r\nx"))
        if r < 0.985:
            return bytes([65 + int(self.random() * 26)]) * (1000 + int(self.random() * 50))
        if r < 0.998:
            return b"ab" * (8100 + int(self.random() * 200))
        return b"xyz." * int(self.random() * 240000)

    def value_for(self, key):
        """None that leaves kilobytes behind a number: see allowed.py."""
        value = self.value()
        return value[:50] if key[:1] == b"n" and len(value) > 2000 else value

    def exptime(self):
        r = self.random()
        if r < 0.72:
            return b"0"
        return self.pick((b"100", b"3000", b"-1", b"2592000", b"2592001", b"2147480000", b"-100",
                          b"2147483647", b"-2147483648"))

    def store_exptime(self):
        """Of a classic store command: the low 32 bits count."""
        if self.chance(0.1):
            return self.pick((b"2147483648", b"4294967295", b"4294967296", b"99999999999",
                              b"9223372036854775807", b"-9223372036854775808"))
        return self.exptime()

    def client_flags(self):
        if self.chance(0.1):
            return b"%d" % self.pick([n for n in EDGES if n < 2 ** 64])
        return self.pick((b"0", b"0", b"1", b"42", b"4294967295"))

    def delta(self):
        if self.chance(0.1):
            return b"%d" % self.pick([n for n in EDGES if n < 2 ** 64])
        return self.pick((b"1", b"1", b"0", b"5", b"1000", b"100000000000000"))


def cumulate(table):
    """A table of (weight, function) as the two lists that Draw.weighted() takes."""
    functions, weights, total = [], [], 0
    for weight, function in table:
        total += weight
        functions.append(function)
        weights.append(total)
    return functions, weights


class Batch(list):
    """Commands that are sent in pieces: CUTS, in parts of a thousand, are where they end."""

    cuts = ()


def cut_everywhere(clean, command):
    """COMMAND again and again, cut in two at every thousandth, and what then is there."""
    session = [clean]
    for cut in range(8, 1000, 16):
        batch = Batch([command])
        batch.cuts = (cut,)
        session.append(batch)
    return session


def batches(draw, make_command, commands):
    """Cut COMMANDS of them into batches of 1 to 40.

    A number that gets shorter has spaces put behind it; in memcached only where no reply
    on its way holds the item. So none is changed in a batch that fetches it before.
    """
    while commands > 0:
        n = min(commands, draw.pick((1, 3, 10, 20, 40)))
        batch, fetched = Batch(), set()
        if draw.chance(0.2):
            batch.cuts = sorted(draw.randrange(1000) for _ in range(draw.pick((1, 2, 5))))
        for _ in range(n):
            command = make_command(draw)
            if command.counts and command.key in fetched:
                yield batch
                batch, fetched = Batch(), set()
            batch.append(command)
            fetched.update(command.fetches)
        yield batch
        commands -= n
