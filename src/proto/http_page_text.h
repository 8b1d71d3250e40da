/*
 * src/proto/http_page_text.h - the status page as http_page.py makes it of http_page.html.
 */
#pragma once

#include <stddef.h>

extern const char http_page_begin_text[]; /* up to its numbers */
extern const size_t http_page_begin_bytes;
extern const char http_page_end_text[]; /* what follows them */
extern const size_t http_page_end_bytes;
/* The sources of its script and its style, for Content-Security-Policy. */
extern const char http_page_policy[];
