/* Judges answers: counts them, verifies values, and notes what follows from them. */
#include "load/load.h"

#include "load/load_items.h"
#include "load/load_aside.h"
#include "load/mismatch.h"

/* In query_key.oldest, once the key's value has come. No version gets that far. */
#define VERSION_SEEN QUERY_VERSION_MAX

/* Of a value too short to say its version, or who wrote it. */
static enum keys_verdict
judge_short(const struct load *l, const struct value_check *check, uint32_t oldest,
            bool other_flags)
{
    uint32_t want = load_value_bytes(l, (uint32_t)check->key);

    if (other_flags && (oldest == 0 || l->keys.shared))
        return KEYS_FOREIGN;
    /* In a trace a key may change its size, and what another run left is of any. */
    return oldest > 0 && l->options->trace_path == NULL && check->bytes != want ? KEYS_STALE
                                                                                : KEYS_GOOD;
}

void
load_value(struct load *l, struct caller *c, struct query *query)
{
    const struct value_check *check = &c->reader.check;
    struct query_key *key = &query->keys[c->reader.key_index];
    enum keys_verdict verdict = KEYS_GOOD;
    bool other_flags;
    bool told;

    if (UNLIKELY(c->reader.lease != 0) && check->bytes == 0)
        return; /* there is none: its place is kept for the client that has won */
    if (UNLIKELY(key->oldest == VERSION_SEEN)) {
        mismatch_report(l, c, query, "the same value twice");
        return;
    }
    other_flags = c->reader.flags != keys_flags(&l->keys, key->id);
    if (UNLIKELY(query->flags & QUERY_GROWING)) {
        items_grown(l, c, query);
        key->oldest = VERSION_SEEN;
        return;
    }
    if (LIKELY(check->verdict == VALUE_GOOD))
        verdict = keys_judge(&l->keys, &check->id, key->oldest);
    else if (check->verdict == VALUE_SHORT_GOOD)
        verdict = judge_short(l, check, key->oldest, other_flags);
    else
        mismatch_report(l, c, query, value_verdict_name(check->verdict));
    if (UNLIKELY(other_flags) && verdict != KEYS_FOREIGN)
        mismatch_flags(l, c, query);
    /* Of a value that the reply itself calls stale, neither is wrong. */
    told = (c->reader.lease & LEASE_STALE) && (verdict == KEYS_STALE || verdict == KEYS_GOOD);
    if (UNLIKELY(verdict == KEYS_FOREIGN))
        l->tally.foreign++;
    else if (UNLIKELY(verdict != KEYS_GOOD) && !told)
        mismatch_report(l, c, query, keys_verdict_name(verdict));
    else if (UNLIKELY(!told && items_is_expired(l, c, query)))
        mismatch_report(l, c, query, "it should have expired");
    l->tally.sharp += key->sharp && check->verdict == VALUE_GOOD;
    l->tally.verified_bytes += check->bytes;
    c->hits++;
    key->oldest = VERSION_SEEN;
}

/* Leave a store of a key to the connection, to be sent before anything new. */
static void
add_follow(struct caller *c, struct follow f)
{
    c->follows[c->follow_count++] = f;
}

/* The second half of a cas, with what the first brought. */
static void
follow_cas(struct load *l, struct caller *c, const struct query *query)
{
    uint32_t key = query->keys[0].id;
    uint32_t bytes = load_value_bytes(l, key);

    add_follow(c, (struct follow){.kind = QUERY_CAS,
                                  .key = key,
                                  .cas = c->reader.cas,
                                  .due_ns = query->due_ns,
                                  .sent_ns = query->sent_ns,
                                  .ttl_s = query->ttl_s,
                                  .value_bytes = bytes});
}

/* hitratio: the key was missing although it was there a moment ago, and another request is about to
 * store it. With one request at a time it would have been found: ask again when it is stored. */
static bool
ask_again(struct load *l, const struct query *query)
{
    struct access a = {.key = query->keys[0].id,
                       .value_bytes = query->value_bytes,
                       .ttl_s = query->ttl_s,
                       .kind = QUERY_GET};

    if (!holds_has_room(&l->holds))
        return false;
    holds_wait(&l->holds, &a, query->due_ns);
    l->tally.held++;
    l->tally.misses--;
    /* load_done() counts it as a request, which it was not. */
    l->tally.requests--;
    l->tally.follow_ups++;
    return true;
}

