#!/usr/bin/python3
"""The daemon as a process: exit statuses, messages, files, signals.

    test_main.py DAEMON
"""
import os
import pwd
import re
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

PATIENCE_S = 60
EX_OK, EX_USAGE, EX_OSERR, EX_IOERR = 0, 64, 71, 74
AS_ROOT = os.geteuid() == 0
DAEMON = os.path.abspath(sys.argv[1])
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
    """One that serves until it is told to end. HOW: for subprocess; before: words before it."""

    def __init__(self, directory, *args, before=(), **how):
        self.ports = os.path.join(directory, "ports")
        if os.path.exists(self.ports):
            os.unlink(self.ports)
        self.log = open(os.path.join(directory, "log"), "w+", encoding="utf-8")
        how.setdefault("stderr", self.log)
        self.process = subprocess.Popen(
            list(before) + [DAEMON, "-l", "127.0.0.1", "-p", "-1"] + USER + list(args),
            env=dict(os.environ, MEMCACHED_PORT_FILENAME=self.ports),
            stdin=subprocess.DEVNULL, stdout=self.log, **how)

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
    status, _, err = run("-l", "no such host", "-p", "-1")
    check.equal((status, "no such host" in err), (EX_OSERR, True), "a bad address")
    status, _, err = run("-s", os.path.join(directory, "none", "socket"))
    check.equal((status, "none/socket" in err), (EX_OSERR, True), "a bad path")
    status, _, err = run("-l", "127.0.0.1", "-p", "-1", "-P", os.path.join(directory, "none", "pid"))
    check.equal((status, "-P" in err), (EX_OSERR, True), "a bad pid file")
    status, _, err = run("-p", "0", "-l", "127.0.0.1")
    check.equal((status, "-p 0 means no TCP" in err), (EX_USAGE, True), "nowhere to listen")
    status, _, err = run("-m", "300000")
    check.equal((status, "'300000' is not 1 to 262144 (megabytes)" in err), (EX_USAGE, True),
                "more than can be indexed")
    if AS_ROOT:
        status, _, err = run("-p", "-1", user=False)
        check.equal((status, "-u" in err), (EX_USAGE, True), "root without -u")
        status, _, err = run("-p", "-1", "-u", "no-such-user", user=False)
        check.equal((status, "no-such-user" in err), (EX_USAGE, True), "a name that no user has")


def answers_that_cannot_be_written(_):
    """An answer that did not arrive is a failure."""
    for option in ("--help", "--version"):
        with open("/dev/full", "w", encoding="ascii") as full:
            done = subprocess.run([DAEMON, option], check=False, stdin=subprocess.DEVNULL,
                                  stdout=full, stderr=subprocess.PIPE, timeout=PATIENCE_S)
        check.equal((done.returncode, b"standard output" in done.stderr), (EX_IOERR, True),
                    "%s, which cannot be written" % option)


def sockets_in_the_way(directory):
    """What is at the path of -s, and what to do about it."""
    file = os.path.join(directory, "a-file")
    with open(file, "w", encoding="ascii") as f:
        f.write("important")
    status, _, err = run("-s", file)
    check.equal((status, "no socket. Remove it" in err, "in use" in err), (EX_OSERR, True, False),
                "-s with the name of a file")
    check.equal(read(file), "important", "which stays as it is")
    status, _, err = run("-s", directory)
    check.equal((status, "is a directory" in err, "in use" in err), (EX_OSERR, True, False),
                "-s with the name of a directory")
    path = os.path.join(directory, "taken")
    with Running(directory, "-s", path) as server:
        status, _, err = run("-s", path)
        check.equal((status, "another server is listening" in err), (EX_OSERR, True),
                    "-s where another server is")
        check.equal(server.said("listening on TCP 127.0.0.1:%d\n" % server.port), True,
                    "the address is said")
        check.equal(server.said("listening on " + path), True, "and so is the path")
        check.equal(server.end(signal.SIGTERM), EX_OK, "TERM")


