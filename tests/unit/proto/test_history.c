/*
 * What memcached's parsers got wrong at some time, a test each. The commands are
 * fed whole and in pieces, in memory of exactly their size.
 */
#include <stdio.h>
#include <stdlib.h>

#include "lombard/base/attr.h"
#include "lombard/proto/proto.h"
#include "leak.h"
#include "parse.h"

static const struct session session = {.role = ROLE_CLIENT, .authenticated = true};

/* --- Numbers: negative, huge, overflowing, in every field that takes one --- */

#define ZEROS_100                                                                              \
    "0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000" \
    "000000000000"
#define ONES_100                                                                               \
    "1111111111111111111111111111111111111111111111111111111111111111111111111111111111111111" \
    "111111111111"

/* Each kind has its own limits, and its own opinion of signs and zeros. */
enum field {
    LENGTH = 1,  /* 31 bits, less "\r\n" */
    FLAGS = 2,   /* of the classic commands: 64 bits, of which the low 32 count */
    FLAGS32 = 4, /* of ms */
    TIME = 8,    /* 32 bits and a sign */
    TIME64 = 16, /* of the classic store commands: 64 bits likewise */
    U64 = 32,
};

static const struct {
    const char *text;
    unsigned fits; /* in these fields */
} numbers[] = {
    {"0", LENGTH | FLAGS | FLAGS32 | TIME | TIME64 | U64},
    {"-1", TIME | TIME64},
    {"-0", LENGTH | FLAGS | TIME | TIME64},
    {"+1", FLAGS | TIME64},
    {"127", LENGTH | FLAGS | FLAGS32 | TIME | TIME64 | U64},
    {"65536", LENGTH | FLAGS | FLAGS32 | TIME | TIME64 | U64},
    {"2147483645", LENGTH | FLAGS | FLAGS32 | TIME | TIME64 | U64},
    {"2147483646", FLAGS | FLAGS32 | TIME | TIME64 | U64},
    {"2147483647", FLAGS | FLAGS32 | TIME | TIME64 | U64},
    {"2147483648", FLAGS | FLAGS32 | TIME64 | U64},
    {"2147483649", FLAGS | FLAGS32 | TIME64 | U64},
    {"-2147483648", TIME | TIME64},
    {"-2147483649", TIME64},
    {"4294967295", FLAGS | FLAGS32 | TIME64 | U64},
    {"4294967296", FLAGS | TIME64 | U64},
    {"4294967297", FLAGS | TIME64 | U64},
    {"-4294967295", TIME64},
    {"9223372036854775807", FLAGS | TIME64 | U64},
    {"9223372036854775808", FLAGS | U64},
    {"-9223372036854775807", TIME64},
    {"-9223372036854775808", TIME64},
    {"-9223372036854775809", FLAGS},
    {"18446744073709551615", FLAGS | U64},
    {"-18446744073709551615", FLAGS},
    {"18446744073709551616", 0},
    {"-18446744073709551616", 0},
    {"36893488147419103232", 0},
    {"00000000007", LENGTH | FLAGS | FLAGS32 | TIME | TIME64 | U64},
    {"000000000007", FLAGS | TIME64 | U64},
    {"0018446744073709551615", FLAGS | U64},
    {"00018446744073709551615", FLAGS},
    {ZEROS_100 "0", FLAGS | TIME64},
    {ZEROS_100 "18446744073709551616", 0},
    {ONES_100 ONES_100 ONES_100 ONES_100, 0},
    {"1e3", 0},
    {"0x10", 0},
    {"1.5", 0},
    {"5\t7", FLAGS | TIME64},
    {"\t5", FLAGS | TIME64},
    {"", 0},
    {"-", LENGTH | TIME},
    {"+", 0},
    {"--1", 0},
    {"1-", 0},
};

