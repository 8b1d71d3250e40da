#!/usr/bin/python3
"""Check that every layer includes only what it may, and bypasses no seam.

    layers.py [ROOT]

Rules over src/, include/ and tools/:
  - a file includes only headers of its own layer, of the layers after its arrow,
    and of libc;
  - tools/bench includes its own headers by folder and name, and no folder those of a later one;
  - conn does not see the store, not even through another header;
  - where order.py orders a layer's files, none includes the header of one above it;
  - no file but base/sys.c makes the calls that the seam base/sys.h stands for
    (start-up code of event/listen.c and event/signal.c makes a few of its own,
    and app, which is start-up code, all of them).
Each rule is first shown to find a violation, then applied.
"""
import os
import re
import sys

from order import BENCH_FOLDERS, LAYERS, ORDER, heights

INVISIBLE = {"conn": ["store"]}

SEAM = """recv recvfrom recvmsg recvmmsg read readv pread send sendto sendmsg sendmmsg write
writev pwrite splice sendfile accept accept4 setsockopt shutdown close getpeername
epoll_create epoll_create1 epoll_ctl epoll_wait epoll_pwait poll ppoll select
mmap mmap64 munmap mremap madvise malloc calloc realloc reallocarray free strdup strndup
aligned_alloc posix_memalign memalign clock_gettime gettimeofday time getrandom
getentropy rand random socket bind listen connect fcntl ioctl signalfd""".split()
SEAMED = ["loan", "event", "proto", "store", "cmd", "conn"]
START_UP = {
    "src/event/listen.c": "socket bind listen connect setsockopt close fcntl",
    "src/event/signal.c": "signalfd close fcntl",
}

INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.M)
CALL = re.compile(r"(?<![\w.>])(%s)\s*\(" % "|".join(SEAM))


def strip_comments(text, strings=True):
    """Blank out comments (and string literals), keeping the lines."""
    pattern = r"/\*.*?\*/|//[^\n]*"
    if strings:
        pattern += r'|"(?:\\.|[^"\\\n])*"|' + r"'(?:\\.|[^'\\\n])+'"
    return re.sub(pattern, lambda m: "\n" * m.group().count("\n"), text, flags=re.S)


def layer_of(path):
    parts = path.split("/")
    if parts[0] == "src":
        return parts[1]
    if parts[0] == "include":
        return parts[2]
    return "tools"


def line_of(text, pos):
    return text.count("\n", 0, pos) + 1


def allowed(layer, header):
    """May LAYER include lombard/HEADER?"""
    target = header.split("/")[0]
    return target == layer or target in LAYERS[layer] or header in LAYERS[layer]


def allowed_in_bench(path, name):
    """May this file of tools/bench include its header NAME, folder/name.h?"""
    def rank(folder):
        return BENCH_FOLDERS.index(folder or ".")

    folder, here = os.path.dirname(name), os.path.dirname(path)[len("tools/bench/"):]
    return folder in BENCH_FOLDERS + [""] and rank(folder) <= rank(here)


def check_includes(path, text):
    layer = layer_of(path)
    if layer not in LAYERS:
        return ["%s: no such layer: %s" % (path, layer)]
    found = []
    for m in INCLUDE.finditer(strip_comments(text, strings=False)):
        name = m.group(1)
        if name.startswith("lombard/"):
            good = allowed(layer, name[len("lombard/"):])
        elif path.startswith("tools/bench/"):
            good = allowed_in_bench(path, name)
        else:
            good = "/" not in name and not path.startswith("include/")
        if not good:
            found.append("%s: layer %s must not include %s" % (path, layer, name))
    return found


def check_visible(path, files):
    """Follow includes: nothing of an invisible layer is reached."""
    hidden = INVISIBLE.get(layer_of(path), [])
    seen, todo, found = set(), [path], []
    while todo:
        here = todo.pop()
        for name in INCLUDE.findall(strip_comments(files.get(here, ""), strings=False)):
            target = "include/" + name
            if target in seen or not name.startswith("lombard/"):
                continue
            seen.add(target)
            todo.append(target)
            if layer_of(target) in hidden:
                found.append("%s: sees %s through %s" % (path, name, here))
    return found


def check_order(path, text):
    """A header without a row is data: it may include what lies lowest, and any file may include it."""
    layer = layer_of(path)
    if layer not in ORDER or not path.startswith("src/"):
        return []
    height = heights(layer)
    own = os.path.splitext(os.path.basename(path))[0]
    found = []
    for name in INCLUDE.findall(strip_comments(text, strings=False)):
        other = os.path.splitext(name)[0]
        if "/" not in name and other != own and height.get(other, 0) >= height.get(own, 1.5):
            found.append("%s: includes %s, which is not below it" % (path, name))
    return found


