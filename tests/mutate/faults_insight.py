"""Faults of what the server tells of itself: latency, rates, hot keys. As in faults.py."""

LATENCY = "src/conn/server_latency.c"
LATENCY_H = "src/conn/server_latency.h"
SPANS = "src/base/spans.c"
TOPKEYS = "src/base/topkeys.c"
HOT = "src/cmd/cmd_hot.c"
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
    # Hot keys.
    ("insight: what was hot stays so", TOPKEYS,
     "            set->count[way] /= 2;\n", ""),
    ("insight: every new key takes a place", TOPKEYS,
     "    if (!happens(random, units, set->count[way] + units))\n        return;\n",
     "    (void)random;\n"),
    ("insight: what a key took over counts as its own", TOPKEYS,
     "    set->error[way] = set->count[way];\n", ""),
    ("insight: a key in the table is not found", TOPKEYS,
     "        if (set->hash[way] == id) {", "        if (set->hash[way] == id && way == 0) {"),
    ("insight: every request is looked at", HOT,
     "    return 1 + (uint32_t)(log2 * 0.693147 * SAMPLE_MEAN);", "    return 1 + (uint32_t)(log2 * 0);"),
    ("insight: noop is a hot key", HOT, "    if (!op_has(req->op, PROP_KEYED) || ", "    if ("),
    ("insight: bytes of keys are shown as they are", HOT, "    *put_uri(text, key) = '\\0';",
     "    memcpy(text, key.ptr, key.len);\n    text[key.len] = '\\0';"),
    ("insight: a large key that has gone stays", HOT,
     "store_peek(cmd->store, key, big->hash[i], &item) ? item.value_bytes : 0;",
     "store_peek(cmd->store, key, big->hash[i], &item) ? item.value_bytes : big->bytes[i];"),
    ("insight: large values are seen by chance alone", "src/cmd/cmd_store.c",
     "    if (result == COMMIT_STORED)\n        cmd_hot_big(cmd, req, req->value_bytes);\n", ""),
    ("insight: hits are misses", HOT,
     "    if (reply->status == REPLY_MISS || ", "    if (reply->status == REPLY_HIT || "),
]
