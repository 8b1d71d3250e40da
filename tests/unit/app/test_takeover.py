#!/usr/bin/python3
"""--takeover: a server takes another one's place, with its connections in whatever they do; or comes to nothing.

    test_takeover.py DAEMON [OTHER_DAEMON [KILLS]]
"""
import array
import contextlib
import os
import random
import resource
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "helpers"))
from checks import Checks
from client import ask, connect, read_all, stats, value
from heir import PATIENCE_S, USER, Heir
from server import Server, end_on_sigterm

EX_OSERR, EX_USAGE = 71, 64
DAEMONS = [os.path.abspath(path) for path in (sys.argv[1:3] * 2)[:2]]
KILLS = int(sys.argv[3]) if len(sys.argv) > 3 else 6  # of one side, at random moments
check = Checks()
# src/app/passing.h
HELLO, STATE, MORE, YES, NO, _, RESUMED, OFFER, EARLY, READY = range(1, 11)
MESSAGE = struct.Struct("=IIQQ200s")
EARLY_BYTES = 1040  # of a message with connections


class Peer:
    """One that speaks as servers do to each other."""

    def __init__(self, s):
        self.socket = s
        s.settimeout(PATIENCE_S)
        self.fds = []

    def say(self, kind, text=b"", form=2, image_bytes=0, fds=(), count=None):
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else []
        message = MESSAGE.pack(kind, form, image_bytes, len(fds) if count is None else count, text)
        if kind == EARLY:
            message = message[:24].ljust(EARLY_BYTES, b"\1")
        self.socket.sendmsg([message], rights)

    def hear(self):
        """The kind of the next message; 0: none will come. Of descriptors the last ones are kept."""
        got, rights, _, _ = self.socket.recvmsg(MESSAGE.size, 4096)
        for _, _, data in rights:
            fds = array.array("i")
            fds.frombytes(data[:len(data) - len(data) % fds.itemsize])
            self.fds += fds
        if len(got) != MESSAGE.size:
            return 0, "", 0
        kind, _, image_bytes, count, text = MESSAGE.unpack(got)
        self.image_bytes, self.count = image_bytes, count
        return kind, text.split(b"\0")[0].decode(), count

    def receive(self):
        """What it offers, then the rest."""
        kind, text, count = self.hear()
        while kind == OFFER or (kind == EARLY and count > 0):
            kind, text, count = self.hear()
        if kind != EARLY:
            return kind, text
        self.say(READY)
        early = len(self.fds)
        kind, text, count = self.hear()
        while kind in (STATE, MORE) and len(self.fds) - early < count:
            kind = self.hear()[0]
        return kind, text

    def close(self):
        self.socket.close()
        for fd in self.fds:
            os.close(fd)


def call(control):
    s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    s.connect(control)
    return Peer(s)


@contextlib.contextmanager
def start(folder, *args):
    control = os.path.join(folder, "control")
    with Server([DAEMONS[0], "-m", "32", "--control=" + control] + list(args)) as server:
        yield server, control


def get(s, key, want):
    s.sendall(b"get %s\r\n" % key)
    return read_all(s, b"VALUE %s 0 %d\r\n%s\r\nEND\r\n" % (key, len(want), want))


