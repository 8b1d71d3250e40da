#!/usr/bin/python3
"""The daemon as a process: exit statuses, messages, files, signals.

    test_main.py DAEMON
"""
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time

PATIENCE_S = 60
EX_OK, EX_USAGE, EX_OSERR = 0, 64, 71
AS_ROOT = os.geteuid() == 0
DAEMON = sys.argv[1]
USER = ["-u", "nobody"] if AS_ROOT else []


class Checks:
    def __init__(self):
        self.passed = self.failed = 0

    def equal(self, got, want, text):
        if got == want:
            self.passed += 1
        else:
            self.failed += 1
            print("NOT: %s: %r instead of %r" % (text, got, want), flush=True)


check = Checks()


def run(*args, user=True):
    """(status, standard output, standard error) of one that ends by itself."""
    done = subprocess.run([DAEMON] + list(args) + (USER if user else []), check=False,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, timeout=PATIENCE_S)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


class Running:
    """One that serves until it is told to end."""

    def __init__(self, directory, *args):
        self.ports = os.path.join(directory, "ports")
        if os.path.exists(self.ports):
            os.unlink(self.ports)
        self.log = open(os.path.join(directory, "log"), "w+", encoding="utf-8")
        self.process = subprocess.Popen(
            [DAEMON, "-l", "127.0.0.1", "-p", "-1"] + USER + list(args),
            env=dict(os.environ, MEMCACHED_PORT_FILENAME=self.ports),
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)

    def __enter__(self):
        wait_until(lambda: os.path.exists(self.ports) or self.process.poll() is not None)
        with open(self.ports, encoding="ascii") as f:
            self.port = int(f.read().split("TCP INET: ")[1])
        return self

    def connect(self, receive_bytes=0):
        s = socket.socket()
        s.settimeout(PATIENCE_S)
        if receive_bytes:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        s.connect(("127.0.0.1", self.port))
        return s

    def end(self, *signals):
        for signo in signals:
            self.process.send_signal(signo)
        return self.process.wait(PATIENCE_S)

    def said(self, words):
        self.log.seek(0)
        return words in self.log.read()

    def __exit__(self, *exc):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.log.close()


def wait_until(condition):
    end = time.monotonic() + PATIENCE_S
    while not condition() and time.monotonic() < end:
        time.sleep(0.01)
    return condition()


def ask(s, text, end=b"\r\n"):
    s.sendall(text)
    got = b""
    while not got.endswith(end):
        more = s.recv(65536)
        if not more:
            return got + b"<closed>"
        got += more
    return got


def statuses(directory):
    status, out, err = run("--help")
    check.equal((status, err, "Usage: lombard" in out), (EX_OK, "", True), "--help")
    status, out, err = run("-V")
    check.equal((status, err, out.startswith("lombard ")), (EX_OK, "", True), "-V")
    status, out, err = run("-m", "x")
    check.equal((status, out, "-m (--memory-limit)" in err), (EX_USAGE, "", True), "a bad option")
    status, _, err = run("-l", "no such host", "-p", "0")
    check.equal((status, "no such host" in err), (EX_OSERR, True), "a bad address")
    status, _, err = run("-s", os.path.join(directory, "none", "socket"))
    check.equal((status, "none/socket" in err), (EX_OSERR, True), "a bad path")
    status, _, err = run("-l", "127.0.0.1", "-p", "0", "-P", os.path.join(directory, "none", "pid"))
    check.equal((status, "-P" in err), (EX_OSERR, True), "a bad pid file")
    if AS_ROOT:
        status, _, err = run("-p", "0", user=False)
        check.equal((status, "-u" in err), (EX_USAGE, True), "root without -u")
        status, _, err = run("-p", "0", "-u", "no-such-user", user=False)
        check.equal((status, "no-such-user" in err), (EX_USAGE, True), "nobody's name")


def busy_port(directory):
    with Running(directory) as server:
        status, _, err = run("-l", "127.0.0.1", "-p", str(server.port))
        check.equal((status, "Choose a port with -p" in err), (EX_OSERR, True), "a busy port")
        check.equal(server.end(signal.SIGTERM), EX_OK, "TERM")


def signals(directory):
    with Running(directory) as server:
        s = server.connect()
        for signo in (signal.SIGHUP, signal.SIGPIPE):
            server.process.send_signal(signo)
            check.equal(ask(s, b"version\r\n")[:8], b"VERSION ", "served after %s" % signo)
        wait_until(lambda: server.said("SIGHUP") or server.said("Hangup"))
        check.equal(server.end(signal.SIGINT), EX_OK, "INT")
        check.equal(s.recv(1), b"", "a sleeper is closed at the end")


