/* Writes and reads lists of entries, each with its type and its length. */
#include "lombard/base/image.h"

#include <string.h>

#include "lombard/base/sys.h"

enum { HEAD_BYTES = 2 * sizeof(uint32_t), FIRST_BYTES = 64 * 1024 };

void
image_fini(struct image *image)
{
    sys_free(image->bytes);
    *image = (struct image){NULL, 0, 0, false};
}

void
image_reserve(struct image *image, size_t bytes)
{
    size_t cap = image->cap == 0 ? FIRST_BYTES : image->cap;
    char *grown;

    if (image->failed || image->cap - image->len >= bytes)
        return;
    while (cap - image->len < bytes)
        cap *= 2;
    grown = sys_malloc(cap);
    if (grown == NULL) {
        image->failed = true;
        return;
    }
    if (image->len > 0)
        memcpy(grown, image->bytes, image->len);
    sys_free(image->bytes);
    image->bytes = grown;
    image->cap = cap;
}

/* A head, and the address of the contents behind it; NULL: no memory. */
static char *
add(struct image *image, uint32_t type, size_t bytes)
{
    const uint32_t head[2] = {type, (uint32_t)bytes};
    char *at;

    if (bytes > UINT32_MAX)
        image->failed = true;
    image_reserve(image, HEAD_BYTES + bytes);
    if (image->failed)
        return NULL;
    at = image->bytes + image->len;
    memcpy(at, head, sizeof(head));
    image->len += HEAD_BYTES + bytes;
    return at + HEAD_BYTES;
}

void
image_put_number(struct image *image, uint32_t type, uint64_t number)
{
    char *at = number == 0 ? NULL : add(image, type, sizeof(number));

    if (at != NULL)
        memcpy(at, &number, sizeof(number));
}

void
image_put_bytes(struct image *image, uint32_t type, struct slice bytes)
{
    char *at = bytes.len == 0 ? NULL : add(image, type, bytes.len);

    if (at != NULL)
        memcpy(at, bytes.ptr, bytes.len);
}

size_t
image_begin(struct image *image, uint32_t type)
{
    (void)add(image, type, 0);
    return image->len;
}

void
image_end(struct image *image, size_t begun)
{
    size_t bytes = image->len - begun;
    uint32_t shown = (uint32_t)bytes;

    if (bytes > UINT32_MAX)
        image->failed = true;
    if (!image->failed)
        memcpy(image->bytes + begun - sizeof(shown), &shown, sizeof(shown));
}

enum image_step
image_next(struct slice *rest, struct image_entry *entry)
{
    uint32_t head[2];

    if (rest->len == 0)
        return IMAGE_END;
    if (rest->len < sizeof(head))
        return IMAGE_TORN;
    memcpy(head, rest->ptr, sizeof(head));
    if (head[1] > rest->len - sizeof(head))
        return IMAGE_TORN;
    entry->type = head[0];
    entry->bytes = slice_make(rest->ptr + sizeof(head), head[1]);
    *rest = slice_make(entry->bytes.ptr + head[1], rest->len - sizeof(head) - head[1]);
    return IMAGE_ENTRY;
}

bool
image_number(const struct image_entry *entry, uint64_t max, uint64_t *number)
{
    uint64_t n;

    if (entry->bytes.len != sizeof(n))
        return false;
    memcpy(&n, entry->bytes.ptr, sizeof(n));
    if (n > max)
        return false;
    *number = n;
    return true;
}
