#!/usr/bin/python3
"""One well-behaved client among very many bad ones: what it notices of them.

    isolation.py DAEMON BENCH [--stalled N] [--partial N] [--slow N] [--churn N]
                 [--seconds S] [--limits]

lombard-bench is the well-behaved client: it verifies all that it reads. It is
measured four times: alone; with as many idle connections as will misbehave later;
after these have begun to misbehave (N ask for 64 values of 100 KB and read nothing, N have
sent a partial command); and while others, too, read a byte a second or through the
smallest of windows, write large values slowly, come and go, and pipeline without an
end. At last all bad clients read what they asked for, to the last byte.

With --limits the figures are checked: the memory, and that the client's p99 with
the stalled connections is within 1.2 of that with idle ones. The defaults are the full counts.
"""
import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "helpers"))

from checks import Checks
from client import VALUE_BYTES, VALUES, ask, connect, stats, value
from server import Server
from crowd import Churn, Hog, IdleClients, Slow, Worker, Writers

PER_WORKER = 6000  # sockets of one process
STORE_MB, BUFFER_MB = 256, 256
CHURNERS = 2
P99_RATIO_MAX = 1.2
CONN_BYTES = 512   # of a connection, without buffers
PROCESS_MB = 16    # what is neither store nor buffers nor connections
ROUNDS = 3


