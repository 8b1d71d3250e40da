#!/usr/bin/python3
"""lombard-bench as a process, against servers that misbehave: statuses, messages, reports.

    test_main.py BENCH

Nothing here measures how fast anything is: what a server does is counted by the server itself.
"""
import concurrent.futures
import csv
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

BENCH = sys.argv[1]
PATIENCE_S = 120
VALID, WRONG, NOT_RUN, NOT_VALID, NO_REPORT = 0, 1, 2, 3, 4
DIRECTORY = tempfile.TemporaryDirectory(prefix="lombard-bench-")


class Checks:
    def __init__(self):
        self.passed = self.failed = 0
        self.lock = threading.Lock()

    def that(self, good, text, *details):
        with self.lock:
            if good:
                self.passed += 1
            else:
                self.failed += 1
                print("NOT: %s %s" % (text, " ".join(str(d) for d in details)), flush=True)

    def equal(self, got, want, text):
        self.that(got == want, text, repr(got), "instead of", repr(want))


check = Checks()


class Server:
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
        """Gone as if killed: nobody listens any more, all connections are broken."""
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


def path(name):
    return os.path.join(DIRECTORY.name, name)


def run(*args):
    """(status, standard output, standard error)."""
    done = subprocess.run([BENCH] + [str(a) for a in args], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=PATIENCE_S,
                          check=False)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def no_constant(name):
    raise ValueError("not JSON: " + name)


def load_json(name):
    with open(name, encoding="utf-8") as f:
        return json.load(f, parse_constant=no_constant)


def report(name, *args):
    """(status, the report of the first server, standard error)."""
    mode = args[:1] if args[0] == "hitratio" else ()
    status, _, said = run(*mode, "-q", "-j", path(name), *args[len(mode):])
    return status, load_json(path(name))["servers"][0], said


# What cannot be run at all.

def nothing_to_run():
    with Server() as server:
        for args, want in (
                (["-d", "0s"], "'--duration' cannot be '0s'"),
                (["--nonsense"], "--nonsense"),
                (["-j", path("no/such/folder")], "no/such/folder"),
                (["--csv", path("no/such/folder")], "no/such/folder"),
                (["hitratio", "--trace", path("none")], path("none")),
                (["--trace", path("none")], path("none"))):
            mode, args = (["hitratio"], args[1:]) if args[0] == "hitratio" else ([], args)
            status, _, said = run(*mode, "-s", server.address, "-q", *args)
            check.equal(status, NOT_RUN, "the status of %s" % args)
            check.that(want in said, "%s says so:" % args, said)
    status, _, said = run("-s", server.address, "-q", "-d", "1s", "-c", "2")
    check.equal(status, NOT_RUN, "the status when nobody listens")
    check.that(server.address in said and "refused" in said, "it is named:", said)


def traces():
    bad = path("bad")
    empty = path("empty")
    with open(bad, "w", encoding="ascii") as f:
        f.write("a 10\nb 10\n\n# c\nc ten\n")
    with open(empty, "w", encoding="ascii"):
        pass
    with Server() as server:
        status, _, said = run("-s", server.address, "-q", "--trace", bad)
        check.equal(status, NOT_RUN, "the status of a bad trace that is read at once")
        check.that(bad in said and "line 5: its size" in said, "the line is named:", said)
        status, result, said = report("bad.json", "hitratio", "-s", server.address, "--trace", bad)
        check.equal(status, NOT_VALID, "the status of a bad trace that is replayed")
        check.that(bad in said and "line 5: its size" in said, "its line is named:", said)
        check.equal(result["requests"], 2, "what came before that line")
        status, result, said = report("empty.json", "hitratio", "-s", server.address,
                                      "--trace", empty)
        check.equal(status, NOT_VALID, "the status of an empty trace")
        check.equal(result["requests_per_s"], 0, "its rate")