def documented(_):
    """The user's page knows every option that --help lists, with the same default."""
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../../README.md")
    with open(path, encoding="utf-8") as f:
        rows = [line.split("|") for line in f if line.startswith("| `-")]
    listed = re.findall(r"^  (?:-(\w), |    )--([\w-]+)((?:.*\n(?!  -|      --|\n))*.*)$",
                        run("--help")[1], re.M)
    check.equal(len(listed) > 25, True, "options are listed")
    for letter, name, text in listed:
        if name in ("help", "version", "license"):
            continue
        row = [r for r in rows if re.search("`--%s|`-%s[ ,`]" % (name, letter or "-"), r[1])]
        default = re.search(r"\(default\s+(\w+)", text)
        check.equal(len(row) >= 1, True, "README.md says something of --" + name)
        if row and default:
            check.equal(re.match(r" (\w*)", row[0][3]).group(1), default.group(1),
                        "README.md says the default of --" + name)


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
    with Running(directory) as server:
        check.equal(server.end(signal.SIGUSR1), EX_OK, "USR1")


STALLED_BYTES = 12 * len(b"VALUE k 0 1000000\r\n" + b"x" * 1000000 + b"\r\n") + 5


def read_all(s):
    """How many bytes come until the end."""
    got = 0
    while True:
        try:
            n = len(s.recv(1 << 20))
        except ConnectionResetError:
            n = 0
        got += n
        if n == 0:
            return got


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
        wait_until(lambda: server.said("leaving when replies are sent"))
        server.process.send_signal(signal.SIGUSR1)
        wait_until(lambda: server.said("User defined"))
        check.equal(read_all(s), STALLED_BYTES, "replies leave after TERM, and after USR1, too")
        check.equal(server.process.wait(PATIENCE_S), EX_OK, "and then it ends")


def by_command(directory):
    with Running(directory, "-A") as server:
        ask(server.connect(), b"shutdown\r\n")
        check.equal(server.process.wait(PATIENCE_S), EX_OK, "the command shutdown")
    with Running(directory, "-A", "--drain-time", "3600") as server:
        s = stalled_client(server)
        ask(server.connect(), b"shutdown\r\n")
        server.process.send_signal(signal.SIGTERM)
        wait_until(lambda: server.said("leaving when replies are sent"))
        check.equal(read_all(s), STALLED_BYTES, "TERM after a client's shutdown is the first")
        check.equal(server.process.wait(PATIENCE_S), EX_OK, "and then it ends")
        s.close()


# --- Files ---


def connect_unix(path):
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(PATIENCE_S)
    s.connect(path)
    return s


def read(path):
    with open(path, encoding="ascii") as f:
        return f.read()


def files(directory):
    pid_file = os.path.join(directory, "pid")
    path = os.path.join(directory, "socket")
    with Running(directory, "-P", pid_file, "-s", path, "-a", "0600") as server:
        check.equal(read(pid_file), "%d\n" % server.process.pid, "the pid file")
        with connect_unix(path) as s:
            check.equal(ask(s, b"version\r\n")[:8], b"VERSION ", "served on a unix socket")
        check.equal(os.stat(path).st_mode & 0o777, 0o600, "its mode")
        check.equal(server.end(signal.SIGTERM), EX_OK, "TERM")
        check.equal(os.path.exists(pid_file), False, "the pid file goes")
        check.equal(os.path.exists(path), False, "the socket goes")


def successors(directory):
    """A server that ends leaves what its successor has made under the same names."""
    pid_file = os.path.join(directory, "pid-s")
    path = os.path.join(directory, "socket-s")
    with Running(directory, "-s", path, "-P", pid_file, "--drain-time", "3600") as old:
        stalled = stalled_client(old)
        old.process.send_signal(signal.SIGTERM)
        wait_until(lambda: old.said("leaving when replies are sent"))
        with Running(directory, "-s", path, "-P", pid_file) as new:
            check.equal(read(pid_file), "%d\n" % new.process.pid, "the successor's pid file")
            check.equal(new.said("names a process that is running, %d" % old.process.pid), True,
                        "the successor says whose pid it overwrites")
            check.equal(old.end(signal.SIGTERM), EX_OK, "the old one ends")
            check.equal(read(pid_file), "%d\n" % new.process.pid, "the pid file stays")
            with connect_unix(path) as s:
                check.equal(ask(s, b"version\r\n")[:8], b"VERSION ", "the socket stays")
            check.equal(new.end(signal.SIGTERM), EX_OK, "and the successor ends")
            check.equal(os.path.exists(pid_file) or os.path.exists(path), False, "with its files")
        stalled.close()


def as_user(name, work):
    """The exit status of a child that does WORK as user NAME."""
    user = pwd.getpwnam(name)
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setgid(user.pw_gid)
            os.setuid(user.pw_uid)
            os._exit(0 if work() else 1)
        except BaseException:  # whatever it is, it must not become a second test run
            os._exit(2)
    return os.waitpid(child, 0)[1]


