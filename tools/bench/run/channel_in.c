/* Connections: what comes back, and which request it answers. */
#include "run/channel.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "host/stamp.h"
#include "load/load.h"
#include "lombard/base/sys.h"

/* The request that the next answer is about, behind quiet ones; a quiet one, if there is no other;
 * NULL when nothing was asked. */
static inline struct query *
find_asked(const struct channel *c)
{
    uint32_t i = c->head;
    struct query *query;

    while (i != c->unsent && (c->ring[i & c->mask].flags & QUERY_QUIET))
        i++;
    query = &c->ring[i & c->mask];
    if (LIKELY(i != c->unsent))
        return query;
    /* Of this one the server has a part. */
    if (c->unsent_off > 0 && !(query->flags & QUERY_ANSWERED))
        return query;
    return c->head != c->unsent ? &c->ring[(c->unsent - 1) & c->mask] : NULL;
}

/* Quiet requests have no answer: those before QUERY are done when it is. */
static void
finish_quiet(struct channel *c, struct channel_shared *shared, const struct query *query)
{
    while (&c->ring[c->head & c->mask] != query) {
        load_done_quietly(shared->load, &c->ring[c->head & c->mask], c->strays > 0);
        channel_pop(c, shared);
    }
    c->strays = 0;
}

/* Whether QUERY may be answered like this before all of it has been sent. */
static bool
may_be_early(const struct query *query, enum outcome outcome)
{
    switch (outcome) {
    case OUTCOME_ERROR: return true;
    case OUTCOME_NOT_STORED:
    case OUTCOME_NOT_FOUND: return query_has_value((enum query_kind)query->kind);
    case OUTCOME_GET_END:
    case OUTCOME_STORED:
    case OUTCOME_NUMBER: return false;
    }
    BUG("outcome out of range");
}

/* QUERY is answered. False: it cannot be. */
static inline bool
finish_head(struct channel *c, struct channel_shared *shared, struct query *query)
{
    finish_quiet(c, shared, query);
    c->heard |= c->caller.reader.outcome != OUTCOME_ERROR;
    if (LIKELY(c->head != c->unsent)) {
        load_done(shared->load, &c->caller, query);
        channel_pop(c, shared);
        return true;
    }
    if (!may_be_early(query, c->caller.reader.outcome)) {
        c->caller.reader.why = "an answer before the whole request was sent";
        return false;
    }
    load_done(shared->load, &c->caller, query);
    query->flags |= QUERY_ANSWERED;
    return true;
}

/* To which request an error belongs that came when QUERY was the next to be answered, with quiet
 * requests before it. */
enum error_owner { ERROR_IS_ITS, ERROR_IS_OF_QUIET, ERROR_IS_OF_EITHER };

static enum error_owner
owner_of_error(const struct channel *c, const struct channel_shared *shared,
               const struct query *query)
{
    bool first = &c->ring[c->head & c->mask] == query;

    if (query->flags & QUERY_QUIET)
        return ERROR_IS_OF_QUIET;
    if (first || !shared->wire->quiet_errors)
        return ERROR_IS_ITS;
    return query_has_value((enum query_kind)query->kind) ? ERROR_IS_OF_EITHER
                                                         : ERROR_IS_OF_QUIET;
}

/* An answer without a value is complete. False: the stream is lost; without a reason in c->caller.reader
 * if that is no fault of the server's. */
static inline bool
take_end(struct channel *c, struct channel_shared *shared, struct query *query)
{
    enum error_owner owner = ERROR_IS_ITS;

    if (UNLIKELY(c->caller.reader.outcome == OUTCOME_ERROR))
        owner = owner_of_error(c, shared, query);
    if (UNLIKELY(owner != ERROR_IS_ITS)) {
        load_stray_error(shared->load, &c->caller);
        c->strays++;
        c->caller.reader.why = NULL;
        return owner == ERROR_IS_OF_QUIET;
    }
    if (LIKELY(!(query->flags & QUERY_QUIET)))
        return finish_head(c, shared, query);
    c->caller.reader.why = "an answer to a quiet request";
    return false;
}

/* A line by which a server refuses a connection: the same in all protocols, and unasked for. */
static bool
is_refusal(const unsigned char *p, const unsigned char *end)
{
    static const char *const starts[] = {"ERROR", "SERVER_ERROR", "CLIENT_ERROR"};
    size_t len = (size_t)(end - p);

    for (size_t i = 0; i < ARRAY_LEN(starts); i++) {
        if (len >= strlen(starts[i]) && memcmp(p, starts[i], strlen(starts[i])) == 0)
            return memchr(p, '\n', len) != NULL;
    }
    return false;
}

