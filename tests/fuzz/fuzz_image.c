/*
 * tests/fuzz/fuzz_image.c - what a server is told by the one whose place it takes.
 *
 * The input is an image: a list of entries, each of which is read as a connection, too. Whatever it is, what is read
 * lies within it and within the limits of conn_image.def; and written again it is read as the same.
 */
#include <string.h>

#include "conn_image.h"
#include "fuzz.h"

static bool
is_within(struct slice part, struct slice all)
{
    return part.len == 0 || (part.ptr >= all.ptr && part.ptr + part.len <= all.ptr + all.len);
}

static void
check_limits(const struct conn_image *conn, struct slice all)
{
#define NUMBER(type, name, max) REQUIRE(conn->name <= (uint64_t)(max));
#define BYTES(type, name, max)  REQUIRE(conn->name.len <= (max) && is_within(conn->name, all));
#include "conn_image.def"
#undef NUMBER
#undef BYTES
    REQUIRE(conn->refs.len % sizeof(struct handed_ref) == 0);
    REQUIRE(conn->tops.len % sizeof(struct handed_top) == 0);
}

static void
check_again(const struct conn_image *conn)
{
    struct image image = {.len = 0};
    struct conn_image again;

    conn_image_write(conn, &image);
    REQUIRE(!image.failed);
    REQUIRE(conn_image_read(slice_make(image.bytes, image.len), &again) == NULL);
#define NUMBER(type, name, max) REQUIRE(conn->name == again.name);
#define BYTES(type, name, max)  REQUIRE(slice_equal(conn->name, again.name));
#include "conn_image.def"
#undef NUMBER
#undef BYTES
    image_fini(&image);
}

static void
read_conn(struct slice bytes)
{
    struct conn_image conn;

    if (conn_image_read(bytes, &conn) != NULL)
        return;
    check_limits(&conn, bytes);
    check_again(&conn);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice rest = slice_make((const char *)data, size);
    const struct slice all = rest;
    struct image_entry entry;

    read_conn(all);
    while (image_next(&rest, &entry) == IMAGE_ENTRY) {
        uint64_t number = 0;

        REQUIRE(is_within(entry.bytes, all) && is_within(rest, all));
        REQUIRE(!image_number(&entry, 9, &number) || number <= 9);
        read_conn(entry.bytes);
    }
    return 0;
}
