/* Fills in the next request of a load. */
#include "load/load.h"

#include <string.h>

#include "load/load_items.h"

/* The next key of the distribution. */
static inline uint32_t
draw_key(struct load *l)
{
    uint32_t *slot = &l->ahead[l->ahead_at++ % LOAD_AHEAD];
    uint32_t key = *slot;

    *slot = (uint32_t)dist_next(&l->dist, &l->rng);
    PREFETCH(&l->keys.states[*slot]);
    return key;
}

static inline enum query_kind
pick_kind(struct load *l)
{
    uint64_t word = rng_next(&l->rng) >> 32;
    int kind = 0;

    if (l->only_gets_and_sets)
        return word < l->mix_cut[QUERY_GET] ? QUERY_GET : QUERY_SET;
    while (kind < QUERY_KIND_COUNT - 1 && word >= l->mix_cut[kind])
        kind++;
    return (enum query_kind)kind;
}

/* A store or delete of a key: it takes a version. */
static inline void
make_write(struct load *l, struct query *query, uint32_t key)
{
    uint32_t base;

    query->key_count = 1;
    query->version = keys_issue(&l->keys, key, &base);
    query->keys[0] = (struct query_key){.id = key, .oldest = base & QUERY_VERSION_MAX};
    query->value_bytes = 0;
    if (!query_has_value((enum query_kind)query->kind))
        return;
    query->value_bytes = load_value_bytes(l, key);
    value_prefetch(&(struct value_id){key, query->version, l->keys.writer, query->value_bytes});
}

static inline struct query_key
read_key(const struct load *l, uint32_t key)
{
    return (struct query_key){.id = key,
                              .oldest = keys_oldest(&l->keys, key) & QUERY_VERSION_MAX,
                              .sharp = keys_is_sharp(&l->keys, key)};
}

static inline void
make_read(struct load *l, struct query *query, uint64_t keys)
{
    query->key_count = (uint32_t)keys;
    query->version = 0;
    query->value_bytes = 0;
    for (uint64_t i = 0; i < keys; i++) {
        uint32_t key = draw_key(l);

        query->keys[i] = read_key(l, key);
    }
}

/* Counters and growing values have keys of their own, without versions. */
static inline void
make_unversioned(struct load *l, struct query *query, uint32_t key)
{
    query->keys[0] = (struct query_key){.id = key};
    query->key_count = 1;
    query->version = 0;
    query->value_bytes = load_value_bytes(l, key);
    if (query->value_bytes == 0)
        query->value_bytes = 1; /* a piece has a letter at least */
}

/* A request of a kind that is known, for one key. */
static inline void
make_of_key(struct load *l, struct query *query, uint32_t key)
{
    switch ((enum query_kind)query->kind) {
    case QUERY_GET:
    case QUERY_GAT:
    case QUERY_CAS:
    case QUERY_TOUCH:
        query->key_count = 1;
        query->version = 0;
        query->value_bytes = 0;
        query->keys[0] = read_key(l, key);
        return;
    case QUERY_INCR:
    case QUERY_DECR:
        make_unversioned(l, query, key);
        query->value_bytes = 0;
        return;
    case QUERY_SET:
    case QUERY_ADD:
    case QUERY_REPLACE:
    case QUERY_DELETE: make_write(l, query, key); return;
    case QUERY_APPEND:
    case QUERY_PREPEND: make_unversioned(l, query, key); return;
    case QUERY_NOOP:
        query->key_count = 0;
        query->version = 0;
        query->value_bytes = 0;
        return;
    }
}

/* What an answer made necessary. The second half of a cas is part of the request that began it. */
static void
make_follow(struct load *l, struct caller *c, struct query *query)
{
    struct follow f = c->follows[0];

    c->follow_count--;
    memmove(c->follows, c->follows + 1, c->follow_count * sizeof(*c->follows));
    query->kind = f.kind;
    if (f.kind == QUERY_GET &&
        !(f.flags & QUERY_GROWING)) { /* once more, for the same client */
        query->flags = QUERY_REFILL;
        make_of_key(l, query, f.key);
        query->due_ns = f.due_ns;
        query->sent_ns = f.sent_ns;
        return;
    }
    query->flags = f.kind == QUERY_CAS ? QUERY_TIMED : QUERY_REFILL | f.flags;
    query->ttl_s = f.ttl_s;
    query->cas = f.cas;
    if ((f.flags & (QUERY_COUNTER | QUERY_GROWING)) != 0)
        make_unversioned(l, query, f.key);
    else
        make_write(l, query, f.key);
    query->value_bytes = f.value_bytes;
    if (f.kind == QUERY_CAS) {
        query->due_ns = f.due_ns;
        query->sent_ns = f.sent_ns;
    }
}

/* The next access of the workload, and when it is due; false when none is due now. */
static bool
pull_access(struct load *l, struct access *a, uint64_t *due_ns)
{
    if (l->has_next_access) {
        l->has_next_access = false;
        *a = l->next_access;
        *due_ns = l->next_access_due_ns;
        return true;
    }
    if (l->budget == 0 || l->now_ns >= l->until_ns ||
        (l->gap_ns > 0 && (l->next_due_ns > l->now_ns || l->next_due_ns >= l->until_ns)) ||
        !workload_next(&l->workload, a))
        return false;
    l->budget--;
    *due_ns = l->gap_ns > 0 ? load_take_due(l) : l->now_ns;
    if (a->value_bytes == SIZE_OF_KEY)
        a->value_bytes = load_value_bytes(l, a->key);
    if (l->options->trace_path == NULL)
        a->ttl_s = load_ttl_s(l, a->key);
    if (a->value_bytes > OPTIONS_VALUE_MAX_BYTES)
        a->value_bytes = OPTIONS_VALUE_MAX_BYTES;
    if (keys_reserve(&l->keys, l->workload.ids_needed) &&
        (l->expiry.list == NULL || expiry_reserve(&l->expiry, l->workload.ids_needed)))
        return true;
    l->workload.error = "out of memory for the keys";
    l->workload.ended = true;
    return false;
}

