/* Which keys a fill has yet to store. */
#include "load/fill.h"

#include <stdlib.h>
#include <string.h>

void
fill_begin(struct fill_plan *f, uint64_t count)
{
    fill_fini(f);
    f->count = count;
    f->planned = count;
}

void
fill_fini(struct fill_plan *f)
{
    free(f->list);
    free(f->failed);
    memset(f, 0, sizeof(*f));
}

/* Whether another pass would have something to do, and a chance. */
static bool
another_pass_helps(const struct fill_plan *f)
{
    return f->next == f->planned && f->open == 0 && f->failed_count > 0 && f->stored > 0 &&
           f->pass + 1 < FILL_PASSES_MAX;
}

static void
begin_pass(struct fill_plan *f)
{
    free(f->list);
    f->list = f->failed;
    f->planned = f->failed_count;
    f->again += f->failed_count;
    f->failed = NULL;
    f->failed_count = 0;
    f->failed_size = 0;
    f->stored = 0;
    f->next = 0;
    f->pass++;
}

bool
fill_has_next(const struct fill_plan *f)
{
    return f->next < f->planned || another_pass_helps(f);
}

bool
fill_next(struct fill_plan *f, uint32_t *key)
{
    if (f->next == f->planned && !another_pass_helps(f))
        return false;
    if (f->next == f->planned)
        begin_pass(f);
    *key = f->pass == 0 ? (uint32_t)f->next : f->list[f->next];
    f->next++;
    f->open++;
    return true;
}

bool
fill_is_over(const struct fill_plan *f)
{
    return f->next == f->planned && f->open == 0 && !another_pass_helps(f);
}

static void
note_failed(struct fill_plan *f, uint32_t key)
{
    if (f->failed_count == f->failed_size) {
        uint64_t size = f->failed_size == 0 ? 1024 : 2 * f->failed_size;
        uint32_t *more = realloc(f->failed, size * sizeof(*more));

        if (more == NULL) {
            f->unlisted++;
            return;
        }
        f->failed = more;
        f->failed_size = size;
    }
    f->failed[f->failed_count++] = key;
}

void
fill_outcome(struct fill_plan *f, uint32_t key, bool stored)
{
    f->open--;
    if (stored)
        f->stored++;
    else
        note_failed(f, key);
}

uint64_t
fill_missing(const struct fill_plan *f)
{
    return f->failed_count + f->unlisted + f->open + (f->planned - f->next);
}
