"""Ways to several instances: a proxy with a plain client, or a client that hashes keys itself.

Every client has get(key) -> bytes or None, set(key, value) and close(); what could not be
done raises Failed.
"""
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections import namedtuple

from server import ServerFailed

PATIENCE_S = 60
PYTHON = "/usr/bin/python3"
RETRY_S = 1  # after which an instance that failed is tried again


class Failed(Exception):
    """An error was the answer, or none came: what it asked for may have been done or not."""


class TextClient:
    """The classic text protocol by hand, as nutcracker understands it."""

    def __init__(self, ports):
        self.socket = socket.create_connection(("127.0.0.1", ports[0]), PATIENCE_S)
        self.reader = self.socket.makefile("rb")

    def close(self):
        self.reader.close()
        self.socket.close()

    def send(self, request):
        self.socket.sendall(request)

    def line(self):
        line = self.reader.readline()
        if not line.endswith(b"\r\n"):
            raise ServerFailed("the connection was closed")
        return line[:-2].decode()

    def values(self):
        """Of one get: {key: value}."""
        found = {}
        line = self.line()
        while line != "END":
            if not line.startswith("VALUE "):
                raise Failed(line)
            _, key, _, size = line.split()
            found[key] = self.reader.read(int(size))
            self.reader.read(2)
            line = self.line()
        return found

    def get_many(self, keys):
        found = {}
        for i in range(0, len(keys), 50):
            self.send(("get %s\r\n" % " ".join(list(keys)[i:i + 50])).encode())
            found.update(self.values())
        return found

    def get(self, key):
        return self.get_many([key]).get(key)

    def set(self, key, value):
        self.send(b"set %s 0 0 %d\r\n%s\r\n" % (key.encode(), len(value), value))
        line = self.line()
        if line != "STORED":
            raise Failed(line)

    def pipeline(self, requests):
        """Sent together; an answer each, of a get with one value in one line."""
        self.send(b"".join(requests))
        return [self.answer() for _ in requests]

    def answer(self):
        line = self.line()
        if not line.startswith("VALUE "):
            return line
        value = self.reader.read(int(line.split()[3]) + 2)
        self.line()
        return "%s %s" % (line, value[:-2].decode())


class HashClient:
    """pymemcache: an instance that fails is left out, and tried again later."""

    def __init__(self, ports):
        from pymemcache.client.hash import HashClient as Client
        from pymemcache.exceptions import MemcacheError
        self.errors = (OSError, MemcacheError)
        self.client = Client([("127.0.0.1", port) for port in ports], default_noreply=False,
                             timeout=PATIENCE_S, connect_timeout=PATIENCE_S, no_delay=True,
                             retry_attempts=0, retry_timeout=RETRY_S, dead_timeout=RETRY_S)

    def get(self, key):
        try:
            return self.client.get(key)
        except self.errors as failure:
            raise Failed(str(failure)) from failure

    def set(self, key, value):
        try:
            stored = self.client.set(key, value)
        except self.errors as failure:
            raise Failed(str(failure)) from failure
        if not stored:
            raise Failed("not stored")

    def close(self):
        for client in self.client.clients.values():
            client.close()


class Libmemcached:
    """pylibmc: ketama; an instance that fails keeps its keys."""

    def __init__(self, ports):
        import pylibmc
        self.error = pylibmc.Error
        self.client = pylibmc.Client(
            ["127.0.0.1:%d" % port for port in ports],
            behaviors={"ketama": True, "tcp_nodelay": True, "retry_timeout": RETRY_S,
                       "connect_timeout": PATIENCE_S * 1000})

    def get(self, key):
        try:
            return self.client.get(key)
        except self.error as failure:
            raise Failed(str(failure)) from failure

    def set(self, key, value):
        try:
            stored = self.client.set(key, value)
        except self.error as failure:
            raise Failed(str(failure)) from failure
        if not stored:
            raise Failed("not stored")

    def close(self):
        self.client.disconnect_all()


CONFIG = """pool:
  listen: 127.0.0.1:%(port)d
  hash: murmur
  distribution: ketama
  auto_eject_hosts: %(ejects)s
  server_retry_timeout: %(retry_ms)d
  server_failure_limit: 1
  servers:
"""


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Proxy:
    """A nutcracker in front of PORTS; a context manager."""

    def __init__(self, ports, ejects):
        self.port, self.stats_port = free_port(), free_port()
        self.dir = tempfile.mkdtemp(prefix="lombard-proxy-")
        self.config = os.path.join(self.dir, "conf")
        with open(self.config, "w", encoding="ascii") as conf:
            conf.write(CONFIG % {"port": self.port, "ejects": str(ejects).lower(),
                                 "retry_ms": RETRY_S * 1000})
            for i, port in enumerate(ports):
                # A name, so that the keys depend on it and not on the port.
                conf.write("   - 127.0.0.1:%d:1 instance%d\n" % (port, i))
        self.process = None

    def __enter__(self):
        self.process = subprocess.Popen(
            ["nutcracker", "-c", self.config, "-o", os.path.join(self.dir, "log"), "-i", "100",
             "-p", os.path.join(self.dir, "pid"), "-s", str(self.stats_port), "-a", "127.0.0.1"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end and self.process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", self.port), PATIENCE_S).close()
                return self
            except OSError:
                time.sleep(0.02)
        self.__exit__()
        raise ServerFailed("nutcracker did not start")

    def __exit__(self, *exc):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(PATIENCE_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        shutil.rmtree(self.dir, ignore_errors=True)

    def count(self, name):
        """The sum of a counter over the instances; what was counted is shown a little later."""
        time.sleep(0.5)
        with socket.create_connection(("127.0.0.1", self.stats_port), PATIENCE_S) as s:
            text = b"".join(iter(lambda: s.recv(65536), b""))
        pool = json.loads(text)["pool"]
        return sum(server[name] for server in pool.values() if isinstance(server, dict))


# ejects: of a proxy; None where the client hashes.
Way = namedtuple("Way", "client ejects probe package")
NUTCRACKER = ["nutcracker", "-V"]
WAYS = {
    "nutcracker": Way(TextClient, False, NUTCRACKER, "nutcracker"),
    "nutcracker-ejecting": Way(TextClient, True, NUTCRACKER, "nutcracker"),
    "refusals": Way(TextClient, False, NUTCRACKER, "nutcracker"),
    "pymemcache": Way(HashClient, None, [PYTHON, "-c", "import pymemcache"],
                      "python3-pymemcache"),
    "pylibmc": Way(Libmemcached, None, [PYTHON, "-c", "import pylibmc"], "python3-pylibmc"),
}


def is_installed(way):
    if shutil.which(way.probe[0]) is None:
        return False
    done = subprocess.run(way.probe, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL, check=False)
    return done.returncode == 0
