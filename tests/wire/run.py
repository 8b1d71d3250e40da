#!/usr/bin/python3
"""Run wire transcripts against a server: whole, cut at every byte, byte by byte.

    run.py [options] HOST:PORT [FILE...]
    run.py [options] --daemon PATH [FILE...]      start it, and stop it afterwards

    --differences FILE   sections that are known to differ there, with the reason
    --passwords FILE     give the daemon -Y FILE, and be its first user between the sections
    --admin refused|heard   give the daemon --admin, and play through the other listener, or that one
    --only TEXT          only sections whose title contains TEXT
    --modes LIST         of whole,cut,bytes (all of them)
    --takeovers N        another mode, alone: at each of N positions of each section another process takes the
                         server's place (0: at those of mode cut, which are all of most sections); not of sections that
                         wait, whose seconds a takeover might not leave as they are

The format of a transcript: transcript.py. Consecutive > lines are sent as one piece, then
the answer is awaited. Each section runs in every mode; in mode cut once for every position
(at most 300 of them, the first 150 included), with a pause at the cut.
"""
import argparse
import os
import re
import socket
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "helpers"))

from heir import PATIENCE_S, Heir
from server import Server
from transcript import expand, load, packet, packet_pattern, pattern

TIMEOUT_S = 20.0
PAUSE_S = 0.0006
CUTS_MAX = 300
CUTS_OF_LONG = 30  # of sections that send more than LONG_BYTES
LONG_BYTES = 20000
MODES = ("whole", "cut", "bytes")
BYTES_MAX = 4000  # longer sections are sent byte by byte only up to here, then whole


class Different(Exception):
    """The server said something else."""


def connect(address):
    """ADDRESS: of TCP, or the path of a unix socket."""
    if isinstance(address, tuple):
        connection = socket.create_connection(address, timeout=TIMEOUT_S)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    else:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.settimeout(TIMEOUT_S)
        connection.connect(address)
    return connection


class Chain:
    """A server whose place another process takes, again and again."""

    def __init__(self, daemon, control, args, server):
        self.daemon, self.control, self.args = daemon, control, args
        self.last, self.server = None, server

    def go_on(self):
        heir = Heir(self.daemon, self.control, *self.args)
        if not heir.wait_for("took over"):
            raise Different("is not taken over: " + heir.log)
        self.end_of_last()
        self.last = heir

    def end_of_last(self):
        if self.last is None:
            code = self.server.process.wait(PATIENCE_S)
        else:
            code = self.last.ended()
        if code != 0:
            raise Different("the server before ended with %d" % code)


class Connection:
    """Sends the bytes of a section in pieces, whatever step they belong to."""

    chain = None  # which is to go on at each cut

    def __init__(self, address, mode, cut):
        self.socket = connect(address)
        self.mode = mode
        self.cut = cut
        self.sent = 0
        self.got = b""
        self.ended = False

    def pieces(self, data):
        if self.mode == "bytes" and self.sent + len(data) <= BYTES_MAX:
            return [data[i:i + 1] for i in range(len(data))]
        at = self.cut - self.sent
        if self.mode == "cut" and 0 < at < len(data):
            return [data[:at], data[at:]]
        return [data]

    def send(self, data):
        for i, piece in enumerate(self.pieces(data)):
            if i > 0 and self.chain is not None:
                self.chain.go_on()
            elif i > 0:
                time.sleep(PAUSE_S if self.mode == "cut" else PAUSE_S / 6)
            try:
                self.socket.sendall(piece)
            except (BrokenPipeError, ConnectionResetError):
                break  # closed early; what it said is still to be read
        self.sent += len(data)

    def receive(self, timeout):
        if self.ended:
            return False
        self.socket.settimeout(timeout)
        try:
            data = self.socket.recv(1 << 20)
        except socket.timeout:
            return False
        except ConnectionResetError:
            data = b""
        self.ended = not data
        self.got += data
        return True

    def expect(self, regex, closes):
        """Take what matches; what comes beyond it is for the next step to complain of."""
        compiled = re.compile(regex, re.S)
        until = time.monotonic() + TIMEOUT_S
        while True:
            match = compiled.match(self.got)
            if match and (not closes or self.ended):
                break
            if self.ended or not self.receive(max(until - time.monotonic(), 0.001)):
                break
        if not match:
            raise Different("got %r" % shorten(self.got))
        if closes and not self.ended:
            raise Different("is not closed")
        self.got = self.got[match.end():]
        return {k: v for k, v in match.groupdict().items() if v is not None}

    def finish(self):
        """Nothing more may come until the server closes its side as well."""
        try:
            self.socket.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        until = time.monotonic() + TIMEOUT_S
        while not self.ended and self.receive(max(until - time.monotonic(), 0.001)):
            pass
        self.socket.close()
        if self.got:
            raise Different("and then %r" % shorten(self.got))


def shorten(data):
    return data if len(data) < 600 else data[:400] + b" ... " + data[-150:]


class Target:
    """The server, and a connection to it that empties the cache between two runs."""

    def __init__(self, address, user):
        self.address = address
        self.control = connect(address)
        if user:
            self.control.sendall(b"set auth 0 0 %d\r\n%s\r\n" % (len(user), user))
            if self.control.recv(100) != b"STORED\r\n":
                raise Different("the first user is refused")

    def empty(self):
        self.control.sendall(b"flush_all\r\n")
        if self.control.recv(100) != b"OK\r\n":
            raise Different("flush_all is refused")


