#include "parse.h"

#include <check.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "lombard/proto/proto.h"

/* ck_assert() writes a note even when all is well; here it would write millions. */
#define MUST(cond)                                                                             \
    do {                                                                                       \
        if (!(cond))                                                                           \
            ck_abort_msg("%s:%d: %s", __FILE__, __LINE__, #cond);                              \
    } while (0)

struct session parse_session = {.role = ROLE_CLIENT, .authenticated = true};

enum parse_result
parse_first(struct slice in, struct request *req, size_t *used)
{
    const struct proto_ops *proto = proto_detect(parse_session.role, (unsigned char)in.ptr[0]);
    struct proto_state state;

    memset(&state, 0, sizeof(state));
    return proto->parse(&state, &parse_session, in, req, used);
}

/* --- Text of a request --- */

struct text {
    char *at;
    size_t left;
};

static void __attribute__((format(printf, 2, 3))) add(struct text *t, const char *format, ...)
{
    va_list args;
    int n;

    va_start(args, format);
    n = vsnprintf(t->at, t->left, format, args);
    va_end(args);
    MUST(n >= 0 && (size_t)n < t->left);
    t->at += n;
    t->left -= (size_t)n;
}

static void
add_bytes(struct text *t, struct slice s)
{
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];

        if (c == '\r')
            add(t, "\\r");
        else if (c == '\n')
            add(t, "\\n");
        else if (c >= 0x20 && c < 0x7f)
            add(t, "%c", c);
        else
            add(t, "\\x%02x", c);
    }
}

static const char *
op_name(enum request_op op)
{
    static const char *const names[] = {
        [OP_GET] = "get",
        [OP_GAT] = "gat",
        [OP_SET] = "set",
        [OP_ADD] = "add",
        [OP_REPLACE] = "replace",
        [OP_APPEND] = "append",
        [OP_PREPEND] = "prepend",
        [OP_CAS] = "cas",
        [OP_DELETE] = "delete",
        [OP_INCR] = "incr",
        [OP_DECR] = "decr",
        [OP_TOUCH] = "touch",
        [OP_META_GET] = "mg",
        [OP_META_DELETE] = "md",
        [OP_META_ARITH] = "ma",
        [OP_META_DEBUG] = "me",
        [OP_NOOP] = "noop",
        [OP_FLUSH] = "flush",
        [OP_VERSION] = "version",
        [OP_VERBOSITY] = "verbosity",
        [OP_STATS] = "stats",
        [OP_DETAIL] = "detail",
        [OP_MEMLIMIT] = "memlimit",
        [OP_DUMP] = "dump",
        [OP_DUMP_KEYS] = "dump_keys",
        [OP_DUMP_CLASS] = "dump_class",
        [OP_SHUTDOWN] = "shutdown",
        [OP_KILL] = "kill",
        [OP_WATCH] = "watch",
        [OP_CONFIG] = "config",
        [OP_CLIENT_NAME] = "client_name",
        [OP_HELLO] = "hello",
        [OP_QUIT] = "quit",
        [OP_EXPORT] = "export",
        [OP_HEALTH] = "health",
        [OP_END] = "end",
        [OP_REFUSED] = "refused",
        [OP_REFUSED_OPEN] = "refused_open",
        [OP_AUTH] = "auth",
        [OP_SASL_LIST] = "sasl_list",
        [OP_SASL_AUTH] = "sasl_auth",
        [OP_SASL_STEP] = "sasl_step",
    };

    MUST(op < sizeof(names) / sizeof(names[0]) && names[op] != NULL);
    return names[op];
}

static void
add_flags(struct text *t, uint32_t flags)
{
    static const struct {
        uint32_t bit;
        const char *name;
    } names[] = {
        {REQ_QUIET, "quiet"},       {REQ_WITH_CAS, "with_cas"}, {REQ_LAST, "last"},
        {REQ_WITH_KEY, "with_key"}, {REQ_CLOSE, "close"},       {REQ_VIVIFY, "vivify"},
        {REQ_META, "meta"},         {REQ_ENDS, "ends"},
    };

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if ((flags & names[i].bit) != 0)
            add(t, " %s", names[i].name);
}

static void
add_number(struct text *t, const char *name, uint64_t v)
{
    if (v != 0)
        add(t, " %s=%" PRIu64, name, v);
}