def unwritable():
    with Server() as server:
        load = ["-s", server.address, "-k", "10", "-c", "1", "-n", "20"]
        for args in (["-q", "-j", "/dev/full"], ["-q", "--csv", "/dev/full"]):
            status, _, said = run(*load, *args)
            check.equal(status, NO_REPORT, "the status of %s" % args)
            check.that("/dev/full" in said, "it is named:", said)
        for args in ([], ["-j", "-"], ["--csv", "-"]):
            with open("/dev/full", "w", encoding="ascii") as full:
                done = subprocess.run([BENCH] + load + args, stdout=full, check=False,
                                      stderr=subprocess.PIPE, timeout=PATIENCE_S)
            check.equal(done.returncode, NO_REPORT, "the status of %s to a full disk" % args)


def csv_columns():
    name = path("runs.csv")
    with Server() as server:
        load = ["-s", server.address, "-q", "-k", "10", "-c", "1", "-d", "200ms", "--rate", "50",
                "--arrivals", "constant", "--value-size", "10:70,20-30:30", "--csv", name]
        check.equal(run(*load)[0], VALID, "a run with CSV")
        check.equal(run(*load)[0], VALID, "a second one")
        with open(name, newline="", encoding="utf-8") as f:
            rows = list(csv.DictReader(f))
        check.equal(len(rows), 2, "a line each")
        for row in rows:
            check.equal((row["requests"], row["errors"], row["rate"], row["lost_connections"]),
                        ("10", "0", "50", "0"), "its counts")
            check.equal(row["value_size"], "10:70,20-30:30", "its sizes")
            check.that(row["time"].startswith("20") and row["time"].endswith("Z"), "its time")
            check.that(float(row["seconds"]) >= 0.2, "its seconds")
        with open(path("old.csv"), "w", encoding="ascii") as f:
            f.write("server,round\nx,1\n")
        status, _, said = run(*load[:-1], path("old.csv"))
        check.equal(status, NOT_RUN, "the status of a file with other columns")
        check.that("other columns" in said, "it is said:", said)


# Servers that go away or do not answer.

class Leaves(Server):
    """Is gone after so many gets."""

    after = 200

    def get(self, f, keys):
        if self.gets >= self.after:
            self.leave()
            return False
        return Server.get(self, f, keys)


def server_gone():
    with Leaves() as server:
        status, result, said = report("gone.json", "-s", server.address, "-k", "10", "-c", "2",
                                      "-r", "1:0", "-d", "1s")
        check.equal(status, NOT_VALID, "the status when the server is gone")
        check.that("the server is gone" in said, "that is said:", said)
        check.that(result["seconds"] >= 1, "the time is that of the run:", result["seconds"])
        check.that(result["requests_per_s"] <= result["requests"] / 0.99, "and so is the rate")
        check.that(result["seconds_without_connection"] > 0, "time without a connection")
        check.equal(result["rounds"][0]["sound"], False, "the round is not sound")


def compared_with_one_that_goes():
    with Server() as first, Leaves() as second:
        status, _, _ = run("-q", "-j", path("dead.json"), "-s", first.address, "--compare",
                           second.address, "-k", "10", "-c", "2", "-r", "1:0", "-d", "300ms",
                           "--rounds", "4")
        check.equal(status, NOT_VALID, "the status when one of two is gone")
        ratios = load_json(path("dead.json"))["ratios_of_first"][0]
        check.equal(ratios["requests_per_s"]["median"], None, "nothing to compare with")


class Refuses(Server):
    def command(self, s, f, words):
        if words[0] == b"set":
            f.read(int(words[4]) + 2)
        f.write(b"SERVER_ERROR not today\r\n")
        return True


def refuses_everything():
    with Refuses() as server:
        status, result, said = report("refuses.json", "-s", server.address, "-k", "10", "-c", "2",
                                      "-n", "100")
        check.equal(status, NOT_VALID, "the status when everything is refused")
        check.that("every get was answered with an error" in said, "it is said of gets:", said)
        check.that("every set was answered with an error" in said, "it is said of sets:", said)
        check.equal((result["error_replies"], result["errors"]),
                    (100, {"SERVER_ERROR not today": 100}), "the errors")
        status, result, said = report("nofill.json", "-s", server.address, "-k", "50", "-c", "2",
                                      "--fill", "-n", "10")
        check.equal(result["fill"]["missing"], 50, "keys missing")
        check.that("50 of 50 keys could not be stored" in said, "that is said:", said)


