/*
 * Answers of HTTP: heads, texts, and renderings of a registry whose names and values are hostile.
 */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "leak.h"
#include "lombard/base/attr.h"
#include "parse.h"

static char out[64 * 1024];

/* The first request of INPUT. */
static struct request *
request_of(const char *input)
{
    static char kept[512];
    static struct request req;
    size_t used;

    (void)snprintf(kept, sizeof(kept), "%s", input);
    ck_assert_int_eq(parse_first(slice_make(kept, strlen(kept)), &req, &used), PARSE_COMPLETE);
    return &req;
}

/* What STATUS is answered to INPUT. */
static const char *
answer(const char *input, enum reply_status status)
{
    struct reply reply = {.status = status};
    struct reply_parts parts = proto_http.reply(request_of(input), &reply, out);

    ck_assert_uint_le(parts.head_bytes, PROTO_HEAD_BYTES_MAX);
    ck_assert(!parts.has_value);
    out[parts.head_bytes] = '\0';
    return out;
}

static void
expect_in(const char *text, const char *part)
{
    ck_assert_msg(strstr(text, part) != NULL, "no '%s' in:\n%s", part, text);
}

static void
expect_not_in(const char *text, const char *part)
{
    ck_assert_msg(strstr(text, part) == NULL, "'%s' in:\n%s", part, text);
}

#define ASK(target) "GET " target " HTTP/1.1\r\nHost: a\r\n\r\n"

static const struct {
    const char *input;
    enum reply_status status;
    const char *first, *field, *body;
} answers[] = {
    {ASK("/healthz"), REPLY_OK, "HTTP/1.1 200 OK\r\n", "Content-Length: 3\r\n", "\r\n\r\nok\n"},
    {ASK("/healthz"), REPLY_STOPPING, "HTTP/1.1 503 Service Unavailable\r\n",
     "Content-Length: 9\r\n", "\r\n\r\ndraining\n"},
    {ASK("/x"), REPLY_REFUSED, "HTTP/1.1 404 Not Found\r\n", "Content-Length: 14\r\n",
     "\r\n\r\n404 Not Found\n"},
    {"HEAD /x HTTP/1.1\r\nHost: a\r\n\r\n", REPLY_REFUSED, "HTTP/1.1 404 Not Found\r\n",
     "Content-Length: 14\r\n", "\r\n\r\n"},
    {"PUT / HTTP/1.1\r\nHost: a\r\n\r\n", REPLY_REFUSED, "HTTP/1.1 405 Method Not Allowed\r\n",
     "Allow: GET, HEAD\r\n", "405 Method Not Allowed\n"},
    {"PUT / HTTP/1.1\r\nHost: a\r\n\r\n", REPLY_REFUSED, "HTTP/1.1 405 Method Not Allowed\r\n",
     "Connection: close\r\n", "405 Method Not Allowed\n"},
    {"GET / HTTP/1.0\r\n\r\n", REPLY_DENIED, "HTTP/1.1 401 Unauthorized\r\n",
     "WWW-Authenticate: Basic realm=\"lombard\", charset=\"UTF-8\"\r\n", "401 Unauthorized\n"},
    {ASK("/"), REPLY_AUTH_FAILED, "HTTP/1.1 401 Unauthorized\r\n", "text/plain", "401"},
    {ASK("/"), REPLY_NO_STATS, "HTTP/1.1 404 Not Found\r\n", "text/plain", "404"},
    {ASK("/"), REPLY_HIT, "HTTP/1.1 500 Internal Server Error\r\n",
     "Cache-Control: no-store\r\n", "500"},
};

START_TEST(short_answers)
{
    const char *text = answer(answers[_i].input, answers[_i].status);
    const char *body = answers[_i].body;

    ck_assert_ptr_eq(strstr(text, answers[_i].first), text);
    expect_in(text, answers[_i].field);
    expect_in(text, "Content-Security-Policy: default-src 'none';");
    ck_assert_str_eq(text + strlen(text) - strlen(strstr(text, body)), strstr(text, body));
    expect_not_in(text, "script-src");
    expect_not_in(text, "chunked");
}
END_TEST

/* --- A registry with nothing but trouble --- */

struct fruit {
    uint64_t apples;
    uint64_t pears_us;
};

static struct fruit fruit = {3, 2500000};

#define HOSTILE "a\"b\\c\n<script>&'\x01\x7f\xff\xc3\xa4\xed\xa0\x80\xc0\x80\xf0\x9f\x98\x80"

static void
get_hostile(const struct stat_entry *entry UNUSED, const void *record UNUSED,
            struct stat_value *value)
{
    stat_put_text(value, HOSTILE);
}

