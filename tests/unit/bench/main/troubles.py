"""Servers that go away, refuse, freeze or answer too early: what is noticed and counted."""
import contextlib
import socket
import threading
import time

from bench_process import NOT_VALID, PATIENCE_S, VALID, WRONG, load_json, path, report, run
from fake_server import FakeServer
from shared import check


# Servers that go away or do not answer.

class Leaves(FakeServer):
    """Ends after a number of gets."""

    after = 200

    def get(self, f, keys):
        if self.gets >= self.after:
            self.leave()
            return False
        return FakeServer.get(self, f, keys)


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


class LeavesAtTheFirst(Leaves):
    """No round has a reply, however short or slow it is."""

    after = 0


def compared_with_one_that_goes():
    with FakeServer() as first, LeavesAtTheFirst() as second:
        status, _, _ = run("-q", "-j", path("dead.json"), "-s", first.address, "--compare",
                           second.address, "-k", "10", "-c", "2", "-r", "1:0", "-d", "300ms",
                           "--rounds", "4")
        check.equal(status, NOT_VALID, "the status when one of two is gone")
        ratios = load_json(path("dead.json"))["ratios_of_first"][0]
        check.equal(ratios["requests_per_s"]["median"], None, "nothing to compare with")


class Refuses(FakeServer):
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
            return FakeServer.command(self, s, f, words)
        return Refuses.command(self, s, f, words)


def refuses_one_kind():
    with RefusesSets() as server:
        status, _, said = run("-s", server.address, "-q", "-k", "10", "-c", "2", "-r", "400:1",
                              "-n", "2000", "--seed", "3")
        check.equal(status, NOT_VALID, "the status when every set is refused")
        check.that("every set was answered" in said, "it is said:", said)


class Closes(FakeServer):
    def command(self, s, f, words):
        return words[0] == b"stats"


class TurnsAway(FakeServer):
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


class Freezes(FakeServer):
    """Answers no more after a number of gets."""

    after = 100

    def get(self, f, keys):
        if self.gets >= self.after:
            f.flush()
            time.sleep(PATIENCE_S)
        return FakeServer.get(self, f, keys)


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


class TakesItsTime(FakeServer):
    def get(self, f, keys):
        time.sleep(0.02)
        return FakeServer.get(self, f, keys)


def a_lack_of_connections():
    """An open loop of 200/s and one connection of 50/s: what is missing is said."""
    with TakesItsTime() as server:
        status, _, said = run("-q", "-s", server.address, "-k", "20", "-r", "1:0", "-c", "1", "--pipeline", "1", "--rate", "200",
                              "-d", "1500ms", "-w", "0")
    check.equal(status, NOT_VALID, "an open loop that waits: " + said)
    if "arrivals were not as planned" in said: # else the machine was too slow for enough of them
        check.that("had to wait for a connection: more --connections, or a --pipeline" in said, "and what to do:", said)


class DropsOne(FakeServer):
    """Closes its first connection after a few gets, and accepts no more."""

    def __init__(self):
        self.full = []
        self.dropped = False
        FakeServer.__init__(self, backlog=1)

    def get(self, f, keys):
        with self.lock:
            drop = self.gets >= 40 and not self.dropped
            self.dropped = self.dropped or drop
        if drop:
            self.listener_is_full()
        return FakeServer.get(self, f, keys) and not drop

    def accept(self):
        while self.accepted < 3: # the first asks for the process
            s = self.listener.accept()[0]
            self.accepted += 1
            threading.Thread(target=self.serve, args=(s,), daemon=True).start()

    def listener_is_full(self):
        """A client that connects now waits for an answer that does not come."""
        for _ in range(4):
            s = socket.socket()
            s.setblocking(False)
            s.connect_ex(self.listener.getsockname())
            self.full.append(s)
        time.sleep(0.05)


def reconnecting_delays_no_other():
    with DropsOne() as server:
        status, result, _ = report("drops.json", "-s", server.address, "-k", "10", "-c", "2",
                                   "-r", "1:0", "-d", "2s", "--rate", "100", "--pipeline", "64")
        check.equal(status, NOT_VALID, "the status when a connection was lost")
        check.equal(result["lost_connections"], 1, "lost connections")
        check.that(result["requests"] > 100, "the other one goes on:", result["requests"])
        check.that(result["connection_seconds_lost"] > 0.5, "the lost time is stated:",
                   result["connection_seconds_lost"])
        check.equal(result["seconds_without_connection"], 0, "one was always there")


class DropsGets(FakeServer):
    """Closes the connection at every 50th get."""

    def get(self, f, keys):
        FakeServer.get(self, f, keys)
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


class SaysGoodBye(FakeServer):
    """Closes each connection with the reply to its get: both come as one."""

    def get(self, f, keys):
        return False

    def serve(self, s):
        with s.makefile("rb") as f:
            if f.readline():
                s.send(b"END\r\n", socket.MSG_MORE)
        with contextlib.suppress(OSError):  # the other end may be gone
            s.shutdown(socket.SHUT_RDWR)
        s.close()


def an_end_behind_a_reply():
    with SaysGoodBye() as server:
        status, result, said = report("bye.json", "-s", server.address, "-k", "10", "-c", "40", "-r", "1:0", "-n", "80",
                                      "--rate", "100", "--arrivals", "constant")
        check.equal((status, result["requests"] + result["lost_requests"]), (NOT_VALID, 80), "it ends: " + said)
        check.that(result["lost_requests"] < 20, "none is sent where the end has come:", result["lost_requests"])


def long_replies():
    for clients in ("1", "8"):
        with FakeServer() as server:
            status, result, said = report("long.json", "-s", server.address, "-k", "8", "-c", clients, "-r", "1:0", "-n", "40",
                                          "--value-size", "1500000", "--fill")
            check.equal((status, result["hits"], result["timed_out_requests"]), (VALID, 40, 0), "replies of several reads: " + said)


# Answers that come early.

class Early(FakeServer):
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


class QuietErrors(FakeServer):
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
            return FakeServer.command(self, s, f, words)
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


TESTS = (a_lack_of_connections, an_end_behind_a_reply, long_replies, reconnecting_delays_no_other, reconnects, server_gone,
         compared_with_one_that_goes, freezes, closes_at_once, early_answers, quiet_errors, refuses_everything, refuses_one_kind)
