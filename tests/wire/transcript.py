"""Transcripts: files that say what a client sends and what a server answers.

A transcript is a file of lines:

    # a comment; blank lines are ignored
    == title             a section: a new connection to an emptied cache
    > bytes              the client sends these bytes
    < bytes              the server answers with these bytes, and nothing else
    <!                   the server closes the connection
    >B op k=v ...        a binary packet: op in hex; k= key, e= extras in hex, v= value,
                         c= CAS, o= opaque, and to forge a header: kl= el= bl= magic=
    <B op k=v ...        the packet expected; s= status in hex; c=* is any CAS but 0
    wait SECONDS

Bytes are written with \\r \\n \\t \\\\ and \\xHH; a line has no end but the one
written. {c*N} is the character (or \\xHH) c repeated N times. In an answer,
{#} is any number, and {#name} one that is remembered, which {name} stands for later
in what is sent afterwards. {-30} is 30 seconds left, or as many less as the section
may have taken; {+0} likewise 0 seconds ago or more. A literal { is \\x7b.
"""
import os
import re
import struct

SLOW_S = 8  # a section takes less, however busy the machine is

TOKEN = re.compile(rb"\\x([0-9a-fA-F]{2})|\\([rnt\\])|\{(\\x[0-9a-fA-F]{2}|.)\*(\d+)\}"
                   rb"|\{([-+])(\d+)\}|\{(#?)(\w*)\}", re.S)
PLAIN = {b"r": b"\r", b"n": b"\n", b"t": b"\t", b"\\": b"\\"}


class Broken(Exception):
    """A transcript that cannot be read."""


def tokens(text):
    """Split into ("bytes", b), ("seconds", (n, sign)), ("number", name), ("name", name)."""
    at = 0
    for match in TOKEN.finditer(text):
        if match.start() > at:
            yield "bytes", text[at:match.start()]
        at = match.end()
        if match[1]:
            yield "bytes", bytes([int(match[1], 16)])
        elif match[2]:
            yield "bytes", PLAIN[match[2]]
        elif match[4]:
            char = match[3]
            char = bytes([int(char[2:], 16)]) if len(char) > 1 else char
            yield "bytes", char * int(match[4])
        elif match[5]:
            yield "seconds", (int(match[6]), -1 if match[5] == b"-" else 1)
        elif match[7]:
            yield "number", match[8].decode()
        else:
            yield "name", match[8].decode()
    if at < len(text):
        yield "bytes", text[at:]


def expand(text, names):
    """What is sent."""
    out = b""
    for kind, what in tokens(text):
        if kind == "bytes":
            out += what
        elif kind == "name" and what in names:
            out += names[what]
        else:
            raise Broken("nothing is named %s" % what)
    return out


def pattern(text, names):
    """What is expected, as a regular expression."""
    out = b""
    for kind, what in tokens(text):
        if kind == "bytes":
            out += re.escape(what)
        elif kind == "seconds":
            out += b"(?:%s)" % b"|".join(b"%d" % (what[0] + what[1] * i)
                                         for i in range(SLOW_S) if what[0] + what[1] * i >= 0)
        elif kind == "number":
            out += b"(?P<%s>\\d+)" % what.encode() if what else b"\\d+"
        elif what in names:
            out += re.escape(names[what])
        else:
            raise Broken("nothing is named %s" % what)
    return out


def fields(text):
    """"01 k=a v=b" as (0x01, {...})."""
    words = text.split(b" ")
    found = {}
    for word in words[1:]:
        if word:
            name, _, value = word.partition(b"=")
            found[name.decode()] = value
    return int(words[0], 16), found


def packet(text):
    """A binary request."""
    opcode, f = fields(text)
    extras = bytes.fromhex(f.get("e", b"").decode())
    key, value = (expand(f.get(name, b""), {}) for name in "kv")
    header = struct.pack(">BBHBBHIIQ", int(f.get("magic", b"80"), 16), opcode,
                         int(f.get("kl", len(key))), int(f.get("el", len(extras))), 0, 0,
                         int(f.get("bl", len(extras) + len(key) + len(value))),
                         int(f.get("o", b"0"), 16), int(f.get("c", b"0")))
    return header + extras + key + value


def packet_pattern(text):
    """A binary reply."""
    opcode, f = fields(text)
    extras = bytes.fromhex(f.get("e", b"").decode())
    key = expand(f.get("k", b""), {})
    value = b"".join(what for _, what in tokens(f.get("v", b"")))
    header = struct.pack(">BBHBBHII", 0x81, opcode, len(key), len(extras), 0,
                         int(f.get("s", b"0"), 16), len(extras) + len(key) + len(value),
                         int(f.get("o", b"0"), 16))
    cas = (b"(?!\\x00{8})[\\x00-\\xff]{8}" if f.get("c") == b"*"
           else re.escape(struct.pack(">Q", int(f.get("c", b"0")))))
    return re.escape(header) + cas + re.escape(extras + key + value)


class Section:
    def __init__(self, path, line, title):
        self.where = "%s:%d" % (os.path.basename(path), line)
        self.title = title
        self.lines = []  # (kind, text), kind one of > >B < <B <! wait

    def steps(self):
        """(what is sent, what is expected, whether it closes, seconds to wait) in order."""
        sent, wanted, closes, wait = [], [], False, 0.0
        for kind, text in self.lines + [("end", b"")]:
            if kind in (">", ">B", "wait", "end") and (wanted or closes or wait):
                yield sent, wanted, closes, wait
                sent, wanted, closes, wait = [], [], False, 0.0
            if kind in (">", ">B"):
                sent.append((kind, text))
            elif kind in ("<", "<B"):
                wanted.append((kind, text))
            elif kind == "<!":
                closes = True
            elif kind == "wait":
                wait = float(text)
        if sent:
            yield sent, wanted, closes, wait


def load(path):
    sections = []
    with open(path, "rb") as file:
        for number, line in enumerate(file, 1):
            line = line.rstrip(b"\n")
            kind, _, text = line.partition(b" ")
            if not line or line.startswith(b"#"):
                continue
            if kind == b"==":
                sections.append(Section(path, number, text.decode().strip()))
            elif kind in (b">", b"<", b">B", b"<B", b"<!", b"wait") and sections:
                sections[-1].lines.append((kind.decode(), text))
            else:
                raise Broken("%s:%d: what is this?" % (path, number))
    return sections
