#!/usr/bin/python3
"""Which system calls a busy server makes, compared with the sandbox's list, line by line.

    sandbox.py ROOT DAEMON [DAEMON...]

Each DAEMON serves under strace, in every way that makes it call something else: large and small
values, slow readers, all kinds of sockets, logs that are files, pipes and terminals, SIGHUP, -d, a
service manager, an end by a signal and by abort(). Every call after the filter is in force has to be
in src/app/sandbox_calls.def, and every line there has to have been used, but those that say why not.
A DAEMON with a sanitizer may make the calls of sandbox_sanitizer.def as well, and looks for leaks at
its end, inside the sandbox; not while it is traced, for only one can trace.
"""
import contextlib
import ctypes
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "helpers"))

from checks import Checks
from client import ask

SKIPPED_STATUS = 77
PATIENCE_S = 60
USER = ["-u", "nobody"] if os.geteuid() == 0 else []
PASSWORD = b"set a 0 0 3\r\nu p\r\n"
check = Checks()


def skip(why):
    print("skipped: " + why)
    sys.exit(SKIPPED_STATUS)


def wait_for(condition):
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        found = condition()
        if found:
            return found
        time.sleep(0.02)
    return None


# --- The list ---

def listed(root, macro, name="sandbox_calls.def"):
    """{call: its SEEN} of the lines ALLOW() or CASES(), [call] of DEADLY()."""
    with open(os.path.join(root, "src/app", name), encoding="ascii") as f:
        text = re.sub(r"/\*.*?\*/", "", f.read(), flags=re.S)
    if macro == "DEADLY":
        return re.findall(r"^DEADLY\((\w+)\)", text, re.M)
    return dict(re.findall(r"^(?:ALLOW|CASES)\((\w+), (\w+)", text, re.M))


def has_ring():
    """Whether this kernel, in this surrounding, makes an io_uring: SETUP_SINGLE_ISSUER as sys_ring.c."""
    libc = ctypes.CDLL(None, use_errno=True)
    params = (ctypes.c_uint32 * 30)(0, 0, 1 << 12 | 1 << 13)
    fd = libc.syscall(425, 4, params)
    if fd >= 0:
        os.close(fd)
    return fd >= 0


def is_expected(seen, daemon):
    machine = os.uname().machine
    musl = is_musl(daemon)
    return {"ALWAYS": True, "GLIBC": not musl, "MUSL": musl, "X86": machine == "x86_64",
            "ARM": machine == "aarch64", "GLIBC_X86": not musl and machine == "x86_64",
            "RING": has_ring(), "RARELY": False}[seen]


def is_musl(daemon):
    with open(daemon, "rb") as f:
        return b"GLIBC_2." not in f.read() and b"GNU C Library" not in open(daemon, "rb").read()


def is_sanitized(daemon):
    with open(daemon, "rb") as f:
        return b"__asan_init" in f.read()


# --- One server under strace ---

class Traced:
    """A context manager: the server, and its directory DIR; `calls` is filled at the end."""

    def __init__(self, daemon, *args, stderr=None, user=None, **env):
        self.dir = tempfile.mkdtemp(prefix="lombard-sandbox-")
        os.chmod(self.dir, 0o777)
        self.trace = os.path.join(self.dir, "trace")
        self.pid_file = os.path.join(self.dir, "pid")
        self.calls, self.refused = set(), []
        with open(self.path("users"), "w", encoding="ascii") as f:
            f.write("u:p\n")
        self.log = open(os.path.join(self.dir, "stderr"), "w+", encoding="utf-8")
        env = dict(os.environ, MEMCACHED_PORT_FILENAME=os.path.join(self.dir, "ports"),
                   ASAN_OPTIONS=os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0", **env)
        command = ["strace", "-f", "-qq", "-o", self.trace, daemon, "-l", "127.0.0.1", "-p", "-1",
                   "-P", self.pid_file] + USER + [a.replace("DIR", self.dir) for a in args]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=self.log,
                                        stderr=stderr or self.log, env=env, user=user)

    def read(self, name):
        with contextlib.suppress(FileNotFoundError):
            with open(self.path(name), encoding="utf-8", errors="replace") as f:
                return f.read()
        return ""

    def path(self, name):
        return os.path.join(self.dir, name)

    def __enter__(self):
        check("it serves: %s" % self.process.args, wait_for(
            lambda: "seccomp(" in self.read("trace") and "TCP INET: " in self.read("ports")
            and self.read("pid").endswith("\n")))
        self.pid = int(self.read("pid"))
        self.port = int(self.read("ports").split("TCP INET: ")[1])
        return self

    def connect(self):
        return socket.create_connection(("127.0.0.1", self.port), PATIENCE_S)

    def connect_unix(self, name):
        s = socket.socket(socket.AF_UNIX)
        s.settimeout(PATIENCE_S)
        s.connect(self.path(name))
        return s

    def end(self, signo=signal.SIGTERM):
        os.kill(self.pid, signo)
        self.process.wait(PATIENCE_S)

    def __exit__(self, *exc):
        if self.process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                self.end()
            self.process.wait(PATIENCE_S)
        self.log.close()
        self.calls, self.refused = read_trace(self.trace)
        shutil.rmtree(self.dir)


