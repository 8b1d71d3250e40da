/*
 * include/lombard/base/checksum.h - whether memory is what it was.
 *
 * Four lanes of multiply and rotate: as fast as memory is read. It finds what was torn or
 * flipped; it is no defence against whoever may write to the file.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* SUM, of what comes before, with BYTES at SRC behind it. */
uint64_t checksum_add(uint64_t sum, const void *src, size_t bytes);
