"""Reads HdrHistogram's files by their published format: logs of version 1.x with histograms in version 2 of the
encoding, and percentile distributions (.hgrm). Nothing in here knows how lombard-bench writes them."""
import base64
import math
import re
import struct
import zlib

COOKIE_V2, COOKIE_V2_COMPRESSED = 0x1c849303, 0x1c849304
SIZE_OF_COUNTERS = 0xf0  # bits of a cookie that say how wide counters were; version 2 has them all as LEB128


class Malformed(Exception):
    """What was read is no such file."""


def demand(fact, what, *values):
    if not fact:
        raise Malformed(" ".join([what] + [repr(v) for v in values]))


def zigzag(data, at):
    """(a ZigZag LEB128 number, the offset behind it); a ninth byte has eight bits"""
    v = shift = 0
    while True:
        demand(at < len(data), "a number is cut")
        byte = data[at]
        at += 1
        if shift == 56:
            v |= byte << 56
            break
        v |= (byte & 0x7f) << shift
        shift += 7
        if byte < 0x80:
            break
    return (v >> 1) ^ -(v & 1), at


class Histogram:
    """counts: {lowest value of a bucket: how often}; `width(value)`: how many values share its bucket."""

    def __init__(self, digits, lowest, highest):
        demand(0 <= digits <= 5 and 1 <= lowest and highest >= 2 * lowest, "the header's figures", digits, lowest, highest)
        self.digits, self.lowest, self.highest = digits, lowest, highest
        self.unit = int(math.floor(math.log2(lowest)))
        self.half_bits = max(int(math.ceil(math.log2(2 * 10 ** digits))), 1) - 1
        self.counts = {}

    def value_at(self, index):
        half = 1 << self.half_bits
        bucket, sub = (index >> self.half_bits) - 1, (index & (half - 1)) + half
        if bucket < 0:
            bucket, sub = 0, sub - half
        return sub << (bucket + self.unit)

    def width(self, value):
        bits = max(value.bit_length() - (self.half_bits + 1 + self.unit), 0)
        return 1 << (bits + self.unit)

    def total(self):
        return sum(self.counts.values())

    def quantile(self, q):
        """The lowest value of the bucket in which the share Q of all is reached."""
        left = q * self.total()
        for value in sorted(self.counts):
            left -= self.counts[value]
            if left <= 1e-9:
                return value
        return 0


def decode(text):
    """The histogram of a log's line: base64( cookie | bytes | zlib( cookie | bytes | offset | digits | lowest |
    highest | ratio | counts )), a negative count being as many empty buckets."""
    raw = base64.b64decode(text, validate=True)
    cookie, size = struct.unpack(">II", raw[:8])
    demand(cookie & ~SIZE_OF_COUNTERS == COOKIE_V2_COMPRESSED and size == len(raw) - 8, "the compressed frame", cookie, size)
    inflate = zlib.decompressobj()
    plain = inflate.decompress(raw[8:])
    demand(inflate.eof and not inflate.unused_data, "the stream ends where the frame does")
    cookie, size, offset, digits, lowest, highest, ratio = struct.unpack(">IIIIQQd", plain[:40])
    demand(cookie & ~SIZE_OF_COUNTERS == COOKIE_V2 and size == len(plain) - 40, "the header", cookie, size)
    demand((offset, ratio) == (0, 1.0), "an integer histogram that was not shifted", offset, ratio)
    h = Histogram(digits, lowest, highest)
    index, at = 0, 40
    while at < len(plain):
        count, at = zigzag(plain, at)
        if count < 0:
            index -= count
            continue
        if count > 0:
            h.counts[h.value_at(index)] = count
            demand(h.value_at(index) <= highest, "a value above the highest", h.value_at(index))
        index += 1
    return h


def read_log(path):
    """([(tag or None, begin in s since 1970, length in s, maximum as written, histogram)], format version)"""
    lines, base, start, version = [], None, None, None
    with open(path, encoding="utf-8") as f:
        for line in f.read().split("\n"):
            known = re.match(r"#\[(Histogram log format version|BaseTime:|StartTime:) ([0-9.]+)", line)
            if known:
                kind, number = known.groups()
                version = number if kind.startswith("Hist") else version
                base = float(number) if kind == "BaseTime:" else base
                start = float(number) if kind == "StartTime:" else start
            if not line or line[0] in '#"':
                continue
            tag = None
            if line.startswith("Tag="):
                tag, line = line[4:].split(",", 1)
            words = line.split(",")
            demand(len(words) == 4, "a line of four columns", line[:40])
            begin = float(words[0])
            if base is None:  # then times are since 1970, or, where they are far below the start, since then
                base = start if start is not None and begin < start - 365 * 86400 else 0
            lines.append((tag, base + begin, float(words[1]), float(words[2]), decode(words[3])))
    return lines, version


def read_percentiles(path):
    """([(value, percentile of 1, count up to it)], {name in the footer: figure})"""
    with open(path, encoding="ascii") as f:
        text = f.read().split("\n")
    demand(text[0].split() == ["Value", "Percentile", "TotalCount", "1/(1-Percentile)"] and text[1] == "", "the heading")
    rows, footer = [], {}
    for line in text[2:]:
        if line.startswith("#["):
            footer.update((k.strip(), float(v)) for k, v in re.findall(r"([A-Za-z ]+)= *([0-9.]+)", line))
        elif line:
            words = [float(w) for w in line.split()]
            demand(len(words) == (3 if words[1] == 1 else 4), "a row", line)
            demand(words[1] == 1 or abs(words[3] * (1 - words[1]) - 1) < 0.01, "its last column", line)
            rows.append(tuple(words[:3]))
    demand(set(footer) == {"Mean", "StdDeviation", "Max", "Total count", "Buckets", "SubBuckets"}, "the footer", footer)
    return rows, footer
