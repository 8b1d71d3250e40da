/* Makes figures of what a server answered. */
#include "figures_top.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TALKER_BUFFER_BYTES = 16 * 1024 }; /* of the buffers that a connection holds */

/* --- Numbers --- */

static double
counter(const struct target *target, const char *name)
{
    double number = answers_number(&target->answers, ANSWER_STATS, name);

    return number < 0 ? 0 : number;
}

static double
commands_of(const struct target *target)
{
    static const char *const names[] = {
        "cmd_get",       "cmd_set",   "cmd_touch",   "cmd_flush", "delete_hits",
        "delete_misses", "incr_hits", "incr_misses", "decr_hits", "decr_misses"};
    double sum = 0;

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        sum += counter(target, names[i]);
    return sum;
}

/* A counter's growth a second; one that became less was reset. */
static double
growth(double now, double before, double span_s)
{
    return span_s <= 0 ? -1 : (now >= before ? now - before : now) / span_s;
}

static void
make_rates(struct figures *f, const struct target *target, struct before *before, double now_s)
{
    const struct before now = {
        .known = true,
        .at_s = now_s,
        .commands = commands_of(target),
        .hits = counter(target, "get_hits"),
        .misses = counter(target, "get_misses"),
        .bytes_in = counter(target, "bytes_read"),
        .bytes_out = counter(target, "bytes_written"),
        .evictions = counter(target, "evictions"),
    };
    double span_s = before->known ? now_s - before->at_s : 0;

    f->commands = growth(now.commands, before->commands, span_s);
    f->hits = growth(now.hits, before->hits, span_s);
    f->misses = growth(now.misses, before->misses, span_s);
    f->bytes_in = growth(now.bytes_in, before->bytes_in, span_s);
    f->bytes_out = growth(now.bytes_out, before->bytes_out, span_s);
    f->evictions = growth(now.evictions, before->evictions, span_s);
    *before = now;
}

static double
rate(const struct target *target, const char *name)
{
    return answers_number(&target->answers, ANSWER_RATES, name);
}

/* The first round of a Lombard: it knows its rates itself. */
static void
take_rates(struct figures *f, const struct target *target)
{
    if (f->commands >= 0 || rate(target, "commands:1s") < 0)
        return;
    f->commands = rate(target, "commands:1s");
    f->hits = rate(target, "hits:1s");
    f->misses = rate(target, "misses:1s");
    f->bytes_in = rate(target, "bytes_in:1s");
    f->bytes_out = rate(target, "bytes_out:1s");
    f->evictions = rate(target, "evictions:1s");
}

static double
latency(const struct target *target, const char *name)
{
    static const char *const ops[] = {"get", "meta_get", "set", "gat", "meta_set"};
    char line[64];

    for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
        double number;

        (void)snprintf(line, sizeof(line), "%s:10s:%s", ops[i], name);
        number = answers_number(&target->answers, ANSWER_LATENCY, line);
        if (number >= 0)
            return number;
    }
    return -1;
}

static void
make_numbers(struct figures *f, const struct target *target)
{
    const struct answers *answers = &target->answers;
    struct answer_line line;
    double asked = f->hits + f->misses;

    f->is_lombard = target->is_lombard;
    if (!answers_find(answers, ANSWER_STATS, "lombard_version", &line) &&
        !answers_find(answers, ANSWER_STATS, "version", &line))
        line.value[0] = '\0';
    (void)snprintf(f->version, sizeof(f->version), "%.31s", line.value);
    f->uptime_s = answers_number(answers, ANSWER_STATS, "uptime");
    f->conns = answers_number(answers, ANSWER_STATS, "curr_connections");
    f->ready = answers_number(answers, ANSWER_STATS, "conn_ready");
    f->stalled = answers_number(answers, ANSWER_STATS, "conn_stalled");
    f->items = answers_number(answers, ANSWER_STATS, "curr_items");
    f->bytes = answers_number(answers, ANSWER_STATS, "bytes");
    f->limit_bytes = answers_number(answers, ANSWER_STATS, "limit_maxbytes");
    if (asked <= 0)
        asked = f->hits = -1;
    f->hit_pct = asked > 0 ? 100 * f->hits / asked : -1;
    f->p50_us = latency(target, "p50_us");
    f->p99_us = latency(target, "p99_us");
    f->max_us = latency(target, "max_us");
    f->loop_max_us = answers_number(answers, ANSWER_LATENCY, "iteration:10s:max_us");
}

/* --- Lists: lines INSTANCE:FIELD --- */

/* Split at the last colon; the field, or "". */
static const char *
split_name(struct answer_line *line)
{
    char *colon = strrchr(line->name, ':');

    if (colon == NULL)
        return "";
    *colon = '\0';
    return colon + 1;
}

static void
make_keys(struct figures *f, const struct target *target)
{
    struct answer_line line;
    size_t at = 0;

    (void)snprintf(f->keys_refused, sizeof(f->keys_refused), "%s", target->keys_refused);
    while (answers_next(&target->answers, ANSWER_HOTKEYS, &at, &line)) {
        const char *field = split_name(&line);
        struct shown_key *key = &f->keys[f->key_count > 0 ? f->key_count - 1 : 0];

        if (strcmp(field, "key") == 0) {
            if (f->key_count == SHOWN_KEYS_MAX)
                return;
            key = &f->keys[f->key_count++];
            memset(key, 0, sizeof(*key));
            (void)snprintf(key->key, sizeof(key->key), "%.255s", line.value);
        } else if (f->key_count > 0 && strcmp(field, "share_pct") == 0) {
            key->share_pct = strtod(line.value, NULL);
        } else if (f->key_count > 0 && strcmp(field, "error_pct") == 0) {
            key->error_pct = strtod(line.value, NULL);
        } else if (f->key_count > 0 && strcmp(field, "per_second") == 0) {
            key->per_second = strtod(line.value, NULL);
        }
    }
}