def users(directory):
    """What root makes is for the user of -u."""
    if not AS_ROOT:
        return
    nobody = pwd.getpwnam("nobody")

    def served(path):
        with connect_unix(path) as s:
            return ask(s, b"version\r\n")[:8] == b"VERSION "

    for mode, owner, name in ((0o777, 0, "of all users"), (0o755, nobody.pw_uid, "of the user"),
                              (0o755, 0, "of root")):
        place = tempfile.mkdtemp(dir=directory)
        os.chown(place, owner, owner)
        os.chmod(place, mode)
        pid_file, path = os.path.join(place, "pid"), os.path.join(place, "socket")
        with Running(directory, "-P", pid_file, "-s", path) as server:
            check.equal(os.stat(path).st_uid, nobody.pw_uid, "whose socket, in a folder " + name)
            check.equal(as_user("nobody", lambda p=path: served(p)), 0,
                        "the user is served, in a folder " + name)
            check.equal(read(pid_file), "%d\n" % server.process.pid, "pid, in a folder " + name)
            check.equal(server.end(signal.SIGTERM), EX_OK, "TERM, in a folder " + name)
        if mode == 0o777 or owner != 0:
            check.equal(os.listdir(place), [], "no file stays in a folder " + name)
        else:
            check.equal(read(pid_file), "", "no number stays in a folder " + name)
        shutil.rmtree(place)


def few_capabilities(directory):
    """Root as a unit file leaves it: it may change users and limits, and nothing else."""
    if not AS_ROOT or not shutil.which("setpriv"):
        print("skipped: few_capabilities, which needs root and setpriv")
        return
    place = tempfile.mkdtemp(dir=directory)
    nobody = pwd.getpwnam("nobody")
    os.chown(place, nobody.pw_uid, nobody.pw_gid)
    os.chmod(place, 0o755)
    pid_file = os.path.join(place, "pid")
    few = ["setpriv", "--inh-caps=-all",
           "--bounding-set=-all,+setuid,+setgid,+sys_resource"]
    with Running(directory, "-P", pid_file, before=few) as server:
        check.equal(read(pid_file), "%d\n" % server.process.pid, "pid file by few capabilities")
        check.equal(server.end(signal.SIGTERM), EX_OK, "TERM")
        check.equal(os.path.exists(pid_file), False, "and it goes")
    shutil.rmtree(place)