/* [P, END) is no answer to QUERY. A server that refuses the connection is not wrong. */
static void
give_up_stream(struct channel *c, struct channel_shared *shared, const struct query *query,
               const unsigned char *p, const unsigned char *end)
{
    if ((query == NULL || !c->heard) && is_refusal(p, end)) {
        const unsigned char *line_end = memchr(p, '\n', (size_t)(end - p));

        while (line_end > p && (line_end[-1] == '\r' || line_end[-1] == '\n'))
            line_end--;
        tally_note_error(&shared->load->tally, (const char *)p, (size_t)(line_end - p));
        return;
    }
    load_garbled(shared->load, &c->caller, query, p, end);
}

/* Hand all complete answers in [P, END) to the load; NULL when the stream is lost. */
static const unsigned char *
take_answers(struct channel *c, struct channel_shared *shared, const unsigned char *p,
             const unsigned char *end)
{
    while (p < end) {
        const unsigned char *before = p;
        struct query *query = find_asked(c);
        bool in_step = true;

        if (UNLIKELY(query == NULL)) {
            c->caller.reader.why = "an answer that nothing asked for";
            give_up_stream(c, shared, NULL, before, end);
            return NULL;
        }
        switch (shared->wire->read(&c->caller.reader, query, &p, end)) {
        case READ_MORE: return p;
        case READ_VALUE: load_value(shared->load, &c->caller, query); break;
        case READ_LAST_VALUE:
            load_value(shared->load, &c->caller, query);
            in_step = finish_head(c, shared, query);
            break;
        case READ_DONE: in_step = take_end(c, shared, query); break;
        case READ_STRAY_ERROR:
            load_stray_error(shared->load, &c->caller);
            c->strays++;
            break;
        case READ_GARBLED: in_step = false; break;
        }
        if (UNLIKELY(!in_step)) {
            if (c->caller.reader.why != NULL)
                give_up_stream(c, shared, query, before, end);
            return NULL;
        }
    }
    return p;
}

/* Keep the beginning of an answer for later. */
static bool
put_in_stash(struct channel *c, const unsigned char *p, size_t bytes)
{
    if (bytes > 0 && c->stash == NULL) {
        c->stash = malloc(WIRE_LINE_MAX);
        if (c->stash == NULL)
            return false;
    }
    if (bytes > 0)
        memcpy(c->stash, p, bytes);
    c->stash_bytes = (uint32_t)bytes;
    return true;
}

/* The reply to a login, at the front of BYTES at *START: *START moves behind it. */
static enum channel_result
take_login(struct channel *c, const struct channel_shared *shared, unsigned char **start,
           size_t bytes)
{
    size_t used = 0;

    switch (login_read(shared->login, *start, bytes, &used)) {
    case LOGIN_PARTIAL: break;
    case LOGIN_ACCEPTED:
        c->logging_in = false;
        *start += used;
        return CHANNEL_OK;
    case LOGIN_REFUSED: return CHANNEL_LOST;
    }
    return put_in_stash(c, *start, bytes) ? CHANNEL_OK : CHANNEL_LOST;
}

enum channel_result
channel_take(struct channel *c, struct channel_shared *shared, unsigned char *fresh,
             size_t bytes)
{
    unsigned char *start = fresh - c->stash_bytes;
    const unsigned char *end = fresh + bytes;
    const unsigned char *rest;

    shared->load->tally.bytes_received += bytes;
    c->moved_ns = shared->load->now_ns;
    c->last_bytes = (uint32_t)bytes;
    if (c->stash_bytes > 0)
        memcpy(start, c->stash, c->stash_bytes);
    if (UNLIKELY(c->logging_in)) {
        enum channel_result result = take_login(c, shared, &start, (size_t)(end - start));

        if (result == CHANNEL_LOST || c->logging_in)
            return result;
    }
    rest = take_answers(c, shared, start, end);
    /* A reader leaves less than a line: it would have called more than that garbled. */
    if (rest == NULL || !put_in_stash(c, rest, (size_t)(end - rest)))
        return CHANNEL_LOST;
    return CHANNEL_OK;
}

enum channel_result
channel_receive(struct channel *c, struct channel_shared *shared)
{
    unsigned char *fresh = shared->input + WIRE_LINE_MAX;
    uint64_t waited_ns = 0;
    ssize_t n = shared->stamps ? stamp_recv(c->fd, fresh, CHANNEL_INPUT_BYTES, &waited_ns)
                               : sys_recv(c->fd, fresh, CHANNEL_INPUT_BYTES);

    if (n < 0 && errno == EAGAIN)
        return CHANNEL_OK;
    if (n < 0 && errno == EINTR)
        return channel_remind(c, shared) ? CHANNEL_OK : CHANNEL_LOST;
    if (n <= 0 || (n == CHANNEL_INPUT_BYTES && !channel_remind(c, shared)))
        return CHANNEL_LOST;
    load_tick(shared->load);
    if (waited_ns > 0)
        hist_add(&shared->load->tally.unread, waited_ns);
    return channel_take(c, shared, fresh, (size_t)n);
}
