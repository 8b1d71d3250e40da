#!/usr/bin/python3
"""lombard-top on a pseudo-terminal and as JSON, against a daemon and a server of the test's own.

    test_top.py LOMBARD_TOP LOMBARD
"""
import contextlib
import fcntl
import json
import os
import pty
import re
import select
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "helpers"))

from checks import Checks
from server import Server, end_on_sigterm

check = Checks()
PATIENCE_S = 30

PLAIN = ("STAT pid 1\r\nSTAT uptime 7\r\nSTAT version 1.6.45\r\nSTAT curr_connections 2\r\n"
         "STAT cmd_get %d\r\nSTAT get_hits %d\r\nSTAT get_misses %d\r\nSTAT curr_items 3\r\n"
         "STAT bytes 500\r\nSTAT limit_maxbytes 67108864\r\nEND\r\n")
CONNS = ("STAT 7:addr tcp:10.0.0.1:1234\r\nSTAT 7:state conn_read\r\n"
         "STAT 9:addr tcp:10.0.0.2:5\r\nSTAT 9:state evil\x1b[2Jstate\r\nEND\r\n")


LOMBARD = ("STAT uptime 7\r\nSTAT lombard_version 9.9\r\nSTAT curr_connections 50000\r\n"
           "STAT cmd_get %d\r\nEND\r\n")
TOP = ("STAT 7:addr tcp:10.0.0.3:1\r\nSTAT 7:state idle\r\nSTAT 7:bytes_out 5\r\n"
       "STAT 7:id 1234567\r\nSTAT 7:name worker\r\nSTAT 7:requests 42\r\nEND\r\n")
EVENT = ("STAT %d time=1795744351.852 level=warn event=refused reason=admin_only id=%d "
         "addr=tcp:127.0.0.1:43828 command=STATS name=- and=%s\r\n")


class Memcached:
    """As plain memcached: it knows `stats` and `stats conns`, and no more."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.asked = []
        self.gets = 0
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            peer, _ = self.listener.accept()
            threading.Thread(target=self.serve, args=(peer,), daemon=True).start()

    def serve(self, peer):
        with peer, peer.makefile("rb") as lines, contextlib.suppress(ConnectionError):
            for line in lines:
                self.asked.append(line.decode().strip())
                peer.sendall(self.answer(self.asked[-1]).encode("latin-1"))

    def answer(self, line):
        if line == "stats":
            self.gets += 1000
            return PLAIN % (self.gets, self.gets * 3 // 4, self.gets // 4)
        if line == "stats conns":
            return CONNS
        if line == "version":
            return "VERSION 1.6.45\r\n"
        return "OK\r\n" if line.startswith("kill") else "ERROR\r\n"


class Busy(Memcached):
    """As a Lombard with more connections than can be listed, and an operators' listener elsewhere."""

    def answer(self, line):
        if line == "stats":
            return LOMBARD % self.gets
        if line == "stats hotkeys":
            return "CLIENT_ERROR only allowed on the admin listener\r\n"
        if line.startswith("stats conns top "):
            return TOP
        if line.startswith("stats events"):
            return "".join(EVENT % (i, i, "x" * 70) for i in range(3)) + "END\r\n"
        if line.startswith("kill"):
            return "KILLED 1\r\n"
        return "END\r\n"


class Terminal:
    """ROWS x COLUMNS; the last page that was drawn."""

    def __init__(self, argv, rows=24, columns=80):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execv(argv[0], argv)
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.bytes = b""

    def read(self, wait_s):
        if select.select([self.fd], [], [], wait_s)[0]:
            try:
                self.bytes += os.read(self.fd, 65536)
            except OSError:
                return False
        return True

    def page(self):
        """Of the last page that is complete: its rows, without attributes."""
        pages = self.bytes.split(b"\x1b[H")
        whole = [page for page in pages if b"\x1b[J" in page]
        if not whole:
            return []
        text = whole[-1].split(b"\x1b[J")[0].decode("latin-1")
        for sequence in ("\x1b[K", "\x1b[7m", "\x1b[m"):
            text = text.replace(sequence, "")
        return text.replace("\r", "").split("\n")

    def wait_for(self, what):
        """The page that has WHAT; or the last one, and that is a failure."""
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end and what not in "\n".join(self.page()) and self.read(0.2):
            continue
        check.that(what in "\n".join(self.page()), "%r is shown in" % what, self.page())
        return self.page()

    def type(self, keys):
        os.write(self.fd, keys.encode())

    def end(self):
        """The exit status."""
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid != 0:
                while self.read(0.1) and select.select([self.fd], [], [], 0)[0]:
                    continue
                os.close(self.fd)
                return os.waitstatus_to_exitcode(status)
            self.read(0.1)
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        return None


