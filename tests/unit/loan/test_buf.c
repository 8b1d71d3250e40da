#include <string.h>
#include <sys/uio.h>

#include "lombard/loan/buf.h"
#include "leak.h"

/* --- A buffer whose released references are counted, and whose output is collected --- */

static struct buf buf;
static unsigned released;
static const void *last_released;

static void
on_release(void *ctx, const void *base)
{
    ck_assert_ptr_eq(ctx, &buf);
    released++;
    last_released = base;
}

static const struct buf_owner owner = {on_release, &buf};

static void
setup(void)
{
    memset(&buf, 0xdb, sizeof(buf));
    buf_init(&buf);
    released = 0;
    last_released = NULL;
}

/* Send at most N bytes, appending them to OUT: what a socket does. */
static size_t
send_some(char *out, size_t n)
{
    struct iovec iov[8];
    int count = buf_iovecs(&buf, iov, 8, n);
    size_t sent = 0;

    for (int i = 0; i < count; i++) {
        memcpy(out + sent, iov[i].iov_base, iov[i].iov_len);
        sent += iov[i].iov_len;
    }
    ck_assert_uint_le(sent, n);
    buf_consumed(&buf, sent, &owner);
    return sent;
}

static void
produce(const char *text)
{
    memcpy(buf_tail(&buf), text, strlen(text));
    buf_produced(&buf, strlen(text));
}

/* --- Tests --- */

START_TEST(starts_empty)
{
    ck_assert(buf_is_empty(&buf));
    ck_assert_uint_eq(buf_room(&buf), BUF_BYTES);
    ck_assert_uint_eq(buf_pending_bytes(&buf), 0);
    ck_assert_uint_eq(sizeof(struct buf), BUF_TOTAL_BYTES);
}
END_TEST

/* The bug this design once had: bytes were formatted, and the buffer did not know. */
START_TEST(formatting_makes_it_needed)
{
    produce("VALUE ");
    ck_assert(!buf_is_empty(&buf));
    ck_assert_uint_eq(buf.write_off, 6);
    ck_assert_uint_eq(buf_room(&buf), BUF_BYTES - 6);
    ck_assert_uint_eq(buf_pending_bytes(&buf), 6);
}
END_TEST

/* Second half of that bug: a send that stops inside the header leaves it needed. */
START_TEST(partial_send_leaves_the_rest)
{
    char out[64] = "";

    produce("VALUE key 0 3\r\n");
    ck_assert_uint_eq(send_some(out, 4), 4);
    ck_assert(!buf_is_empty(&buf));
    ck_assert_uint_eq(buf.read_off, 4);
    ck_assert_uint_eq(buf_pending_bytes(&buf), 11);
    ck_assert_uint_eq(send_some(out + 4, 64), 11);
    ck_assert_str_eq(out, "VALUE key 0 3\r\n");
    ck_assert(buf_is_empty(&buf));
    ck_assert_uint_eq(buf.write_off, 0);
    ck_assert_uint_eq(buf.read_off, 0);
}
END_TEST

START_TEST(offsets_meet_before_they_reset)
{
    char out[64];

    produce("abc");
    (void)send_some(out, 2);
    produce("def");
    ck_assert_uint_eq(buf.write_off, 6); /* queued bytes did not move */
    ck_assert_uint_eq(buf.read_off, 2);
    ck_assert_int_eq(memcmp(buf_pending(&buf).ptr, "cdef", 4), 0);
}
END_TEST

/* bytes ref bytes ref ref bytes, cut after every number of bytes. */
START_TEST(mixed_output_cut_anywhere)
{
    static const char want[] = "one<first>two<second><third>end";
    static const char first[] = "<first>";
    static const char second[] = "<second>";
    static const char third[] = "<third>";
    size_t len = sizeof(want) - 1;
    size_t cut = (size_t)_i;
    char out[64] = "";
    size_t sent;

    produce("one");
    buf_append_ref(&buf, SLICE(first));
    buf_append(&buf, SLICE("two"));
    buf_append_ref(&buf, SLICE(second));
    buf_append_ref(&buf, SLICE(third));
    buf_append(&buf, SLICE("end"));
    ck_assert_uint_eq(buf_pending_bytes(&buf), len);
    sent = send_some(out, cut);
    ck_assert_uint_eq(sent, cut);
    ck_assert_uint_eq(buf_pending_bytes(&buf), len - cut);
    ck_assert_uint_eq(released, 0U + (cut >= 10) + (cut >= 21) + (cut >= 28));
    ck_assert(buf_is_empty(&buf) == (cut == len));
    while (sent < len)
        sent += send_some(out + sent, 1);
    ck_assert_str_eq(out, want);
    ck_assert(buf_is_empty(&buf));
    ck_assert_uint_eq(released, 3);
    ck_assert_ptr_eq(last_released, third);
    ck_assert_uint_eq(buf_room(&buf), BUF_BYTES);
}
END_TEST