def ended_early(directory):
    """However early it is told to end, nothing is left of it."""
    place = tempfile.mkdtemp(dir=directory)
    os.chmod(place, 0o777)
    for i in range(16):
        process = subprocess.Popen(
            [DAEMON, "-p", "0", "-s", os.path.join(place, "socket"), "-P",
             os.path.join(place, "pid")] + USER,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(0.002 * i)
        process.terminate()
        status = process.wait(PATIENCE_S)
        check.equal((status in (EX_OK, -signal.SIGTERM), os.listdir(place)), (True, []),
                    "ended after %d ms" % (2 * i))
    os.rmdir(place)


def planted_links(directory):
    victim = os.path.join(directory, "victim")
    pid_file = os.path.join(directory, "pid-l")
    with open(victim, "w", encoding="ascii") as f:
        f.write("precious")
    for name in (pid_file, pid_file + ".tmp"):
        os.symlink(victim, name)
    with Running(directory, "-P", pid_file) as server:
        check.equal(read(pid_file), "%d\n" % server.process.pid, "the pid file")
        check.equal(read(victim), "precious", "no link is written through")
        check.equal(server.end(signal.SIGTERM), EX_OK, "TERM")
    os.unlink(pid_file + ".tmp")


# --- In the background ---


def start_detached(directory, *args, **how):
    """(status, what it said, port or None); port as soon as the caller goes on."""
    ports = os.path.join(directory, "ports-d")
    if os.path.exists(ports):
        os.unlink(ports)
    with tempfile.TemporaryFile() as said:
        how.setdefault("stderr", said)
        done = subprocess.run([DAEMON, "-d", "-l", "127.0.0.1"] + USER + list(args),
                              env=dict(os.environ, MEMCACHED_PORT_FILENAME=ports), check=False,
                              stdout=said, timeout=PATIENCE_S, **how)
        said.seek(0)
        text = said.read().decode()
    port = int(read(ports).split("TCP INET: ")[1]) if os.path.exists(ports) else None
    return done.returncode, text, port


def end_detached(port, pid_file=None):
    """What it answers to `stats`, and whether it ends with its files."""
    with socket.create_connection(("127.0.0.1", port), PATIENCE_S) as s:
        got = ask(s, b"stats\r\n", b"END\r\n").decode()
        os.kill(int(got.split("STAT pid ")[1].split()[0]), signal.SIGTERM)
        check.equal(s.recv(1), b"", "a daemon ends")
    if pid_file:
        check.equal(wait_until(lambda: not os.path.exists(pid_file)), True, "with its pid file")
    return got


def detached(directory):
    pid_file = os.path.join(directory, "pid-d")
    status, said, port = start_detached(directory, "-p", "-1", "-P", pid_file)
    check.equal((status, said), (EX_OK, ""), "the parent of a daemon")
    pid = int(read(pid_file))  # immediately: the caller may rely on it
    check.equal("STAT pid %d\r\n" % pid in end_detached(port, pid_file), True,
                "the daemon serves, and says its pid")


def detached_in_vain(directory):
    """What fails in the daemon is said by its parent."""
    with Running(directory) as server:
        status, said, _ = start_detached(directory, "-p", str(server.port))
        check.equal((status, "Choose a port with -p" in said), (EX_OSERR, True), "-d, port taken")
        server.end(signal.SIGTERM)
    status, said, _ = start_detached(directory, "-p", "-1", "-P",
                                     os.path.join(directory, "none", "pid"))
    check.equal((status, "-P" in said), (EX_OSERR, True), "-d, bad pid file")
    path = os.path.join(directory, "socket-v")
    status, said, _ = start_detached(
        directory, "-p", "0", "-s", path, "-m", "262144",
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30)))
    if status == EX_OSERR:  # a sanitizer cannot even begin there
        check.equal("lower -m" in said, True, "-d, no memory")
    check.equal(status == EX_OK, False, "-d, no memory: its status")
    check.equal(os.path.exists(path), False, "no socket is left")


def standard_of(port):
    """What descriptors 0 to 2 of the server at PORT are; none where that is not permitted."""
    with socket.create_connection(("127.0.0.1", port), PATIENCE_S) as s:
        pid = number(s, "pid")
    try:
        return {fd: os.readlink("/proc/%d/fd/%d" % (pid, fd)) for fd in range(3)}
    except PermissionError:
        return {}


def closed_descriptors(directory):
    """Whatever the caller has closed, what is opened later is not taken for standard error."""
    for closed in ([0], [1], [2], [0, 1], [0, 1, 2]):
        def close_all(fds=tuple(closed)):
            for fd in fds:
                os.close(fd)
        status, _, port = start_detached(directory, "-p", "-1", "-v", preexec_fn=close_all)
        check.equal(status, EX_OK, "-d with %s closed" % closed)
        for fd, what in standard_of(port).items():
            check.equal(what == "/dev/null" or fd not in closed + [0, 1], True,
                        "descriptor %d is %s, with %s closed" % (fd, what, closed))
        check.equal("STAT pid" in end_detached(port), True, "served with %s closed" % closed)


def relative_names(directory):
    place = tempfile.mkdtemp(dir=directory)
    os.chmod(place, 0o777)
    status, _, port = start_detached(directory, "-p", "-1", "-s", "socket", "-P", "pid", cwd=place)
    check.equal(status, EX_OK, "-d with relative names")
    check.equal(sorted(os.listdir(place)), ["pid", "socket"], "are where it was started")
    end_detached(port, os.path.join(place, "pid"))
    check.equal(wait_until(lambda: os.listdir(place) == []), True, "and go")
    os.rmdir(place)


# --- Limits ---


