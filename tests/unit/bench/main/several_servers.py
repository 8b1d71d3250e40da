"""Several servers that share the keys: each key lies where the usual clients look for it."""
import contextlib
import ctypes
import sys

from bench_process import NOT_RUN, NOT_VALID, VALID, report, run
from fake_server import FakeServer
from shared import check

KETAMA, KETAMA_WEIGHTED = 3, 16 # memcached_behavior_t


def library():
    """libmemcached, or None."""
    try:
        lib = ctypes.CDLL("libmemcached.so.11")
    except OSError:
        return None
    for name in ("memcached_create", "memcached_server_by_key"):
        getattr(lib, name).restype = ctypes.c_void_p
    lib.memcached_server_port.restype = ctypes.c_uint16
    return lib


def by_libmemcached(lib, behaviors, ports, weights):
    """A function from a key to the port of its server."""
    memc = ctypes.c_void_p(lib.memcached_create(None))
    for behavior, value in behaviors:
        assert lib.memcached_behavior_set(memc, behavior, ctypes.c_uint64(value)) == 0
    for port, weight in zip(ports, weights):
        assert lib.memcached_server_add_with_weight(memc, b"127.0.0.1", ctypes.c_uint16(port), weight) == 0

    def port_of(key):
        error = ctypes.c_int()
        server = lib.memcached_server_by_key(memc, key, ctypes.c_size_t(len(key)), ctypes.byref(error))
        return lib.memcached_server_port(ctypes.c_void_p(server))
    return port_of


def by_pymemcache(ports):
    sys.path.append("/usr/lib/python3/dist-packages") # Debian's
    try:
        from pymemcache.client.rendezvous import RendezvousHash # pylint: disable=import-outside-toplevel
    except ImportError:
        return None
    finally:
        sys.path.pop()
    ring = RendezvousHash()
    for port in ports:
        ring.add_node("127.0.0.1:%d" % port)
    return lambda key: int(ring.get_node(key.decode()).rsplit(":", 1)[1])


def load(placement, weights, ports_to_function):
    with contextlib.ExitStack() as stack:
        servers = [stack.enter_context(FakeServer()) for _ in weights]
        ports = [int(s.address.split(":")[1]) for s in servers]
        port_of = ports_to_function(ports)
        if port_of is None:
            print("skipped: %s cannot be compared, its library is not installed" % placement)
            return
        names = ["%s=%d" % (s.address, w) if placement == "ketama-weighted" else s.address
                 for s, w in zip(servers, weights)]
        status, result, said = report("several_%s.json" % placement, "-s", ",".join(names), "--placement", placement,
                                      "-k", "1500", "-c", "3", "-P", "3", "-n", "600", "-r", "3:1", "--fill")
        check.equal((status, result["misses"]), (VALID, 0), "%s: %s" % (placement, said))
        wrong = [key for s, port in zip(servers, ports) for key in s.values if port_of(key) != port]
        check.equal((wrong[:3], sum(len(s.values) for s in servers)), ([], 1500), "%s: each key is where it belongs" % placement)
        check.equal([s.accepted for s in servers], [3] * len(servers), "a connection to each server for each client")
        check.equal([p["address"] for p in result["placed"]], [s.address for s in servers], "each server's requests")
        check.equal(sum(p["requests"] for p in result["placed"]), 600, "together all")
        check.equal(sum(s.gets for s in servers), result["hits"], "every get is counted")


def placements():
    lib = library()

    def libmemcached(behaviors, weights):
        return lambda ports: lib and by_libmemcached(lib, behaviors, ports, weights)
    load("ketama", [1, 1, 1], libmemcached([(KETAMA, 1)], [1, 1, 1]))
    load("ketama-weighted", [1, 1, 1], libmemcached([(KETAMA_WEIGHTED, 1)], [1, 1, 1]))
    load("ketama-weighted", [1, 7, 2, 3], libmemcached([(KETAMA_WEIGHTED, 1)], [1, 7, 2, 3]))
    load("modula", [1, 1, 1], libmemcached([], [1, 1, 1]))
    load("rendezvous", [1, 1, 1, 1], by_pymemcache)


