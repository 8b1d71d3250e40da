/* Plays the clients of a cache in front of a simulated database. */
#include "load/load_aside.h"

/* What a client does next, at UNTIL_NS. */
static void
plan(struct caller *c, uint64_t until_ns, struct follow f)
{
    c->follows[c->follow_count++] = f;
    c->until_ns = until_ns;
}

/* Ask the database; when its answer is there, store it. */
static uint64_t
load_and_store(struct load *l, struct caller *c, uint32_t key, bool missing)
{
    uint64_t done_ns = database_ask(&l->database, key, l->now_ns, missing, &l->tally.aside);

    plan(c, done_ns,
         (struct follow){.kind = QUERY_SET,
                         .key = key,
                         .value_bytes = load_value_bytes(l, key),
                         .ttl_s = load_ttl_s(l, key)});
    return done_ns;
}

bool
aside_got(struct load *l, struct caller *c, const struct query *query)
{
    struct aside *a = &l->tally.aside;
    uint32_t key = query->keys[0].id;
    uint64_t since = l->gap_ns > 0 ? query->due_ns : query->sent_ns;
    bool hit = c->hits > 0;
    uint64_t done_ns = l->now_ns;

    a->stale += hit && (c->reader.lease & LEASE_STALE);
    if (!hit && (c->reader.lease & LEASE_WAIT) && !(c->reader.lease & LEASE_WON)) {
        a->waits++;
        plan(c, l->now_ns + l->options->lease_wait_ns,
             (struct follow){.kind = QUERY_GET,
                             .key = key,
                             .due_ns = query->due_ns,
                             .sent_ns = query->sent_ns});
        return false;
    }
    if (!hit)
        done_ns = load_and_store(l, c, key, true);
    else if (c->reader.lease & LEASE_WON)
        (void)load_and_store(l, c, key, false); /* it uses what it has */
    hist_add(&a->value, done_ns - since);
    return true;
}

void
aside_stored(struct load *l, const struct query *query)
{
    if (query->kind == QUERY_SET)
        database_stored(&l->database, query->keys[0].id, l->now_ns, &l->tally.aside);
}
