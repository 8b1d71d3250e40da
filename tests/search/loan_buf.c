/*
 * tests/search/loan_buf.c - all states of one buffer: bytes and references put into
 * it, and taken out of it, in any amounts and any order.
 *
 * The bytes that go through it are numbered (modulo CYCLE), whether they are copied or
 * referred to. So what is pending must be, at any time, a run of numbers that ends with
 * the last one, and the model only remembers how long it is and where references end.
 */
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>

#include "lombard/loan/buf.h"

#include "search.h"

enum {
    CYCLE = 7,
    REFS_MAX = BUF_BYTES / sizeof(struct buf_ref),
    /* Into and out of small buffers goes any number of bytes; of larger ones, some. */
    IS_SMALL = BUF_BYTES <= 32,
    IS_LARGE = BUF_BYTES > 56,
    REF_BYTES_MAX = IS_LARGE ? 2 : 3,
    PENDING_MAX = BUF_BYTES + REFS_MAX * REF_BYTES_MAX,
    IOVECS_MAX = 2 * REFS_MAX + 1,
};

/* All that there is. */
static struct {
    struct buf buf;
    uint32_t next;    /* number of the next byte put in */
    uint32_t pending; /* bytes that were put in and not taken out */
    uint32_t room;
    uint32_t ref_count; /* of these: */
    struct {
        const char *base;
        uint32_t end; /* bytes that are pending up to its end */
    } refs[REFS_MAX];
    uint32_t released; /* since the operation began */
} w;

/* Numbers over and over: from each of them on, as many as are needed. */
static char numbers[CYCLE + PENDING_MAX];

static void
on_release(void *ctx, const void *base)
{
    if (ctx != &w || w.released == w.ref_count || base != w.refs[w.released].base)
        search_wrong("a reference is released that is not the next one");
    w.released++;
}

static const struct buf_owner owner = {on_release, &w};

/* --- Operations --- */

enum {
    OP_APPEND, /* OP_APPEND + N appends N + 1 bytes */
    OP_PRODUCE = OP_APPEND + BUF_BYTES,
    OP_REFER = OP_PRODUCE + BUF_BYTES,
    OP_CONSUME = OP_REFER + REF_BYTES_MAX,
    OP_PACK = OP_CONSUME + PENDING_MAX,
    OP_CLEAR,
    OPS,
};

static void
put(uint32_t bytes)
{
    w.next = (w.next + bytes) % CYCLE;
    w.pending += bytes;
}

static bool
is_worth_a_fill(uint32_t bytes)
{
    if (IS_SMALL || bytes == w.room)
        return true;
    return IS_LARGE ? bytes == 8 : bytes == 1 || bytes % 8 == 0;
}

static bool
run_fill(uint32_t bytes, bool append)
{
    if (bytes > w.room || !is_worth_a_fill(bytes))
        return false;
    if (append) {
        buf_append(&w.buf, slice_make(numbers + w.next, bytes));
    } else {
        memcpy(buf_tail(&w.buf), numbers + w.next, bytes);
        buf_produced(&w.buf, bytes);
    }
    put(bytes);
    w.room -= bytes;
    return true;
}

static bool
run_refer(uint32_t bytes)
{
    if (w.room < sizeof(struct buf_ref))
        return false;
    buf_append_ref(&w.buf, slice_make(numbers + w.next, bytes));
    w.refs[w.ref_count].base = numbers + w.next;
    put(bytes);
    w.refs[w.ref_count++].end = w.pending;
    w.room -= (uint32_t)sizeof(struct buf_ref);
    return true;
}

/* The model, when BYTES are gone; GONE references ended with them. */
static void
take(uint32_t bytes)
{
    uint32_t gone = 0;

    while (gone < w.ref_count && w.refs[gone].end <= bytes)
        gone++;
    if (w.released != gone)
        search_wrong("%u references are released, not %u", w.released, gone);
    w.ref_count -= gone;
    memmove(w.refs, w.refs + gone, w.ref_count * sizeof(w.refs[0]));
    memset(w.refs + w.ref_count, 0, gone * sizeof(w.refs[0]));
    for (uint32_t i = 0; i < w.ref_count; i++)
        w.refs[i].end -= bytes;
    w.pending -= bytes;
    if (w.pending == 0)
        w.room = BUF_BYTES;
}

/* A few, all, or as far as the end of the first reference, or one more or less. */
static bool
is_worth_a_cut(uint32_t bytes)
{
    if (!IS_LARGE || bytes == 1 || bytes == 8 || bytes == w.pending)
        return true;
    return w.ref_count > 0 && bytes + 1 >= w.refs[0].end && bytes <= w.refs[0].end + 1;
}

static bool
run_consume(uint32_t bytes)
{
    if (bytes > w.pending || !is_worth_a_cut(bytes))
        return false;
    buf_consumed(&w.buf, bytes, &owner);
    take(bytes);
    return true;
}

/* For input only: never while there is a reference. */
static bool
run_pack(void)
{
    if (w.buf.ref_count > 0)
        return false;
    buf_pack(&w.buf);
    w.room = BUF_BYTES - w.pending;
    return true;
}

static bool
run_clear(void)
{
    buf_clear(&w.buf, &owner);
    take(w.pending);
    return true;
}

