/*
 * Requests of HTTP: what is taken, what is refused and how, however the stream is cut.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "leak.h"
#include "lombard/base/attr.h"
#include "parse.h"

#define HOST    "Host: a\r\n"
#define GET     "GET /metrics HTTP/1.1\r\n"
#define NEXT    "GET / HTTP/1.1\r\nHost: b\r\n\r\n"
#define PAGE    "export form=3 chunked\n"
#define BAD     "refused \"\" close status=400\n"
#define METRICS "export form=1 chunked\n"

static const struct parse_case rows[] = {
    /* Targets. */
    ROW("metrics", GET HOST "\r\n", METRICS),
    ROW("page", "GET / HTTP/1.1\r\n" HOST "\r\n", PAGE),
    ROW("page with a query", "GET /?a=b HTTP/1.1\r\n" HOST "\r\n", PAGE),
    ROW("json", "GET /stats.json HTTP/1.1\r\n" HOST "\r\n", "export form=2 chunked\n"),
    ROW("a group", "GET /stats.json?group=items HTTP/1.1\r\n" HOST "\r\n",
        "export key=items form=2 chunked\n"),
    ROW("a group with arguments",
        "GET /stats.json?x&group=conns+top%20bytes_out%3a10&group=b HTTP/1.1\r\n" HOST "\r\n",
        "export key=conns form=2 chunked of=top bytes_out:10\n"),
    ROW("no group", "GET /stats.json?group= HTTP/1.1\r\n" HOST "\r\n",
        "export form=2 chunked\n"),
    ROW("a group with a control", "GET /stats.json?group=a%0a HTTP/1.1\r\n" HOST "\r\n", BAD),
    ROW("a group that is cut", "GET /stats.json?group=a%0 HTTP/1.1\r\n" HOST "\r\n", BAD),
    ROW("a group that is too long",
        "GET "
        "/stats.json?group=0123456789012345678901234567890123456789012345678901234567890123x"
        " HTTP/1.1\r\n" HOST "\r\n",
        BAD),
    ROW("health", "GET /healthz HTTP/1.1\r\n" HOST "\r\n", "health chunked\n"),
    ROW("head", "HEAD / HTTP/1.1\r\n" HOST "\r\n", "export form=3 head chunked\n"),
    ROW("another", "GET /metrics/ HTTP/1.1\r\n" HOST "\r\n", "refused \"\" status=404\n"),
    ROW("another, head", "HEAD /x HTTP/1.1\r\n" HOST "\r\n", "refused \"\" status=404 head\n"),
    ROW("absolute", "GET HTTP://x:1/metrics HTTP/1.1\r\n" HOST "\r\n", METRICS),
    ROW("absolute without a path", "GET http://x HTTP/1.1\r\n" HOST "\r\n", PAGE),
    ROW("no path", "GET metrics HTTP/1.1\r\n" HOST "\r\n", BAD),
    ROW("an asterisk", "GET * HTTP/1.1\r\n" HOST "\r\n", BAD),
    ROW("a path with a byte that is none", "GET /\xc3\xa4 HTTP/1.1\r\n" HOST "\r\n", BAD),
    /* Versions, and who closes. */
    ROW("1.0", "GET /metrics HTTP/1.0\r\n\r\n", "export ends form=1\n"),
    ROW("1.0 with a host", "GET /healthz HTTP/1.0\r\n" HOST "\r\n", "health ends\n"),
    ROW("1.2", "GET / HTTP/1.2\r\n" HOST "\r\n", PAGE),
    ROW("2.0", "GET / HTTP/2.0\r\n" HOST "\r\n", "refused \"\" close status=505\n"),
    ROW("the preface of 2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "refused \"\" close status=505\n"),
    ROW("0.9", "GET /\r\n\r\n", BAD),
    ROW("no version", "GET / HTTP\r\n" HOST "\r\n", BAD),
    ROW("small letters", "GET / http/1.1\r\n" HOST "\r\n", BAD),
    ROW("close", GET HOST "Connection: a, Close\r\n\r\n" NEXT, "export ends form=1 chunked\n"),
    ROW("keep-alive", GET HOST "Connection: keep-alive\r\n\r\n" NEXT, METRICS PAGE),
    ROW("pipelined", GET HOST "\r\n" NEXT NEXT, METRICS PAGE PAGE),
    ROW("newlines alone", "GET / HTTP/1.1\nHost: a\n\n" NEXT, PAGE PAGE),
    ROW("empty lines before", "\r\n\n" GET HOST "\r\n\r\n" NEXT, METRICS PAGE),
    ROW("three of them", "\r\n\r\n\r\n\r\n" GET HOST "\r\n", BAD),
    ROW("blanks", "GET  / HTTP/1.1\r\n" HOST "\r\n", BAD),
    ROW("a blank behind", "GET / HTTP/1.1 \r\n" HOST "\r\n", BAD),
    /* Methods and bodies. */
    ROW("POST", "POST / HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nabc",
        "refused \"\" close status=405\n"),
    ROW("no method", " / HTTP/1.1\r\n" HOST "\r\n", BAD),
    ROW("a method that is none", "G@T / HTTP/1.1\r\n" HOST "\r\n", BAD),
    ROW("get in small letters", "get / HTTP/1.1\r\n" HOST "\r\n",
        "refused \"\" close status=405\n"),
    ROW("a body", GET HOST "Content-Length: 3\r\n\r\nabc", "refused \"\" close status=413\n"),
    ROW("an empty body", GET HOST "Content-Length: 00\r\n\r\n", METRICS),
    ROW("a length that is none", GET HOST "Content-Length: -0\r\n\r\n", BAD),
    ROW("a length below 0", GET HOST "Content-Length: -1\r\n\r\n", BAD),
    ROW("a length with a sign", GET HOST "Content-Length: +1\r\n\r\n", BAD),
    ROW("an empty length", GET HOST "Content-Length:\r\n\r\n", BAD),
    ROW("a list of lengths", GET HOST "Content-Length: 0, 0\r\n\r\n", BAD),
    ROW("two lengths", GET HOST "Content-Length: 0\r\nContent-Length: 0\r\n\r\n", BAD),
    ROW("a length and chunks",
        GET HOST "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n", BAD),
    ROW("chunks in 1.0", "GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", BAD),
    ROW("chunks", GET HOST "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "refused \"\" close status=413\n"),
    ROW("a command of memcached", "get a\r\n\r\n", BAD),
    ROW("binary", "\x80\0\n\n", BAD),
    /* Fields. */
    ROW("no host", GET "\r\n", BAD),
    ROW("two hosts", GET HOST HOST "\r\n", BAD),
    ROW("two hosts in 1.0", "GET / HTTP/1.0\r\n" HOST HOST "\r\n", BAD),
    ROW("an empty host", GET "Host:\r\n\r\n", METRICS),
    ROW("a host of version 6", GET "Host: [::1]:9150\r\n\r\n", METRICS),
    ROW("a host with a blank", GET "Host: a b\r\n\r\n", BAD),
    ROW("a host with a path", GET "Host: a/b\r\n\r\n", BAD),
    ROW("a host with a user", GET "Host: u@a\r\n\r\n", BAD),
    ROW("a list of hosts", GET "Host: a,b\r\n\r\n", BAD),
    ROW("a blank before a colon", GET "Host : a\r\n\r\n", BAD),
    ROW("no colon", GET HOST "Accept\r\n\r\n", BAD),
    ROW("no name", GET HOST ": a\r\n\r\n", BAD),
    ROW("a field that goes on", GET HOST "Accept: a\r\n b\r\n\r\n", BAD),
    ROW("a control in a value", GET HOST "X: a\x01\r\n\r\n", BAD),
    ROW("a NUL in a value", GET HOST "X: a\0b\r\n\r\n", BAD),
    ROW("a carriage return in a value", GET HOST "X: a\rb\r\n\r\n", BAD),
    ROW("any other byte in a value", GET HOST "X:\xff\t\xc3 \r\n\r\n", METRICS),
    /* Forms: RFC 9110, 12.5.1. */
    ROW("OpenMetrics", GET HOST "Accept: application/openmetrics-text; version=1.0.0\r\n\r\n",
        "export form=1 chunked openmetrics\n"),
    ROW("as Prometheus asks",
        GET HOST "ACCEPT:application/openmetrics-text;version=1.0.0;q=0.5,"
                 "application/openmetrics-text;version=0.0.1;q=0.4,"
                 "text/plain;version=0.0.4;q=0.3,*/*;q=0.2\r\n\r\n",
        "export form=1 chunked openmetrics\n"),
    ROW("text rather",
        GET HOST "Accept: application/openmetrics-text;q=0.5, text/plain;q=0.51\r\n\r\n",
        METRICS),
    ROW("text rather, in a field of its own",
        GET HOST "Accept: text/plain\r\nAccept: application/openmetrics-text;q=0.9\r\n\r\n",
        METRICS),
    ROW("OpenMetrics rather, behind",
        GET HOST "Accept: text/plain;q=0.5\r\nAccept: application/openmetrics-text\r\n\r\n",
        "export form=1 chunked openmetrics\n"),
    ROW("not at all", GET HOST "Accept: application/openmetrics-text;q=0.000\r\n\r\n", METRICS),
    ROW("anything", GET HOST "Accept: */*\r\n\r\n", METRICS),
    /* Credentials. */
    ROW("Basic", GET HOST "Authorization: basic  dXNlcjpzZWNyZXQ=\r\n\r\n",
        "export form=1 chunked as=user:secret\n"),
    ROW("Basic and a group",
        "GET /stats.json?group=items HTTP/1.1\r\n" HOST
        "Authorization: Basic dXNlcjpzZWNyZXQ=\r\n\r\n",
        "export key=items form=2 chunked as=user:secret\n"),
    ROW("no base64", GET HOST "Authorization: Basic !!\r\n\r\n", METRICS),
    ROW("another scheme", GET HOST "Authorization: Bearer dXNlcjpzZWNyZXQ=\r\n\r\n", METRICS),
};