def without_tcp(directory):
    path = os.path.join(directory, "socket-p")
    ports = os.path.join(directory, "ports-p")
    process = subprocess.Popen([DAEMON, "-p", "0", "-l", "127.0.0.1", "-s", path] + USER,
                               env=dict(os.environ, MEMCACHED_PORT_FILENAME=ports),
                               stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_until(lambda: os.path.exists(ports))
    check.equal(read(ports), "", "no TCP port with -p 0")
    with connect_unix(path) as s:
        check.equal(ask(s, b"version\r\n")[:8], b"VERSION ", "but a unix socket")
    process.terminate()
    check.equal(process.wait(PATIENCE_S), EX_OK, "TERM")


def few_descriptors(directory):
    """All connections that are promised can be had at the same time."""
    before = []
    if AS_ROOT:
        if not shutil.which("setpriv"):
            print("skipped: few_descriptors, which needs setpriv when root")
            return
        before = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    with Running(directory, before=["sh", "-c", 'ulimit -n 40; exec "$@"', "sh"] + before) as server:
        with server.connect() as s:
            got = ask(s, b"stats\r\n", b"END\r\n").decode()
        most = int(got.split("STAT max_connections ")[1].split()[0])
        check.equal(1 <= most < 40, True, "max_connections with 40 descriptors")
        clients = [server.connect() for _ in range(most)]
        answers = [ask(s, b"version\r\n")[:8] for s in clients]
        check.equal(answers, [b"VERSION "] * most, "all of them are served")
        got = ask(clients[0], b"stats\r\n", b"END\r\n").decode()
        check.equal("STAT listen_disabled_num 0\r\n" in got, True, "without a shortage")
        for s in clients:
            s.close()
        check.equal(server.end(signal.SIGTERM), EX_OK, "TERM")


def number(s, name):
    return int(ask(s, b"stats\r\n", b"END\r\n").decode().split("STAT %s " % name)[1].split()[0])


def log_that_is_not_read(directory):
    """Lines may be lost, service may not; and the loss is counted and told."""
    reader, writer = os.pipe()
    with Running(directory, "-vv", stderr=writer) as server:
        s = server.connect()
        check.equal(os.get_blocking(writer), True, "the pipe is not ours to change")
        for _ in range(3000):
            if ask(s, b"get " + b"k" * 100 + b"\r\n") != b"END\r\n":
                break
        dropped = number(s, "log_dropped")
        check.equal(dropped > 0, True, "lines were dropped")
        os.set_blocking(reader, False)
        got = b""
        ask(s, b"verbosity 0\r\n")

        def told():
            nonlocal got
            try:
                got += os.read(reader, 1 << 16)
            except BlockingIOError:
                pass
            return b" log lines were dropped" in got
        check.equal(wait_until(told), True, "and it says so, once it can")
        check.equal(server.end(signal.SIGTERM), EX_OK, "TERM")
        os.close(reader)
        os.close(writer)


def verbosity_has_a_limit(directory):
    """No client makes the log say more than the operator has asked for."""
    for options, said in (((), False), (("-v",), False), (("-vv",), True)):
        with Running(directory, *options) as server:
            s = server.connect()
            check.equal(ask(s, b"verbosity 2\r\n"), b"OK\r\n", "verbosity")
            ask(s, b"get mark\r\n")
            check.equal(server.said("get mark"), said, "commands are logged with %s" % (options,))


def shortage_of_descriptors(directory):
    """However long it lasts, it is told in a few lines."""
    ours = ["-u", "root"] if AS_ROOT else []  # so that we may lower its limit
    with Running(directory, "-c", "1000", "--drain-time", "0", *ours) as server:
        limits = resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE)
        s = server.connect()
        ask(s, b"version\r\n")
        resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, (10, limits[1]))
        waiting = [server.connect() for _ in range(20)]
        wait_until(lambda: number(s, "listen_disabled_num") >= 8)
        check.equal(number(s, "events_left_out") >= 3, True, "similar lines are left out")
        resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, limits)
        check.equal(wait_until(lambda: server.said("event=accepting_resumed paused_ms=")), True, "how long it was is said")
        check.equal(server.end(signal.SIGTERM), EX_OK, "TERM")
        server.log.seek(0)
        text = server.log.read()
        check.equal(text.count("event=accepting_paused errno="), 5, "the first ones are written")
        check.equal("event=accepting_paused more=" in text, True, "and how many")
        for w in waiting:
            w.close()


def main():
    tests = (statuses, answers_that_cannot_be_written, sockets_in_the_way, documented, busy_port, signals, draining, by_command, files, successors, users,
             few_capabilities, ended_early, planted_links, detached, detached_in_vain, closed_descriptors,
             relative_names, without_tcp, few_descriptors, log_that_is_not_read,
             verbosity_has_a_limit, shortage_of_descriptors)
    with tempfile.TemporaryDirectory(prefix="lombard-main-") as directory:
        os.chmod(directory, 0o777)
        for test in tests:
            test(directory)
    print("%d passed, %d failed" % (check.passed, check.failed))
    sys.exit(1 if check.failed else 0)


main()
