/*
 * tools/bench/data/value.h - values that carry the means to verify them.
 *
 *     0         8          12        16        20       24
 *     | key id  | version  | writer  | length  | check  | filler ... |
 *
 * Numbers are in the machine's byte order: the process that writes them reads them, too. `check` is a
 * hash of all before it, and the filler is a run of a fixed random pool that
 * starts at an offset derived from the same hash. So every byte of a value is
 * determined by its head, and a read compares every byte.
 *
 * A value shorter than VALUE_HEAD_BYTES is a run of the pool that starts at an
 * offset derived from the key id: it names its key, but neither version nor
 * writer.
 *
 * A value that append and prepend let grow is made of pieces of one length, in this order:
 *
 *     | P filler | P filler | B filler | A filler |
 *
 * one B that was stored first, a P for each prepend and an A for each append. The filler is a run of
 * the pool that depends on the key id and the letter.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lombard/base/attr.h"

enum {
    VALUE_HEAD_BYTES = 24,
    /* Prime, so that no block moved within a value by a power of two goes unseen. */
    VALUE_POOL_BYTES = 65521,
};

struct value_id {
    uint64_t key;
    uint32_t version; /* 1, 2, ... of this key */
    uint32_t writer;  /* which run wrote it */
    uint32_t bytes;   /* of the whole value */
};

enum value_verdict {
    VALUE_GOOD,       /* the id is set */
    VALUE_SHORT_GOOD, /* too short for a head, the pattern is right: no version known */
    VALUE_BAD_HEAD,   /* the checksum does not fit the head */
    VALUE_BAD_KEY,    /* a sound value of another key */
    VALUE_BAD_LENGTH, /* a sound head that was written with another length */
    VALUE_BAD_FILLER, /* a byte after the head is wrong */
    VALUE_BAD_PIECES, /* no sequence of pieces that append and prepend could have made */
};

const char *value_verdict_name(enum value_verdict verdict);

/* The letters of the pieces. */
enum { VALUE_PREPENDED = 'P', VALUE_BASE = 'B', VALUE_APPENDED = 'A' };

/* Make the pool. Call it once, before all else. */
void value_init(void);

/* Its bytes are wanted soon. */
void value_prefetch(const struct value_id *id);
/* Write the head (or the whole, if shorter) of a value; how many bytes. */
size_t value_write_head(unsigned char *dst, const struct value_id *id);
/* Write the whole value, id->bytes of it. */
void value_write(unsigned char *dst, const struct value_id *id);
/*
 * The filler from OFF bytes after the start of the value: a pointer to constant
 * bytes, and how many of them follow each other there. OFF is at least what
 * value_write_head() wrote and below id->bytes.
 */
const unsigned char *value_filler(const struct value_id *id, size_t off, size_t *len);

/* The same for a piece of KEY with LETTER: the bytes from OFF, at least 1, on; as many as LEFT at most. */
const unsigned char *value_piece_filler(uint64_t key, unsigned char letter, size_t off,
                                        size_t left, size_t *len);

/* A value being checked as its bytes come in, in any cut. */
struct value_check {
    struct value_id id; /* as read from the head, once there */
    uint64_t key;       /* that was asked for */
    size_t bytes;       /* announced */
    size_t seen;        /* fed so far */
    size_t bad_off;     /* of the first wrong byte, where one was found */
    enum value_verdict verdict;
    uint32_t piece_bytes; /* of a value that has grown, each piece; 0: it is none */
    uint32_t prepends;    /* of it: pieces so far */
    uint32_t appends;
    unsigned char letter; /* of the piece that is coming in, or 0 */
    unsigned char head[VALUE_HEAD_BYTES];
};

/* BYTES were announced for KEY. */
void value_check_init(struct value_check *c, uint64_t key, size_t bytes);
/* The same for a value that has grown by pieces of PIECE_BYTES. */
void value_check_init_grown(struct value_check *c, uint64_t key, size_t bytes,
                            uint32_t piece_bytes);
/* The next LEN bytes, never more than announced in all. */
void value_check_feed(struct value_check *c, const unsigned char *p, size_t len);
