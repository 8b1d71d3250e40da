"""A plain client of a server on this machine: sockets, questions, and values that can be told apart."""
import socket
import time

VALUES = 64
VALUE_BYTES = 100 * 1024
PATIENCE_S = 60


def dial(port, receive_bytes=0):
    s = socket.socket()
    if receive_bytes:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
    s.settimeout(PATIENCE_S)
    s.connect(("127.0.0.1", port))
    return s


def connect(server, receive_bytes=0):
    return dial(server.port, receive_bytes)


def ask(s, text, end=b"\r\n"):
    """Send TEXT, and return what is read until END."""
    s.sendall(text)
    got = b""
    while not got.endswith(end):
        more = s.recv(65536)
        if not more:
            raise EOFError("closed after %r" % got[-80:])
        got += more
    return got


def stats(s, group=""):
    lines = ask(s, ("stats%s\r\n" % group).encode(), b"END\r\n").decode().split("\r\n")
    return dict(line.split(" ", 2)[1:] for line in lines if line.startswith("STAT "))


def value(number, size):
    """Bytes that name their key and their offset."""
    line = b"".join(b"%06d:%08d\n" % (number, at) for at in range(0, size + 16, 16))
    return line[:size]


def read_all(s, want):
    """Whether exactly WANT comes."""
    at = 0
    while at < len(want):
        got = s.recv(1 << 18)
        if not got or want[at:at + len(got)] != got:
            return False
        at += len(got)
    return True


def wait_until_at_most(checks, s, name, most):
    """Soon after clients have left, nothing is held for them: NAME of `stats buffers` falls to MOST."""
    end = time.monotonic() + PATIENCE_S
    while True:
        now = int(stats(s, " buffers")[name])
        if now <= most or time.monotonic() > end:
            checks.that(now <= most, "%s falls to %d; it is %d" % (name, most, now))
            return
        time.sleep(0.05)


def wait_for_stat(s, name, least):
    """Until counter NAME has grown to LEAST; what it is then."""
    end = time.monotonic() + PATIENCE_S
    while True:
        now = int(stats(s)[name])
        if now >= least or time.monotonic() > end:
            return now
        time.sleep(0.05)
