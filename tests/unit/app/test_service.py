#!/usr/bin/python3
"""The daemon as a service manager starts it: what it is told, and what it is given.

    test_service.py DAEMON
"""
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "helpers"))

from checks import Checks

PATIENCE_S = 60
DAEMON = os.path.abspath(sys.argv[1])
USER = ["-u", "nobody"] if os.geteuid() == 0 else []
check = Checks()


class Manager:
    """A socket for sd_notify: of a path, or abstract."""

    def __init__(self, name):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.settimeout(PATIENCE_S)
        self.socket.bind(name.replace("@", "\0"))
        if name[0] != "@":
            os.chmod(name, 0o777)  # as systemd's: the server is another user by then
        self.name = name
        self.got = []

    def wait_for(self, line):
        """Whether a datagram with LINE comes, and which ones came before."""
        try:
            while line not in self.got:
                self.got += self.socket.recv(4096).decode().splitlines()
        except socket.timeout:
            return False
        return True

    def close(self):
        self.socket.close()


def start(*args, **how):
    how.setdefault("stderr", subprocess.PIPE)
    return subprocess.Popen([DAEMON, "-l", "127.0.0.1"] + USER + list(args),
                            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, **how)


def end(process):
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    _, log = process.communicate(timeout=PATIENCE_S)
    check.equal(process.returncode, 0, "it ends well")
    return (log or b"").decode()


def tells(name):
    """READY, signs of life, STOPPING, in this order."""
    manager = Manager(name)
    env = dict(os.environ, NOTIFY_SOCKET=name, WATCHDOG_USEC="200000")
    process = start("-p", "-1", env=env)
    check("it says that it is ready", manager.wait_for("READY=1"))
    check("and who it is", "MAINPID=%d" % process.pid in manager.got)
    check("it says how it is", manager.wait_for("STATUS=0 connections, 0 items"))
    check("it gives signs of life", manager.wait_for("WATCHDOG=1"))
    manager.got.clear()
    check("again and again", manager.wait_for("WATCHDOG=1"))
    process.send_signal(signal.SIGTERM)
    check("it says that it stops", manager.wait_for("STOPPING=1"))
    end(process)
    manager.close()


