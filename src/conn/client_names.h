/*
 * src/conn/client_names.h - what clients call themselves, by the id of their connection.
 *
 * Few do, and a name is only for an operator to read: it is kept beside the connections, at most so
 * many names of at most CLIENT_NAME_BYTES_MAX bytes. They are visible ASCII.
 */
#pragma once

#include <stdint.h>

#include "lombard/base/attr.h"
#include "lombard/base/slice.h"

enum { CLIENT_NAME_BYTES_MAX = 64 };

struct client_name;

struct client_names {
    struct client_name **buckets; /* NULL: no name has come yet */
    uint32_t bucket_count;        /* a power of two */
    uint32_t count;
    uint32_t max;
};

enum name_result {
    NAME_SET,
    NAME_BAD,      /* too long, empty, "-" or not visible ASCII */
    NAME_TOO_MANY, /* as many as there may be; or the kernel gives no memory */
};

/* All zero but MAX. */
void client_names_init(struct client_names *names, uint32_t max);
/* No name may be left. */
void client_names_fini(struct client_names *names);
/* The connection ID is called NAME, and no longer what it was called before; unless NAME_SET, still that. */
enum name_result client_names_set(struct client_names *names, uint32_t id,
                                  struct slice name) MUST_USE;
/* NUL-terminated; "-": it has none. Dies with the next change. */
const char *client_names_get(const struct client_names *names, uint32_t id);
void client_names_drop(struct client_names *names, uint32_t id);
