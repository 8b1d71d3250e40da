/*
 * src/app/takeover_image.h - what the new process of a takeover reads out of the images that it is given.
 *
 * The counterpart of control_image.h. An entry that is not known here and not optional refuses the takeover.
 */
#pragma once

#include "lombard/base/attr.h"
#include "takeover.h"

struct process;

/*
 * Read IMAGE into PROCESS: its takeover's numbers, whose slices lie in IMAGE and live as long, and its files, which
 * get their descriptors in the order of the offer. NULL, or why it cannot be.
 */
const char *takeover_read_image(struct process *process,
                                const struct takeover_image *image) MUST_USE;
/*
 * After that: the offer's descriptors that are left are listeners, which become PROCESS's in place of its own.
 * NULL, or why not.
 */
const char *takeover_take_listeners(struct process *process) MUST_USE;