def test_chain(folder):
    """Three times in a row, at a different byte each time; then to other options."""
    with start(folder) as (server, control):
        large = value(3, 300000)
        pieces = [b"set up 0 0 300000\r\n" + large[:100000], large[100000:100001], large[100001:299999],
                  large[299999:] + b"\r"]
        get_pieces = [b"ge", b"t u", b"p\r", b"\n"]
        upload, partial, idle, reader = [connect(server) for _ in range(4)]
        watcher, binary = connect(server), connect(server)
        ask(idle, b"set k 0 0 3\r\nabc\r\n")
        ask(idle, b"set long 0 0 300000\r\n%s\r\n" % large)
        check.equal(ask(idle, b"client_name me\r\n"), b"OK\r\n", "a name")
        ask(watcher, b"watch mutations\n\r\n")
        reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        reader.sendall(b"get long\r\n" * 8)
        last = None
        for i in range(4):
            upload.sendall(pieces[i])
            binary.sendall(struct.pack("!BBHBBHIIQ", 0x80, 0, 4, 0, 0, 0, 4, 7, 0)[i * 6:i * 6 + 6])
            if i < 3:
                partial.sendall(get_pieces[i])
            args = ("-m", "64", "-c", "500", "--buffer-memory=8") if i == 3 else ("-m", "32")
            heir = Heir(DAEMONS[i % 2], control, *args)
            took = heir.wait_for("took over")
            check("takeover %d: %s" % (i, heir.log), took)
            check.equal((last.ended() if last else server.process.wait(PATIENCE_S)), 0, "the old one exits")
            last = heir
        upload.sendall(b"\n")
        check.equal(read_all(upload, b"STORED\r\n"), True, "an upload goes on")
        check("what was uploaded", get(idle, b"up", large))
        partial.sendall(b"\n")
        check("a partial command goes on", read_all(partial, b"VALUE up 0 300000\r\n%s\r\nEND\r\n" % large))
        binary.sendall(b"long")
        check.equal(binary.recv(24)[:4], b"\x81\0\0\0", "a binary one, too")
        check("a stalled reader gets all of it",
              read_all(reader, (b"VALUE long 0 300000\r\n%s\r\nEND\r\n" % large) * 8))
        ask(idle, b"set k 0 0 1\r\nx\r\n")
        told = b""
        while b"key=k " not in told:
            told += watcher.recv(4096)
        check("a watcher watches on", b"gid=" in told)
        got = stats(idle)
        check.equal(got["takeovers"], "4", "takeovers")
        check.equal(got["total_connections"], "6", "counters go over")
        check.equal(got["limit_maxbytes"], str(64 << 20), "-m of the last one")
        check.equal((got["internal_errors"], got["sandbox_denied"]), ("0", "0"), "nothing is wrong")
        idle.sendall(b"stats conns\r\n")
        conns = b""
        while not conns.endswith(b"END\r\n"):
            conns += idle.recv(65536)
        check("the name goes over", b"name me" in conns)
        for s in (upload, partial, reader, watcher, binary):
            s.close()
        while stats(idle)["curr_connections"] != "1":
            time.sleep(0.01)
        got = stats(idle)
        check.equal(got["segments_pinned"], "0", "no pin is left")
        open_fds = len(os.listdir("/proc/%d/fd" % last.process.pid))
        check("no descriptor is left: %d" % open_fds, open_fds < 25)
        idle.close()
        check.equal(last.stop(), 0, "the last one stops")
        check("the socket is removed", not os.path.exists(control))


def refused(server, control, why, *args):
    with connect(server) as s:
        heir = Heir(DAEMONS[0], control, *args)
        check.equal(heir.ended(), EX_OSERR, why)
        check("%s: %s" % (why, heir.log), why in heir.log and "goes on" in heir.log)
        check("%s: it is as before" % why, get(s, b"k", b"abc"))


