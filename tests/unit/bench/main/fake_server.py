"""A server for lombard-bench to load: it does everything right until a subclass overrides it."""
import socket
import threading


class FakeServer:
    """A right server of the text protocol, a thread a connection; what overrides it is wrong."""

    def __init__(self, backlog=128):
        self.values = {}
        self.gets = self.hits = self.sets = self.accepted = 0
        self.lock = threading.Lock()
        self.listener = socket.socket()
        self.listener.bind(("127.0.0.1", 0))
        self.listener.listen(backlog)
        self.address = "127.0.0.1:%d" % self.listener.getsockname()[1]
        self.connections = []
        threading.Thread(target=self.accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.leave()

    def leave(self):
        """As if killed: the port is closed, and so are all connections."""
        for s in [self.listener] + list(self.connections):
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        self.listener.close()

    def accept(self):
        while True:
            try:
                s = self.listener.accept()[0]
            except OSError:
                return
            s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.accepted += 1
            self.connections.append(s)
            threading.Thread(target=self.serve, args=(s,), daemon=True).start()

    def serve(self, s):
        f = s.makefile("rwb")
        try:
            while True:
                line = f.readline()
                if not line or not self.command(s, f, line.split()):
                    return
                f.flush()
        except (OSError, ValueError, IndexError):
            pass
        finally:
            try:
                s.shutdown(socket.SHUT_RDWR) # f still has it open
            except OSError:
                pass
            s.close()

    def command(self, s, f, words):
        """Answer one; False: close the connection."""
        if words[0] == b"set":
            return self.set(s, f, words)
        if words[0] in (b"get", b"gets"):
            return self.get(f, words[1:])
        if words[0] == b"stats":
            f.write(b"STAT pid 1\r\nEND\r\n")
        else:
            f.write(b"ERROR\r\n")
        return True

    def set(self, s, f, words):
        value = f.read(int(words[4]) + 2)[:-2]
        with self.lock:
            self.sets += 1
            self.values[words[1]] = value
        f.write(b"STORED\r\n")
        return True

    def get(self, f, keys):
        for key in keys:
            with self.lock:
                self.gets += 1
                value = self.values.get(key)
                self.hits += value is not None
            if value is not None:
                f.write(b"VALUE %s 0 %d\r\n%s\r\n" % (key, len(value), value))
        f.write(b"END\r\n")
        return True
