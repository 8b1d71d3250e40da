/* Reads the lines of the published traces of Twitter's and Meta's caches. */
#include "data/trace_csv.h"

#include <string.h>

#include "lombard/base/hash.h"
#include "lombard/base/num.h"
#include "lombard/base/slice.h"

enum { FIELDS_MAX = 32, TWITTER_FIELDS = 7 };

static const char *const column_names[TRACE_COLUMN_COUNT] = {
    [TRACE_COLUMN_KEY] = "key",           [TRACE_COLUMN_OP] = "op",
    [TRACE_COLUMN_SIZE] = "size",         [TRACE_COLUMN_COUNT_OF] = "op_count",
    [TRACE_COLUMN_KEY_SIZE] = "key_size", [TRACE_COLUMN_TTL] = "ttl",
    [TRACE_COLUMN_TIME] = "op_time",
};

/* Where columns are when no heading says so: from 1; 0: not there. */
static const uint8_t default_columns[TRACE_COLUMN_COUNT] = {
    [TRACE_COLUMN_KEY] = 1,      [TRACE_COLUMN_OP] = 2,       [TRACE_COLUMN_SIZE] = 3,
    [TRACE_COLUMN_COUNT_OF] = 4, [TRACE_COLUMN_KEY_SIZE] = 5, [TRACE_COLUMN_TTL] = 6,
};

struct op_name {
    const char *name;
    enum query_kind kind;
};

/* gets is a get; what was leased is read or stored all the same. */
static const struct op_name op_names[] = {
    {"get", QUERY_GET},       {"gets", QUERY_GET},        {"set", QUERY_SET},
    {"add", QUERY_ADD},       {"replace", QUERY_REPLACE}, {"cas", QUERY_CAS},
    {"append", QUERY_APPEND}, {"prepend", QUERY_PREPEND}, {"delete", QUERY_DELETE},
    {"incr", QUERY_INCR},     {"decr", QUERY_DECR},       {"GET", QUERY_GET},
    {"GET_LEASE", QUERY_GET}, {"SET", QUERY_SET},         {"SET_LEASE", QUERY_SET},
    {"DELETE", QUERY_DELETE},
};

static enum trace_result
malformed(struct trace *t, const char *column, const char *why)
{
    t->column = column;
    t->why = why;
    return TRACE_MALFORMED;
}

static bool
find_op(struct slice word, enum query_kind *out)
{
    for (size_t i = 0; i < sizeof(op_names) / sizeof(op_names[0]); i++) {
        if (strlen(op_names[i].name) == word.len &&
            memcmp(op_names[i].name, word.ptr, word.len) == 0) {
            *out = op_names[i].kind;
            return true;
        }
    }
    return false;
}

/* Seconds, perhaps with a fraction. */
static bool
take_seconds(struct slice word, uint64_t *ns)
{
    const char *dot = memchr(word.ptr, '.', word.len);
    size_t whole = dot != NULL ? (size_t)(dot - word.ptr) : word.len;
    uint64_t unit = 1000000000;
    uint64_t s;

    if (!num_parse_u64(slice_make(word.ptr, whole), &s) || s > UINT64_MAX / 1000000000 / 2)
        return false;
    *ns = s * unit;
    for (size_t i = whole + 1; i < word.len; i++) {
        if (word.ptr[i] < '0' || word.ptr[i] > '9')
            return false;
        unit /= 10;
        *ns += unit * (uint64_t)(word.ptr[i] - '0');
    }
    return true;
}

/* The next line without its end: TRACE_ACCESS. */
static enum trace_result
take_line(struct trace *t, char *line, size_t bytes, size_t *len)
{
    do {
        if (fgets(line, (int)bytes, t->file) == NULL)
            return ferror(t->file) ? TRACE_UNREADABLE : TRACE_END;
        t->line++;
        *len = strlen(line);
        if (*len == bytes - 1 && line[*len - 1] != '\n')
            return malformed(t, NULL, "it is too long");
        while (*len > 0 && (line[*len - 1] == '\n' || line[*len - 1] == '\r'))
            (*len)--;
    } while (*len == 0);
    return TRACE_ACCESS;
}

static uint32_t
split(const char *line, size_t len, struct slice *fields)
{
    uint32_t count = 0;
    const char *end = line + len;

    while (count < FIELDS_MAX) {
        const char *comma = memchr(line, ',', (size_t)(end - line));

        fields[count++] = slice_make(line, (size_t)((comma != NULL ? comma : end) - line));
        if (comma == NULL)
            break;
        line = comma + 1;
    }
    return count;
}

static enum trace_result
finish(struct trace *t, struct access *a, struct slice key, uint32_t key_bytes)
{
    static const struct hash_key hash_key = {1, 2};

    if (key.len == 0)
        return malformed(t, "key", "it is empty");
    a->key_bytes = (uint8_t)(key_bytes < UINT8_MAX ? key_bytes : UINT8_MAX);
    return key_ids_number(&t->ids, hash_bytes(&hash_key, key.ptr, key.len), &a->key)
               ? TRACE_ACCESS
               : TRACE_NO_MEMORY;
}

