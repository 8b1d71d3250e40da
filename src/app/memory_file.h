/*
 * src/app/memory_file.h - the file of -e (--memory-file), which keeps the cache from one process to the next.
 *
 *     open        made or opened by the user that the server will be, and locked: one server has it
 *     make_store  what a graceful stop left goes on; what cannot is begun anew, with a line why
 *     keep        at the end, when no client is left
 *
 * Whoever may read the file can read the cache; it is made for its owner alone.
 */
#pragma once

#include <stdbool.h>

#include "config.h"
#include "lombard/base/attr.h"
#include "lombard/base/clock.h"
#include "lombard/store/store.h"
#include "user.h"

struct memory_file {
    const char *path;       /* NULL: there is none with a name */
    struct store_file file; /* or one without, which ends with the last process that has it */
};

void memory_file_init(struct memory_file *file);
/* False, logged: it cannot be used, and nothing in it has changed. */
bool memory_file_open(struct memory_file *file, const struct config *config,
                      const struct user *user) MUST_USE;
/* It is on a hugetlbfs: what the store may ever need is promised to it at its beginning. */
bool memory_file_takes_all(const struct memory_file *file) MUST_USE;
/* Memory that can be handed to another process (--control): a file without a name. False, logged. */
bool memory_file_open_unnamed(struct memory_file *file) MUST_USE;
/* The store of CONFIG in it; CLOCK goes on with that store's seconds. NULL, logged. */
struct store *memory_file_make_store(const struct memory_file *file,
                                     const struct store_config *config,
                                     struct clock *clock) MUST_USE;
/* Leave STORE in it; nothing but store_destroy() may follow. */
void memory_file_keep(const struct memory_file *file, struct store *store);
/* The next server may have it. */
void memory_file_close(struct memory_file *file);
