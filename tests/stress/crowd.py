"""Bad clients by the thousand, in processes of their own.

Each kind is a class with one method a phase. A Worker runs one in a child process:
call(name, ...) starts a phase there, wait() brings what it returned. All of a
kind's data is checked: wrong() says how much was not what it should have been.
"""
import multiprocessing
import os
import socket
import struct
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "helpers"))

from client import PATIENCE_S, VALUE_BYTES, VALUES, ask, dial, read_all, value

RESET = struct.pack("ii", 1, 0)
STALLED_RECEIVE_BYTES = 16384


def big_reply():
    """The reply to big_get(), which the stalled ask for."""
    return b"".join(b"VALUE big-%d 0 %d\r\n%s\r\n" % (i, VALUE_BYTES, value(i, VALUE_BYTES))
                    for i in range(VALUES)) + b"END\r\n"


def big_get():
    return b"get " + b" ".join(b"big-%d" % i for i in range(VALUES)) + b"\r\n"


class IdleClients:
    """Connections that first are idle; then some ask and never read, others send a part of a set."""

    def __init__(self, port, first, stalled, partial):
        self.port, self.first = port, first
        self.counts = stalled, partial
        self.stalled = self.partial = []

    def open(self):
        self.stalled = [dial(self.port, STALLED_RECEIVE_BYTES) for _ in range(self.counts[0])]
        self.partial = [dial(self.port) for _ in range(self.counts[1])]
        for s in self.stalled + self.partial:
            ask(s, b"version\r\n")

    def misbehave(self):
        for s in self.stalled:
            s.sendall(big_get())
        for i, s in enumerate(self.partial):
            s.sendall(b"set partial-%d 0 0 10" % (self.first + i))

    def behave(self):
        """How many got all of their bytes, and how many bytes that were."""
        want = big_reply()
        right = 0
        for s in self.stalled:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
            right += read_all(s, want)
            s.close()
        for s in self.partial:
            right += ask(s, b"00\r\n" + b"y" * 1000 + b"\r\n") == b"STORED\r\n"
            s.close()
        return right, len(want) * len(self.stalled)


class Slow:
    """Connections that ask for all, and read STEP bytes every PAUSE_S seconds."""

    def __init__(self, port, count, receive_bytes, step, pause_s):
        self.step, self.pause_s = step, pause_s
        self.clients = [[dial(port, receive_bytes), 0] for _ in range(count)]
        self.want = big_reply()
        self.right = True

    def read_some(self, seconds):
        for s, _ in self.clients:
            s.sendall(big_get())
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for client in self.clients:
                got = client[0].recv(self.step)
                self.right &= len(got) > 0 and self.want[client[1]:client[1] + len(got)] == got
                client[1] += len(got)
            time.sleep(self.pause_s)

    def read_rest(self):
        right = 0
        for s, at in self.clients:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
            right += self.right and read_all(s, self.want[at:])
            s.close()
        return right, len(self.want) * len(self.clients)


class Writers:
    """Connections that store a large value each, a little at a time."""

    BYTES = 500000
    STEP = 4096

    def __init__(self, port, count):
        self.clients = [[dial(port), 0] for _ in range(count)]

    def write_some(self, seconds):
        for i, (s, _) in enumerate(self.clients):
            s.sendall(b"set slow-%d 0 0 %d\r\n" % (i, self.BYTES))
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for i, client in enumerate(self.clients):
                body = value(i, self.BYTES)[client[1]:client[1] + self.STEP]
                client[0].sendall(body)
                client[1] += len(body)
            time.sleep(0.1)

    def write_rest(self):
        right = 0
        for i, (s, at) in enumerate(self.clients):
            body = value(i, self.BYTES)
            stored = ask(s, body[at:] + b"\r\n") == b"STORED\r\n"
            s.sendall(b"get slow-%d\r\n" % i)
            right += stored and read_all(
                s, b"VALUE slow-%d 0 %d\r\n%s\r\nEND\r\n" % (i, self.BYTES, body))
            s.close()
        return right, self.BYTES * len(self.clients)


class Churn:
    """Connections that come, say something or not, and close or break."""

    def __init__(self, port):
        self.port = port

    @staticmethod
    def answers(count):
        return sum(i % 4 < 2 for i in range(count))

    def run(self, count):
        right = 0
        for i in range(count):
            s = socket.socket()
            s.settimeout(PATIENCE_S)
            s.bind(("127.0.%d.%d" % (1 + i % 200, 1 + os.getpid() % 200), 0))
            s.connect(("127.0.0.1", self.port))
            kind = i % 4
            if kind < 2:
                right += ask(s, b"get nothing\r\n", b"END\r\n") == b"END\r\n"
            elif kind == 2:
                s.sendall(b"get noth")
            if kind != 1:
                s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            s.close()
        return right


class Hog:
    """One connection that always has a pipeline of requests in flight."""

    PIPELINE = 1000

    def __init__(self, port):
        self.s = dial(port)
        ask(self.s, b"set hog 0 0 100\r\n%s\r\n" % (b"h" * 100))

    def run(self, seconds):
        reply = b"VALUE hog 0 100\r\n%s\r\nEND\r\n" % (b"h" * 100) * self.PIPELINE
        end = time.monotonic() + seconds
        done, right = 0, True
        while right and time.monotonic() < end:
            self.s.sendall(b"get hog\r\n" * self.PIPELINE)
            right = read_all(self.s, reply)
            done += self.PIPELINE
        self.s.close()
        return right, done


def serve(pipe, kind, args):
    it = kind(*args)
    while True:
        call = pipe.recv()
        if call is None:
            return
        pipe.send(getattr(it, call[0])(*call[1:]))


class Worker:
    """A child process with one KIND of client."""

    def __init__(self, kind, *args):
        fork = multiprocessing.get_context("fork")
        self.pipe, child = fork.Pipe()
        self.process = fork.Process(target=serve, args=(child, kind, args), daemon=True)
        self.process.start()
        child.close()

    def call(self, name, *args):
        self.pipe.send((name,) + args)
        return self

    def wait(self):
        return self.pipe.recv()

    def end(self):
        self.pipe.send(None)
        self.process.join(PATIENCE_S)
