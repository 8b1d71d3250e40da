"""Inputs that cannot be right, as the README's table has them: exit codes and messages."""
import os
import re
import shlex

from bench_process import path, run
from fake_server import FakeServer
from shared import check

README = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../../../tools/bench/README.md")
ROW = re.compile(r"^\| `(.*)` \| (\d) \| `(.*)` \|$")
FILES = {"BAD.txt": "a 10\nb 10\n\n# c\nc ten\n", "EMPTY.txt": "", "NOTIMES.txt": "a\nb\n", "NOCOLON.txt": "user\n",
         "OTHER.csv": "server,round\nx,1\n", "BACK.txt": "a 1 0 get 3\nb 1 0 get 2\n"}


def rows():
    """(arguments, exit code, what is said) of the table below 'Faulty inputs'."""
    with open(README, encoding="utf-8") as f:
        text = f.read().split("\n## Faulty inputs\n")[1].split("\n## ")[0]
    return [m.groups() for m in map(ROW.match, text.split("\n")) if m]


def faulty_inputs():
    for name, text in FILES.items():
        with open(path(name), "w", encoding="ascii") as f:
            f.write(text)
    found = rows()
    check.that(len(found) >= 50, "the table has its rows:", len(found))
    with FakeServer() as server:
        for words, want, message in found:
            args = [path(w) if w in FILES else w.replace("SERVER", server.address) for w in shlex.split(words)]
            server_args = [] if "-s" in args or "-S" in args or "-p" in args else ["-s", server.address]
            mode = args[:1] if args and not args[0].startswith("-") else []
            status, _, said = run(*mode, *server_args, "-q", *args[len(mode):])
            check.equal(status, int(want), "the status of %s: %s" % (words, said))
            check.that(message in said, "%s says so:" % words, said)


TESTS = (faulty_inputs,)