static const struct {
    const char *before; /* the number */
    const char *after;
    enum field field;
    bool value; /* a value follows where it is accepted */
} fields[] = {
    {"set a ", " 0 1\r\n", FLAGS, true},     {"add a ", " 0 1\r\n", FLAGS, true},
    {"set a 0 ", " 1\r\n", TIME64, true},    {"replace a 0 ", " 1\r\n", TIME64, true},
    {"cas a 0 ", " 1 1\r\n", TIME64, true},  {"set a 0 0 ", "\r\n", LENGTH, true},
    {"append a 0 0 ", "\r\n", LENGTH, true}, {"prepend a 0 0 ", "\r\n", LENGTH, true},
    {"cas a 0 0 ", " 1\r\n", LENGTH, true},  {"cas a 0 0 1 ", "\r\n", U64, true},
    {"incr a ", "\r\n", U64, false},         {"decr a ", "\r\n", U64, false},
    {"touch a ", "\r\n", TIME, false},       {"gat ", " a\r\n", TIME, false},
    {"gats ", " a\r\n", TIME, false},        {"flush_all ", " \r\n", TIME, false},
    {"mg a T", "\r\n", TIME, false},         {"mg a N", "\r\n", TIME, false},
    {"mg a R", "\r\n", TIME, false},         {"mg a E", "\r\n", U64, false},
    {"mg a C", "\r\n", U64, false},          {"ms a ", "\r\n", LENGTH, true},
    {"ms a 1 T", "\r\n", TIME, true},        {"ms a 1 N", "\r\n", TIME, true},
    {"ms a 1 F", "\r\n", FLAGS32, true},     {"ms a 1 C", "\r\n", U64, true},
    {"ms a 1 E", "\r\n", U64, true},         {"md a C", "\r\n", U64, false},
    {"md a T", "\r\n", TIME, false},         {"md a x F", "\r\n", FLAGS32, false},
    {"ma a D", "\r\n", U64, false},          {"ma a J", "\r\n", U64, false},
    {"ma a N", "\r\n", TIME, false},         {"ma a T", "\r\n", TIME, false},
};

/* Parse one command; 1 when it is accepted. What it says of its body must be sane. */
static bool
is_accepted(const char *line, bool value)
{
    struct request req;
    size_t used;

    ck_assert_int_eq(parse_first(slice_make(line, strlen(line)), &req, &used), PARSE_COMPLETE);
    ck_assert_uint_le(req.body_bytes, INT32_MAX);
    if (req.op == OP_REFUSED || req.refusal.len > 0)
        return false;
    ck_assert_uint_eq(used, strlen(line));
    ck_assert_uint_eq(req.body_bytes, value ? req.value_bytes + REQUEST_TAIL_BYTES : 0);
    return true;
}

START_TEST(numbers_that_do_not_fit_are_refused)
{
    char line[1024];

    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        /* Without a number, this is another command, or none. */
        if (numbers[i].text[0] == '\0' && strchr("gf", fields[_i].before[0]) != NULL)
            continue;
        (void)snprintf(line, sizeof(line), "%s%s%s", fields[_i].before, numbers[i].text,
                       fields[_i].after);
        ck_assert_msg(is_accepted(line, fields[_i].value) ==
                          ((numbers[i].fits & fields[_i].field) != 0),
                      "%s", line);
    }
}
END_TEST

/* --- Bytes that are no commands --- */

#define ERR                      "refused \"ERROR\\r\\n\"\n"
#define BAD                      "refused \"CLIENT_ERROR bad command line format\\r\\n\"\n"
#define UNKNOWN                  "refused_open \"Unknown command\" close status=129\n"
#define INVALID                  "refused \"Invalid arguments\" close status=4\n"
#define FLAG                     "refused \"CLIENT_ERROR invalid or duplicate flag\\r\\n\"\n"
#define HEAD(op, key, ext, body) "\x80" op key ext "\0\0\0" body "\0\0\0\0\0\0\0\0\0\0\0\0"

