#!/usr/bin/python3
"""Check on the built libraries that layers and their files depend in one direction only.

    link.py BUILD_DIR COMPILER [ARGUMENT...]

Of a layer: no symbol is undefined that a layer defines which it must not know; and a program
of the whole layer with the permitted ones links. Of every static library, and every program
made of several files, those of tools and tests included: there is no circle between its files. Where a.c uses what b.c defines, b.c uses
nothing of a.c, neither directly nor by way of other files. Where order.py orders a layer's
files, none uses one that is not below it. Self-tests show that each violation is found. The
daemon itself must need nothing but libc.
"""
import glob
import os
import re
import subprocess
import sys
import tempfile

from order import LAYERS, ORDER, heights

# What a layer may use of others when it is linked: their headers alone define nothing.
PERMITTED = {layer: [other for other in others if "/" not in other]
             for layer, others in LAYERS.items() if layer not in ("app", "tools")}
# What a permitted layer needs below it, to link at all.
BELOW = {"conn": ["store"]}


def symbols(nm, *objects):
    """{file: (defined, used)} of an archive, or of objects; not of files from other folders."""
    text = subprocess.run([nm, "-A", "-g"] + list(objects), stdout=subprocess.PIPE, check=True,
                          stderr=subprocess.DEVNULL, text=True).stdout
    files = {}
    for name, kind, symbol in re.findall(
            r"^(?:.*[:/])?(?:meson-generated_\.\._)?([^:/]+)\.o:[0-9a-f]* *([A-Z]) (\w+)$", text, re.M):
        if not name.startswith(".."):
            defined, used = files.setdefault(name, (set(), set()))
            (used if kind == "U" else defined).add(symbol)
    return files


def whole(files):
    """(defined, used) of all files together, without what they define for each other."""
    defined = set().union(*(d for d, _ in files.values()))
    return defined, set().union(*(u for _, u in files.values())) - defined


# --- Between layers ---

def out_of_reach(layer, table):
    """Symbols that LAYER needs of layers that it must not know."""
    found = []
    for other, (defined, _) in sorted(table.items()):
        if other != layer and other not in PERMITTED[layer]:
            found += ["%s of layer %s" % (name, other)
                      for name in sorted(table[layer][1] & defined)]
    return found


def links(compiler, archives, layer, below):
    with tempfile.TemporaryDirectory() as tmp:
        main_c = os.path.join(tmp, "main.c")
        with open(main_c, "w", encoding="ascii") as f:
            f.write("int main(void) { return 0; }\n")
        command = compiler + ["-o", os.path.join(tmp, "a.out"), main_c,
                              "-Wl,--whole-archive", archives[layer], "-Wl,--no-whole-archive",
                              "-Wl,--start-group"] + [archives[r] for r in below] + \
            ["-Wl,--end-group"]
        done = subprocess.run(command, stderr=subprocess.PIPE, text=True, check=False)
        return [] if done.returncode == 0 else done.stderr.splitlines()[:5]


# --- Between files ---

def arrows(files):
    """{file: {other file: symbols that it uses of that one}}"""
    home = {symbol: name for name, (defined, _) in files.items() for symbol in defined}
    found = {name: {} for name in files}
    for name, (_, used) in files.items():
        for symbol in used:
            other = home.get(symbol, name)
            if other != name:
                found[name].setdefault(other, set()).add(symbol)
    return found


def reachable(graph, start):
    seen, todo = set(), [start]
    while todo:
        for other in graph[todo.pop()]:
            if other not in seen:
                seen.add(other)
                todo.append(other)
    return seen


def circle(files):
    """Lines that name the first circle between FILES, with the symbols; none: no lines."""
    graph = arrows(files)
    reach = {name: reachable(graph, name) for name in files}
    for name in sorted(files):
        members = sorted(other for other in reach[name] if name in reach[other])
        if members:
            return ["a circle of %d files: %s" % (len(members), " ".join(members))] + \
                ["    %s -> %s: %s" % (a, b, " ".join(sorted(graph[a][b])))
                 for a in members for b in members if b in graph[a]]
    return []


