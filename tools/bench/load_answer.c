#include "load.h"

#include "mismatch.h"

/* In op_key.floor, once the key's value has come. No version gets that far. */
#define FLOOR_SEEN OP_FLOOR_MAX

/* Of a value too short to say its version. */
static enum keys_verdict
judge_short(const struct load *l, const struct value_check *check, uint32_t floor)
{
    uint32_t want = load_value_bytes(l, (uint32_t)check->key);

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
    if (UNLIKELY(c->reader.flags != 0))
        mismatch_report(l, c, op, "flags that it was not stored with");
    if (UNLIKELY(verdict == KEYS_FOREIGN))
        l->tally.foreign++;
    else if (UNLIKELY(verdict != KEYS_GOOD))
        mismatch_report(l, c, op, keys_verdict_name(verdict));
    l->tally.sharp += key->sharp && check->verdict == VALUE_GOOD;
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
    uint32_t bytes = load_value_bytes(l, key);

    add_follow(c, (struct follow){.kind = OP_CAS,
                                  .key = key,
                                  .cas = c->reader.cas,
                                  .due_ns = op->due_ns,
                                  .sent_ns = op->sent_ns,
                                  .ttl_s = op->ttl_s,
                                  .value_bytes = bytes});
}

/* hitratio: a key was missing that others are about to store, as it was there a moment ago. A
 * client that asks one after the other would have found it: ask again, when it is stored. */
static bool
ask_again(struct load *l, const struct op *op)
{
    struct access a = {.key = op->keys[0].id,
                       .value_bytes = op->value_bytes,
                       .ttl_s = op->ttl_s,
                       .kind = OP_GET};

    if (!holds_has_room(&l->holds))
        return false;
    holds_wait(&l->holds, &a, op->due_ns);
    l->tally.held++;
    l->tally.misses--;
    /* load_done() counts it as a request, which it was not. */
    l->tally.requests--;
    l->tally.follow_ups++;
    return true;
}

