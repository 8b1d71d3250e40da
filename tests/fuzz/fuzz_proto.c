/*
 * tests/fuzz/fuzz_proto.c - the parsers, text and binary, fed in pieces.
 *
 * The first byte says into what pieces the rest is cut. However that is, the
 * sequence of requests must be the one that the whole gives (up to a line that is
 * too long without its end): that is compared, not only that nothing breaks. Replies are formatted for each request, too.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "lombard/proto/proto.h"

enum { REQUESTS_MAX = 512, INPUT_MAX = 8192 };

/* What of a request is compared. */
struct summary {
    enum request_op op;
    uint32_t flags;
    uint32_t client_flags;
    uint32_t opaque;
    int64_t exptime;
    uint64_t body_bytes;
    uint64_t numbers; /* cas, delta, initial and value_bytes, mixed */
    uint64_t texts;   /* key, refusal and meta flags, hashed */
};

struct run {
    struct summary requests[REQUESTS_MAX];
    unsigned count;
};

static uint64_t
mix(uint64_t sum, const void *bytes, size_t len)
{
    const unsigned char *p = bytes;

    for (size_t i = 0; i < len; i++)
        sum = (sum ^ p[i]) * UINT64_C(0x100000001b3);
    return sum + len;
}

static struct summary
summarize(const struct proto_ops *proto, const struct request *req)
{
    uint64_t numbers[] = {req->cas, req->delta, req->initial, req->value_bytes};
    struct summary s;

    memset(&s, 0, sizeof(s));
    s.op = req->op;
    s.flags = req->flags;
    s.client_flags = req->client_flags;
    if (proto == &proto_binary)
        s.opaque = req->echo.binary.opaque;
    s.exptime = req->exptime;
    s.body_bytes = req->body_bytes;
    s.numbers = mix(1, numbers, sizeof(numbers));
    s.texts = mix(mix(1, req->key.ptr, req->key.len), req->refusal.ptr, req->refusal.len);
    return s;
}

/* Who sends it: one that is authenticated, and then one that is not. */
static struct session session;

/* A line that was shown without its end: only with it would it have been taken. */
static bool
is_too_long(const struct summary *s)
{
    struct slice refusal = SLICE("CLIENT_ERROR line too long\r\n");
    struct request req = {.op = session.authenticated ? OP_REFUSED : OP_REFUSED_OPEN,
                          .flags = REQ_CLOSE,
                          .refusal = refusal};
    struct summary too_long = summarize(&proto_text, &req);

    return memcmp(s, &too_long, sizeof(too_long)) == 0;
}

/* Every status has some reply for every request; the sanitizers look on. */
static void
format_replies(const struct proto_ops *proto, const struct request *req)
{
    static const enum reply_status statuses[] = {
        REPLY_HIT,    REPLY_MISS,      REPLY_STORED,  REPLY_NOT_STORED, REPLY_EXISTS,
        REPLY_NUMBER, REPLY_NOT_FOUND, REPLY_REFUSED, REPLY_TOO_LARGE,  REPLY_OK,
    };
    char head[PROTO_HEAD_BYTES_MAX];

    for (size_t i = 0; i < ARRAY_LEN(statuses); i++) {
        struct reply reply;

        if (statuses[i] == REPLY_REFUSED && req->op != OP_REFUSED)
            continue;
        memset(&reply, 0, sizeof(reply));
        reply.status = statuses[i];
        reply.number = UINT64_MAX;
        reply.cas = UINT64_MAX;
        reply.item.key = req->key;
        reply.item.value = SLICE("value");
        reply.item.value_bytes = 5;
        reply.item.cas = UINT64_MAX;
        reply.item.client_flags = UINT32_MAX;
        reply.item.ttl_s = -1;
        if (proto->reply(req, &reply, head).head_bytes > sizeof(head))
            BUG("a head is too long");
        if (proto->short_hit != NULL && req->op == OP_GET &&
            proto->short_hit(req, &reply.item, head) > sizeof(head))
            BUG("a hit is too long");
    }
}

