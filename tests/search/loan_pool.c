/* What borrowers can do, and the search through all of it. */
#include "loan_pool.h"

#include <stdio.h>
#include <string.h>

#include "search.h"

static void
on_release(void *ctx, const void *base)
{
    if (ctx != &w || base != value)
        search_wrong("another reference is released");
    w.released++;
}

static const struct buf_owner owner = {on_release, &w};

/* --- Operations --- */

enum {
    OP_LOAN_IN,
    OP_LOAN_OUT,
    OP_REFUSED_IN, /* asked for while memory is refused */
    OP_REFUSED_OUT,
    OP_PUT_IN,
    OP_PUT_OUT,
    OP_REFER,
    OP_TAKE_IN,
    OP_TAKE_OUT,
    OP_TAKE_ALL_IN,
    OP_TAKE_ALL_OUT,
    OP_RETURN_IN,
    OP_RETURN_OUT,
    OP_FORGET,
    OP_LEAVE,
    OPS_A_BORROWER,
    OP_TRIM = BORROWERS * OPS_A_BORROWER,
    OPS,
};

static const char *const op_names[] = {
    "asks to read",           "asks to write",   "asks to read, refused",
    "asks to write, refused", "reads a byte",    "writes a byte",
    "queues a reference",     "takes a byte",    "sends a byte",
    "takes all its input",    "sends all",       "returns its input",
    "returns its output",     "waits no longer", "goes away",
};

static void
must_be(enum loan_result got, enum loan_result want)
{
    if (got != want)
        search_wrong("a loan is %d, not %d", (int)got, (int)want);
}

/* Ask; and what came is counted once, and nothing else is. */
static enum loan_result
ask(int number, enum loan_purpose purpose)
{
    struct holder *h = &w.holders[number];
    const struct pool_counts *now = pool_counts(w.pool, purpose);
    struct pool_counts want = *now;
    enum loan_result result = pool_loan(w.pool, &h->borrower, purpose, &h->slot[purpose]);

    switch (result) {
    case LOAN_EXISTING: want.existing++; break;
    case LOAN_LOANED: want.loaned++; break;
    case LOAN_ALLOCATED: want.allocated++; break;
    case LOAN_WAITING: want.waiting++; break;
    case LOAN_FAILED: want.failed++; break;
    }
    if (memcmp(now, &want, sizeof(want)) != 0)
        search_wrong("a loan is counted as another one");
    return result;
}

static bool
run_loan(int number, enum loan_purpose purpose, bool refuse)
{
    struct holder *h = &w.holders[number];
    struct buf *before = h->slot[purpose];
    enum loan_result got;

    if (h->waits || (refuse && (before != NULL || w.stacked > 0 || !is_allowed(purpose))))
        return false; /* no memory would be asked for */
    w.refuse = refuse;
    if (before != NULL) {
        must_be(ask(number, purpose), LOAN_EXISTING);
        if (h->slot[purpose] != before)
            search_wrong("a borrower has lost the buffer that it had");
        return true;
    }
    if (!is_allowed(purpose)) {
        must_be(ask(number, purpose), LOAN_WAITING);
        model_enqueue(number, purpose);
        return true;
    }
    got = ask(number, purpose);
    if (w.stacked > 0) {
        must_be(got, LOAN_LOANED);
        model_pop(h->slot[purpose]);
    } else {
        must_be(got, refuse ? LOAN_FAILED : LOAN_ALLOCATED);
    }
    w.refuse = false;
    if (refuse != (h->slot[purpose] == NULL))
        search_wrong("a buffer although memory was refused, or none although it was not");
    return true;
}

static bool
run_put(int number, enum loan_purpose purpose, enum piece piece)
{
    struct buf *buf = w.holders[number].slot[purpose];
    struct load *load = &w.holders[number].load[purpose];
    char byte = (char)('a' + number);

    if (buf == NULL || has_piece(load, piece))
        return false;
    if (piece == PIECE_BYTE)
        buf_append(buf, slice_make(&byte, 1));
    else
        buf_append_ref(buf, slice_make(value, sizeof(value)));
    load->pieces[load->count++] = piece;
    return true;
}