/* clang-format off */
static const struct parse_case rows[] = {
    /* Reading before the buffer when a line is nothing but its end (CVE-2023-46853). */
    ROW("newline alone", "\n\n\nversion\n", BAD BAD BAD "version\n"),
    ROW("carriage return alone", "\r\n\r\r\n\rversion\n", BAD BAD ERR),
    ROW("spaces, then a newline", "    \n  \r\nversion\n", ERR ERR "version\n"),
    /* Keys counted wrongly when there are many spaces between them (CVE-2023-46852). */
    ROW("multiget of spaces", "get                                        a         b\n",
        "get key=a\nget key=b last\n"),
    ROW("meta get of spaces", "mg      a      v      \nmg      \nmn\r\n",
        "mg key=a meta delta=1 seen=v\n" BAD "noop\n"),
    ROW("spaces at the end of everything", "version   \nset a 0 0 1   \nx\r\ndelete a   \nmn   \n",
        "version\nset key=a bytes=1 body=3\ndelete key=a\nnoop\n"),
    /* A crafted body length became a negative value length (CVE-2016-8704, -8705, -8706). */
    ROW("binary append with a short body", HEAD("\x0e", "\0\xfa", "\0", "\0\0\0\0"), UNKNOWN),
    ROW("binary prependq with a short body", HEAD("\x1a", "\0\xfa", "\0", "\0\0\0\1"), UNKNOWN),
    ROW("binary set with a short body", HEAD("\x01", "\0\xfa", "\x08", "\0\0\0\0"), UNKNOWN),
    ROW("binary replaceq, body one short", HEAD("\x13", "\0\2", "\x08", "\0\0\0\x09"), UNKNOWN),
    ROW("binary incr, body one short", HEAD("\x05", "\0\1", "\x14", "\0\0\0\x14"), UNKNOWN),
    ROW("binary SASL with a short body", HEAD("\x21", "\0\5", "\0", "\0\0\0\1"), UNKNOWN),
    /* Extras copied to the stack by their own length (CVE-2020-10931). */
    ROW("binary get with 255 bytes of extras", HEAD("\x00", "\0\0", "\xff", "\0\0\0\x04"), UNKNOWN),
    ROW("binary set with 255 bytes of extras", HEAD("\x01", "\0\1", "\xff", "\0\0\1\x05"), INVALID),
    ROW("binary touch with 255 bytes of extras", HEAD("\x1c", "\0\1", "\xff", "\0\0\1\0"), INVALID),
    ROW("binary flush with 255 bytes of extras", HEAD("\x08", "\0\0", "\xff", "\0\0\0\xff"), INVALID),
    /* The last word was read without looking whether there is one (CVE-2019-11596). */
    ROW("lru mode", "lru mode\r\nlru temp_ttl\r\nlru tune\r\nlru\r\nversion\r\n",
        ERR ERR ERR ERR "version\n"),
    ROW("key of 0 bytes", "get \r\nset  0 0 1\r\ndelete \r\nincr  1\r\nmg  \r\nma \r\n",
        BAD BAD BAD BAD BAD BAD),
    ROW("meta flag letters alone", "md a \r\nmd a  q  \r\nma a  v\r\n",
        "md key=a meta delta=1 seen=\nmd key=a quiet meta delta=1 seen=q\n"
        "ma key=a meta delta=1 seen=v\n"),
    ROW("noreply alone", "noreply\r\nnoreply noreply\r\nset noreply\r\n",
        "refused \"\"\nrefused \"\"\n" BAD),
};
/* clang-format on */

START_TEST(rows_give_these_requests)
{
    parse_check(&rows[_i]);
}
END_TEST

/* --- Meta flags: twice, without an argument, with too long a one --- */

START_TEST(each_meta_flag_alone_twice_and_too_long)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    static const char *const commands[] = {"mg a", "ms a 1", "md a", "ma a"};
    char line[LINE_BYTES_MAX];

    for (size_t i = 0; i < sizeof(letters) - 1; i++) {
        const char *command = commands[_i];
        const char c = letters[i];

        (void)snprintf(line, sizeof(line), "%s %c %c\r\n", command, c, c);
        ck_assert_msg(!is_accepted(line, _i == 1), "%s", line);
        (void)snprintf(line, sizeof(line), "%s %c\r\n", command, c);
        if (strchr("CDEFJNRT", c) != NULL) /* of M, mg and md do not look at what it is */
            ck_assert_msg(!is_accepted(line, _i == 1), "%s", line);
        (void)snprintf(line, sizeof(line), "%s %c%02000d\r\n", command, c, 1);
        if (strchr("CDEFJNORT", c) != NULL)
            ck_assert_msg(!is_accepted(line, _i == 1), "%s", line);
        else
            (void)is_accepted(line, _i == 1);
    }
}
END_TEST

/* --- Commands of operators, with any number of words --- */

