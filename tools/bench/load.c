#include "load.h"

#include <math.h>
#include <string.h>

#include "lombard/base/sys.h"

/* Open loop: how long after the end the last requests that were due may still be begun. */
#define GRACE_NS UINT64_C(1000000000)

static void
set_mix(struct load *l, const double *weights)
{
    double total = 0;
    double sum = 0;

    for (int i = 0; i < OP_KIND_COUNT; i++)
        total += weights[i];
    l->only_gets_and_sets = weights[OP_GET] + weights[OP_SET] >= total;
    for (int i = 0; i < OP_KIND_COUNT; i++) {
        sum += weights[i];
        l->mix_cut[i] = (uint64_t)(sum / total * 0x1p32);
    }
}

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

bool
load_init(struct load *l, const struct options *options, const char *server_name)
{
    uint64_t noise;

    memset(l, 0, sizeof(*l));
    l->options = options;
    l->rate = options->rate;
    l->server_name = server_name;
    if (!keys_init(&l->keys, options->keys, &options->key_size, options->seed))
        return false;
    /* Runs with the same seed must not take each other's values for their own. */
    sys_random(&noise, sizeof(noise));
    l->keys.writer = (uint32_t)noise | 1;
    dist_init(&l->dist, &options->dist, options->keys);
    rng_init(&l->rng, options->seed);
    rng_init(&l->arrival_rng, ~options->seed);
    for (int i = 0; i < LOAD_AHEAD; i++)
        l->ahead[i] = (uint32_t)dist_next(&l->dist, &l->rng);
    set_mix(l, options->weights);
    if (options->hitratio && !workload_init(&l->workload, options))
        return false;
    tally_reset(&l->tally);
    return true;
}

void
load_fini(struct load *l)
{
    keys_fini(&l->keys);
    workload_fini(&l->workload);
    windows_fini(&l->windows);
}

void
load_tick(struct load *l)
{
    l->now_ns = sys_monotonic_ns();
}

void
load_begin(struct load *l, enum load_phase phase, uint64_t requests, uint64_t until_ns)
{
    load_tick(l);
    tally_reset(&l->tally);
    l->tally.start_ns = l->now_ns;
    l->tally.end_ns = l->now_ns;
    l->phase = phase;
    l->budget = requests;
    l->until_ns = until_ns;
    l->next_key = 0;
    l->gap_ns = phase != LOAD_FILL && l->rate > 0 ? 1e9 / (double)l->rate : 0;
    l->next_due_ns = l->now_ns;
}

uint64_t
load_wait_ns(const struct load *l)
{
    if (l->gap_ns == 0 || load_is_over(l))
        return UINT64_MAX;
    return l->next_due_ns > l->now_ns ? l->next_due_ns - l->now_ns : 0;
}

/* Plan the arrival after the one that is due. */
static void
plan_next(struct load *l)
{
    double gap = l->gap_ns;

    if (l->options->arrivals == ARRIVALS_POISSON)
        gap *= -log(rng_unit(&l->arrival_rng));
    l->due_fraction += gap;
    l->next_due_ns += (uint64_t)l->due_fraction;
    l->due_fraction -= floor(l->due_fraction);
}

void
load_end(struct load *l)
{
    if (l->gap_ns == 0)
        tally_service(&l->tally, &l->tally.response);
    if (l->gap_ns == 0 || l->until_ns == UINT64_MAX)
        return;
    for (; l->next_due_ns < l->until_ns; plan_next(l)) {
        l->tally.unbegun++;
        hist_add(&l->tally.response, l->now_ns - l->next_due_ns);
    }
}

