#include <stdlib.h>
#include <string.h>

#include "conn_image.h"
#include "leak.h"

static struct image image;

static void
teardown(void)
{
    image_fini(&image);
}

/* One that has something of everything. */
static struct conn_image
full(void)
{
    static const struct handed_ref ref = {.loc = 4096, .bytes = 1000, .sent = 1, .at = 0};
    static const struct handed_parser parser = {.scanned = 1};

    return (struct conn_image){
        .state = HANDED_STALLED,
        .id = 77,
        .requests = 5,
        .protocol = HANDED_BINARY,
        .bytes_in = UINT64_MAX,
        .parser = slice_make((const char *)&parser, sizeof(parser)),
        .output = SLICE("reply"),
        .refs = slice_make((const char *)&ref, sizeof(ref)),
        .task = HANDED_VALUE,
        .tail = SLICE("\r\n"),
        .total = 1001,
    };
}

static struct slice
written(const struct conn_image *conn)
{
    image.len = 0;
    conn_image_write(conn, &image);
    ck_assert(!image.failed);
    return slice_make(image.bytes, image.len);
}

START_TEST(what_is_written_is_read)
{
    struct conn_image conn = full(), got;

    ck_assert_ptr_null(conn_image_read(written(&conn), &got));
    ck_assert_uint_eq(got.state, HANDED_STALLED);
    ck_assert_uint_eq(got.id, 77);
    ck_assert_uint_eq(got.bytes_in, UINT64_MAX);
    ck_assert_uint_eq(got.errors, 0);
    ck_assert(slice_equal(got.output, conn.output));
    ck_assert(slice_equal(got.refs, conn.refs));
    ck_assert(slice_equal(got.tail, conn.tail));
    ck_assert_uint_eq(got.input.len, 0);
}
END_TEST

/* Cut anywhere, or with any byte changed: it is refused, or something within bounds. */
START_TEST(nothing_torn_is_out_of_bounds)
{
    struct conn_image conn = full(), got;
    struct slice all = written(&conn);
    char *copy = malloc(all.len);

    ck_assert_ptr_nonnull(copy);
    for (size_t len = 0; len < all.len; len++) {
        char *cut = malloc(len + 1);

        ck_assert_ptr_nonnull(cut);
        memcpy(cut, all.ptr, len);
        (void)!conn_image_read(slice_make(cut, len), &got);
        free(cut);
    }
    for (size_t i = 0; i < all.len; i++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            memcpy(copy, all.ptr, all.len);
            copy[i] = (char)(copy[i] ^ 1 << bit);
            if (conn_image_read(slice_make(copy, all.len), &got) != NULL)
                continue;
            ck_assert_uint_le(got.state, HANDED_STALLED);
            ck_assert_uint_le(got.task, HANDED_REFUSAL);
            ck_assert_uint_le(got.output.len, BUF_BYTES);
            ck_assert_uint_eq(got.refs.len % sizeof(struct handed_ref), 0);
        }
    }
    free(copy);
}
END_TEST

static const char *
refusal_of(const struct conn_image *conn)
{
    struct conn_image got;
    const char *why = conn_image_read(written(conn), &got);

    return why != NULL ? why : "none";
}

START_TEST(what_cannot_be_is_refused)
{
    static char bytes[BUF_BYTES + 1];
    struct conn_image conn = full();

    conn.id = 0;
    ck_assert_str_eq(refusal_of(&conn), "a connection has no number");
    conn = full();
    conn.role = SESSION_ROLES;
    ck_assert_str_eq(refusal_of(&conn), "a connection's role cannot be that");
    conn = full();
    conn.output = slice_make(bytes, sizeof(bytes));
    ck_assert_str_eq(refusal_of(&conn), "a connection's output is too long");
    conn.output = slice_make(bytes, BUF_BYTES);
    ck_assert_str_eq(refusal_of(&conn), "a connection's output is longer than a buffer");
    conn = full();
    conn.protocol = HANDED_NONE;
    ck_assert_str_eq(refusal_of(&conn), "a connection without a protocol has something to do");
    conn = full();
    conn.stashed = 1;
    ck_assert_str_eq(refusal_of(&conn), "a connection keeps nothing");
    conn = full();
    conn.task_parser = SLICE("x");
    ck_assert_str_eq(refusal_of(&conn), "a connection's state is cut");
}
END_TEST

