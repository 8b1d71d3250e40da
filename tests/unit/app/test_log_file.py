#!/usr/bin/python3
"""--log-file: appended to, opened again at SIGHUP, full, and out of reach.

    test_log_file.py DAEMON
"""
import contextlib
import os
import pwd
import resource
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "helpers"))

from checks import Checks
from client import ask, dial, stats

PATIENCE_S = 60
EX_OSERR = 71
DAEMON = os.path.abspath(sys.argv[1])
AS_ROOT = os.geteuid() == 0
USER = ["-u", "nobody"] if AS_ROOT else []
LOGROTATE = os.path.join(HERE, "..", "..", "..", "tools", "dist", "lombard.logrotate")
check = Checks()


def wait_for(condition):
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        found = condition()
        if found:
            return found
        time.sleep(0.02)
    return None


def read(path):
    with contextlib.suppress(OSError):
        with open(path, encoding="utf-8", errors="replace") as f:
            return f.read()
    return ""


class Running:
    """A context manager. How it ended is checked; `errors` is what it said on standard error."""

    def __init__(self, directory, *args, **how):
        self.ports = os.path.join(directory, "ports")
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.ports)
        self.errors = None
        self.process = subprocess.Popen(
            [DAEMON, "-l", "127.0.0.1", "-p", "-1"] + USER + list(args),
            env=dict(os.environ, MEMCACHED_PORT_FILENAME=self.ports), stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, **how)

    def __enter__(self):
        text = wait_for(lambda: read(self.ports) or self.process.poll() is not None and "none")
        self.port = int(text.split("TCP INET: ")[1])
        return self

    def hup(self):
        self.process.send_signal(signal.SIGHUP)

    def __exit__(self, *exc):
        self.process.send_signal(signal.SIGTERM)
        self.errors = self.process.communicate(timeout=PATIENCE_S)[1].decode()
        check.equal(self.process.returncode, 0, "it ends well")


def fails(*args):
    """(status, standard error) of a start that must fail."""
    done = subprocess.run([DAEMON, "-l", "127.0.0.1", "-p", "-1"] + USER + list(args), check=False,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, timeout=PATIENCE_S)
    return done.returncode, done.stderr.decode()


def appends(directory, *args):
    path = os.path.join(directory, "log")
    with open(path, "w", encoding="ascii") as f:
        f.write("before\n")
    os.chmod(path, 0o666)
    with Running(directory, "--log-file=" + path, *args) as r:
        check("it says that it is ready", wait_for(lambda: " ready: " in read(path)))
    check("what was there stays", read(path).startswith("before\n20"))
    check("it says that it leaves", "Terminated" in read(path))
    check.equal(r.errors, "", "standard error has nothing")
    os.unlink(path)


def is_opened_again(directory, *args):
    path = os.path.join(directory, "log")
    with Running(directory, "--log-file=" + path, *args) as r:
        wait_for(lambda: " ready: " in read(path))
        check.equal(stat.S_IMODE(os.stat(path).st_mode), 0o640, "its mode")
        os.rename(path, path + ".1")
        check("it stays until then", not os.path.exists(path))
        r.hup()
        check("a new one is made", wait_for(lambda: "SIGHUP\n" in read(path)))
        check("with what comes then alone", " ready: " not in read(path))
        os.truncate(path, 0)  # as logrotate's copytruncate does
        r.hup()
        check("a truncated one begins anew",
              wait_for(lambda: read(path).endswith("SIGHUP\n") and read(path).startswith("20")))
        with dial(r.port) as s:
            check.equal(stats(s)["log_dropped"], "0", "nothing is lost")
            check.equal(stats(s)["sandbox_denied"], "0", "nothing is refused")
    for name in (path, path + ".1"):
        os.unlink(name)


def may_be_full(directory):
    """The server serves, and counts what could not be written."""
    with Running(directory, "--log-file=/dev/full") as r:
        with dial(r.port) as s:
            check("lines are dropped", wait_for(lambda: int(stats(s)["log_dropped"]) >= 3))
            check.equal(ask(s, b"set a 0 0 1\r\nx\r\n"), b"STORED\r\n", "it serves")


    check.equal(r.errors, "lombard: the log cannot be written: No space left on device. Its lines "
                "are counted in log_dropped\n", "standard error is told, once")


def may_reach_a_limit(directory):
    """Of the size of files; what is written when there is room again says how many lines are missing."""
    path = os.path.join(directory, "log")
    limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))
    with Running(directory, "-v", "--log-file=" + path, preexec_fn=limit) as r:
        wait_for(lambda: " ready: " in read(path))
        for _ in range(40):
            dial(r.port).close()
        with dial(r.port) as s:
            check("lines are dropped", wait_for(lambda: int(stats(s)["log_dropped"]) >= 3))
            os.rename(path, path + ".1")
            r.hup()
            check("the next file says so", wait_for(lambda: "log lines were dropped" in read(path)))
    check("the first one is full", os.path.getsize(path + ".1") == 2000)
    check.equal(r.errors, "lombard: the log cannot be written: File too large. Its lines "
                "are counted in log_dropped\n", "standard error is told, once")
    for name in (path, path + ".1"):
        os.unlink(name)


