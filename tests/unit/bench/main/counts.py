"""What is counted of a run: fills, rates, hit ratios, sizes."""
from bench_process import NOT_VALID, VALID, load_json, path, report, run
from fake_server import FakeServer
from shared import check


# What is counted.

class DropsSets(FakeServer):
    """Closes the connection at every 50th set, at first."""

    seen = 0

    def set(self, s, f, words):
        with self.lock:
            self.seen += 1
            drop = self.seen % 50 == 0 and self.seen < 2000
        if drop:
            f.read(int(words[4]) + 2)
            return False
        return FakeServer.set(self, s, f, words)


def a_fill_is_whole():
    with DropsSets() as server:
        status, result, _ = report("fill.json", "-s", server.address, "--fill", "-k", "1000",
                                   "-c", "4", "-r", "1:0", "-n", "200")
        check.equal(len(server.values), 1000, "all keys are there")
        check.equal((status, result["fill"]["missing"]), (VALID, 0), "and that is known")
        check.that(result["fill"]["sent_again"] > 0, "some were sent again")
        check.that(result["fill"]["lost_connections"] > 0, "as connections were lost")
    with DropsSets() as server:
        status, _, said = run("-s", server.address, "-q", "--fill", "-k", "1000", "-c", "4", "-r",
                              "1:0", "-n", "200", "--strict")
        check.equal(status, NOT_VALID, "--strict tells of losses while filling")
        check.that("while filling" in said, "and says so:", said)


class Forgets(FakeServer):
    """Says STORED, and keeps nothing."""

    def set(self, s, f, words):
        FakeServer.set(self, s, f, words)
        self.values.clear()
        return True


def misses_after_a_fill():
    load = ["--fill", "-k", "100", "-c", "2", "-n", "500", "-r", "1:0"]
    want = "100.00 % of the keys read were missing, although --fill had stored them all"
    with Forgets() as server:
        status, result, said = report("forgets.json", "-s", server.address, *load)
        check.equal((status, result["hit_percent"]), (VALID, 0), "a server that keeps nothing")
        check.equal(result["fill"]["missed_percent"], 100, "what is said of its misses")
        verdict = load_json(path("forgets.json"))["verdict"]
        check.equal((verdict["name"], len(verdict["warnings"])), ("valid", 1), "and of the run")
        check.that(want in said, "it is said on standard error:", said)
        status, out, _ = run("-s", server.address, *load)
        out = " ".join(out.split())
        check.that("warning " + server.address in out and want in out, "and in the text:", out)
    with FakeServer() as server:
        status, result, said = report("keeps.json", "-s", server.address, *load)
        check.equal((status, result["fill"]["missed_percent"], said), (VALID, 0, ""), "one that keeps all")


def counts_with_a_rate():
    with FakeServer() as server:
        for arrivals in ("constant", "poisson"):
            for more in ([], ["-d", "20s"]):
                status, result, _ = report(
                    "rate.json", "-s", server.address, "-k", "100", "-c", "2", "-n", "300",
                    "--rate", "1000", "--arrivals", arrivals, *more)
                response = result["latency_us"]["response"]
                check.equal((status, result["requests"]), (VALID, 300), "-n with --rate")
                check.equal(result["never_begun"], 0, "nothing was due and never begun")
                check.equal(response["count"], 300, "each has a response time")
                check.that(0 <= response["max"] < 30e6, "a possible one:", response["max"])
        status, result, _ = report("slow.json", "-s", server.address, "-k", "100", "-c", "2",
                                   "-d", "300ms", "--rate", "10", "--arrivals", "constant")
        check.equal(result["requests"], 3, "3 requests of 10/s in 0.3 s")
        check.that(0 < result["requests_per_s"] <= 10.1, "are no more than 10/s:", result["requests_per_s"])


class Evicts(FakeServer):
    """Keeps values for 100 gets only."""

    def get(self, f, keys):
        with self.lock:
            if self.gets % 100 == 99:
                self.values.clear()
        return FakeServer.get(self, f, keys)


def hit_ratios():
    trace = path("bursts")
    with open(trace, "w", encoding="ascii") as f:
        for i in range(500):
            f.write("k%d 30\n" % i * 3)
    for more in (["-c", "1", "--pipeline", "1"], [], ["-c", "4", "--pipeline", "16"],
                 ["-c", "4", "--pipeline", "16", "--rate", "20000"]):
        with FakeServer() as server:
            status, result, _ = report("hits.json", "hitratio", "-s", server.address, "--trace",
                                       trace, *more)
            check.equal((status, result["requests"]), (VALID, 1500), "replayed %s" % more)
            check.equal((server.gets, server.hits, server.sets), (1500, 1000, 500),
                        "what the server was asked %s" % more)
            check.equal((result["hits"], result["misses"]), (1000, 500), "what is reported")
            check.that(more != [] or result["waited_for_key"] > 0, "some were held back")
    with Evicts() as server:
        status, result, _ = report("evicts.json", "hitratio", "-s", server.address, "-c", "4", "-k",
                                   "20", "--pipeline", "16", "-n", "3000", "--distribution",
                                   "uniform")
        check.equal((status, result["requests"], result["hits"] + result["misses"]),
                    (VALID, 3000, 3000), "keys that vanish")


def sizes_of_popular_keys():
    means = []
    for seed in range(12):
        with FakeServer() as server:
            _, result, _ = report("sizes.json", "-s", server.address, "--fill", "-k", "300", "-c",
                                  "4", "--pipeline", "8", "--value-size", "100:70,1k-4k:30",
                                  "--distribution", "zipf:1.2", "-r", "1:0", "-n", "1000",
                                  "--seed", str(seed))
            sizes = result["value_bytes"]
            check.equal(sizes["mean_of_keys"], 838.0, "what is expected")
            means.append(sizes["mean_read"])
    check.that(len(set(round(m) for m in means)) > 8, "the seed decides which keys are popular:", means)
    check.that(500 < sum(means) / len(means) < 1250, "and on average sizes are right:", means)


TESTS = (a_fill_is_whole, misses_after_a_fill, hit_ratios, counts_with_a_rate, sizes_of_popular_keys)
