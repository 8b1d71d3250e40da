/*
 * src/app/own_file.h - files that this process has made, and their names.
 *
 * A name is not a file: meanwhile a successor may have put its own pid file or socket
 * there. What was made is therefore held by a descriptor, and a name is only removed
 * while it still means that file. Its directory is held, too: nothing is opened to remove
 * it. Two processes that make and remove at the same name wait for each other by a lock on the
 * directory, for LOCK_TRIES times LOCK_WAIT_MS at most; then they go on without.
 *
 * Each returns false, with errno, when the kernel refuses.
 */
#pragma once

#include <stdbool.h>

#include "lombard/base/attr.h"

struct own_file {
    const char *path; /* absolute, for the working directory may change; sealed (sealed.h) */
    const char *name; /* the end of it, in the directory */
    int dir;          /* open while FD is */
    int fd;           /* holds the file, so that no other can have its number; -1: none */
};

void own_file_init(struct own_file *file);
/*
 * Make a file with TEXT at PATH, whole from the first moment on. What is there already is
 * replaced if it is a regular file; no symbolic link is followed.
 */
bool own_file_write(struct own_file *file, const char *path, const char *text) MUST_USE;
/* Take hold of the socket at PATH, which was just made. */
bool own_file_hold(struct own_file *file, const char *path) MUST_USE;
/* Another process has held FD, the file at PATH, and its directory DIR, which are this one's now. */
bool own_file_adopt(struct own_file *file, const char *path, int dir, int fd) MUST_USE;
/* Whether PATH means it. */
bool own_file_is_at(const struct own_file *file, const char *path) MUST_USE;
/* What was written is TEXT from now on. */
bool own_file_rewrite(const struct own_file *file, const char *text) MUST_USE;
/* Remove it, if its name still means it. True as well when there is nothing to do. */
bool own_file_remove(struct own_file *file) MUST_USE;
/* Let it go as it is; where it could not be removed, what was written is taken out of it. */
void own_file_fini(struct own_file *file);
/* Let it go, and let it stay for its readers. */
void own_file_leave(struct own_file *file);

/* Keep others away from names in the directory of PATH. A descriptor, or -1: without a lock. */
int own_file_lock(const char *path);
void own_file_unlock(int lock);