static void
add_meta(struct text *t, const struct request *req)
{
    const struct request_meta *meta = &req->meta;

    const char *end = req->echo.meta.flags.ptr + req->echo.meta.flags.len;

    add(t, " seen=");
    for (char letter = 'A'; letter <= 'z'; letter++)
        for (const char *p = req->echo.meta.flags.ptr; p < end; p++)
            if (*p == letter && p[-1] == ' ')
                add(t, "%c", letter);
    if (req->op == OP_META_DEBUG && req->echo.meta.base64)
        add(t, "b");
    if (meta->vivify_ttl != 0)
        add(t, " vivify_ttl=%" PRId32, meta->vivify_ttl);
    if (meta->recache_ttl != 0)
        add(t, " recache_ttl=%" PRId32, meta->recache_ttl);
    add(t, "%s%s%s", meta->ttl_first ? " ttl_first" : "",
        meta->recache_first ? " recache_first" : "", meta->decr ? " decr" : "");
}

static void
add_http(struct text *t, const struct request *req)
{
    const struct echo_http *http = &req->echo.http;

    add_number(t, "status", http->status);
    add_number(t, "form", http->form);
    add(t, "%s%s%s", http->head ? " head" : "", http->chunked ? " chunked" : "",
        http->openmetrics ? " openmetrics" : "");
    if (req->value.len > 0) {
        add(t, " of=");
        add_bytes(t, req->value);
    }
    if (req->op == OP_EXPORT && req->credentials.len > 0) {
        add(t, " as=");
        add_bytes(t, req->credentials);
    }
}

/* What follows the words that a parser knows. */
static void
add_args(struct text *t, const struct request *req)
{
    MUST(req->op == OP_STATS || req->op == OP_KILL || req->op == OP_CONFIG ||
         req->op == OP_CLIENT_NAME);
    add(t, " args=");
    add_bytes(t, req->value);
}

static bool
is_refused(const struct request *req)
{
    return req->op == OP_REFUSED || req->op == OP_REFUSED_OPEN;
}

static void
add_request(struct text *t, const struct proto_ops *proto, const struct request *req)
{
    add(t, "%s", op_name(req->op));
    if (req->key.len > 0) {
        add(t, " key=");
        add_bytes(t, req->key);
    }
    if (is_refused(req) || (req->op != OP_EXPORT && req->refusal.len > 0)) {
        add(t, " \"");
        add_bytes(t, req->refusal);
        add(t, "\"");
    }
    add_flags(t, req->flags);
    add_number(t, "client_flags", req->client_flags);
    if (req->exptime != 0)
        add(t, " exptime=%" PRId64, req->exptime);
    add_number(t, "cas", req->cas);
    add_number(t, "new_cas", req->new_cas);
    add_number(t, "delta", req->delta);
    add_number(t, "initial", req->initial);
    add_number(t, "bytes", req->value_bytes);
    add_number(t, "body", req->body_bytes);
    if (proto == &proto_binary) {
        add_number(t, "opaque", req->echo.binary.opaque);
        if (is_refused(req))
            add_number(t, "status", req->echo.binary.refusal_status);
    }
    if (proto == &proto_http)
        add_http(t, req);
    else if (req->value.len > 0)
        add_args(t, req);
    if ((req->flags & REQ_META) != 0)
        add_meta(t, req);
    add(t, "\n");
    MUST(req->body_bytes == 0 || op_has(req->op, PROP_VALUE) || is_refused(req));
    MUST(req->value_bytes <= req->body_bytes);
}

/* --- A stream --- */

struct stream {
    const struct proto_ops *proto; /* NULL: no byte has come yet */
    struct proto_state state;
    char *pending; /* exactly as much as there is */
    size_t pending_bytes;
    uint64_t skip_bytes; /* of a body */
    bool closed;
    struct text text;
};

static void
arrive(struct stream *s, const char *bytes, size_t count)
{
    size_t skip = s->skip_bytes < count ? (size_t)s->skip_bytes : count;
    char *pending;

    s->skip_bytes -= skip;
    count -= skip;
    pending = malloc(s->pending_bytes + count + (s->pending_bytes + count == 0));
    MUST(pending != NULL);
    if (s->pending_bytes > 0)
        memcpy(pending, s->pending, s->pending_bytes);
    if (count > 0)
        memcpy(pending + s->pending_bytes, bytes + skip, count);
    free(s->pending);
    s->pending = pending;
    s->pending_bytes += count;
}

static void
drop(struct stream *s, uint64_t count)
{
    char *old = s->pending;
    size_t bytes = s->pending_bytes;
    size_t now = count < bytes ? (size_t)count : bytes;

    s->skip_bytes += count - now;
    s->pending = NULL;
    s->pending_bytes = 0;
    arrive(s, old + now, bytes - now);
    free(old);
}

