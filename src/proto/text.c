#include "lombard/proto/text.h"

#include <string.h>

#include "lombard/base/num.h"

#include "text_priv.h"

/* text_state.get_word: which command the keys belong to. */
enum { GET_NONE, GET_PLAIN, GET_WITH_CAS, GAT_PLAIN, GAT_WITH_CAS };

/* A number of this length is none, whatever its value. */
enum { NUMBER_CHARS_MAX = KEY_BYTES_MAX };

static const struct get_word {
    struct slice text; /* with its space: from there on, no newline is needed */
    uint8_t word;
} get_words[] = {
    {{"gets ", 5}, GET_WITH_CAS},
    {{"gat ", 4}, GAT_PLAIN},
    {{"gats ", 5}, GAT_WITH_CAS},
    {{"bget ", 5}, GET_PLAIN},
};

/* Bytes of W that are 0, as 0x80; bytes above such a one may be marked wrongly. */
static inline uint64_t
zero_bytes(uint64_t w)
{
    return (w - UINT64_C(0x0101010101010101)) & ~w & UINT64_C(0x8080808080808080);
}

/* The first space or newline in [p, end), or end. */
static inline const char *
word_end(const char *p, const char *end)
{
    uint64_t w;

    while (end - p >= 8) {
        memcpy(&w, p, 8);
        if (zero_bytes(w ^ UINT64_C(0x2020202020202020)) |
            zero_bytes(w ^ UINT64_C(0x0a0a0a0a0a0a0a0a)))
            break;
        p += 8;
    }
    while (p < end && *p != ' ' && *p != '\n')
        p++;
    return p;
}

static inline const char *
skip_blanks(const char *p, const char *end)
{
    while (p < end && *p == ' ')
        p++;
    return p;
}

/* Between two lines nothing is remembered. */
static inline void
text_state_reset(struct text_state *state)
{
    memset(state, 0, sizeof(*state));
}

/* Answer REFUSAL, and pass over what is left of a line that ended at P or did not yet. */
static enum parse_result
get_refuse(struct text_state *state, bool line_ended, struct slice refusal, struct request *req)
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
    const char *p = skip_blanks(*pos, end);
    const char *stop = word_end(p, end);
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

static enum parse_result
get_take_exptime(struct text_state *state, struct slice word, bool last, struct request *req)
{
    if (word.len == 0)
        return get_refuse(state, last, REFUSE_ERROR, req);
    if (word.len > NUMBER_CHARS_MAX || !num_parse_i64(word, &state->exptime))
        return get_refuse(state, last, REFUSE_EXPTIME, req);
    state->has_exptime = true;
    if (!last)
        return PARSE_PARTIAL;
    /* As memcached answers "gat 10" without a key. */
    text_state_reset(state);
    request_init(req, OP_END);
    req->flags = REQ_LAST;
    return PARSE_COMPLETE;
}

static enum parse_result
get_take_key(struct text_state *state, struct slice word, bool last, struct request *req)
{
    bool with_exptime = state->get_word >= GAT_PLAIN;

    if (UNLIKELY(word.len > KEY_BYTES_MAX))
        return get_refuse(state, last, REFUSE_BAD_FORMAT, req);
    if (UNLIKELY(word.len == 0 && !state->any_key && !with_exptime))
        return get_refuse(state, last, REFUSE_ERROR, req);
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

/* Whether a get line begins at *POS: then *POS is behind its command word. */
static inline bool
get_begins(struct text_state *state, const char **pos, const char *end)
{
    size_t len = (size_t)(end - *pos);

    if (LIKELY(len >= 4 && memcmp(*pos, "get ", 4) == 0)) {
        *pos += 4;
        state->scanned_off = 0;
        state->get_word = GET_PLAIN;
        return true;
    }
    if (**pos != 'g' && **pos != 'b')
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

/* A command of one line of limited length. */
static enum parse_result
line_next(struct text_state *state, const char **pos, const char *end, struct request *req)
{
    size_t len = (size_t)(end - *pos);
    size_t seen = state->scanned_off;
    size_t window = len < LINE_BYTES_MAX ? len : LINE_BYTES_MAX;
    const char *newline = NULL;

    if (seen < window)
        newline = memchr(*pos + seen, '\n', window - seen);
    if (newline == NULL && window < LINE_BYTES_MAX) {
        state->scanned_off = (uint32_t)window;
        return PARSE_PARTIAL;
    }
    state->scanned_off = 0;
    if (newline == NULL) {
        request_refuse(req, SLICE("CLIENT_ERROR line too long\r\n"));
        req->flags |= REQ_CLOSE;
        *pos += window;
        return PARSE_COMPLETE;
    }
    len = (size_t)(newline - *pos);
    if (len > 1 && newline[-1] == '\r')
        len--;
    text_line_parse(slice_make(*pos, len), req);
    *pos = newline + 1;
    return PARSE_COMPLETE;
}

/* Drop the rest of a refused line; true when its end was there. */
static bool
skip_line(struct text_state *state, const char **pos, const char *end)
{
    const char *newline = NULL;

    if (*pos < end)
        newline = memchr(*pos, '\n', (size_t)(end - *pos));
    *pos = newline == NULL ? end : newline + 1;
    state->skip_line = newline == NULL;
    return newline != NULL;
}

enum parse_result
text_parse(struct text_state *state, struct slice in, struct request *req, size_t *used)
{
    const char *pos = in.ptr;
    const char *end;
    enum parse_result result = PARSE_PARTIAL;

    *used = 0;
    if (in.len == 0)
        return PARSE_PARTIAL;
    end = in.ptr + in.len;
    if (UNLIKELY(state->skip_line) && !skip_line(state, &pos, end)) {
        *used = in.len;
        return PARSE_PARTIAL;
    }
    if (state->get_word == GET_NONE) {
        if (state->scanned_off == 0)
            pos = skip_blanks(pos, end);
        if (pos < end && !get_begins(state, &pos, end)) {
            result = line_next(state, &pos, end, req);
            *used = (size_t)(pos - in.ptr);
            return result;
        }
    }
    if (state->get_word != GET_NONE)
        result = get_next(state, &pos, end, req);
    *used = (size_t)(pos - in.ptr);
    return result;
}

bool
text_value_ends(const char tail[REQUEST_TAIL_BYTES])
{
    return tail[0] == '\r' && tail[1] == '\n';
}