def tells_of_a_reload(name):
    """RELOADING with the time of it, and READY when it is over, even where there is nothing to do."""
    manager = Manager(name)
    process = start("-p", "-1", env=dict(os.environ, NOTIFY_SOCKET=name))
    check("ready", manager.wait_for("READY=1"))
    manager.got.clear()
    before = time.monotonic_ns() // 1000
    process.send_signal(signal.SIGHUP)
    check("it says that it reloads", manager.wait_for("RELOADING=1"))
    times = [int(line[15:]) for line in manager.got if line.startswith("MONOTONIC_USEC=")]
    check("and when: %s" % times,
          len(times) == 1 and before <= times[0] <= time.monotonic_ns() // 1000)
    check("that comes first", "READY=1" not in manager.got)
    check("and that it is ready again", manager.wait_for("READY=1"))
    end(process)
    manager.close()


def tells_of_a_daemon(name):
    """-d: the main process is the child."""
    manager = Manager(name)
    with subprocess.Popen([DAEMON, "-d", "-l", "127.0.0.1", "-p", "-1"] + USER,
                          env=dict(os.environ, NOTIFY_SOCKET=name)) as process:
        check.equal(process.wait(PATIENCE_S), 0, "-d returns")
    check("a daemon says that it is ready", manager.wait_for("READY=1"))
    pid = int([line for line in manager.got if line.startswith("MAINPID=")][0][8:])
    check("and that it is another process", pid != process.pid)
    os.kill(pid, signal.SIGTERM)
    check("and that it stops", manager.wait_for("STOPPING=1"))
    manager.close()


def tells_of_a_clients_shutdown(name):
    manager = Manager(name)
    with tempfile.NamedTemporaryFile("r") as ports:
        os.chmod(ports.name, 0o666)
        process = start("-p", "-1", "-A", "--drain-time=600", env=dict(
            os.environ, NOTIFY_SOCKET=name, MEMCACHED_PORT_FILENAME=ports.name))
        check("ready", manager.wait_for("READY=1"))
        with open(ports.name, encoding="ascii") as f:
            address = ("127.0.0.1", int(f.read().split("TCP INET: ")[1]))
    with socket.create_connection(address, PATIENCE_S) as slow, \
            socket.create_connection(address, PATIENCE_S) as operator:
        slow.sendall(b"set a 0 0 900000\r\n%s\r\n" % (b"x" * 900000))
        check.equal(slow.recv(4096), b"STORED\r\n", "stored")
        slow.sendall(b"get a\r\n" * 100)
        slow.recv(1)  # and no more: its replies are waited for
        operator.sendall(b"shutdown\r\n")
        check("a client's shutdown is told, too", manager.wait_for("STOPPING=1"))
        check("when it begins", process.poll() is None)
    end(process)
    manager.close()


def does_not_say_ready_too_early(name):
    """A start that fails says nothing."""
    manager = Manager(name)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        process = start("-p", str(taken.getsockname()[1]),
                        env=dict(os.environ, NOTIFY_SOCKET=name))
        process.communicate(timeout=PATIENCE_S)
    check.equal(process.returncode, 71, "it cannot start")
    manager.socket.setblocking(False)
    try:
        check.equal(manager.socket.recv(4096), b"", "nothing is said")
    except BlockingIOError:
        pass
    manager.close()


def logs_for_a_journal():
    ours, theirs = socket.socketpair()
    stat = os.fstat(theirs.fileno())
    env = dict(os.environ, JOURNAL_STREAM="%d:%d" % (stat.st_dev, stat.st_ino))
    process = start("-p", "-1", "-f", "2", env=env, stderr=theirs)
    theirs.close()
    ours.settimeout(PATIENCE_S)
    log = b""
    while b" ready: " not in log:
        log += ours.recv(4096)
    end(process)
    lines = log.decode().splitlines()
    check("a journal gets priorities: %s" % lines, all(line.startswith("<6>") for line in lines))
    check("and no times", not any(line.startswith("<6>20") for line in lines))
    ours.close()


# --- Sockets that are handed over ---

# Descriptors to 3, 4, ..., and then the program, as the same process.
HAND_OVER = """
import fcntl, os, sys
count = int(sys.argv[1])
high = [fcntl.fcntl(int(fd), fcntl.F_DUPFD, 50) for fd in sys.argv[2:2 + count]]
for i, fd in enumerate(high):
    os.dup2(fd, 3 + i)
    os.close(fd)
os.environ.setdefault("LISTEN_PID", str(os.getpid()))
os.execv(sys.argv[2 + count], sys.argv[2 + count:])
"""


def start_with(files, *args, **env):
    numbers = [f.fileno() for f in files]
    return subprocess.Popen(
        [sys.executable, "-c", HAND_OVER, str(len(files))] + [str(n) for n in numbers]
        + [DAEMON] + USER + list(args), pass_fds=numbers,
        env=dict(dict(os.environ, LISTEN_FDS=str(len(files))), **env),
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def listening_tcp():
    s = socket.socket()
    s.bind(("127.0.0.1", 0))
    s.listen()
    return s


def listening_unix(path):
    s = socket.socket(socket.AF_UNIX)
    s.bind(path)
    s.listen()
    os.chmod(path, 0o777)
    return s


def answers(address):
    """Whether a server accepts there, however long it takes."""
    with socket.socket(socket.AF_UNIX if isinstance(address, str) else socket.AF_INET) as s:
        s.settimeout(PATIENCE_S)
        s.connect(address)
        s.sendall(b"version\r\n")
        return s.recv(4096) == b"VERSION 1.6.45\r\n"


def takes_sockets(directory):
    path = os.path.join(directory, "given")
    with listening_tcp() as tcp, listening_unix(path) as unix, listening_tcp() as taken:
        # The options name a port that another server has: they are not looked at.
        port = str(taken.getsockname()[1])
        for _ in range(2):  # the second server takes what the first has left
            process = start_with([tcp, unix], "-l", "127.0.0.1", "-p", port,
                                 "-s", os.path.join(directory, "own"))
            check("it serves the given port", answers(tcp.getsockname()))
            check("and the given socket", answers(path))
            log = end(process)
            check("it warns of -l and -s: %s" % log, "-l and -s are not looked at" in log)
            check("it names them: %s" % log, "TCP 127.0.0.1:%d\n" % tcp.getsockname()[1] in log
                  and "listening on %s\n" % path in log)
            check("and opens no other", not os.path.exists(os.path.join(directory, "own")))
        check("what was given is not removed", os.path.exists(path))


def keeps_clients_waiting():
    """While no server runs, the kernel holds them."""
    with listening_tcp() as tcp, socket.create_connection(tcp.getsockname(), PATIENCE_S) as s:
        s.sendall(b"version\r\n")
        process = start_with([tcp])
        check.equal(s.recv(4096), b"VERSION 1.6.45\r\n", "a client that came before the server")
        end(process)


def takes_sockets_as_a_daemon(directory):
    pid_file = os.path.join(directory, "pid")
    with listening_tcp() as tcp:
        process = start_with([tcp], "-d", "-P", pid_file)
        check.equal(process.wait(PATIENCE_S), 0, "-d with given sockets")
        process.stderr.close()
        check("a daemon serves what it was given", answers(tcp.getsockname()))
        with open(pid_file, encoding="ascii") as f:
            os.kill(int(f.read()), signal.SIGTERM)


def takes_only_its_own(directory):
    path = os.path.join(directory, "not_given")
    with listening_unix(path) as unix:
        process = start_with([unix], "-s", os.path.join(directory, "own"), LISTEN_PID="1")
        check("sockets for another process are left alone", wait_until(
            lambda: os.path.exists(os.path.join(directory, "own"))))
        end(process)


def wait_until(condition):
    end_s = time.monotonic() + PATIENCE_S
    while time.monotonic() < end_s and not condition():
        time.sleep(0.01)
    return condition()


def refuses_what_is_none():
    bound = socket.socket()
    bound.bind(("127.0.0.1", 0))  # but does not listen
    with bound, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams, \
            tempfile.TemporaryFile() as file, listening_tcp() as good:
        for bad in (bound, datagrams, file):
            process = start_with([good, bad], LISTEN_FDNAMES="first:the-bad-one")
            _, log = process.communicate(timeout=PATIENCE_S)
            check.equal((process.returncode, b"descriptor 4 (the-bad-one)" in log), (71, True),
                        "refused: %s" % log)
        process = start_with([good, bound])
        _, log = process.communicate(timeout=PATIENCE_S)
        check("without a name: %s" % log, b"descriptor 4 cannot be used" in log)


def refuses_malformed_variables():
    with listening_tcp() as given:
        for name, value in (("LISTEN_FDS", "1x"), ("LISTEN_PID", "me")):
            process = start_with([given], **{name: value})
            _, log = process.communicate(timeout=PATIENCE_S)
            check.equal((process.returncode, b"%s: '%s' is no number" % (
                name.encode(), value.encode()) in log), (71, True), "refused: %s" % log)


def takes_sockets_without_a_port():
    with listening_tcp() as given:
        process = start_with([given], "-p", "0")
        check("it serves with -p 0", answers(given.getsockname()))
        check("and says nothing of -l", "not looked at" not in end(process))


def says_that_a_manager_cannot_be_told(directory):
    for name, said in ((os.path.join(directory, "nobody"), "was not told"), ("x", "is no path")):
        process = start("-p", "-1", env=dict(os.environ, NOTIFY_SOCKET=name))
        log, line = "", "begin"
        while line and not (" ready: " in log and said in log):
            line = process.stderr.readline().decode()
            log += line
        check("NOTIFY_SOCKET=%s: %s" % (name, log), said in log)
        end(process)


def main():
    with tempfile.TemporaryDirectory() as directory:
        os.chmod(directory, 0o755)
        tells(os.path.join(directory, "notify"))
        tells("@lombard-test-%d" % os.getpid())
        tells_of_a_reload(os.path.join(directory, "reload"))
        tells_of_a_reload("@lombard-test-reload-%d" % os.getpid())
        tells_of_a_daemon(os.path.join(directory, "daemon"))
        tells_of_a_clients_shutdown(os.path.join(directory, "shutdown"))
        does_not_say_ready_too_early(os.path.join(directory, "failing"))
        os.chmod(directory, 0o777)
        takes_sockets(directory)
        takes_sockets_as_a_daemon(directory)
        takes_only_its_own(directory)
        says_that_a_manager_cannot_be_told(directory)
    keeps_clients_waiting()
    refuses_what_is_none()
    refuses_malformed_variables()
    takes_sockets_without_a_port()
    logs_for_a_journal()
    check.done()


main()
