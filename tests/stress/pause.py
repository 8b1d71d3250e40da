#!/usr/bin/python3
"""For how long a client waits when its server is taken over. On a quiet machine; nothing is judged.

    pause.py DAEMON BENCH [--conns N] [--just-used] [--items-mb MB] [--takeovers N] [--before-others]

A client asks one request after the other; beside it are N idle connections, or such that were in use right before,
and MB megabytes of items. For each takeover: the longest wait between the start of the new process and the end of the
old one, and in the second around that, which is at least what the machine does to any server; the 99th percentile of
that second, and what the server itself says. --before-others, for root: the client and both servers get a processor
whenever one of them can run (SCHED_RR): what is measured is theirs alone, on a machine that is busy, too. The client
pauses between its requests then, so that others have a processor as well.
"""
import argparse
import atexit
import gc
import itertools
import mmap
import os
import resource
import signal
import struct
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "helpers"))

from client import connect
from heir import PATIENCE_S, Heir
from server import Server, end_on_sigterm

QUIET_S = 2.5  # then idle connections are known to be idle
BEFORE_OTHERS = (os.SCHED_RR, os.sched_param(1))


class Client:
    """A process that asks one request after the other, and notes when, and how long it waited. No thread of this one:
    that would wait here for whatever this one does, such as to start a server."""

    NOTE = struct.Struct("=dd")
    NOTES = 1 << 18  # the last ones: more than a second of them

    def __init__(self, server, before_others):
        self.pause_s = 30e-6 if before_others else 0
        self.notes = mmap.mmap(-1, self.NOTES * self.NOTE.size)
        self.pid = os.fork()
        if self.pid == 0:
            try:
                self.run(connect(server))
            finally:
                os._exit(1)

    def run(self, s):
        gc.disable()
        if self.pause_s > 0:
            os.sched_setscheduler(0, *BEFORE_OTHERS)
        for i in itertools.count():
            if self.pause_s > 0:
                time.sleep(self.pause_s)
            begun = time.perf_counter()
            s.sendall(b"get k\r\n")
            s.recv(100)
            self.NOTE.pack_into(self.notes, i % self.NOTES * self.NOTE.size, begun, time.perf_counter() - begun)

    def between(self, first, last):
        """How long each request waited that was under way then."""
        return sorted(wait for begun, wait in self.NOTE.iter_unpack(self.notes[:])
                      if begun + wait > first and begun < last)

    def stop(self):
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)


def daemon_of(args, folder):
    """A process keeps its scheduling when it becomes another program, and another user's."""
    if not args.before_others:
        return args.daemon
    path = os.path.join(folder, "daemon")
    with open(path, "w", encoding="ascii") as f:
        f.write('#!/bin/sh\nexec chrt -r 1 "%s" "$@"\n' % args.daemon)
    os.chmod(path, 0o755)
    return path


def options_of(args):
    return ["-m", str(64 + args.items_mb * 5 // 4), "-c", str(args.conns + 100)]


def use(conns):
    for s in conns:
        s.sendall(b"mn\r\n")
    for s in conns:
        s.recv(10)


def measure(args, server, control, client, conns):
    daemon = daemon_of(args, os.path.dirname(control))
    last, most, any_most, slow = server.process, [], [], []
    for _ in range(args.takeovers):
        if args.just_used:
            use(conns)
        else:
            time.sleep(QUIET_S)
        begun = time.perf_counter()
        heir = Heir(daemon, control, *options_of(args))
        took = heir.wait_for("took over")
        at = time.perf_counter()
        if not took or last.wait(PATIENCE_S) != 0:
            sys.exit("no takeover: " + heir.log)
        gone = time.perf_counter()
        time.sleep(0.5)
        waits = client.between(at - 0.5, at + 0.5)
        most.append(client.between(begun, gone)[-1] * 1e3)
        any_most.append(waits[-1] * 1e3)
        slow.append(waits[len(waits) * 99 // 100] * 1e3)
        print("longest wait %.1f ms, in the second %.1f, p99 %.3f; the old one ends after %.0f; %s" % (
            most[-1], any_most[-1], slow[-1], (gone - begun) * 1e3,
            heir.log.strip().rsplit("): ", 1)[-1]), flush=True)
        last = heir.process
    most.sort()
    any_most.sort()
    slow.sort()
    print("%d connections%s, %d MB: longest waits: median %.1f ms, at most %.1f ms; in the second %.1f and %.1f; "
          "p99 %.3f and %.3f" % (
              args.conns, " just used" if args.just_used else "", args.items_mb, most[len(most) // 2], most[-1],
              any_most[len(any_most) // 2], any_most[-1], slow[len(slow) // 2], slow[-1]))
    heir.stop()


def main():
    end_on_sigterm()
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("daemon", type=os.path.abspath)
    parser.add_argument("bench", type=os.path.abspath)
    parser.add_argument("--conns", type=int, default=0)
    parser.add_argument("--just-used", action="store_true")
    parser.add_argument("--items-mb", type=int, default=0)
    parser.add_argument("--takeovers", type=int, default=8)
    parser.add_argument("--before-others", action="store_true")
    args = parser.parse_args()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with tempfile.TemporaryDirectory(prefix="lombard-pause-") as folder:
        os.chmod(folder, 0o777)
        control = os.path.join(folder, "control")
        with Server([daemon_of(args, folder), "--control=" + control] + options_of(args)) as server:
            client = Client(server, args.before_others)
            atexit.register(client.stop)
            if args.items_mb > 0:
                subprocess.run([args.bench, "-s", "127.0.0.1:%d" % server.port, "-f", "-k", str(args.items_mb * 950),
                                "--value-size", "1000", "-P", "64", "-n", "1000", "-q"], check=True)
            conns = [connect(server) for _ in range(args.conns)]
            use(conns)
            measure(args, server, control, client, conns)


main()
