#!/usr/bin/python3
"""-e: what the next process finds, whatever ended the last one, and whatever became of its file.

    test_restart.py DAEMON
"""
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "helpers"))
from checks import Checks
from client import ask, connect, read_all, stats, value
from server import Server, ServerFailed, end_on_sigterm

EX_OSERR = 71
ITEMS, LARGE_BYTES = 2000, 300000
check = Checks()
DAEMON = os.path.abspath(sys.argv[1])


class Kept(Server):
    """A server with the memory file of FOLDER; stopped by a signal, its log is `log`."""

    def __init__(self, folder, *args):
        super().__init__([DAEMON, "-e", os.path.join(folder, "memory"), "-m", "64"] + list(args))
        self.log = ""

    def end(self, signo):
        self.process.send_signal(signo)
        self.process.wait(20)
        with open(self.log_path, encoding="utf-8") as log:
            self.log = log.read()
        return self.process.returncode

    def ask(self, text, end=b"\r\n"):
        with connect(self) as s:
            return ask(s, text, end)


def fill(server):
    with connect(server) as s:
        for i in range(ITEMS):
            s.sendall(b"set k%d %d 0 %d noreply\r\n%s\r\n" % (i, i, 20 + i % 600, value(i, 20 + i % 600)))
        large = value(7, LARGE_BYTES)
        ask(s, b"set large 0 0 %d\r\n%s\r\n" % (LARGE_BYTES, large))
        ask(s, b"set soon 0 1 1\r\nx\r\n")
        ask(s, b"set later 0 1000 1\r\nx\r\n")
        ask(s, b"delete k5\r\n")


def has_all(server, what):
    with connect(server) as s:
        right = 0
        for i in range(ITEMS):
            want = b"VALUE k%d %d %d\r\n%s\r\nEND\r\n" % (i, i, 20 + i % 600, value(i, 20 + i % 600))
            s.sendall(b"get k%d\r\n" % i)
            right += read_all(s, b"END\r\n" if i == 5 else want)
        check.equal(right, ITEMS, what)
        s.sendall(b"get large\r\n")
        check(what + ": the large one", read_all(s, b"VALUE large 0 %d\r\n%s\r\nEND\r\n" % (
            LARGE_BYTES, value(7, LARGE_BYTES))))


def test_graceful(folder):
    """By both signals; CAS and what is left of an expiry, too; and half an upload is nothing."""
    with Kept(folder) as first:
        fill(first)
        half = connect(first)
        half.sendall(b"set half 0 0 100000\r\n" + b"x" * 50000)
        cas = first.ask(b"gets k1\r\n", b"END\r\n")
        check.equal(first.ask(b"touch later 500\r\n"), b"TOUCHED\r\n", "touch")
        check.equal(first.end(signal.SIGUSR1), 0, "USR1")
        check("it says what is kept", "items are kept" in first.log)
        half.close()
    time.sleep(1.1)
    with Kept(folder) as second:
        has_all(second, "after USR1")
        check.equal(second.ask(b"gets k1\r\n", b"END\r\n"), cas, "CAS stays")
        check.equal(second.ask(b"get soon\r\n"), b"END\r\n", "what expired meanwhile is gone")
        check.equal(second.ask(b"get half\r\n"), b"END\r\n", "half a value is none")
        left = int(second.ask(b"mg later t\r\n").split(b" t")[1])
        check("what is left of an expiry: %d" % left, 480 <= left <= 499)
        with connect(second) as s:
            got = stats(s)
            check("it started just now", int(got["uptime"]) < 100)
            check.equal(got["internal_errors"], "0", "internal errors")
        second.ask(b"flush_all\r\n")
        second.ask(b"set new 0 0 1\r\ny\r\n")
        check.equal(second.end(signal.SIGTERM), 0, "TERM")
    with Kept(folder, "-m", "128") as third:
        check.equal(third.ask(b"get k1 new\r\n", b"END\r\n"), b"VALUE new 0 1\r\ny\r\nEND\r\n",
                    "flushed ones stay gone")
        fill(third)
        third.end(signal.SIGTERM)
        check("with more memory it is kept: " + third.log, "are back" in third.log)
    with Kept(folder, "-m", "32", "-M") as fourth:
        has_all(fourth, "with less memory")
        fourth.end(signal.SIGTERM)
        check("no sandbox in the way: " + fourth.log, "refused" not in fourth.log)


