/* What must hold in every state of the freelist. */
#include <string.h>
#include <sys/uio.h>

#include "loan_pool.h"
#include "search.h"

static void
check_ledger(void)
{
    struct pool_ledger ledger;
    int made = 0;

    for (int i = 0; i < LIMIT; i++)
        made += w.mapped[i];
    pool_ledger(w.pool, &ledger);
    if (!pool_check(w.pool) || !pool_ledger_adds_up(&ledger))
        search_wrong("the ledger does not add up");
    if (ledger.made != (uint64_t)made || ledger.free != (uint64_t)w.stacked ||
        ledger.lent_for[LOAN_FOR_INPUT] != (uint64_t)lent_for(LOAN_FOR_INPUT) ||
        ledger.lent_for[LOAN_FOR_OUTPUT] != (uint64_t)lent_for(LOAN_FOR_OUTPUT) ||
        ledger.waiters != (uint64_t)(w.queued[0] + w.queued[1]))
        search_wrong("the ledger says what is not so");
    if (lent_for(LOAN_FOR_INPUT) > LIMIT - RESERVE)
        search_wrong("input has what is reserved for output");
}

/* What is pending is what borrower NUMBER put in and did not take out. */
static void
check_load(const struct buf *buf, const struct load *load, int number)
{
    struct iovec iov[2 * PIECES_MAX + 1];
    char want[BYTES_MAX];
    int left = bytes_left(load, number, want), off = 0;
    int count = buf_iovecs(buf, iov, 2 * PIECES_MAX + 1, SIZE_MAX);

    if (buf_is_empty(buf) != (load->count == 0))
        search_wrong("a buffer with something in it looks empty, or the reverse");
    if (buf_pending_bytes(buf) != (uint64_t)left)
        search_wrong("not as many bytes are pending as are left");
    for (int i = 0; i < count; i++) {
        if (off + (int)iov[i].iov_len > left ||
            memcmp(want + off, iov[i].iov_base, iov[i].iov_len) != 0)
            search_wrong("a borrower's bytes are not those that it put in");
        off += (int)iov[i].iov_len;
    }
    if (off != left)
        search_wrong("some bytes would not be sent");
}

/* One buffer has one owner, and what one put in is still there. */
static void
check_owners(void)
{
    int owners[LIMIT] = {0};

    for (int i = 0; i < w.stacked; i++)
        owners[w.stack[i]]++;
    for (int number = 0; number < BORROWERS; number++) {
        for (int purpose = LOAN_FOR_INPUT; purpose <= LOAN_FOR_OUTPUT; purpose++) {
            const struct holder *h = &w.holders[number];
            const struct buf *buf = h->slot[purpose];

            if (buf == NULL)
                continue;
            owners[number_of(buf)]++;
            check_load(buf, &h->load[purpose], number);
        }
    }
    for (int i = 0; i < LIMIT; i++)
        if (owners[i] != w.mapped[i])
            search_wrong("buffer %d has %d owners", i, owners[i]);
}

/* A borrower waits only while it could not be served. */
static void
check_waiters(void)
{
    for (int purpose = LOAN_FOR_INPUT; purpose <= LOAN_FOR_OUTPUT; purpose++)
        if (w.queued[purpose] > 0 && is_allowed((enum loan_purpose)purpose))
            search_wrong("a borrower waits, although there is a buffer for it");
}

/* Whatever happened: when all have left, nothing is held, and the pool can go. */
void
check_pool_end(void)
{
    if (lent() != 0 || w.queued[0] + w.queued[1] != 0)
        search_wrong("something is lent when every borrower has left");
    check_ledger();
    pool_destroy(w.pool);
    for (int i = 0; i < LIMIT; i++)
        if (w.mapped[i])
            search_wrong("a buffer is left when the pool is gone");
    if (w.pool_made)
        search_wrong("the pool is left");
}

void
check_pool(void)
{
    check_ledger();
    check_owners();
    check_waiters();
}
