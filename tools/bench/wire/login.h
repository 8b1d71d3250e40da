/*
 * tools/bench/wire/login.h - what a connection says first at a server that asks who it is.
 *
 *     text, meta:  set login 0 0 BYTES\r\n user password\r\n          STORED\r\n
 *     binary:      opcode 0x21, key PLAIN, value \0user\0password      status 0
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "lombard/base/attr.h"

enum { LOGIN_BYTES_MAX = 700 };

struct login {
    size_t bytes; /* 0: nothing is said */
    bool binary;
    unsigned char text[LOGIN_BYTES_MAX];
};

enum login_answer { LOGIN_PARTIAL, LOGIN_ACCEPTED, LOGIN_REFUSED };

/* Of the user and the password in PATH, a line "user:password"; the first one counts. NULL, or what is
 * wrong. */
const char *login_load(struct login *l, const char *path, bool binary) MUST_USE;
/* What the server says to it, in [P, P + BYTES); *USED bytes of it, unless it is PARTIAL. */
enum login_answer login_read(const struct login *l, const unsigned char *p, size_t bytes,
                             size_t *used) MUST_USE;
