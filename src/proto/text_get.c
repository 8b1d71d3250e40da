/*
 * Takes the get family apart: get, gets, gat, gats, one key at a time, as the line comes. However
 * long a multiget is, no more than a word of it has to be there.
 */
#include <string.h>

#include "request_priv.h"
#include "text_priv.h"
#include "token_priv.h"

/*
 * text_state.get_word: which command the keys belong to; 0: no such line is being taken apart. Another version
 * may be told of it: they keep their meaning for ever.
 */
enum {
    GET_PLAIN = 1,
    GET_WITH_CAS = 2,
    GAT_PLAIN = TEXT_GAT_WORD,
    GAT_WITH_CAS = TEXT_GET_WORDS
};

static const struct get_word {
    struct slice text; /* with its space: from there on, no newline is needed */
    uint8_t word;
} get_words[] = {
    {{"gets ", 5}, GET_WITH_CAS},
    {{"gat ", 4}, GAT_PLAIN},
    {{"gats ", 5}, GAT_WITH_CAS},
};

enum parse_result
text_get_refuse(struct text_state *state, bool line_ended, struct slice refusal,
                struct request *req)
{
    text_state_reset(state);
    state->skip_line = !line_ended;
    request_refuse(req, refusal);
    return PARSE_COMPLETE;
}

/*
 * The next word of a get line, from *POS on: *WORD without the line's end, *LAST
 * when it is followed by that. False when more bytes are needed. A word longer
 * than a key is cut after its first KEY_BYTES_MAX + 1 bytes at least.
 */
static inline bool
get_word_next(const char **pos, const char *end, struct slice *word, bool *last)
{
    const char *p = text_skip_blanks(*pos, end);
    const char *stop = words_end_of(p, end);
    size_t len = (size_t)(stop - p);

    *pos = p;
    if (stop == end) {
        /* One more than the longest key may still be its '\r'. */
        if (len <= KEY_BYTES_MAX + 1)
            return false;
        *last = false;
    } else {
        *last = *stop == '\n';
        *pos = *last ? stop + 1 : stop;
        if (*last && len > 0 && p[len - 1] == '\r')
            len--;
    }
    *word = slice_make(p, len);
    return true;
}

/*
 * What is wrong with it is said only where a key follows; but of a word that is too long,
 * the end may not have come yet.
 */
static enum parse_result
get_take_exptime(struct text_state *state, struct slice word, bool last, struct request *req)
{
    if (word.len > KEY_BYTES_MAX)
        return text_get_refuse(state, last, REFUSE_EXPTIME, req);
    if (last) /* no key */
        return text_get_refuse(state, true, REFUSE_BAD_FORMAT, req);
    state->has_exptime = true;
    state->bad_exptime = !token_i32(word, &state->exptime);
    return PARSE_PARTIAL;
}

static enum parse_result
get_take_key(struct text_state *state, struct slice word, bool last, struct request *req)
{
    bool with_exptime = state->get_word >= GAT_PLAIN;

    if (UNLIKELY(word.len == 0 && !state->any_key))
        return text_get_refuse(state, last, REFUSE_BAD_FORMAT, req);
    if (UNLIKELY(state->bad_exptime))
        return text_get_refuse(state, last, REFUSE_EXPTIME, req);
    if (UNLIKELY(word.len > KEY_BYTES_MAX))
        return text_get_refuse(state, last, REFUSE_BAD_FORMAT, req);
    request_init(req, with_exptime ? OP_GAT : OP_GET);
    if (UNLIKELY(word.len == 0)) /* blanks before the line's end */
        req->op = OP_END;
    req->key = word;
    req->exptime = state->exptime;
    if (state->get_word == GET_WITH_CAS || state->get_word == GAT_WITH_CAS)
        req->flags |= REQ_WITH_CAS;
    /* Only what changes is written: the state is copied whole before each key, and a copy of
     * bytes that were just written apart has to wait for them. */
    if (!state->any_key)
        state->any_key = true;
    if (last) {
        req->flags |= REQ_LAST;
        text_state_reset(state);
    }
    return PARSE_COMPLETE;
}

