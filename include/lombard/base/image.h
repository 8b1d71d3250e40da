/*
 * include/lombard/base/image.h - what one process tells another of itself: a list of entries.
 *
 *     | type 4 | bytes 4 | contents | type | bytes | contents ...       in the host's byte order
 *
 * Contents are a number, bytes, or a list of entries. Another version may write more than a reader
 * knows: an entry whose type has IMAGE_OPTIONAL may be passed over, any other is a part of the state
 * that must not be lost, and the whole image is refused. An entry that is missing is a number 0, or
 * no bytes: none is written for these. A type, once used, never gets another meaning.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lombard/base/attr.h"
#include "lombard/base/slice.h"

#define IMAGE_OPTIONAL UINT32_C(0x80000000)

/* --- Writing --- */

/* All zero: empty. What does not fit because memory is short is left out, and FAILED set. */
struct image {
    char *bytes;
    size_t len;
    size_t cap;
    bool failed;
};

/* Its memory goes. */
void image_fini(struct image *image);
/* Room for BYTES more. */
void image_reserve(struct image *image, size_t bytes);
void image_put_number(struct image *image, uint32_t type, uint64_t number);
void image_put_bytes(struct image *image, uint32_t type, struct slice bytes);
/* What is put until image_end() is the contents of an entry; returns what to give that. */
size_t image_begin(struct image *image, uint32_t type);
void image_end(struct image *image, size_t begun);

/* --- Reading --- */

struct image_entry {
    uint32_t type;
    struct slice bytes; /* within what is read */
};

enum image_step {
    IMAGE_ENTRY, /* *ENTRY is the next one */
    IMAGE_END,
    IMAGE_TORN, /* an entry is longer than what is left */
};

/* Take the next entry from the front of *REST. */
enum image_step image_next(struct slice *rest, struct image_entry *entry) MUST_USE;
/* False: its contents are no number of at most MAX. */
bool image_number(const struct image_entry *entry, uint64_t max, uint64_t *number) MUST_USE;

static inline bool
image_is_optional(const struct image_entry *entry)
{
    return (entry->type & IMAGE_OPTIONAL) != 0;
}
