#!/usr/bin/python3
"""-Y as a process: files that are refused, read again, and never shown.

    test_auth.py DAEMON
"""
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "helpers"))

from checks import Checks
from client import ask, connect, stats
from server import Server, ServerFailed, end_on_sigterm

DAEMON = os.path.abspath(sys.argv[1])
USER = ["-u", "nobody"] if os.geteuid() == 0 else []
PATIENCE_S = 30
STORED = b"STORED\r\n"
DENIED = b"CLIENT_ERROR unauthenticated\r\n"
FAILED = b"CLIENT_ERROR authentication failure\r\n"
SECRET = "Sesame-open-7"
check = Checks()


def login(user, password):
    token = ("%s %s" % (user, password)).encode()
    return b"set auth 0 0 %d\r\n%s\r\n" % (len(token), token)


def write(path, text, mode=0o640):
    """As an editor does: in place of the old one, at once."""
    with open(path + ".new", "w", encoding="latin-1", newline="") as file:
        file.write(text)
    os.chmod(path + ".new", mode)
    if USER:
        shutil.chown(path + ".new", "nobody")
    os.rename(path + ".new", path)


def log_of(server):
    with open(server.log_path, encoding="latin-1") as file:
        return file.read()


def wait_for(server, words, count=1):
    end = time.monotonic() + PATIENCE_S
    while log_of(server).count(words) < count and time.monotonic() < end:
        time.sleep(0.01)
    check("the log says: " + words, log_of(server).count(words) >= count)


def start(*words):
    """(status, standard error) of one that ends by itself."""
    done = subprocess.run([DAEMON, "-l", "127.0.0.1", "-p", "-1"] + USER + list(words),
                          stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                          stderr=subprocess.PIPE, timeout=PATIENCE_S, check=False)
    return done.returncode, done.stderr.decode("latin-1")


def bad_files(directory):
    path = os.path.join(directory, "bad")
    for text, why in (("", "it has no line 'user:password'"),
                      ("\n\n", "it has no line 'user:password'"),
                      ("a:b\n" + SECRET + "\n", "line 2 is malformed: 'user:password' is due"),
                      ("a:b\n" * 9, "it has more than 8 entries"),
                      ("a:" + SECRET * 30 + "\n", "line 1 has more than 254 bytes"),
                      ("\n" * 5000, "it has more than 4096 bytes")):
        write(path, text)
        status, said = start("-Y", path)
        check.equal((status, "-Y %s: %s\n" % (path, why) in said, SECRET in said),
                    (71, True, False), why)
    for name, why in ((os.path.join(directory, "none"), "No such file or directory"),
                      (directory, "it is no regular file, and can be read once"),
                      ("/dev/null", "it is no regular file, and can be read once"),
                      (directory + "/" + "x" * 300, "File name too long")):
        status, said = start("-Y", name)
        check.equal((status, why in said), (71, True), name[:60])
    ports = os.path.join(directory, "ports")
    os.environ["MEMCACHED_PORT_FILENAME"] = ports
    status, _ = start("-Y", os.path.join(directory, "none"), "-P", os.path.join(directory, "pid"))
    check.equal(os.path.exists(ports) or os.path.exists(os.path.join(directory, "pid")), False,
                "a start that fails leaves no file")
    del os.environ["MEMCACHED_PORT_FILENAME"]
    pipe = os.path.join(directory, "pipe")
    os.mkfifo(pipe)
    check.equal(start("-Y", pipe)[0], 71, "nobody waits for a pipe")


