/*
 * tools/bench/data/md5.h - RFC 1321's digest, by which ketama places keys.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Of LEN bytes at P, at most 1000. */
void md5(const void *p, size_t len, unsigned char digest[16]);