static bool
run_take(int number, enum loan_purpose purpose, bool all)
{
    struct buf *buf = w.holders[number].slot[purpose];
    struct load *load = &w.holders[number].load[purpose];
    int refs = refs_left(load);
    char bytes[BYTES_MAX];
    int left = buf == NULL ? 0 : bytes_left(load, number, bytes);
    int taken = all ? left : 1;

    if (left == 0 || (all && left == 1))
        return false;
    buf_consumed(buf, (size_t)taken, &owner);
    load->gone += taken;
    if (w.released != refs - refs_left(load))
        search_wrong("a reference is not released exactly when its last byte is gone");
    if (taken == left)
        memset(load, 0, sizeof(*load));
    return true;
}

/* A released build refuses to take what is not empty; others stop. */
static bool
run_return(int number, enum loan_purpose purpose)
{
    struct holder *h = &w.holders[number];
    struct buf *buf = h->slot[purpose];

    if (buf == NULL)
        return false;
    if (h->load[purpose].count > 0) {
#ifdef NDEBUG
        pool_return(w.pool, purpose, &h->slot[purpose]);
        if (h->slot[purpose] != buf)
            search_wrong("a buffer that is not empty was returned");
        return true;
#else
        return false;
#endif
    }
    w.stack[w.stacked++] = number_of(buf);
    h->slot[purpose] = NULL;
    {
        struct buf *slot = buf;

        pool_return(w.pool, purpose, &slot);
        if (slot != NULL)
            search_wrong("a borrower still has what it returned");
    }
    return true;
}

static bool
run_forget(int number)
{
    if (!w.holders[number].waits)
        return false;
    pool_forget(w.pool, &w.holders[number].borrower);
    model_dequeue(number);
    return true;
}

/* Give up waiting, drop what is held, return it. False when there was nothing. */
static bool
run_leave(int number)
{
    struct holder *h = &w.holders[number];
    bool held = run_forget(number);

    for (int purpose = LOAN_FOR_INPUT; purpose <= LOAN_FOR_OUTPUT; purpose++) {
        if (h->slot[purpose] == NULL)
            continue;
        held = true;
        w.released = 0;
        buf_clear(h->slot[purpose], &owner);
        if (w.released != refs_left(&h->load[purpose]))
            search_wrong("a reference that was dropped is not released once");
        memset(&h->load[purpose], 0, sizeof(h->load[purpose]));
        (void)run_return(number, (enum loan_purpose)purpose);
    }
    return held;
}

/* Half of what lay there for all of the time goes: the coldest. */
static bool
run_trim(void)
{
    int gone = (w.least_free + 1) / 2;

    pool_trim(w.pool);
    for (int i = 0; i < gone; i++)
        if (w.mapped[w.stack[i]])
            search_wrong("a buffer that lay idle is kept, or a warmer one went");
    w.stacked -= gone;
    memmove(w.stack, w.stack + gone, (size_t)w.stacked * sizeof(w.stack[0]));
    w.least_free = w.stacked;
    return true;
}

