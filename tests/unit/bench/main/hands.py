"""Names that other tools use, logging in, and where the server is."""
import os
import re

from bench_process import NOT_RUN, NOT_VALID, VALID, WRONG, path, report, run
from fake_server import FakeServer
from shared import check


class AsksWho(FakeServer):
    """Serves only a connection that has logged in, and closes each after 500 commands."""

    def serve(self, s):
        said = b""
        while said.count(b"\n") < 2: # no more than that: the rest is for the server behind it
            byte = s.recv(1)
            if not byte:
                return
            said += byte
        if said != b"set login 0 0 10\r\nann secret\r\n":
            s.sendall(b"CLIENT_ERROR authentication failure\r\n")
            s.close()
            return
        s.sendall(b"STORED\r\n")
        FakeServer.serve(self, s)

    def get(self, f, keys):
        with self.lock:
            leave = self.gets % 500 == 499
        return FakeServer.get(self, f, keys) and not leave


def logging_in():
    for name, text in (("good", "ann:secret\n"), ("bad", "ann:wrong\n")):
        with open(path(name), "w", encoding="ascii") as f:
            f.write(text)
    with AsksWho() as server:
        status, result, said = report("who.json", "-s", server.address, "-k", "20", "-c", "2", "-n", "2000",
                                      "-r", "1:0", "--auth", path("good"))
        check.equal(status, NOT_VALID, "connections were lost: " + said)
        check.that(result["lost_connections"] >= 3, "and opened again:", result["lost_connections"])
        check.equal(result["error_replies"], 0, "each logged in anew")
        check.that(result["requests"] + result["lost_requests"] == 2000, "nothing vanished")
        status, _, said = run("-q", "-s", server.address, "-n", "5", "--auth", path("bad"))
        check.equal(status, NOT_RUN, "a wrong password")
        check.that("refuses the user or the password" in said, "and that is said:", said)
    status, _, said = run("-n", "5", "--auth", "/nowhere/x")
    check.equal(status, NOT_RUN, "no such file: " + said)


def names_of_other_tools():
    with FakeServer() as server:
        host, port = server.address.split(":")
        status, result, said = report("names.json", "-s", host, "-p", port, "--protocol", "memcache_text", "--clients",
                                      "3", "--data-size", "50", "--key-maximum", "20", "-P", "2", "-n", "300")
        check.equal((status, result["requests"]), (VALID, 300), "memtier's names: " + said)
        check.equal(result["value_bytes"]["mean_of_keys"], 50.0, "the size")
        os.environ["MEMCACHED_SERVERS"] = server.address + ",127.0.0.1:1"
        status, result, said = report("env.json", "-k", "20", "-c", "2", "-n", "100")
        del os.environ["MEMCACHED_SERVERS"]
        check.equal((status, result["address"]), (VALID, server.address), "MEMCACHED_SERVERS: " + said)
    check.equal(run("-s", "127.0.0.1:5", "-p", "6")[0], NOT_RUN, "two ports")
    status, _, said = run("-s", "127.0.0.1:65541")
    check.equal(status, NOT_RUN, "a port that 16 bits would make another one of")
    check.that("from 1 to 65535" in said, "and that is said:", said)


def several_processes():
    for more in (["-n", "1000"], ["-n", "1000", "--rate", "3000"], ["-d", "300ms", "--rounds", "3", "-w", "0s"]):
        with FakeServer() as server:
            status, result, said = report("jobs.json", "-s", server.address, "-k", "50", "-c", "7", "--jobs", "3",
                                          "--mix", "get=9,set=1", *more)
            check.equal(status, VALID, "%s: %s" % (more, said))
            check.equal(result["hits"] + result["misses"], server.gets, "every get is counted once %s" % more)
            check.equal(result["latency_us"]["all"]["count"], result["requests"], "and timed %s" % more)
            if more[0] == "-n":
                check.equal(result["requests"], 1000, "the jobs divide the requests %s" % more)
            else:
                check.that(0.89 < result["seconds"], "the time is that of each job:", result["seconds"])
            check.that(server.accepted >= 7, "connections")
    for words in (["--jobs", "0"], ["--jobs", "5", "-c", "4"]):
        check.equal(run(*words)[0], NOT_RUN, " ".join(words))


def several_processes_search_together():
    with FakeServer() as server:
        status, result, said = report("search.json", "-s", server.address, "-k", "50", "-c", "6", "--jobs", "3", "-r", "1:0",
                                      "-d", "10ms", "--find-max", "p50<1us")
        check.equal((status, result["max_rate"]), (NOT_VALID, 0), "no rate is kept: " + said)
        check.equal(result["hits"] + result["misses"] <= server.gets, True, "what was measured is some of what was asked")
        check.that(server.accepted >= 6, "each has its connections")


