/* Judges numbers, values that grow, and expiry, as far as the order of requests is known. */
#include "load/load_items.h"

#include "load/mismatch.h"

/* A value of as many pieces is replaced by one of a single piece. */
enum { PIECES_MAX = 16 };

#define PREPENDED (UINT64_C(1) << 32) /* one piece, in struct numbers */

static bool
has_kind(const struct options *o, enum query_kind a, enum query_kind b)
{
    return o->weights[a] + o->weights[b] > 0;
}

static bool
init_numbers(struct numbers *n, const struct options *o)
{
    return o->jobs > 1 ? numbers_init_shared(n, o->keys) : numbers_init(n, o->keys);
}

bool
items_init(struct load *l)
{
    const struct options *o = l->options;
    bool expires = o->ttl.max > 0 || o->replay_plan != NULL ||
                   (o->hitratio && o->trace_path != NULL && o->trace_format == TRACE_TEXT);

    if (o->job > 0) /* they are the parent's: items_join() */
        return true;
    if (has_kind(o, QUERY_INCR, QUERY_DECR) && !init_numbers(&l->numbers, o))
        return false;
    if (has_kind(o, QUERY_APPEND, QUERY_PREPEND) && !init_numbers(&l->pieces, o))
        return false;
    if (!expires)
        return true;
    return o->jobs > 1 ? expiry_init_shared(&l->expiry, o->keys)
                       : expiry_reserve(&l->expiry, o->keys);
}

void
items_join(struct load *l, const struct load *parent)
{
    l->numbers = parent->numbers;
    l->pieces = parent->pieces;
    l->expiry = parent->expiry;
}

void
items_fini(struct load *l)
{
    if (l->options->job > 0)
        return;
    numbers_fini(&l->numbers);
    numbers_fini(&l->pieces);
    expiry_fini(&l->expiry);
}

/* What QUERY works on. */
enum item_kind { ITEM_PLAIN, ITEM_NUMBER, ITEM_GROWS };

static inline enum item_kind
kind_of(const struct query *query)
{
    enum query_kind kind = (enum query_kind)query->kind;

    if (query_is_counter(kind) || (query->flags & QUERY_COUNTER))
        return ITEM_NUMBER;
    if (query_has_own_names(kind) || (query->flags & QUERY_GROWING))
        return ITEM_GROWS;
    return ITEM_PLAIN;
}

/* Whether QUERY may change when its item expires. */
static bool
changes_life(const struct load *l, const struct query *query)
{
    return l->expiry.list != NULL &&
           (query->version != 0 || query->kind == QUERY_GAT || query->kind == QUERY_TOUCH);
}

/* Whether anything has to be done for QUERY. */
static inline bool
is_followed(const struct load *l, const struct query *query)
{
    return query->key_count > 0 &&
           (UNLIKELY(kind_of(query) != ITEM_PLAIN) || UNLIKELY(l->expiry.list != NULL));
}

void
items_begin(struct load *l, struct query *query)
{
    uint32_t key = query->keys[0].id;

    if (!is_followed(l, query))
        return;
    together_lock(l->keys.together, key);
    switch (kind_of(query)) {
    case ITEM_NUMBER: numbers_begin(&l->numbers, key); break;
    case ITEM_GROWS:
        numbers_begin(&l->pieces, key);
        query->keys[0].oldest = l->pieces.list[key].set;
        break;
    case ITEM_PLAIN:
        if (changes_life(l, query))
            expiry_begin(&l->expiry, key);
        break;
    }
    together_unlock(l->keys.together, key);
}

/* Leave a store, or a read, of the item of QUERY to the connection. */
static void
follow(const struct load *l, struct caller *c, const struct query *query, enum query_kind kind,
       uint8_t flags)
{
    c->follows[c->follow_count++] = (struct follow){
        .kind = (uint8_t)kind,
        .flags = flags,
        .key = query->keys[0].id,
        .ttl_s = load_ttl_s(l, query->keys[0].id),
        .value_bytes = flags & QUERY_COUNTER ? WIRE_COUNTER_BYTES : query->value_bytes};
}

