"""More faults of the load generator, in the form of faults.py: what it reports, and how sure that is."""

BENCH_TRUTH_FAULTS = [
    ("bench numbers: overlapping counts are compared", "tools/bench/load/numbers.c",
     "    s->overlapped |= s->in_flight > 1;\n", ""),
    ("bench numbers: any number is right", "tools/bench/load/numbers.c",
     "    return value == *want;", "    return true;"),
    ("bench numbers: what was lost is forgotten", "tools/bench/load/numbers.c",
     "    s->doubtful |= outcome == NUMBER_LOST;\n", ""),
    ("bench answer: numbers are not looked at", "tools/bench/load/load_answer.c",
     "    note_number(l, c, query);\n", ""),
    ("bench meta: half a number is read", "tools/bench/wire/wire_meta.c",
     "WIRE_LINE_PARTIAL: *p = start;", "WIRE_LINE_PARTIAL: (void)start;"),
]
