"""Runs that cannot begin, reports that cannot be written, signals: messages and exit statuses."""
import csv
import signal
import subprocess
import time

from bench_process import (BENCH, NOT_RUN, NOT_VALID, NO_REPORT, PATIENCE_S, VALID, load_json, path,
                           report, run)
from fake_server import FakeServer
from shared import check


# What cannot be run at all.

def nothing_to_run():
    with FakeServer() as server:
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
    check.equal(status, NOT_RUN, "the status when no server listens")
    check.that(server.address in said and "refused" in said, "it is named:", said)


def traces():
    bad = path("bad")
    empty = path("empty")
    with open(bad, "w", encoding="ascii") as f:
        f.write("a 10\nb 10\n\n# c\nc ten\n")
    with open(empty, "w", encoding="ascii"):
        pass
    with FakeServer() as server:
        status, _, said = run("-s", server.address, "-q", "--trace", bad)
        check.equal(status, NOT_RUN, "the status of a bad trace that is read before the run")
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
    with FakeServer() as server:
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
    with FakeServer() as server:
        load = ["-s", server.address, "-q", "-k", "10", "-c", "1", "-d", "200ms", "--rate", "50",
                "--arrivals", "constant", "--value-size", "10:70,20-30:30", "--csv", name]
        for which in ("a run", "a second one"):
            check.that(run(*load)[0] in (VALID, NOT_VALID), which, "with CSV: a busy host may be late")
        with open(name, newline="", encoding="utf-8") as f:
            rows = list(csv.DictReader(f))
        check.equal(len(rows), 2, "a line each")
        for row in rows:
            check.equal((row["errors"], row["rate"], row["lost_connections"]), ("0", "50", "0"), "its counts")
            check.that(5 <= int(row["requests"]) <= 10, "its requests:", row["requests"])
            check.equal(row["value_size"], "10:70,20-30:30", "its sizes")
            check.that(row["time"].startswith("20") and row["time"].endswith("Z"), "its time")
            check.that(float(row["seconds"]) >= 0.2, "its seconds")
        with open(path("old.csv"), "w", encoding="ascii") as f:
            f.write("server,round\nx,1\n")
        status, _, said = run(*load[:-1], path("old.csv"))
        check.equal(status, NOT_RUN, "the status of a file with other columns")
        check.that("other columns" in said, "it is said:", said)


# Signals.

def interrupted():
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        with FakeServer() as server:
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


TESTS = (interrupted, nothing_to_run, traces, unwritable, csv_columns)