START_TEST(requests)
{
    parse_check(&rows[_i]);
}
END_TEST

/* --- Limits --- */

static char input[16 * 1024];
static char whole[PARSE_TEXT_BYTES];
static char pieces[PARSE_TEXT_BYTES];

/* What LEN bytes of input give, whole, cut at some places, and byte by byte. */
static const char *
parsed(size_t len)
{
    struct slice in = slice_make(input, len);

    parse_cut(in, 0, whole);
    for (size_t cut = 1; cut < len; cut += 61) {
        parse_cut(in, cut, pieces);
        ck_assert_str_eq(pieces, whole);
    }
    parse_cut(in, SIZE_MAX, pieces);
    ck_assert_str_eq(pieces, whole);
    return whole;
}

/* GET /?xxx..., so that the line has LINE bytes, with its end. */
static size_t
put_line(size_t line)
{
    const char *tail = " HTTP/1.1\r\n";
    size_t fill = line - strlen("GET /?") - strlen(tail);

    memcpy(input, "GET /?", 6);
    memset(input + 6, 'x', fill);
    memcpy(input + 6 + fill, tail, strlen(tail));
    return line;
}

START_TEST(lines_are_bounded)
{
    static const char rest[] = "Host: a\r\n\r\n";
    size_t len = put_line(2048);

    memcpy(input + len, rest, sizeof(rest));
    ck_assert_str_eq(parsed(len + strlen(rest)), PAGE);
    len = put_line(2049);
    memcpy(input + len, rest, sizeof(rest));
    ck_assert_str_eq(parsed(len + strlen(rest)), "refused \"\" close status=414\n");
    ck_assert_str_eq(parsed(2047), "");
    ck_assert_str_eq(parsed(2048), "refused \"\" close status=414\n");
}
END_TEST

