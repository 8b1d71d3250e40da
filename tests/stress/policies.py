#!/usr/bin/python3
"""Each policy of a running daemon: its option, what happens, and its counter.

    policies.py DAEMON [POLICY...]

Times are only ever waited for, however long it takes: a slow machine fails nothing.
vanished needs the right to make network namespaces, and ip(8); else it is skipped.
"""
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "helpers"))

from checks import Checks
from client import PATIENCE_S, ask, connect, stats, value, wait_for_stat
from server import Server

TOO_MANY = b"ERROR Too many open connections\r\n"


def stall(server, key=b"v"):
    s = connect(server, 4096)
    s.sendall(b"get" + b" " + b" ".join([key] * 64) + b"\r\n")
    return s


def store(s, key, size):
    return ask(s, b"set %s 0 0 %d\r\n%s\r\n" % (key, size, value(1, size)))


def buffers(checks, daemon):
    """--buffer-memory: the longest-stalled connection is closed, and the limit is kept."""
    with Server([daemon, "--buffer-memory", "1"]) as server:
        good = connect(server)
        store(good, b"v", 300000)
        clients = [stall(server) for _ in range(100)]
        checks.that(wait_for_stat(good, "conn_closed_shed_buffers", 40) >= 40,
                    "buffers: the longest-stalled are closed")
        checks.that(store(good, b"w", 1000) == b"STORED\r\n", "buffers: others are served")
        held = stats(good, " buffers")
        checks.that(int(held["buffers_limit"]) == (1 << 20) // int(held["buffer_bytes"]), "buffers: the option is the limit")
        checks.that(int(held["buffers_made"]) <= 64, "buffers: the limit is kept")
        checks.that(int(stats(good)["rbufs_waiting"]) > 0, "buffers: waiting connections are counted")
        for s in clients:
            s.close()


def send_timeout(checks, daemon):
    """--send-timeout: a client that does not read is closed; an idle one is not."""
    with Server([daemon, "--send-timeout", "1"]) as server:
        good = connect(server)
        idle = connect(server)
        store(good, b"v", 300000)
        s = stall(server)
        checks.that(wait_for_stat(good, "conn_closed_stalled", 1) == 1,
                    "send-timeout: the one that does not read is closed")
        checks.that(ask(idle, b"version\r\n")[:7] == b"VERSION", "send-timeout: no other client")
        s.close()


def idle_timeout(checks, daemon):
    """--idle-timeout: a silent client is closed, also after a partial command."""
    with Server([daemon, "--idle-timeout", "1"]) as server:
        silent, partial = connect(server), connect(server)
        partial.sendall(b"get a")
        checks.that(silent.recv(1) == b"", "idle-timeout: the silent one is closed")
        checks.that(partial.recv(1) == b"", "idle-timeout: so is one with a partial command")
        checks.that(int(stats(connect(server))["conn_closed_idle"]) == 2, "idle-timeout: counted")


def peer_timeout(checks, daemon):
    """--peer-timeout: whose host acknowledges is not closed, however long it does not read."""
    with Server([daemon, "--peer-timeout", "1"]) as server:
        good = connect(server)
        store(good, b"v", 300000)
        s = stall(server)
        time.sleep(5)  # the kernel asks ever more rarely whether it reads again
        want = 64 * (300000 + len(b"VALUE v 0 300000\r\n\r\n")) + len(b"END\r\n")
        while want > 0:
            got = len(s.recv(1 << 20))
            if got == 0:
                break
            want -= got
        checks.that(want == 0, "peer-timeout: one that pauses gets all")
        checks.that(int(stats(good)["conn_closed_vanished"]) == 0, "peer-timeout: no client is closed")


def pause(checks, daemon):
    """A process that stood still closes none of those that spoke meanwhile."""
    with Server([daemon, "--idle-timeout", "5", "--send-timeout", "5"]) as server:
        clients = [connect(server) for _ in range(400)]
        for s in clients:
            ask(s, b"version\r\n")
        os.kill(server.process.pid, signal.SIGSTOP)
        for s in clients:
            s.sendall(b"get a\r\n")
        time.sleep(6)
        os.kill(server.process.pid, signal.SIGCONT)
        answers = [s.recv(100) for s in clients]
        checks.that(answers == [b"END\r\n"] * len(clients), "pause: all are answered")
        checks.that(int(stats(connect(server))["lapses"]) >= 1, "pause: noticed")


def pins(checks, daemon):
    """Pinned memory: slow readers and writers are closed when a client has to store."""
    with Server([daemon, "-m", "8"]) as server:
        good = connect(server)
        clients = []
        for i in range(20):
            store(good, b"pin%d" % i, 400000)
            clients.append(stall(server, b"pin%d" % i))
            s = connect(server)
            s.sendall(b"set up%d 0 0 1000000\r\n" % i + b"x" * 300000)
            clients.append(s)
        time.sleep(0.3)  # what stalls for less is not closed
        stored = [store(good, b"key%d" % i, 200000) for i in range(60)]
        checks.equal(set(stored), {b"STORED\r\n"}, "pins: what every store is answered")
        checks.that(int(stats(good)["conn_closed_shed_pins"]) > 0, "pins: counted")
        for s in clients:
            s.close()


def conn_limit(checks, daemon):
    """-c: one more is told so, and an operator gets in."""
    with Server([daemon, "-c", "2"]) as server:
        clients = [connect(server), connect(server)]
        for s in clients:
            ask(s, b"version\r\n")
        operator = connect(server)
        checks.that(int(stats(operator)["curr_connections"]) == 3, "conn-limit: an operator gets in")
        one_more = connect(server)
        checks.that(ask(one_more, b"") == TOO_MANY, "conn-limit: one more is told")
        checks.that(one_more.recv(1) == b"", "conn-limit: and closed")
        checks.that(ask(operator, b"get a\r\n") == TOO_MANY, "conn-limit: an operator only looks")
        operator = connect(server)
        checks.that(int(stats(operator)["rejected_connections"]) == 2, "conn-limit: counted")
        clients.pop().close()
        operator.close()
        wait_for_stat(clients[0], "conn_closed_eof", 2)
        checks.that(ask(connect(server), b"get a\r\n") == b"END\r\n", "conn-limit: one more is accepted")


# --- A peer that vanishes, in network namespaces of our own ---

VANISH = r"""
set -eu
ip link set lo up
ip link add near type veth peer name far
ip addr add 10.99.0.1/24 dev near
ip link set near up
unshare -n sleep 1000 & inside=$!
trap 'kill $inside' EXIT
until [ "$(readlink /proc/$inside/ns/net)" != "$(readlink /proc/$$/ns/net)" ]; do sleep 0.05; done
ip link set far netns $inside
within() { nsenter -t $inside -n "$@"; }
within ip addr add 10.99.0.2/24 dev far
within ip link set far up
"$1" -l 10.99.0.1,127.0.0.1 -p 11999 -u root --peer-timeout 2 & server=$!
trap 'kill $server $inside $client 2>/dev/null' EXIT
client=
"$2" "$3" client 127.0.0.1 setup
nsenter -t $inside -n "$2" "$3" client 10.99.0.1 vanish & client=$!
until [ -e "$4/gone" ]; do sleep 0.05; kill -0 $client; done
within ip addr del 10.99.0.2/24 dev far # what comes is dropped without a word
"$2" "$3" client 127.0.0.1 wait
kill $server
wait $server
"""


def as_client(host, what):
    """One end in a namespace; a file says when it may vanish."""
    end = time.monotonic() + PATIENCE_S
    while True:
        try:
            s = socket.create_connection((host, 11999), PATIENCE_S)
            break
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)
    if what == "setup":
        store(s, b"v", 1000000)
    elif what == "vanish":
        reader = socket.create_connection((host, 11999), PATIENCE_S)
        ask(s, b"version\r\n")
        reader.sendall(b"get " + b" ".join([b"v"] * 64) + b"\r\n")
        reader.recv(1000)
        with open(os.path.join(os.environ["POLICIES_DIR"], "gone"), "w", encoding="ascii"):
            pass
        time.sleep(1000)
    elif wait_for_stat(s, "conn_closed_vanished", 2) < 2:
        sys.exit(1)