def check_seam(path, text):
    if layer_of(path) not in SEAMED:
        return []
    exempt = START_UP.get(path, "").split()
    clean = strip_comments(text)
    return ["%s:%d: %s() bypasses base/sys.h" % (path, line_of(clean, m.start()), m.group(1))
            for m in CALL.finditer(clean) if m.group(1) not in exempt]


SELF_TEST = [
    ("an arrow that does not exist is found", True,
     lambda: check_includes("src/loan/x.c", '#include "lombard/event/loop.h"\n')),
    ("conn including store is found", True,
     lambda: check_includes("src/conn/x.c", '#include "lombard/store/store.h"\n')),
    ("cmd including a parser is found", True,
     lambda: check_includes("src/cmd/x.c", '#include "lombard/proto/text.h"\n')),
    ("cmd may include requests", False,
     lambda: check_includes("src/cmd/x.c", '#include "lombard/proto/request.h"\n')),
    ("a later folder of tools/bench is found", True,
     lambda: check_includes("tools/bench/load/x.c", '#include "run/driver.h"\n')),
    ("a header of tools/bench without its folder is found", True,
     lambda: check_includes("tools/bench/load/x.c", '#include "load.h"\n')),
    ("an earlier folder of tools/bench is none", False,
     lambda: check_includes("tools/bench/run/x.c", '#include "load/load.h"\n')),
    ("a header that is no libc's is found", True,
     lambda: check_includes("include/lombard/base/x.h", '#include "other.h"\n')),
    ("a commented include is none", False,
     lambda: check_includes("src/loan/x.c", '/*\n#include "lombard/event/loop.h"\n*/\n')),
    ("the store seen through a header is found", True,
     lambda: check_visible("src/conn/x.c", {
         "src/conn/x.c": '#include "lombard/cmd/y.h"\n',
         "include/lombard/cmd/y.h": '#include "lombard/store/z.h"\n'})),
    ("a header that is not below is found", True,
     lambda: check_order("src/conn/output.c", '#include "batch.h"\n')),
    ("a header from the same row is found", True,
     lambda: check_order("src/conn/task.h", '#include "stash.h"\n')),
    ("data that sees what works at it is found", True,
     lambda: check_order("src/conn/server_state.h", '#include "conn.h"\n')),
    ("one's own header, one below, and data are right", False,
     lambda: check_order("src/conn/batch.c",
                         '#include "batch.h"\n#include "output.h"\n#include "step.h"\n')),
    ("a bare system call is found", True,
     lambda: check_seam("src/conn/x.c", "n = recv(fd, p, n, 0);\n")),
    ("malloc in the store is found", True,
     lambda: check_seam("src/store/x.c", "p = malloc (n);\n")),
    ("accept in the listener is found", True,
     lambda: check_seam("src/event/listen.c", "fd = accept4(l, 0, 0, 0);\n")),
    ("the listener may bind", False,
     lambda: check_seam("src/event/listen.c", "bind(fd, a, n);\n")),
    ("the seam itself is no bypass", False,
     lambda: check_seam("src/conn/x.c", "n = sys_recv(fd, p, n); /* recv() */\n")),
    ("a name that ends alike is no bypass", False,
     lambda: check_seam("src/conn/x.c", "clock_read(c); pool->free(x); o.close(y);\n")),
]


def source_files(root):
    files = {}
    for top in ("src", "include", "tools"):
        for where, _, names in os.walk(os.path.join(root, top)):
            for name in names:
                if name.endswith((".c", ".h", ".def")):
                    path = os.path.join(where, name)
                    with open(path, encoding="utf-8") as f:
                        files[os.path.relpath(path, root)] = f.read()
    return files


def main():
    root = sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(__file__), "..")
    passed, failures = 0, []
    for name, expected, probe in SELF_TEST:
        if bool(probe()) == expected:
            passed += 1
        else:
            failures.append("self-test: " + name)
    files = source_files(root)
    for path, text in sorted(files.items()):
        found = check_includes(path, text) + check_visible(path, files) + \
            check_order(path, text) + check_seam(path, text)
        failures += found
        passed += not found
    for failure in failures:
        print(failure)
    print("%d passed, %d failed" % (passed, len(failures)))
    sys.exit(1 if failures else 0)


main()