def may_be_gone(directory):
    """What cannot be opened again leaves the log where it is, which says so."""
    inner = os.path.join(directory, "inner")
    os.mkdir(inner)
    os.chmod(inner, 0o777)
    path = os.path.join(inner, "log")
    with Running(directory, "--log-file=" + path) as r:
        wait_for(lambda: " ready: " in read(path))
        os.rename(path, os.path.join(directory, "old"))
        os.rmdir(inner)
        r.hup()
        check("the old one says why", wait_for(
            lambda: "could not open %s again: No such file" % path
            in read(os.path.join(directory, "old"))))
        r.hup()
        check("and goes on", wait_for(
            lambda: read(os.path.join(directory, "old")).count("SIGHUP") == 2))
    check("and standard error hears of it, where an operator looks",
          "lombard: --log-file: could not open %s again: No such file" % path in r.errors)
    os.unlink(os.path.join(directory, "old"))


def must_be_reached(directory):
    path = os.path.join(directory, "none", "log")
    status, said = fails("--log-file=" + path)
    check.equal(status, EX_OSERR, "a directory that is missing")
    check("is named: %s" % said, "could not open %s: No such file" % path in said)
    status, said = fails("--log-file=" + directory)
    check("a directory is no file: %s" % said, status == EX_OSERR and "Is a directory" in said)


def is_made_by_root(directory):
    """In a directory that is not the user's root makes the file, for the user."""
    inner = os.path.join(directory, "roots")
    os.mkdir(inner, 0o755)
    path = os.path.join(inner, "log")
    with Running(directory, "--log-file=" + path):
        wait_for(lambda: " ready: " in read(path))
        check.equal(os.stat(path).st_uid, pwd.getpwnam("nobody").pw_uid, "the file is the user's")
    with Running(directory, "--log-file=" + path):
        check("the next server appends to it", wait_for(lambda: read(path).count(" ready: ") == 2))
    os.chown(path, 0, 0)
    status, said = fails("--log-file=" + path)
    check("root's own is not written to: %s" % said,
          status == EX_OSERR and "Permission denied" in said)
    os.unlink(path)
    target = os.path.join(inner, "target")
    os.symlink(target, path)
    status, said = fails("--log-file=" + path)
    check("no link is followed for root: %s" % said, status == EX_OSERR)
    check("what it names is not made", not os.path.exists(target))
    shutil.rmtree(inner)


def of_a_daemon(directory):
    """-d: a path from the directory that is left; info lines are written, since there is a log."""
    pid_path = os.path.join(directory, "pid")
    done = subprocess.run([DAEMON, "-l", "127.0.0.1", "-p", "-1", "-d", "-P", pid_path,
                           "--log-file=log"] + USER, cwd=directory, check=False,
                          stderr=subprocess.PIPE, timeout=PATIENCE_S)
    check.equal((done.returncode, done.stderr), (0, b""), "-d")
    path = os.path.join(directory, "log")
    check("it is ready", " ready: " in read(path))
    os.rename(path, path + ".1")
    pid = int(read(pid_path))
    os.kill(pid, signal.SIGHUP)
    check("a daemon's is opened again, too", wait_for(lambda: "SIGHUP" in read(path)))
    os.kill(pid, signal.SIGTERM)
    check("it leaves", wait_for(lambda: "Terminated" in read(path) and not read(pid_path)))


def rotated(directory):
    """By logrotate itself, with our file, but for its paths and who is told."""
    if shutil.which("logrotate") is None:
        return
    logs = os.path.join(directory, "logs")
    os.mkdir(logs)
    path = os.path.join(logs, "a.log")
    if AS_ROOT:
        os.chown(logs, pwd.getpwnam("nobody").pw_uid, -1)
    with Running(directory, "--log-file=" + path) as r:
        wait_for(lambda: " ready: " in read(path))
        text = read(LOGROTATE).replace("/var/log/lombard", logs).replace(
            "su lombard lombard", "su nobody nogroup" if AS_ROOT else "")
        lines = ["kill -HUP %d" % r.process.pid if "systemctl" in line else line
                 for line in text.splitlines()]
        config = os.path.join(directory, "rotate.conf")
        with open(config, "w", encoding="ascii") as f:
            f.write("\n".join(lines) + "\n")
        os.chmod(config, 0o644)
        done = subprocess.run(["logrotate", "-f", "-s", os.path.join(directory, "state"), config],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        check("logrotate: %s" % done.stdout.decode(), done.returncode == 0)
        check("the new file is written to", wait_for(lambda: "SIGHUP" in read(path)))
        check("the old one stays", " ready: " in read(path + ".1"))


def main():
    with tempfile.TemporaryDirectory() as directory:
        os.chmod(directory, 0o777)
        for args in ((), ("--sandbox=off",)):
            appends(directory, *args)
            is_opened_again(directory, *args)
        may_be_full(directory)
        may_reach_a_limit(directory)
        may_be_gone(directory)
        must_be_reached(directory)
        if AS_ROOT:
            is_made_by_root(directory)
        of_a_daemon(directory)
        rotated(directory)
    check.done()


main()
