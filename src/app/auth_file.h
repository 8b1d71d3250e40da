/*
 * src/app/auth_file.h - -Y: the file of users and passwords, read at the start and at SIGHUP.
 *
 * What is in it appears in no message.
 */
#pragma once

#include <stdbool.h>

#include "lombard/base/attr.h"
#include "lombard/base/passwords.h"
#include "user.h"

struct auth_file {
    const char *path; /* absolute: a daemon leaves its directory; sealed; NULL: there is none */
    struct passwords passwords;
};

/* For the word `why`. */
enum { AUTH_FILE_WHY_BYTES = 160 };

/*
 * Read PATH. False, with the reason in WHY (room for AUTH_FILE_WHY_BYTES), when that cannot be, or
 * it is malformed: *PASSWORDS is as it was.
 */
bool auth_file_read(const char *path, struct passwords *passwords, char *why) MUST_USE;
/*
 * At the start, as the user that the server will be, or where that user may not read it, as root.
 * False: that was logged.
 */
bool auth_file_load(struct auth_file *file, const char *path, const struct user *user) MUST_USE;
/* Read it again, where there is one. A bad file changes nothing; the log says how it went. */
void auth_file_reload(struct auth_file *file);
/* Overwrite what was read. */
void auth_file_close(struct auth_file *file);
