/* Fills in the next request of a load. */
#include "load.h"

#include <string.h>

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

static inline enum op_kind
pick_kind(struct load *l)
{
    uint64_t word = rng_next(&l->rng) >> 32;
    int kind = 0;

    if (l->only_gets_and_sets)
        return word < l->mix_cut[OP_GET] ? OP_GET : OP_SET;
    while (kind < OP_KIND_COUNT - 1 && word >= l->mix_cut[kind])
        kind++;
    return (enum op_kind)kind;
}

/* A store or delete of a key: it takes a version. */
static inline void
make_write(struct load *l, struct op *op, uint32_t key)
{
    uint32_t base;

    op->key_count = 1;
    op->version = keys_issue(&l->keys, key, &base);
    op->keys[0] = (struct op_key){.id = key, .floor = base & OP_FLOOR_MAX};
    op->value_bytes = 0;
    if (op_has_value((enum op_kind)op->kind))
        op->value_bytes = load_value_bytes(l, key);
}

static inline struct op_key
read_key(const struct load *l, uint32_t key)
{
    return (struct op_key){.id = key,
                           .floor = keys_floor(&l->keys, key) & OP_FLOOR_MAX,
                           .sharp = keys_is_sharp(&l->keys, key)};
}

static inline void
make_read(struct load *l, struct op *op, uint64_t keys)
{
    op->key_count = (uint32_t)keys;
    op->version = 0;
    op->value_bytes = 0;
    for (uint64_t i = 0; i < keys; i++) {
        uint32_t key = draw_key(l);

        op->keys[i] = read_key(l, key);
    }
}

/* Counters and growing values have keys of their own, without versions. */
static inline void
make_unversioned(struct load *l, struct op *op, uint32_t key)
{
    op->keys[0] = (struct op_key){.id = key};
    op->key_count = 1;
    op->version = 0;
    op->value_bytes = load_value_bytes(l, key);
}

/* What an answer made necessary. The second half of a cas is part of the request that began it. */
static void
make_follow(struct load *l, struct conn *c, struct op *op)
{
    struct follow f = c->follows[0];

    c->follow_count--;
    memmove(c->follows, c->follows + 1, c->follow_count * sizeof(*c->follows));
    op->kind = f.kind;
    op->flags = f.kind == OP_CAS ? OP_TIMED : OP_REFILL | f.flags;
    op->ttl_s = f.ttl_s;
    op->cas = f.cas;
    if ((f.flags & (OP_COUNTER | OP_GROWING)) != 0)
        make_unversioned(l, op, f.key);
    else
        make_write(l, op, f.key);
    op->value_bytes = f.value_bytes;
    if (f.kind == OP_CAS) {
        op->due_ns = f.due_ns;
        op->sent_ns = f.sent_ns;
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
    if (a->value_bytes > OPTIONS_VALUE_MAX_BYTES)
        a->value_bytes = OPTIONS_VALUE_MAX_BYTES;
    if (keys_reserve(&l->keys, l->workload.ids_needed))
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
        enum holds_entry entry = holds_enter(&l->holds, a->key, a->kind == OP_DELETE);

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
make_access(struct load *l, struct op *op)
{
    struct access a;
    bool claims;

    if (!take_access(l, &a, &op->due_ns, &claims))
        return false;
    if (claims)
        op->flags |= OP_CLAIM;
    op->kind = (uint8_t)a.kind;
    op->ttl_s = a.ttl_s;
    if (a.kind == OP_GET) {
        op->key_count = 1;
        op->version = 0;
        op->keys[0] = read_key(l, a.key);
    } else {
        make_write(l, op, a.key);
    }
    op->value_bytes =
        a.kind == OP_DELETE ? 0 : a.value_bytes; /* of a get: what a miss would store */
    return true;
}

static inline void
make_mixed(struct load *l, struct op *op)
{
    enum op_kind kind = pick_kind(l);

    op->kind = (uint8_t)kind;
    switch (kind) {
    case OP_GET: make_read(l, op, l->options->multiget); return;
    case OP_GAT:
    case OP_CAS:
    case OP_TOUCH:
    case OP_INCR:
    case OP_DECR: make_read(l, op, 1); return;
    case OP_SET:
    case OP_ADD:
    case OP_REPLACE:
    case OP_DELETE: make_write(l, op, draw_key(l)); return;
    case OP_APPEND:
    case OP_PREPEND: make_unversioned(l, op, draw_key(l)); return;
    case OP_NOOP: make_read(l, op, 0); return;
    }
}

static void
note_lag(struct load *l, const struct op *op)
{
    if (l->gap_ns == 0)
        return;
    if (l->crowded)
        l->tally.crowded++;
    else
        hist_add(&l->tally.lag, l->now_ns - op->due_ns);
}

/* A request of the mix, if one is due. */
static bool
make_due(struct load *l, struct op *op)
{
    if (l->gap_ns > 0) {
        if (l->next_due_ns > l->now_ns)
            return false;
        op->due_ns = load_take_due(l);
    }
    l->budget--;
    make_mixed(l, op);
    if (l->options->noreply && op->version != 0)
        op->flags |= OP_QUIET;
    return true;
}

static bool
make_fill(struct load *l, struct op *op)
{
    uint32_t key;

    if (!fill_next(&l->fill, &key))
        return false;
    op->kind = OP_SET;
    make_write(l, op, key);
    return true;
}

bool
load_next(struct load *l, struct conn *c, struct op *op)
{
    bool made = false;

    op->due_ns = l->now_ns;
    op->sent_ns = l->now_ns;
    if (UNLIKELY(c->follow_count > 0)) {
        make_follow(l, c, op);
        return true;
    }
    if (load_is_over(l))
        return false;
    op->flags = OP_TIMED;
    op->ttl_s = (uint32_t)l->options->ttl_s;
    op->cas = 0;
    switch (l->phase) {
    case LOAD_FILL: made = make_fill(l, op); break;
    case LOAD_MIX: made = make_due(l, op); break;
    case LOAD_WORKLOAD: made = make_access(l, op); break;
    }
    if (made)
        note_lag(l, op);
    else
        l->starved = l->gap_ns == 0;
    return made;
}
