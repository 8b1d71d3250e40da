/*
 * tests/unit/app/program.h - the whole program but its main(), for tests of its statistics.
 */
#pragma once

#include "statistics.h"

enum { PROGRAM_CLIENTS = 2 };

extern struct stat_registry registry;
extern int clients[PROGRAM_CLIENTS]; /* connected, through a Unix socket */

/* One item "a", and all statistics registered. */
void program_start(void);
void program_stop(void);

void program_iterate(int count);
/* The client FD sends TEXT, which is served; what it is answered is forgotten. */
void program_say(int fd, const char *text);
