/*
 * tests/sim/script.h - what is sent over one connection, and what must come back.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "lombard/base/attr.h"

struct text {
    char *data;
    size_t len;
    size_t cap;
};

struct script {
    const char *name;
    size_t limit_bytes;    /* of the server; 0: 8 MB */
    size_t item_bytes_max; /* likewise; 0: 100 KB */
    struct text in;
    struct text want;
    struct text any; /* as long as want: not 0 where the byte may be any */
};

void text_add(struct text *t, const void *src, size_t bytes);

void script_init(struct script *s, const char *name);
void script_fini(struct script *s);
/* Begin anew, with the same memory. */
void script_clear(struct script *s);

void say(struct script *s, const char *format, ...) PRINTF_LIKE(2, 3);
void want(struct script *s, const char *format, ...) PRINTF_LIKE(2, 3);
void say_bytes(struct script *s, const void *src, size_t bytes);
void want_bytes(struct script *s, const void *src, size_t bytes);
/* BYTES that others have a part in: a CAS. */
void want_any(struct script *s, size_t bytes);

/* A value of a key: no two neighbouring bytes alike, no two keys alike. */
void say_value(struct script *s, unsigned key, size_t bytes);
void want_part(struct script *s, unsigned key, size_t bytes);
/* "VERB key-K ...", with its value; and what a get of it answers. */
void say_set(struct script *s, const char *verb, unsigned key, size_t bytes);
void want_value(struct script *s, unsigned key, size_t bytes);

/* --- Those there are --- */

void build_classic(struct script *s);
void build_values(struct script *s);
void build_multiget(struct script *s);
void build_uploads(struct script *s);
/* Of megabytes: not to be cut everywhere. */
void build_parts(struct script *s);
void build_meta(struct script *s);
void build_meta_values(struct script *s);
void build_binary(struct script *s);
void build_binary_values(struct script *s);
