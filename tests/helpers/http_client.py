"""HTTP of a server on this machine, byte by byte: requests, answers, and nothing that mends them."""
import re
import socket
import time

PATIENCE_S = 60


def port_of(server):
    """On which SERVER, started with --http 127.0.0.1:0, listens for HTTP; its log says it."""
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        with open(server.log_path, encoding="latin-1") as log:
            found = re.search(r"listening on TCP [^ ]*:(\d+) for HTTP\n", log.read())
        if found:
            return int(found.group(1))
        time.sleep(0.01)
    raise TimeoutError("it does not listen for HTTP")


class Answer:
    def __init__(self, status, fields, body):
        self.status, self.fields, self.body = status, fields, body


def dial(address):
    """ADDRESS is a port of this host, or the path of a unix socket."""
    s = socket.socket(socket.AF_UNIX if isinstance(address, str) else socket.AF_INET)
    s.settimeout(PATIENCE_S)
    s.connect(address if isinstance(address, str) else ("127.0.0.1", address))
    return s


class Connection:
    def __init__(self, address):
        self.socket = dial(address)
        self.file = self.socket.makefile("rb")

    def close(self):
        self.file.close()
        self.socket.close()

    def line(self):
        line = self.file.readline()
        if not line.endswith(b"\r\n"):
            raise EOFError("the answer ends within a line: %r" % line)
        return line[:-2].decode("latin-1")

    def exactly(self, count):
        data = self.file.read(count)
        if len(data) != count:
            raise EOFError("%d of %d bytes" % (len(data), count))
        return data

    def chunks(self):
        body = b""
        while True:
            size = int(self.line(), 16)
            body += self.exactly(size)
            if self.line() != "":
                raise ValueError("a chunk is longer than it says")
            if size == 0:
                return body

    def answer(self, head=False):
        version, status, _ = self.line().split(" ", 2)
        if version != "HTTP/1.1":
            raise ValueError("version %s" % version)
        fields = {}
        while True:
            line = self.line()
            if line == "":
                break
            name, value = line.split(": ", 1)
            if name.lower() in fields:
                raise ValueError("%s twice" % name)
            fields[name.lower()] = value
        if head:
            body = b""
        elif fields.get("transfer-encoding") == "chunked":
            body = self.chunks()
        elif "content-length" in fields:
            body = self.exactly(int(fields["content-length"]))
        else:
            body = self.file.read()
        return Answer(int(status), fields, body)

    def ask(self, target, method="GET", fields="", version="1.1"):
        self.socket.sendall(("%s %s HTTP/%s\r\nHost: test\r\n%s\r\n" % (
            method, target, version, fields)).encode())
        return self.answer(method == "HEAD")


def ask(address, target, **how):
    connection = Connection(address)
    try:
        return connection.ask(target, **how)
    finally:
        connection.close()