/* The next access that need not wait for its key; CLAIMS: it has its claim. */
static bool
take_access(struct load *l, struct access *a, uint64_t *due_ns, bool *claims)
{
    if (holds_has_ready(&l->holds)) {
        *claims = holds_take(&l->holds, a, due_ns) == HOLDS_CLAIMED;
        l->paused = false;
        return true;
    }
    while (!l->paused && pull_access(l, a, due_ns)) {
        enum holds_entry entry = holds_enter(&l->holds, a->key, a->kind == QUERY_DELETE);

        *claims = entry == HOLDS_CLAIMED;
        if (entry != HOLDS_WAIT)
            return true;
        if (holds_has_room(&l->holds)) {
            l->tally.held++;
            holds_wait(&l->holds, a, *due_ns);
            continue;
        }
        l->next_access = *a;
        l->next_access_due_ns = *due_ns;
        l->has_next_access = true;
        l->paused = true;
    }
    return false;
}

static bool
make_access(struct load *l, struct query *query)
{
    struct access a;
    bool claims;

    if (!take_access(l, &a, &query->due_ns, &claims))
        return false;
    if (claims)
        query->flags |= QUERY_CLAIM;
    query->kind = (uint8_t)a.kind;
    query->ttl_s = a.ttl_s;
    if (a.kind == QUERY_GET) {
        query->key_count = 1;
        query->version = 0;
        query->keys[0] = read_key(l, a.key);
    } else {
        make_write(l, query, a.key);
    }
    query->value_bytes =
        a.kind == QUERY_DELETE ? 0 : a.value_bytes; /* of a get: what a miss would store */
    return true;
}

static inline void
make_mixed(struct load *l, struct query *query)
{
    query->kind = (uint8_t)pick_kind(l);
    if (query->kind == QUERY_GET)
        make_read(l, query, l->options->multiget);
    else
        make_of_key(l, query, query->kind == QUERY_NOOP ? 0 : draw_key(l));
}

static void
note_lag(struct load *l, const struct query *query)
{
    if (l->gap_ns == 0)
        return;
    arrivals_note(&l->sent, l->now_ns);
    if (l->crowded)
        l->tally.crowded++;
    else
        hist_add(&l->tally.lag, l->now_ns - query->due_ns);
}

/* A request of the mix, if one is due. */
static bool
make_due(struct load *l, struct query *query)
{
    if (l->gap_ns > 0) {
        if (l->next_due_ns > l->now_ns)
            return false;
        query->due_ns = load_take_due(l);
    }
    l->budget--;
    make_mixed(l, query);
    if (l->options->noreply && query->version != 0)
        query->flags |= QUERY_QUIET;
    return true;
}

/* The next request of a trace, if one is due. */
static bool
make_step(struct load *l, struct query *query)
{
    const struct replay *r = l->options->replay_plan;
    const struct replay_step *s;

    if (l->next_due_ns > l->now_ns)
        return false;
    query->due_ns = load_take_due(l);
    s = &r->steps[l->last_step];
    l->budget--;
    query->kind = s->kind;
    query->ttl_s = s->ttl_s;
    make_of_key(l, query, s->key);
    if (query->value_bytes > 0 && s->value_bytes != SIZE_OF_KEY)
        query->value_bytes = s->value_bytes;
    if (l->step < r->count)
        PREFETCH(&l->keys.states[r->steps[l->step].key]);
    return true;
}

static bool
make_fill(struct load *l, struct query *query)
{
    uint32_t key;

    if (!fill_next(&l->fill, &key))
        return false;
    query->kind = QUERY_SET;
    make_write(l, query, key);
    return true;
}

/* Of gets, who is to fill a missing key is the server's to say; what is deleted stays, marked as stale. */
static inline void
set_lease(const struct load *l, struct query *query)
{
    if (LIKELY(!l->options->leases) || l->phase != LOAD_MIX ||
        (query->kind != QUERY_GET && query->kind != QUERY_DELETE))
        return;
    query->flags |= QUERY_LEASE;
    query->recache_s = (uint32_t)l->options->recache_s;
}

bool
load_next(struct load *l, struct caller *c, struct query *query)
{
    bool made = false;

    query->due_ns = l->now_ns;
    query->sent_ns = l->now_ns;
    if (UNLIKELY(c->follow_count > 0)) {
        make_follow(l, c, query);
        set_lease(l, query);
        if (items_exist(l))
            items_begin(l, query);
        return true;
    }
    if (load_is_over(l))
        return false;
    query->flags = QUERY_TIMED;
    query->ttl_s = l->options->ttl.min;
    query->cas = 0;
    switch (l->phase) {
    case LOAD_FILL: made = make_fill(l, query); break;
    case LOAD_MIX: made = make_due(l, query); break;
    case LOAD_WORKLOAD: made = make_access(l, query); break;
    case LOAD_REPLAY: made = make_step(l, query); break;
    }
    if (made && UNLIKELY(l->options->ttl.min != l->options->ttl.max) &&
        l->phase != LOAD_WORKLOAD && l->phase != LOAD_REPLAY && query->key_count > 0)
        query->ttl_s = load_ttl_s(l, query->keys[0].id);
    if (made) {
        set_lease(l, query);
        if (items_exist(l))
            items_begin(l, query);
        note_lag(l, query);
    } else {
        l->has_idle = l->gap_ns == 0;
    }
    return made;
}