def test_refused(folder):
    """What does not fit, and peers that end, say no, say nothing or say nonsense at every step."""
    with start(folder, "-I", "2m", "-C") as (server, control):
        with connect(server) as s:
            ask(s, b"set k 0 0 3\r\nabc\r\n")
        refused(server, control, "-I is smaller", "-C")
        refused(server, control, "-C is given", "-I", "2m")
        refused(server, control, "-m is more", "-I", "2m", "-C", "-m", "100000")
        refused(server, control, "is not in that file", "-I", "2m", "-C", "-e", os.path.join(folder, "other"))
        heir = Heir(DAEMONS[0], os.path.join(folder, "nothing"))
        check.equal(heir.ended(), EX_OSERR, "no server there: " + heir.log)
        with connect(server) as s:
            half, leaves = connect(server), connect(server)
            half.sendall(b"set up 0 0 100000\r\n" + b"x" * 50000)
            for act in (lambda p: None, lambda p: p.say(HELLO, b"x", form=99), lambda p: p.socket.send(b"nonsense"),
                        lambda p: p.say(YES), lambda p: p.say(HELLO, b"1"),
                        lambda p: (p.say(HELLO, b"1"), p.hear()), lambda p: (p.say(HELLO, b"1"), p.hear(), p.hear(), p.say(YES)),
                        lambda p: (p.say(HELLO, b"1"), p.hear(), p.hear(), p.say(NO, b"not\x1b")),
                        lambda p: (p.say(HELLO, b"1"), p.receive()),
                        lambda p: (p.say(HELLO, b"1"), p.receive(), p.say(YES),
                                   check.equal(p.hear()[:2], (RESUMED, "it said yes to what it has not taken"), "a lie")),
                        lambda p: (p.say(HELLO, b"1"), p.receive(), p.say(NO, b"never\x1b"),
                                   check.equal(p.hear()[0], RESUMED, "a no is a no")),
                        lambda p: (p.say(HELLO, b"1"), p.receive(), p.say(MORE)),
                        lambda p: (p.say(HELLO, b"1"), p.receive(), p.socket.send(b""))):
                peer = call(control)
                act(peer)
                peer.close()
                check("it goes on after that", get(s, b"k", b"abc"))
            check("the log says why it was refused", "not\\x1b" in log_of(server))
            check("another format: what to do", "takes over in format 99" in log_of(server) and
                  "must be stopped instead" in log_of(server))
            peer = call(control)
            peer.say(HELLO, b"slow")
            check.equal(peer.receive()[0], STATE, "it hands over")
            s.sendall(b"get k\r\n")
            check("one that says nothing: it goes on when its time is over",
                  read_all(s, b"VALUE k 0 3\r\nabc\r\nEND\r\n"))
            check.equal(peer.hear()[0], RESUMED, "and says so")
            leaves.sendall(b"quit\r\n")
            check.equal(leaves.recv(1), b"", "who is closed hears so, though the other process has it, too")
            leaves.close()
            check("and it lives", get(s, b"k", b"abc"))
            peer.close()
            half.sendall(b"x" * 50000 + b"\r\n")
            check("an upload goes on", read_all(half, b"STORED\r\n"))
            half.close()
            got = stats(s)
            check.equal(got["takeovers"], "0", "none has taken over")
            check("each was counted: " + got["takeovers_refused"], int(got["takeovers_refused"]) >= 12)
            check.equal((got["internal_errors"], got["sandbox_denied"]), ("0", "0"), "nothing is wrong")
        first, second = Heir(DAEMONS[0], control, "-I", "2m", "-C"), Heir(DAEMONS[0], control, "-I", "2m", "-C")
        check("two at once: one takes over", first.wait_for("took over"))
        check("and the other one from that", second.wait_for("took over"))
        while first.process.poll() is None and second.process.poll() is None:
            time.sleep(0.01)
        ends = sorted([first, second], key=lambda h: h.process.poll() is None)
        check.equal(ends[0].ended(), 0, "of two the first one leaves")
        with connect(server) as s:
            check("all is there", get(s, b"k", b"abc"))
            s.sendall(b"shutdown\r\n")
        check.equal(ends[1].stop(), 0, "the end")


def fake(folder, act):
    """The other side: a server that misbehaves. Returns what the new process said, and how it ended."""
    path = os.path.join(folder, "fake")
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        listener.bind(path)
        listener.listen()
        os.chmod(path, 0o777)
        heir = Heir(DAEMONS[0], path)
        peer = Peer(listener.accept()[0])
        peer.hear()
        act(peer)
        peer.close()
        code = heir.ended()
    os.unlink(path)
    return code, heir.log


