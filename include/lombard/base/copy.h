/*
 * include/lombard/base/copy.h - copies of values to where they are kept.
 *
 * What is stored lies in the log of segments, whose memory has left the caches long ago: an ordinary
 * store fetches each line first only to overwrite all of it, and drives out what is needed. A
 * streaming store does neither. No fence follows: it would wait until all lines are in memory, and who
 * reads them is this thread, the kernel in its calls, or a process that was told by one.
 */
#pragma once

#include <stdint.h>
#include <string.h>

#include "lombard/base/slice.h"

enum { COPY_STREAM_MIN = 512 }; /* bytes: shorter ones are no dearer by ordinary stores */

#ifdef __SSE2__
#include <emmintrin.h>

enum { COPY_LINE = 64 }; /* bytes of a line of the caches */

/* COUNT lines to DST, which is aligned to a line. */
static inline void
copy_lines(char *dst, const char *src, size_t count)
{
    for (; count > 0; count--, dst += COPY_LINE, src += COPY_LINE) {
        __m128i a = _mm_loadu_si128((const __m128i *)(const void *)src);
        __m128i b = _mm_loadu_si128((const __m128i *)(const void *)(src + 16));
        __m128i c = _mm_loadu_si128((const __m128i *)(const void *)(src + 32));
        __m128i d = _mm_loadu_si128((const __m128i *)(const void *)(src + 48));

        _mm_stream_si128((__m128i *)(void *)dst, a);
        _mm_stream_si128((__m128i *)(void *)(dst + 16), b);
        _mm_stream_si128((__m128i *)(void *)(dst + 32), c);
        _mm_stream_si128((__m128i *)(void *)(dst + 48), d);
    }
}

/* BYTES from SRC to DST, which do not overlap, and which nothing will read soon. */
static inline void
copy_to_store(char *dst, const char *src, size_t bytes)
{
    size_t before, lines;

    if (bytes < COPY_STREAM_MIN) {
        bytes_copy(dst, src, bytes);
        return;
    }
    before = -(uintptr_t)dst % COPY_LINE;
    lines = (bytes - before) / COPY_LINE;
    memcpy(dst, src, before);
    copy_lines(dst + before, src + before, lines);
    before += lines * COPY_LINE;
    memcpy(dst + before, src + before, bytes - before);
}

#else

static inline void
copy_to_store(char *dst, const char *src, size_t bytes)
{
    bytes_copy(dst, src, bytes);
}

#endif