/* One more key of the line that state->get_word began. */
static enum parse_result
get_next(struct text_state *state, const char **pos, const char *end, struct request *req)
{
    struct slice word;
    bool last;

    while (get_word_next(pos, end, &word, &last)) {
        enum parse_result result;

        if (LIKELY(state->get_word < GAT_PLAIN || state->has_exptime))
            return get_take_key(state, word, last, req);
        result = get_take_exptime(state, word, last, req);
        if (result == PARSE_COMPLETE)
            return result;
    }
    return PARSE_PARTIAL;
}

static inline bool
get_quick(struct text_state *state, const char **pos, const char *end, struct request *req)
{
    bool begins = state->get_word == 0;
    const char *p = *pos, *stop;
    size_t len;
    bool last;

    if (begins) {
        if (end - p < 4 || memcmp(p, "get ", 4) != 0)
            return false;
        p += 4;
    } else if (state->get_word != GET_PLAIN) {
        return false;
    }
    stop = words_end_of(p, end);
    len = (size_t)(stop - p);
    if (stop == end || len == 0)
        return false;
    last = *stop == '\n';
    if (last && stop[-1] == '\r')
        len--;
    if (len - 1 >= KEY_BYTES_MAX) /* or none */
        return false;
    request_init(req, OP_GET);
    req->key = slice_make(p, len);
    *pos = stop + 1;
    if (last) {
        req->flags = REQ_LAST;
        if (!begins || state->scanned_off != 0)
            text_state_reset(state);
    } else if (begins || !state->any_key) { /* as in get_take_key() */
        state->scanned_off = 0;
        state->get_word = GET_PLAIN;
        state->any_key = true;
    }
    return true;
}

bool
text_get_quick(struct text_state *state, const char **pos, const char *end, struct request *req)
{
    return get_quick(state, pos, end, req);
}

uint32_t
text_get_more(struct proto_state *proto_state, struct slice in, struct batch_entry *last,
              uint32_t count)
{
    const char *pos = in.ptr + last->start_off + last->head_bytes;
    const char *end = in.ptr + in.len;
    uint32_t taken;

    for (taken = 0; taken < count; taken++) {
        struct batch_entry *entry = last + 1 + taken;
        const char *begin = pos;

        entry->before = *proto_state;
        if (!get_quick(&proto_state->text, &pos, end, &entry->req))
            break;
        entry->start_off = (uint32_t)(begin - in.ptr);
        entry->head_bytes = (uint32_t)(pos - begin);
        entry->care = 0;
    }
    return taken;
}

bool
text_get_begins(struct text_state *state, const char **pos, const char *end)
{
    size_t len = (size_t)(end - *pos);

    if (LIKELY(len >= 4 && memcmp(*pos, "get ", 4) == 0)) {
        *pos += 4;
        state->scanned_off = 0;
        state->get_word = GET_PLAIN;
        return true;
    }
    if (**pos != 'g')
        return false;
    for (size_t i = 0; i < ARRAY_LEN(get_words); i++) {
        const struct get_word *w = &get_words[i];

        if (len >= w->text.len && memcmp(*pos, w->text.ptr, w->text.len) == 0) {
            *pos += w->text.len;
            state->scanned_off = 0;
            state->get_word = w->word;
            return true;
        }
    }
    return false;
}

enum parse_result
text_refuse_too_long(struct text_state *state, struct request *req)
{
    text_state_reset(state);
    request_refuse(req, REFUSE_TOO_LONG);
    req->flags |= REQ_CLOSE;
    return PARSE_COMPLETE;
}

/* A gat line is taken apart as it comes, and yet may not be longer than others. */
static enum parse_result
limit_gat(struct text_state *state, size_t taken, const char **pos, const char *end,
          struct request *req)
{
    uint64_t bytes = (uint64_t)state->gat_bytes + taken + (size_t)(end - *pos);

    if (bytes > LINE_BYTES_MAX) {
        *pos = end;
        return text_refuse_too_long(state, req);
    }
    return PARSE_PARTIAL;
}

enum parse_result
text_get_parse(struct text_state *state, const char *begin, const char **pos, const char *end,
               struct request *req)
{
    enum parse_result result = get_next(state, pos, end, req);

    if (UNLIKELY(state->get_word >= GAT_PLAIN)) {
        size_t taken = (size_t)(*pos - begin);

        if (result == PARSE_PARTIAL)
            result = limit_gat(state, taken, pos, end, req);
        state->gat_bytes += state->get_word == 0 ? 0 : (uint32_t)taken;
    }
    return result;
}