def test_fakes(folder):
    zero, torn, image = os.open("/dev/null", os.O_RDWR), os.memfd_create("torn"), os.memfd_create("image")
    os.write(torn, struct.pack("=II", 13, 100))
    os.write(image, struct.pack("=IIQ", 6, 8, 1))
    os.pwrite(image, struct.pack("=IIQ", 15, 8, 1), 65536)

    store, control = os.memfd_create("store"), socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)

    def offer(p):
        p.say(OFFER, image_bytes=16, fds=[image, store, control.fileno()])

    def early(p, count, fds=()):
        p.say(EARLY, fds=[zero] * count, count=0)
        check.equal(p.hear()[0], READY, "it has what went ahead")
        p.say(STATE, image_bytes=16, fds=fds, count=4)

    for act in (lambda p: None, lambda p: p.say(RESUMED, b"no\x1b"), lambda p: p.socket.send(b"x"),
                lambda p: p.say(STATE, image_bytes=8), lambda p: p.say(OFFER, image_bytes=8, fds=[zero]),
                lambda p: p.say(OFFER, image_bytes=1 << 50, fds=[zero] * 3),
                lambda p: p.say(OFFER, image_bytes=8, fds=[zero] * 3),
                lambda p: p.say(OFFER, image_bytes=8, fds=[torn] * 3), offer,
                lambda p: (offer(p), p.say(STATE, image_bytes=16)),
                lambda p: (offer(p), p.say(EARLY, fds=[torn], count=1)),  # which cannot be watched
                lambda p: (offer(p), p.say(EARLY, count=0)),
                lambda p: (offer(p), early(p, 0)), lambda p: (offer(p), early(p, 0, [zero] * 5)),
                lambda p: (offer(p), early(p, 0, [zero] * 4))):
        code, log = fake(folder, act)
        check.equal(code, EX_OSERR, "a server that misbehaves: " + log)
        check("it is one line", log.count("--takeover") == 1 and "\x1b" not in log)
    control.close()
    for fd in (zero, torn, image, store):
        os.close(fd)


def test_few_descriptors(folder):
    with start(folder) as (server, control):
        conns = [connect(server) for _ in range(100)]
        ask(conns[0], b"set k 0 0 3\r\nabc\r\n")
        code = "import os, resource, sys; resource.setrlimit(resource.RLIMIT_NOFILE, (70, 70)); os.execv(sys.argv[1], sys.argv[1:])"
        process = subprocess.run([sys.executable, "-c", code, DAEMONS[0]] + USER + ["--takeover=" + control],
                                 stderr=subprocess.PIPE, check=False, timeout=PATIENCE_S)
        check.equal(process.returncode, EX_OSERR, "too few descriptors")
        check("it says so: %s" % process.stderr, b"descriptors (ulimit -n)" in process.stderr)
        check("all go on", all(get(s, b"k", b"abc") for s in conns))
        for s in conns:
            s.close()


def log_of(server):
    with open(server.log_path, encoding="latin-1") as f:
        return f.read()


def iterations(s):
    return int(stats(s, " latency")["iteration:ever:count"])


def limit_descriptors(pid, most):
    """From now on. Its own user may do that: root needs a capability, which not every container has."""
    with open("/proc/%d/status" % pid, encoding="ascii") as f:
        ids = {line[:3]: int(line.split()[1]) for line in f if line[:4] in ("Uid:", "Gid:")}
    child = os.fork()
    if child == 0:
        if os.geteuid() == 0:
            os.setresgid(*[ids["Gid"]] * 3)
            os.setresuid(*[ids["Uid"]] * 3)
        hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)[1]
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (hard if most is None else most, hard))
        os._exit(0)
    check.equal(os.waitpid(child, 0)[1], 0, "its limit is changed")


def test_no_descriptor(folder):
    """The old process cannot accept: it says so, serves on without a loop that spins, and is taken over later."""
    with start(folder) as (server, control), connect(server) as s:
        ask(s, b"set k 0 0 3\r\nabc\r\n")
        pid = server.process.pid
        used = set(map(int, os.listdir("/proc/%d/fd" % pid)))
        limit_descriptors(pid, min(set(range(len(used) + 1)) - used))
        heir = Heir(DAEMONS[1], control)
        end = time.monotonic() + PATIENCE_S
        while "take over waits" not in log_of(server) and time.monotonic() < end:
            time.sleep(0.01)
        begun = iterations(s)
        time.sleep(0.4)
        count = iterations(s) - begun
        check("meanwhile it does not spin: %d iterations" % count, count < 200)
        check("it serves on", get(s, b"k", b"abc"))
        limit_descriptors(pid, None)
        check("then it is taken over: " + heir.log, heir.wait_for("took over"))
        check.equal(server.process.wait(PATIENCE_S), 0, "the old one exits")
        check.equal(log_of(server).count("take over waits"), 1, "one line")
        check("all is there", get(s, b"k", b"abc"))
        check.equal(heir.stop(), 0, "the end")


