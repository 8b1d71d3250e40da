/*
 * tests/fuzz/fuzz_http.c - requests of HTTP in pieces, and renderings of names and values that are anything.
 *
 * The first byte says into what pieces the rest is cut. However that is, the sequence of requests
 * must be the one that the whole gives. Each is answered: in every status, and by a stream from a
 * registry whose label and value are the input, of which no byte may break out of the form.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "lombard/proto/proto.h"

enum { REQUESTS_MAX = 256, INPUT_MAX = 16384, PIECES_MAX = 4096 };

/* What of a request is compared. */
struct summary {
    enum request_op op;
    uint32_t flags;
    struct echo_http http;
    uint64_t texts; /* key and value, hashed */
};

struct run {
    struct summary requests[REQUESTS_MAX];
    unsigned count;
};

static const struct session session = {.role = ROLE_HTTP, .authenticated = true};

/* --- A registry that says what the input says --- */

static char said[STAT_VALUE_BYTES];

static void
get_said(const struct stat_entry *entry UNUSED, const void *record UNUSED,
         struct stat_value *value)
{
    stat_put_text(value, said);
}

static enum stat_step
next_said(void *ctx, uint64_t *position, struct stat_instance *instance)
{
    if (*position > 0)
        return STAT_END;
    instance->record = ctx;
    (void)snprintf(instance->label, sizeof(instance->label), "%.31s", said);
    return STAT_FOUND;
}

static const struct stat_entry entries[] = {
    {"said", STAT_TEXT, UNIT_NONE, "What was said.", get_said, 0},
    {"heard", STAT_GAUGE, UNIT_ITEMS, "What was heard.", stat_get_constant, 5},
};
static const struct stat_family family = {"label", "%l:%n", next_said};
static const struct stat_section section = {entries, ARRAY_LEN(entries), &family, "", NULL};

/* --- Answers --- */

/* What no form lets through. */
static void
check_piece(const char *piece, size_t len)
{
    if (len > PROTO_LINE_BYTES_MAX)
        BUG("a piece is too long");
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)piece[i] < ' ' && piece[i] != '\n' && piece[i] != '\r')
            BUG("a control got through");
}

static void
stream(const struct request *req)
{
    static struct stat_registry registry;
    struct stat_walk walk = {.part = 0};
    enum stat_step step = STAT_FOUND;
    char piece[PROTO_LINE_BYTES_MAX];
    unsigned pieces = 0;
    size_t len;

    if (registry.count == 0) {
        stats_add(&registry, "", &section, said);
        stats_list(&registry, "items", &section, said);
    }
    for (uint32_t i = 0; (len = proto_http.stream_begin(req, i, piece)) > 0; i++)
        check_piece(piece, len);
    while (step != STAT_END) {
        len = 0;
        step = proto_http.registry_piece(req, &registry, &walk, piece, &len);
        check_piece(piece, len);
        if (++pieces > PIECES_MAX)
            BUG("it has no end");
    }
    for (uint32_t i = 0; (len = proto_http.stream_end(req, i, piece)) > 0; i++)
        check_piece(piece, len);
}

static void
answer(const struct request *req)
{
    static const enum reply_status statuses[] = {
        REPLY_OK,          REPLY_STOPPING, REPLY_NO_STATS, REPLY_DENIED,
        REPLY_AUTH_FAILED, REPLY_INTERNAL, REPLY_REFUSED};
    char head[PROTO_HEAD_BYTES_MAX];

    for (size_t i = 0; i < ARRAY_LEN(statuses); i++) {
        struct reply reply = {.status = statuses[i]};

        if (statuses[i] == REPLY_REFUSED && req->op != OP_REFUSED)
            continue;
        if (proto_http.reply(req, &reply, head).head_bytes > sizeof(head))
            BUG("a head is too long");
    }
    if (req->op == OP_EXPORT)
        stream(req);
}

/* --- Requests --- */

static uint64_t
mix(uint64_t sum, struct slice s)
{
    for (size_t i = 0; i < s.len; i++)
        sum = (sum ^ (unsigned char)s.ptr[i]) * UINT64_C(0x100000001b3);
    return sum + s.len;
}

static struct summary
summarize(const struct request *req)
{
    struct summary s;

    memset(&s, 0, sizeof(s));
    s.op = req->op;
    s.flags = req->flags;
    s.http.status = req->echo.http.status;
    s.http.form = req->echo.http.form;
    s.http.head = req->echo.http.head;
    s.http.chunked = req->echo.http.chunked;
    s.http.openmetrics = req->echo.http.openmetrics;
    s.texts = mix(mix(1, req->key), req->value);
    if (req->op == OP_EXPORT)
        s.texts = mix(s.texts, req->credentials);
    return s;
}

/* Of BYTES STEP more become visible whenever the parser asks, in a copy of exactly their size. */
static void
parse_all(const uint8_t *bytes, size_t len, size_t step, struct run *run)
{
    struct proto_state state;
    size_t begin = 0;
    size_t visible = step < len ? step : len;

    memset(&state, 0, sizeof(state));
    run->count = 0;
    while (run->count < REQUESTS_MAX && begin < len) {
        char *look = malloc(visible - begin + (visible == begin));
        struct request req;
        size_t used = 0;
        enum parse_result result = PARSE_PARTIAL;

        memcpy(look, bytes + begin, visible - begin);
        if (visible > begin)
            result = proto_http.parse(&state, &session, slice_make(look, visible - begin), &req,
                                      &used);
        if (used > visible - begin || (result == PARSE_COMPLETE && req.body_bytes != 0))
            BUG("more was used than was there");
        begin += used;
        if (result == PARSE_COMPLETE) {
            run->requests[run->count++] = summarize(&req);
            answer(&req);
        }
        free(look);
        if (result == PARSE_COMPLETE && (req.flags & (REQ_CLOSE | REQ_ENDS)) != 0)
            return;
        if (result == PARSE_PARTIAL && visible == len)
            return;
        if (result == PARSE_PARTIAL)
            visible = len - visible > step ? visible + step : len;
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct run whole, pieces;
    size_t told;

    if (size < 2 || size > INPUT_MAX)
        return 0;
    told = size - 1 < sizeof(said) - 1 ? size - 1 : sizeof(said) - 1;
    memcpy(said, data + 1, told);
    said[told] = '\0';
    parse_all(data + 1, size - 1, size, &whole);
    parse_all(data + 1, size - 1, 1 + data[0], &pieces);
    if (whole.count != pieces.count ||
        memcmp(whole.requests, pieces.requests, whole.count * sizeof(whole.requests[0])) != 0)
        BUG("another request when cut");
    return 0;
}
