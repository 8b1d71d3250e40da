#include <stdlib.h>

#include "lombard/base/attr.h"
#include "lombard/proto/proto.h"
#include "leak.h"
#include "parse.h"

/* A header: opcode, key length, extras length and body length as they are on the wire. */
#define H(op, key, ext, body)  "\x80" op key ext "\0\0\0" body "\0\0\0\x07" CAS0
#define HC(op, key, ext, body) "\x80" op key ext "\0\0\0" body "\0\0\0\x07" CAS9
#define CAS0                   "\0\0\0\0\0\0\0\0"
#define CAS9                   "\0\0\0\0\0\0\0\x09"
#define NOOP                   H("\x0a", "\0\0", "\0", "\0\0\0\0")
#define E20                                                                                    \
    "\0\0\0\0\0\0\0\x05"                                                                       \
    "\0\0\0\0\0\0\0\x06"                                                                       \
    "\0\0\0\x0a"

#define UNKNOWN_CLOSE "refused_open \"Unknown command\" close opaque=7 status=129\n"
#define INVALID       "refused \"Invalid arguments\" close opaque=7 status=4\n"
#define INVALID_OPEN  "refused_open \"Invalid arguments\" close opaque=7 status=4\n"
#define UNKNOWN       "refused \"Unknown command\""
#define THEN          " opaque=7 status=129\n"
#define NOOPED        "noop opaque=7\n"