/* What a cache is for: the client that found a key missing stores it. */
static void
follow_misses(struct load *l, struct caller *c, const struct query *query)
{
    for (uint32_t i = 0; i < query->key_count; i++) {
        uint32_t key = query->keys[i].id;
        bool hit = query->keys[i].oldest == VERSION_SEEN;
        struct follow f = {.kind = QUERY_SET,
                           .key = key,
                           .ttl_s = query->ttl_s,
                           .value_bytes = query->value_bytes,
                           .flags = query->flags & QUERY_CLAIM};

        if (l->phase != LOAD_WORKLOAD) {
            f.value_bytes = load_value_bytes(l, key);
            f.ttl_s = load_ttl_s(l, key);
        } else if (!hit && !(query->flags & QUERY_CLAIM)) {
            holds_know(&l->holds, key, false);
            if (holds_enter(&l->holds, key, false) == HOLDS_CLAIMED)
                f.flags = QUERY_CLAIM;
            else if (ask_again(l, query))
                continue;
        }
        windows_add(&l->windows, hit, f.value_bytes);
        if (!hit)
            add_follow(c, f);
    }
}

/* In time: one more, or its reads, or an error. */
static void
note_moment(struct load *l, uint64_t latency_ns)
{
    struct moment *m = series_at(&l->series, l->now_ns);

    if (m == NULL)
        return;
    m->requests++;
    moment_add_latency(m, latency_ns);
}

static void
note_moment_of_reads(struct load *l, uint64_t hits, uint64_t misses)
{
    struct moment *m = series_at(&l->series, l->now_ns);

    if (m == NULL)
        return;
    m->hits += hits;
    m->misses += misses;
}

static void
finish_get(struct load *l, struct caller *c, const struct query *query)
{
    if (UNLIKELY(l->database.keys != NULL) && query->kind == QUERY_GET &&
        !aside_got(l, c, query))
        return;
    l->tally.hits += c->hits;
    l->tally.misses += query->key_count - c->hits;
    note_moment_of_reads(l, c->hits, query->key_count - c->hits);
    for (uint32_t i = 0; UNLIKELY(l->expiry.list != NULL) && i < query->key_count; i++) {
        if (query->keys[i].oldest != VERSION_SEEN)
            items_missed(l, query, query->keys[i].id);
    }
    if (query->kind == QUERY_CAS && c->hits == 1)
        follow_cas(l, c, query);
    else if (l->options->refill && l->database.keys == NULL && query->kind == QUERY_GET)
        follow_misses(l, c, query);
    c->hits = 0;
}

/* Whether it was sent with a version of its own. */
static bool
is_write(const struct query *query)
{
    return query->version != 0 &&
           (query_has_value((enum query_kind)query->kind) || query->kind == QUERY_DELETE) &&
           !(query->kind == QUERY_CAS && query->cas == 0);
}

/* Its write has failed, or was never sent. */
static void
abandon(struct load *l, const struct query *query)
{
    if (is_write(query))
        keys_abandon(&l->keys, query->keys[0].id, query->version);
}

static void
note_refusal(struct load *l, const struct caller *c, const struct query *query)
{
    abandon(l, query);
    if (c->reader.outcome == OUTCOME_NOT_STORED)
        l->tally.not_stored++;
    else
        l->tally.not_found++;
}

static void
note_error(struct load *l, struct caller *c, const struct query *query)
{
    struct moment *m = series_at(&l->series, l->now_ns);

    if (m != NULL)
        m->errors++;
    abandon(l, query);
    tally_note_error(&l->tally, c->reader.error, c->reader.error_len);
    l->tally.refused[query->kind]++;
}

static void
note_stored(struct load *l, const struct query *query)
{
    if (is_write(query))
        keys_acknowledge(&l->keys, query->keys[0].id, query->version, query->keys[0].oldest);
    if (UNLIKELY(l->database.keys != NULL))
        aside_stored(l, query);
    l->tally.stored[query->kind]++;
    if (query_has_value((enum query_kind)query->kind))
        l->tally.stored_bytes += query->value_bytes;
}

/* hitratio: the key of QUERY is, or is not, there now. FOLLOWED: a store is still to come. */
static void
end_access(struct load *l, const struct query *query, bool there, bool followed)
{
    uint32_t key = query->keys[0].id;

    if (query->kind != QUERY_DELETE)
        holds_know(&l->holds, key, there);
    if ((query->flags & QUERY_CLAIM) && !followed)
        holds_leave(&l->holds, key);
}

/* The outcome of QUERY, for what is planned by it. */
static void
tell_plan(struct load *l, const struct query *query, bool good, bool followed)
{
    switch (l->phase) {
    case LOAD_FILL: fill_outcome(&l->fill, query->keys[0].id, good); return;
    case LOAD_MIX:
    case LOAD_REPLAY: return;
    case LOAD_WORKLOAD: end_access(l, query, good, followed); return;
    }
    BUG("load_phase out of range");
}

