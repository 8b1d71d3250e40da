"""Faults of what the server tells of itself: latency, rates, hot keys. As in faults.py."""

LATENCY = "src/conn/server_latency.c"
LATENCY_H = "src/conn/server_latency.h"
SPANS = "src/base/spans.c"
DISPATCH = "src/conn/dispatch.c"

INSIGHT_FAULTS = [
    # Latency.
    ("insight: a turn of spans is lost", SPANS, "    *turn = spans->now;\n", ""),
    ("insight: spans stay for ever", SPANS,
     "            memset(turn, 0, sizeof(*turn));\n", "            (void)turn;\n"),
    ("insight: the turn that is under way is not shown", SPANS,
     "    add_turn(sum, &spans->now);\n", ""),
    ("insight: quantiles are one too low", SPANS, "        if (seen >= want) {",
     "        if (seen >= want / 2) {"),
    ("insight: the longest is not kept", "include/lombard/base/spans.h",
     "    if (ns > spans->now.max_ns)", "    if (ns < spans->now.max_ns)"),
    ("insight: replies in an iteration begin with their group", DISPATCH,
     "    c->server->latency.since_ns = dispatch->since_ns;",
     "    c->server->latency.since_ns = c->server->latency.last_ns;"),
    ("insight: replies that are kept are counted twice", LATENCY,
     "    memset(latency->others, 0, sizeof(latency->others));\n    latency->noted = 0;\n",
     "    memset(latency->others, 0, sizeof(latency->others));\n"),
    ("insight: replies that are kept are not counted", DISPATCH,
     "        latency_resume(&c->server->latency, c->held);", "        (void)held;"),
    ("insight: of several operations only the last counts", LATENCY,
     "    latency->others[latency->op] += latency->noted;\n", ""),
    ("insight: an iteration is as long as its last step", "src/conn/server.c",
     "    latency_iteration(&server->latency, server->clock->now_ns);",
     "    latency_iteration(&server->latency, server->latency.last_ns);"),
    ("insight: turns do not pass", LATENCY,
     "    uint32_t turns = (uint32_t)(now_ms / SPAN_TURN_MS);",
     "    uint32_t turns = (uint32_t)(now_ms / SPAN_TURN_MS / 100);"),
    # Rates.
    ("insight: a second is taken for one, however long it was", "src/app/rates.c",
     "    rates->ns[second] = rates->clock->now_ns - rates->read_at_ns;",
     "    rates->ns[second] = 1000000000;"),
    ("insight: a reset makes a rate without bound", "src/app/rates.c",
     "now >= source->last ? now - source->last : now;", "now - source->last;"),
    ("insight: the rate of ten seconds is that of one", "src/app/rates.c",
     "    for (uint32_t i = 0; i < window->seconds; i++) {", "    for (uint32_t i = 0; i < 1; i++) {"),
]
