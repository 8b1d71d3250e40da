#!/usr/bin/python3
"""The status page in a browser: it draws, says nothing in its console, and its numbers are those of `stats`.

    page.py LOMBARD [DIRECTORY]     with a directory, what it looks like is left there

Skipped (77) where Chromium is not installed.
"""
import json
import os
import re
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "helpers"))

import browser
from checks import Checks
from client import ask, connect, stats
from http_client import ask as get, port_of
from server import Server, end_on_sigterm

SKIPPED = 77
# What may be anything in between: what connections do now, and what the last seconds were like.
RESTLESS = re.compile(r"conn_ready|task_bytes|buffers_(lent|free)|.*:(1s|10s|60s)|.*:ever:(mean|p\d+)_us")
checks = Checks()


class Load(threading.Thread):
    """A client that asks for little, until it is told to stop."""

    def __init__(self, server):
        super().__init__(daemon=True)
        self.socket, self.on = connect(server), True
        self.start()

    def run(self):
        i = 0
        while self.on:
            ask(self.socket, b"set k%d 0 0 5\r\nhello\r\n" % (i % 200))
            ask(self.socket, b"get k%d\r\n" % (i % 300), b"END\r\n")
            i += 1
            time.sleep(0.002)

    def stop(self):
        self.on = False
        self.join()


def check_policy(http):
    """Nothing but its own script and style runs, whatever the page contains."""
    answer = get(http, "/")
    policy = answer.fields["content-security-policy"]
    checks.that("default-src 'none'" in policy and "unsafe" not in policy, policy)
    page = answer.body.decode()
    checks.equal(re.findall(r"https?://(?!www\.w3\.org/2000/svg)", page), [], "outside resources")
    checks.equal(re.findall(r"(?:src|href)=\"(?!data:)", page), [], "what it links")
    checks.equal(re.findall(r"\son\w+=|\sstyle=|javascript:", page), [], "code in attributes")
    checks.that("innerHTML" not in page and "eval(" not in page, "texts are texts")


def rows(page):
    """The numbers of its table: {group: {name: value}}."""
    return json.loads(page.evaluate("""JSON.stringify(Object.fromEntries([...document.getElementById("all").tBodies].map(
        body => [body.rows[0].cells[0].textContent, Object.fromEntries([...body.rows].slice(1).map(
            row => [row.cells[0].textContent, row.cells[1].textContent]))])))"""))


def all_stats(s, groups):
    return {group: stats(s, "" if group == "stats" else " " + group) for group in groups}


def lies_between(value, low, high):
    try:
        return min(float(low), float(high)) <= float(value) <= max(float(low), float(high))
    except ValueError:
        return value in (low, high)


def check_numbers(page, s, what, show):
    """Each number of each group was what `stats` says, between an answer before and one after SHOW()."""
    before = all_stats(s, rows(page))
    show()
    got = rows(page)
    after = all_stats(s, got)
    checks.that(len(got) >= 7, "%s: groups" % what, list(got))
    for group, numbers in got.items():
        checks.that(set(after[group]) <= set(numbers), "%s: all of %s are there" % (what, group),
                    set(after[group]) - set(numbers))
        for name, value in numbers.items():
            if not RESTLESS.match(name):
                low, high = (at[group].get(name, "") for at in (before, after))
                checks.that(lies_between(value, low, high), "%s: %s of %s: %s, not %s to %s" % (
                    what, name, group, value, low, high))


def check_tiles(page, s):
    """What is shown large is what `stats` says."""
    tiles = dict(line.split("\n")[::-1] for line in page.evaluate("""[...document.querySelectorAll(
        ".tile:not([hidden])")].map(t => t.innerText).join("|")""").split("|"))
    plain, store = stats(s), stats(s, " store")
    checks.equal(tiles["items"], plain["curr_items"], "items")
    checks.equal(tiles["connections"], plain["curr_connections"], "connections")
    used = 100 * (1 - int(store["free_bytes"]) / int(store["limit_bytes"]))
    checks.that(abs(float(tiles["memory in use"].split()[0]) - used) < 0.1, "memory: %s, %s" % (tiles, used))


