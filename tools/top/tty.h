/*
 * tools/top/tty.h - the terminal: keys without echo, its size, and a page at a time.
 */
#pragma once

#include "screen.h"

enum { KEY_NONE = -1, KEY_END = -2, KEY_UP = 256, KEY_DOWN = 257, KEY_ESCAPE = 27 };

/* Take the terminal over; false when standard input or output is none. It is given back at exit. */
bool tty_begin(void);
void tty_end(void);
void tty_size(int *rows, int *columns);
/* The descriptor that keys come from. */
int tty_keys(void);
void tty_show(const struct screen *screen);
/* A key that comes within WAIT_MS; KEY_NONE: none did, KEY_END: no more will. */
int tty_key(int wait_ms);
