"""A strict parser of Prometheus's text format (0.0.4) and of OpenMetrics (1.0.0): what it lets pass is valid.

Source: the formats' specifications. parse() gives {name of a metric: Metric}, or raises Malformed.
"""
import re

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = r"[a-zA-Z_][a-zA-Z0-9_]*"
NUMBER = r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?|[+-]?Inf|NaN"
SAMPLE = re.compile(r"(%s)(?:\{(.*)\})? (%s)" % (NAME, NUMBER))
PAIR = re.compile(r'(%s)="((?:[^"\\\n]|\\["\\n])*)"(,|$)' % LABEL)
HELP = re.compile(r"(?:[^\\]|\\[\\n])*")
OPEN_HELP = re.compile(r'(?:[^\\"]|\\["\\n])*')
# "Canonical Numbers" of OpenMetrics.
OPEN_BOUND = re.compile(r"\d+\.\d+|\de[+-]\d\d|\+Inf")
TYPES = {"counter", "gauge", "histogram", "summary", "untyped"}
OPEN_TYPES = {"counter", "gauge", "histogram", "summary", "unknown", "info", "stateset", "gaugehistogram"}


class Malformed(Exception):
    pass


class Metric:
    def __init__(self, name):
        self.name, self.help, self.type, self.samples = name, None, None, []

    def value(self, **labels):
        """Of the one sample that has exactly LABELS."""
        (found,) = [v for _, l, v in self.samples if l == labels]
        return found


def labels_of(text):
    labels, at = {}, 0
    if not text:
        return labels
    while at < len(text):
        pair = PAIR.match(text, at)
        if not pair:
            raise Malformed("labels: %r" % text[at:])
        if pair.group(1) in labels:
            raise Malformed("label %s twice" % pair.group(1))
        labels[pair.group(1)] = re.sub(
            r'\\(["\\n])', lambda m: "\n" if m.group(1) == "n" else m.group(1), pair.group(2))
        at = pair.end()
        if pair.group(3) == "," and at == len(text):
            raise Malformed("a comma at the end of labels")
    return labels


def suffixes(metric, openmetrics):
    """What the names of samples of METRIC end in, behind its name."""
    if metric.type == "histogram":
        return {"_bucket", "_count", "_sum"}
    if openmetrics and metric.type == "counter":
        return {"_total"}
    if openmetrics and metric.type == "info":
        return {"_info"}
    return {""}


def check_histogram(metric):
    series = {}
    for name, labels, value in metric.samples:
        key = tuple(sorted((k, v) for k, v in labels.items() if k != "le"))
        series.setdefault(key, {}).setdefault(name[len(metric.name):], []).append((labels.get("le"), value))
    for key, parts in series.items():
        buckets = [(float(le.replace("Inf", "inf")), v) for le, v in parts.get("_bucket", [])]
        if sorted(buckets) != buckets or len({le for le, _ in buckets}) != len(buckets):
            raise Malformed("%s%s: bounds are not in order" % (metric.name, key))
        if [v for _, v in buckets] != sorted(v for _, v in buckets):
            raise Malformed("%s%s: buckets shrink" % (metric.name, key))
        if not buckets or buckets[-1][0] != float("inf"):
            raise Malformed("%s%s: no bucket for all" % (metric.name, key))
        if [v for _, v in parts.get("_count", [])] != [buckets[-1][1]] or len(parts.get("_sum", [])) != 1:
            raise Malformed("%s%s: its count or sum" % (metric.name, key))


def check_metric(metric, openmetrics):
    if metric.type is None or metric.help is None:
        raise Malformed("%s: HELP or TYPE is missing" % metric.name)
    if not metric.samples:
        raise Malformed("%s: no sample" % metric.name)
    ends = suffixes(metric, openmetrics)
    seen = set()
    for name, labels, value in metric.samples:
        if not name.startswith(metric.name) or name[len(metric.name):] not in ends:
            raise Malformed("%s: a sample is called %s" % (metric.name, name))
        series = (name, tuple(sorted(labels.items())))
        if series in seen:
            raise Malformed("%s%s comes twice" % series)
        seen.add(series)
        if metric.type == "counter" and value < 0:
            raise Malformed("%s: a negative counter" % metric.name)
        if any(label.startswith("__") for label in labels):
            raise Malformed("%s: a label that is Prometheus's" % metric.name)
        if openmetrics and name.endswith("_bucket") and not OPEN_BOUND.fullmatch(labels["le"]):
            raise Malformed("%s: the bound %s" % (metric.name, labels["le"]))
    if metric.type == "counter" and not openmetrics and not metric.name.endswith("_total"):
        raise Malformed("%s: a counter" % metric.name)
    if metric.type == "histogram":
        check_histogram(metric)


def parse(data, openmetrics=False):
    """DATA are the bytes of an answer."""
    text = data.decode("utf-8")  # strict
    if not text.endswith("\n"):
        raise Malformed("the last line has no end")
    lines = text[:-1].split("\n")
    if openmetrics:
        if lines[-1] != "# EOF":
            raise Malformed("no EOF")
        lines.pop()
    metrics, metric = {}, None
    for line in lines:
        found = re.fullmatch(r"# (HELP|TYPE) (%s) (.*)" % NAME, line)
        if found:
            kind, name, rest = found.groups()
            if metric is None or metric.name != name:
                if name in metrics:
                    raise Malformed("%s: its lines are not together" % name)
                metric = metrics[name] = Metric(name)
            if metric.samples:
                raise Malformed("%s: %s behind a sample" % (name, kind))
            if getattr(metric, kind.lower()) is not None:
                raise Malformed("%s: %s twice" % (name, kind))
            if kind == "TYPE" and rest not in (OPEN_TYPES if openmetrics else TYPES):
                raise Malformed("%s: type %s" % (name, rest))
            if kind == "HELP" and not (OPEN_HELP if openmetrics else HELP).fullmatch(rest):
                raise Malformed("%s: its help" % name)
            setattr(metric, kind.lower(), rest)
            continue
        sample = SAMPLE.fullmatch(line)
        if not sample or metric is None:
            raise Malformed("line %r" % line)
        metric.samples.append((sample.group(1), labels_of(sample.group(2)),
                               float(sample.group(3).replace("Inf", "inf"))))
    owners = {}
    for one in metrics.values():
        check_metric(one, openmetrics)
        for name in {sample[0] for sample in one.samples} | {one.name}:
            if owners.setdefault(name, one) is not one:
                raise Malformed("%s: of two metrics" % name)
    return metrics
