"""What an earlier run with other flags or other pieces has left is no fault of the server."""
from bench_process import VALID, WRONG, report
from fake_server import FakeServer
from shared import check


class Keeps(FakeServer):
    """With flags, append and prepend; `off` is added to the flags of what it answers."""

    off = 0

    def __init__(self):
        self.flags = {}
        FakeServer.__init__(self)

    def set(self, s, f, words):
        with self.lock:
            self.flags[words[1]] = int(words[2])
        return FakeServer.set(self, s, f, words)

    def command(self, s, f, words):
        if words[0] not in (b"append", b"prepend"):
            return FakeServer.command(self, s, f, words)
        value = f.read(int(words[4]) + 2)[:-2]
        with self.lock:
            old = self.values.get(words[1])
            if old is not None:
                self.values[words[1]] = old + value if words[0] == b"append" else value + old
        f.write(b"NOT_STORED\r\n" if old is None else b"STORED\r\n")
        return True

    def get(self, f, keys):
        with self.lock:
            self.gets += 1
            for key in keys:
                if key in self.values:
                    self.hits += 1
                    value = self.values[key]
                    f.write(b"VALUE %s %d %d\r\n%s\r\n" % (key, self.flags[key] + self.off, len(value), value))
        f.write(b"END\r\n")
        return True


def load(server, *args, name="leftovers.json"):
    return report(name, "-s", server.address, "-k", "20", "-c", "2", "--pipeline", "2", "-n", "600", *args)


def leftovers():
    grow = ("--mix", "append=2,prepend=1", "--value-size")
    for first, then in ((("--item-flags", "--fill"), ()), (("--item-flags", "--fill", "--value-size", "8"), ("--value-size", "8")),
                        ((*grow, "30"), (*grow, "20")), ((*grow, "20", "--item-flags"), (*grow, "20"))):
        with Keeps() as server:
            status, result, said = load(server, *first)
            check.equal((status, result["foreign_values"]), (VALID, 0), "alone %s: %s" % (first, said))
            status, result, said = load(server, *then)
            check.equal(status, VALID, "after another one %s: %s" % (then, said))
            check.that(result["foreign_values"] > 0, "and they are counted:", result["foreign_values"])
            server.off = 1
            status, _, said = load(server, *then)
            check.equal((status, "flags that it was not stored with" in said), (WRONG, True), "but its own are judged: " + said)
            check.equal("the value says" in said, then[:1] != grow[:1] and "8" not in then, "only what is known is told: " + said)


def of_another_version():
    """Bytes behind a sound head that this version would not have chosen: the message says what to do, unless they are its own."""
    small = ("--value-size", "64", "-r", "1:0")
    with FakeServer() as server:
        status, _, said = load(server, "--fill", *small, name="version.json")
        check.equal(status, VALID, "values of its own: " + said)
        for key, value in server.values.items():
            server.values[key] = value[:24] + value[25:] + b"x"
        status, _, said = load(server, *small, name="version.json")
        check.equal(status, WRONG, "other bytes behind the head: " + said)
        check.that("another version of lombard-bench, store all keys anew (--fill)" in said, "what to do is said: " + said)

    class Spoils(FakeServer):
        def get(self, f, keys):
            self.values[keys[0]] = self.values[keys[0]][:-1] + b"\n"
            return FakeServer.get(self, f, keys)

    with Spoils() as server:
        status, _, said = load(server, "--fill", *small, name="version.json")
        check.equal((status, "another version" in said), (WRONG, False), "not of a value of this run: " + said)


TESTS = (leftovers, of_another_version)
