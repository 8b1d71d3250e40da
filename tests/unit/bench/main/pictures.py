"""Pages, pictures and HdrHistogram's files: what they have to be, read by other programs."""
import base64
import csv
import glob
import os
import re
import struct
import zlib
from xml.etree import ElementTree

from bench_process import NOT_RUN, NOT_VALID, VALID, load_json, path, run
from fake_server import FakeServer
from shared import check


def well_formed(text, name):
    try:
        ElementTree.fromstring(text)
        good = True
    except ElementTree.ParseError as e:
        good = str(e)
    check.that(good is True, "%s is well-formed:" % name, good)


def a_page_with_pictures():
    with FakeServer() as one, FakeServer() as two:
        status, _, said = run("-q", "-s", one.address, "--compare", two.address, "-k", "20", "-c", "2", "-d", "300ms",
                              "--rounds", "4", "--html", path("page &1.html"), "--svg", path("svg"))
    check.equal(status, VALID, "a page: " + said)
    with open(path("page &1.html"), encoding="utf-8") as f:
        page = f.read()
    check.equal(re.findall(r"(?:src|href)=|@import|url\(", page), [], "nothing from outside")
    check.equal(re.findall(r"[^a-z](?:nan|inf)[^a-z]", page), [], "no number that is none")
    check.that("--html" in page and two.address in page, "the command line and the servers are in it")
    well_formed(re.sub(r"<!DOCTYPE html>|<(?:meta|br)[^>]*>", "", page).replace("&ndash;", "-"), "the page")
    names = sorted(os.path.basename(p) for p in glob.glob(path("svg") + "/*.svg"))
    check.that({"cdf.svg", "latency-over-time.svg", "percentiles.svg", "ratios.svg", "throughput.svg"} <= set(names),
               "the pictures are there:", names)
    for name in names:
        with open(os.path.join(path("svg"), name), encoding="utf-8") as f:
            well_formed(f.read(), name)


def number(data, at):
    """(a ZigZag LEB128 number, the offset behind it)"""
    v = shift = 0
    while True:
        byte = data[at]
        at += 1
        if shift == 56:
            v |= byte << 56
            break
        v |= (byte & 0x7f) << shift
        shift += 7
        if byte < 0x80:
            break
    return (v >> 1) ^ -(v & 1), at


def decoded(text):
    """{lower bound of a bucket in ns: count}, by HdrHistogram's description of its encoding"""
    raw = base64.b64decode(text)
    cookie, size = struct.unpack(">II", raw[:8])
    check.equal((cookie, size), (0x1c849314, len(raw) - 8), "the compressed frame")
    plain = zlib.decompress(raw[8:])
    cookie, size, offset, digits, lowest, _, ratio = struct.unpack(">IIIIQQd", plain[:40])
    check.equal((cookie, size, offset, digits, lowest, ratio), (0x1c849313, len(plain) - 40, 0, 3, 1, 1.0), "the header")
    counts, index, at = {}, 0, 40
    while at < len(plain):
        v, at = number(plain, at)
        if v < 0:
            index -= v
            continue
        bucket = max(index // 1024 - 1, 0)
        counts[(index - bucket * 1024) << bucket] = v
        index += 1
    return counts


def files_of_hdrhistogram():
    with FakeServer() as server:
        run("-q", "-s", server.address, "-k", "20", "-c", "2", "-n", "3000", "--hgrm", path("x.hgrm"), "--hdr-log",
            path("x.hlog"), "--series", path("x.csv"), "-j", path("x.json"))
    result = load_json(path("x.json"))["servers"][0]
    total, most = 0, 0.0
    for line in open(path("x.hlog"), encoding="ascii"):
        if line[0] in '#"':
            continue
        tag, _, _, longest, text = line.strip().split(",")
        counts = decoded(text)
        total += sum(counts.values())
        most = max(most, max(counts) / 1e3)
        check.equal(tag, "Tag=" + server.address, "the tag")
        check.that(max(counts) / 1e6 <= float(longest) * 1.001, "nothing is longer than the maximum")
    check.that(2900 <= total <= 3000, "the latencies are in the log:", total)
    check.that(0.96 <= most / result["latency_us"]["all"]["max"] <= 1.001, "up to the longest:", most)
    rows = [[float(w) for w in line.split()] for line in open(path("x.hgrm"), encoding="ascii")
            if re.match(r" *[0-9]", line)]
    check.that(all(a[0] <= b[0] and a[1] < b[1] and a[2] <= b[2] for a, b in zip(rows, rows[1:])), "percentiles grow")
    check.equal((rows[-1][1], rows[-1][2]), (1.0, 3000.0), "to all of them")
    check.that(abs(rows[-1][0] * 1e3 - result["latency_us"]["all"]["max"]) < 1, "the last is the maximum")
    with open(path("x.csv"), encoding="ascii") as f:
        seconds = list(csv.DictReader(f))
    check.that(sum(int(s["requests"]) for s in seconds) >= 2900, "the seconds have the requests")


def sweeps():
    with FakeServer() as server:
        status, out, _ = run("-s", server.address, "-k", "20", "-c", "4", "-d", "100ms", "--sweep", "rates=200:800:3",
                             "--html", path("sweep.html"))
    check.that(status in (VALID, NOT_VALID), "a sweep:", status)
    check.equal(re.findall(r"^ *(\d+)/s", out, re.M), ["200", "400", "800"], "its rates")
    check.that("knee" in out, "the knee is named")
    with open(path("sweep.html"), encoding="utf-8") as f:
        check.that("Response time at each rate" in f.read(), "the curve is in the page")


def impossible():
    for words in (["--sweep", "rates=5:1:3"], ["--sweep", "1k:2k"], ["--sweep", "1k:2k:3", "--rate", "5"],
                  ["--until", "p99"], ["--until", "ci<0%"], ["--until", "ci<2%", "-n", "5"], ["--warmup", "soon"],
                  ["--html", "/nowhere/x.html"], ["--svg", "/proc/none/x"], ["--duration", "0"]):
        status, _, said = run(*words)
        check.equal(status, NOT_RUN, " ".join(words))
        check.that(said.startswith("lombard-bench: "), "and the reason is named:", said)
    check.that("above 0" in run("--duration", "0")[2], "--duration 0 says what can be")


TESTS = (a_page_with_pictures, files_of_hdrhistogram, sweeps, impossible)