def test_file_and_manager(folder):
    """-e goes over, and a service manager hears of the new process before the old one ends."""
    memory, name = os.path.join(folder, "memory"), os.path.join(folder, "notify")
    with start(folder, "-e", memory) as (server, control):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
            manager.bind(name)
            os.chmod(name, 0o777)
            manager.settimeout(PATIENCE_S)
            with connect(server) as s:
                ask(s, b"set k 0 0 3\r\nabc\r\n")
                for i in range(20):
                    ask(s, b"set k%d 0 0 900000\r\n%s\r\n" % (i, value(i, 900000)))
            heir = Heir(DAEMONS[0], control, "-e", memory, "-m", "32", env=dict(os.environ, NOTIFY_SOCKET=name))
            told = manager.recv(4096).decode()
            check("told: " + told, "READY=1" in told and "MAINPID=%d" % heir.process.pid in told)
            check("took over", heir.wait_for("took over"))
            check.equal(server.process.wait(PATIENCE_S), 0, "the old one exits")
            with connect(server) as s:
                got = stats(s, " memory")
                check("what is mapped nowhere is not the program's", int(got["program_bytes"]) > 1 << 20)
                ask(s, b"stats reset\r\n")
            check.equal(image_bytes(heir), 0, "the image takes no memory any more")
            check.equal(heir.stop(), 0, "the new one stops")
            check("and keeps the cache: " + heir.log, "21 items are kept" in heir.log)
            check("the socket is removed", not os.path.exists(control))


def parent_of(pid):
    fields = dict(line.split(":\t", 1) for line in read("/proc/%d/status" % pid).splitlines() if ":\t" in line)
    return int(fields["PPid"])


def test_detached(folder):
    """When a service manager hears of the new process, no command is its parent: it would not be waited for else."""
    name = os.path.join(folder, "notify")
    with start(folder) as (server, control), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(name)
        os.chmod(name, 0o777)
        manager.settimeout(PATIENCE_S)
        heir = Heir(DAEMONS[1], control, "-d", env=dict(os.environ, NOTIFY_SOCKET=name))
        told = manager.recv(4096).decode()
        pid = int(told.split("MAINPID=")[1].split("\n")[0])
        check("another one than the command: %s" % told, pid != heir.process.pid)
        parent = parent_of(pid)
        check("whose parent is neither that nor a lombard",
              parent != heir.process.pid and (parent == 0 or read("/proc/%d/comm" % parent) != "lombard\n"))
        check.equal(heir.process.wait(PATIENCE_S), 0, "the command ends well")
        check.equal(server.process.wait(PATIENCE_S), 0, "the old one exits")
        os.kill(pid, signal.SIGTERM)
        with contextlib.suppress(OSError, EOFError), connect(server) as s:
            s.recv(1)


def take_over(server, control, *args, daemon=DAEMONS[1]):
    """By one heir, to its end; what it said."""
    heir = Heir(daemon, control, *args)
    check("it takes over: " + heir.log, heir.wait_for("took over"))
    check.equal(server.wait(PATIENCE_S), 0, "the old one exits")
    return heir


def sasl(secret):
    """A binary SASL AUTH by PLAIN."""
    return struct.pack("!BBHBBHIIQ", 0x80, 0x21, 5, 0, 0, 0, 5 + len(secret), 0, 0) + b"PLAIN" + secret


def test_passwords(folder):
    """Who has authenticated stays so, by either protocol, and nobody else; -Y must be there on both sides."""
    users = os.path.join(folder, "users")
    with open(users, "w", encoding="ascii") as f:
        f.write("me:secret\n")
    os.chmod(users, 0o644)
    with start(folder, "-Y", users) as (server, control):
        text, binary, stranger, half = [connect(server) for _ in range(4)]
        check.equal(ask(text, b"set auth 0 0 9\r\nme secret\r\n"), b"STORED\r\n", "by text")
        ask(text, b"set k 0 0 3\r\nabc\r\n")
        binary.sendall(sasl(b"\0me\0secret"))
        check.equal(binary.recv(100)[6:8], b"\0\0", "by SASL")
        half.sendall(b"set auth 0 0 9\r\nme sec")
        heir = Heir(DAEMONS[1], control)
        check.equal(heir.ended(), EX_OSERR, "without -Y")
        check("without -Y: " + heir.log, "-Y is given" in heir.log)
        heir = take_over(server.process, control, "-Y", users)
        check("authenticated by text", get(text, b"k", b"abc"))
        binary.sendall(struct.pack("!BBHBBHIIQ", 0x80, 0, 1, 0, 0, 0, 1, 0, 0) + b"k")
        check("and by SASL", binary.recv(100)[6:8] == b"\0\0")
        check.equal(ask(stranger, b"get k\r\n"), b"CLIENT_ERROR unauthenticated\r\n", "a stranger stays one")
        half.sendall(b"ret\r\n")
        check("half a password goes on", read_all(half, b"STORED\r\n"))
        for s in (text, binary, stranger, half):
            s.close()
        check.equal(heir.stop(), 0, "the end")