static void
get_long(const struct stat_entry *entry UNUSED, const void *record UNUSED,
         struct stat_value *value)
{
    memset(value->text, '\x01', sizeof(value->text) - 1);
    value->text[sizeof(value->text) - 1] = '\0';
}

static void
get_fraction(const struct stat_entry *entry UNUSED, const void *record UNUSED,
             struct stat_value *value)
{
    stat_put_text(value, "0.25");
}

static const struct stat_entry entries[] = {
    {"get_hits", STAT_COUNTER, UNIT_REQUESTS, "Hits.", stat_get_u64,
     offsetof(struct fruit, apples)},
    {"pears_us", STAT_COUNTER, UNIT_MICROSECONDS, "Pears.", stat_get_u64,
     offsetof(struct fruit, pears_us)},
    {"plums", STAT_GAUGE, UNIT_ITEMS, "Plums \\ \"fresh\".", get_fraction, 0},
    {"name", STAT_TEXT, UNIT_NONE, "A name.", get_hostile, 0},
    {"long", STAT_TEXT, UNIT_NONE, "A long text.", get_long, 0},
};

static const struct stat_section plain = {entries, ARRAY_LEN(entries), NULL, "", NULL};

/* Two instances, which take some searching. */
static enum stat_step
next_basket(void *ctx, uint64_t *position, struct stat_instance *instance)
{
    if (*position >= 4)
        return STAT_END;
    if (*position % 2 == 0) {
        ++*position;
        return STAT_SEARCHING;
    }
    instance->record = ctx;
    (void)snprintf(instance->label, sizeof(instance->label), "%s",
                   *position == 1 ? "x\"y\n" : "z");
    return STAT_FOUND;
}

static const struct stat_family baskets = {"basket", "%l:%n", next_basket};
static const struct stat_section family = {entries, 2, &baskets, "of_", NULL};
static const struct stat_section listing = {entries, 1, &baskets, "listed_", NULL};

static uint64_t
count_until(const void *record UNUSED, uint64_t ns)
{
    return ns < 5000 ? 1 : ns == UINT64_MAX ? 9 : 7;
}

static uint64_t
sum_ns(const void *record UNUSED)
{
    return UINT64_C(1500000001);
}

static const struct stat_histogram histogram = {"times_seconds", "Times.",    "basket",
                                                next_basket,     count_until, sum_ns};

static struct stat_registry registry;

static void
setup(void)
{
    registry = (struct stat_registry){.count = 0};
    stats_add(&registry, "", &plain, &fruit);
    stats_add(&registry, "baskets", &family, &fruit);
    stats_list(&registry, "all", &listing, &fruit);
    stats_repeat(&registry, "", &family, &fruit);
    stats_add_histogram(&registry, &histogram, &fruit);
}

/* The whole answer to INPUT, as a connection would pull it. */
static const char *
rendered(const char *input)
{
    const struct request *req = request_of(input);
    struct stat_walk walk = {.part = 0};
    enum stat_step step = STAT_FOUND;
    char *p = out;
    size_t len;

    for (uint32_t i = 0; (len = proto_http.stream_begin(req, i, p)) > 0; i++)
        p += len;
    while (step != STAT_END) {
        len = 0;
        step = proto_http.registry_piece(req, &registry, &walk, p, &len);
        ck_assert_uint_le(len, PROTO_LINE_BYTES_MAX);
        ck_assert(step == STAT_FOUND || len == 0);
        p += len;
        ck_assert_uint_lt((size_t)(p - out), sizeof(out) - PROTO_LINE_BYTES_MAX);
    }
    for (uint32_t i = 0; (len = proto_http.stream_end(req, i, p)) > 0; i++)
        p += len;
    *p = '\0';
    return out;
}

/* Without chunks, so that texts can be looked for. */
#define PLAINLY(target) "GET " target " HTTP/1.0\r\n"