def read_trace(path):
    """What was called after the filter was there, and what it refused."""
    calls, refused, inside = set(), [], set()
    with open(path, encoding="utf-8", errors="replace") as f:
        for line in f:
            pid = line.split(None, 1)[0]
            match = re.match(r"\d+ +(?:<\.\.\. )?(\w+)(?:\(| resumed)", line)
            if match and pid in inside and match.group(1) not in ("exit", "resumed"):
                calls.add(match.group(1))
            if "--- SIGSYS" in line or "killed by SIGSYS" in line:
                refused.append(line.strip())
            if match and "SECCOMP_SET_MODE_FILTER" in line and line.rstrip().endswith("= 0"):
                inside.add(pid)
    return calls, refused


# --- What a server does ---

def use(s, password=b""):
    """Small, large and partial; the large ones are not read for a while."""
    if password:
        check.equal(ask(s, password), b"STORED\r\n", "authenticated")
    value = b"x" * 400000
    check.equal(ask(s, b"set b 0 0 %d\r\n%s\r\n" % (len(value), value)), b"STORED\r\n", "stored")
    s.sendall(b"get b\r\n" * 20)
    time.sleep(0.2)
    left = 20 * (len(value) + len(b"VALUE b 0 400000\r\n\r\nEND\r\n"))
    while left > 0:
        left -= len(s.recv(min(left, 1 << 20)))
    check("small", ask(s, b"get a\r\nversion\r\n").endswith(b"VERSION 1.6.45\r\n"))
    for group in (b"", b" settings", b" conns", b" items", b" slabs", b" sizes", b" store",
                  b" memory"):
        ask(s, b"stats%s\r\n" % group, b"END\r\n")
    check("flush", ask(s, b"flush_all\r\n") == b"OK\r\n")
    s.sendall(b"get incomplete")


def administer(t):
    """What an operator and a monitoring system ask."""
    with t.connect_unix("admin") as s:
        ask(s, PASSWORD)
        for memory in (32, 8, 16):
            ask(s, b"cache_memlimit %d\r\n" % memory)
        for command in (b"stats latency", b"stats rates", b"stats settings"):
            ask(s, command + b"\r\n", b"END\r\n")
        ask(s, b"verbosity 1\r\n")
    for page in (b"/metrics", b"/stats.json", b"/healthz", b"/"):
        with t.connect_unix("http") as s:
            s.sendall(b"GET %s HTTP/1.0\r\nAuthorization: Basic dTpw\r\n\r\n" % page)  # u:p
            got = b""
            while True:
                more = s.recv(1 << 20)
                if not more:
                    break
                got += more
            check("%s: %s" % (page, got[:60]), got.startswith(b"HTTP/1.1 200 "))


def busy(daemon):
    """Both kinds of sockets, -Y, a log that is renamed, and many items."""
    with Traced(daemon, "-m", "16", "-Y", "DIR/users", "-s", "DIR/sock", "--log-file=DIR/log",
                "-v", "-e", "DIR/memory", "--admin=DIR/admin", "--http=DIR/http") as t:
        for s in (t.connect(), t.connect_unix("sock")):
            with s:
                use(s, PASSWORD)
        administer(t)
        with t.connect() as s:
            ask(s, PASSWORD)
            s.sendall(b"".join(b"set k%d 0 0 1 noreply\r\ny\r\n" % i for i in range(150000)))
            check.equal(ask(s, b"flush_all\r\n"), b"OK\r\n", "flushed")
            check("the index grows and shrinks", wait_for(lambda: "madvise(" in t.read("trace")))
        os.rename(t.path("log"), t.path("log.1"))
        os.kill(t.pid, signal.SIGHUP)
        check("the log and the passwords are opened again",
              wait_for(lambda: "read again" in t.read("log")))
        t.end()
        check("the pid file is gone", not os.path.exists(t.pid_file))
        for name in ("sock", "admin", "http"):
            check("the socket is gone: " + name, not os.path.exists(t.path(name)))
    return t


def with_timeouts(daemon):
    """Connections that are over -c, idle, or hold a part of a command; a pid file that must stay."""
    with Traced(daemon, "-c", "900", "--idle-timeout=1") as t:
        many = [t.connect() for _ in range(920)]
        for i, s in enumerate(many):
            s.sendall(b"get " + b"a" * 250 if i < 890 else b"get a\r\n")
        check("some are refused", wait_for(lambda: "shutdown(" in t.read("trace")))
        check("some are idle for too long",
              wait_for(lambda: t.read("trace").count("close(") > 500))
        os.chmod(t.dir, 0o555)
        for s in many:
            s.close()
        t.end()
        os.chmod(t.dir, 0o777)
        check("it is emptied", t.read("pid") == "")
    return t