/* clang-format off */
static const struct parse_case good_cases[] = {
    ROW("get family",
        H("\x00", "\0\1", "\0", "\0\0\0\1") "a"
        H("\x09", "\0\1", "\0", "\0\0\0\1") "a"
        H("\x0c", "\0\1", "\0", "\0\0\0\1") "a"
        H("\x0d", "\0\1", "\0", "\0\0\0\1") "a",
        "get key=a with_cas opaque=7\nget key=a quiet with_cas opaque=7\n"
        "get key=a with_cas with_key opaque=7\nget key=a quiet with_cas with_key opaque=7\n"),
    ROW("gat family",
        H("\x1d", "\0\1", "\4", "\0\0\0\5") "\0\0\0\x1e" "a"
        H("\x1e", "\0\1", "\4", "\0\0\0\5") "\0\0\0\x1e" "a"
        H("\x23", "\0\1", "\4", "\0\0\0\5") "\0\0\0\x1e" "a"
        H("\x24", "\0\1", "\4", "\0\0\0\5") "\0\0\0\x1e" "a"
        H("\x1c", "\0\1", "\4", "\0\0\0\5") "\0\0\0\x1e" "a",
        "gat key=a exptime=30 opaque=7\ngat key=a quiet exptime=30 opaque=7\n"
        "gat key=a with_key exptime=30 opaque=7\ngat key=a quiet with_key exptime=30 opaque=7\n"
        "touch key=a exptime=30 opaque=7\n"),
    ROW("store family",
        H("\x01", "\0\1", "\x08", "\0\0\0\x0b") "\0\0\0\5\0\0\0\x0a" "ahi"
        H("\x12", "\0\1", "\x08", "\0\0\0\x0b") "\0\0\0\5\0\0\0\x0a" "ahi"
        H("\x03", "\0\1", "\x08", "\0\0\0\x09") "\0\0\0\0\0\0\0\0" "a"
        H("\x0e", "\0\1", "\0", "\0\0\0\3") "ahi"
        H("\x1a", "\0\1", "\0", "\0\0\0\3") "ahi" NOOP,
        "set key=a client_flags=5 exptime=10 bytes=2 body=2 opaque=7\n"
        "add key=a quiet client_flags=5 exptime=10 bytes=2 body=2 opaque=7\n"
        "replace key=a opaque=7\nappend key=a bytes=2 body=2 opaque=7\n"
        "prepend key=a quiet bytes=2 body=2 opaque=7\n"
        NOOPED),
    ROW("with a CAS",
        HC("\x01", "\0\1", "\x08", "\0\0\0\x09") CAS0 "a"
        HC("\x02", "\0\1", "\x08", "\0\0\0\x09") CAS0 "a"
        HC("\x0e", "\0\1", "\0", "\0\0\0\1") "a"
        HC("\x04", "\0\1", "\0", "\0\0\0\1") "a",
        "set key=a cas=9 opaque=7\nadd key=a cas=9 opaque=7\nappend key=a cas=9 opaque=7\n"
        "delete key=a cas=9 opaque=7\n"),
    ROW("incr and decr",
        H("\x05", "\0\1", "\x14", "\0\0\0\x15") E20 "a"
        H("\x16", "\0\1", "\x14", "\0\0\0\x15") E20 "a",
        "incr key=a vivify exptime=10 delta=5 initial=6 opaque=7\n"
        "decr key=a quiet vivify exptime=10 delta=5 initial=6 opaque=7\n"),
    ROW("incr that shall not create",
        H("\x05", "\0\1", "\x14", "\0\0\0\x15") CAS9 CAS9 "\xff\xff\xff\xff" "a",
        "incr key=a exptime=4294967295 delta=9 initial=9 opaque=7\n"),
    ROW("without a key",
        NOOP
        H("\x0b", "\0\0", "\0", "\0\0\0\0")
        H("\x08", "\0\0", "\0", "\0\0\0\0")
        H("\x18", "\0\0", "\4", "\0\0\0\4") "\0\0\0\x0a"
        H("\x1b", "\0\0", "\4", "\0\0\0\4") "\0\0\0\2"
        H("\x10", "\0\0", "\0", "\0\0\0\0")
        H("\x10", "\0\5", "\0", "\0\0\0\5") "items",
        NOOPED "version opaque=7\nflush opaque=7\nflush quiet exptime=10 opaque=7\n"
        "verbosity delta=2 opaque=7\nstats opaque=7\nstats key=items opaque=7\n"),
    ROW("quit",
        H("\x07", "\0\0", "\0", "\0\0\0\0") NOOP, "quit close opaque=7\n"),
    ROW("quitq",
        H("\x17", "\0\0", "\0", "\0\0\0\0") NOOP, "quit quiet close opaque=7\n"),
    ROW("any byte in a key",
        H("\x00", "\0\4", "\0", "\0\0\0\4") "a \r\n" NOOP,
        "get key=a \\r\\n with_cas opaque=7\n"
        NOOPED),
    ROW("data type and vbucket do not matter", "\x80\x0a\0\0\0\x05\x12\x34\0\0\0\0\0\0\0\7" CAS0,
        NOOPED),
};

 static const struct parse_case bad_cases[] = {
    ROW("unknown opcodes",
        H("\x2f", "\0\0", "\0", "\0\0\0\0")
        H("\x25", "\0\5", "\0", "\0\0\0\7") "PLAINxx"
        H("\xff", "\0\1", "\1", "\0\0\0\3") "abc"
        H("\x26", "\0\0", "\0", "\0\0\0\0") NOOP,
        UNKNOWN THEN UNKNOWN " body=7" THEN UNKNOWN " body=3" THEN UNKNOWN THEN NOOPED),
    ROW("key longer than the body",
        H("\x00", "\0\2", "\0", "\0\0\0\1") "a" NOOP, UNKNOWN_CLOSE),
    ROW("extras longer than the body",
        H("\x00", "\0\0", "\x14", "\0\0\0\4") NOOP, UNKNOWN_CLOSE),
    ROW("both longer than the body",
        H("\x01", "\0\4", "\x08", "\0\0\0\x0b") NOOP, UNKNOWN_CLOSE),
    ROW("unknown, and longer than the body",
        H("\x40", "\0\0", "\x14", "\0\0\0\4") NOOP, UNKNOWN_CLOSE),
    ROW("key of 251",
        H("\x00", "\0\xfb", "\0", "\0\0\0\xfb") NOOP, INVALID),
    ROW("key of 65535",
        H("\x00", "\xff\xff", "\0", "\0\0\xff\xff") NOOP, INVALID),
    ROW("get without a key",
        H("\x00", "\0\0", "\0", "\0\0\0\0") NOOP, INVALID),
    ROW("get with a value",
        H("\x00", "\0\1", "\0", "\0\0\0\2") "ab" NOOP, INVALID),
    ROW("get with extras",
        H("\x00", "\0\1", "\4", "\0\0\0\5") "\0\0\0\0a" NOOP, INVALID),
    ROW("set without extras",
        H("\x01", "\0\1", "\0", "\0\0\0\1") "a" NOOP, INVALID),
    ROW("set without a key",
        H("\x01", "\0\0", "\x08", "\0\0\0\x08") CAS0 NOOP, INVALID),
    ROW("append with extras",
        H("\x0e", "\0\1", "\4", "\0\0\0\6") "\0\0\0\0ab" NOOP, INVALID),
    ROW("append without a key",
        H("\x0e", "\0\0", "\0", "\0\0\0\1") "a" NOOP, INVALID),
    ROW("incr with short extras",
        H("\x05", "\0\1", "\x08", "\0\0\0\x09") CAS0 "a" NOOP, INVALID),
    ROW("incr with a value",
        H("\x05", "\0\1", "\x14", "\0\0\0\x16") E20 "ab" NOOP, INVALID),
    ROW("touch without extras",
        H("\x1c", "\0\1", "\0", "\0\0\0\1") "a" NOOP, INVALID),
    ROW("flush with a key",
        H("\x08", "\0\1", "\0", "\0\0\0\1") "a" NOOP, INVALID),
    ROW("flush with two bytes of extras",
        H("\x08", "\0\0", "\2", "\0\0\0\2") "ab" NOOP, INVALID),
    ROW("noop with a body",
        H("\x0a", "\0\0", "\0", "\0\0\0\1") "a" NOOP, INVALID),
    ROW("version with a key",
        H("\x0b", "\0\1", "\0", "\0\0\0\1") "a" NOOP, INVALID_OPEN),
    ROW("stat with extras",
        H("\x10", "\0\0", "\4", "\0\0\0\4") "abcd" NOOP, INVALID),
    ROW("quit with a body",
        H("\x07", "\0\0", "\0", "\0\0\0\1") "a" NOOP, INVALID_OPEN),
    ROW("another magic", NOOP "\x81\x0a\0\0", NOOPED "refused_open \"\" quiet close\n"),
    ROW("text in a binary connection", NOOP "version\r\n", NOOPED "refused_open \"\" quiet close\n"),
    ROW("binary in a text connection",
        "version\r\n\x80\x0a\0\0\0\0\0\0\0\0\0\0\0\0\0\n",
        "version\nrefused \"CLIENT_ERROR bad command line format\\r\\n\"\nrefused \"ERROR\\r\\n\"\n"),
};
/* clang-format on */

