/*
 * tools/bench/progress.h - one line that says how the run is going.
 */
#pragma once

struct session;

void progress_start(struct session *s);
/* Rewrite the line, if it is time to. */
void progress_tick(struct session *s);
/* Wipe it. */
void progress_end(void);
