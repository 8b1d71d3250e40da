/*
 * src/app/log_file.h - --log-file: where lines go instead of standard error.
 *
 * The file is opened for appending, and never truncated: a logrotate that renames it and sends
 * SIGHUP works, and one that copies and truncates as well. The user of -u makes it, or, where that
 * user may not, root, who hands it over; then SIGHUP opens it again as long as it exists.
 */
#pragma once

#include <stdbool.h>

#include "lombard/base/attr.h"
#include "user.h"

struct log_file {
    const char *path; /* absolute, sealed; NULL: there is none */
    int fd;           /* until it is used, then the log's */
};

/* At the start; the log goes on elsewhere. False: that was logged. */
bool log_file_open(struct log_file *file, const char *path, const struct user *user) MUST_USE;
/* From now on lines go there. */
void log_file_use(struct log_file *file);
/*
 * Open it again, under its name, where there is one. Where that fails, the log stays where it is, and
 * says so.
 */
void log_file_reopen(struct log_file *file);
/* Close what is not used yet. */
void log_file_close(struct log_file *file);