static enum trace_result
next_twitter(struct trace *t, struct access *a, const char *line, size_t len)
{
    struct slice f[FIELDS_MAX];
    uint32_t count = split(line, len, f);
    const struct slice *last; /* key size and what follows */
    struct slice key;
    uint32_t key_bytes;

    if (count < TWITTER_FIELDS || count == FIELDS_MAX)
        return malformed(t, NULL, "it has not the 7 columns of Twitter's traces");
    last = &f[count - 5];
    key = slice_make(f[1].ptr, (size_t)(last[-1].ptr + last[-1].len - f[1].ptr));
    if (!take_seconds(f[0], &a->at_ns))
        return malformed(t, "timestamp", "it is no number of seconds");
    if (!num_parse_u32(last[0], &key_bytes))
        return malformed(t, "key size", "it is no number below 2^32");
    if (!num_parse_u32(last[1], &a->value_bytes))
        return malformed(t, "value size", "it is no number below 2^32");
    if (!find_op(last[3], &a->kind))
        return malformed(t, "operation",
                         "it is none of get, gets, set, add, replace, cas, append, prepend, "
                         "delete, incr and decr");
    if (!num_parse_u32(last[4], &a->ttl_s))
        return malformed(t, "TTL", "it is no number below 2^32");
    return finish(t, a, key, key_bytes);
}

/* Whether the line is a heading; then it says where columns are. */
static bool
take_heading(struct trace *t, const struct slice *f, uint32_t count)
{
    uint8_t found[TRACE_COLUMN_COUNT] = {0};

    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t c = 0; c < TRACE_COLUMN_COUNT; c++) {
            if (strlen(column_names[c]) == f[i].len &&
                memcmp(column_names[c], f[i].ptr, f[i].len) == 0)
                found[c] = (uint8_t)(i + 1);
        }
    }
    if (found[TRACE_COLUMN_KEY] == 0 || found[TRACE_COLUMN_OP] == 0) {
        memcpy(t->columns, default_columns, sizeof(t->columns));
        return false;
    }
    memcpy(t->columns, found, sizeof(t->columns));
    return true;
}

/* The number in a column; what OUT holds where that is not there, or empty. */
static bool
take_column(const struct trace *t, const struct slice *f, uint32_t count,
            enum trace_column column, uint32_t *out)
{
    uint32_t at = t->columns[column];

    return at == 0 || at > count || f[at - 1].len == 0 || num_parse_u32(f[at - 1], out);
}

static enum trace_result
next_meta(struct trace *t, struct access *a, const struct slice *f, uint32_t count)
{
    const uint8_t *at = t->columns;
    uint32_t key_bytes = 0;

    if (count < at[TRACE_COLUMN_KEY] || count < at[TRACE_COLUMN_OP] ||
        at[TRACE_COLUMN_SIZE] == 0 || count < at[TRACE_COLUMN_SIZE])
        return malformed(t, NULL, "it has not the columns key, op and size");
    if (at[TRACE_COLUMN_TIME] > 0 && (count < at[TRACE_COLUMN_TIME] ||
                                      !take_seconds(f[at[TRACE_COLUMN_TIME] - 1], &a->at_ns)))
        return malformed(t, "op_time", "it is no number of seconds");
    if (!find_op(f[at[TRACE_COLUMN_OP] - 1], &a->kind))
        return malformed(t, "op", "it is none of GET, GET_LEASE, SET, SET_LEASE and DELETE");
    for (int c = TRACE_COLUMN_SIZE; c <= TRACE_COLUMN_TTL; c++) {
        uint32_t *const into[] = {[TRACE_COLUMN_SIZE] = &a->value_bytes,
                                  [TRACE_COLUMN_COUNT_OF] = &t->repeats,
                                  [TRACE_COLUMN_KEY_SIZE] = &key_bytes,
                                  [TRACE_COLUMN_TTL] = &a->ttl_s};

        if (!take_column(t, f, count, (enum trace_column)c, into[c]))
            return malformed(t, column_names[c], "it is no number below 2^32");
    }
    if (t->repeats == 0)
        return malformed(t, "op_count", "it is 0");
    if (key_bytes == 0)
        key_bytes = (uint32_t)f[at[TRACE_COLUMN_KEY] - 1].len;
    return finish(t, a, f[at[TRACE_COLUMN_KEY] - 1], key_bytes);
}

enum trace_result
trace_csv_next(struct trace *t, struct access *out)
{
    struct access a = {.kind = QUERY_GET};
    struct slice f[FIELDS_MAX];
    char line[2048];
    size_t len;
    enum trace_result result = take_line(t, line, sizeof(line), &len);

    t->repeats = 1;
    if (result == TRACE_ACCESS && t->format == TRACE_TWITTER) {
        result = next_twitter(t, &a, line, len);
    } else if (result == TRACE_ACCESS) {
        uint32_t count = split(line, len, f);

        if (t->line == 1 && take_heading(t, f, count))
            return trace_csv_next(t, out);
        result = next_meta(t, &a, f, count);
    }
    if (result == TRACE_ACCESS)
        *out = a;
    t->repeats--;
    return result;
}
