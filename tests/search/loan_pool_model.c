/* The memory that the freelist gets, and a model of what it must do. */
#include "loan_pool.h"

#include <string.h>

#include "lombard/base/sys.h"

#include "search.h"

struct pool_world w;
const char value[VALUE_BYTES] = {'v', 'w'};

/* --- The seam: memory that lies in the block --- */

void *
sys_malloc(size_t bytes)
{
    if (w.pool_made || bytes > sizeof(w.pool_words))
        search_wrong("an allocation that the freelist has no business with");
    w.pool_made = true;
    w.pool_bytes = bytes;
    return w.pool_words;
}

void
sys_free(void *mem)
{
    if (mem != w.pool_words || !w.pool_made)
        search_wrong("what was not allocated is freed");
    w.pool_made = false;
}

void *
sys_map(size_t bytes)
{
    if (bytes != BUF_TOTAL_BYTES)
        search_wrong("a buffer of %zu bytes", bytes);
    if (w.refuse)
        return NULL;
    for (int i = 0; i < LIMIT; i++) {
        if (w.mapped[i])
            continue;
        w.mapped[i] = true;
        memset(&w.bufs[i], 0, sizeof(w.bufs[i]));
        return &w.bufs[i];
    }
    search_wrong("more buffers than the limit allows");
}

void
sys_unmap(void *mem, size_t bytes)
{
    struct buf *buf = mem;

    if (bytes != BUF_TOTAL_BYTES || buf < w.bufs || buf >= w.bufs + LIMIT ||
        !w.mapped[buf - w.bufs])
        search_wrong("what is not mapped is unmapped");
    w.mapped[buf - w.bufs] = false;
}

/* --- The model --- */

int
number_of(const struct buf *buf)
{
    return (int)(buf - w.bufs);
}

int
lent_for(enum loan_purpose purpose)
{
    int count = 0;

    for (int i = 0; i < BORROWERS; i++)
        count += w.holders[i].slot[purpose] != NULL;
    return count;
}

int
lent(void)
{
    return lent_for(LOAN_FOR_INPUT) + lent_for(LOAN_FOR_OUTPUT);
}

int
bytes_left(const struct load *load, int number, char bytes[BYTES_MAX])
{
    char all[BYTES_MAX];
    int count = 0;

    for (int i = 0; i < load->count; i++) {
        if (load->pieces[i] == PIECE_BYTE)
            all[count++] = (char)('a' + number);
        for (int j = 0; load->pieces[i] == PIECE_REF && j < (int)sizeof(value); j++)
            all[count++] = value[j];
    }
    memcpy(bytes, all + load->gone, (size_t)(count - load->gone));
    return count - load->gone;
}

bool
has_piece(const struct load *load, enum piece piece)
{
    for (int i = 0; i < load->count; i++)
        if (load->pieces[i] == piece)
            return true;
    return false;
}

int
refs_left(const struct load *load)
{
    int end = load->count > 1 && load->pieces[0] == PIECE_BYTE ? BYTES_MAX : (int)sizeof(value);

    return has_piece(load, PIECE_REF) && load->gone < end;
}

bool
is_allowed(enum loan_purpose purpose)
{
    return lent() < (purpose == LOAN_FOR_INPUT ? LIMIT - RESERVE : LIMIT);
}

void
model_enqueue(int number, enum loan_purpose purpose)
{
    w.queue[purpose][w.queued[purpose]++] = number;
    w.holders[number].waits = true;
    w.holders[number].waits_for = purpose;
}

void
model_dequeue(int number)
{
    enum loan_purpose purpose = w.holders[number].waits_for;
    int *queue = w.queue[purpose];
    int at = 0;

    while (at < w.queued[purpose] && queue[at] != number)
        at++;
    if (at == w.queued[purpose])
        search_wrong("a borrower leaves a queue that it is not in");
    w.queued[purpose]--;
    memmove(queue + at, queue + at + 1, (size_t)(w.queued[purpose] - at) * sizeof(*queue));
    w.holders[number].waits = false;
}

void
model_pop(const struct buf *buf)
{
    if (w.stacked == 0 || w.stack[w.stacked - 1] != number_of(buf))
        search_wrong("the buffer lent is not the one that was returned last");
    w.stacked--;
    if (w.stacked < w.least_free)
        w.least_free = w.stacked;
}

void
on_grant(struct borrower *borrower, enum loan_purpose purpose, struct buf *buf)
{
    int number = (int)(CONTAINER_OF(borrower, struct holder, borrower) - w.holders);
    struct holder *h = &w.holders[number];

    if (!h->waits || h->waits_for != purpose)
        search_wrong("a buffer for a borrower that does not wait for it");
    if (w.queue[purpose][0] != number)
        search_wrong("a borrower is served before one that waits for longer");
    if (purpose == LOAN_FOR_INPUT && w.queued[LOAN_FOR_OUTPUT] > 0)
        search_wrong("input is served before output");
    if (!is_allowed(purpose))
        search_wrong("a waiter is served above the limit");
    if (list_is_linked(&borrower->node))
        search_wrong("a borrower that is served is still in a list");
    model_dequeue(number);
    model_pop(buf);
    h->slot[purpose] = buf;
    w.granted++;
}