/* A reference is a reason to keep the buffer, even when all bytes have left. */
START_TEST(reference_alone_is_pending)
{
    char out[64];

    buf_append_ref(&buf, SLICE("value"));
    ck_assert(!buf_is_empty(&buf));
    ck_assert_uint_eq(send_some(out, 4), 4);
    ck_assert(!buf_is_empty(&buf));
    ck_assert_uint_eq(released, 0);
    ck_assert_uint_eq(send_some(out, 4), 1);
    ck_assert(buf_is_empty(&buf));
    ck_assert_uint_eq(released, 1);
}
END_TEST

START_TEST(references_take_room_from_the_back)
{
    size_t before = buf_room(&buf);

    buf_append_ref(&buf, SLICE("x"));
    ck_assert_uint_eq(buf_room(&buf), before - sizeof(struct buf_ref));
    buf_produced(&buf, buf_room(&buf));
    ck_assert_uint_eq(buf_room(&buf), 0);
    ck_assert_uint_eq(buf_pending_bytes(&buf), before - sizeof(struct buf_ref) + 1);
}
END_TEST

START_TEST(iovecs_respect_both_limits)
{
    struct iovec iov[4];

    produce("abc");
    buf_append_ref(&buf, SLICE("defg"));
    produce("hi");
    ck_assert_int_eq(buf_iovecs(&buf, iov, 4, 100), 3);
    ck_assert_int_eq(buf_iovecs(&buf, iov, 2, 100), 2);
    ck_assert_int_eq(buf_iovecs(&buf, iov, 4, 5), 2);
    ck_assert_uint_eq(iov[1].iov_len, 2);
    ck_assert_int_eq(buf_iovecs(&buf, iov, 4, 3), 1);
    ck_assert_uint_eq(iov[0].iov_len, 3);
}
END_TEST

START_TEST(clear_releases_what_is_left)
{
    char out[64];

    buf_append_ref(&buf, SLICE("one"));
    buf_append_ref(&buf, SLICE("two"));
    produce("bytes");
    (void)send_some(out, 4);
    ck_assert_uint_eq(released, 1);
    buf_clear(&buf, &owner);
    ck_assert_uint_eq(released, 2);
    ck_assert(buf_is_empty(&buf));
    ck_assert_uint_eq(buf_room(&buf), BUF_BYTES);
}
END_TEST

START_TEST(pack_moves_input_to_the_front)
{
    buf_append(&buf, SLICE("get a\r\nget b"));
    buf_consumed(&buf, 7, NULL);
    buf_pack(&buf);
    ck_assert_uint_eq(buf.read_off, 0);
    ck_assert_uint_eq(buf.write_off, 5);
    ck_assert_int_eq(memcmp(buf.data, "get b", 5), 0);
}
END_TEST

#ifndef NDEBUG
START_TEST(bug_to_produce_more_than_fits)
{
    buf_produced(&buf, BUF_BYTES + 1);
}
END_TEST

START_TEST(bug_to_consume_more_than_pending)
{
    produce("ab");
    buf_consumed(&buf, 3, &owner);
}
END_TEST

START_TEST(bug_to_reference_without_room)
{
    buf_produced(&buf, BUF_BYTES - 8);
    buf_append_ref(&buf, SLICE("x"));
}
END_TEST
#endif

int
main(void)
{
    TCase *tc = leak_tcase("buf");

    tcase_add_checked_fixture(tc, setup, NULL);
    tcase_add_test(tc, starts_empty);
    tcase_add_test(tc, formatting_makes_it_needed);
    tcase_add_test(tc, partial_send_leaves_the_rest);
    tcase_add_test(tc, offsets_meet_before_they_reset);
    tcase_add_loop_test(tc, mixed_output_cut_anywhere, 0, 32);
    tcase_add_test(tc, reference_alone_is_pending);
    tcase_add_test(tc, references_take_room_from_the_back);
    tcase_add_test(tc, iovecs_respect_both_limits);
    tcase_add_test(tc, clear_releases_what_is_left);
    tcase_add_test(tc, pack_moves_input_to_the_front);
#ifndef NDEBUG
    tcase_add_test_raise_signal(tc, bug_to_produce_more_than_fits, 6);
    tcase_add_test_raise_signal(tc, bug_to_consume_more_than_pending, 6);
    tcase_add_test_raise_signal(tc, bug_to_reference_without_room, 6);
#endif
    return leak_run(tc, "loan/buf");
}
