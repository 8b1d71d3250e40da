#!/usr/bin/python3
"""Check that names mean one thing, and that the top level has only what belongs there.

    names.py [ROOT]

A search for `struct conn` or `conn.c` must find the server's, and only that. So no file of
tools/ or tests/sim/ has the base name of one in src/ or include/, and they define no struct,
enum or union with the tag of one defined there. At the top are the files and folders of TOP, and
what .gitignore names: a log that a build has left beside them is found before it is committed.
"""
import os
import re
import sys

PRODUCT = ["src", "include"]
OTHERS = ["tools", "tests/sim"]
TOP = [".ci", ".clang-format", ".clang-tidy", ".gitignore", "README.md", "include", "meson.build", "src",
       "tests", "tools"]
IGNORED = re.compile(r"build[^/]*/|\.cache/|__pycache__/|\.git/?")
COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.S)
TAG = re.compile(r"\b(?:struct|enum|union)\s+(\w+)\s*\{")


def sources(root, folders):
    """{path: text} of all C files below FOLDERS."""
    found = {}
    for folder in folders:
        for where, _, names in os.walk(os.path.join(root, folder)):
            for name in names:
                if name.endswith((".c", ".h")):
                    path = os.path.join(where, name)
                    with open(path, encoding="utf-8") as f:
                        found[os.path.relpath(path, root)] = COMMENT.sub("", f.read())
    return found


def collisions(product, others):
    files = {os.path.basename(path): path for path in product}
    tags = {tag: path for path, text in product.items() for tag in TAG.findall(text)}
    found = []
    for path, text in sorted(others.items()):
        name = os.path.basename(path)
        if name in files:
            found.append("%s has the name of %s" % (path, files[name]))
        found += ["%s defines %s, as %s does" % (path, tag, tags[tag])
                  for tag in sorted(set(TAG.findall(text)) & set(tags))]
    return found


def top_level(root):
    """Its names, those of folders with a slash."""
    return [name + "/" * os.path.isdir(os.path.join(root, name)) for name in os.listdir(root)]


def strays(names):
    return ["%s does not belong to the top level" % name for name in sorted(names)
            if name.rstrip("/") not in TOP and not IGNORED.fullmatch(name)]


SELF_TEST = [
    ("a file with the same name is found", True,
     {"src/conn/conn.c": ""}, {"tools/bench/conn.c": ""}),
    ("a struct with the same tag is found", True,
     {"include/lombard/x.h": "struct conn {\n"}, {"tests/sim/y.c": "struct conn {\n"}),
    ("a use of the server's struct is none", False,
     {"include/lombard/x.h": "struct conn {\n"}, {"tests/sim/y.c": "struct conn *c;\n"}),
]

STRAY_TEST = [("src/", False), ("build/", False), ("build-c/", False), (".git", False), (".git/", False),
              ("build.log", True), ("buildlog", True), ("notes.md", True), ("doc/", True), (".env", True)]


def main():
    root = sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(__file__), "..")
    found = ["self-test: " + name for name, want, product, others in SELF_TEST
             if bool(collisions(product, others)) != want]
    product, others = sources(root, PRODUCT), sources(root, OTHERS)
    found += ["self-test: " + name for name, want in STRAY_TEST if bool(strays([name])) != want]
    found += collisions(product, others) + strays(top_level(root))
    for line in found:
        print(line)
    print("%d passed, %d failed" % (max(len(SELF_TEST) + len(STRAY_TEST) + len(others) - len(found), 0), len(found)))
    sys.exit(1 if found else 0)


main()