/* A request for a counter is over; C is where its answer came, NULL: it was lost. */
static void
end_number(struct load *l, struct caller *c, const struct query *query)
{
    bool sets = (query->flags & QUERY_COUNTER) != 0;
    enum number_outcome outcome = NUMBER_UNKNOWN;
    uint64_t value = sets ? WIRE_COUNTER_START : 0;
    uint64_t want;

    if (c == NULL) {
        outcome = NUMBER_LOST;
    } else if (c->reader.outcome == OUTCOME_NUMBER) {
        outcome = NUMBER_TOLD;
        value = c->reader.number;
    } else if (sets && c->reader.outcome == OUTCOME_STORED) {
        outcome = NUMBER_SET;
    }
    if (!numbers_end(&l->numbers, query->keys[0].id, outcome, value,
                     query->kind == QUERY_DECR ? UINT64_MAX : 1, &want) &&
        !l->keys.shared) /* or others count there, too */
        mismatch_number(l, c, query, want);
    if (c != NULL && !sets && c->reader.outcome != OUTCOME_NUMBER &&
        c->reader.outcome != OUTCOME_ERROR)
        follow(l, c, query, QUERY_SET, QUERY_COUNTER);
}

/* How many pieces of each kind the value has that was read, as one number. */
static uint64_t
pieces_of(const struct value_check *check)
{
    return check->appends + check->prepends * PREPENDED;
}

static void
follow_grown(const struct load *l, struct caller *c, const struct query *query)
{
    const struct number_state *s = &l->pieces.list[query->keys[0].id];
    const struct value_check *check = &c->reader.check;

    switch (c->reader.outcome) {
    case OUTCOME_STORED:
        if (query->kind != QUERY_SET && s->in_flight == 0)
            follow(l, c, query, QUERY_GET, QUERY_GROWING);
        return;
    case OUTCOME_GET_END:
        if (c->hits > 0 && (check->verdict != VALUE_SHORT_GOOD || !s->set ||
                            check->appends + check->prepends + 1 >= PIECES_MAX))
            follow(l, c, query, QUERY_SET, QUERY_GROWING);
        return;
    case OUTCOME_ERROR: /* it has grown too large */
    case OUTCOME_NOT_STORED:
    case OUTCOME_NOT_FOUND:
        if (query->kind == QUERY_APPEND || query->kind == QUERY_PREPEND)
            follow(l, c, query, QUERY_SET, QUERY_GROWING);
        return;
    case OUTCOME_NUMBER: return;
    }
}

/* The same for a value that grows. */
static void
end_grown(struct load *l, struct caller *c, const struct query *query)
{
    enum number_outcome outcome = NUMBER_UNKNOWN;
    uint64_t value = 0;
    uint64_t want;

    if (c == NULL) {
        outcome = NUMBER_LOST;
    } else if (c->reader.outcome == OUTCOME_STORED) {
        outcome = query->kind == QUERY_SET ? NUMBER_SET : NUMBER_ADDED;
    } else if (query->kind == QUERY_GET && c->hits > 0 &&
               c->reader.check.verdict == VALUE_SHORT_GOOD) {
        outcome = NUMBER_TOLD;
        value = pieces_of(&c->reader.check);
    }
    if (!numbers_end(&l->pieces, query->keys[0].id, outcome, value,
                     query->kind == QUERY_APPEND    ? 1
                     : query->kind == QUERY_PREPEND ? PREPENDED
                                                    : 0,
                     &want) &&
        !l->keys.shared)
        mismatch_pieces(l, c, query, (uint32_t)want, (uint32_t)(want >> 32));
    if (c == NULL)
        return;
    follow_grown(l, c, query);
    if (query->kind == QUERY_GET) {
        l->tally.grown += c->hits;
        c->hits = 0;
    }
}