class RefusesSets(Refuses):
    def command(self, s, f, words):
        if words[0] == b"get":
            return Server.command(self, s, f, words)
        return Refuses.command(self, s, f, words)


def refuses_one_kind():
    with RefusesSets() as server:
        status, _, said = run("-s", server.address, "-q", "-k", "10", "-c", "2", "-r", "400:1",
                              "-n", "2000", "--seed", "3")
        check.equal(status, NOT_VALID, "the status when every set is refused")
        check.that("every set was answered" in said, "it is said:", said)


class Closes(Server):
    def command(self, s, f, words):
        return words[0] == b"stats"


class TurnsAway(Server):
    def serve(self, s):
        s.sendall(b"ERROR Too many open connections\r\n")
        time.sleep(0.02)
        s.close()


def closes_at_once():
    for kind, name, protocols in ((Closes, "close", ("text", "meta")),
                                  (TurnsAway, "away", ("text", "binary"))):
        for protocol in protocols:
            with kind() as server:
                status, result, said = report(
                    "%s-%s.json" % (name, protocol), "-s", server.address, "-k", "10", "-c", "2",
                    "-r", "1:0", "-d", "400ms", "--protocol", protocol)
                check.equal(status, NOT_VALID, "the status when it closes (%s, %s)" % (
                    name, protocol))
                check.equal(result["unreadable_replies"], 0, "nothing is unreadable")
                check.that(server.accepted < 40, "connecting has pauses (%s, %s):" % (name, protocol), server.accepted)
                check.that("connections were lost" in said, "that is said:", said)


class Freezes(Server):
    """Answers no more after a number of gets."""

    after = 100

    def get(self, f, keys):
        if self.gets >= self.after:
            f.flush()
            time.sleep(PATIENCE_S)
        return Server.get(self, f, keys)


def freezes():
    with Freezes() as server:
        status, result, said = report("frozen.json", "-s", server.address, "-k", "10", "-c", "3",
                                      "-r", "1:0", "-d", "1200ms", "--timeout", "300ms")
        latency = result["latency_us"]["all"]
        check.equal(status, NOT_VALID, "the status when it freezes")
        check.that("never answered" in said, "that is said:", said)
        check.equal(result["ended"], "done", "it goes on all the same")
        check.that(result["timed_out_requests"] >= 3, "they time out:",
                   result["timed_out_requests"])
        check.equal(latency["count"], result["requests"] + result["lost_requests"],
                    "what is never answered is among the latencies")
        check.that(latency["max"] >= 300000, "with its age:", latency["max"])
        status, result, said = report("frozen-open.json", "-s", server.address, "-k", "10",
                                      "-c", "2", "-r", "1:0", "-d", "1s", "--rate", "100",
                                      "--timeout", "200ms")
        response = result["latency_us"]["response"]
        check.that(response["count"] + 2 >= 80, "all that came due counts:", response["count"])
        check.that(0 <= response["max"] < 60e6, "no response time is absurd:", response["max"])
        check.that(response["p90"] >= 200000, "and the freeze shows:", response["p90"])


class DropsOne(Server):
    """Closes its first connection after a few gets, and accepts no more."""

    def __init__(self):
        self.full = []
        self.dropped = False
        Server.__init__(self, backlog=1)

    def get(self, f, keys):
        with self.lock:
            drop = self.gets >= 40 and not self.dropped
            self.dropped = self.dropped or drop
        if drop:
            self.listener_is_full()
        return Server.get(self, f, keys) and not drop

    def accept(self):
        while self.accepted < 3: # the first asks for the process
            s = self.listener.accept()[0]
            self.accepted += 1
            threading.Thread(target=self.serve, args=(s,), daemon=True).start()

    def listener_is_full(self):
        """Whoever connects now waits for an answer that does not come."""
        for _ in range(4):
            s = socket.socket()
            s.setblocking(False)
            s.connect_ex(self.listener.getsockname())
            self.full.append(s)
        time.sleep(0.05)


