/*
 * src/app/sealed.h - texts that cannot be changed any more once the server serves.
 *
 * The sandbox's filter cannot read memory: it knows a file's name by its address. That is only
 * worth something while nothing can put another text there. So what the filter names lies
 * on pages of their own, which become read-only (sealed_close), below all other memory, so
 * that the filter can refuse to unmap or to change whatever is not above them:
 *
 *     0 ...  SEALED_AT [ texts ]  ...  program, heap  ...  mappings, stack
 *
 * Where that address is taken they lie elsewhere (sealed_is_below() is false then), read-only
 * all the same. They exist until the process ends.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lombard/base/attr.h"

enum { SEALED_BYTES = 64 * 1024 }; /* pages are at most that large */
#define SEALED_AT                                                                              \
    (UINT64_C(0x100000000)) /* the upper half of this address is the filter's mark */

/*
 * A copy of BYTES at SRC, aligned for any type. NULL, with errno (ENOSPC, ENOMEM, EPERM), when there is
 * no space, or it was closed.
 */
const void *sealed_copy(const void *src, size_t bytes) MUST_USE;
/* The same for a string. */
const char *sealed_text(const char *text) MUST_USE;
/* The same for PATH, from the root: the working directory may be left. NULL also with ENAMETOOLONG. */
const char *sealed_path(const char *path) MUST_USE;
/* Make all of it read-only. False, with errno, when that fails. True when there is nothing. */
bool sealed_close(void) MUST_USE;
/* Whether it lies at SEALED_AT. */
bool sealed_is_below(void);