def several_processes_replay_one_trace():
    trace = path("jobs_trace.txt")
    with open(trace, "w", encoding="ascii") as f:
        for i in range(600):
            f.write("key%d 20 0 %s %.4f\n" % (i % 40, "set" if i % 200 < 40 else "get", i / 2000))
    for more in ([], ["--rate", "3000"]):
        with FakeServer() as server:
            # Not valid where a busy machine was late. A connection each: on another one a late get may overtake its set.
            _, result, said = report("replayed.json", "replay", "-s", server.address, "--trace", trace, "-c", "3",
                                     "--jobs", "3", "--pipeline", "200", *more)
            check.equal((result["requests"], result["misses"]), (600, 0), "in each key's order: " + said)
            check.equal((server.gets, server.sets), (480, 120), "each request once")
            check.that(0.15 < result["seconds"], "at its times:", result["seconds"])
    with FakeServer() as server:
        status, result, said = report("keys.json", "-s", server.address, "--trace", trace, "-c", "4", "--jobs", "2", "-n",
                                      "600", "-r", "0:1")
        check.equal((status, server.sets, len(server.values)), (VALID, 600, 40), "a mix over its keys: " + said)


class Forgets(FakeServer):
    """Says STORED, and keeps what was there, every tenth time."""

    def __init__(self):
        FakeServer.__init__(self)
        self.forgotten = set()
        self.stale = 0

    def set(self, s, f, words):
        with self.lock:
            forget = self.sets % 10 == 9 and words[1] in self.values
            before = self.values.get(words[1])
        FakeServer.set(self, s, f, words)
        with self.lock:
            if forget:
                self.values[words[1]] = before
                self.forgotten.add(words[1])
            else:
                self.forgotten.discard(words[1])
        return True

    def get(self, f, keys):
        with self.lock:
            self.stale += sum(key in self.forgotten for key in keys)
        return FakeServer.get(self, f, keys)


def several_processes_know_the_same():
    load = ["-k", "40", "-c", "6", "--jobs", "3", "-n", "3000", "-r", "3:1", "--fill"]
    with FakeServer() as server:
        status, result, said = report("together.json", "-s", server.address, *load)
        check.equal((status, result["mismatches"], result["foreign_values"]), (VALID, 0, 0), "a right server: " + said)
        check.that(result["values_known_fresh"] * 2 > result["hits"], "most values are known to be fresh")
    with Forgets() as server:
        status, result, said = report("stale.json", "-s", server.address, *load)
        check.equal(status, WRONG, "stores of any process that were forgotten")
        check.that("stale: overwritten before" in said, "that is said:", said[:300])
        check.that(server.stale / 10 < result["mismatches"] <= server.stale, "as often as it can be known:",
                   (result["mismatches"], server.stale))


def help_by_topic():
    status, out, _ = run("--help", "reports")
    check.that(status == 0 and "--html" in out and "--idle" not in out, "--help reports:", out)
    status, out, _ = run("-h", "nonsense")
    check.that(status == 0 and "Reports" in out and "--html" not in out, "topics are named:", out)
    check.that("--html" in run("--help")[1] and "--idle" in run("--help")[1], "all of it")
    out = run("--help", "presets")[1]
    check.that("--idle" not in out and out == run("--preset", "list")[1], "--help presets is --preset list:", out[:200])
    check.equal(len(re.findall(r"^twitter:\d+ ", out, re.M)), 53, "each of the clusters that have figures")
    for source in "AMST":
        check.that("[%s] " % source in out and re.search(r"[\[ ]%s[\],;]" % source, out.split("\n[A] ")[0]), "source %s is used and named" % source)


def kernel_timestamps():
    with FakeServer() as server:
        for more, least in (([], 0), (["--kernel-timestamps"], 1)):
            status, result, said = report("stamps.json", "-s", server.address, "-k", "20", "-c", "2", "-n", "500", *more)
            check.equal((status, result["requests"]), (VALID, 500), "timestamps: " + said)
            count = result["latency_us"]["unread"]["count"]
            check.that(500 * least * 0.9 <= count <= 500 * least, "each reply has its time in the socket:", count)


def spinning():
    busy = ["--jobs", str(len(os.sched_getaffinity(0)))]
    with FakeServer() as server:
        for more, spins in ((["--spin", "1s"], True), (["--spin", "0"], False), (["--spin", "auto"] + busy, False), ([], False)):
            rate = ["--rate", "40"] if more else []  # so seldom that a slow machine waits, too
            status, result, said = report("spin.json", "-s", server.address, "-k", "20", "-c", "4", "-n", "20", *rate, *more)
            check.that(status in (VALID, NOT_VALID) and result["requests"] == 20, "%s: %s" % (more, said))
            check.equal(result["client_spin_share"] > 0, spins, "waits for the next request awake: %s" % more)


TESTS = (spinning, kernel_timestamps, help_by_topic, several_processes, several_processes_know_the_same,
         several_processes_search_together, several_processes_replay_one_trace, logging_in, names_of_other_tools)
