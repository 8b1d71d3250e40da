/*
 * src/app/sandbox_filter.h - the filter of system calls, as a program for the kernel.
 *
 *     foreign architecture             killed
 *     a call of sandbox_calls.def      allowed, if its arguments are those of one of its cases
 *     other arguments                  EPERM   \ by SIGSYS, whose handler (sandbox.c) counts,
 *     a call that is not there         ENOSYS  / and makes the call fail
 *     a deadly one, executable memory  killed
 *
 * A call fails rather than ends the server, because a libc of a later release may make a call that this
 * list does not know, and can do without it. A deadly call is never such a mistake.
 */
#pragma once

#include "sandbox.h"
#include "sandbox_abi.h"

#ifdef SANDBOX_ARCH

enum { FILTER_STEPS_MAX = 1024 };

struct filter {
    struct bpf_step steps[FILTER_STEPS_MAX];
    uint16_t count;
    const struct sandbox *sandbox; /* which files there are */
};

/* Make *FILTER for what SANDBOX allows. */
void filter_build(struct filter *filter, const struct sandbox *sandbox);

#endif
