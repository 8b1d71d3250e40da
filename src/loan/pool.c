/* Lends buffers from a stack of free ones, makes more up to the limit, and queues the rest. */
#include "lombard/loan/pool.h"

#include <string.h>

#include "lombard/base/invariant.h"
#include "lombard/base/sys.h"

enum { POISON = 0xdb, UNMADE_AT_ONCE = 256 };

struct pool {
    struct list_node free;                   /* most recently returned first */
    struct list_node waiters[LOAN_PURPOSES]; /* by purpose, longest waiting first */
    struct pool_config config;
    pool_on_grant *on_grant;
    struct pool_counts counts[LOAN_PURPOSES];
    struct pool_ledger ledger;
    uint64_t least_free; /* fewest in the freelist since the last trim */
};

struct pool *
pool_create(const struct pool_config *config, pool_on_grant *on_grant)
{
    struct pool *pool = sys_malloc(sizeof(*pool));

    if (pool == NULL)
        return NULL;
    memset(pool, 0, sizeof(*pool));
    list_init(&pool->free);
    for (int purpose = 0; purpose < LOAN_PURPOSES; purpose++)
        list_init(&pool->waiters[purpose]);
    pool->config = *config;
    pool->on_grant = on_grant;
    pool->ledger.limit = config->limit_bytes / BUF_TOTAL_BYTES;
    pool->ledger.reserve = config->reserve_bytes / BUF_TOTAL_BYTES;
    BUG_ON(pool->ledger.limit < 4 || pool->ledger.reserve >= pool->ledger.limit);
    return pool;
}

static struct buf *
pop_free(struct pool *pool)
{
    struct list_node *node = list_pop_front(&pool->free);

    if (node == NULL)
        return NULL;
    pool->ledger.free--;
    if (pool->ledger.free < pool->least_free)
        pool->least_free = pool->ledger.free;
    return CONTAINER_OF(node, struct buf, node);
}

void
pool_destroy(struct pool *pool)
{
    struct buf *buf;

    if (pool == NULL)
        return;
    (void)BROKEN(pool->ledger.lent != 0);
    while ((buf = pop_free(pool)) != NULL)
        sys_unmap(buf, BUF_TOTAL_BYTES);
    sys_free(pool);
}

static struct buf *
make_buf(struct pool *pool)
{
    struct buf *buf = sys_map(BUF_TOTAL_BYTES);

    if (buf == NULL)
        return NULL;
    buf_init(buf);
    pool->ledger.made++;
    if (pool->ledger.made > pool->ledger.peak)
        pool->ledger.peak = pool->ledger.made;
    return buf;
}

/* Input stops short of what is reserved for output. */
static bool
may_lend(const struct pool *pool, enum loan_purpose purpose)
{
    uint64_t limit = pool->ledger.limit;

    if (purpose == LOAN_FOR_INPUT)
        limit -= pool->ledger.reserve;
    return pool->ledger.lent < limit;
}

static void
note_lent(struct pool *pool, enum loan_purpose purpose)
{
    pool->ledger.lent++;
    pool->ledger.lent_for[purpose]++;
}

static void
enqueue(struct pool *pool, struct borrower *borrower, enum loan_purpose purpose)
{
    if (BROKEN(list_is_linked(&borrower->node))) /* in a list that would break */
        list_remove(&borrower->node);
    list_push_back(&pool->waiters[purpose], &borrower->node);
    pool->ledger.waiters++;
}

enum loan_result
pool_loan(struct pool *pool, struct borrower *borrower, enum loan_purpose purpose,
          struct buf **slot)
{
    struct pool_counts *counts = &pool->counts[purpose];
    struct buf *buf;

    if (*slot != NULL) {
        counts->existing++;
        return LOAN_EXISTING;
    }
    if (!may_lend(pool, purpose)) {
        counts->waiting++;
        enqueue(pool, borrower, purpose);
        return LOAN_WAITING;
    }
    buf = pop_free(pool);
    if (buf != NULL) {
        counts->loaned++;
        note_lent(pool, purpose);
        *slot = buf;
        return LOAN_LOANED;
    }
    buf = make_buf(pool);
    if (buf == NULL) {
        counts->failed++;
        return LOAN_FAILED;
    }
    counts->allocated++;
    note_lent(pool, purpose);
    *slot = buf;
    return LOAN_ALLOCATED;
}

static void
grant_waiters(struct pool *pool, enum loan_purpose purpose)
{
    struct list_node *head = &pool->waiters[purpose];

    while (!list_is_empty(head) && !list_is_empty(&pool->free) && may_lend(pool, purpose)) {
        struct borrower *longest = CONTAINER_OF(head->next, struct borrower, node);

        pool_forget(pool, longest);
        note_lent(pool, purpose);
        pool->on_grant(longest, purpose, pop_free(pool));
    }
}

