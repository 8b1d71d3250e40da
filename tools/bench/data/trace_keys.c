/* Reads the keys of a whole trace into memory. */
#include "data/trace_keys.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "host/stop.h"

/* Room for one more. */
static bool
reserve(struct trace_keys *k, uint64_t *size)
{
    uint64_t more = *size == 0 ? 4096 : 2 * *size;
    uint32_t *ids;

    if (k->count < *size)
        return true;
    ids = realloc(k->ids, more * sizeof(*ids));
    if (ids == NULL)
        return false;
    k->ids = ids;
    *size = more;
    return true;
}

const char *
trace_keys_load(struct trace_keys *k, const char *path, enum trace_format format)
{
    enum trace_result result = TRACE_ACCESS;
    static char words[TRACE_WORDS_BYTES];
    const char *why = NULL;
    struct trace trace;
    struct access access;
    uint64_t size = 0;

    memset(k, 0, sizeof(*k));
    if (!trace_open(&trace, path, format))
        return strerror(errno);
    while (result == TRACE_ACCESS && stop_signal() == 0) {
        if (!reserve(k, &size))
            result = TRACE_NO_MEMORY;
        else
            result = trace_next(&trace, &access);
        if (result != TRACE_ACCESS)
            break;
        k->ids[k->count++] = access.key;
        if (access.key >= k->distinct)
            k->distinct = (uint64_t)access.key + 1;
    }
    if (stop_signal() != 0) {
        why = "interrupted";
    } else if (result != TRACE_END) {
        trace_describe(&trace, result, words);
        why = words;
    } else if (k->count == 0) {
        why = "it is empty";
    }
    trace_close(&trace);
    if (why != NULL)
        trace_keys_free(k);
    return why;
}

void
trace_keys_free(struct trace_keys *k)
{
    free(k->ids);
    memset(k, 0, sizeof(*k));
}