def check_drawn(page):
    lines = page.evaluate("""[...document.querySelectorAll("#cards section:not([hidden]) path.line")]
        .filter(p => p.getAttribute("d").length > 20).length""")
    checks.that(lines >= 4, "%d lines are drawn" % lines)
    tiles = page.evaluate("""[...document.querySelectorAll(".tile:not([hidden])")].map(t => t.innerText).join("|")""")
    checks.that("/s" in tiles and "%" in tiles, "tiles: %s" % tiles)
    titles = page.evaluate("""[...document.querySelectorAll("#cards section:not([hidden]) h2")].map(t => t.textContent).join("|")""")
    for wanted in ("Requests", "Hit ratio", "Hot keys", "Top talkers", "Events", "Latency", "Loop lag", "Memory", "Connections by state", "Buffers lent"):
        checks.that(wanted in titles, "%s is there: %s" % (wanted, titles))
    checks.equal(page.evaluate("document.getElementById('trouble').textContent"), "", "no trouble")
    checks.that(page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "it fits its width")


def check_hostile(page):
    """Whatever comes is shown as text."""
    page.evaluate("""now = {stats: {"<img src=x onerror=alert(1)>": "<script>alert(2)</script>"}};
        fillTable();
        new List("Any", "any", columnsOf("<i>n", {}), 5).show({"1:<b>x": "<img src=x>", "1:y": 5}); true""")
    checks.equal(page.evaluate("document.images.length + document.querySelectorAll('b > b, td b').length"), 0,
                 "no element comes of it")
    checks.that("<img src=x>" in page.evaluate("document.body.textContent"), "it is shown")


def look(page, directory, name, seconds=1.2):
    page.watch(seconds)
    if directory:
        page.screenshot(os.path.join(directory, name + ".png"))


def update_of(page):
    """Let it fetch all anew."""
    page.evaluate("window.round_before = round")
    page.wait("round >= round_before + 2")


def drive(server, http, directory):
    s = connect(server)
    ask(s, b"config idle-timeout 3000\r\n")  # is an event
    load = Load(server)
    page = browser.Browser()
    try:
        page.open("http://127.0.0.1:%d/" % http)
        page.wait("history.length >= 4")
        look(page, directory, "light")
        check_drawn(page)
        page.emulate(1280, 900, dark=True)
        look(page, directory, "dark")
        page.emulate(390, 844, phone=True)
        look(page, directory, "phone")
        checks.that(page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "a phone's width")
        load.stop()
        page.evaluate("document.getElementById('numbers').open = true")
        check_numbers(page, s, "with scripts", lambda: update_of(page))
        check_tiles(page, s)
        check_hostile(page)
        checks.equal(page.messages, [], "its console")
        other = {url for url in page.requests if not url.startswith("http://127.0.0.1:%d/" % http)
                 and not url.startswith("data:")}
        checks.equal(other, set(), "requests to others")
        page.emulate(800, 900, scripts=False)
        page.open("http://127.0.0.1:%d/" % http)
        look(page, directory, "without-scripts", 0.5)
        check_numbers(page, s, "without scripts", lambda: page.open("http://127.0.0.1:%d/?again" % http))
        checks.that(page.evaluate("document.getElementById('live').hidden"), "nothing that needs a script shows")
        checks.that(page.evaluate("document.getElementById('numbers').open"), "the numbers are open")
    finally:
        page.close()


def main():
    end_on_sigterm()
    if not browser.installed():
        print("chromium is not installed")
        sys.exit(SKIPPED)
    with Server([sys.argv[1], "--http", "127.0.0.1:0"]) as server:
        http = port_of(server)
        check_policy(http)
        drive(server, http, sys.argv[2] if len(sys.argv) > 2 else None)
        server.check_end(checks)
    checks.done()


if __name__ == "__main__":
    main()
