/* What another process says of its connections is checked: a server makes nothing of what cannot be. */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "conn_image.h"
#include "handover_priv.h"
#include "rig.h"

/* Who does what: the number of a client, and of its connection one less than its id. */
enum { UPLOADS, READS, ASKS, STREAMS, JOINS, TALKS, ALL = 90 /* the others are idle */ };
enum { MB = 1 << 20, PART_BYTES = 1000, SHORT_BYTES = 20000, ROOM_BYTES = 4096 };
enum { LONG_BYTES = 300000, LIMIT = 4 * MB, TIMES = 34 };

static int others[CLIENTS]; /* descriptors of the new process */

/* Of its connection; the image may be rewritten. */
typedef void lie_fn(struct conn_image *conn);

/* The list LIST as it would be if something else was so: of the connection of client WHO. */
static void
falsify(struct slice list, struct image *to, uint32_t who, lie_fn *lie)
{
    struct image_entry entry;

    while (image_next(&list, &entry) == IMAGE_ENTRY) {
        struct conn_image conn;
        size_t begun;

        if (entry.type != ENTRY_CONN) {
            image_put_bytes(to, entry.type, entry.bytes);
            continue;
        }
        ck_assert_ptr_null(conn_image_read(entry.bytes, &conn));
        if (conn.id == who + 1)
            lie(&conn);
        begun = image_begin(to, ENTRY_CONN);
        conn_image_write(&conn, to);
        image_end(to, begun);
    }
}

/* A server that is told LIST, and then lets it all go; what it says. */
static const char *
answer_to(struct slice list, uint32_t count)
{
    struct server *heir = server_create(&server->config);
    struct handed in = {list, others, count, 0, 0};
    const char *why;

    ck_assert_ptr_nonnull(heir);
    why = server_take_over(heir, &in);
    server_forget(heir);
    server_destroy(heir);
    while (in.used < count)
        (void)close(others[in.used++]);
    return why != NULL ? why : "none";
}

static uint32_t
hand_over(struct image *image)
{
    struct handover handover = {.image = image, .fds = others};

    ck_assert_ptr_null(server_hand_over(server, &handover));
    for (uint32_t i = 0; i < handover.count; i++)
        ck_assert_int_ge(others[i] = dup(others[i]), 0);
    return handover.count;
}

static const char *
answer_to_lie(uint32_t who, lie_fn *lie)
{
    struct image truth = {.len = 0}, image = {.len = 0};
    uint32_t count = hand_over(&truth);
    const char *why;

    falsify(slice_make(truth.bytes, truth.len), &image, who, lie);
    ck_assert(!image.failed);
    why = answer_to(slice_make(image.bytes, image.len), count);
    image_fini(&truth);
    image_fini(&image);
    return why;
}

static void
be_slow(int n)
{
    const int bytes = ROOM_BYTES;

    ck_assert_int_eq(
        setsockopt(conn_at(n)->watch.fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes)), 0);
}

static void
say_head(int i, const char *head)
{
    static char part[PART_BYTES];

    fill(part, sizeof(part), 0);
    say(i, head);
    say_bytes(i, part, sizeof(part));
    iterate(2);
}

static void
setup(void)
{
    rig_options.limit_bytes = LIMIT; /* so that its segments are small */
    rig_start();
}

/* So often that not all of the answers fit into its socket and its buffer. */
static void
ask_often(int i, const char *question)
{
    char text[1000] = "";

    for (int k = 0; k < TIMES; k++)
        strcat(text, question);
    whisper(i, text);
    iterate(3);
}

/* One connection in each state. */
static void
begin_all(void)
{
    for (int i = 0; i < ALL; i++)
        dial(i);
    iterate(2);
    store_value(TALKS, "short", SHORT_BYTES);
    store_value(TALKS, "long", LONG_BYTES);
    be_slow(READS);
    be_slow(ASKS);
    be_slow(STREAMS);
    say_head(UPLOADS, "set up 0 0 20000\r\n");
    stall_on(READS, "short");
    ask_often(ASKS, "stats conns state idle\r\n");
    ask_often(STREAMS, "stats\r\n");
    say_head(JOINS, "append long 0 0 20000\r\n");
    say(TALKS, "get sho");
    iterate(3);
}

static struct handed_ref refs[BUF_BYTES / sizeof(struct handed_ref)];

/* The first of CONN's references, which may be changed. */
static struct handed_ref *
first_ref(struct conn_image *conn)
{
    ck_assert_uint_ge(conn->refs.len, sizeof(refs[0]));
    memcpy(refs, conn->refs.ptr, conn->refs.len);
    conn->refs.ptr = (const char *)refs;
    return refs;
}

static void
no_lie(struct conn_image *conn)
{
    (void)conn;
}

/* In another segment: what is there, no client holds. */
static void
item_elsewhere(struct conn_image *conn)
{
    ck_assert_uint_ne(conn->item, 0);
    conn->item += MB;
}

static void
item_nowhere(struct conn_image *conn)
{
    conn->item = UINT64_MAX - 1;
}

static void
no_item(struct conn_image *conn)
{
    conn->item = 0;
}

static void
another_length(struct conn_image *conn)
{
    conn->total++;
}

