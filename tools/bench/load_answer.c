#include "load.h"

#include "mismatch.h"

/* In op_key.floor, once the key's value has come. No version gets that far. */
#define FLOOR_SEEN UINT32_MAX

/* Of a value too short to say its version. */
static enum keys_verdict
judge_short(const struct load *l, const struct value_check *check, uint32_t floor)
{
    uint32_t want = sizes_pick(&l->options->value_size, rng_mix(check->key));

    /* In a trace a key may change its size, and what another run left is of any. */
    return floor > 0 && l->options->trace_path == NULL && check->bytes != want ? KEYS_STALE
                                                                               : KEYS_GOOD;
}

void
load_value(struct load *l, struct conn *c, struct op *op)
{
    const struct value_check *check = &c->reader.check;
    struct op_key *key = &op->keys[c->reader.key_index];
    enum keys_verdict verdict = KEYS_GOOD;

    if (UNLIKELY(key->floor == FLOOR_SEEN)) {
        mismatch_report(l, c, op, "the same value twice");
        return;
    }
    if (LIKELY(check->verdict == VALUE_GOOD))
        verdict = keys_judge(&l->keys, &check->id, key->floor);
    else if (check->verdict == VALUE_SHORT_GOOD)
        verdict = judge_short(l, check, key->floor);
    else
        mismatch_report(l, c, op, value_verdict_name(check->verdict));
    if (UNLIKELY(verdict == KEYS_FOREIGN))
        l->tally.foreign++;
    else if (UNLIKELY(verdict != KEYS_GOOD))
        mismatch_report(l, c, op, keys_verdict_name(verdict));
    l->tally.verified_bytes += check->bytes;
    c->op_hits++;
    key->floor = FLOOR_SEEN;
}

/* Leave a store of a key to the connection, to be sent before anything new. */
static void
add_follow(struct conn *c, struct follow f)
{
    c->follows[c->follow_count++] = f;
}

/* What incr, decr, append and prepend work on has to be there first; and a value that has grown
 * too large begins anew. */
static void
follow_own(struct load *l, struct conn *c, const struct op *op)
{
    struct follow f = {
        .kind = OP_SET, .key = op->keys[0].id, .ttl_s = (uint32_t)l->options->ttl_s};

    if (op_is_counter((enum op_kind)op->kind)) {
        f.flags = OP_COUNTER;
        f.value_bytes = PROTO_COUNTER_BYTES;
    } else {
        f.flags = OP_GROWING;
        f.value_bytes = op->value_bytes;
    }
    add_follow(c, f);
}

/* The second half of a cas, with what the first brought. */
static void
follow_cas(struct load *l, struct conn *c, const struct op *op)
{
    uint32_t key = op->keys[0].id;
    uint32_t bytes = sizes_pick(&l->options->value_size, rng_mix(key));

    add_follow(c, (struct follow){.kind = OP_CAS,
                                  .key = key,
                                  .cas = c->reader.cas,
                                  .ttl_s = op->ttl_s,
                                  .value_bytes = bytes});
}

/* What a cache is for: a key that was missing is stored by who asked for it. */
static void
follow_misses(struct load *l, struct conn *c, const struct op *op)
{
    for (uint32_t i = 0; i < op->key_count; i++) {
        uint32_t key = op->keys[i].id;
        bool hit = op->keys[i].floor == FLOOR_SEEN;
        uint32_t bytes = op->value_bytes;

        if (l->phase != LOAD_WORKLOAD)
            bytes = sizes_pick(&l->options->value_size, rng_mix(key));
        windows_add(&l->windows, hit, bytes);
        if (!hit)
            add_follow(
                c, (struct follow){
                       .kind = OP_SET, .key = key, .ttl_s = op->ttl_s, .value_bytes = bytes});
    }
}

static void
finish_get(struct load *l, struct conn *c, const struct op *op)
{
    l->tally.hits += c->op_hits;
    l->tally.misses += op->key_count - c->op_hits;
    if (op->kind == OP_CAS && c->op_hits == 1)
        follow_cas(l, c, op);
    else if (l->options->refill && op->kind == OP_GET)
        follow_misses(l, c, op);
    c->op_hits = 0;
}

/* Whether it was sent with a version of its own. */
static bool
is_write(const struct op *op)
{
    return op->version != 0 &&
           (op_has_value((enum op_kind)op->kind) || op->kind == OP_DELETE) &&
           !(op->kind == OP_CAS && op->cas == 0);
}

void
load_done(struct load *l, struct conn *c, const struct op *op)
{
    const struct reader *r = &c->reader;
    struct tally *t = &l->tally;
    bool alone = (op->flags & OP_ALONE) != 0;

    switch (r->outcome) {
    case OUTCOME_GET_END: finish_get(l, c, op); break;
    case OUTCOME_STORED:
        if (is_write(op))
            keys_acknowledge(&l->keys, op->keys[0].id, op->version, alone);
        t->stored[op->kind]++;
        break;
    case OUTCOME_NUMBER: t->stored[op->kind]++; break;
    case OUTCOME_NOT_STORED:
    case OUTCOME_NOT_FOUND:
        if (is_write(op))
            keys_abandon(&l->keys, op->keys[0].id);
        if (op_has_own_names((enum op_kind)op->kind))
            follow_own(l, c, op);
        if (r->outcome == OUTCOME_NOT_STORED)
            t->not_stored++;
        else
            t->not_found++;
        break;
    case OUTCOME_ERROR:
        if (is_write(op))
            keys_abandon(&l->keys, op->keys[0].id);
        if (op->kind == OP_APPEND || op->kind == OP_PREPEND)
            follow_own(l, c, op);
        tally_note_error(t, r->error, r->error_len);
        c->op_hits = 0;
        break;
    }
    t->requests++;
    t->ops[op->kind]++;
    t->end_ns = l->now_ns;
    if (op->flags & OP_TIMED) {
        hist_add(&t->service[op->kind], l->now_ns - op->sent_ns);
        if (l->gap_ns > 0) /* otherwise it is the same: load_end() */
            hist_add(&t->response, l->now_ns - op->due_ns);
    }
}

void
load_done_quietly(struct load *l, const struct op *op)
{
    if (is_write(op))
        keys_acknowledge(&l->keys, op->keys[0].id, op->version, (op->flags & OP_ALONE) != 0);
    l->tally.requests++;
    l->tally.ops[op->kind]++;
    l->tally.stored[op->kind]++;
}

void
load_stray_error(struct load *l, const struct conn *c)
{
    tally_note_error(&l->tally, c->reader.error, c->reader.error_len);
}

void
load_lost(struct load *l, struct conn *c, const struct op *op, bool sent)
{
    /* Not settled: the server may still carry it out, whenever it likes. */
    (void)op;
    c->op_hits = 0;
    if (sent)
        l->tally.lost_requests++;
}

void
load_garbled(struct load *l, const struct conn *c, const struct op *op, const unsigned char *p,
             const unsigned char *end)
{
    l->tally.garbled++;
    mismatch_garbled(l, c, op, p, end);
}
