/*
 * tools/bench/run/progress.h - one line that says how the run is going.
 */
#pragma once

struct driver;

void progress_start(struct driver *d);
/* Rewrite the line, if it is time to. */
void progress_tick(struct driver *d);
/* Wipe it. */
void progress_end(void);