def ask(port, text):
    with socket.create_connection(("127.0.0.1", port)) as s:
        s.sendall(text.encode())
        got = b""
        while b"END\r\n" not in got and b"MN\r\n" not in got:
            got += s.recv(65536)
    return got


def run(*argv):
    done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60,
                          stdin=subprocess.DEVNULL, check=False)
    return done.returncode, done.stdout.decode("latin-1"), done.stderr.decode("latin-1")


def as_json(top, lombard, plain):
    status, out, _ = run(top, "--once", "--json", "127.0.0.1:%d" % lombard.port,
                         ":%d" % plain.port, "127.0.0.1:1")
    check.equal(status, 0, "status of --once --json")
    servers = json.loads(out)["servers"]
    check.equal([s["up"] for s in servers], [True, True, False], "which are up")
    check.that("refused" in servers[2]["why"], "why one is not:", servers[2])
    status, out, said = run(top, "--once", "--json", "127.0.0.1:%d" % (lombard.port + 65536))
    check.equal((status, out), (64, ""), "a port that 16 bits would make another one of")
    check.that("a port is a number from 1 to 65535" in said, "it is told why:", said)
    first, second = servers[:2]
    check.equal(first["is_lombard"], True, "the first is a Lombard")
    check.equal(first["items"], 1, "its items")
    check.equal(first["hot_keys"][0]["key"], "hot%20key", "its hot key")
    check.that(first["p99_us"] > 0 and first["iteration_max_us"] > 0, "its latency:", first)
    check.that(any(c["address"].startswith("tcp:127.0.0.1:") for c in first["connections_listed"]),
               "its connections:", first["connections_listed"])
    check.equal((second["is_lombard"], second["version"], second["p99_us"]),
                (False, "1.6.45", None), "the second is a memcached")
    check.that(second["commands_per_s"] > 0, "its rate:", second["commands_per_s"])
    check.that(abs(second["hit_pct"] - 75) < 1, "its hit ratio:", second["hit_pct"])


def as_text(top, lombard):
    status, out, _ = run(top, "--once", "127.0.0.1:%d" % lombard.port)
    check.equal(status, 0, "status of --once")
    check.that("hot%20key" in out and "CONNECTION" in out, "it tells", out)
    status, out, _ = run(top, "--once", "127.0.0.1:1")
    check.that(status != 0 and "DOWN" in out, "a server that is down:", status, out)
    status, _, err = run(top, "127.0.0.1:1")
    check.that(status == 64 and "terminal" in err, "without a terminal:", status, err)
    for arguments in (["--interval=0"], ["--interval=x"], ["--nonsense"], [":1"] * 65):
        status, _, err = run(top, "--once", *arguments)
        check.that(status == 64 and err, "a mistake:", arguments[0], status, err)