START_TEST(admin_commands_take_any_number_of_words)
{
    static const char *const commands[] = {
        "stats",
        "slabs",
        "lru",
        "lru_crawler",
        "cache_memlimit",
        "watch",
        "refresh_certs",
        "verbosity",
        "shutdown",
        "flush_all",
        "stats cachedump",
        "stats detail",
        "slabs reassign",
        "slabs automove",
        "lru_crawler metadump",
        "lru_crawler mgdump",
        "lru_crawler crawl",
        "lru_crawler sleep",
        "lru_crawler tocrawl",
        "lru_crawler enable",
        "lru_crawler disable",
        "version",
        "quit",
        "extstore",
        "misbehave",
        "debugtime",
    };
    static const char *const words[] = {"1",      "x", "-1", "all", "99999999999999999999",
                                        "noreply"};
    static char got[PARSE_TEXT_BYTES];
    char line[512];

    for (size_t w = 0; w < ARRAY_LEN(words); w++) {
        for (unsigned count = 0; count <= 12; count++) {
            size_t n = (size_t)snprintf(line, sizeof(line), "%s", commands[_i]);

            for (unsigned i = 0; i < count; i++)
                n += (size_t)snprintf(line + n, sizeof(line) - n, " %s", words[w]);
            n += (size_t)snprintf(line + n, sizeof(line) - n, "\r\n");
            parse_cut(slice_make(line, n), SIZE_MAX, got);
            ck_assert_ptr_nonnull(strchr(got, '\n'));
            ck_assert_ptr_eq(strchr(got, '\n'), strrchr(got, '\n'));
        }
    }
}
END_TEST

/* --- Sizes --- */

/* 18,725 keys in a line of 187 KB. */
START_TEST(multiget_of_18725_keys)
{
    enum { KEYS = 18725 };
    static char line[KEYS * 10 + 16];
    static char got[PARSE_TEXT_BYTES];
    size_t n = (size_t)snprintf(line, sizeof(line), "get");
    unsigned lines = 0;

    for (int i = 0; i < KEYS; i++)
        n += (size_t)snprintf(line + n, sizeof(line) - n, " key-%05d", i);
    n += (size_t)snprintf(line + n, sizeof(line) - n, "\r\n");
    parse_cut(slice_make(line, n), n / 2, got);
    for (const char *p = got; (p = strchr(p, '\n')) != NULL; p++)
        lines++;
    ck_assert_uint_eq(lines, KEYS);
    ck_assert_ptr_nonnull(strstr(got, "get key=key-00000\n"));
    ck_assert_ptr_nonnull(strstr(got, "get key=key-18724 last\n"));
}
END_TEST

/* A storm of commands that nobody answers leaves the stream in step. */
START_TEST(noreply_storm)
{
    enum { ROUNDS = 500 };
    static const char round[] = "set a 0 0 3 noreply\r\nabc\r\nincr a x noreply\r\n"
                                "delete a 1 noreply\r\ntouch a 0 noreply\r\n"
                                "flush_all noreply\r\nset a 0 0 -1 noreply\r\n";
    static char storm[ROUNDS * sizeof(round) + 16];
    static char got[PARSE_TEXT_BYTES];
    size_t n = 0;

    for (int i = 0; i < ROUNDS; i++) {
        memcpy(storm + n, round, sizeof(round) - 1);
        n += sizeof(round) - 1;
    }
    memcpy(storm + n, "version\r\n", 9);
    parse_cut(slice_make(storm, n + 9), 7777, got);
    ck_assert_str_eq(strrchr(got, 'v'), "version\n");
}
END_TEST

/* Any byte, anywhere in a line: an answer, and then the next line. */
START_TEST(hostile_bytes)
{
    static const char *const begins[] = {"",      "get ",    "set ", "mg ",
                                         "mg a ", "ms a 1 ", "g",    "stats "};
    char line[64];

    for (size_t i = 0; i < 256 * ARRAY_LEN(begins); i++) {
        const char *begin = begins[i / 256];
        size_t len = strlen(begin);
        struct proto_state state = {.text = {.exptime = 0}};
        struct request req;
        size_t used;

        memcpy(line, begin, len);
        line[len] = (char)(i % 256);
        memcpy(line + len + 1, "x\nversion\n", 10);
        if (proto_text.parse(&state, &session, slice_make(line, len + 11), &req, &used) !=
            PARSE_COMPLETE)
            ck_abort_msg("byte %zu behind '%s'", i % 256, begin);
    }
}
END_TEST