static bool
op_run(unsigned op)
{
    int number = (int)(op / OPS_A_BORROWER);

    w.released = w.granted = 0;
    w.refuse = false;
    if (op == OP_TRIM)
        return run_trim();
    switch (op % OPS_A_BORROWER) {
    case OP_LOAN_IN: return run_loan(number, LOAN_FOR_INPUT, false);
    case OP_LOAN_OUT: return run_loan(number, LOAN_FOR_OUTPUT, false);
    case OP_REFUSED_IN: return run_loan(number, LOAN_FOR_INPUT, true);
    case OP_REFUSED_OUT: return run_loan(number, LOAN_FOR_OUTPUT, true);
    case OP_PUT_IN: return run_put(number, LOAN_FOR_INPUT, PIECE_BYTE);
    case OP_PUT_OUT: return run_put(number, LOAN_FOR_OUTPUT, PIECE_BYTE);
    case OP_REFER: return run_put(number, LOAN_FOR_OUTPUT, PIECE_REF);
    case OP_TAKE_IN: return run_take(number, LOAN_FOR_INPUT, false);
    case OP_TAKE_OUT: return run_take(number, LOAN_FOR_OUTPUT, false);
    case OP_TAKE_ALL_IN: return run_take(number, LOAN_FOR_INPUT, true);
    case OP_TAKE_ALL_OUT: return run_take(number, LOAN_FOR_OUTPUT, true);
    case OP_RETURN_IN: return run_return(number, LOAN_FOR_INPUT);
    case OP_RETURN_OUT: return run_return(number, LOAN_FOR_OUTPUT);
    case OP_FORGET: return run_forget(number);
    default: return run_leave(number);
    }
}

static void
op_name(unsigned op, char *dst, size_t bytes)
{
    if (op == OP_TRIM)
        (void)snprintf(dst, bytes, "trim");
    else
        (void)snprintf(dst, bytes, "%c %s", (char)('A' + op / OPS_A_BORROWER),
                       op_names[op % OPS_A_BORROWER]);
}

static unsigned
op_count(void)
{
    return OPS;
}

/* --- The subject --- */

static void
reset(void)
{
    const struct pool_config config = {
        .limit_bytes = LIMIT * BUF_TOTAL_BYTES,
        .reserve_bytes = RESERVE * BUF_TOTAL_BYTES,
    };

    memset(&w, 0, sizeof(w));
    for (int i = 0; i < BORROWERS; i++)
        list_init(&w.holders[i].borrower.node);
    w.pool = pool_create(&config, on_grant);
    if (w.pool == NULL)
        search_wrong("no pool");
}

/*
 * Which buffer it is makes no difference, nor do counters. What the pool itself remembers is
 * told besides what the model does: where these differ, that is another state.
 */
static void
describe(void)
{
    struct pool_ledger ledger;

    pool_ledger(w.pool, &ledger);
    search_put(ledger.made | ledger.free << 8 | ledger.lent << 16 | ledger.lent_for[0] << 24 |
               ledger.lent_for[1] << 32 | ledger.waiters << 40);
    search_put(w.pool_words[w.pool_bytes / sizeof(uint64_t) - 1]); /* fewest that were free */
    for (int i = 0; i < BORROWERS; i++) {
        const struct holder *h = &w.holders[i];

        search_put((h->slot[0] != NULL) | (uint64_t)(h->slot[1] != NULL) << 1 |
                   (uint64_t)h->waits << 2 | (uint64_t)(h->waits && h->waits_for == 1) << 3);
        search_put_bytes(h->load, sizeof(h->load));
    }
    search_put_bytes(w.queue[0], (size_t)w.queued[0] * sizeof(int));
    search_put_bytes(w.queue[1], (size_t)w.queued[1] * sizeof(int));
    search_put((uint64_t)w.stacked << 8 | (uint64_t)w.least_free);
}

/* Of the state itself, and of how it ends. */
static void
check(void)
{
    check_pool();
    for (int number = 0; number < BORROWERS; number++)
        (void)run_leave(number);
    check_pool_end();
}

int
main(void)
{
    const struct subject subject = {
        .name = "freelist (3 borrowers, 4 buffers, 1 of them for output alone)",
        .block = &w,
        .bytes = sizeof(w),
        .reset = reset,
        .op_count = op_count,
        .op_run = op_run,
        .op_name = op_name,
        .check = check,
        .describe = describe,
    };
    struct search_totals totals;

    search_run(&subject, &totals);
    search_print(&subject, &totals);
    printf("1 passed, 0 failed\n");
    return 0;
}