/* A head of LEN bytes, its end included. */
static size_t
put_head(size_t len)
{
    static const char head[] = "GET / HTTP/1.1\r\nHost: a\r\nX: ";
    size_t off = sizeof(head) - 1;

    memcpy(input, head, off);
    memset(input + off, 'y', len - off - 4);
    memcpy(input + len - 4, "\r\n\r\n", 4);
    return len;
}

START_TEST(heads_are_bounded)
{
    ck_assert_str_eq(parsed(put_head(8192)), PAGE);
    ck_assert_str_eq(parsed(put_head(8193)), "refused \"\" close status=431\n");
    ck_assert_str_eq(parsed(8191), "");
    (void)put_head(16000);
    ck_assert_str_eq(parsed(16000), "refused \"\" close status=431\n");
}
END_TEST

/* Credentials that are too long to be any are none. */
START_TEST(credentials_are_bounded)
{
    int len = snprintf(input, sizeof(input), GET HOST "Authorization: Basic ");

    memset(input + len, 'Q', 4000);
    memcpy(input + len + 4000, "\r\n\r\n", 4);
    ck_assert_str_eq(parsed((size_t)len + 4004), METRICS);
    memset(input + len, 'Q', 248);
    memcpy(input + len + 248, "\r\n\r\n", 4);
    ck_assert_ptr_nonnull(strstr(parsed((size_t)len + 252), " as=A"));
}
END_TEST

/* Each listener has its own protocols. */
START_TEST(the_listener_says_which)
{
    for (unsigned byte = 0; byte < 256; byte++) {
        ck_assert_ptr_eq(proto_detect(ROLE_HTTP, (unsigned char)byte), &proto_http);
        ck_assert_ptr_ne(proto_detect(ROLE_CLIENT, (unsigned char)byte), &proto_http);
        ck_assert_ptr_eq(proto_detect(ROLE_ADMIN, (unsigned char)byte),
                         proto_detect(ROLE_CLIENT, (unsigned char)byte));
    }
}
END_TEST

int
main(void)
{
    TCase *tc = leak_tcase("http");

    parse_session.role = ROLE_HTTP;
    tcase_add_loop_test(tc, requests, 0, ARRAY_LEN(rows));
    tcase_add_test(tc, lines_are_bounded);
    tcase_add_test(tc, heads_are_bounded);
    tcase_add_test(tc, credentials_are_bounded);
    tcase_add_test(tc, the_listener_says_which);
    return leak_run(tc, "proto/http");
}
