/* Keeps texts on pages that become read-only, at an address that the sandbox's filter knows. */
#include "sealed.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { ALIGNMENT = 16 };

static char *pages;
static size_t used;
static bool closed;

/* An address that is only asked for: a sanitizer, or a kernel with few bits, may have it. */
static bool
make_pages(void)
{
    void *wanted = (void *)(uintptr_t)SEALED_AT; /* NOLINT(performance-no-int-to-ptr) */
    void *mem;

    if (pages != NULL)
        return true;
    mem =
        mmap(wanted, SEALED_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mem == MAP_FAILED)
        return false;
    pages = mem;
    return true;
}

const void *
sealed_copy(const void *src, size_t bytes)
{
    char *copy;

    if (closed) {
        errno = EPERM;
        return NULL;
    }
    if (!make_pages())
        return NULL;
    if (bytes > SEALED_BYTES - used) {
        errno = ENOSPC;
        return NULL;
    }
    copy = pages + used;
    memcpy(copy, src, bytes);
    used += (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    return copy;
}

const char *
sealed_text(const char *text)
{
    return sealed_copy(text, strlen(text) + 1);
}

const char *
sealed_path(const char *path)
{
    char here[PATH_MAX] = "", absolute[PATH_MAX];
    int len;

    if (path[0] != '/' && getcwd(here, sizeof(here)) == NULL)
        return NULL;
    len = snprintf(absolute, sizeof(absolute), "%s%s%s", here, path[0] == '/' ? "" : "/", path);
    if (len >= 0 && (size_t)len < sizeof(absolute))
        return sealed_text(absolute);
    errno = ENAMETOOLONG;
    return NULL;
}

bool
sealed_close(void)
{
    if (pages != NULL && mprotect(pages, SEALED_BYTES, PROT_READ) != 0)
        return false;
    closed = true;
    return true;
}

bool
sealed_is_below(void)
{
    return (uintptr_t)pages == SEALED_AT;
}
