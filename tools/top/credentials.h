/*
 * tools/top/credentials.h - the user and the password that servers are told which ask for them.
 */
#pragma once

#include <stdbool.h>

enum { CREDENTIALS_BYTES = 600 };

/* The request that logs in, NUL-terminated; "": there are none. */
struct credentials {
    char request[CREDENTIALS_BYTES];
};

/* Take the first user of PATH, lines user:password. False: *WHY says what is wrong. */
bool credentials_load(struct credentials *credentials, const char *path, const char **why);
