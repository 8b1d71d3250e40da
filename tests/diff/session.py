"""What a session is made of, and the words that the generators draw from.

A session is a list of batches, a batch a list of commands that are sent in one piece.
A command's bytes may have holes, for the CAS values that each server gave itself.
"""
import random
import struct

KEYS = [b"k%d" % i for i in range(9)] + [b"n%d" % i for i in range(4)] + [
    b"k" * 250, b"\xc3\xa4\xff\x80!#~", b"VALUE"]
NO_CAS = 12345678901234  # where a server gave none yet

NUMBERS = [b"-1", b"0", b"1", b"2147483647", b"2147483648", b"2147483649", b"4294967295",
           b"4294967296", b"4294967297", b"9223372036854775807", b"9223372036854775808",
           b"18446744073709551615", b"18446744073709551616", b"007", b"00", b"1" * 400,
           b"0" * 400 + b"1", b"+1", b"1x", b"x", b"", b"1.5", b"0x10", b"--1", b"1-"]

# For fields that hold a time: without those that memcached cuts to 32 bits, and without
# the next second, which comes for the one server before it comes for the other.
TIMES = [n for n in NUMBERS if not n.lstrip(b"+").isdigit() or int(n) in (0, 7)
         or 1 < int(n) < 2 ** 31 or int(n) >= 2 ** 63]


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
    """Random words of a session."""

    def chance(self, p):
        return self.random() < p

    def pick(self, words):
        return words[int(self.random() * len(words))]

    def weighted(self, table, cum):
        return self.choices(table, cum_weights=cum)[0]

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

    def exptime(self):
        r = self.random()
        if r < 0.72:
            return b"0"
        return self.pick((b"100", b"3000", b"-1", b"2592000", b"2592001", b"2147480000", b"-100"))

    def client_flags(self):
        return self.pick((b"0", b"0", b"1", b"42", b"4294967295"))

    def delta(self):
        """No numbers from 2^63 on: see allowed.py."""
        return self.pick((b"1", b"1", b"0", b"5", b"1000", b"100000000000000"))


def cumulate(table):
    """A table of (weight, function) as the two lists that Draw.weighted() takes."""
    functions, weights, total = [], [], 0
    for weight, function in table:
        total += weight
        functions.append(function)
        weights.append(total)
    return functions, weights


def batches(draw, make_command, commands):
    """Cut COMMANDS of them into batches of 1 to 40.

    A number that gets shorter has spaces put behind it; in memcached only where no reply
    on its way holds the item. So none is changed in a batch that fetches it before.
    """
    while commands > 0:
        n = min(commands, draw.pick((1, 3, 10, 20, 40)))
        batch, fetched = [], set()
        for _ in range(n):
            command = make_command(draw)
            if command.counts and command.key in fetched:
                yield batch
                batch, fetched = [], set()
            batch.append(command)
            fetched.update(command.fetches)
        yield batch
        commands -= n