def play(section, target, mode, cut):
    """Run a section once; how many bytes it sent."""
    names = {}
    target.empty()
    connection = Connection(target.address, mode, cut)
    try:
        for sent, wanted, closes, wait in section.steps():
            connection.send(b"".join(packet(t) if kind == ">B" else expand(t, names)
                                     for kind, t in sent))
            regex = b"".join(packet_pattern(t) if kind == "<B" else pattern(t, names)
                             for kind, t in wanted)
            names.update(connection.expect(regex, closes))
            time.sleep(wait)
        connection.finish()
    finally:
        connection.socket.close()
    return connection.sent


def spread(length, count):
    """COUNT positions at most."""
    if length - 1 <= count:
        return range(1, length)
    return [length * (i + 1) // (count + 1) for i in range(count)]


def cuts_of(length):
    if Connection.chain is not None and Connection.chain.count > 0:
        return spread(length, Connection.chain.count)
    most = CUTS_MAX if length <= LONG_BYTES else CUTS_OF_LONG
    if length <= most:
        return range(1, length)
    first = most // 2
    step = (length - first) / (most - first)
    return list(range(1, first)) + [int(first + i * step) for i in range(most - first)]


def check(section, target, modes):
    """The modes in which a section failed, with the reason of each; and how often it ran."""
    failures = {}
    runs = 0
    handed = Connection.chain is not None
    slow = any(kind == "wait" for kind, _ in section.lines)
    length = 0
    for mode in modes:
        if mode == "cut" and length == 0:
            try:
                length = play(section, target, "whole", 0)
            except Different as reason:
                if handed:
                    failures[mode] = "without a cut: %s" % reason
        cuts = cuts_of(length) if mode == "cut" and not slow else [0]
        for cut in cuts:
            runs += 1
            try:
                length = max(length, play(section, target, mode, cut))
            except Different as reason:
                failures[mode] = "%s%s" % ("at %d: " % cut if cut else "", reason)
                break
    return failures, runs


def load_differences(path):
    """Titles and why: "title: reason" a line; the title may hold a colon."""
    found = {}
    if path:
        with open(path, encoding="utf-8") as file:
            for line in file:
                if line.strip() and not line.startswith("#"):
                    title, _, reason = line.rpartition(": ")
                    found[title.strip()] = reason.strip()
    return found


def first_user(path):
    """As a client says it."""
    if not path:
        return None
    with open(path, "rb") as file:
        return file.readline().rstrip(b"\r\n").replace(b":", b" ", 1)


def run_all(sections, address, modes, differences, user=None):
    passed = failed = differing = runs = 0
    target = Target(address, user)
    for section in sections:
        failures, count = check(section, target, modes)
        runs += count
        if section.title in differences:
            differing += 1
            print("differs   %s: %s%s" % (section.title, differences[section.title],
                                          "" if failures else " (not here)"))
            continue
        passed += len(modes) - len(failures)
        failed += len(failures)
        for mode, reason in failures.items():
            print("FAILED    %s %s, %s: %s" % (section.where, section.title, mode, reason))
    print("%d sections, run %d times; %d differ on purpose" % (len(sections), runs, differing))
    return passed, failed


def run_handed(args, sections):
    """Mode cut, and at the cut another process takes the server's place."""
    with tempfile.TemporaryDirectory(prefix="lombard-wire-") as directory:
        os.chmod(directory, 0o777)
        control = os.path.join(directory, "control")
        options = ["-Y", args.passwords] if args.passwords else []
        with Server([args.daemon, "--control=" + control] + options) as server:
            chain = Connection.chain = Chain(args.daemon, control, options, server)
            chain.count = args.takeovers
            passed, failed = run_all(sections, ("127.0.0.1", server.port), ["cut"],
                                     load_differences(os.path.join(os.path.dirname(__file__), "differences-takeover.txt")),
                                     first_user(args.passwords))
            if chain.last is not None:
                failed += chain.last.stop() != 0
    return passed, failed


def run_daemon(args, sections, modes, differences):
    argv = [args.daemon] + (["-Y", args.passwords] if args.passwords else [])
    with tempfile.TemporaryDirectory(prefix="lombard-wire-") as directory:
        os.chmod(directory, 0o777)  # the server may have become another user
        path = os.path.join(directory, "admin")
        if args.admin:
            argv += ["--admin", path, "-A"]
        with Server(argv) as server:
            address = path if args.admin == "heard" else ("127.0.0.1", server.port)
            passed, failed = run_all(sections, address, modes, differences,
                                     first_user(args.passwords))
            wrong = server.stop()
    if wrong:
        failed += 1
        print("FAILED    the server " + wrong)
    return passed, failed


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--daemon")
    parser.add_argument("--differences")
    parser.add_argument("--passwords")
    parser.add_argument("--admin", choices=("refused", "heard"))
    parser.add_argument("--only", default="")
    parser.add_argument("--modes", default=",".join(MODES))
    parser.add_argument("--takeovers", type=int)
    parser.add_argument("rest", nargs="*")
    args = parser.parse_args()
    if not args.daemon and not args.rest:
        parser.error("which server?")
    files = args.rest if args.daemon else args.rest[1:]
    here = os.path.dirname(os.path.abspath(__file__))
    files = files or sorted(os.path.join(here, name) for name in os.listdir(here)
                            if name.endswith(".txt") and not name.startswith("differences"))
    sections = [s for path in files for s in load(path) if args.only in s.title]
    modes = [mode for mode in MODES if mode in args.modes.split(",")]
    differences = load_differences(args.differences)
    if args.daemon and args.takeovers is not None:
        passed, failed = run_handed(args, sections)
    elif args.daemon:
        passed, failed = run_daemon(args, sections, modes, differences)
    else:
        host, _, port = args.rest[0].rpartition(":")
        passed, failed = run_all(sections, (host, int(port)), modes, differences,
                                 first_user(args.passwords))
    print("%d passed, %d failed" % (passed, failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
