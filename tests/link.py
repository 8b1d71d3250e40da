#!/usr/bin/python3
"""Check on the built libraries that every room links with what it may know alone.

    link.py BUILD_DIR COMPILER [ARGUMENT...]

Two checks a room: no symbol is undefined that another room than the permitted
ones defines; and a program of the whole room with the permitted ones links. A
self-test shows that a symbol out of reach is found. The daemon itself must need
nothing but libc.
"""
import os
import re
import subprocess
import sys
import tempfile

PERMITTED = {
    "base": [],
    "loan": ["base"],
    "event": ["base"],
    "proto": ["base"],
    "store": ["base"],
    "cmd": ["base", "store"],
    "conn": ["base", "loan", "event", "proto", "cmd"],
}
# What a permitted room needs below it, to link at all.
BELOW = {"conn": ["store"]}


def symbols(nm, archive):
    """(defined, undefined) names of an archive."""
    text = subprocess.run([nm, "-g", archive], stdout=subprocess.PIPE, check=True,
                          stderr=subprocess.DEVNULL, text=True).stdout
    defined = set(re.findall(r" [TDBRVWCGS] (\w+)$", text, re.M))
    undefined = set(re.findall(r" U (\w+)$", text, re.M))
    return defined, undefined - defined


def out_of_reach(room, table):
    """Symbols that ROOM needs of rooms that it may not know."""
    found = []
    for other, (defined, _) in sorted(table.items()):
        if other != room and other not in PERMITTED[room]:
            found += ["%s of room %s" % (name, other)
                      for name in sorted(table[room][1] & defined)]
    return found


def links(compiler, archives, room, below):
    with tempfile.TemporaryDirectory() as tmp:
        main_c = os.path.join(tmp, "main.c")
        with open(main_c, "w", encoding="ascii") as f:
            f.write("int main(void) { return 0; }\n")
        command = compiler + ["-o", os.path.join(tmp, "a.out"), main_c,
                              "-Wl,--whole-archive", archives[room], "-Wl,--no-whole-archive",
                              "-Wl,--start-group"] + [archives[r] for r in below] + \
            ["-Wl,--end-group"]
        done = subprocess.run(command, stderr=subprocess.PIPE, text=True, check=False)
        return [] if done.returncode == 0 else done.stderr.splitlines()[:5]


def daemon_needs(build):
    """Shared objects of the daemon that are not libc's."""
    path = os.path.join(build, "src/app/lombard")
    text = subprocess.run(["readelf", "-d", path], stdout=subprocess.PIPE, check=True,
                          text=True).stdout
    needed = re.findall(r"\(NEEDED\).*\[(.*)\]", text)
    return [so for so in needed if not so.startswith(("libc.so", "ld-linux"))]


def main():
    build, compiler = sys.argv[1], sys.argv[2:]
    nm = "nm" if "clang" in compiler[0] else "gcc-nm"
    archives = {r: "%s/src/%s/lib%s.a" % (build, r, r) for r in PERMITTED}
    table = {r: symbols(nm, a) for r, a in archives.items()}
    checks = [("a symbol out of reach is found",
               [] if out_of_reach("loan", dict(table, loan=(set(), set(table["proto"][0]))))
               else ["it was not"])]
    for room in PERMITTED:
        below = PERMITTED[room] + BELOW.get(room, [])
        checks.append(("%s needs only what it may know" % room, out_of_reach(room, table)))
        checks.append(("%s links" % room, links(compiler, archives, room, below)))
    checks.append(("the daemon needs libc alone", daemon_needs(build)))
    failed = 0
    for name, problems in checks:
        failed += bool(problems)
        for problem in problems:
            print("%s: no: %s" % (name, problem))
    print("%d passed, %d failed" % (len(checks) - failed, failed))
    sys.exit(1 if failed else 0)


main()
