"""Pages and pictures: what they have to be, read by other programs."""
import glob
import os
import re
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


TESTS = (a_page_with_pictures, sweeps, impossible)