static bool
is_read(enum handed_protocol protocol, const struct handed_parser *parser,
        struct proto_state *state)
{
    return conn_image_get_parser(protocol, slice_make((const char *)parser, sizeof(*parser)), 5,
                                 state);
}

/* Every combination of what a parser may say: it is refused, or the same when it is written again. */
START_TEST(what_a_parser_remembers_is_checked)
{
    struct handed_parser in = {.word = 0}, again;
    unsigned taken[HANDED_HTTP + 1] = {0};
    struct proto_state state;

    for (unsigned i = 0; i < 4 * 7 * 7 * 32 * 2 * 2; i++) {
        enum handed_protocol protocol = (enum handed_protocol)(i % 4);

        in.scanned = i / 4 % 7;
        in.word = (uint8_t)(i / 28 % 7);
        in.marks = (uint8_t)(i / 196 % 32);
        in.exptime = i / 6272 % 2 == 0 ? 0 : UINT32_MAX;
        in.gat_bytes = i / 12544;
        if (!is_read(protocol, &in, &state))
            continue;
        taken[protocol]++;
        again = conn_image_put_parser(protocol, &state);
        ck_assert_mem_eq(&in, &again, sizeof(in));
    }
    /* Text: between lines or in one that is passed over 2, in get and gets 2 each, in gat and gats 6 marks, 2 times, 2 lengths. */
    ck_assert_uint_eq(taken[HANDED_TEXT], 6 * (2 + 2 * 2 + 2 * 6 * 4));
    ck_assert_uint_eq(taken[HANDED_HTTP], 6);
    ck_assert_uint_eq(taken[HANDED_BINARY] + taken[HANDED_NONE], 0);
    in = (struct handed_parser){.spare = 1};
    ck_assert(!is_read(HANDED_TEXT, &in, &state));
    in = (struct handed_parser){.scanned = UINT16_MAX + 1};
    ck_assert(!conn_image_get_parser(HANDED_TEXT, slice_make((const char *)&in, sizeof(in)),
                                     UINT32_MAX, &state));
    ck_assert(conn_image_get_parser(HANDED_HTTP, slice_make((const char *)&in, sizeof(in)),
                                    UINT32_MAX, &state));
    ck_assert(conn_image_get_parser(HANDED_BINARY, slice_make(NULL, 0), 0, &state));
}
END_TEST

/* What a later version adds. */
START_TEST(unknown_entries_are_passed_over_only_where_they_say_so)
{
    struct conn_image conn = full(), got;

    (void)written(&conn);
    image_put_number(&image, 1000 | IMAGE_OPTIONAL, 1);
    ck_assert_ptr_null(conn_image_read(slice_make(image.bytes, image.len), &got));
    image_put_number(&image, 1000, 1);
    ck_assert_str_eq(conn_image_read(slice_make(image.bytes, image.len), &got),
                     "a connection has what is not known here");
}
END_TEST

int
main(void)
{
    TCase *tc = leak_tcase("conn_image");

    tcase_add_checked_fixture(tc, NULL, teardown);
    tcase_add_test(tc, what_is_written_is_read);
    tcase_add_test(tc, nothing_torn_is_out_of_bounds);
    tcase_add_test(tc, what_cannot_be_is_refused);
    tcase_add_test(tc, what_a_parser_remembers_is_checked);
    tcase_add_test(tc, unknown_entries_are_passed_over_only_where_they_say_so);
    return leak_run(tc, "conn/conn_image");
}