def vanished(checks, daemon):
    """--peer-timeout: a host that acknowledges nothing any more, idle or being sent to."""
    may = os.geteuid() == 0 and shutil.which("ip") and shutil.which("nsenter") and \
        subprocess.run(["unshare", "-n", "ip", "link", "add", "near", "type", "veth", "peer",
                        "name", "far"], stderr=subprocess.DEVNULL, check=False).returncode == 0
    if not may:
        print("vanished: skipped: needs root, ip(8), and a kernel with namespaces and veth")
        return
    with tempfile.TemporaryDirectory(prefix="lombard-vanished-") as directory:
        done = subprocess.run(
            ["unshare", "-n", "bash", "-c", VANISH, "vanish", os.path.abspath(daemon),
             sys.executable, os.path.abspath(__file__), directory],
            env=dict(os.environ, POLICIES_DIR=directory), stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, timeout=240, check=False)
        checks.that(done.returncode == 0, "vanished: both are closed and counted\n" +
                    done.stdout.decode("latin-1"))


POLICIES = {"buffers": buffers, "send_timeout": send_timeout, "idle_timeout": idle_timeout,
            "peer_timeout": peer_timeout, "pause": pause,
            "pins": pins, "conn_limit": conn_limit, "vanished": vanished}


def main():
    if sys.argv[1] == "client":
        as_client(*sys.argv[2:])
        return
    checks = Checks()
    for name in sys.argv[2:] or POLICIES:
        POLICIES[name](checks, sys.argv[1])
    checks.done()


main()
