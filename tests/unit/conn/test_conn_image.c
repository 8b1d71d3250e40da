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
    static const struct proto_state state;

    return (struct conn_image){
        .state = HANDED_STALLED,
        .id = 77,
        .requests = 5,
        .protocol = HANDED_BINARY,
        .bytes_in = UINT64_MAX,
        .proto_state = slice_make((const char *)&state, sizeof(state)),
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
    conn.task_state = SLICE("x");
    ck_assert_str_eq(refusal_of(&conn), "a connection's state is cut");
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
    tcase_add_test(tc, unknown_entries_are_passed_over_only_where_they_say_so);
    return leak_run(tc, "conn/conn_image");
}