def reconnecting_holds_up_nobody():
    with DropsOne() as server:
        status, result, _ = report("drops.json", "-s", server.address, "-k", "10", "-c", "2",
                                   "-r", "1:0", "-d", "2s", "--rate", "100", "--pipeline", "64")
        check.equal(status, NOT_VALID, "the status when a connection was lost")
        check.equal(result["lost_connections"], 1, "lost connections")
        check.that(result["requests"] > 100, "the other one goes on:", result["requests"])
        check.that(result["connection_seconds_lost"] > 0.5, "the lost time is stated:",
                   result["connection_seconds_lost"])
        check.equal(result["seconds_without_connection"], 0, "one was always there")


class DropsGets(Server):
    """Closes the connection at every 50th get."""

    def get(self, f, keys):
        Server.get(self, f, keys)
        return self.gets % 50 != 0


def reconnects():
    with DropsGets() as server:
        status, result, _ = report("again.json", "-s", server.address, "-k", "10", "-c", "1",
                                   "-r", "1:0", "-n", "275")
        check.equal(status, NOT_VALID, "the status when connections were lost")
        check.equal((result["requests"], result["lost_requests"], result["lost_connections"]),
                    (270, 5, 5), "what came of 275 requests")
        check.that(0 < result["connection_seconds_lost"] < 30, "the time without one connection:",
                   result["connection_seconds_lost"])
        check.equal(result["seconds_without_connection"], result["connection_seconds_lost"],
                    "is that without any")
        check.equal(server.accepted, 7, "each was replaced once")


# Signals.

def interrupted():
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        with Server() as server:
            name = path("signal%d.json" % number)
            process = subprocess.Popen(
                [BENCH, "-s", server.address, "-k", "100", "-c", "2", "-d", "100s", "-j", name],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                preexec_fn=lambda n=number: signal.signal(n, signal.SIG_DFL))
            while server.gets < 50:
                time.sleep(0.01)
            process.send_signal(number)
            out, said = process.communicate(timeout=PATIENCE_S)
            check.equal(process.returncode, 128 + number, "the status after signal %d" % number)
            check.that(b"requests  " in out and b"interrupted" in out, "what was measured:", out)
            check.that(b"ended by signal %d" % number in said, "that is said:", said)
            result = load_json(name)
            check.equal(result["verdict"]["status"], 128 + number, "the status in JSON")
            result = result["servers"][0]
            check.that(result["requests"] >= 40 and result["seconds"] < 90, "and the figures")
            check.equal(result["lost_requests"], 0, "what was in flight was still awaited")


# Answers that come early.

class Early(Server):
    """Answers a set before its value has come; then it reads it, or closes."""

    answer = b"SERVER_ERROR object too large for cache\r\n"
    closes = False

    def set(self, s, f, words):
        self.sets += 1  # now: of the last one the rest need not come any more
        s.sendall(self.answer)
        time.sleep(0.01)
        if self.closes:
            return False
        f.read(int(words[4]) + 2)
        return True


class EarlyAndGone(Early):
    closes = True


class EarlyStored(Early):
    answer = b"STORED\r\n"


def early_answers():
    load = ["-k", "20", "-c", "2", "-r", "1:1", "-n", "60", "--value-size", "8m"]
    with Early() as server:
        status, result, said = report("early.json", "-s", server.address, *load)
        check.equal(status, NOT_VALID, "the status when every set is refused early")
        check.equal(result["unreadable_replies"], 0, "an early refusal is readable")
        check.equal(result["lost_connections"], 0, "and no connection is lost by it")
        check.equal(result["requests"], 60, "everything was answered")
        check.equal(result["errors"], {"SERVER_ERROR object too large for cache": server.sets},
                    "each refusal counts once")
    with EarlyAndGone() as server:
        status, result, said = report("early-gone.json", "-s", server.address, *load)
        check.equal(status, NOT_VALID, "the status when it closes, too")
        check.equal((result["unreadable_replies"], result["mismatches"]), (0, 0), "nothing wrong")
        check.that(result["error_replies"] > 0, "its refusals were read:", said)
    with EarlyStored() as server:
        status, _, said = run("-s", server.address, "-q", *load)
        check.equal(status, WRONG, "the status when it stores what it has not seen")
        check.that("before the whole request was sent" in said, "that is said:", said)


