/* Reads the records of a trace, and numbers its keys. */
#include "data/trace.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "data/rng.h"
#include "data/trace_csv.h"
#include "lombard/base/hash.h"
#include "lombard/base/num.h"

enum { BUFFER_BYTES = 1 << 20, ORACLE_BYTES = 24 };

bool
trace_open(struct trace *t, const char *path, enum trace_format format)
{
    memset(t, 0, sizeof(*t));
    t->format = format;
    t->file = strcmp(path, "-") == 0 ? stdin : fopen(path, "rb");
    if (t->file == NULL)
        return false;
    (void)setvbuf(t->file, NULL, _IOFBF, BUFFER_BYTES);
    return true;
}

void
trace_close(struct trace *t)
{
    if (t->file != NULL && t->file != stdin)
        (void)fclose(t->file);
    t->file = NULL;
    key_ids_fini(&t->ids);
}

/* The next word of a line; empty at its end. */
static struct slice
next_word(const char **p)
{
    const char *start;

    while (**p == ' ' || **p == '\t' || **p == ',')
        (*p)++;
    start = *p;
    while (**p != '\0' && !isspace((unsigned char)**p) && **p != ',')
        (*p)++;
    return slice_make(start, (size_t)(*p - start));
}

/* A number if there is a word, else what OUT holds. False when it is none. */
static bool
take_optional(const char **p, uint32_t *out)
{
    struct slice word = next_word(p);

    return word.len == 0 || num_parse_u32(word, out);
}

static bool
take_op(const char **p, enum query_kind *out)
{
    struct slice word = next_word(p);

    if (word.len == 0 || slice_equal(word, SLICE("get")))
        *out = QUERY_GET;
    else if (slice_equal(word, SLICE("set")))
        *out = QUERY_SET;
    else if (slice_equal(word, SLICE("delete")))
        *out = QUERY_DELETE;
    else
        return false;
    return true;
}

/* Seconds, perhaps with a fraction; 0 where there are none. */
static bool
take_time(const char **p, uint64_t *ns)
{
    struct slice word = next_word(p);
    double s = 0;
    char *end;

    if (word.len > 0) {
        s = strtod(word.ptr, &end);
        if (end != (const char *)word.ptr + word.len || !(s >= 0 && s < 0x1p33))
            return false;
    }
    *ns = (uint64_t)(s * 1e9);
    return true;
}

static enum trace_result
malformed(struct trace *t, const char *why)
{
    t->why = why;
    return TRACE_MALFORMED;
}

/* Nothing more came: the end, or an error. */
static enum trace_result
ended(const struct trace *t)
{
    return ferror(t->file) ? TRACE_UNREADABLE : TRACE_END;
}

static enum trace_result
next_text(struct trace *t, struct access *out)
{
    static const struct hash_key hash_key = {1, 2};
    struct access a = {.value_bytes = SIZE_OF_KEY};
    char line[1024];
    const char *p;
    struct slice key;

    do {
        if (fgets(line, sizeof(line), t->file) == NULL)
            return ended(t);
        t->line++;
        if (strlen(line) == sizeof(line) - 1 && line[sizeof(line) - 2] != '\n')
            return malformed(t, "it is too long");
        p = line;
        key = next_word(&p);
    } while (key.len == 0 || key.ptr[0] == '#');
    if (!take_optional(&p, &a.value_bytes))
        return malformed(t, "its size is no number below 2^32");
    if (!take_optional(&p, &a.ttl_s))
        return malformed(t, "its TTL is no number below 2^32");
    if (!take_op(&p, &a.kind))
        return malformed(t, "its operation is none of get, set and delete");
    if (!take_time(&p, &a.at_ns))
        return malformed(t, "its time is no number of seconds");
    a.key_bytes = (uint8_t)(key.len < UINT8_MAX ? key.len : UINT8_MAX);
    if (!key_ids_number(&t->ids, hash_bytes(&hash_key, key.ptr, key.len), &a.key))
        return TRACE_NO_MEMORY;
    *out = a;
    return TRACE_ACCESS;
}

static uint64_t
little_endian(const unsigned char *p, int bytes)
{
    uint64_t v = 0;

    for (int i = bytes - 1; i >= 0; i--)
        v = v << 8 | p[i];
    return v;
}

static enum trace_result
take_record(struct trace *t, unsigned char *record, size_t bytes)
{
    size_t n = fread(record, 1, bytes, t->file);

    if (n == 0 || ferror(t->file))
        return ended(t);
    t->line++;
    return n == bytes ? TRACE_ACCESS : malformed(t, "it is cut short");
}

static enum trace_result
next_oracle(struct trace *t, struct access *out)
{
    unsigned char record[ORACLE_BYTES];
    struct access a = {.kind = QUERY_GET};
    enum trace_result result = take_record(t, record, sizeof(record));

    if (result != TRACE_ACCESS)
        return result;
    a.value_bytes = (uint32_t)little_endian(record + 12, 4);
    a.at_ns = little_endian(record, 4) * 1000000000;
    if (!key_ids_number(&t->ids, rng_mix(little_endian(record + 4, 8)), &a.key))
        return TRACE_NO_MEMORY;
    *out = a;
    return TRACE_ACCESS;
}

static enum trace_result
next_cache2k(struct trace *t, int bytes, struct access *out)
{
    unsigned char record[8];
    struct access a = {.kind = QUERY_GET, .value_bytes = SIZE_OF_KEY};
    enum trace_result result = take_record(t, record, (size_t)bytes);

    if (result != TRACE_ACCESS)
        return result;
    if (!key_ids_number(&t->ids, rng_mix(little_endian(record, bytes)), &a.key))
        return TRACE_NO_MEMORY;
    *out = a;
    return TRACE_ACCESS;
}

static enum trace_result
next_record(struct trace *t, struct access *out)
{
    switch (t->format) {
    case TRACE_TEXT: return next_text(t, out);
    case TRACE_ORACLE: return next_oracle(t, out);
    case TRACE_CACHE2K: return next_cache2k(t, 4, out);
    case TRACE_CACHE2K_LONG: return next_cache2k(t, 8, out);
    case TRACE_TWITTER:
    case TRACE_META: return trace_csv_next(t, out);
    }
    BUG("trace_format out of range");
}

enum trace_result
trace_next(struct trace *t, struct access *out)
{
    enum trace_result result = TRACE_ACCESS;

    if (t->repeats > 0)
        t->repeats--;
    else
        result = next_record(t, &t->access);
    if (result == TRACE_ACCESS)
        *out = t->access;
    return result;
}

bool
trace_has_whole_seconds(enum trace_format format)
{
    return format == TRACE_ORACLE || format == TRACE_TWITTER || format == TRACE_META;
}

void
trace_describe(const struct trace *t, enum trace_result result, char *dst)
{
    bool lines =
        t->format == TRACE_TEXT || t->format == TRACE_TWITTER || t->format == TRACE_META;

    if (result == TRACE_MALFORMED)
        (void)snprintf(dst, TRACE_WORDS_BYTES, "%s %" PRIu64 "%s%s: %s",
                       lines ? "line" : "record", t->line, t->column != NULL ? ", column " : "",
                       t->column != NULL ? t->column : "", t->why);
    else if (result == TRACE_UNREADABLE)
        (void)snprintf(dst, TRACE_WORDS_BYTES, "cannot be read: %s", strerror(errno));
    else
        (void)snprintf(dst, TRACE_WORDS_BYTES, "out of memory for its keys");
}
