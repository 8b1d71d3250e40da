/* Keeps track of when items end, as far as the order of the requests for each key is known. */
#include "load/expiry.h"

#include <stdlib.h>
#include <string.h>

#include "data/together.h"

#define SECOND_NS UINT64_C(1000000000)

bool
expiry_init_shared(struct expiry *e, uint64_t count)
{
    e->list = together_map(count * sizeof(*e->list));
    e->count = count;
    e->mapped = true;
    return e->list != NULL;
}

bool
expiry_reserve(struct expiry *e, uint64_t count)
{
    struct expiry_state *more;

    if (count <= e->count)
        return true;
    if (count < 2 * e->count)
        count = 2 * e->count;
    more = realloc(e->list, count * sizeof(*more));
    if (more == NULL)
        return false;
    memset(more + e->count, 0, (count - e->count) * sizeof(*more));
    e->list = more;
    e->count = count;
    return true;
}

void
expiry_fini(struct expiry *e)
{
    if (e->mapped)
        together_unmap(e->list, e->count * sizeof(*e->list));
    else
        free(e->list);
    *e = (struct expiry){0};
}

void
expiry_begin(struct expiry *e, uint32_t key)
{
    struct expiry_state *s = &e->list[key];

    s->in_flight++;
    s->overlapped |= s->in_flight > 1;
}

void
expiry_end(struct expiry *e, uint32_t key, enum expiry_outcome outcome, uint64_t sent_ns,
           uint64_t now_ns, uint32_t ttl_s)
{
    struct expiry_state *s = &e->list[key];
    uint64_t ttl_ns = ttl_s * SECOND_NS;

    s->in_flight--;
    switch (outcome) {
    case EXPIRY_SET:
        s->from_ns = ttl_s > 0 && !s->overlapped ? now_ns : 0;
        s->least_ns = sent_ns + ttl_ns;
        s->most_ns = now_ns + ttl_ns;
        break;
    case EXPIRY_REMOVED: s->from_ns = 0; break;
    case EXPIRY_SAME: break;
    case EXPIRY_LOST: s->doubtful = true; break;
    }
    if (s->in_flight == 0)
        s->overlapped = false;
}

enum expiry_verdict
expiry_judge(const struct expiry *e, uint32_t key, bool there, uint64_t sent_ns,
             uint64_t now_ns)
{
    const struct expiry_state *s = &e->list[key];

    if (s->from_ns == 0 || s->in_flight > 0 || s->doubtful || sent_ns <= s->from_ns)
        return EXPIRY_FINE;
    if (there)
        return sent_ns > s->most_ns + EXPIRY_SLACK_NS ? EXPIRY_TOO_LATE : EXPIRY_FINE;
    return now_ns + EXPIRY_SLACK_NS < s->least_ns ? EXPIRY_TOO_EARLY : EXPIRY_FINE;
}