class QuietErrors(Server):
    """Of the meta protocol: every third quiet store fails, and only that is answered."""

    def command(self, s, f, words):
        if words[0] == b"mg":
            f.write(b"EN\r\n")
        elif words[0] == b"ms":
            f.read(int(words[2]) + 2)
            self.sets += 1
            if b"q" not in words[3:]:
                f.write(b"HD\r\n")
            elif self.sets % 3 == 0:
                f.write(b"SERVER_ERROR not this one\r\n")
        else:
            return Server.command(self, s, f, words)
        return True


def quiet_errors():
    with QuietErrors() as server:
        status, result, _ = report("quiet.json", "-s", server.address, "--protocol", "meta", "-k",
                                   "20", "-c", "2", "-r", "1:3", "--noreply", "--pipeline", "8",
                                   "-n", "400")
        check.equal(status, NOT_VALID, "the status when quiet stores fail")
        check.equal((result["unreadable_replies"], result["mismatches"]), (0, 0), "none is wrong")
        check.that(result["error_replies"] > 0, "but they are counted")
        check.equal(result["timed_out_requests"], 0, "and nothing is waited for in vain")


# What is counted.

class DropsSets(Server):
    """Closes the connection at every 50th set, at first."""

    seen = 0

    def set(self, s, f, words):
        with self.lock:
            self.seen += 1
            drop = self.seen % 50 == 0 and self.seen < 2000
        if drop:
            f.read(int(words[4]) + 2)
            return False
        return Server.set(self, s, f, words)


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


def counts_with_a_rate():
    with Server() as server:
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


class Evicts(Server):
    """Keeps a value for so many gets only."""

    def get(self, f, keys):
        with self.lock:
            if self.gets % 100 == 99:
                self.values.clear()
        return Server.get(self, f, keys)


def hit_ratios():
    trace = path("bursts")
    with open(trace, "w", encoding="ascii") as f:
        for i in range(500):
            f.write("k%d 30\n" % i * 3)
    for more in (["-c", "1", "--pipeline", "1"], [], ["-c", "4", "--pipeline", "16"],
                 ["-c", "4", "--pipeline", "16", "--rate", "20000"]):
        with Server() as server:
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
        with Server() as server:
            _, result, _ = report("sizes.json", "-s", server.address, "--fill", "-k", "300", "-c",
                                  "4", "--pipeline", "8", "--value-size", "100:70,1k-4k:30",
                                  "--distribution", "zipf:1.2", "-r", "1:0", "-n", "1000",
                                  "--seed", str(seed))
            sizes = result["value_bytes"]
            check.equal(sizes["mean_of_keys"], 838.0, "what is expected")
            means.append(sizes["mean_read"])
    check.that(len(set(round(m) for m in means)) > 8, "the seed decides who is popular:", means)
    check.that(500 < sum(means) / len(means) < 1250, "and on average sizes are right:", means)


TESTS = (interrupted, reconnecting_holds_up_nobody, reconnects, server_gone, compared_with_one_that_goes,
         freezes, closes_at_once, early_answers, quiet_errors, a_fill_is_whole, hit_ratios, counts_with_a_rate,
         sizes_of_popular_keys, refuses_everything, refuses_one_kind, nothing_to_run, traces,
         unwritable, csv_columns)


def guarded(test):
    started = time.monotonic()
    try:
        test()
    except Exception as error: # pylint: disable=broad-except
        check.that(False, "%s ends: %r" % (test.__name__, error))
    return test.__name__, time.monotonic() - started


def main():
    wanted = [t for t in TESTS if len(sys.argv) < 3 or t.__name__ in sys.argv[2:]]
    with DIRECTORY, concurrent.futures.ThreadPoolExecutor(4) as pool:
        for name, seconds in pool.map(guarded, wanted):
            print("%-32s %5.1f s" % (name, seconds))
    print("%d passed, %d failed" % (check.passed, check.failed))
    sys.stdout.flush()
    os._exit(1 if check.failed else 0) # threads of servers that sleep


main()