def stalled(daemon):
    """A client that reads nothing, until it is closed for it."""
    with Traced(daemon, "-m", "64", "--send-timeout=1", "--peer-timeout=1") as t:
        with t.connect() as s:
            ask(s, b"set b 0 0 900000\r\n%s\r\n" % (b"x" * 900000))
            s.sendall(b"get b\r\n" * 50)
            check("it is closed", wait_for(lambda: "did not read" in t.read("stderr")
                                           or "closed" in t.read("stderr")))
        with t.connect() as s:
            ask(s, b"cache_memlimit 128\r\n")  # of memory that no file holds
        t.end()
    return t


def logging_to(daemon, kind):
    """Standard error is a pipe, a socket or a terminal."""
    if kind == "pipe":
        ours, theirs = os.pipe()
    elif kind == "socket":
        pair = socket.socketpair()
        ours, theirs = os.dup(pair[0].fileno()), os.dup(pair[1].fileno())
    else:
        ours, theirs = os.openpty()
    with Traced(daemon, "-v", stderr=theirs) as t:
        with t.connect() as s:
            ask(s, b"version\r\n")
        t.end()
    os.close(ours)
    os.close(theirs)
    return t


def logging_to_another(daemon):
    """Standard error is a pipe that the server's user may not open anew."""
    ours, theirs = os.pipe()
    os.fchmod(theirs, 0)
    with Traced(daemon, "-v", stderr=theirs, user="nobody" if USER else None) as t:
        with t.connect() as s:
            ask(s, b"version\r\n")
        t.end()
    os.close(ours)
    os.close(theirs)
    return t


def in_background(daemon):
    """-d, for a service manager at an abstract address."""
    name = "lombard-sandbox-%d" % os.getpid()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind("\0" + name)
        manager.settimeout(PATIENCE_S)
        with Traced(daemon, "-d", NOTIFY_SOCKET="@" + name, WATCHDOG_USEC="100000") as t:
            got = b""
            while b"WATCHDOG=1" not in got:
                got += manager.recv(4096)
            with t.connect() as s:
                ask(s, b"version\r\n")
            os.kill(t.pid, signal.SIGHUP)
            while b"RELOADING=1" not in got:
                got += manager.recv(4096)
            t.end()
    return t


SCENARIOS = [busy, with_timeouts, stalled, in_background,
             lambda d: logging_to(d, "pipe"), lambda d: logging_to(d, "socket"),
             lambda d: logging_to(d, "terminal"), logging_to_another]


def look_for_leaks(daemon):
    """Not traced: the sanitizer's own tracer has to be able to look, at the end, and finds nothing."""
    env = dict(os.environ, LSAN_OPTIONS="verbosity=1:log_threads=1",
               ASAN_OPTIONS=os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=1")
    with tempfile.TemporaryFile("w+") as log:
        server = subprocess.Popen([daemon, "-l", "127.0.0.1", "-p", "-1"] + USER, stdout=log, stderr=log, env=env)

        def said():
            log.seek(0)
            return log.read()
        check("it serves", wait_for(lambda: " ready: " in said()))
        with socket.create_connection(("127.0.0.1", int(re.search(r"on TCP 127.0.0.1:(\d+)", said()).group(1)))) as s:
            use(s)
        server.terminate()
        check.equal(server.wait(PATIENCE_S), 0, "its end: " + said()[-500:])
        check("seccomp is in force", re.search(r"sandbox: .*seccomp", said()))
        check("it was looked for leaks: " + said()[-500:], "LeakSanitizer" in said() or "Processing thread" in said())
        check("and could be: " + said()[-500:], "fatal error" not in said() and "detected memory leaks" not in said())


def compare(root, daemon):
    allowed, used = listed(root, "ALLOW"), set()
    if is_sanitized(daemon):
        look_for_leaks(daemon)
        allowed.update({call: "RARELY" for call in listed(root, "ALLOW", "sandbox_sanitizer.def") if call not in allowed})
    for scenario in SCENARIOS:
        traced = scenario(daemon)
        used |= traced.calls
        check("nothing was refused: %s" % traced.refused[:3], not traced.refused)
    for call in sorted(used):
        check("%s: %s is in the list" % (daemon, call), call in allowed)
    for call, seen in sorted(allowed.items()):
        if is_expected(seen, daemon) and not is_sanitized(daemon):  # whose allocator is another one
            check("%s: %s is in the list, and was used" % (daemon, call), call in used)
    return used


def main():
    root, daemons = sys.argv[1], [os.path.abspath(path) for path in sys.argv[2:]]
    if shutil.which("strace") is None:
        skip("strace is not installed")
    if subprocess.run(["strace", "-o", "/dev/null", "true"], stderr=subprocess.DEVNULL,
                      check=False).returncode:
        skip("strace may trace nothing here")
    for daemon in daemons:
        used = compare(root, daemon)
        print("%s uses %d system calls: %s" % (daemon, len(used), " ".join(sorted(used))))
    check.done()


main()
