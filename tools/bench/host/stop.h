/*
 * tools/bench/host/stop.h - ending early when a signal asks for it, with what was measured so far.
 *
 * SIGINT, SIGTERM and SIGHUP are only noted, unless they were ignored before; a second one of
 * the same kind ends the process immediately, as by default.
 */
#pragma once

/* Note these signals from now on. Once, before anything that takes long. */
void stop_prepare(void);
/* The signal that has come, or 0. */
int stop_signal(void);
/* In a child process: the parent decides when it ends. */
void stop_leave_to_parent(void);
