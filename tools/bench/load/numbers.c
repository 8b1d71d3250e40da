/* Keeps track of counters, as far as the order of the requests for each is known. */
#include "load/numbers.h"

#include <stdlib.h>
#include <string.h>

#include "data/together.h"

bool
numbers_init(struct numbers *n, uint64_t count)
{
    memset(n, 0, sizeof(*n));
    n->count = count;
    n->list = calloc(count, sizeof(*n->list));
    return n->list != NULL;
}

bool
numbers_init_shared(struct numbers *n, uint64_t count)
{
    memset(n, 0, sizeof(*n));
    n->count = count;
    n->mapped = true;
    n->list = together_map(count * sizeof(*n->list));
    return n->list != NULL;
}

void
numbers_fini(struct numbers *n)
{
    if (n->mapped)
        together_unmap(n->list, n->count * sizeof(*n->list));
    else
        free(n->list);
    n->list = NULL;
}

void
numbers_begin(struct numbers *n, uint32_t key)
{
    struct number_state *s = &n->list[key];

    s->in_flight++;
    s->overlapped |= s->in_flight > 1;
}

bool
numbers_end(struct numbers *n, uint32_t key, enum number_outcome outcome, uint64_t value,
            uint64_t delta, uint64_t *want)
{
    struct number_state *s = &n->list[key];
    bool was_known = s->known;

    s->in_flight--;
    *want = s->value + delta;
    s->doubtful |= outcome == NUMBER_LOST;
    s->set |= outcome == NUMBER_SET;
    s->value = outcome == NUMBER_ADDED ? *want : value;
    s->known = !s->overlapped && (outcome == NUMBER_TOLD || outcome == NUMBER_SET ||
                                  (outcome == NUMBER_ADDED && was_known));
    if (s->in_flight == 0)
        s->overlapped = false;
    if (outcome != NUMBER_TOLD || !was_known || !s->known || s->doubtful)
        return true;
    n->checked++;
    return value == *want;
}