def as_terminal(top, lombard, plain):
    terminal = Terminal([top, "-i", "0.2", "127.0.0.1:%d" % lombard.port, ":%d" % plain.port])
    terminal.wait_for("hot%20key")
    with socket.create_connection(("127.0.0.1", lombard.port)) as s:
        s.sendall(b"config idle-timeout 3000\r\n")  # is an event
        check.equal(s.recv(100), b"OK\r\n", "an option is changed")
    rows = terminal.wait_for("tcp:127.0.0.1:")
    check.equal(len(rows), 24, "rows")
    check.that(max(len(row) for row in rows) <= 80, "none is too long:", rows)
    check.that("Lombard" in "\n".join(rows), "which server is selected:", rows)
    terminal.type("\x1b[B")
    terminal.wait_for("memcached 1.6.45")
    rows = terminal.wait_for("10.0.0.1:1234")
    check.that("\x1b" not in "\n".join(rows) and "evil.[2Jstate" in "\n".join(rows),
               "what a server says does not reach the terminal as it is:", rows)
    check.that("conn_listening" not in "\n".join(rows), "only what is connected:", rows)
    terminal.type("s")
    terminal.wait_for("sorted by bytes in")
    terminal.type("f0.0.2\n")
    rows = terminal.wait_for("filter: 0.0.2")
    check.that("10.0.0.2:5" in "\n".join(rows) and "10.0.0.1" not in "\n".join(rows),
               "only what the filter has:", rows)
    terminal.type("p")
    terminal.wait_for("PAUSED")
    terminal.type("p")
    kills(terminal, plain)
    terminal.type("q")
    check.equal(terminal.end(), 0, "its end")
    check.that(terminal.bytes.endswith(b"\x1b[?25h\x1b[?1049l"), "the terminal is given back:",
               terminal.bytes[-20:])


def ends_by_signal(top, lombard):
    terminal = Terminal([top, "127.0.0.1:%d" % lombard.port])
    terminal.wait_for("q quit")
    os.kill(terminal.pid, signal.SIGTERM)
    check.equal(terminal.end(), 0, "its end by a signal")
    check.that(terminal.bytes.endswith(b"\x1b[?25h\x1b[?1049l"), "gives the terminal back, too")


def kills(terminal, plain):
    terminal.type("k10.0.0.1:1234\n")
    terminal.wait_for("kill 10.0.0.1:1234 at")
    terminal.type("n")
    terminal.wait_for("q quit")
    check.that(not any(line.startswith("kill") for line in plain.asked), "no is no:", plain.asked)
    for typed, command in (("9", "kill id 9"), ("stalled 30", "kill stalled 30"),
                           ("addr 10.0.0.1", "kill addr 10.0.0.1")):
        terminal.type("k%s\n" % typed)
        terminal.wait_for("kill %s at" % typed)
        terminal.type("y")
        terminal.wait_for("%s: OK" % command)
        check.that(command in plain.asked, "yes is yes:", command, plain.asked)


def of_a_busy_one(top):
    busy = Busy()
    terminal = Terminal([top, "-i", "0.1", ":%d" % busy.port])
    rows = terminal.wait_for("(1 of 50000 connections are listed)")
    shown = "\n".join(rows)
    check.that("1234567 10.0.0.3:1 worker" in shown and "    42 " in shown, "its ids:", rows)
    check.that("only allowed on the admin listener" in shown, "why there are no keys:", rows)
    check.that(any(re.match(r"\d\d:52:31 warn refused admin_only id=2 ", row) for row in rows),
               "events are short,", rows)
    check.that(any(row.startswith(" " * 9 + "and=xxx") for row in rows), "go on in a row,", rows)
    check.that(max(len(row) for row in rows) <= 80, "and are not cut:", rows)
    terminal.type("s")
    terminal.wait_for("sorted by bytes in")
    end = time.monotonic() + PATIENCE_S
    while "stats conns top bytes_in 100" not in busy.asked and time.monotonic() < end:
        terminal.read(0.05)
    terminal.type("q")
    check.equal(terminal.end(), 0, "its end")
    check.equal(busy.asked.count("stats hotkeys"), 1, "what is refused is not asked again")
    check.that("stats conns" not in busy.asked, "not all of them:", busy.asked)
    check.that("stats conns top bytes_in 100" in busy.asked, "those that are sorted first")


def of_many(top, plain):
    terminal = Terminal([top, "-i", "0.2"] + [":%d" % plain.port] * 30)
    terminal.wait_for("(1 to 8 of 30 servers)")
    terminal.type("\x1b[A")
    rows = terminal.wait_for("(23 to 30 of 30 servers)")
    check.equal((len(rows), sum(row[:1] == ">" for row in rows)), (24, 1), "rows")
    terminal.type("q")
    check.equal(terminal.end(), 0, "its end")


