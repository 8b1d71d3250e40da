#!/usr/bin/python3
"""What is answered by HTTP, against `stats`: metrics in both formats, JSON, health; and to whom.

    endpoints.py LOMBARD
"""
import base64
import email.utils
import json
import os
import re
import shutil
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "helpers"))

import prometheus
from checks import Checks
from client import ask, connect, stats
from http_client import Connection, ask as get, port_of
from server import Server, end_on_sigterm

OPEN = "Accept: application/openmetrics-text; version=1.0.0\r\n"
# These change from one question to the next.
RESTLESS = {"rusage_user", "rusage_system", "time", "uptime", "bytes_read", "bytes_written",
            "conn_dispatches", "curr_connections", "http_connections", "total_connections",
            "connection_structures", "task_bytes", "http_requests", "conn_closed_eof"}
PLAIN = ["curr_items", "get_hits", "get_misses", "cmd_set", "total_items", "bytes", "evictions"]

checks = Checks()


def fill(server):
    s = connect(server)
    for i in range(20):
        ask(s, b"set k%d 0 0 3\r\nabc\r\n" % i)
        ask(s, b"get k%d\r\n" % i, b"END\r\n")
    ask(s, b"get nothing\r\n", b"END\r\n")
    ask(s, b"cas k1 0 0 1 999999\r\nx\r\n")
    return s


def check_metrics(http, s, openmetrics):
    text = "OpenMetrics" if openmetrics else "text"
    answer = get(http, "/metrics", fields=OPEN if openmetrics else "")
    checks.equal(answer.status, 200, text)
    checks.equal(answer.fields["content-type"].split(";")[0],
                 "application/openmetrics-text" if openmetrics else "text/plain", text)
    metrics = prometheus.parse(answer.body, openmetrics)
    end = "" if openmetrics else "_total"
    plain = stats(s)
    commands = metrics["memcached_commands" + end]
    checks.equal(commands.value(command="get", status="hit"), float(plain["get_hits"]), "get hits")
    checks.equal(commands.value(command="get", status="miss"), float(plain["get_misses"]), "misses")
    checks.equal(commands.value(command="cas", status="badval"), 1.0, "badval")
    checks.equal(commands.value(command="set", status="hit"),
                 float(int(plain["cmd_set"]) - 1), "sets without cas")
    for name, stat in (("current_items", "curr_items"), ("current_bytes", "bytes"),
                       ("limit_bytes", "limit_maxbytes"), ("max_connections", "max_connections"),
                       ("items_evicted" + end, "evictions")):
        checks.equal(metrics["memcached_" + name].value(), float(plain[stat]), name)
    checks.equal(metrics["memcached_version"].value(version=plain["version"]), 1.0, "version")
    checks.equal(metrics["lombard_version" + ("" if openmetrics else "_info")].value(value=plain["lombard_version"]), 1.0, "Lombard's own")
    checks.equal([name for name in metrics if re.match(r"([a-z]+_)\1", name)], [], "doubled prefixes")
    checks.equal(metrics["memcached_up"].value(), 1.0, "up")
    checks.equal(metrics["memcached_slab_current_items"].value(slab="1"), 20.0, "items of a class")
    closed = metrics["lombard_conn_closed" + end]
    checks.equal(closed.value(reason="shed_pins"), 0.0, "closed")
    store = stats(s, " store")
    parts = [metrics["lombard_store_%s_bytes" % part].value()
             for part in ("live", "header", "dead", "index", "pinned", "free")]
    checks.equal(sum(parts), float(store["limit_bytes"]), "every byte of -m")
    checks.that("lombard_conn_age_seconds" not in metrics, "no connection is a series")


