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
struct pass_fds;
struct process;

/*
 * Append what of PROCESS does not change to IMAGE, an empty one, and set FDS: its descriptors, which stay the
 * process's. NULL, or why not.
 */
const char *control_image_offer(const struct process *process, struct image *image,
                                struct pass_fds *fds) MUST_USE;
/*
 * Likewise all the rest, and OUT, of which OUT->fds has room for server_descriptor_count(). Serving stopped at
 * BEGUN_NS. NULL, and the store is lent by *LEASE; or why not.
 */
const char *control_image_describe(struct process *process, uint64_t begun_ns,
                                   struct handover *out, struct image *image,
                                   uint64_t *lease) MUST_USE;
/* Write it to FD, from OFF on. False, with errno. */
bool control_image_write(int fd, const struct image *image, uint64_t off) MUST_USE;
