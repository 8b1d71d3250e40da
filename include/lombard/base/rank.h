/*
 * include/lombard/base/rank.h - numbers of entries, sorted by what the entries are worth.
 *
 * In place, without memory and system calls of its own, which libc's qsort() may need: a few
 * hundred entries that are asked for now and then.
 */
#pragma once

#include <stdint.h>

/* What the entry of number I is worth. */
typedef uint64_t rank_value_fn(const void *ctx, uint32_t i);

/* Sort the COUNT numbers in ORDER: the entry of the greatest value first, equal ones in no order. */
void rank_sort(uint16_t *order, uint32_t count, rank_value_fn *value, const void *ctx);