START_TEST(metrics)
{
    const char *text = rendered(PLAINLY("/metrics") "\r\n");

    expect_in(text, "Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n");
    expect_in(text, "# HELP memcached_up Whether the server answers.\n# TYPE memcached_up "
                    "gauge\nmemcached_up 1\n");
    expect_in(text, "# TYPE memcached_commands_total counter\n"
                    "memcached_commands_total{command=\"get\",status=\"hit\"} 3\n");
    expect_not_in(text, "lombard_get_hits");
    expect_in(text, "# TYPE lombard_pears_seconds_total counter\n"
                    "lombard_pears_seconds_total 2.5\n");
    expect_in(text, "# HELP lombard_plums Plums \\\\ \"fresh\".\n# TYPE lombard_plums "
                    "gauge\nlombard_plums 0.25\n");
    expect_in(text, "# TYPE lombard_name_info gauge\nlombard_name_info{value=\"a\\\"b\\\\c\\n"
                    "<script>&'\\\\x01\\\\x7f\xef\xbf\xbd\xc3\xa4\xef\xbf\xbd\xef\xbf\xbd"
                    "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xf0\x9f\x98\x80\"} 1\n");
    expect_in(text, "lombard_of_get_hits_total{basket=\"x\\\"y\\n\"} 3\n"
                    "lombard_of_get_hits_total{basket=\"z\"} 3\n");
    expect_in(text, "# TYPE lombard_times_seconds histogram\n"
                    "lombard_times_seconds_bucket{basket=\"x\\\"y\\n\",le=\"1e-06\"} 1\n");
    expect_in(text, "le=\"5e-06\"} 7\n");
    expect_in(text, "lombard_times_seconds_bucket{basket=\"z\",le=\"10\"} 7\n"
                    "lombard_times_seconds_bucket{basket=\"z\",le=\"+Inf\"} 9\n"
                    "lombard_times_seconds_count{basket=\"z\"} 9\n"
                    "lombard_times_seconds_sum{basket=\"z\"} 1.500000001\n");
    expect_not_in(text, "listed");
    expect_not_in(text, "# EOF");
}
END_TEST

/* A walk that another version of the server has begun may be where there is nothing here. */
START_TEST(beyond)
{
    const struct request *req = request_of(PLAINLY("/metrics") "\r\n");
    const struct stat_walk walks[] = {
        {.part = 1, .step = 10000},         {.part = 2, .at = {.source = 4}},
        {.part = 2, .at = {.entry = 1000}}, {.part = 3, .at = {.source = 1}},
        {.part = 3, .at = {.entry = 1000}}, {.part = 10000},
    };

    for (size_t i = 0; i < ARRAY_LEN(walks); i++) {
        struct stat_walk walk = walks[i];
        size_t len = 0;

        ck_assert_int_eq(proto_http.registry_piece(req, &registry, &walk, out, &len), STAT_END);
        ck_assert_uint_eq(len, 0);
    }
}
END_TEST

START_TEST(openmetrics)
{
    const char *text =
        rendered(PLAINLY("/metrics") "Accept: application/openmetrics-text\r\n\r\n");

    expect_in(text, "application/openmetrics-text; version=1.0.0; charset=utf-8\r\n");
    expect_in(text, "# TYPE memcached_commands counter\nmemcached_commands_total{");
    expect_in(text, "# HELP lombard_pears_seconds Pears.\n# TYPE lombard_pears_seconds "
                    "counter\nlombard_pears_seconds_total 2.5\n");
    expect_in(text, "# TYPE lombard_name info\nlombard_name_info{");
    expect_in(text, "# HELP lombard_plums Plums \\\\ \\\"fresh\\\".\n");
    expect_in(text, "lombard_times_seconds_bucket{basket=\"z\",le=\"1e-06\"} ");
    expect_in(text, "lombard_times_seconds_bucket{basket=\"z\",le=\"0.5\"} ");
    expect_in(text, "lombard_times_seconds_bucket{basket=\"z\",le=\"10.0\"} 7\n");
    ck_assert_str_eq(text + strlen(text) - 6, "# EOF\n");
}
END_TEST

START_TEST(json)
{
    const char *text = rendered(PLAINLY("/stats.json") "\r\n");

    expect_in(text, "Content-Type: application/json\r\n");
    expect_in(text, "\r\n\r\n{\"stats\":{\n\"get_hits\":3,\n\"pears_us\":2500000,\n"
                    "\"plums\":0.25,\n\"name\":\"a\\\"b\\\\c\\u000a\\u003cscript\\u003e\\u0026'"
                    "\\u0001\\u007f\xef\xbf\xbd\xc3\xa4");
    expect_in(text, "\"x\\\"y\\u000a:get_hits\":3");
    expect_in(text, "},\n\"baskets\":{\n\"");
    expect_not_in(text, "\"all\":");
    ck_assert_str_eq(strstr(text, "}"), strstr(text, "},\n\"baskets\":{\n\""));
    expect_in(text, "},\n\"at_ms\":");
    expect_in(text, ",\n\"lists\":[\"all\"]\n}\n");
    text = rendered(PLAINLY("/stats.json?group=all") "\r\n");
    expect_in(text,
              "\r\n\r\n{\"all\":{\n\"x\\\"y\\u000a:get_hits\":3,\n\"z:get_hits\":3}\n}\n");
}
END_TEST

START_TEST(page)
{
    const char *text = rendered(PLAINLY("/") "\r\n");

    expect_in(text, "; script-src 'sha256-");
    expect_in(text, "; style-src 'sha256-");
    expect_in(text, "<tr><td>get_hits</td><td>3</td></tr>\n");
    expect_in(text,
              "<td>a&quot;b\\c\\x0a&lt;script&gt;&amp;&#39;\\x01\\x7f\xef\xbf\xbd\xc3\xa4");
    expect_not_in(text, "<td>a\"");
    expect_in(text, "</html>");
}
END_TEST