def with_silent_one(top, lombard):
    """A server that does not answer holds up neither the keys nor the others."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        terminal = Terminal([top, ":%d" % lombard.port, ":%d" % silent.getsockname()[1]])
        terminal.wait_for("it does not answer")
        terminal.type("f")
        begun = time.monotonic()
        for key in "abcdefgh":
            terminal.type(key)
            terminal.wait_for(": " + "abcdefgh"[:"abcdefgh".index(key) + 1] + "_")
        check.that(time.monotonic() - begun < 14, "keys are answered during a round of 2 s:",
                   time.monotonic() - begun)
        terminal.type("\nq")
        check.equal(terminal.end(), 0, "its end")


def where_a_login_is_wanted(top, daemon):
    with tempfile.TemporaryDirectory() as folder:
        right, wrong, bad = (os.path.join(folder, name) for name in ("right", "wrong", "bad"))
        for path, text in ((right, "operator:se cret\n"), (wrong, "operator:x\n"), (bad, "x\n")):
            with open(path, "w", encoding="ascii") as f:
                f.write(text)
            os.chmod(path, 0o600)
        with Server([daemon, "-Y", right]) as server:
            address = "127.0.0.1:%d" % server.port
            status, out, err = run(top, "--once", address)
            check.that(status == 77 and "LOGIN" in out and "--auth=FILE" in out and address in err,
                       "a login is wanted:", status, out, err)
            status, out, err = run(top, "--once", "--json", "--auth=" + wrong, address)
            check.that(status == 77 and json.loads(out)["servers"][0]["wants_login"] is True and
                       "refuses" in err, "a wrong one:", status, out, err)
            status, out, err = run(top, "--once", "-a", right, address)
            check.that(status == 0 and "Lombard" in out and "CONNECTION" in out,
                       "the right one:", status, out, err)
            terminal = Terminal([top, "-a", right, address])
            terminal.wait_for("running")
            terminal.type("kstalled 86400\ny")
            terminal.wait_for("kill stalled 86400: KILLED 0")
            terminal.type("q")
            check.equal(terminal.end(), 0, "its end")
        for path in (bad, folder, os.path.join(folder, "none")):
            status, _, err = run(top, "--once", "-a", path, ":1")
            check.that(status == 64 and path in err, "no file of that kind:", status, err)


def to_a_full_disk(top, lombard):
    for arguments in (["--once", ":%d" % lombard.port], ["--json", ":%d" % lombard.port], ["-V"]):
        with open("/dev/full", "w", encoding="ascii") as full:
            done = subprocess.run([top, *arguments], stdout=full, stderr=subprocess.PIPE,
                                  timeout=60, check=False)
        check.that(done.returncode == 74 and b"No space" in done.stderr, "to a full disk:",
                   arguments[0], done.returncode, done.stderr)


def of_something_else(top):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        def serve():
            peer, _ = listener.accept()
            with peer:
                peer.recv(100)
                peer.sendall(b"-ERR unknown command\r\n")
                peer.recv(100)
        threading.Thread(target=serve, daemon=True).start()
        status, out, _ = run(top, "--once", ":%d" % listener.getsockname()[1])
        check.that(status == 69 and "-ERR unknown" in out, "no memcached:", status, out)


def main():
    end_on_sigterm()
    top, daemon = sys.argv[1:]
    plain = Memcached()
    with Server([daemon]) as lombard:
        ask(lombard.port, "ms hot%20key 5\r\nhello\r\nmn\r\n")
        for _ in range(50):
            ask(lombard.port, "mg aG90IGtleQ== b k\r\n" * 20 + "mn\r\n")
        ask(lombard.port, "ms aG90IGtleQ== 5 b\r\nhello\r\nmd hot%20key\r\nmn\r\n")
        ask(lombard.port, "mg aG90IGtleQ== b k\r\n" * 500 + "mn\r\n")
        as_json(top, lombard, plain)
        as_text(top, lombard)
        as_terminal(top, lombard, plain)
        ends_by_signal(top, lombard)
        with_silent_one(top, lombard)
        to_a_full_disk(top, lombard)
    of_a_busy_one(top)
    of_many(top, plain)
    of_something_else(top)
    where_a_login_is_wanted(top, daemon)
    check.done()


main()
