"""HdrHistogram's files, read by a reader of the published format (hdr_reader.py) and compared with the other reports."""
import csv
import shutil
import subprocess
import time

from bench_process import VALID, load_json, path, run
from fake_server import FakeServer
from hdr_reader import read_log, read_percentiles
from shared import check

REQUESTS = 3000
HALF_US = 0.5 # a log has its maxima in ms, with three decimals
QUANTILES = (("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99.9", 0.999))

# What HdrHistogram's own reader makes of each line: count, p50, p99, maximum.
NODE = """const hdr = require("hdr-histogram-js");
require("fs").readFileSync(0, "latin1").trim().split("\\n").forEach(line => {
    const h = hdr.decodeFromCompressedBase64(line);
    console.log([h.totalCount, h.getValueAtPercentile(50), h.getValueAtPercentile(99), h.maxValue].join(" "));
});"""


def near(what, a, b, share):
    check.that(abs(a - b) <= share * b, what + ":", a, b)


def read_by_hdrhistogram(name, histograms):
    """The same by HdrHistogram for JavaScript, where it is installed (NODE_PATH)."""
    node = shutil.which("node")
    if not node or subprocess.run([node, "-e", 'require("hdr-histogram-js")'], stderr=subprocess.DEVNULL, check=False).returncode:
        print("node with hdr-histogram-js is not installed: only the reader written here was tried")
        return
    with open(name, encoding="ascii") as f:
        texts = [line.rsplit(",", 1)[1] for line in f if line[0] not in '#"']
    got = subprocess.run([node, "-e", NODE], input="".join(texts), stdout=subprocess.PIPE, text=True, check=True).stdout
    rows = [[float(w) for w in line.split()] for line in got.strip().split("\n")]
    check.equal(len(rows), len(histograms), "as many histograms")
    for row, h in zip(rows, histograms):
        check.equal(row[0], h.total(), "HdrHistogram counts as many")
        for value, ours in zip(row[1:], (h.quantile(0.5), h.quantile(0.99), max(h.counts))):
            near("HdrHistogram has the same quantiles", value, ours, 0.002)


def log_is_right(name, tags, results, began):
    """An interval for each second of each server, with what JSON has of it."""
    lines, version = read_log(path(name))
    check.equal(version, "1.3", "the version of the log's format")
    check.equal([line[0] for line in lines], [tag for tag, r in zip(tags, results) for _ in r["seconds_of_last_round"]],
                "an interval for each second of each server")
    seconds = [s for r in results for s in r["seconds_of_last_round"]]
    for (_, begin, length, longest_ms, h), second in zip(lines, seconds):
        longest = longest_ms * 1e3
        check.that(began - 2 <= begin <= time.time() + 1, "it begins when it was measured:", begin, began)
        check.equal((length, h.total(), h.digits), (second["seconds"], second["requests"], 3), "as JSON has it")
        if h.total() == 0: # whoever ran did not for a whole second
            continue
        near("p50 is as JSON has it", h.quantile(0.5) / 1e3, second["p50_us"], 0.035)
        near("p99 is as JSON has it", h.quantile(0.99) / 1e3, second["p99_us"], 0.035)
        check.that(max(h.counts) / 1e3 <= longest * 1.001 + HALF_US, "nothing is longer than the maximum:", max(h.counts), longest)
        near("the maximum is that of JSON", longest, second["max_us"], 0.001 + HALF_US / second["max_us"])
    read_by_hdrhistogram(path(name), [line[4] for line in lines])
    return [line[4] for line in lines]


def percentiles_are_right(every):
    rows, footer = read_percentiles(path("x.hgrm"))
    check.that(all(a[0] <= b[0] and a[1] < b[1] and a[2] <= b[2] for a, b in zip(rows, rows[1:])), "percentiles grow")
    check.equal(rows[-1][1:], (1.0, REQUESTS), "to all of them")
    check.that(all(max(q * REQUESTS, 1) - 0.001 <= n < q * REQUESTS + 1.001 for _, q, n in rows), "the counts are those of the shares")
    for name, q in QUANTILES:
        below = max(r for r in rows if r[1] <= q)[0] * 1e3
        above = min(r for r in rows if r[1] >= q)[0] * 1e3
        check.that(below * 0.999 - 1 <= every[name] <= above * 1.001 + 1, name + " is as JSON has it:", below, every[name], above)
    check.equal(footer["Total count"], REQUESTS, "the footer's count")
    near("the footer's maximum", footer["Max"] * 1e3, every["max"], 0.001 + HALF_US / every["max"])
    near("the footer's mean", footer["Mean"] * 1e3, every["mean"], 0.001 + 0.5 / every["mean"])
    check.that(rows[-1][0] == footer["Max"] >= footer["StdDeviation"] > 0, "and its other figures", footer)


def files_of_hdrhistogram():
    began = time.time()
    with FakeServer() as server:
        run("-q", "-s", server.address, "-k", "20", "-c", "2", "-n", REQUESTS, "--hgrm", path("x.hgrm"), "--hdr-log",
            path("x.hlog"), "--series", path("x.csv"), "-j", path("x.json"))
        result = load_json(path("x.json"))["servers"][0]
        histograms = log_is_right("x.hlog", [server.address], [result], began)
    check.equal(sum(h.total() for h in histograms), REQUESTS, "all latencies are in the log")
    near("up to the longest", max(max(h.counts) for h in histograms if h.counts) / 1e3, result["latency_us"]["all"]["max"], 0.04)
    percentiles_are_right(result["latency_us"]["all"])
    with open(path("x.csv"), encoding="ascii") as f:
        check.equal(sum(int(s["requests"]) for s in csv.DictReader(f)), REQUESTS, "the seconds have the requests")


def log_of_two_servers():
    began = time.time()
    with FakeServer() as one, FakeServer() as two:
        status, _, said = run("-q", "-s", one.address, "--compare", two.address, "-k", "20", "-c", "2", "-d", "200ms", "--rounds",
                              "2", "--hdr-log", path("x2.hlog"), "-j", path("x2.json"))
        check.equal(status, VALID, "two servers: " + said)
        log_is_right("x2.hlog", [one.address, two.address], load_json(path("x2.json"))["servers"], began)


TESTS = (files_of_hdrhistogram, log_of_two_servers)
