"""The faults of real loads of the load generator (phases, replays, databases, sessions), in the form of faults.py."""

LOADS_FAULTS = [
    ("bench replay: a second's requests leave together", "tools/bench/data/replay.c",
     "(uint64_t)((double)width * (double)i / (double)n)", "0"),
    ("bench replay: what goes back in time is early", "tools/bench/data/replay.c",
     "        r->backwards++;\n        at = in->last_ns;\n", "        r->backwards++;\n"),
    ("bench replay: a line of Meta's is one request", "tools/bench/data/trace.c",
     "    if (t->repeats > 0)\n        t->repeats--;\n    else\n", ""),
    ("bench database: any number at a time", "tools/bench/load/database.c",
     "    if (d->slots == NULL)\n", "    if (true)\n"),
    ("bench database: each fill is a herd", "tools/bench/load/database.c",
     "    if (k->loads == 0)\n", "    if (false)\n"),
    ("bench sessions: they never end", "tools/bench/run/pauses.c",
     "        if (pauses_left(d, c) == 0 && !load_is_over(&d->load)) {", "        if (false) {"),
    ("bench phases: all have the first one's mix", "tools/bench/run/driver.c",
     "    load_set_mix(&d->load, plan.weights);\n", ""),
]