def begins_anew(folder, why, *args):
    with Kept(folder, *args) as server:
        check.equal(server.ask(b"get k1\r\n"), b"END\r\n", why)
        fill(server)
        check.equal(server.end(signal.SIGTERM), 0, why)
        check("%s: %s" % (why, server.log), why + ", starting with a clean cache" in server.log)


def test_anew(folder):
    memory = os.path.join(folder, "memory")
    begins_anew(folder, "the file is new")
    with Kept(folder) as crashed:
        has_all(crashed, "before the crash")
        crashed.end(signal.SIGKILL)
    begins_anew(folder, "the last server did not end gracefully")
    begins_anew(folder, "restart incompatible due to setting for [use_cas] (-C)", "-C")
    begins_anew(folder, "restart incompatible due to setting for [use_cas] (-C)")
    begins_anew(folder, "restart incompatible due to setting for [maxbytes] (-m)", "-m", "1024")
    os.truncate(memory, os.path.getsize(memory) // 2)
    begins_anew(folder, "a part of it is missing or has changed")
    with open(memory, "r+b") as f:
        f.seek(8)
        f.write(b"\x63")
    begins_anew(folder, "another version of lombard has written it")
    check.equal(os.stat(memory).st_mode & 0o777, 0o600, "it is its owner's alone")


def refused(folder, what, said, *args):
    try:
        with Kept(folder, *args):
            check(what, False)
    except ServerFailed as failure:
        check("%s: %s" % (what, failure), said in str(failure))


def test_refused(folder):
    memory = os.path.join(folder, "memory")
    with Kept(folder) as server:
        refused(folder, "two servers", "another server is using it")
        server.end(signal.SIGTERM)
    os.unlink(memory)
    with open(memory, "w", encoding="ascii") as f:
        f.write("precious\n")
    os.chmod(memory, 0o666)
    refused(folder, "another program's file", "no lombard has written this")
    with open(memory, encoding="ascii") as f:
        check.equal(f.read(), "precious\n", "it stays as it was")
    os.unlink(memory)
    os.mkdir(memory)
    refused(folder, "a directory", "Is a directory")
    os.rmdir(memory)
    os.mkfifo(memory)
    refused(folder, "a pipe", "it is no regular file")
    os.unlink(memory)
    os.symlink(os.path.join(folder, "elsewhere"), memory)
    refused(folder, "a link", "Too many levels of symbolic links")
    os.unlink(memory)
    refused(folder, "more than there is", "its file system has", "-m", "200000")


def is_alive(pid):
    """Whether it has not ended; a process that is not waited for yet has."""
    try:
        with open("/proc/%d/stat" % pid, encoding="ascii") as f:
            return f.read().rsplit(")", 1)[1].split()[0] not in "ZX"
    except OSError:
        return False


def test_daemon(folder):
    """With -d a relative path is one of the directory that it was started in."""
    pid_file = os.path.join(folder, "pid")
    for said in ("END", "VALUE"):
        subprocess.run([DAEMON, "-d", "-P", pid_file, "-e", "memory", "-s", os.path.join(folder, "sock")]
                       + (["-u", "nobody"] if os.geteuid() == 0 else []), cwd=folder, check=True)
        got = subprocess.run([sys.executable, "-c", """
import socket, sys
s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
s.sendall(b"get d\\r\\nset d 0 0 1\\r\\n1\\r\\n")
got = b""
while not got.endswith(b"STORED\\r\\n"):
    got += s.recv(100)
print(got.decode())""", os.path.join(folder, "sock")], check=True, stdout=subprocess.PIPE)
        check("with -d: %r" % got.stdout, got.stdout.decode().startswith(said))
        with open(pid_file, encoding="ascii") as f:
            pid = int(f.read())
        os.kill(pid, signal.SIGTERM)
        end = time.monotonic() + 60
        while is_alive(pid) and time.monotonic() < end:
            time.sleep(0.01)


def main():
    end_on_sigterm()
    for test in (test_graceful, test_anew, test_refused, test_daemon):
        folder = tempfile.mkdtemp(prefix="lombard-restart-")
        os.chmod(folder, 0o777)
        test(folder)
        shutil.rmtree(folder)
    check.done()


main()
