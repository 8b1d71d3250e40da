/*
 * include/lombard/base/passwords.h - the users who may ask, and their passwords.
 *
 * The text is that of memcached's -Y: a line "user:password" each, where the first colon ends
 * the user. Lines end in "\n" or "\r\n", the last one may have no end; empty lines do not count.
 */
#pragma once

#include <stdbool.h>

#include "lombard/base/attr.h"
#include "lombard/base/slice.h"

enum {
    PASSWORDS_MAX = 8,          /* entries, as in memcached */
    PASSWORDS_LINE_BYTES = 254, /* of a line without its end, likewise */
};

/* Unused bytes and entries are zero. All of it is zero: no user may ask. */
struct passwords {
    struct password_entry {
        size_t user_len, password_len; /* each at least 1 in an entry that is used */
        unsigned char user[PASSWORDS_LINE_BYTES];
        unsigned char password[PASSWORDS_LINE_BYTES];
    } entries[PASSWORDS_MAX];
};

enum passwords_result {
    PASSWORDS_OK,
    PASSWORDS_NONE,      /* there is no entry in it */
    PASSWORDS_TOO_MANY,  /* more than PASSWORDS_MAX */
    PASSWORDS_LONG_LINE, /* more than PASSWORDS_LINE_BYTES */
    PASSWORDS_MALFORMED, /* no colon, no user, no password, or a NUL */
};

/*
 * Take TEXT apart. *PASSWORDS changes only with PASSWORDS_OK; otherwise *LINE, where it is about
 * one, says which, counted from 1.
 */
enum passwords_result passwords_parse(struct passwords *passwords, struct slice text,
                                      unsigned *line) MUST_USE;
/*
 * Whether there is an entry of exactly this user and this password. How long that takes does not
 * depend on what the entries are.
 */
bool passwords_match(const struct passwords *passwords, struct slice user,
                     struct slice password) MUST_USE;
/* Overwrite them. */
void passwords_wipe(struct passwords *passwords);