def open_loop_on_several():
    with FakeServer() as first, FakeServer() as second:
        both = first.address + "," + second.address
        status, result, said = report("both.json", "-s", both, "-k", "100", "-c", "3", "--rate", "1000", "-n", "400",
                                      "--mix", "get=2,set=1")
        check.equal((status, result["requests"]), (VALID, 400), "an open loop: " + said)
        check.that(first.gets > 0 and second.gets > 0, "on both")
        for more in (["--compare", first.address], ["--multiget", "2"], ["--stats"], ["--idle", "1"]):
            check.equal(run("-q", "-s", both, "-n", "5", *more)[0], NOT_RUN, "not with " + more[0])
    for bad in ("127.0.0.1:1,,127.0.0.1:2", "127.0.0.1:1,127.0.0.1:99999", "127.0.0.1:1,"):
        status, _, said = run("-q", "-s", bad, "-n", "5")
        check.equal((status, "--server" in said), (NOT_RUN, True), bad + " " + said)


def each_has_all_keys():
    with contextlib.ExitStack() as stack:
        servers = [stack.enter_context(FakeServer()) for _ in range(3)]
        names = ",".join(s.address for s in servers)
        status, result, said = report("each.json", "-s", names, "--placement", "each", "-k", "200", "-c", "6", "-n", "900",
                                      "-r", "3:1", "--fill")
        check.equal((status, result["requests"], result["misses"]), (VALID, 900, 0), "each: " + said)
        check.equal([len(s.values) for s in servers], [200] * 3, "each is filled")
        check.equal([p["requests"] for p in result["placed"]], [300] * 3, "and has its part of the load")
        check.equal(sum(s.gets for s in servers), result["hits"], "every get is counted")
        check.equal([s.accepted for s in servers], [2] * 3, "by connections of its own")


class Leaves(FakeServer):
    """Ends after a number of gets."""

    def get(self, f, keys):
        if self.gets >= 50:
            self.leave()
            return False
        return FakeServer.get(self, f, keys)


def one_of_two_leaves():
    for name, more in (("closed", ["-n", "4000"]), ("stream", ["-n", "4000", "-P", "8", "--stream"]),
                       ("open", ["-n", "1200", "--rate", "3000"])):
        with Leaves() as leaves, FakeServer() as stays:
            status, result, said = report("leaves_%s.json" % name, "-s", leaves.address + "," + stays.address, "-k", "500",
                                          "-c", "3", "-r", "1:0", "--placement", "rendezvous", *more)
            check.equal((status, "server of their key was not connected" in said), (NOT_VALID, True), name + ": " + said)
            given_up = sum(result[f] for f in ("lost_requests", "unsent_requests", "skipped_requests"))
            check.equal(result["requests"] + given_up, int(more[1]), name + ": each request is answered or counted as given up")
            check.that(stays.gets > int(more[1]) / 5 and result["skipped_requests"] > stays.gets / 5,
                       name + ": the other one goes on", (stays.gets, given_up))


def one_of_two_is_down():
    with FakeServer() as up, FakeServer() as down:
        down.leave()
        for order in ((up, down), (down, up)):
            both = ",".join(s.address for s in order)
            status, _, said = run("-q", "-s", both, "-n", "5", "-c", "2")
            check.equal(status, NOT_RUN, "one of two is down: " + said)
            check.that("lombard-bench: %s: cannot connect: Connection refused" % down.address in said, "that one is named:", said)
            check.that("nothing was measured: %s: cannot connect" % both in said, "in the verdict all are:", said)


TESTS = (placements, each_has_all_keys, open_loop_on_several, one_of_two_leaves, one_of_two_is_down)
