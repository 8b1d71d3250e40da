/*
 * include/lombard/base/attr.h - compiler attributes and invariant checks.
 *
 * BUG_ON() states an invariant that only a programmer's mistake can break;
 * input never reaches it. It aborts in debug and test builds. In a release
 * build (NDEBUG) it is not evaluated: the caller's own error path applies.
 */
#pragma once

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#define MUST_USE          __attribute__((warn_unused_result))
#define PRINTF_LIKE(f, a) __attribute__((format(printf, f, a)))
#define NORETURN          __attribute__((noreturn))
#define UNUSED            __attribute__((unused))
#define NOINLINE          __attribute__((noinline)) /* rare: its caller saves no registers */
#define PURE              __attribute__((pure, noinline)) /* left out where its result is unused */
#define LIKELY(x)         __builtin_expect(!!(x), 1)
#define UNLIKELY(x)       __builtin_expect(!!(x), 0)

/* A small public function, that is to become a part of its callers at link time: gcc takes the word as a hint. */
#ifdef __clang__
#define MERGED
#else
#define MERGED inline
#endif

/*
 * Fetch the cache line at P. The empty statement is there because gcc takes a function that
 * does nothing but prefetch for one without effect, and drops the calls.
 */
#define PREFETCH(p)                                                                            \
    do {                                                                                       \
        __builtin_prefetch((p), 0, 3);                                                         \
        __asm__ volatile("");                                                                  \
    } while (0)

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* The struct TYPE whose member MEMBER lies at PTR. */
#define CONTAINER_OF(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

/* Say that this line cannot be reached, and stop. */
#define BUG(why)                                                                               \
    do {                                                                                       \
        (void)fprintf(stderr, "BUG: %s:%d: %s\n", __FILE__, __LINE__, (why));                  \
        abort();                                                                               \
    } while (0)

#ifdef NDEBUG
#define BUG_ON(cond)                                                                           \
    do {                                                                                       \
        (void)sizeof(cond);                                                                    \
    } while (0)
#else
#define BUG_ON(cond)                                                                           \
    do {                                                                                       \
        if (UNLIKELY(cond))                                                                    \
            BUG(#cond);                                                                        \
    } while (0)
#endif
