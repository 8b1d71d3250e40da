#include <stdlib.h>

#include "lombard/base/attr.h"
#include "lombard/proto/proto.h"
#include "leak.h"

/* A reply's header: opcode, key length, extras length, status, body length, CAS. */
#define R(op, key, ext, status, body, cas)                                                     \
    "\x81" op key ext "\0" status body "\x12\x34\x56\x78" cas
#define CAS0  "\0\0\0\0\0\0\0\0"
#define CAS9  "\0\0\0\0\0\0\0\x09"
#define FLAGS "\0\0\0\x05"

/* Every error: status and message. */
#define FAIL(op, status, body, text) R(op, "\0\0", "\0", status, "\0\0\0" body, CAS0) text

struct reply_case {
    uint8_t opcode;
    enum request_op op;
    uint32_t flags;
    enum reply_status status;
    struct slice want;
};

#define ROW(opcode, op, flags, status, want)                                                   \
    {                                                                                          \
        opcode, op, flags, status,                                                             \
        {                                                                                      \
            want, sizeof(want) - 1                                                             \
        }                                                                                      \
    }

/* clang-format off */
static const struct reply_case cases[] = {
    ROW(0x00, OP_GET, 0, REPLY_HIT, R("\x00", "\0\0", "\4", "\0\0", "\0\0\0\x06", CAS9) FLAGS "hi"),
    ROW(0x09, OP_GET, REQ_QUIET, REPLY_HIT, R("\x09", "\0\0", "\4", "\0\0", "\0\0\0\x06", CAS9) FLAGS "hi"),
    ROW(0x0c, OP_GET, REQ_WITH_KEY, REPLY_HIT, R("\x0c", "\0\3", "\4", "\0\0", "\0\0\0\x09", CAS9) FLAGS "foohi"),
    ROW(0x1d, OP_GAT, 0, REPLY_HIT, R("\x1d", "\0\0", "\4", "\0\0", "\0\0\0\x06", CAS9) FLAGS "hi"),
    ROW(0x00, OP_GET, 0, REPLY_MISS, FAIL("\x00", "\0\1", "\x09", "Not found")),
    ROW(0x0c, OP_GET, REQ_WITH_KEY, REPLY_MISS, R("\x0c", "\0\3", "\0", "\0\1", "\0\0\0\3", CAS0) "foo"),
    ROW(0x09, OP_GET, REQ_QUIET, REPLY_MISS, ""),
    ROW(0x0d, OP_GET, REQ_QUIET | REQ_WITH_KEY, REPLY_MISS, ""),
    ROW(0x1e, OP_GAT, REQ_QUIET, REPLY_MISS, ""),
    ROW(0x1e, OP_GAT, REQ_QUIET, REPLY_OUT_OF_MEMORY, FAIL("\x1e", "\0\x82", "\x0d", "Out of memory")),
    ROW(0x1c, OP_TOUCH, 0, REPLY_TOUCHED, R("\x1c", "\0\0", "\4", "\0\0", "\0\0\0\4", CAS9) FLAGS),
    ROW(0x1c, OP_TOUCH, 0, REPLY_NOT_FOUND, FAIL("\x1c", "\0\1", "\x09", "Not found")),
    ROW(0x01, OP_SET, 0, REPLY_STORED, R("\x01", "\0\0", "\0", "\0\0", "\0\0\0\0", CAS9)),
    ROW(0x11, OP_SET, REQ_QUIET, REPLY_STORED, ""),
    ROW(0x11, OP_CAS, REQ_QUIET, REPLY_EXISTS, FAIL("\x11", "\0\2", "\x14", "Data exists for key.")),
    ROW(0x11, OP_CAS, REQ_QUIET, REPLY_NOT_FOUND, FAIL("\x11", "\0\1", "\x09", "Not found")),
    ROW(0x11, OP_SET, REQ_QUIET, REPLY_TOO_LARGE, FAIL("\x11", "\0\3", "\x0a", "Too large.")),
    ROW(0x01, OP_SET, 0, REPLY_OUT_OF_MEMORY, FAIL("\x01", "\0\x82", "\x0d", "Out of memory")),
    ROW(0x02, OP_ADD, 0, REPLY_NOT_STORED, FAIL("\x02", "\0\2", "\x14", "Data exists for key.")),
    ROW(0x12, OP_ADD, REQ_QUIET, REPLY_NOT_STORED, FAIL("\x12", "\0\2", "\x14", "Data exists for key.")),
    ROW(0x03, OP_REPLACE, 0, REPLY_NOT_STORED, FAIL("\x03", "\0\1", "\x09", "Not found")),
    ROW(0x13, OP_REPLACE, REQ_QUIET, REPLY_NOT_STORED, FAIL("\x13", "\0\1", "\x09", "Not found")),
    ROW(0x0e, OP_APPEND, 0, REPLY_NOT_STORED, FAIL("\x0e", "\0\5", "\x0b", "Not stored.")),
    ROW(0x1a, OP_PREPEND, REQ_QUIET, REPLY_NOT_STORED, FAIL("\x1a", "\0\5", "\x0b", "Not stored.")),
    ROW(0x04, OP_DELETE, 0, REPLY_DELETED, R("\x04", "\0\0", "\0", "\0\0", "\0\0\0\0", CAS9)),
    ROW(0x14, OP_DELETE, REQ_QUIET, REPLY_DELETED, ""),
    ROW(0x14, OP_DELETE, REQ_QUIET, REPLY_NOT_FOUND, FAIL("\x14", "\0\1", "\x09", "Not found")),
    ROW(0x05, OP_INCR, 0, REPLY_NUMBER, R("\x05", "\0\0", "\0", "\0\0", "\0\0\0\x08", CAS9) "\1\2\3\4\5\6\7\x08"),
    ROW(0x15, OP_INCR, REQ_QUIET, REPLY_NUMBER, ""),
    ROW(0x16, OP_DECR, REQ_QUIET, REPLY_NON_NUMERIC,
        FAIL("\x16", "\0\6", "\x2e", "Non-numeric server-side value for incr or decr")),
    ROW(0x07, OP_QUIT, 0, REPLY_OK, R("\x07", "\0\0", "\0", "\0\0", "\0\0\0\0", CAS9)),
    ROW(0x17, OP_QUIT, REQ_QUIET, REPLY_OK, ""),
    ROW(0x08, OP_FLUSH, 0, REPLY_OK, R("\x08", "\0\0", "\0", "\0\0", "\0\0\0\0", CAS9)),
    ROW(0x18, OP_FLUSH, REQ_QUIET, REPLY_OK, ""),
    ROW(0x18, OP_FLUSH, REQ_QUIET, REPLY_FLUSH_OFF, FAIL("\x18", "\0\x20", "\x0d", "Auth failure.")),
    ROW(0x0a, OP_NOOP, 0, REPLY_NOOP, R("\x0a", "\0\0", "\0", "\0\0", "\0\0\0\0", CAS9)),
    ROW(0x0b, OP_VERSION, 0, REPLY_TEXT, R("\x0b", "\0\0", "\0", "\0\0", "\0\0\0\5", CAS9) "1.2.3"),
    ROW(0x10, OP_STATS, 0, REPLY_NO_STATS, FAIL("\x10", "\0\1", "\x09", "Not found")),
    ROW(0x10, OP_STATS, 0, REPLY_RESET, R("\x10", "\0\0", "\0", "\0\0", "\0\0\0\0", CAS9)),
    ROW(0x10, OP_STATS, 0, REPLY_INTERNAL, FAIL("\x10", "\0\x84", "\x0e", "Internal error")),
    ROW(0x10, OP_DUMP_CLASS, 0, REPLY_DUMP_OFF, FAIL("\x10", "\0\x20", "\x0d", "Auth failure.")),
    ROW(0x55, OP_REFUSED, 0, REPLY_REFUSED, FAIL("\x55", "\0\x81", "\x0f", "Unknown command")),
};
/* clang-format on */