static void
end_life(struct load *l, const struct query *query, enum expiry_outcome outcome)
{
    if (changes_life(l, query))
        expiry_end(&l->expiry, query->keys[0].id, outcome, query->sent_ns, l->now_ns,
                   query->ttl_s);
}

/* What became of the item of QUERY. */
static enum expiry_outcome
life_after(const struct caller *c, const struct query *query)
{
    switch (c->reader.outcome) {
    case OUTCOME_GET_END: return c->hits > 0 ? EXPIRY_SET : EXPIRY_SAME;
    case OUTCOME_STORED: return query->kind == QUERY_DELETE ? EXPIRY_REMOVED : EXPIRY_SET;
    case OUTCOME_NOT_STORED: return EXPIRY_SAME;
    case OUTCOME_NOT_FOUND:
    case OUTCOME_NUMBER:
    case OUTCOME_ERROR: return EXPIRY_REMOVED;
    }
    BUG("outcome out of range");
}

void
items_done(struct load *l, struct caller *c, const struct query *query)
{
    uint32_t key = query->keys[0].id;

    if (!is_followed(l, query))
        return;
    together_lock(l->keys.together, key);
    switch (kind_of(query)) {
    case ITEM_NUMBER: end_number(l, c, query); break;
    case ITEM_GROWS: end_grown(l, c, query); break;
    case ITEM_PLAIN: end_life(l, query, life_after(c, query)); break;
    }
    together_unlock(l->keys.together, key);
}

void
items_done_quietly(struct load *l, const struct query *query, bool doubtful)
{
    bool unknown = doubtful || query->kind == QUERY_DELETE;

    together_lock(l->keys.together, query->keys[0].id);
    end_life(l, query, unknown ? EXPIRY_REMOVED : EXPIRY_SET);
    together_unlock(l->keys.together, query->keys[0].id);
}

void
items_lost(struct load *l, const struct query *query, bool sent)
{
    uint32_t key = query->keys[0].id;

    if (!is_followed(l, query))
        return;
    together_lock(l->keys.together, key);
    switch (kind_of(query)) {
    case ITEM_NUMBER: end_number(l, NULL, query); break;
    case ITEM_GROWS: end_grown(l, NULL, query); break;
    case ITEM_PLAIN: end_life(l, query, sent ? EXPIRY_LOST : EXPIRY_SAME); break;
    }
    together_unlock(l->keys.together, key);
}

void
items_grown(struct load *l, struct caller *c, const struct query *query)
{
    const struct value_check *check = &c->reader.check;
    bool other_flags = c->reader.flags != keys_flags(&l->keys, query->keys[0].id);
    bool other_bytes = check->verdict != VALUE_SHORT_GOOD;

    c->hits++;
    if (LIKELY(!other_flags && !other_bytes))
        return;
    if (query->keys[0].oldest == 0 || l->keys.shared) {
        l->tally.foreign++; /* it may be what another run has made, of other pieces */
        return;
    }
    if (other_flags)
        mismatch_flags(l, c, query);
    if (other_bytes)
        mismatch_report(l, c, query, value_verdict_name(check->verdict));
}

/* What a read of KEY that was answered, says of its expiry. */
static enum expiry_verdict
judge_life(const struct load *l, const struct query *query, uint32_t key, bool there)
{
    enum expiry_verdict verdict;

    if (l->expiry.list == NULL || l->keys.shared)
        return EXPIRY_FINE;
    together_lock(l->keys.together, key);
    verdict = expiry_judge(&l->expiry, key, there, query->sent_ns, l->now_ns);
    together_unlock(l->keys.together, key);
    return verdict;
}

bool
items_is_expired(const struct load *l, const struct caller *c, const struct query *query)
{
    return judge_life(l, query, query->keys[c->reader.key_index].id, true) == EXPIRY_TOO_LATE;
}

void
items_missed(struct load *l, const struct query *query, uint32_t key)
{
    l->tally.early += judge_life(l, query, key, false) == EXPIRY_TOO_EARLY;
}