/* Whether what QUERY is about was stored, or found. */
static bool
is_good(const struct caller *c, const struct query *query, uint64_t hits)
{
    return query->kind == QUERY_GET ? hits == query->key_count
                                    : c->reader.outcome == OUTCOME_STORED;
}

void
load_done(struct load *l, struct caller *c, const struct query *query)
{
    struct tally *t = &l->tally;
    uint32_t follows = c->follow_count;
    bool good = is_good(c, query, c->hits);
    bool followed;

    if (items_exist(l))
        items_done(l, c, query);
    switch (c->reader.outcome) {
    case OUTCOME_GET_END:
        if (LIKELY(!(query->flags & QUERY_GROWING)))
            finish_get(l, c, query);
        break;
    case OUTCOME_STORED: note_stored(l, query); break;
    case OUTCOME_NUMBER: t->stored[query->kind]++; break;
    case OUTCOME_NOT_STORED:
    case OUTCOME_NOT_FOUND: note_refusal(l, c, query); break;
    case OUTCOME_ERROR: note_error(l, c, query); break;
    }
    c->hits = 0;
    followed = c->follow_count != follows;
    tell_plan(l, query, good, followed);
    t->answered[query->kind]++;
    t->end_ns = l->now_ns;
    /* A cas is over with its second half. */
    if ((query->flags & QUERY_REFILL) || (query->kind == QUERY_CAS && followed)) {
        t->follow_ups++;
        return;
    }
    t->requests++;
    if (query->flags & QUERY_TIMED) {
        hist_add(&t->service[query->kind], l->now_ns - query->sent_ns);
        if (l->gap_ns > 0) /* otherwise it is the same: load_end() */
            hist_add(&t->response, l->now_ns - query->due_ns);
        note_moment(l, l->now_ns - (l->gap_ns > 0 ? query->due_ns : query->sent_ns));
    }
}

void
load_done_quietly(struct load *l, const struct query *query, bool doubtful)
{
    if (doubtful)
        abandon(l, query);
    else
        note_stored(l, query);
    items_done_quietly(l, query, doubtful);
    l->tally.requests++;
    l->tally.answered[query->kind]++;
}

void
load_stray_error(struct load *l, const struct caller *c)
{
    tally_note_error(&l->tally, c->reader.error, c->reader.error_len);
}

/* It will not be answered: its latency is at least the time until now. */
static void
censor(struct load *l, enum query_kind kind, uint64_t sent_ns, uint64_t due_ns)
{
    struct moment *m = series_at(&l->series, l->now_ns);

    hist_add(&l->tally.service[kind], l->now_ns - sent_ns);
    if (l->gap_ns > 0)
        hist_add(&l->tally.response, l->now_ns - due_ns);
    if (m != NULL)
        moment_add_latency(m, l->now_ns - (l->gap_ns > 0 ? due_ns : sent_ns));
}

/* No answer to QUERY will come. */
static void
end_unanswered(struct load *l, const struct query *query, bool sent)
{
    items_lost(l, query, sent);
    tell_plan(l, query, false, false);
}

void
load_lost(struct load *l, struct caller *c, const struct query *query, bool sent)
{
    c->hits = 0;
    end_unanswered(l, query, sent);
    if (!sent) {
        abandon(l, query);
        l->tally.unsent++;
    } else {
        if (is_write(query))
            keys_lose(&l->keys, query->keys[0].id, query->version);
        l->tally.lost_requests++;
    }
    if ((query->flags & QUERY_TIMED) && !(query->flags & QUERY_QUIET))
        censor(l, (enum query_kind)query->kind, query->sent_ns, query->due_ns);
}

void
load_skipped(struct load *l, const struct query *query)
{
    struct moment *m = series_at(&l->series, l->now_ns);

    end_unanswered(l, query, false);
    abandon(l, query);
    l->tally.skipped++;
    if (m != NULL)
        m->errors++;
}

void
load_follow_lost(struct load *l, const struct follow *f)
{
    if (f->flags & QUERY_CLAIM)
        holds_leave(&l->holds, f->key);
    if (f->kind == QUERY_CAS) {
        l->tally.unsent++;
        censor(l, QUERY_CAS, f->sent_ns, f->due_ns);
    }
}

void
load_garbled(struct load *l, const struct caller *c, const struct query *query,
             const unsigned char *p, const unsigned char *end)
{
    l->tally.garbled++;
    mismatch_garbled(l, c, query, p, end);
}