/* A parser is pure: the same bytes in the same state are the same request. */
static void
check_again(const struct stream *s, struct proto_state before, size_t used, const char *text)
{
    static char again[PARSE_TEXT_BYTES];
    struct text t = {again, sizeof(again)};
    struct request req;
    size_t used_again;

    memset(&req, 0xdb, sizeof(req));
    MUST(s->proto->parse(&before, &parse_session, slice_make(s->pending, s->pending_bytes),
                         &req, &used_again) == PARSE_COMPLETE);
    MUST(used_again == used);
    add_request(&t, s->proto, &req);
    MUST(strcmp(again, text) == 0);
}

/* GETS, behind a get that took USED bytes, are what parse() says one by one, and so is STATE. */
static void
check_gets(const struct stream *s, size_t used, const struct batch_entry *gets, uint32_t count,
           const struct proto_state *state)
{
    struct proto_state one = s->state;

    for (uint32_t i = 0; i < count; i++) {
        static char want[PARSE_TEXT_BYTES], got[PARSE_TEXT_BYTES];
        struct text want_text = {want, sizeof(want)}, got_text = {got, sizeof(got)};
        struct request req;
        size_t head_bytes;

        MUST(gets[i].start_off == used && gets[i].care == 0);
        MUST(memcmp(&gets[i].before, &one, sizeof(one)) == 0);
        memset(&req, 0xdb, sizeof(req));
        MUST(s->proto->parse(&one, &parse_session,
                             slice_make(s->pending + used, s->pending_bytes - used), &req,
                             &head_bytes) == PARSE_COMPLETE);
        MUST(gets[i].head_bytes == head_bytes);
        add_request(&want_text, s->proto, &req);
        add_request(&got_text, s->proto, &gets[i].req);
        MUST(strcmp(got, want) == 0);
        used += head_bytes;
    }
    MUST(memcmp(state, &one, sizeof(one)) == 0);
}

/* Those behind a get, if REQ is one: any number of them. */
static void
check_more(const struct stream *s, const struct request *req, size_t used)
{
    enum { MORE_MAX = 20 };
    struct batch_entry entries[1 + MORE_MAX];

    if (s->proto->parse_gets == NULL || req->op != OP_GET)
        return;
    for (uint32_t max = 0; max <= MORE_MAX; max++) {
        struct proto_state state = s->state;
        uint32_t count;

        memset(entries, 0xdb, sizeof(entries));
        entries[0].start_off = 0;
        entries[0].head_bytes = (uint32_t)used;
        count = s->proto->parse_gets(&state, slice_make(s->pending, s->pending_bytes), entries,
                                     max);
        MUST(count <= max);
        check_gets(s, used, entries + 1, count, &state);
    }
}

/* Take all requests that are there. */
static void
take_all(struct stream *s)
{
    while (!s->closed && s->skip_bytes == 0 && s->pending_bytes > 0) {
        struct proto_state before = s->state;
        const char *text = s->text.at;
        struct request req;
        size_t used = SIZE_MAX;
        enum parse_result result;

        memset(&req, 0xdb, sizeof(req));
        if (s->proto == NULL)
            s->proto = proto_detect(parse_session.role, (unsigned char)s->pending[0]);
        result = s->proto->parse(&s->state, &parse_session,
                                 slice_make(s->pending, s->pending_bytes), &req, &used);
        MUST(used <= s->pending_bytes);
        if (result == PARSE_PARTIAL) {
            drop(s, used);
            return;
        }
        add_request(&s->text, s->proto, &req);
        check_again(s, before, used, text);
        check_more(s, &req, used);
        s->closed = (req.flags & (REQ_CLOSE | REQ_ENDS)) != 0;
        drop(s, used + req.body_bytes);
    }
}

static void
feed(struct stream *s, const char *bytes, size_t count)
{
    arrive(s, bytes, count);
    take_all(s);
}

void
parse_cut(struct slice input, size_t cut, char *out)
{
    struct stream s = {.text = {out, PARSE_TEXT_BYTES}};

    out[0] = '\0';
    arrive(&s, NULL, 0);
    if (cut == SIZE_MAX) {
        for (size_t i = 0; i < input.len; i++)
            feed(&s, input.ptr + i, 1);
    } else {
        if (cut > 0)
            feed(&s, input.ptr, cut);
        feed(&s, input.ptr + cut, input.len - cut);
    }
    free(s.pending);
}

void
parse_check(const struct parse_case *row)
{
    static char got[PARSE_TEXT_BYTES];

    for (size_t cut = 0; cut < row->input.len; cut++) {
        parse_cut(row->input, cut, got);
        if (strcmp(got, row->want) != 0)
            ck_abort_msg("%s, cut at %zu: got\n%swant\n%s", row->name, cut, got, row->want);
    }
    parse_cut(row->input, SIZE_MAX, got);
    if (strcmp(got, row->want) != 0)
        ck_abort_msg("%s, byte by byte: got\n%swant\n%s", row->name, got, row->want);
}