/* Those of IN behind a get that took USED bytes are what parse() says one by one. */
static void
take_more(const struct proto_ops *proto, const struct proto_state *before, struct slice in,
          size_t used)
{
    static struct batch_entry entries[1 + 16];
    struct proto_state state = *before, one = *before;
    uint32_t count;

    entries[0].start_off = 0;
    entries[0].head_bytes = (uint32_t)used;
    count = proto->parse_gets(&state, in, entries, ARRAY_LEN(entries) - 1);
    for (uint32_t i = 1; i <= count; i++) {
        struct request req;
        struct summary got, want;
        size_t head = 0;

        if (entries[i].start_off != used ||
            proto->parse(&one, &session, slice_make(in.ptr + used, in.len - used), &req,
                         &head) != PARSE_COMPLETE ||
            head != entries[i].head_bytes)
            BUG("gets are taken otherwise than one by one");
        want = summarize(proto, &req);
        got = summarize(proto, &entries[i].req);
        if (memcmp(&got, &want, sizeof(got)) != 0)
            BUG("a get is another than by itself");
        used += head;
    }
    if (memcmp(&state, &one, sizeof(state)) != 0)
        BUG("the state behind gets is another");
}

/*
 * Parse all of BYTES, of which STEP more become visible whenever the parser asks;
 * 0: all in one piece. Each piece is a copy of its own, so that an overread is detected.
 */
static void
parse_all(const uint8_t *bytes, size_t len, size_t step, struct run *run)
{
    const struct proto_ops *proto = proto_detect(ROLE_CLIENT, bytes[0]);
    struct proto_state state;
    size_t begin = 0;
    size_t visible = step == 0 || step > len ? len : step;

    memset(&state, 0, sizeof(state));
    run->count = 0;
    while (run->count < REQUESTS_MAX) {
        struct request req;
        char *look = malloc(visible - begin + 1);
        size_t used = 0;
        enum parse_result result;

        memcpy(look, bytes + begin, visible - begin);
        look = realloc(look, visible - begin > 0 ? visible - begin : 1);
        result = PARSE_PARTIAL;
        if (visible > begin)
            result =
                proto->parse(&state, &session, slice_make(look, visible - begin), &req, &used);
        if (used > visible - begin)
            BUG("more was used than was there");
        begin += used;
        if (result == PARSE_COMPLETE) {
            run->requests[run->count++] = summarize(proto, &req);
            format_replies(proto, &req);
            if (proto->parse_gets != NULL && req.op == OP_GET)
                take_more(proto, &state, slice_make(look, visible - (begin - used)), used);
            begin += req.body_bytes < len - begin ? (size_t)req.body_bytes : len - begin;
            if (begin > visible)
                visible = begin;
            free(look);
            if (req.flags & REQ_CLOSE)
                return;
            continue;
        }
        free(look);
        if (visible == len)
            return;
        visible = len - visible > step ? visible + step : len;
    }
}

static void
compare(const uint8_t *data, size_t size)
{
    static struct run whole, pieces;
    size_t step = 1 + data[0] % 64;

    parse_all(data + 1, size - 1, 0, &whole);
    parse_all(data + 1, size - 1, step, &pieces);
    /* A get whose last key was not known to be the last is followed by OP_END instead. */
    if (whole.count == pieces.count &&
        memcmp(whole.requests, pieces.requests, whole.count * sizeof(whole.requests[0])) == 0)
        return;
    for (unsigned i = 0, k = 0; i < whole.count && k < pieces.count; i++, k++) {
        struct summary a = whole.requests[i];
        struct summary b = pieces.requests[k];

        if ((a.flags & REQ_LAST) && !(b.flags & REQ_LAST) && k + 1 < pieces.count &&
            pieces.requests[k + 1].op == OP_END) {
            b.flags |= REQ_LAST;
            k++;
        }
        if (is_too_long(&a) || is_too_long(&b))
            return;
        if (memcmp(&a, &b, sizeof(a)) != 0)
            BUG("another request when cut");
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2 || size > INPUT_MAX)
        return 0;
    session_init(&session, ROLE_CLIENT, true);
    compare(data, size);
    session_init(&session, ROLE_CLIENT, false);
    compare(data, size);
    return 0;
}