def read_again(directory):
    path = os.path.join(directory, "users")
    write(path, "foo:" + SECRET + "\r\nbaz:quux quux")
    with Server([DAEMON, "-vv", "-Y", path]) as server:
        old = connect(server)
        check.equal(ask(old, b"get a\r\n"), DENIED, "before")
        check.equal(ask(old, login("foo", SECRET + "x")), FAILED, "a wrong one")
        check.equal(ask(old, login("foo", SECRET)), STORED, "the right one")
        check.equal(ask(connect(server), login("baz", "quux quux")), STORED, "the last one")
        # A bad file, and none at all, change nothing.
        write(path, "new:rabbit\n" + SECRET + "\n")
        server.process.send_signal(signal.SIGHUP)
        wait_for(server, "line 2 is malformed: 'user:password' is due. The passwords stay")
        check.equal(ask(connect(server), login("foo", SECRET)), STORED, "the old one stays")
        check.equal(ask(connect(server), login("new", "rabbit")), FAILED, "the new one is none")
        os.unlink(path)
        server.process.send_signal(signal.SIGHUP)
        wait_for(server, "No such file or directory. The passwords stay as they were")
        check.equal(ask(connect(server), login("foo", SECRET)), STORED, "likewise")
        # A good one does, for those who come.
        write(path, "new:rabbit\n")
        server.process.send_signal(signal.SIGHUP)
        wait_for(server, path + ": read again")
        check.equal(ask(connect(server), login("foo", SECRET)), FAILED, "the old one is none now")
        check.equal(ask(connect(server), login("new", "rabbit")), STORED, "the new one is one")
        check.equal(ask(old, b"get auth\r\n", b"END\r\n"), b"END\r\n", "who was in stays")
        shown = stats(old)
        check.equal((shown["auth_cmds"], shown["auth_errors"]), ("8", "3"), "they are counted")
        settings = ask(old, b"stats settings\r\n", b"END\r\n").decode()
        check("the file is shown", "auth_enabled_ascii %s\r\n" % path in settings)
        check("what is in it is not", SECRET not in settings and "rabbit" not in settings)
        nothing_is_logged(server, old)
        server.check_end(check)


def nothing_is_logged(server, s):
    """Also where a client counts wrongly, or says it as something else."""
    lost = connect(server)
    token = ("foo " + SECRET).encode()
    for text in (b"set auth 0 0 x\r\n" + token + b"\r\n", b"auth " + token + b"\r\n",
                 b"set auth 0 0 3\r\n" + token + b"\r\n"):
        lost.sendall(text)
    time.sleep(0.05)
    ask(s, b"version\r\n")
    log = log_of(server)
    check("no password is in the log", SECRET not in log and "rabbit" not in log)
    check("who failed is", "tcp:127.0.0.1:" in log and "event=refused reason=authentication" in log)
    check("of what was denied its length is", "not authenticated: a command of 7 bytes" in log)


def where_it_is(directory):
    """A path that begins in the directory where the server was started; and one that is told."""
    path = os.path.join(directory, "users")
    write(path, "foo:bar\n", 0o644)
    here = os.getcwd()
    os.chdir(directory)
    try:
        with Server([DAEMON, "--auth-file=users", "-S"]) as server:
            check("a file that all can read is complained of",
                  "every user of this host can read" in log_of(server))
            check.equal(ask(connect(server), login("foo", "bar")), STORED, "a relative path")
            address = "127.0.0.1:%d" % server.port
            for words, want in ((["--ping", address], 0), (["-Y", path, "--ping", address], 0),
                                (["--stats", address], 1), (["-Y", path, "--stats", address], 0),
                                (["-Y", "/dev/null", "--stats", address], 1)):
                done = subprocess.run([DAEMON] + words, stdout=subprocess.PIPE,
                                      stderr=subprocess.STDOUT, check=False)
                check.equal(done.returncode, want, " ".join(words))
                check("no password is printed", b"bar" not in done.stdout.replace(b"lombard", b""))
            server.check_end(check)
    finally:
        os.chdir(here)


def only_root_can_read(directory):
    path = os.path.join(directory, "of-root")
    with open(path, "w", encoding="ascii") as file:
        file.write("foo:bar\n")
    os.chmod(path, 0o600)
    with Server([DAEMON, "-Y", path]) as server:
        check("it is said", "SIGHUP will change nothing" in log_of(server))
        check.equal(ask(connect(server), login("foo", "bar")), STORED, "it is read")
        server.process.send_signal(signal.SIGHUP)
        wait_for(server, "Permission denied. The passwords stay as they were")
        check.equal(ask(connect(server), login("foo", "bar")), STORED, "and stays")
        server.check_end(check)


def time_limit(directory):
    path = os.path.join(directory, "users")
    write(path, "foo:bar\n")
    with Server([DAEMON, "-Y", path, "--auth-timeout", "3"]) as server:
        known = connect(server)
        ask(known, login("foo", "bar"))
        unknown = connect(server)
        check.equal(unknown.recv(1), b"", "it is closed")
        check.equal(stats(known)["conn_closed_auth_timeout"], "1", "and counted")
        check("and logged", "event=closed reason=auth_timeout" in log_of(server))
        server.check_end(check)


def main():
    end_on_sigterm()
    directory = tempfile.mkdtemp(prefix="lombard-auth-")
    os.chmod(directory, 0o777)
    try:
        bad_files(directory)
        read_again(directory)
        where_it_is(directory)
        if USER:
            only_root_can_read(directory)
        time_limit(directory)
    except (ServerFailed, EOFError, OSError) as failure:
        check(str(failure), False)
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    check.done()


main()
