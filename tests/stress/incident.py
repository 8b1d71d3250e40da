#!/usr/bin/python3
"""An incident, and how an operator ends it: the transcript says which commands were needed.

    incident.py DAEMON [--slow 200] [--idle 1000] [--partial 100]

Among slow readers, idle connections and partial commands there is one hog: it asks for large values
without end and reads them slowly, so that its replies keep the store's memory and buffers run out.
Three commands find what happens and who does it, one ends it, and the log has said all of it.
"""
import argparse
import os
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "helpers"))
from checks import Checks
from client import ask, connect, stats, value, wait_for_stat
from server import Server, end_on_sigterm

VALUE_BYTES = 400000
VALUES = 40

checks = Checks()


class Hog(threading.Thread):
    """Asks for all large values again and again, and reads a little of what it gets."""

    def __init__(self, server):
        super().__init__(daemon=True)
        self.socket = connect(server, 4096)
        ask(self.socket, b"client_name batch-export\r\n")
        self.ended = False

    def run(self):
        gets = b"".join(b"get v%d\r\n" % i for i in range(VALUES))
        self.socket.settimeout(0.01)
        while True:
            try:
                self.socket.send(gets)
            except TimeoutError:
                pass
            except OSError:
                break
            try:
                if not self.socket.recv(65536):
                    break
            except TimeoutError:
                pass
            except OSError:
                break
        self.ended = True


def shown(text):
    """The operator's terminal."""
    print("\n> %s" % text)


def show(answer, most=20):
    lines = answer.decode().rstrip("\r\n").split("\r\n")
    print("\n".join(lines[:most] + (["... %d lines more" % (len(lines) - most)]
                                    if len(lines) > most else [])))


def command(s, text, end=b"END\r\n"):
    shown(text)
    answer = ask(s, text.encode() + b"\r\n", end)
    show(answer)
    return answer.decode()


def crowd(server, args):
    """Those around it: each asks once, and none of them does any harm for long."""
    idle = [connect(server) for _ in range(args.idle)]
    slow, partial = [], []
    for i in range(args.slow):
        s = connect(server, 4096)
        s.sendall(b"get v%d\r\n" % (i % VALUES))
        slow.append(s)
    for i in range(args.partial):
        s = connect(server)
        s.sendall(b"set p%d 0 0 100000\r\n" % i + b"x" * (100 + i))
        partial.append(s)
    return idle, slow, partial


def field(answer, name):
    """Of the first connection that ANSWER shows."""
    for line in answer.split("\r\n"):
        if line.split(" ")[1:2] and line.split(" ")[1].endswith(":" + name):
            return line.split(" ", 2)[2]
    return None


def look(operator, args):
    """Cause: who was closed, and who is waited for, for how long; culprit: who is sent most."""
    events = command(operator, "stats events")
    shed = int(stats(operator)["conn_closed_shed_buffers"])
    checks.that(shed > 0, "buffers ran out")
    checks.equal(events.count("event=closed reason=shed_buffers id="), shed, "each that was closed for it is named")
    stalled = command(operator, "stats conns top stalled 1")
    checks.equal(field(stalled, "state"), "blocked_sending", "that clients do not read can be seen")
    most = command(operator, "stats conns top bytes_out 1")
    checks.equal(field(most, "name"), "batch-export", "the culprit is found by what it is sent")
    checks.that(int(field(most, "requests")) > 100, "and by its requests")
    checks.that(int(field(most, "bytes_held")) > 0, "what it keeps is shown")
    return field(most, "id")


def end_it(server, operator, hog, number):
    checks.equal(command(operator, "kill id %s" % number, b"\r\n"), "KILLED 1\r\n", "one command ends it")
    hog.join(20)
    checks.that(hog.ended, "its connection has ended")
    checks.equal(stats(operator)["conn_closed_killed"], "1", "it is counted")
    events = command(operator, "stats events 5")
    checks.that("event=closed reason=killed id=%s " % number in events, "its end is an event")
    checks.that("name=batch-export" in events, "with its name")
    checks.that("event=kill " in events and "which=id_%s killed=1" % number in events, "so is who killed it")
    log = ""
    for _ in range(100):
        with open(server.log_path, encoding="latin-1") as file:
            log = file.read()
        if "event=kill " in log:
            break
        time.sleep(0.05)
    shown("the log")
    show("\r\n".join(line for line in log.split("\n") if "event=" in line).encode(), 12)
    checks.that("event=closed reason=killed id=%s " % number in log, "the log has it as well")


def end_the_slow(operator, args):
    """What they wait for is theirs to read; an operator may end that, too, with one command."""
    answer = command(operator, "kill stalled 0", b"\r\n")
    checks.that(int(answer.split(" ")[1]) >= args.partial, "kill stalled ends those who are waited for")
    time.sleep(0.1)
    left = stats(operator)
    checks.equal((left["conn_stalled"], left["stash_bytes"]), ("0", "0"), "nothing is kept any more")


def main():
    end_on_sigterm()
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("daemon")
    parser.add_argument("--slow", type=int, default=200)
    parser.add_argument("--idle", type=int, default=1000)
    parser.add_argument("--partial", type=int, default=100)
    args = parser.parse_args()
    with Server([args.daemon, "-m", "128", "-c", "4096", "--buffer-memory", "3"]) as server:
        operator = connect(server)
        ask(operator, b"client_name operator\r\n")
        for i in range(VALUES):
            checks.equal(ask(operator, b"set v%d 0 0 %d\r\n%s\r\n" % (i, VALUE_BYTES, value(i, VALUE_BYTES))),
                         b"STORED\r\n", "a value is stored")
        others = crowd(server, args)
        hog = Hog(server)
        hog.start()
        checks.that(wait_for_stat(operator, "conn_closed_shed_buffers", 1) >= 1, "buffers run out")
        time.sleep(1)
        number = look(operator, args)
        end_it(server, operator, hog, number)
        end_the_slow(operator, args)
        port = others[0][1].getsockname()[1]
        checks.equal(command(operator, "kill addr 127.0.0.1:%d" % port, b"\r\n"), "KILLED 1\r\n", "one port is one client")
        checks.equal(ask(others[0][0], b"get nothing\r\n"), b"END\r\n", "an idle client is served as before")
        server.check_end(checks)
    checks.done()


if __name__ == "__main__":
    main()