/* What a cache is for: a key that was missing is stored by who asked for it. */
static void
follow_misses(struct load *l, struct conn *c, const struct op *op)
{
    for (uint32_t i = 0; i < op->key_count; i++) {
        uint32_t key = op->keys[i].id;
        bool hit = op->keys[i].floor == FLOOR_SEEN;
        struct follow f = {.kind = OP_SET,
                           .key = key,
                           .ttl_s = op->ttl_s,
                           .value_bytes = op->value_bytes,
                           .flags = op->flags & OP_CLAIM};

        if (l->phase != LOAD_WORKLOAD) {
            f.value_bytes = load_value_bytes(l, key);
        } else if (!hit && !(op->flags & OP_CLAIM)) {
            holds_know(&l->holds, key, false);
            if (holds_enter(&l->holds, key, false) == HOLDS_CLAIMED)
                f.flags = OP_CLAIM;
            else if (ask_again(l, op))
                continue;
        }
        windows_add(&l->windows, hit, f.value_bytes);
        if (!hit)
            add_follow(c, f);
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

/* Its write has failed, or never left. */
static void
abandon(struct load *l, const struct op *op)
{
    if (is_write(op))
        keys_abandon(&l->keys, op->keys[0].id, op->version);
}

static void
note_refusal(struct load *l, struct conn *c, const struct op *op)
{
    abandon(l, op);
    if (op_has_own_names((enum op_kind)op->kind))
        follow_own(l, c, op);
    if (c->reader.outcome == OUTCOME_NOT_STORED)
        l->tally.not_stored++;
    else
        l->tally.not_found++;
}

static void
note_error(struct load *l, struct conn *c, const struct op *op)
{
    abandon(l, op);
    if (op->kind == OP_APPEND || op->kind == OP_PREPEND)
        follow_own(l, c, op);
    tally_note_error(&l->tally, c->reader.error, c->reader.error_len);
    l->tally.refused[op->kind]++;
    c->op_hits = 0;
}

static void
note_stored(struct load *l, const struct op *op)
{
    if (is_write(op))
        keys_acknowledge(&l->keys, op->keys[0].id, op->version, op->keys[0].floor);
    l->tally.stored[op->kind]++;
    if (op_has_value((enum op_kind)op->kind))
        l->tally.stored_bytes += op->value_bytes;
}

/* hitratio: the key of OP is, or is not, there now. FOLLOWED: a store is still to come. */
static void
end_access(struct load *l, const struct op *op, bool there, bool followed)
{
    uint32_t key = op->keys[0].id;

    if (op->kind != OP_DELETE)
        holds_know(&l->holds, key, there);
    if ((op->flags & OP_CLAIM) && !followed)
        holds_leave(&l->holds, key);
}

/* The outcome of OP, for what is planned by it. */
static void
tell_plan(struct load *l, const struct op *op, bool good, bool followed)
{
    switch (l->phase) {
    case LOAD_FILL: fill_outcome(&l->fill, op->keys[0].id, good); return;
    case LOAD_MIX: return;
    case LOAD_WORKLOAD: end_access(l, op, good, followed); return;
    }
    BUG("load_phase out of range");
}

/* Whether what OP is about was stored, or found. */
static bool
is_good(const struct conn *c, const struct op *op, uint64_t hits)
{
    return op->kind == OP_GET ? hits == op->key_count : c->reader.outcome == OUTCOME_STORED;
}

void
load_done(struct load *l, struct conn *c, const struct op *op)
{
    struct tally *t = &l->tally;
    uint32_t follows = c->follow_count;
    bool good = is_good(c, op, c->op_hits);
    bool followed;

    switch (c->reader.outcome) {
    case OUTCOME_GET_END: finish_get(l, c, op); break;
    case OUTCOME_STORED: note_stored(l, op); break;
    case OUTCOME_NUMBER: t->stored[op->kind]++; break;
    case OUTCOME_NOT_STORED:
    case OUTCOME_NOT_FOUND: note_refusal(l, c, op); break;
    case OUTCOME_ERROR: note_error(l, c, op); break;
    }
    followed = c->follow_count != follows;
    tell_plan(l, op, good, followed);
    t->ops[op->kind]++;
    t->end_ns = l->now_ns;
    /* A cas is over with its second half. */
    if ((op->flags & OP_REFILL) || (op->kind == OP_CAS && followed)) {
        t->follow_ups++;
        return;
    }
    t->requests++;
    if (op->flags & OP_TIMED) {
        hist_add(&t->service[op->kind], l->now_ns - op->sent_ns);
        if (l->gap_ns > 0) /* otherwise it is the same: load_end() */
            hist_add(&t->response, l->now_ns - op->due_ns);
    }
}

void
load_done_quietly(struct load *l, const struct op *op, bool doubtful)
{
    if (doubtful)
        abandon(l, op);
    else
        note_stored(l, op);
    l->tally.requests++;
    l->tally.ops[op->kind]++;
}

void
load_stray_error(struct load *l, const struct conn *c)
{
    tally_note_error(&l->tally, c->reader.error, c->reader.error_len);
}

/* It will not be answered: it took at least so long. */
static void
censor(struct load *l, enum op_kind kind, uint64_t sent_ns, uint64_t due_ns)
{
    hist_add(&l->tally.service[kind], l->now_ns - sent_ns);
    if (l->gap_ns > 0)
        hist_add(&l->tally.response, l->now_ns - due_ns);
}

void
load_lost(struct load *l, struct conn *c, const struct op *op, bool sent)
{
    c->op_hits = 0;
    tell_plan(l, op, false, false);
    if (!sent) {
        abandon(l, op);
        l->tally.unsent++;
    } else {
        if (is_write(op))
            keys_lose(&l->keys, op->keys[0].id, op->version);
        l->tally.lost_requests++;
    }
    if ((op->flags & OP_TIMED) && !(op->flags & OP_QUIET))
        censor(l, (enum op_kind)op->kind, op->sent_ns, op->due_ns);
}

void
load_follow_lost(struct load *l, const struct follow *f)
{
    if (f->flags & OP_CLAIM)
        holds_leave(&l->holds, f->key);
    if (f->kind == OP_CAS) {
        l->tally.unsent++;
        censor(l, OP_CAS, f->sent_ns, f->due_ns);
    }
}

void
load_garbled(struct load *l, const struct conn *c, const struct op *op, const unsigned char *p,
             const unsigned char *end)
{
    l->tally.garbled++;
    mismatch_garbled(l, c, op, p, end);
}