bool
load_is_over(const struct load *l)
{
    bool late = l->now_ns >= l->until_ns;

    /* In the open loop what was due before the end is still sent, within reason. */
    if (l->gap_ns > 0)
        late = l->next_due_ns >= l->until_ns || l->now_ns >= l->until_ns + GRACE_NS;
    return l->budget == 0 || late || (l->phase == LOAD_FILL && l->next_key >= l->keys.count) ||
           (l->phase == LOAD_WORKLOAD && l->workload.ended);
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
    bool alone;

    op->keys[0] = (struct op_key){key, 0};
    op->key_count = 1;
    op->version = keys_issue(&l->keys, key, &alone);
    op->value_bytes = 0;
    if (op_has_value((enum op_kind)op->kind))
        op->value_bytes = sizes_pick(&l->options->value_size, rng_mix(key));
    if (alone)
        op->flags |= OP_ALONE;
}

static inline void
make_read(struct load *l, struct op *op, uint64_t keys)
{
    op->key_count = (uint32_t)keys;
    op->version = 0;
    op->value_bytes = 0;
    for (uint64_t i = 0; i < keys; i++) {
        uint32_t key = draw_key(l);

        op->keys[i] = (struct op_key){key, keys_floor(&l->keys, key)};
    }
}

/* Counters and growing values have keys of their own, without versions. */
static inline void
make_unversioned(struct load *l, struct op *op, uint32_t key)
{
    op->keys[0] = (struct op_key){key, 0};
    op->key_count = 1;
    op->version = 0;
    op->value_bytes = sizes_pick(&l->options->value_size, rng_mix(key));
}

static void
make_follow(struct load *l, struct conn *c, struct op *op)
{
    struct follow f = c->follows[0];

    c->follow_count--;
    memmove(c->follows, c->follows + 1, c->follow_count * sizeof(*c->follows));
    op->kind = f.kind;
    op->flags = OP_REFILL | f.flags;
    op->ttl_s = f.ttl_s;
    op->cas = f.cas;
    if (f.flags != 0)
        make_unversioned(l, op, f.key);
    else
        make_write(l, op, f.key);
    op->value_bytes = f.value_bytes;
}

/* The next access of the workload; false when there is none left. */
static bool
make_access(struct load *l, struct op *op)
{
    struct access a;

    if (!workload_next(&l->workload, &a))
        return false;
    if (!keys_reserve(&l->keys, l->workload.ids_needed)) {
        l->workload.error = "out of memory for the keys";
        l->workload.ended = true;
        return false;
    }
    if (a.value_bytes == SIZE_OF_KEY)
        a.value_bytes = sizes_pick(&l->options->value_size, rng_mix(a.key));
    if (a.value_bytes > OPTIONS_VALUE_MAX_BYTES)
        a.value_bytes = OPTIONS_VALUE_MAX_BYTES;
    op->kind = (uint8_t)a.kind;
    op->ttl_s = a.ttl_s;
    if (a.kind == OP_GET) {
        op->key_count = 1;
        op->version = 0;
        op->keys[0] = (struct op_key){a.key, keys_floor(&l->keys, a.key)};
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

bool
load_next(struct load *l, struct conn *c, struct op *op)
{
    op->due_ns = l->now_ns;
    op->sent_ns = l->now_ns;
    if (UNLIKELY(c->follow_count > 0)) {
        make_follow(l, c, op);
        return true;
    }
    if (load_is_over(l))
        return false;
    if (l->gap_ns > 0) {
        if (l->next_due_ns > l->now_ns)
            return false;
        op->due_ns = l->next_due_ns;
        plan_next(l);
        if (l->crowded)
            l->tally.crowded++;
        else
            hist_add(&l->tally.lag, l->now_ns - op->due_ns);
    }
    l->budget--;
    op->flags = OP_TIMED;
    op->ttl_s = (uint32_t)l->options->ttl_s;
    op->cas = 0;
    switch (l->phase) {
    case LOAD_FILL:
        op->kind = OP_SET;
        make_write(l, op, (uint32_t)l->next_key++);
        return true;
    case LOAD_MIX:
        make_mixed(l, op);
        if (l->options->noreply && op->version != 0)
            op->flags |= OP_QUIET;
        return true;
    case LOAD_WORKLOAD: return make_access(l, op);
    }
    BUG("load_phase out of range");
}