/* Lines of connections come one by one. */
START_TEST(queries)
{
    const struct request *req =
        request_of("GET /stats.json?group=conns+top+held%22 HTTP/1.0\r\n\r\n");
    char *p = out;
    size_t len;

    for (uint32_t i = 0; (len = proto_http.stream_begin(req, i, p)) > 0; i++)
        p += len;
    p += proto_http.stat_line(req, "7:addr", "unix:\"", p);
    p += proto_http.stat_line(req, "7:age", "5", p);
    for (uint32_t i = 0; (len = proto_http.stream_end(req, i, p)) > 0; i++)
        p += len;
    *p = '\0';
    ck_assert_str_eq(strstr(out, "\r\n\r\n") + 4,
                     "{\"conns\":{\n\"query\":\"top held\\\"\",\n\"7:addr\":\"unix:\\\"\",\n"
                     "\"7:age\":5}\n}\n");
}
END_TEST

/* The sum of all chunks is what is sent without them. */
START_TEST(chunks)
{
    static char plainly[sizeof(out)];
    static char joined[sizeof(out)];
    const char *p = strstr(rendered(PLAINLY("/metrics") "\r\n"), "\r\n\r\n") + 4;
    size_t bytes = 0;
    unsigned len;

    (void)snprintf(plainly, sizeof(plainly), "%s", p);
    p = rendered(ASK("/metrics"));
    expect_in(p, "\r\nTransfer-Encoding: chunked\r\n\r\n");
    expect_not_in(p, "Connection: close");
    p = strstr(p, "\r\n\r\n") + 4;
    while (sscanf(p, "%x\r\n", &len) == 1 && len > 0) {
        p = strchr(p, '\n') + 1;
        memcpy(joined + bytes, p, len);
        bytes += len;
        ck_assert_int_eq(strncmp(p + len, "\r\n", 2), 0);
        p += len + 2;
    }
    joined[bytes] = '\0';
    ck_assert_str_eq(p, "0\r\n\r\n");
    ck_assert_str_eq(joined, plainly);
}
END_TEST

/* A head is that of the answer to a GET, and nothing follows. */
START_TEST(heads)
{
    static const char *const targets[] = {"/", "/metrics", "/stats.json"};
    static char head[4096];

    for (size_t i = 0; i < ARRAY_LEN(targets); i++) {
        char input[128];
        const char *text;

        (void)snprintf(input, sizeof(input), "HEAD %s HTTP/1.1\r\nHost: a\r\n\r\n", targets[i]);
        (void)snprintf(head, sizeof(head), "%s", rendered(input));
        (void)snprintf(input, sizeof(input), "GET %s HTTP/1.1\r\nHost: a\r\n\r\n", targets[i]);
        text = rendered(input);
        ck_assert_int_eq(strncmp(text, head, strlen(head)), 0);
        ck_assert_str_eq(head + strlen(head) - 4, "\r\n\r\n");
    }
}
END_TEST

/* Only the same question has the same answer. */
START_TEST(kinds_of_renderings)
{
    static const char *const own[] = {
        "HEAD /metrics HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /stats.json?group=settings HTTP/1.1\r\nHost: a\r\n\r\n",
    };
    static const char *const kinds[] = {
        "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /metrics HTTP/1.0\r\n\r\n",
        "GET /metrics HTTP/1.1\r\nHost: a\r\nAccept: application/openmetrics-text\r\n\r\n",
        "GET /stats.json HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /stats.json HTTP/1.0\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    };

    for (size_t i = 0; i < ARRAY_LEN(own); i++)
        ck_assert_uint_eq(proto_http.registry_kind(request_of(own[i])), 0);
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        uint32_t kind = proto_http.registry_kind(request_of(kinds[i]));

        ck_assert_uint_ne(kind, 0);
        for (size_t k = 0; k < i; k++)
            ck_assert_uint_ne(proto_http.registry_kind(request_of(kinds[k])), kind);
    }
}
END_TEST

int
main(void)
{
    TCase *tc = leak_tcase("http_reply");

    parse_session.role = ROLE_HTTP;
    tcase_add_checked_fixture(tc, setup, NULL);
    tcase_add_loop_test(tc, short_answers, 0, ARRAY_LEN(answers));
    tcase_add_test(tc, metrics);
    tcase_add_test(tc, beyond);
    tcase_add_test(tc, openmetrics);
    tcase_add_test(tc, json);
    tcase_add_test(tc, page);
    tcase_add_test(tc, queries);
    tcase_add_test(tc, chunks);
    tcase_add_test(tc, heads);
    tcase_add_test(tc, kinds_of_renderings);
    return leak_run(tc, "proto/http_reply");
}
