/* Counts what happened in a phase, and derives rates and shares from it. */
#include "load/tally.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

void
tally_reset(struct tally *t)
{
    memset(t, 0, sizeof(*t));
    for (int i = 0; i < QUERY_KIND_COUNT; i++)
        hist_reset(&t->service[i]);
    hist_reset(&t->response);
    hist_reset(&t->lag);
    aside_reset(&t->aside);
    hist_reset(&t->unread);
}

static void
note_errors(struct tally *t, const char *text, size_t len, uint64_t count)
{
    struct tally_error *e = t->error_kinds;
    struct tally_error *last = e + TALLY_ERROR_KINDS - 1;

    if (len >= TALLY_ERROR_TEXT)
        len = TALLY_ERROR_TEXT - 1;
    while (e < last && e->count > 0 &&
           (strlen(e->text) != len || memcmp(e->text, text, len) != 0))
        e++;
    if (e == last) {
        (void)snprintf(e->text, sizeof(e->text), "(others)");
    } else if (e->count == 0) {
        memcpy(e->text, text, len);
        e->text[len] = '\0';
    }
    e->count += count;
}

void
tally_note_error(struct tally *t, const char *text, size_t len)
{
    t->errors++;
    note_errors(t, text, len, 1);
}

void
tally_merge(struct tally *into, const struct tally *from)
{
    into->seconds_before += tally_seconds(from);
    if (from->processes > into->processes)
        into->processes = from->processes;
    into->cpu_ns += from->cpu_ns;
    into->user_ns += from->user_ns;
    into->spun_ns += from->spun_ns;
    into->wait_ns += from->wait_ns;
    into->requests += from->requests;
    into->follow_ups += from->follow_ups;
    into->hits += from->hits;
    into->misses += from->misses;
    into->verified_bytes += from->verified_bytes;
    into->sharp += from->sharp;
    into->foreign += from->foreign;
    into->early += from->early;
    into->grown += from->grown;
    into->mismatches += from->mismatches;
    into->garbled += from->garbled;
    into->errors += from->errors;
    into->not_stored += from->not_stored;
    into->not_found += from->not_found;
    into->lost_connections += from->lost_connections;
    into->lost_requests += from->lost_requests;
    into->timed_out += from->timed_out;
    into->unsent += from->unsent;
    into->skipped += from->skipped;
    into->down_ns += from->down_ns;
    into->conn_down_ns += from->conn_down_ns;
    into->stored_bytes += from->stored_bytes;
    into->held += from->held;
    into->crowded += from->crowded;
    into->unbegun += from->unbegun;
    into->bytes_sent += from->bytes_sent;
    into->bytes_received += from->bytes_received;
    for (int i = 0; i < PLACEMENT_SERVERS_MAX; i++)
        into->placed[i] += from->placed[i];
    for (int i = 0; i < QUERY_KIND_COUNT; i++) {
        into->answered[i] += from->answered[i];
        into->stored[i] += from->stored[i];
        into->refused[i] += from->refused[i];
        hist_merge(&into->service[i], &from->service[i]);
    }
    hist_merge(&into->response, &from->response);
    hist_merge(&into->lag, &from->lag);
    aside_merge(&into->aside, &from->aside);
    hist_merge(&into->unread, &from->unread);
    for (int i = 0; i < TALLY_ERROR_KINDS; i++) {
        const struct tally_error *e = &from->error_kinds[i];

        if (e->count > 0)
            note_errors(into, e->text, strlen(e->text), e->count);
    }
}

void
tally_service(const struct tally *t, struct hist *out)
{
    hist_reset(out);
    for (int i = 0; i < QUERY_KIND_COUNT; i++)
        hist_merge(out, &t->service[i]);
}

double
tally_seconds(const struct tally *t)
{
    double now = t->end_ns > t->start_ns ? (double)(t->end_ns - t->start_ns) / 1e9 : 0;

    return t->seconds_before + now;
}

uint64_t
tally_answers(const struct tally *t)
{
    return t->requests + t->follow_ups;
}

double
tally_rate(const struct tally *t)
{
    double seconds = tally_seconds(t);

    return t->requests > 0 && seconds > 0 ? (double)t->requests / seconds : NAN;
}

double
tally_read_bytes(const struct tally *t)
{
    return t->hits > 0 ? (double)t->verified_bytes / (double)t->hits : NAN;
}

double
tally_stored_bytes(const struct tally *t)
{
    uint64_t stores = 0;

    for (int i = 0; i < QUERY_KIND_COUNT; i++)
        stores += query_has_value((enum query_kind)i) ? t->stored[i] : 0;
    return stores > 0 ? (double)t->stored_bytes / (double)stores : NAN;
}

/* While it spun others may have run: then that was more than it used. */
uint64_t
tally_work_ns(const struct tally *t)
{
    return t->cpu_ns > t->spun_ns ? t->cpu_ns - t->spun_ns : 0;
}

double
tally_client_us(const struct tally *t)
{
    uint64_t answers = tally_answers(t);

    return answers > 0 ? (double)tally_work_ns(t) / 1e3 / (double)answers : NAN;
}

double
tally_hit_percent(const struct tally *t)
{
    uint64_t reads = t->hits + t->misses;

    return reads == 0 ? 0 : 100 * (double)t->hits / (double)reads;
}

static double
share_of_time(const struct tally *t, uint64_t ns)
{
    double seconds = tally_seconds(t) * (t->processes > 0 ? t->processes : 1);

    return seconds > 0 ? (double)ns / 1e9 / seconds : 0;
}

double
tally_busy_share(const struct tally *t)
{
    return share_of_time(t, tally_work_ns(t));
}

double
tally_wait_share(const struct tally *t)
{
    return share_of_time(t, t->wait_ns);
}

double
tally_spun_share(const struct tally *t)
{
    return share_of_time(t, t->spun_ns);
}

bool
tally_was_bottleneck(const struct tally *t)
{
    return tally_busy_share(t) + tally_wait_share(t) > 0.97;
}

bool
tally_is_wrong(const struct tally *t)
{
    return t->mismatches > 0 || t->garbled > 0;
}