void
pool_return(struct pool *pool, enum loan_purpose purpose, struct buf **slot)
{
    struct buf *buf = *slot;

    if (BROKEN(buf == NULL || !buf_is_empty(buf)))
        return;
    *slot = NULL;
#ifndef NDEBUG
    memset(buf->data, POISON, sizeof(buf->data));
#endif
    list_push_front(&pool->free, &buf->node);
    pool->ledger.free++;
    pool->ledger.lent--;
    pool->ledger.lent_for[purpose]--;
    if (LIKELY(pool->ledger.waiters == 0))
        return;
    grant_waiters(pool, LOAN_FOR_OUTPUT);
    grant_waiters(pool, LOAN_FOR_INPUT);
}

void
pool_forget(struct pool *pool, struct borrower *borrower)
{
    if (BROKEN(!list_is_linked(&borrower->node)))
        return;
    list_remove(&borrower->node);
    pool->ledger.waiters--;
}

/* One buffer of the freelist less, the one that lay there longest. */
static void
unmake_coldest(struct pool *pool)
{
    struct list_node *coldest = pool->free.prev;
    struct buf *buf = CONTAINER_OF(coldest, struct buf, node);

    list_remove(coldest);
    pool->ledger.free--;
    pool->ledger.made--;
    pool->ledger.trimmed++;
    sys_unmap(buf, BUF_TOTAL_BYTES);
}

/* At most UNMADE_AT_ONCE: each takes a system call. */
static void
unmake_excess(struct pool *pool)
{
    for (int i = 0; i < UNMADE_AT_ONCE && pool->ledger.made > pool->ledger.limit &&
                    !list_is_empty(&pool->free);
         i++)
        unmake_coldest(pool);
    pool->ledger.lowered =
        pool->ledger.made > pool->ledger.limit ||
        pool->ledger.lent_for[LOAN_FOR_INPUT] > pool->ledger.limit - pool->ledger.reserve;
    if (pool->least_free > pool->ledger.free)
        pool->least_free = pool->ledger.free;
}

/* Borrowers wait, and there may be more buffers than there are: make some. */
static void
make_for_waiters(struct pool *pool)
{
    struct buf *buf;

    while (pool->ledger.waiters > 0 && may_lend(pool, LOAN_FOR_OUTPUT) &&
           pool->ledger.made < pool->ledger.limit && (buf = make_buf(pool)) != NULL) {
        uint64_t waiters = pool->ledger.waiters;

        list_push_front(&pool->free, &buf->node);
        pool->ledger.free++;
        grant_waiters(pool, LOAN_FOR_OUTPUT);
        grant_waiters(pool, LOAN_FOR_INPUT);
        if (pool->ledger.waiters == waiters)
            return; /* for input, which stops short of the limit */
    }
}

void
pool_set_limit(struct pool *pool, size_t limit_bytes, size_t reserve_bytes)
{
    pool->ledger.limit = limit_bytes / BUF_TOTAL_BYTES;
    pool->ledger.reserve = reserve_bytes / BUF_TOTAL_BYTES;
    pool->config.limit_bytes = limit_bytes;
    pool->config.reserve_bytes = reserve_bytes;
    (void)BROKEN(pool->ledger.limit < 4 || pool->ledger.reserve >= pool->ledger.limit);
    unmake_excess(pool);
    make_for_waiters(pool);
}

void
pool_trim(struct pool *pool)
{
    uint64_t keep = pool->config.keep_bytes / BUF_TOTAL_BYTES;
    /* What lay idle for the whole second is surplus; half of it goes each time. */
    uint64_t surplus = pool->least_free > keep ? (pool->least_free - keep + 1) / 2 : 0;

    for (; surplus > 0; surplus--)
        unmake_coldest(pool);
    unmake_excess(pool);
    pool->least_free = pool->ledger.free;
}

const struct pool_counts *
pool_counts(const struct pool *pool, enum loan_purpose purpose)
{
    return &pool->counts[purpose];
}

void
pool_ledger(const struct pool *pool, struct pool_ledger *ledger)
{
    *ledger = pool->ledger;
}

uint64_t
pool_waiters(const struct pool *pool)
{
    return pool->ledger.waiters;
}

void
pool_reset_counts(struct pool *pool)
{
    memset(pool->counts, 0, sizeof(pool->counts));
}

bool
pool_ledger_adds_up(const struct pool_ledger *ledger)
{
    return ledger->made == ledger->free + ledger->lent &&
           ledger->lent ==
               ledger->lent_for[LOAN_FOR_INPUT] + ledger->lent_for[LOAN_FOR_OUTPUT] &&
           (ledger->made <= ledger->limit || ledger->lowered);
}

bool
pool_check(const struct pool *pool)
{
    uint64_t free_count = 0;

    for (int purpose = 0; purpose < LOAN_PURPOSES; purpose++)
        if (!list_is_empty(&pool->waiters[purpose]) &&
            may_lend(pool, (enum loan_purpose)purpose))
            return false;
    list_for_each (node, &pool->free) {
        if (!buf_is_empty(CONTAINER_OF(node, struct buf, node)))
            return false;
        free_count++;
    }
    return free_count == pool->ledger.free && pool_ledger_adds_up(&pool->ledger);
}