static bool
op_run(unsigned op)
{
    w.released = 0;
    if (op < OP_PRODUCE)
        return run_fill(op - OP_APPEND + 1, true);
    if (op < OP_REFER)
        return run_fill(op - OP_PRODUCE + 1, false);
    if (op < OP_CONSUME)
        return run_refer(op - OP_REFER + 1);
    if (op < OP_PACK)
        return run_consume(op - OP_CONSUME + 1);
    return op == OP_PACK ? run_pack() : run_clear();
}

static void
op_name(unsigned op, char *dst, size_t bytes)
{
    if (op < OP_PRODUCE)
        (void)snprintf(dst, bytes, "append %u", op - OP_APPEND + 1);
    else if (op < OP_REFER)
        (void)snprintf(dst, bytes, "produce %u", op - OP_PRODUCE + 1);
    else if (op < OP_CONSUME)
        (void)snprintf(dst, bytes, "refer to %u", op - OP_REFER + 1);
    else if (op < OP_PACK)
        (void)snprintf(dst, bytes, "consume %u", op - OP_CONSUME + 1);
    else
        (void)snprintf(dst, bytes, op == OP_PACK ? "pack" : "clear");
}

static unsigned
op_count(void)
{
    return OPS;
}

/* --- Invariants --- */

static void
check_offsets(void)
{
    const struct buf *b = &w.buf;

    if (b->read_off > b->write_off ||
        b->write_off + b->ref_count * sizeof(struct buf_ref) > BUF_BYTES ||
        b->ref_done > b->ref_count)
        search_wrong("offsets %u, %u, references %u, %u", b->read_off, b->write_off,
                     b->ref_done, b->ref_count);
    if (buf_room(b) != w.room)
        search_wrong("room for %zu, not %u", buf_room(b), w.room);
    if (buf_pending_bytes(b) != w.pending)
        search_wrong("%u bytes pending, not %u", (unsigned)buf_pending_bytes(b), w.pending);
    if (buf_is_empty(b) != (w.pending == 0))
        search_wrong("it looks empty, or does not");
    if (w.pending == 0 && (b->read_off | b->write_off | b->ref_count | b->ref_done) != 0)
        search_wrong("offsets stay although nothing is pending");
}

/* What MAX iovecs of LIMIT bytes describe: the next bytes, as many as there is room for. */
static void
check_iovecs(int max, size_t limit)
{
    /* Up to the bytes that were pending before may precede these, modulo CYCLE. */
    const char *want =
        numbers + (w.next + CYCLE * (PENDING_MAX / CYCLE + 1) - w.pending) % CYCLE;
    struct iovec iov[IOVECS_MAX];
    int count = buf_iovecs(&w.buf, iov, max, limit);
    size_t off = 0;

    for (int i = 0; i < count; i++) {
        if (iov[i].iov_len == 0 || off + iov[i].iov_len > w.pending)
            search_wrong("iovec %d of %d bytes", i, (int)iov[i].iov_len);
        if (memcmp(iov[i].iov_base, want + off, iov[i].iov_len) != 0)
            search_wrong("other bytes would be sent");
        off += iov[i].iov_len;
    }
    if (off > limit || (off == 0 && w.pending > 0 && max >= 2))
        search_wrong("%zu bytes would be sent, of at most %zu", off, limit);
    if (max == IOVECS_MAX && off != (limit < w.pending ? limit : w.pending))
        search_wrong("%zu bytes would be sent, of %u", off, w.pending);
}

static void
check(void)
{
    check_offsets();
    for (int max = 0; max <= IOVECS_MAX; max++)
        check_iovecs(max, SIZE_MAX);
    for (size_t limit = 1; limit <= w.pending; limit += IS_SMALL ? 1 : 7)
        check_iovecs(IOVECS_MAX, limit);
    w.released = 0;
    (void)run_consume(w.pending); /* all of it leaves, each reference once */
    check_offsets();
}

/* --- The subject --- */

static void
reset(void)
{
    for (size_t i = 0; i < sizeof(numbers); i++)
        numbers[i] = (char)('0' + i % CYCLE);
    memset(&w, 0, sizeof(w));
    buf_init(&w.buf);
    w.room = BUF_BYTES;
}

static void
describe(void)
{
    search_put(w.buf.read_off | (uint64_t)w.buf.write_off << 8 |
               (uint64_t)w.buf.ref_count << 16 | (uint64_t)w.buf.ref_done << 24 |
               (uint64_t)w.next << 32 | (uint64_t)w.pending << 40);
    for (uint32_t i = 0; i < w.ref_count; i++)
        search_put(w.refs[i].end | (uint64_t)(w.refs[i].base - numbers) << 32);
}

int
main(void)
{
    struct subject subject = {
        .block = &w,
        .bytes = sizeof(w),
        .reset = reset,
        .op_count = op_count,
        .op_run = op_run,
        .op_name = op_name,
        .check = check,
        .describe = describe,
    };
    struct search_totals totals;
    char name[64];

    (void)snprintf(name, sizeof(name), "buffer of %d bytes", (int)BUF_BYTES);
    subject.name = name;
    search_run(&subject, &totals);
    search_print(&subject, &totals);
    printf("1 passed, 0 failed\n");
    return 0;
}