/* No bytes at random are too much for a parser; whatever it says can be stepped over. */
START_TEST(random_bytes)
{
    static const char alphabet[] = "gets mgd aTvk0 1-\r\n\0\x80\xff";
    uint64_t seed = 0x9e3779b97f4a7c15U * (uint64_t)(_i + 1);
    static char got[PARSE_TEXT_BYTES];
    static char again[PARSE_TEXT_BYTES];
    char input[400];

    for (int round = 0; round < 60; round++) {
        for (size_t i = 0; i < sizeof(input); i++) {
            seed = seed * 6364136223846793005U + 1442695040888963407U;
            input[i] = alphabet[(seed >> 33) % (sizeof(alphabet) - 1)];
        }
        if (_i % 2 == 1) /* binary: keep the bytes, but begin like a packet */
            memcpy(input, "\x80\x01\0\1\x08\0\0\0\0\0\0\x09", 12);
        parse_cut(slice_make(input, sizeof(input)), 0, got);
        parse_cut(slice_make(input, sizeof(input)), SIZE_MAX, again);
        ck_assert_str_eq(got, again);
        parse_cut(slice_make(input, sizeof(input)), (size_t)(seed >> 40) % 400, again);
        ck_assert_str_eq(got, again);
    }
}
END_TEST

/* Which commands, refused for size or memory, drop the value that they were to overwrite. */
static const struct {
    const char *input;
    size_t bytes;
    bool overwrites;
} refusable[] = {
#define REFUSABLE(input, overwrites)                                                           \
    {                                                                                          \
        input, sizeof(input) - 1, overwrites                                                   \
    }
#define STORE_PACKET(opcode, cas)                                                              \
    "\x80" opcode "\0\1\x08\0\0\0\0\0\0\x09\0\0\0\0\0\0\0\0\0\0\0" cas "\0\0\0\0\0\0\0\0a"
    REFUSABLE("set a 0 0 1\r\n", true),
    REFUSABLE("set a 0 0 1 noreply\r\n", true),
    REFUSABLE("add a 0 0 1\r\n", false),
    REFUSABLE("replace a 0 0 1\r\n", false),
    REFUSABLE("append a 0 0 1\r\n", false),
    REFUSABLE("cas a 0 0 1 7\r\n", false),
    REFUSABLE("ms a 1\r\n", true),
    REFUSABLE("ms a 1 ME\r\n", true),
    REFUSABLE("ms a 1 MA N0\r\n", true),
    REFUSABLE("ms a 1 MR C7\r\n", true),
    REFUSABLE(STORE_PACKET("\x01", "\0"), true),
    REFUSABLE(STORE_PACKET("\x01", "\7"), true),
    REFUSABLE(STORE_PACKET("\x11", "\7"), true),
    REFUSABLE(STORE_PACKET("\x02", "\0"), false),
    REFUSABLE(STORE_PACKET("\x03", "\7"), false),
};

START_TEST(a_refused_set_overwrites_and_others_do_not)
{
    struct slice in = slice_make(refusable[_i].input, refusable[_i].bytes);
    struct request req;
    size_t used;

    ck_assert_int_eq(parse_first(in, &req, &used), PARSE_COMPLETE);
    ck_assert_uint_eq(used, in.len);
    ck_assert_int_ne(req.op, OP_REFUSED);
    ck_assert_int_eq((req.flags & REQ_OVERWRITE) != 0, refusable[_i].overwrites);
}
END_TEST

int
main(void)
{
    TCase *tc = leak_tcase("history");

    tcase_add_loop_test(tc, numbers_that_do_not_fit_are_refused, 0, ARRAY_LEN(fields));
    tcase_add_loop_test(tc, rows_give_these_requests, 0, ARRAY_LEN(rows));
    tcase_add_loop_test(tc, each_meta_flag_alone_twice_and_too_long, 0, 4);
    tcase_add_loop_test(tc, admin_commands_take_any_number_of_words, 0, 26);
    tcase_add_test(tc, multiget_of_18725_keys);
    tcase_add_test(tc, noreply_storm);
    tcase_add_test(tc, hostile_bytes);
    tcase_add_loop_test(tc, a_refused_set_overwrites_and_others_do_not, 0,
                        ARRAY_LEN(refusable));
    tcase_add_loop_test(tc, random_bytes, 0, 8);
    return leak_run(tc, "proto/history");
}