def unix(path):
    s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    s.settimeout(PATIENCE_S)
    s.connect(path)
    return s


def test_listeners(folder):
    """All of them go over, and what is connected through them: unix socket, operators, HTTP."""
    paths = [os.path.join(folder, name) for name in ("client", "admin", "http")]
    with start(folder, "-s", paths[0], "--admin", paths[1], "--http", paths[2]) as (server, control):
        before = [unix(path) for path in paths]
        check.equal(ask(before[1], b"config idle-timeout 77\r\n")[:2], b"OK", "an operator may")
        before[0].sendall(b"get nothi")
        before[1].sendall(b"stats set")
        before[2].sendall(b"GET /healthz HTTP/1.1\r\nHos")
        heir = take_over(server.process, control)
        before[0].sendall(b"ng\r\n")
        check("a client's connection", read_all(before[0], b"END\r\n"))
        check("an operator's", b"STAT maxbytes" in ask(before[1], b"tings\r\n", b"END\r\n"))
        before[2].sendall(b"t: x\r\n\r\n")
        check("one of HTTP", before[2].recv(1000).startswith(b"HTTP/1.1 200"))
        with unix(paths[0]) as s:
            check.equal(ask(s, b"verbosity 1\r\n")[:12], b"CLIENT_ERROR", "a client stays one")
        with unix(paths[1]) as s:
            check.equal(ask(s, b"verbosity 1\r\n"), b"OK\r\n", "an operator, too")
        with unix(paths[2]) as s:
            s.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
            check("HTTP is heard", s.recv(1000).startswith(b"HTTP/1.1 200"))
        for s in before:
            s.close()
        check.equal(heir.stop(), 0, "the end")
        check("no socket is left", not any(os.path.exists(path) for path in paths + [control]))


def test_not_now(folder):
    """A server that shuts down goes on with that; another user is refused; so is what has no descriptor."""
    with start(folder, "--drain-time", "60") as (server, control):
        with connect(server) as s:
            ask(s, b"set k 0 0 3\r\nabc\r\n")
        if os.geteuid() == 0:
            os.chmod(control, 0o777)
            heir = Heir(DAEMONS[1], control, user=["-u", "daemon"])
            check.equal(heir.ended(), EX_OSERR, "another user")
            check("another user: " + heir.log, "(EPERM)" in heir.log)
        reader = connect(server, 4096)
        ask(reader, b"set long 0 0 900000\r\n%s\r\n" % value(1, 900000))
        reader.sendall(b"get long\r\n" * 20)
        time.sleep(0.1)
        server.process.send_signal(signal.SIGTERM)
        heir = Heir(DAEMONS[1], control)
        check.equal(heir.ended(), EX_OSERR, "a server that shuts down")
        check("it says so: " + heir.log, "shutting down" in heir.log)
        check("and its replies leave", read_all(reader, (b"VALUE long 0 900000\r\n%s\r\nEND\r\n" % value(1, 900000)) * 20))
        reader.close()
        check.equal(server.process.wait(PATIENCE_S), 0, "and it ends")


