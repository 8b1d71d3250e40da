/*
 * src/store/memory_priv.h - where the store's memory comes from: the kernel, or a file.
 *
 * Both are taken in areas, each address space of its own that is backed as it is touched:
 *
 *     file   | root | segment table | segments | index |      each from a multiple of AREA_BYTES on
 *
 * What is in the file stays there when the process ends. The file is as large as all areas
 * may ever become, and takes the space of what was touched.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lombard/base/attr.h"

/* So that each area can be of huge pages. */
enum { MEMORY_AREA_BYTES = 2 * 1024 * 1024 };

struct memory {
    int fd;         /* of the file; -1: the kernel's own */
    uint64_t taken; /* of the file, for areas */
    uint64_t there; /* bytes that the file has */
};

static inline bool
memory_is_file(const struct memory *memory)
{
    return memory->fd >= 0;
}

/* FD: -1, or a file, of which nothing is taken yet. False when it is no regular file. */
bool memory_init(struct memory *memory, int fd) MUST_USE;
/* The next area, or NULL. Zeros where nothing was written; nothing may be touched before memory_allow(). */
void *memory_take(struct memory *memory, size_t bytes) MUST_USE;
/* Give the address space of an area, IN_FILE or not, back; what is in a file stays there. */
void memory_give(bool in_file, void *mem, size_t bytes);
/* BYTES at MEM, likewise, may be used from now on. False when the kernel refuses. */
bool memory_allow(bool in_file, void *mem, size_t bytes) MUST_USE;
/* Give their contents back; they read as zero when touched again. */
void memory_discard(bool in_file, void *mem, size_t bytes);
