#!/usr/bin/python3
"""lombard-top on a pseudo-terminal and as JSON, against a daemon and a server of the test's own.

    test_top.py LOMBARD_TOP LOMBARD
"""
import fcntl
import json
import os
import pty
import select
import signal
import socket
import struct
import subprocess
import sys
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
        with peer, peer.makefile("rb") as lines:
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
    _, out, _ = run(top, "--once", "--json", "127.0.0.1:%d" % (lombard.port + 65536))
    check.equal(json.loads(out)["servers"][0]["why"], "a port is a number from 1 to 65535",
                "a port that 16 bits would make another one of")
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
    rows = terminal.wait_for("tcp:127.0.0.1:")
    check.equal(len(rows), 24, "rows")
    check.that(max(len(row) for row in rows) <= 80, "none is too long:", rows)
    check.that("Lombard" in "\n".join(rows), "which server is selected:", rows)
    terminal.type("\x1b[B")
    terminal.wait_for("memcached 1.6.45")
    rows = terminal.wait_for("10.0.0.1:1234")
    check.that("\x1b" not in "\n".join(rows) and "evil.[2Jstate" in "\n".join(rows),
               "what a server says does not reach the terminal as it is:", rows)
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
    terminal.type("k9\n")
    terminal.wait_for("kill 9 at")
    terminal.type("y")
    terminal.wait_for("kill id 9: OK")
    check.that("kill id 9" in plain.asked, "yes is yes:", plain.asked)


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
    check.done()


main()