START_TEST(formats_replies)
{
    const struct reply_case *row = &cases[_i];
    struct request req = {
        .op = row->op,
        .flags = row->flags,
        .echo.binary = {0x12345678, 0x81, row->opcode},
        .key = {"foo", 3},
    };
    struct reply reply = {
        .status = row->status,
        .item = {.value = {"hi", 2}, .value_bytes = 2, .client_flags = 5, .cas = 9},
        .number = UINT64_C(0x0102030405060708),
        .cas = 9,
        .text_bytes = 5,
        .text = "1.2.3",
    };
    char out[PROTO_HEAD_BYTES_MAX];
    struct reply_parts parts = proto_binary.reply(&req, &reply, out);
    size_t n = parts.head_bytes;

    ck_assert_uint_le(n, PROTO_HEAD_BYTES_MAX);
    if (parts.has_value) {
        memcpy(out + n, "hi", 2);
        n += 2;
    }
    ck_assert_uint_eq(parts.tail_bytes, 0);
    ck_assert_uint_eq(n, row->want.len);
    ck_assert_mem_eq(out, row->want.ptr, n);
}
END_TEST

START_TEST(streams_packets)
{
    static const char want[] = R("\x10", "\0\4", "\0", "\0\0", "\0\0\0\x09", CAS0) "namevalue";
    static const char end[] = R("\x10", "\0\0", "\0", "\0\0", "\0\0\0\0", CAS0);
    struct request req = {.op = OP_STATS,
                          .echo.binary = {.opcode = 0x10, .opaque = 0x12345678}};
    struct dump_item item = {.key = {"name", 4}, .value_bytes = 12345};
    char out[PROTO_LINE_BYTES_MAX];

    ck_assert_uint_eq(proto_binary.stream_begin(&req, 0, out), 0);
    ck_assert_uint_eq(proto_binary.dump_line(&req, &item, out), sizeof(want) - 1);
    ck_assert_mem_eq(out + sizeof(want) - 6, "12345", 5);
    ck_assert_uint_eq(proto_binary.stat_line(&req, "name", "value", out), sizeof(want) - 1);
    ck_assert_mem_eq(out, want, sizeof(want) - 1);
    ck_assert_uint_eq(proto_binary.stream_end(&req, 1, out), 0);
    ck_assert_uint_eq(proto_binary.stream_end(&req, 0, out), sizeof(end) - 1);
    ck_assert_mem_eq(out, end, sizeof(end) - 1);
}
END_TEST

START_TEST(values_end_by_themselves)
{
    ck_assert(proto_binary.value_ends(""));
}
END_TEST

int
main(void)
{
    TCase *tc = leak_tcase("mcbp_reply");

    tcase_add_loop_test(tc, formats_replies, 0, ARRAY_LEN(cases));
    tcase_add_test(tc, streams_packets);
    tcase_add_test(tc, values_end_by_themselves);
    return leak_run(tc, "proto/mcbp_reply");
}
