#!/usr/bin/python3
"""Every metric, label and value that the alert rules and the dashboard name is one of /metrics.

    rules.py LOMBARD DIST
"""
import json
import os
import re
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "helpers"))

import prometheus
from checks import Checks
from client import ask, connect
from http_client import ask as get, port_of
from server import Server, end_on_sigterm

NAME = re.compile(r"\b((?:memcached|lombard)_[a-z0-9_]+)\b(?:\{([^}]*)\})?")
MATCHER = re.compile(r'(\w+)\s*(=~|!=|!~|=)\s*"([^"]*)"')
# Of Prometheus itself, not of the server.
TARGET_LABELS = {"instance", "job"}
checks = Checks()


def scrape(lombard):
    """{name of a sample: its sets of labels} of a server that has done a bit of everything."""
    with Server([lombard, "--http", "127.0.0.1:0"]) as server:
        s = connect(server)
        ask(s, b"set a 0 0 1\r\n1\r\n")
        ask(s, b"get a b\r\n", b"END\r\n")
        samples = {}
        for metric in prometheus.parse(get(port_of(server), "/metrics").body).values():
            for name, labels, _ in metric.samples:
                samples.setdefault(name, []).append(labels)
        server.check_end(checks)
    return samples


def check_expression(where, text, samples):
    for name, matchers in NAME.findall(text):
        checks.that(name in samples, "%s: %s is a metric" % (where, name))
        for label, kind, wanted in MATCHER.findall(matchers or ""):
            if label in TARGET_LABELS:
                continue
            values = {labels.get(label) for labels in samples.get(name, [])}
            for one in wanted.split("|") if kind == "=~" else [wanted]:
                checks.that(one in values, '%s: %s has %s="%s"' % (where, name, label, one))
    for by in re.findall(r"by \(([^)]*)\)", text):
        names = NAME.findall(text)
        for label in re.split(r",\s*", by):
            checks.that(label in TARGET_LABELS or any(
                label in labels for name, _ in names for labels in samples.get(name, [])),
                "%s: by (%s)" % (where, label))


def check_rules(path, samples):
    with open(path, encoding="ascii") as file:
        text = file.read()
    rules = re.findall(r"- alert: (\w+)\n\s+expr: (?:\|\n((?:\s{10}.*\n)+)|(.*)\n)", text)
    checks.equal(len(rules), text.count("- alert:"), "rules that were found")
    for name, long, short in rules:
        check_expression(name, long or short, samples)
    for label in re.findall(r"\$labels\.(\w+)", text):
        checks.that(label in TARGET_LABELS or any(
            label in labels for sets in samples.values() for labels in sets), "$labels." + label)
    tool = shutil.which("promtool")
    if tool:
        done = subprocess.run([tool, "check", "rules", path], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, check=False)
        checks.equal(done.returncode, 0, "promtool: %s" % done.stdout.decode())


def check_dashboard(path, samples):
    with open(path, encoding="ascii") as file:
        board = json.load(file)
    ids = [panel["id"] for panel in board["panels"]]
    checks.equal(len(set(ids)), len(ids), "panels have an id each")
    for panel in board["panels"]:
        checks.that(panel["targets"], panel["title"])
        for target in panel["targets"]:
            check_expression(panel["title"], target["expr"], samples)
            checks.equal(target["expr"].count("("), target["expr"].count(")"), "parentheses")
            for label in re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]):
                checks.that(label in TARGET_LABELS or any(
                    label in labels for name, _ in NAME.findall(target["expr"])
                    for labels in samples.get(name, [])), "%s: {{%s}}" % (panel["title"], label))
    taken = set()
    for panel in board["panels"]:
        grid = panel["gridPos"]
        for x in range(grid["x"], grid["x"] + grid["w"]):
            for y in range(grid["y"], grid["y"] + grid["h"]):
                checks.that((x, y) not in taken and x < 24, "%s lies on another" % panel["title"])
                taken.add((x, y))


def main():
    end_on_sigterm()
    samples = scrape(sys.argv[1])
    check_rules(os.path.join(sys.argv[2], "prometheus", "lombard.rules.yml"), samples)
    check_dashboard(os.path.join(sys.argv[2], "grafana", "lombard.json"), samples)
    checks.done()


if __name__ == "__main__":
    main()