START_TEST(good_packets_give_these_requests)
{
    parse_check(&good_cases[_i]);
}
END_TEST

START_TEST(bad_packets_give_these_refusals)
{
    parse_check(&bad_cases[_i]);
}
END_TEST

/* As memcached: a body of more than a gigabyte is believed of no packet. */
START_TEST(believes_no_body_of_more_than_a_gigabyte)
{
    static const char largest[] = H("\x01", "\0\1", "\x08", "\x40\0\0\0") CAS0 "a";
    static const char bodies[][4] = {"\x40\0\0\1", "\x7f\xff\xff\xff", "\x80\0\0\0",
                                     "\xff\xff\xff\xff"};
    struct request req;
    size_t used;

    ck_assert_int_eq(parse_first(slice_make(largest, sizeof(largest) - 1), &req, &used),
                     PARSE_COMPLETE);
    ck_assert_int_eq(req.op, OP_SET);
    ck_assert_uint_eq(used, sizeof(largest) - 1);
    ck_assert_uint_eq(req.value_bytes, (UINT64_C(1) << 30) - 9);
    ck_assert_uint_eq(req.body_bytes, (UINT64_C(1) << 30) - 9);
    for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
        char packet[sizeof(largest)];

        memcpy(packet, largest, sizeof(largest));
        memcpy(packet + 8, bodies[i], 4);
        for (int opcode = 0; opcode < 256; opcode++) {
            packet[1] = (char)opcode;
            ck_assert_int_eq(parse_first(slice_make(packet, sizeof(packet) - 1), &req, &used),
                             PARSE_COMPLETE);
            ck_assert_int_eq(req.op, OP_REFUSED_OPEN);
            ck_assert_uint_eq(req.echo.binary.refusal_status, 4);
            ck_assert_uint_eq(req.flags, REQ_CLOSE);
            ck_assert_uint_eq(req.body_bytes, 0);
        }
    }
}
END_TEST

START_TEST(the_first_byte_says_which_protocol_it_is)
{
    for (int byte = 0; byte < 256; byte++)
        ck_assert_ptr_eq(proto_detect(ROLE_CLIENT, (unsigned char)byte),
                         byte == 0x80 ? &proto_binary : &proto_text);
    ck_assert_str_eq(proto_name(NULL), "unknown");
    ck_assert_str_eq(proto_name(&proto_text), "text");
    ck_assert_str_eq(proto_name(&proto_binary), "binary");
}
END_TEST

int
main(void)
{
    TCase *tc = leak_tcase("mcbp");

    tcase_add_loop_test(tc, good_packets_give_these_requests, 0, ARRAY_LEN(good_cases));
    tcase_add_loop_test(tc, bad_packets_give_these_refusals, 0, ARRAY_LEN(bad_cases));
    tcase_add_test(tc, believes_no_body_of_more_than_a_gigabyte);
    tcase_add_test(tc, the_first_byte_says_which_protocol_it_is);
    return leak_run(tc, "proto/mcbp");
}
