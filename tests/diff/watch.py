#!/usr/bin/python3
"""What watchers are told, by Lombard and by memcached side by side, field by field.

    watch.py LOMBARD [MEMCACHED]

The same commands are sent to both; of each kind of line the fields are compared, but for times, numbers of lines,
descriptors and classes of slabs. MEMCACHED is the one to compare with; without it, the newest that is installed.
Skipped (77) where that is older than the version that is followed.
"""
import glob
import os
import re
import shutil
import socket
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "helpers"))
sys.path.insert(0, HERE)

import allowed
from checks import Checks
from server import Server, end_on_sigterm

SKIPPED_STATUS = 77
PATIENCE_S = 20
LAST_KEY = b"the-last-one"
check = Checks()

COMMANDS = [
    b"get a", b"set a 0 0 3\r\nabc", b"get a", b"get a b a", b"gets a", b"add a 0 0 1\r\nx",
    b"add b 0 0 1\r\nx", b"replace a 0 0 2\r\nxy", b"replace none 0 0 2\r\nxy", b"append a 0 0 2\r\nxy",
    b"prepend a 0 0 2\r\nxy", b"append none 0 0 2\r\nxy", b"cas a 0 0 1 99999\r\nx",
    b"cas none 0 0 1 99999\r\nx", b"set n 0 0 2\r\n10", b"incr n 5", b"decr n 1", b"incr none 1",
    b"incr n 90", b"touch a 100", b"touch none 1", b"gat 100 a", b"gat 100 none", b"gats 100 a",
    b"mg a v", b"mg a", b"mg none v", b"mg made v N30", b"mg a t v T30", b"ms m 2\r\nhi",
    b"ms m 2 ME\r\nhi", b"ms m 2 MA\r\nhi", b"ms viv 2 MA N30\r\nhi", b"ms m 2 C1\r\nhi",
    b"ms m 2 T100\r\nhi", b"ms m 2 MR\r\nhi", b"ms none 2 MR\r\nhi", b"ms m 2 MP\r\nhi", b"ma n",
    b"ma none", b"md m", b"md m", b"delete a", b"delete a", b"md n I T30", b"mg n v",
    b"ms n 1 I C1\r\n5", b"set t 0 100 1\r\nx", b"set t 0 -1 1\r\nx", b"get t", b"get t", b"me b",
    b"set k%\xc3\xa9 0 0 1\r\nx", b"get k%\xc3\xa9", b"ms YWJj 1 b\r\nx", b"mg YWJj b v",
    b"md YWJj b", b"version", b"bogus", b"get", b"get " + b"k" * 251, b"delete viv 0",
    b"set q 0 0 1 noreply\r\nx", b"delete q noreply", b"set h 0 0 100000\r\n" + b"h" * 100000,
    b"get h", b"append h 0 0 5\r\nhhhhh", b"set bad 0 0 1\r\nxy", b"mg h q v", b"mg none q v",
    b"set big 0 0 2000000\r\n" + b"x" * 2000000, b"ms h 0\r\n", b"mg h k v",
]
TOPICS = ("fetchers", "mutations", "deletions", "connevents")


class Peer:
    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.settimeout(PATIENCE_S)

    def ask(self, command):
        """Until it was answered, whatever with."""
        self.socket.sendall(command + b"\r\nmn\r\n")
        answer = b""
        while not answer.endswith(b"MN\r\n"):
            answer += self.socket.recv(1 << 16)
        return answer

    def read_until(self, text):
        """All lines up to the one with TEXT."""
        lines = b""
        while text not in lines or not lines.endswith(b"\n"):
            part = self.socket.recv(1 << 16)
            if not part:
                break
            lines += part
        told = lines.decode("latin-1").splitlines()
        ends = [i for i, line in enumerate(told) if text.decode() in line]
        return told[:ends[0] + 1] if ends else told  # what came behind it may be whole or not


def told(port, topic):
    """The lines of TOPIC for all commands."""
    watcher = Peer(port)
    watcher.socket.sendall(b"watch %s\r\n" % topic.encode())
    check.equal(watcher.socket.recv(4), b"OK\r\n", "watch " + topic)
    client = Peer(port)
    for command in COMMANDS:
        client.ask(command)
    if topic == "connevents":
        client.socket.close()
        return watcher.read_until(b"type=conn_close")
    client.ask(b"set %s 0 0 1\r\nx" % LAST_KEY)
    client.ask(b"delete %s" % LAST_KEY)
    return watcher.read_until(LAST_KEY)


def seconds(match):
    """Times that differ by what lies between the two; what has expired is a large number, or below 0."""
    value = int(match.group(1))
    return " ttl=" + ("past" if value < 0 or value >= 1 << 31 else str(value // 10))


def comparable(line):
    """LINE without what may differ, and why."""
    line = re.sub(r"^ts=\d+\.\d+ gid=\d+ ", "", line)
    line = re.sub(r" cfd=-?\d+", " cfd", line)
    line = re.sub(r" rport=\d+", " rport", line)
    line = re.sub(r" clsid=[1-9]\d*", " clsid=N", line)
    line = re.sub(r" ttl=(-?\d+)", seconds, line)
    # What was there until just now is expired there, and gone here.
    line = line.replace("status=expired", "status=not_found")
    # Its length and its descriptor are garbage there.
    return re.sub(r"(status=too_large .*) size=\d+", r"\1 size", line)


def newest():
    """The newest memcached that is installed; None: there is none."""
    found = glob.glob("/usr/local/bin/memcached-*") + [shutil.which("memcached")]
    found = [path for path in found if path and os.access(path, os.X_OK)]
    return max(found, key=version_of, default=None)


def version_of(path):
    said = subprocess.run([path, "-V"], stdout=subprocess.PIPE, text=True, check=False).stdout
    return tuple(int(n) for n in re.findall(r"\d+", said)[:3])


def format_is_ours(lombard):
    """Without a memcached: each line has its fields."""
    with Server([lombard]) as server:
        line = told(server.port, "mutations")[0]
    check.that(re.fullmatch(r"ts=\d+\.\d+ gid=1 type=item_store key=a status=stored cmd=set ttl=0 "
                            r"clsid=1 cfd=\d+ size=3", line), "a line of mutations", line)
    with Server([lombard]) as server:
        lines = [re.sub(r"^ts=\S+ gid=\d+ <\d+ ", "", line) for line in told(server.port, "rawcmds")]
    check.that("get a b a" in lines and "b" not in lines, "a line of rawcmds for all keys of a get")


def main():
    end_on_sigterm()
    lombard = sys.argv[1]
    memcached = sys.argv[2] if len(sys.argv) > 2 else newest()
    format_is_ours(lombard)
    if memcached is None or version_of(memcached) < allowed.FOLLOWED:
        print("skipped: no memcached of %d.%d.%d or later" % allowed.FOLLOWED)
        sys.exit(1 if check.failed else SKIPPED_STATUS)
    for topic in TOPICS:
        lines = []
        for argv in ([lombard], [memcached, "-o", "no_lru_crawler,no_lru_maintainer"]):
            with Server(argv) as server:
                lines.append([comparable(line) for line in told(server.port, topic)])
        check.equal(len(lines[0]), len(lines[1]), "lines of " + topic)
        for ours, theirs in zip(*lines):
            check.equal(ours, theirs, topic)
    check.done()


main()