static void
set_text(char *text, size_t bytes, const char *value)
{
    (void)snprintf(text, bytes, "%.*s", (int)bytes - 1, value);
}

static void
set_field(struct talker *talker, const char *field, const char *value)
{
    double number = strtod(value, NULL);

    if (strcmp(field, "addr") == 0)
        set_text(talker->address, sizeof(talker->address), value);
    else if (strcmp(field, "state") == 0)
        set_text(talker->state, sizeof(talker->state), value);
    else if (strcmp(field, "id") == 0)
        set_text(talker->id, sizeof(talker->id), value);
    else if (strcmp(field, "name") == 0 && strcmp(value, "-") != 0)
        set_text(talker->name, sizeof(talker->name), value);
    else if (strcmp(field, "requests") == 0)
        talker->requests = number;
    else if (strcmp(field, "bytes_in") == 0)
        talker->bytes_in = number;
    else if (strcmp(field, "bytes_out") == 0)
        talker->bytes_out = number;
    else if (strcmp(field, "buffers_held") == 0)
        talker->held += number * TALKER_BUFFER_BYTES;
    else if (strcmp(field, "bytes_held") == 0)
        talker->held += number;
    else if (strcmp(field, "secs_stalled") == 0)
        talker->stalled_s = number;
}

/* The last one, where it is a socket that listens: it talks to nobody. */
static void
drop_listener(struct figures *f)
{
    if (f->talker_count > 0 &&
        strcmp(f->talkers[f->talker_count - 1].state, "conn_listening") == 0)
        f->talker_count--;
}

/* The one whose lines begin with LINE: the last one, or else a new one. NULL: no more fit. */
static struct talker *
talker_of(struct figures *f, const char *line, bool is_lombard)
{
    double unknown = is_lombard ? 0 : -1;
    struct talker *talker = &f->talkers[f->talker_count > 0 ? f->talker_count - 1 : 0];

    if (f->talker_count > 0 && strcmp(talker->line, line) == 0)
        return talker;
    drop_listener(f);
    if (f->talker_count == SHOWN_TALKERS_MAX)
        return NULL;
    talker = &f->talkers[f->talker_count++];
    *talker = (struct talker){.requests = unknown,
                              .bytes_in = unknown,
                              .bytes_out = unknown,
                              .held = unknown,
                              .stalled_s = unknown};
    set_text(talker->line, sizeof(talker->line), line);
    return talker;
}

static void
make_talkers(struct figures *f, const struct target *target)
{
    struct answer_line line;
    size_t at = 0;

    f->talkers_left_out = !target->lists_conns;
    while (answers_next(&target->answers, ANSWER_CONNS, &at, &line)) {
        const char *field = split_name(&line);
        struct talker *talker = talker_of(f, line.name, target->is_lombard);

        if (talker == NULL)
            break;
        set_field(talker, field, line.value);
    }
    drop_listener(f);
    f->talkers_left_out |= f->talker_count == SHOWN_TALKERS_MAX ||
                           (target->is_lombard && f->talker_count < f->conns);
}

static void
make_events(struct figures *f, const struct target *target)
{
    struct answer_line line;
    size_t at = 0;

    while (f->event_count < SHOWN_EVENTS_MAX &&
           answers_next(&target->answers, ANSWER_EVENTS, &at, &line))
        (void)snprintf(f->events[f->event_count++].text, SHOWN_TEXT_BYTES, "%.40s %.200s",
                       line.name, line.value);
}

void
figures_make(struct figures *figures, const struct target *target, struct before *before,
             double now_s)
{
    memset(figures, 0, sizeof(*figures));
    make_rates(figures, target, before, now_s);
    take_rates(figures, target);
    make_numbers(figures, target);
    make_keys(figures, target);
    make_talkers(figures, target);
    make_events(figures, target);
}

/* --- Order --- */

const char *
talker_order_name(enum talker_order order)
{
    switch (order) {
    case BY_TALKER_BYTES_OUT: return "bytes out";
    case BY_TALKER_BYTES_IN: return "bytes in";
    case BY_TALKER_REQUESTS: return "requests";
    case BY_TALKER_HELD: return "bytes held";
    case BY_TALKER_STALLED: return "time stalled";
    }
    abort();
}

const char *
talker_order_word(enum talker_order order)
{
    switch (order) {
    case BY_TALKER_BYTES_OUT: return "bytes_out";
    case BY_TALKER_BYTES_IN: return "bytes_in";
    case BY_TALKER_REQUESTS: return "requests";
    case BY_TALKER_HELD: return "held";
    case BY_TALKER_STALLED: return "stalled";
    }
    abort();
}

static double
weight(const struct talker *talker, enum talker_order order)
{
    switch (order) {
    case BY_TALKER_BYTES_OUT: return talker->bytes_out;
    case BY_TALKER_BYTES_IN: return talker->bytes_in;
    case BY_TALKER_REQUESTS: return talker->requests;
    case BY_TALKER_HELD: return talker->held;
    case BY_TALKER_STALLED: return talker->stalled_s;
    }
    abort();
}

static int
compare(const void *a, const void *b, void *order)
{
    double left = weight(a, *(const enum talker_order *)order);
    double right = weight(b, *(const enum talker_order *)order);

    return left < right ? 1 : left > right ? -1 : 0;
}

void
figures_sort(struct figures *figures, enum talker_order order)
{
    qsort_r(figures->talkers, (size_t)figures->talker_count, sizeof(figures->talkers[0]),
            compare, &order);
}
