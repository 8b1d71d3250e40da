"""Pages, pictures and HdrHistogram's files: what they have to be, read by other programs."""
import base64
import csv
import glob
import os
import re
import shutil
import struct
import subprocess
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


def fits_any_screen(page):
    """What is wide scrolls by itself, and where the reader's system is dark, the page is."""
    check.equal(page.count("<table>"), page.count('<div class="scroll"><table>'), "tables scroll by themselves")
    check.equal(page.count("<svg"), page.count('<div class="scroll">\n<svg'), "pictures scroll by themselves")
    check.that("@media screen and (prefers-color-scheme:dark)" in page, "there are colours for the dark")


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
    fits_any_screen(page)
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


def quantile(counts, q):
    """The lower bound of the bucket of the value that Q of all do not exceed, in us."""
    left = q * sum(counts.values())
    for low in sorted(counts):
        left -= counts[low]
        if left <= 0:
            return low / 1e3
    return 0


# What HdrHistogram's own reader makes of each line: count, p50, p99, maximum.
READER = """const hdr = require("hdr-histogram-js");
require("fs").readFileSync(0, "latin1").trim().split("\\n").forEach(line => {
    const h = hdr.decodeFromCompressedBase64(line);
    console.log([h.totalCount, h.getValueAtPercentile(50), h.getValueAtPercentile(99), h.maxValue].join(" "));
});"""


def read_by_hdrhistogram(texts, decoded_counts):
    """The same by HdrHistogram for JavaScript, where it is installed (NODE_PATH)."""
    node = shutil.which("node")
    there = node and not subprocess.run([node, "-e", 'require("hdr-histogram-js")'], stderr=subprocess.DEVNULL, check=False).returncode
    if not there:
        print("node with hdr-histogram-js is not installed: only the reader written here was tried")
        return
    got = subprocess.run([node, "-e", READER], input="\n".join(texts), stdout=subprocess.PIPE, text=True, check=True).stdout
    rows = [[float(w) for w in line.split()] for line in got.strip().split("\n")]
    check.equal(len(rows), len(texts), "as many histograms")
    for row, counts in zip(rows, decoded_counts):
        check.equal(row[0], sum(counts.values()), "HdrHistogram counts as many")
        for value, ours in zip(row[1:], (quantile(counts, 0.5), quantile(counts, 0.99), max(counts) / 1e3)):
            check.that(abs(value / 1e3 - ours) <= 0.002 * ours, "HdrHistogram has the same quantiles:", value, ours)


def files_of_hdrhistogram():
    with FakeServer() as server:
        run("-q", "-s", server.address, "-k", "20", "-c", "2", "-n", "3000", "--hgrm", path("x.hgrm"), "--hdr-log",
            path("x.hlog"), "--series", path("x.csv"), "-j", path("x.json"))
    result = load_json(path("x.json"))["servers"][0]
    total, most = 0, 0.0
    lines = [line.strip().split(",") for line in open(path("x.hlog"), encoding="ascii") if line[0] not in '#"']
    histograms = [decoded(line[-1]) for line in lines]
    check.equal(len(lines), len(result["seconds_of_last_round"]), "an interval for each second")
    for (tag, _, length, longest, _), counts, second in zip(lines, histograms, result["seconds_of_last_round"]):
        total += sum(counts.values())
        most = max(most, max(counts) / 1e3)
        check.equal(tag, "Tag=" + server.address, "the tag")
        check.equal((float(length), sum(counts.values())), (second["seconds"], second["requests"]), "as JSON has it")
        for q, name in ((0.5, "p50_us"), (0.99, "p99_us")):
            value = quantile(counts, q)
            check.that(abs(value - second[name]) <= 0.035 * second[name], name + " is as JSON has it:", value, second[name])
        check.that(max(counts) / 1e6 <= float(longest) * 1.001, "nothing is longer than the maximum")
    read_by_hdrhistogram([line[-1] for line in lines], histograms)
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
        page = f.read()
    check.that("Response time at each rate" in page, "the curve is in the page")
    fits_any_screen(page)


def impossible():
    for words in (["--sweep", "rates=5:1:3"], ["--sweep", "1k:2k"], ["--sweep", "1k:2k:3", "--rate", "5"],
                  ["--until", "p99"], ["--until", "ci<0%"], ["--until", "ci<2%", "-n", "5"], ["--warmup", "soon"],
                  ["--html", "/nowhere/x.html"], ["--svg", "/proc/none/x"], ["--duration", "0"]):
        status, _, said = run(*words)
        check.equal(status, NOT_RUN, " ".join(words))
        check.that(said.startswith("lombard-bench: "), "and the reason is named:", said)
    check.that("above 0" in run("--duration", "0")[2], "--duration 0 says what can be")


TESTS = (a_page_with_pictures, files_of_hdrhistogram, sweeps, impossible)