static void
beyond_its_end(struct conn_image *conn)
{
    conn->off = conn->total + 1;
}

static void
ref_elsewhere(struct conn_image *conn)
{
    first_ref(conn)->loc += MB;
}

static void
ref_of_nothing(struct conn_image *conn)
{
    first_ref(conn)->bytes = 0;
}

static void
ref_beyond_its_segment(struct conn_image *conn)
{
    first_ref(conn)->bytes = UINT32_MAX;
}

static void
ref_that_was_sent(struct conn_image *conn)
{
    struct handed_ref *ref = first_ref(conn);

    ref->sent = ref->bytes;
}

static void
ref_behind_all(struct conn_image *conn)
{
    first_ref(conn)->at = (uint32_t)conn->output.len + 1;
}

static void
stream_of_no_kind(struct conn_image *conn)
{
    conn->lines = STREAM_PREFIXES + 1;
}

static void
head_of_nothing(struct conn_image *conn)
{
    conn->head = SLICE("x");
}

static void
scan_behind_all(struct conn_image *conn)
{
    conn->scan_cursor = ALL + 1;
}

static void
top_behind_all(struct conn_image *conn)
{
    static const struct handed_top top = {.position = ALL};

    conn->tops = slice_make((const char *)&top, sizeof(top));
}

static void
another_parser(struct conn_image *conn)
{
    static const struct handed_parser parser = {.scanned = 9};

    conn->parser = slice_make((const char *)&parser, sizeof(parser));
}

static void
another_parser_of_its_request(struct conn_image *conn)
{
    static const struct handed_parser parser = {.word = UINT8_MAX};

    conn->task_parser = slice_make((const char *)&parser, sizeof(parser));
}

static void
gone_ahead(struct conn_image *conn)
{
    conn->early = 1;
}

START_TEST(what_cannot_be_is_refused)
{
    static const char item[] = "an item that is under way is not ";
    static const char not_held[] = "an item that is under way is not held";
    static const char value[] = "a value that is being sent is ";
    static const struct {
        uint32_t who;
        lie_fn *lie;
        const char *why; /* how it begins */
    } lies[] = {
        {UPLOADS, no_lie, "none"},
        {UPLOADS, item_elsewhere, not_held},
        {UPLOADS, item_nowhere, not_held},
        {UPLOADS, another_length, not_held},
        {UPLOADS, no_item, item},
        {UPLOADS, beyond_its_end, item},
        {READS, ref_elsewhere, value},
        {READS, ref_of_nothing, value},
        {READS, ref_beyond_its_segment, value},
        {READS, ref_that_was_sent, value},
        {READS, ref_behind_all, value},
        {STREAMS, stream_of_no_kind, "a stream is of no kind"},
        {STREAMS, head_of_nothing, "a request that is under way cannot be read"},
        {STREAMS, another_parser_of_its_request, "a request that is under way was not parsed"},
        {ASKS, scan_behind_all, "a question about connections cannot be that"},
        {ASKS, top_behind_all, "a question about connections cannot be that"},
        {TALKS, another_parser, "a connection's input was not parsed like that"},
        {TALKS, gone_ahead, "a connection came without its descriptor"},
        {JOINS, no_lie, "none"},
    };

    begin_all();
    for (size_t i = 0; i < ARRAY_LEN(lies); i++) {
        const char *why = answer_to_lie(lies[i].who, lies[i].lie);

        ck_assert_msg(strncmp(why, lies[i].why, strlen(lies[i].why)) == 0, "%zu: %s, not %s", i,
                      why, lies[i].why);
    }
    iterate(1); /* it is as before */
}
END_TEST

/* The list itself: cut, with more descriptors than it names, with fewer, with what is not known. */
START_TEST(a_list_that_is_not_whole_is_refused)
{
    struct image image = {.len = 0};
    uint32_t count;

    begin_all();
    count = hand_over(&image);
    ck_assert_str_eq(answer_to(slice_make(image.bytes, image.len - 1), count), "it is cut");
    image.len = 0;
    count = hand_over(&image);
    ck_assert_int_ge(others[count] = dup(others[0]), 0);
    ck_assert_str_eq(answer_to(slice_make(image.bytes, image.len), count + 1),
                     "it has too many descriptors");
    image.len = 0;
    count = hand_over(&image);
    (void)close(others[count - 1]);
    ck_assert_str_eq(answer_to(slice_make(image.bytes, image.len), count - 1),
                     "a connection came without its descriptor");
    image.len = 0;
    count = hand_over(&image);
    image_put_number(&image, 1000 | IMAGE_OPTIONAL, 1);
    ck_assert_str_eq(answer_to(slice_make(image.bytes, image.len), count), "none");
    image.len = 0;
    count = hand_over(&image);
    image_put_number(&image, 1000, 1);
    ck_assert_str_eq(answer_to(slice_make(image.bytes, image.len), count),
                     "it has what is not known here");
    image_fini(&image);
    iterate(1);
}
END_TEST

int
main(void)
{
    TCase *tc = leak_tcase("handed");

    tcase_add_checked_fixture(tc, setup, rig_stop);
    tcase_add_test(tc, what_cannot_be_is_refused);
    tcase_add_test(tc, a_list_that_is_not_whole_is_refused);
    return leak_run(tc, "conn/handed");
}