def against_order(files, height):
    """What a file uses of one that is not below it; and files without a row."""
    height = {name + ".c": row for name, row in height.items()}
    found = ["%s has no row in order.py" % name for name in sorted(files.keys() - height.keys())]
    found += ["order.py names %s, which is not there" % name
              for name in sorted(height.keys() - files.keys())]
    return found + ["%s uses %s of %s, which is not below it" % (a, " ".join(sorted(used)), b)
                    for a, others in sorted(arrows(files).items())
                    for b, used in sorted(others.items())
                    if a in height and b in height and height[b] >= height[a]]


def daemon_needs(build):
    """Shared objects of the daemon that are not libc's."""
    path = os.path.join(build, "src/app/lombard")
    text = subprocess.run(["readelf", "-d", path], stdout=subprocess.PIPE, check=True,
                          text=True).stdout
    needed = re.findall(r"\(NEEDED\).*\[(.*)\]", text)
    # The sanitizers of a debug build are no part of the program.
    return [so for so in needed if not so.startswith(("libc.so", "ld-linux", "libasan", "libubsan"))]


# --- The checks: (name, problems) each ---

def self_test(table):
    """Each violation, made up, is found."""
    far = out_of_reach("loan", dict(table, loan=(set(), set(table["proto"][0]))))
    chain = {"a.c": ({"a"}, {"b", "c"}), "b.c": ({"b"}, {"c"}), "c.c": ({"c"}, {"libc"})}
    ring = dict(chain, **{"c.c": ({"c"}, {"a"})})
    return [
        ("a symbol out of reach is found", [] if far else ["it was not"]),
        ("files in one direction are no circle", circle(chain)),
        ("a circle is found", [] if "    c.c -> a.c: a" in circle(ring) else ["it was not"]),
        ("files in their order are right", against_order(chain, {"a": 3, "b": 2, "c": 1})),
        ("a file that uses one above it is found",
         [] if against_order(chain, {"b": 3, "a": 2, "c": 1}) else ["it was not"]),
        ("a file without a row is found",
         [] if against_order(chain, {"a": 2, "b": 1}) else ["it was not"]),
    ]


def layer_checks(table, archives, compiler):
    checks = []
    for layer in PERMITTED:
        below = PERMITTED[layer] + BELOW.get(layer, [])
        checks.append(("%s needs only what it may know" % layer, out_of_reach(layer, table)))
        checks.append(("%s links" % layer, links(compiler, archives, layer, below)))
    return checks


def circle_checks(libraries, programs):
    return [("%s has no circle between files" % name, circle(files))
            for name, files in sorted(libraries.items()) + sorted(programs.items())]


def order_checks(libraries):
    return [("%s: each file uses only files below it" % layer,
             against_order(libraries[layer], heights(layer))) for layer in ORDER]


def main():
    build, compiler = sys.argv[1], sys.argv[2:]
    nm = "nm" if any("clang" in word for word in compiler) else "gcc-nm"
    archives = {re.sub(r"^lib|\.a$", "", os.path.basename(path)): path
                for path in glob.glob(build + "/**/lib*.a", recursive=True)}
    libraries = {name: symbols(nm, path) for name, path in archives.items()}
    programs = {os.path.basename(folder)[:-len(".p")]: symbols(nm, *glob.glob(folder + "/*.o"))
                for folder in glob.glob(build + "/**/*.p", recursive=True)
                if not folder.endswith(".a.p") and glob.glob(folder + "/*.o")}
    table = {layer: whole(libraries[layer]) for layer in PERMITTED}
    checks = self_test(table) + layer_checks(table, archives, compiler) + \
        circle_checks(libraries, programs) + order_checks(libraries) + \
        [("the daemon needs libc alone", daemon_needs(build))]
    failed = 0
    for name, problems in checks:
        failed += bool(problems)
        for problem in problems:
            print("%s: no: %s" % (name, problem))
    print("%d passed, %d failed" % (len(checks) - failed, failed))
    sys.exit(1 if failed else 0)


main()
