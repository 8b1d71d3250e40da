/*
 * Classic command lines of limited length: everything but the get family.
 * Source: protocol.txt, and memcached's answers to malformed lines.
 */
#include <string.h>

#include "lombard/base/attr.h"
#include "lombard/base/num.h"
#include "lombard/proto/meta.h"

#include "text_priv.h"

typedef void line_fn(const struct words *words, struct request *req);

struct command {
    struct slice name;
    unsigned args_min;
    unsigned args_max; /* any other number of arguments is an "ERROR" */
    enum request_op op;
    line_fn *parse; /* req->op is set already */
};

static line_fn parse_store, parse_cas, parse_arith, parse_touch, parse_delete, parse_flush,
    parse_version, parse_quit;

enum { ANY = WORDS_MAX };

/* Sorted by the first letter: command_first[] finds where one begins. */
static const struct command commands[] = {
    {{"add", 3}, 4, 5, OP_ADD, parse_store},
    {{"append", 6}, 4, 5, OP_APPEND, parse_store},
    {{"cas", 3}, 5, 6, OP_CAS, parse_cas},
    {{"cache_memlimit", 14}, 1, 2, OP_REFUSED, admin_cache_memlimit},
    {{"delete", 6}, 1, 3, OP_DELETE, parse_delete},
    {{"decr", 4}, 2, 3, OP_DECR, parse_arith},
    {{"flush_all", 9}, 0, 2, OP_FLUSH, parse_flush},
    {{"incr", 4}, 2, 3, OP_INCR, parse_arith},
    {{"lru_crawler", 11}, 1, ANY, OP_DUMP, admin_lru_crawler},
    {{"lru", 3}, 1, ANY, OP_REFUSED, admin_lru},
    {{"prepend", 7}, 4, 5, OP_PREPEND, parse_store},
    {{"quit", 4}, 0, ANY, OP_QUIT, parse_quit},
    {{"replace", 7}, 4, 5, OP_REPLACE, parse_store},
    {{"refresh_certs", 13}, 0, ANY, OP_REFUSED, admin_refresh_certs},
    {{"set", 3}, 4, 5, OP_SET, parse_store},
    {{"stats", 5}, 0, ANY, OP_STATS, admin_stats},
    {{"shutdown", 8}, 0, ANY, OP_SHUTDOWN, admin_shutdown},
    {{"slabs", 5}, 1, ANY, OP_REFUSED, admin_slabs},
    {{"touch", 5}, 2, 3, OP_TOUCH, parse_touch},
    {{"version", 7}, 0, ANY, OP_VERSION, parse_version},
    {{"verbosity", 9}, 1, 2, OP_VERBOSITY, admin_verbosity},
    {{"watch", 5}, 0, ANY, OP_REFUSED, admin_watch},
};

/* Position in commands[] of the first one of each letter, plus 1; 0: there is none. */
static const uint8_t command_first[26] = {
    ['a' - 'a'] = 1,  ['c' - 'a'] = 3,  ['d' - 'a'] = 5,  ['f' - 'a'] = 7,  ['i' - 'a'] = 8,
    ['l' - 'a'] = 9,  ['p' - 'a'] = 11, ['q' - 'a'] = 12, ['r' - 'a'] = 13, ['s' - 'a'] = 15,
    ['t' - 'a'] = 19, ['v' - 'a'] = 20, ['w' - 'a'] = 22,
};

void
request_init(struct request *req, enum request_op op)
{
    memset(req, 0, offsetof(struct request, meta));
    req->op = op;
}

void
request_refuse(struct request *req, struct slice refusal)
{
    request_init(req, OP_REFUSED);
    req->refusal = refusal;
}

/* What "noreply" suppresses, these errors among it: memcached does likewise. */
static void
refuse_unless_quiet(struct request *req, struct slice refusal)
{
    bool quiet = (req->flags & REQ_QUIET) != 0;

    request_refuse(req, quiet ? slice_make(NULL, 0) : refusal);
}

void
words_split(struct slice line, struct words *words)
{
    const char *p = line.ptr;
    const char *end = line.ptr + line.len;

    words->count = 0;
    while (words->count < WORDS_MAX) {
        const char *space;

        while (p < end && *p == ' ')
            p++;
        if (p == end)
            return;
        space = memchr(p, ' ', (size_t)(end - p));
        if (space == NULL)
            space = end;
        words->at[words->count++] = slice_make(p, (size_t)(space - p));
        p = space;
    }
}

bool
words_end_in_noreply(const struct words *words)
{
    return words->count > 0 && slice_equal(words->at[words->count - 1], SLICE("noreply"));
}

/* memcached reads numbers with strtoull(): a plus sign is fine. */
static bool
parse_u64(struct slice s, uint64_t *out)
{
    if (s.len > 1 && s.ptr[0] == '+')
        s = slice_make(s.ptr + 1, s.len - 1);
    return num_parse_u64(s, out);
}

/* The key, and whether there is to be a reply; false when refused. */
static bool
parse_key(const struct words *words, struct request *req)
{
    if (words_end_in_noreply(words))
        req->flags |= REQ_QUIET;
    req->key = words->at[1];
    if (req->key.len <= KEY_BYTES_MAX)
        return true;
    refuse_unless_quiet(req, REFUSE_BAD_FORMAT);
    return false;
}

