/*
 * include/lombard/base/iov.h - bytes to send, as the kernel wants them.
 *
 * struct iovec serves for reading and for writing, and so has no const: here is the one place
 * where it is lost. What is made of a slice is for calls that only read it.
 */
#pragma once

#include <string.h>
#include <sys/uio.h>

#include "lombard/base/slice.h"

static inline struct iovec
iov_of(struct slice src)
{
    struct iovec iov = {.iov_len = src.len};

    memcpy(&iov.iov_base, &src.ptr, sizeof(src.ptr));
    return iov;
}
