/*
 * src/app/control_image.h - what a process hands over, as an image (base/image.h) and descriptors.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lombard/base/attr.h"
#include "lombard/base/image.h"

struct handover;
struct process;

/* How many descriptors at most go with it. */
size_t control_image_descriptors(const struct process *process) MUST_USE;
/*
 * Append all that PROCESS has to IMAGE, an empty one, and set OUT: its descriptors, of which OUT->fds has room
 * for control_image_descriptors(); they stay the process's. Serving stopped at BEGUN_NS. NULL, and the store is
 * lent by *LEASE; or why not.
 */
const char *control_image_describe(struct process *process, uint64_t begun_ns,
                                   struct handover *out, struct image *image,
                                   uint64_t *lease) MUST_USE;
/* Write it to FD, an empty file. False, with errno. */
bool control_image_write(int fd, const struct image *image) MUST_USE;