class Isolation:
    def __init__(self, args, server, checks):
        self.args, self.server, self.checks = args, server, checks
        self.admin = connect(server)
        self.figures = {}
        self.peak_kb = 0

    def cpu_and_requests(self):
        now = stats(self.admin)
        return (float(now["rusage_user"]) + float(now["rusage_system"]),
                int(now["cmd_get"]) + int(now["cmd_set"]))

    def measure(self, name):
        """The good client's figures, and the server's CPU for each request of anybody."""
        before = self.cpu_and_requests()
        command = [self.args.bench, "-s", "127.0.0.1:%d" % self.server.port, "-c", "8",
                   "-d", "%gs" % self.args.seconds,
                   "-w", "%gs" % min(self.args.seconds, 0.5), "--rounds", str(ROUNDS),
                   "-k", "10000", "--refill", "--strict", "-q", "--json", "-"]
        done = subprocess.run(command, stdout=subprocess.PIPE, check=False)
        after = self.cpu_and_requests()
        self.checks.that(done.returncode == 0, "the good client %s: all right" % name)
        result = json.loads(done.stdout)["servers"][0]
        self.checks.that(result["mismatches"] == 0, "no wrong value %s" % name)
        self.checks.that(result["lost_connections"] == 0, "no connection lost %s" % name)
        rounds = result["rounds"]
        figures = {key: statistics.median(r[key] for r in rounds)
                   for key in ("p50_us", "p99_us", "requests_per_s")}
        figures["cpu_us"] = (after[0] - before[0]) * 1e6 / (after[1] - before[1])
        self.figures[name] = figures
        self.peak_kb = max(self.peak_kb, self.server.rss_kb())
        print("%-44s p50 %4.0f us, p99 %4.0f us, %6.0f requests/s, "
              "server CPU a request of anybody %.1f us" % (
                  name, figures["p50_us"], figures["p99_us"], figures["requests_per_s"],
                  figures["cpu_us"]), flush=True)

    def store_values(self):
        for i in range(VALUES):
            stored = ask(self.admin, b"set big-%d 0 0 %d\r\n%s\r\n" % (
                i, VALUE_BYTES, value(i, VALUE_BYTES)))
            self.checks.that(stored == b"STORED\r\n", "a large value is stored")

    def crowd(self):
        """Processes that share the stalled connections and those with partial commands."""
        args = self.args
        count = -(-(args.stalled + args.partial) // PER_WORKER)
        shares = [(args.stalled * (i + 1) // count - args.stalled * i // count,
                   args.partial * (i + 1) // count - args.partial * i // count) for i in range(count)]
        return [Worker(IdleClients, self.server.port, i * PER_WORKER, *share)
                for i, share in enumerate(shares)]

    def all(self, workers, name, *args):
        for worker in workers:
            worker.call(name, *args)
        return [worker.wait() for worker in workers]

    def all_together(self):
        """The others, running while the good client is measured; what to check of them."""
        args, port = self.args, self.server.port
        slow = args.slow
        seconds = (args.seconds + 1) * ROUNDS
        byte = Worker(Slow, port, slow, 16384, 1, 1).call("read_some", seconds)
        tiny = Worker(Slow, port, slow, 1, 1024, 0.1).call("read_some", seconds)
        writers = Worker(Writers, port, slow).call("write_some", seconds)
        hog = Worker(Hog, port).call("run", seconds)
        churn = [Worker(Churn, port).call("run", args.churn // CHURNERS)
                 for _ in range(CHURNERS)]
        time.sleep(0.5)
        self.measure("all of them")
        right, requests = hog.wait()
        self.checks.that(right, "the hog's %d replies are right" % requests)
        churned = sum(worker.wait() for worker in churn)
        asked = CHURNERS * Churn.answers(args.churn // CHURNERS)
        self.checks.that(churned == asked, "of %d that came and asked, %d got an answer" % (
            asked, churned))
        for worker in (byte, tiny, writers):
            worker.wait()
        for worker in churn + [hog]:
            worker.end()
        print("%44s the hog made %d requests, %d connections came and went" % (
            "", requests, args.churn), flush=True)
        return [(byte, "read_rest", slow, "byte-a-second readers"),
                (tiny, "read_rest", slow, "readers through a tiny window"),
                (writers, "write_rest", slow, "slow writers")]

    def check_memory(self):
        conns = self.args.stalled + self.args.partial
        limit_kb = (STORE_MB + BUFFER_MB + PROCESS_MB) * 1024 + conns * CONN_BYTES // 1024
        held = stats(self.admin, " buffers")
        made = int(held["buffers_made"])
        print("resident %.1f MB at most, of a limit of %.0f; %d buffers made, of a limit of %s; "
              "%d connections stalled" % (self.peak_kb / 1024, limit_kb / 1024, made,
                                          held["buffers_limit"], int(held["conn_stalled"])))
        self.checks.that(made <= int(held["buffers_limit"]), "no more buffers than the limit")
        self.checks.that(made == int(held["buffers_free"]) + int(held["buffers_lent"]),
                         "buffers made = free + lent")
        if self.args.limits:
            self.checks.that(self.peak_kb <= limit_kb, "resident memory is below its limit")

    def check_counters(self, connections):
        """When all bad clients are gone."""
        end = time.monotonic() + 60
        while int(stats(self.admin)["curr_connections"]) > 1 and time.monotonic() < end:
            time.sleep(0.05)
        now = stats(self.admin)
        number = {k: int(v) for k, v in now.items() if v.isdigit()}
        closed = sum(v for k, v in number.items() if k.startswith("conn_closed_"))
        that = self.checks.that
        that(number["curr_connections"] == 1, "all connections are gone")
        that(number["total_connections"] >= connections, "all connections were counted")
        that(closed == number["total_connections"] - 1, "all closes have a reason")
        for reason in ("stalled", "shed_buffers", "shed_pins", "no_memory", "internal"):
            that(number["conn_closed_" + reason] == 0, "no connection was closed: " + reason)
        that(number["rejected_connections"] == 0, "no connection was rejected")
        that(number["get_hits"] + number["get_misses"] == number["cmd_get"],
             "gets = hits + misses")
        loans = sum(number["wbufs_" + k]
                    for k in ("existing", "loaned", "allocated", "waiting", "failed"))
        that(loans <= number["conn_dispatches"], "at most one loan for output a dispatch")
        held = stats(self.admin, " buffers")
        that(int(held["buffers_lent"]) <= 2, "no buffer is left with anybody")
        that(int(held["stash_bytes"]) == 0, "no partial command is left")

    def run(self):
        args = self.args
        self.store_values()
        self.measure("alone")
        crowd = self.crowd()
        self.all(crowd, "open")
        self.measure("%d idle connections" % (args.stalled + args.partial))
        idle = list(self.figures.values())[-1]
        self.all(crowd, "misbehave")
        self.measure("%d stalled and %d with partial commands" % (args.stalled, args.partial))
        bad = list(self.figures.values())[-1]
        held = int(stats(self.admin, " buffers")["buffers_lent"])
        self.checks.that(held <= args.stalled + 2, "a stalled client holds one buffer")
        ratio = bad["p99_us"] / idle["p99_us"]
        print("p99 with stalled connections to p99 with idle ones: %.2f" % ratio)
        if args.limits:
            self.checks.that(ratio <= P99_RATIO_MAX, "p99 within %.1f" % P99_RATIO_MAX)
        others = self.all_together()
        self.check_memory()
        self.read_all(crowd, others)
        self.check_counters(args.stalled + args.partial + args.churn)

    def read_all(self, crowd, others):
        started = time.monotonic()
        results = self.all(crowd, "behave")
        right, read = sum(r[0] for r in results), sum(r[1] for r in results)
        wanted = self.args.stalled + self.args.partial
        self.checks.that(right == wanted, "%d of %d bad clients got all they asked for" % (
            right, wanted))
        for worker, rest, count, what in others:
            done, more = worker.call(rest).wait()
            self.checks.that(done == count, "%d of %d %s: every byte right" % (done, count, what))
            read += more
        for worker in crowd + [o[0] for o in others]:
            worker.end()
        print("in the end %.1f GB were read and verified in %.0f s" % (
            read / 1e9, time.monotonic() - started))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("daemon")
    parser.add_argument("bench")
    parser.add_argument("--stalled", type=int, default=9000)
    parser.add_argument("--partial", type=int, default=9000)
    parser.add_argument("--slow", type=int, default=50)
    parser.add_argument("--churn", type=int, default=100000)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--limits", action="store_true")
    args = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    conns = args.stalled + args.partial + 3 * args.slow + 200
    if resource.getrlimit(resource.RLIMIT_NOFILE)[0] < min(conns + 100, PER_WORKER + 100):
        print("isolation: too few descriptors: skipped")
        sys.exit(77)
    checks = Checks()
    with Server([args.daemon, "-m", str(STORE_MB), "--buffer-memory", str(BUFFER_MB),
                 "-c", str(conns), "--send-timeout", "0"]) as server:
        Isolation(args, server, checks).run()
        server.check_end(checks)
    checks.done()


main()
