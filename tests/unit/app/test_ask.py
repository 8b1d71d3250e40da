#!/usr/bin/python3
"""--ping and --stats: questions to servers that answer, refuse, are silent, or are none.

    test_ask.py DAEMON
"""
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "helpers"))

from checks import Checks
from server import Server, end_on_sigterm

DAEMON = os.path.abspath(sys.argv[1])
ANSWERED, FAILED, USAGE = 0, 1, 64
PATIENCE_S = 5  # what a server has for its answer
check = Checks()


def ask(*words):
    """(status, standard output, standard error)"""
    done = subprocess.run([DAEMON] + [str(w) for w in words], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def answers(server, path):
    address = "127.0.0.1:%d" % server.port
    for words in (["--ping", address], ["--ping", "-p", server.port], ["--ping", path],
                  ["-s", path, "--ping"]):
        check.equal(ask(*words), (ANSWERED, "VERSION 1.6.45\n", ""), str(words))
    status, text, _ = ask("--stats", address)
    names = [line.split()[0] for line in text.splitlines()]
    check.equal((status, names[0], "curr_connections" in names), (ANSWERED, "pid", True), "--stats")
    check("no line has more than its name and value", "STAT" not in text and "\r" not in text
          and "END" not in text)
    status, text, _ = ask("--stats", "settings", address)
    check.equal((status, "maxbytes 67108864\n" in text), (ANSWERED, True), "a group")
    check.equal(ask("--stats", "settings", path), (status, text, ""), "by its unix socket")
    check.equal(ask("--stats", "reset", address), (ANSWERED, "RESET\n", ""), "reset")
    check.equal(ask("--stats", "absent", address),
                (FAILED, "", "lombard: %s: ERROR\n" % address), "a group that does not exist")


def is_none():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = "127.0.0.1:%d" % free.getsockname()[1]
    check.equal(ask("--ping", address), (FAILED, "", "lombard: %s: Connection refused\n" % address),
                "no server")
    check.equal(ask("--ping", "/nonexistent/socket")[0], FAILED, "no socket")
    check.equal(ask("--ping", "/" + "x" * 200)[0], FAILED, "a path that is too long")
    check.equal(ask("--ping", "127.0.0.1:x"),
                (FAILED, "", "lombard: 127.0.0.1:x: malformed address: host, host:port, [v6]:port, or the path of a socket\n"),
                "no address")


def other(answer, want, question="--ping", drips=False):
    """What is no cache, and says ANSWER; None: nothing, without closing; DRIPS: again and again,
    with that many seconds between (True: none)."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()

        def serve():
            s, _ = listening.accept()
            s.recv(4096)
            try:
                while drips:
                    s.sendall(answer)
                    time.sleep(0 if drips is True else drips)
            except OSError:
                pass  # the client has given up
            if drips:
                s.close()
            elif answer is not None:
                s.sendall(answer)
                s.close()
            else:
                s.recv(4096)  # until the client gives up
                s.close()

        thread = threading.Thread(target=serve)
        thread.start()
        status, shown, text = ask(question, "127.0.0.1:%d" % listening.getsockname()[1])
        check.equal((status, want in text), (FAILED, True), "%r: %s" % (answer, text))
        check("no control character is shown", all(c.isprintable() or c == "\n" for c in shown + text))
        thread.join()


def is_read_slowly():
    """Whoever reads what is printed may take longer than the server may: nothing is lost."""
    lines = b"STAT a b\r\n" * 20000
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        address = "127.0.0.1:%d" % listening.getsockname()[1]
        with subprocess.Popen([DAEMON, "--stats", address], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE) as asking:
            s, _ = listening.accept()
            with s:
                s.recv(4096)
                s.sendall(lines + b"END\r\n")
                s.shutdown(socket.SHUT_WR)
                time.sleep(PATIENCE_S + 1)
            shown, text = asking.communicate()
    check.equal((asking.returncode, len(shown), text), (ANSWERED, len(b"a b\n") * 20000, b""),
                "a slow reader")


def are_at_the_same_time(*runs):
    threads = [threading.Thread(target=run) for run in runs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def is_asked_wrongly():
    for words in (["--ping", "a:1", "b:2"], ["--stats", "a", "b:1", "c"], ["--stats", "a\r\nb"],
                  ["--ping=x"]):
        check.equal(ask(*words)[0], USAGE, str(words))


def main():
    end_on_sigterm()
    with tempfile.TemporaryDirectory() as directory:
        os.chmod(directory, 0o777)
        path = os.path.join(directory, "socket")
        with Server([DAEMON, "-s", path, "-a", "0777"]) as server:
            answers(server, path)
            server.check_end(check)
    is_none()
    other(b"ERROR Too many open connections\r\n", "ERROR Too many open connections")
    other(b"", "the connection was closed")
    other(b"x" * 65536, "connection was closed", drips=True)
    are_at_the_same_time(
        lambda: other(None, "no whole answer"),
        lambda: other(b"STAT a b\r\n", "no whole answer", question="--stats", drips=0.01),
        lambda: other(b"STAT a b", "no whole answer", question="--stats", drips=1), is_read_slowly)
    for answer in (b"END\r\n", b"STAT x y\r\nEND\r\n", b"VERSION \r\n", b"HTTP/1.1 400 Bad\r\n"):
        other(answer, "not memcached's protocol")
    other(b"VERSION 1.6.45\r\n", "not memcached's protocol", question="--stats")
    other(b"VERSION 1.6", "the connection was closed")
    other(b"STAT \x1b[2Jx \x07y\r\n", "the connection was closed", question="--stats")
    is_asked_wrongly()
    check.done()


main()
