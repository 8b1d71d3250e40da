/*
 * src/proto/http_words.h - texts of HTTP: words, lists and lines. All slices that come back are parts
 * of those that were given.
 */
#pragma once

#include "lombard/base/slice.h"

/* A token of RFC 9110, 5.6.2. */
bool http_is_token(struct slice s);
/* Without blanks, controls and what is not ASCII; not empty. */
bool http_is_visible(struct slice s);
bool http_equals_nocase(struct slice s, const char *text);
bool http_begins_nocase(struct slice s, const char *text);

/* What is behind the first OFF bytes, of which there are as many. */
struct slice http_from(struct slice s, size_t off);
/* Without blanks and tabs at both ends. */
struct slice http_trim(struct slice s);
/* What comes before the first C of *REST, which begins behind it then; or all of it. */
struct slice http_take(struct slice *rest, char c);
/* The next line of *REST, without its end; all lines have one. */
struct slice http_take_line(struct slice *rest);
