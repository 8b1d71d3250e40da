/*
 * src/proto/base64_priv.h - keys that no line could hold, as RFC 4648 section 4 has it.
 *
 * With padding, without line breaks. Bits that the last character has too many
 * are ignored, as memcached does.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "lombard/base/attr.h"
#include "lombard/base/slice.h"

#define BASE64_DECODED_MAX(chars) ((chars) / 4 * 3)
#define BASE64_ENCODED_MAX(bytes) (((bytes) + 2) / 3 * 4)

/* DST has room for BASE64_DECODED_MAX(src.len). False when SRC is not base64, or empty. */
bool base64_decode(char *dst, struct slice src, size_t *bytes) MUST_USE;
/* DST has room for BASE64_ENCODED_MAX(src.len); how many characters. */
size_t base64_encode(char *dst, struct slice src);