def test_statistics(folder):
    """Replies of the registry go on in the same version; what was counted before is of no second of the new process."""
    with start(folder) as (server, control), connect(server) as s, connect(server, 4096) as reader:
        names = [line.split()[1] for line in ask(s, b"stats settings\r\n", b"END\r\n").splitlines()[:-1]]
        ask(s, b"get k\r\n" * 1000 + b"version\r\n", b"VERSION 1.6.45\r\n")
        reader.sendall(b"stats settings\r\n" * 2000 + b"version\r\n")
        while stats(s)["conn_stalls"] == "0":
            time.sleep(0.01)
        heir = take_over(server.process, control, daemon=DAEMONS[0])
        replies = ask(reader, b"", b"VERSION 1.6.45\r\n").split(b"END\r\n")
        whole = [reply for reply in replies[:-1] if [line.split()[1] for line in reply.splitlines()] == names]
        check.equal(len(whole), 2000, "replies that are whole")
        while float(stats(s, " rates")["commands:60s"]) == 0:
            check.equal(ask(s, b"get k\r\n"), b"END\r\n", "a command of this process")
            time.sleep(0.1)
        rates = stats(s, " rates")
        check("no more than was asked here: %s" % rates["commands:10s"], float(rates["commands:10s"]) < 100)
        check.equal(heir.stop(), 0, "the end")


def test_few_buffers(folder):
    """More replies are waited for than buffers are there: everyone gets its own, from whichever process."""
    with start(folder, "--buffer-memory=1", "-c", "400") as (server, control):
        with connect(server) as s:
            ask(s, b"set k 0 0 2000\r\n%s\r\n" % value(1, 2000))
        readers = [connect(server, 4096) for _ in range(30)]
        writers = [connect(server) for _ in range(30)]
        want = b"VALUE k 0 2000\r\n%s\r\nEND\r\n" % value(1, 2000)
        for s in readers:
            s.sendall(b"get k\r\n" * 60)
        for i, s in enumerate(writers):
            s.sendall(b"set w%d 0 0 50000\r\n" % i + value(i, 50000)[:30000])
        heir = take_over(server.process, control, "--buffer-memory=1", "-c", "400")
        check("all replies", all(read_all(s, want * 60) for s in readers))
        for i, s in enumerate(writers):
            s.sendall(value(i, 50000)[30000:] + b"\r\n")
        check("all uploads", all(read_all(s, b"STORED\r\n") for s in writers))
        check("no buffer is left lent", int(stats(readers[0], " buffers")["buffers_lent"]) <= 2)
        for s in readers + writers:
            s.close()
        check.equal(heir.stop(), 0, "the end")


def test_quiet(folder):
    """Idle connections are watched a little later; they miss nothing, even if another one takes over before."""
    with start(folder) as (server, control):
        conns = [connect(server) for _ in range(400)]
        ask(conns[0], b"set k 0 0 3\r\nabc\r\n")
        time.sleep(2.2)
        first = take_over(server.process, control)
        check("all are heard", all(get(s, b"k", b"abc") for s in conns[::2]))
        second = take_over(first.process, control)
        check("then as well", all(get(s, b"k", b"abc") for s in reversed(conns)))
        for s in conns:
            s.close()
        check.equal(second.stop(), 0, "the end")


def test_activated(folder):
    """Sockets that a service manager passes again and again are those that are taken over."""
    with start(folder) as (server, control), socket.socket() as passed:
        passed.bind(("127.0.0.1", 0))
        passed.listen()
        process, counts = server.process, []
        for _ in range(3):
            command = 'exec 3<&%d; LISTEN_PID=$$ LISTEN_FDS=1 exec "$@"' % passed.fileno()
            heir = subprocess.Popen(["sh", "-c", command, "sh", DAEMONS[1]] + USER + ["--takeover=" + control],
                                    pass_fds=[passed.fileno()], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                    stderr=subprocess.DEVNULL)
            check.equal(process.wait(PATIENCE_S), 0, "the old one exits")
            process = heir
            counts.append(len(os.listdir("/proc/%d/fd" % heir.pid)))
        check.equal(len(set(counts)), 1, "descriptors after each: %s" % counts)
        with connect(server) as s:
            check.equal(ask(s, b"mn\r\n"), b"MN\r\n", "it serves where it did")
        process.terminate()
        check.equal(process.wait(PATIENCE_S), 0, "the end")


def still_serves(s):
    """The new process is dead: the old one answers, or has gone with all connections."""
    try:
        return ask(s, b"mn\r\n") == b"MN\r\n"
    except (EOFError, OSError):
        return False