def stalled_client(server):
    """One that asked for much and reads nothing."""
    s = server.connect(4096)
    ask(s, b"set k 0 0 1000000\r\n" + b"x" * 1000000 + b"\r\n")
    s.sendall(b"get k k k k k k k k k k k k\r\n")
    other = server.connect()
    wait_until(lambda: b"STAT conn_stalled 1\r\n" in ask(other, b"stats\r\n", b"END\r\n"))
    return s


def draining(directory):
    with Running(directory, "--drain-time", "1") as server:
        s = stalled_client(server)
        check.equal(server.end(signal.SIGTERM), EX_OK, "TERM with a stalled client")
        check.equal(server.said("did not take their replies in time"), True, "it says so")
        s.close()
    with Running(directory, "--drain-time", "3600") as server:
        s = stalled_client(server)
        server.process.send_signal(signal.SIGTERM)
        wait_until(lambda: server.said("leaving when replies are sent"))
        check.equal(server.process.poll(), None, "it waits for the replies to leave")
        check.equal(server.end(signal.SIGTERM), EX_OK, "TERM, twice")
        s.close()
    with Running(directory, "--drain-time", "3600") as server:
        s = stalled_client(server)
        server.process.send_signal(signal.SIGTERM)
        want = 12 * len(b"VALUE k 0 1000000\r\n" + b"x" * 1000000 + b"\r\n") + 5
        got = 0
        while True:
            n = len(s.recv(1 << 20))
            got += n
            if n == 0:
                break
        check.equal(got, want, "replies leave after TERM")
        check.equal(server.process.wait(PATIENCE_S), EX_OK, "and then it ends")


def by_command(directory):
    with Running(directory, "-A") as server:
        ask(server.connect(), b"shutdown\r\n")
        check.equal(server.process.wait(PATIENCE_S), EX_OK, "the command shutdown")


def files(directory):
    pid_file = os.path.join(directory, "pid")
    path = os.path.join(directory, "socket")
    with Running(directory, "-P", pid_file, "-s", path, "-a", "0600") as server:
        with open(pid_file, encoding="ascii") as f:
            check.equal(f.read(), "%d\n" % server.process.pid, "the pid file")
        s = socket.socket(socket.AF_UNIX)
        if not AS_ROOT or os.stat(path).st_uid == os.geteuid():
            s.connect(path)
            check.equal(ask(s, b"version\r\n")[:8], b"VERSION ", "served on a unix socket")
        check.equal(os.stat(path).st_mode & 0o777, 0o600, "its mode")
        check.equal(server.end(signal.SIGTERM), EX_OK, "TERM")
        if not AS_ROOT:  # who became another user may not delete here
            check.equal(os.path.exists(pid_file), False, "the pid file goes")
        s.close()


def detached(directory):
    pid_file = os.path.join(directory, "pid-d")
    ports = os.path.join(directory, "ports-d")
    done = subprocess.run([DAEMON, "-d", "-l", "127.0.0.1", "-p", "-1", "-P", pid_file] + USER,
                          env=dict(os.environ, MEMCACHED_PORT_FILENAME=ports), check=False,
                          stdin=subprocess.DEVNULL, timeout=PATIENCE_S)
    check.equal(done.returncode, EX_OK, "the parent of a daemon")
    wait_until(lambda: os.path.exists(ports))
    with open(pid_file, encoding="ascii") as f:
        pid = int(f.read())
    with open(ports, encoding="ascii") as f:
        port = int(f.read().split("TCP INET: ")[1])
    with socket.create_connection(("127.0.0.1", port), PATIENCE_S) as s:
        got = ask(s, b"stats\r\n", b"END\r\n").decode()
        check.equal("STAT pid %d\r\n" % pid in got, True, "the daemon serves, and says its pid")
        os.kill(pid, signal.SIGTERM)
        check.equal(s.recv(1), b"", "and ends")


def main():
    with tempfile.TemporaryDirectory(prefix="lombard-main-") as directory:
        os.chmod(directory, 0o777)
        for test in (statuses, busy_port, signals, draining, by_command, files, detached):
            test(directory)
    print("%d passed, %d failed" % (check.passed, check.failed))
    sys.exit(1 if check.failed else 0)


main()