def check_promtool(http):
    tool = shutil.which("promtool")
    if tool is None:
        print("promtool is not installed: not asked")
        return
    done = subprocess.run([tool, "check", "metrics"], input=get(http, "/metrics").body,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    checks.equal((done.returncode, done.stdout.decode()), (0, ""), "promtool")


def check_json(http, s):
    whole = json.loads(get(http, "/stats.json").body)
    for group in ("", "settings", "buffers", "store", "items", "slabs"):
        want = stats(s, " " + group if group else "")
        got = whole[group or "stats"]
        checks.equal(list(got), list(want), "the names of %s" % (group or "stats"))
        for name in want:
            if name not in RESTLESS and not name.startswith(("rbufs_", "wbufs_", "conn_", "latency", "event")) and group != "buffers":
                checks.equal(str(got[name]), want[name], name)
    checks.that("conns" in whole["lists"] and "conns" not in whole, "a list is only named")
    conns = json.loads(get(http, "/stats.json?group=conns").body)["conns"]
    checks.that(any(v == "http" for v in conns.values()), "HTTP is among the connections")
    top = json.loads(get(http, "/stats.json?group=conns+top+requests+3").body)["conns"]
    checks.equal(top["query"], "top requests 3", "a query")
    checks.that(any(name.endswith(":addr") for name in top), "connections with the most requests")
    checks.equal(get(http, "/stats.json?group=conns+foo").status, 400, "a query that makes no sense")
    events = json.loads(get(http, "/stats.json?group=events+2").body)["events"]
    checks.that(0 < len(events) <= 2 and all("event=" in v for v in events.values()), "events", events)
    checks.equal(get(http, "/stats.json?group=nothing").status, 404, "a group that there is not")
    before = stats(s)["get_hits"]
    for verb in ("reset", "detail+on", "detail%20dump"):
        checks.equal(get(http, "/stats.json?group=" + verb).status, 404, verb)
    checks.equal(stats(s)["get_hits"], before, "nothing is reset")


def check_shared(http, s):
    """Many at once are shown the same; one that asks seldom, the present."""
    many = [Connection(http) for _ in range(20)]
    for c in many:
        c.socket.sendall(b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n")
    bodies = [c.answer().body for c in many]
    checks.that(all(prometheus.parse(body) for body in bodies), "each is whole")
    checks.that(int(stats(s)["http_shared"]) >= len(bodies) - len(set(bodies)), "what is shared is counted")
    for c in many:
        c.close()
    time.sleep(0.5)  # five times as long as an answer is shown again
    ask(s, b"get k3\r\n", b"END\r\n")
    now = prometheus.parse(get(http, "/metrics").body)["memcached_commands_total"]
    checks.equal(now.value(command="get", status="hit"), float(stats(s)["get_hits"]), "the present")


def check_date(http):
    for target in ("/metrics", "/healthz", "/nothing"):
        date = email.utils.parsedate_to_datetime(get(http, target).fields["date"])
        checks.that(abs(date.timestamp() - time.time()) < 60, "the date of", target, date)


def check_connections(http):
    check_date(http)
    c = Connection(http)
    for _ in range(3):
        checks.equal(c.ask("/healthz").body, b"ok\n", "health")
        checks.equal(c.ask("/metrics", method="HEAD").body, b"", "HEAD")
        checks.equal(c.ask("/nothing").status, 404, "404")
    c.socket.sendall(b"GET /stats.json HTTP/1.1\r\nHost: a\r\n\r\n" * 10)
    for _ in range(10):
        checks.that("stats" in json.loads(c.answer().body), "pipelined")
    checks.equal(c.ask("/", method="DELETE").status, 405, "DELETE")
    checks.equal(c.file.read(), b"", "it closes behind what it did not read")
    c.close()
    answer = get(http, "/metrics", version="1.0")
    checks.equal(answer.fields.get("connection"), "close", "1.0")
    prometheus.parse(answer.body)


def check_hostile_names(http, s):
    """Bytes that clients choose come out as text."""
    del s
    for target in ("/%00", "/<script>", "/..%2f..%2fetc%2fpasswd", "//", "/stats.json/", "/metrics%20"):
        answer = get(http, target)
        checks.that(answer.status in (400, 404), target)
        checks.that(b"script" not in answer.body, target)


def check_passwords(lombard, directory):
    path = os.path.join(directory, "passwords")
    with open(path, "w", encoding="ascii") as file:
        file.write("scraper:two words\n")
    os.chmod(path, 0o644)
    socket_path = os.path.join(directory, "http")
    with Server([lombard, "--http", socket_path, "-a", "0777", "-Y", path, "-vv"]) as server:
        wanted = base64.b64encode(b"scraper:two words").decode()
        checks.equal(get(socket_path, "/").status, 401, "the page without a password")
        checks.that("Basic" in get(socket_path, "/metrics").fields["www-authenticate"], "how")
        checks.equal(get(socket_path, "/metrics", fields="Authorization: Basic eA==\r\n").status, 401,
                     "a wrong password")
        with connect(server) as s:
            ask(s, b"set login 0 0 17\r\nscraper two words\r\n")
            checks.that(any("event=refused reason=authentication" in event
                            for event in stats(s, " events").values()), "a wrong one is an event")
        checks.equal(get(socket_path, "/healthz").status, 200, "health is for all")
        answer = get(socket_path, "/metrics", fields="Authorization: Basic %s\r\n" % wanted)
        checks.equal(answer.status, 200, "with a password")
        prometheus.parse(answer.body)
        with open(server.log_path, encoding="ascii") as log:
            text = log.read()
        checks.that("two words" not in text and wanted not in text, "no password is logged")
        server.check_end(checks)
    checks.that(not os.path.exists(socket_path), "the socket is removed")


def check_drain(lombard):
    """While a client takes its last answer, health says that the server goes; then it goes."""
    with Server([lombard, "--http", "127.0.0.1:0", "--drain-time", "20", "-I", "8m"]) as server:
        http = port_of(server)
        s = connect(server, 4096)
        ask(s, b"set big 0 0 4000000\r\n" + b"x" * 4000000 + b"\r\n")
        s.sendall(b"get big\r\n" * 4)
        time.sleep(0.3)
        idle = Connection(http)
        checks.equal(idle.ask("/healthz").body, b"ok\n", "before")
        server.process.terminate()
        end = time.monotonic() + 60
        while get(http, "/healthz").status != 503 and time.monotonic() < end:
            time.sleep(0.05)
        answer = get(http, "/healthz")
        checks.equal((answer.status, answer.body), (503, b"draining\n"), "while it drains")
        checks.equal(get(http, "/metrics").status, 200, "metrics to the end")
        s.close()
        server.process.wait(60)
        checks.equal(server.process.returncode, 0, "it ends")
        idle.close()


def main():
    end_on_sigterm()
    lombard = sys.argv[1]
    with Server([lombard, "--http", "127.0.0.1:0", "-vv"]) as server:
        http = port_of(server)
        s = fill(server)
        with open(server.log_path, encoding="ascii") as log:
            checks.that("LISTEN_FDS" not in log.read(), "no service manager is spoken of")
        check_metrics(http, s, False)
        check_metrics(http, s, True)
        check_promtool(http)
        check_json(http, s)
        check_connections(http)
        check_shared(http, s)
        check_hostile_names(http, s)
        server.check_end(checks)
        check_passwords(lombard, server.dir)
    check_drain(lombard)
    checks.done()


if __name__ == "__main__":
    main()