def kill_one(folder, rng, kills_old):
    """After some milliseconds one side dies. What is left has all, or the one that is left has said no."""
    with start(folder) as (server, control):
        with connect(server) as s, connect(server) as half:
            ask(s, b"set k 0 0 3\r\nabc\r\n")
            half.sendall(b"set up 0 0 5\r\nhe")
            heir = Heir(DAEMONS[1], control)
            time.sleep(rng.random() * 0.04)
            (server.process if kills_old else heir.process).kill()
            took = heir.wait_for("took over") if kills_old else not still_serves(s)
            check("the log says which", kills_old or took == ("has taken over" in log_of(server)))
            if took != kills_old:  # all went with the one that was killed
                check.equal(heir.stop(), EX_OSERR if kills_old else -signal.SIGKILL, "which the other one says")
                return
            check("it is there", get(s, b"k", b"abc"))
            half.sendall(b"llo\r\n")
            check("an upload goes on", read_all(half, b"STORED\r\n"))
            if not kills_old:
                heir.ended()
                third = take_over(server.process, control)
                check("and later it is taken over", get(s, b"up", b"hello"))
                check.equal(third.stop(), 0, "the end")
        if kills_old:
            check.equal(heir.stop(), 0, "the end")


def test_killed(folder):
    rng = random.Random(1)
    for i in range(KILLS):
        kill_one(folder, rng, i % 2 == 0)
        for name in os.listdir(folder):
            os.unlink(os.path.join(folder, name))


def image_bytes(heir):
    folder = "/proc/%d/fd" % heir.process.pid
    sizes = []
    for path in (os.path.join(folder, name) for name in os.listdir(folder)):
        try:
            if "lombard-image" in os.readlink(path):
                sizes.append(os.stat(path).st_size)
        except FileNotFoundError: # closed since it was listed
            pass
    return sum(sizes) if sizes else -1


def test_no_socket(folder):
    """--control names a file that is none of its own, by mistake: it stays."""
    path = os.path.join(folder, "precious")
    with open(path, "w", encoding="ascii") as f:
        f.write("precious")
    done = subprocess.run([DAEMONS[0]] + USER + ["-s", os.path.join(folder, "s"), "--control=" + path],
                          stderr=subprocess.PIPE, check=False, timeout=PATIENCE_S)
    check.equal(done.returncode, EX_OSERR, "no socket can be there")
    check("it says so: %s" % done.stderr, b"no socket, and stays" in done.stderr)
    with open(path, encoding="ascii") as f:
        check.equal(f.read(), "precious", "a file that is no socket")


def read(path):
    with open(path, encoding="ascii") as f:
        return f.read()


def test_pid_file(folder):
    """It names the process that serves, also in a folder where only root may make one; then it goes, or is empty."""
    closed = os.path.join(folder, "closed")
    os.mkdir(closed, 0o755)
    for place in [folder] + [closed] * (os.geteuid() == 0):
        path = os.path.join(place, "pid")
        with start(folder, "-P", path) as (server, control):
            heir = take_over(server.process, control, "-P", path)
            check.equal(read(path), "%d\n" % heir.process.pid, "the successor")
            check.equal(heir.log.count("-P:"), 0, "nothing is said of it")
            other = os.path.join(folder, "other")
            second = take_over(heir.process, control, "-P", other)
            check.equal(read(other), "%d\n" % second.process.pid, "another file")
            check("the old one is gone, or empty", not os.path.exists(path) or read(path) == "")
            third = take_over(second.process, control)
            check("none is wanted any more", not os.path.exists(other))
            check.equal(third.stop(), 0, "the end")


def main():
    end_on_sigterm()
    for test in (test_chain, test_refused, test_fakes, test_few_descriptors, test_no_descriptor, test_file_and_manager, test_detached,
                 test_passwords, test_listeners, test_not_now, test_statistics, test_few_buffers, test_quiet,
                 test_activated, test_killed, test_no_socket, test_pid_file):
        with tempfile.TemporaryDirectory(prefix="lombard-takeover-") as folder:
            os.chmod(folder, 0o777)
            test(folder)
    check.done()


main()