/* <key> <flags> <exptime> <bytes>; false when refused. */
static bool
parse_store_head(const struct words *words, struct request *req)
{
    uint64_t client_flags;
    int64_t bytes;

    if (!parse_key(words, req))
        return false;
    if (!parse_u64(words->at[2], &client_flags) || client_flags > UINT32_MAX ||
        !num_parse_i64(words->at[3], &req->exptime) || !num_parse_i64(words->at[4], &bytes) ||
        bytes < 0 || bytes > VALUE_BYTES_MAX) {
        refuse_unless_quiet(req, REFUSE_BAD_FORMAT);
        return false;
    }
    req->client_flags = (uint32_t)client_flags;
    req->value_bytes = (uint64_t)bytes;
    req->body_bytes = req->value_bytes + REQUEST_TAIL_BYTES;
    return true;
}

/* set <key> <flags> <exptime> <bytes> [noreply] */
static void
parse_store(const struct words *words, struct request *req)
{
    if (parse_store_head(words, req) && req->op == OP_SET)
        req->flags |= REQ_OVERWRITE;
}

/* cas <key> <flags> <exptime> <bytes> <cas> [noreply] */
static void
parse_cas(const struct words *words, struct request *req)
{
    if (parse_store_head(words, req) && !parse_u64(words->at[5], &req->cas))
        refuse_unless_quiet(req, REFUSE_BAD_FORMAT);
}

/* incr <key> <delta> [noreply] */
static void
parse_arith(const struct words *words, struct request *req)
{
    if (parse_key(words, req) && !parse_u64(words->at[2], &req->delta))
        refuse_unless_quiet(req, SLICE("CLIENT_ERROR invalid numeric delta argument\r\n"));
}

/* touch <key> <exptime> [noreply] */
static void
parse_touch(const struct words *words, struct request *req)
{
    if (parse_key(words, req) && !num_parse_i64(words->at[2], &req->exptime))
        refuse_unless_quiet(req, REFUSE_EXPTIME);
}

/* delete <key> [0] [noreply]: the 0 is a hold time that once was */
static void
parse_delete(const struct words *words, struct request *req)
{
    bool zero = words->count > 2 && slice_equal(words->at[2], SLICE("0"));
    bool quiet = words->count > 2 && words_end_in_noreply(words);
    bool valid = words->count == 2 || (words->count == 3 && (zero || quiet)) ||
                 (words->count == 4 && zero && quiet);

    req->key = words->at[1];
    req->flags = quiet ? REQ_QUIET : 0;
    if (!valid)
        refuse_unless_quiet(req, SLICE("CLIENT_ERROR bad command line format.  "
                                       "Usage: delete <key> [noreply]\r\n"));
    else if (req->key.len > KEY_BYTES_MAX)
        refuse_unless_quiet(req, REFUSE_BAD_FORMAT);
}

/* flush_all [delay] [noreply] */
static void
parse_flush(const struct words *words, struct request *req)
{
    bool quiet = words_end_in_noreply(words);

    req->flags = quiet ? REQ_QUIET : 0;
    if (words->count == (quiet ? 2U : 1U))
        return;
    if (!num_parse_i64(words->at[1], &req->exptime))
        refuse_unless_quiet(req, REFUSE_EXPTIME);
}

/* Whatever follows, it is ignored. */
static void
parse_version(const struct words *words, struct request *req)
{
    (void)words;
    (void)req;
}

static void
parse_quit(const struct words *words, struct request *req)
{
    (void)words;
    req->flags |= REQ_CLOSE | REQ_QUIET;
}

static const struct command *
command_find(struct slice name)
{
    unsigned letter = (unsigned)(unsigned char)name.ptr[0] - 'a';
    size_t i;

    if (letter >= 26 || command_first[letter] == 0)
        return NULL;
    for (i = command_first[letter] - 1U; i < ARRAY_LEN(commands); i++) {
        if (commands[i].name.ptr[0] != name.ptr[0])
            break;
        if (slice_equal(commands[i].name, name))
            return &commands[i];
    }
    return NULL;
}

/* Whether a browser, or a request forged in one, has found this port. */
static bool
looks_like_http(struct slice line)
{
    size_t last;

    while (line.len > 0 && line.ptr[line.len - 1] == ' ')
        line.len--;
    for (last = line.len; last > 0 && line.ptr[last - 1] != ' '; last--)
        ;
    return line.len - last >= 5 && memcmp(line.ptr + last, "HTTP/", 5) == 0;
}

void
text_line_parse(struct slice line, struct request *req)
{
    const struct command *command = NULL;
    struct words words;

    if (line.len >= 2 && line.ptr[0] == 'm' && (line.len == 2 || line.ptr[2] == ' ')) {
        meta_parse(slice_make(line.ptr, 2), line, req);
        return;
    }
    words_split(line, &words);
    if (words.count > 0)
        command = command_find(words.at[0]);
    if (command == NULL) {
        bool http = looks_like_http(line);

        request_refuse(req, http ? slice_make(NULL, 0) : REFUSE_ERROR);
        req->flags = http ? REQ_CLOSE : 0;
        return;
    }
    if (words.count - 1 < command->args_min || words.count - 1 > command->args_max) {
        request_refuse(req, REFUSE_ERROR);
        return;
    }
    request_init(req, command->op);
    command->parse(&words, req);
}
