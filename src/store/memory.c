/* Areas of memory: of the kernel's own, or of a file that outlives the process. */
#include "memory_priv.h"

#include "lombard/base/sys.h"

bool
memory_init(struct memory *memory, int fd)
{
    *memory = (struct memory){.fd = fd};
    return fd < 0 || sys_file_bytes(fd, &memory->there);
}

/* Of a file, all of an area is mapped: its pages may be as large. */
static size_t
whole(size_t bytes)
{
    return (bytes + MEMORY_AREA_BYTES - 1) / MEMORY_AREA_BYTES * MEMORY_AREA_BYTES;
}

static void *
take_of_file(struct memory *memory, size_t bytes)
{
    uint64_t end = memory->taken + whole(bytes);
    void *mem;

    if (end > memory->there) {
        if (!sys_resize_file(memory->fd, end))
            return NULL;
        memory->there = end;
    }
    mem = sys_map_file(memory->fd, memory->taken, whole(bytes));
    if (mem != NULL)
        memory->taken = end;
    return mem;
}

void *
memory_take(struct memory *memory, size_t bytes)
{
    return memory_is_file(memory) ? take_of_file(memory, bytes) : sys_reserve(bytes);
}

void
memory_give(bool in_file, void *mem, size_t bytes)
{
    sys_unreserve(mem, in_file ? whole(bytes) : bytes);
}

bool
memory_allow(bool in_file, void *mem, size_t bytes)
{
    return in_file || sys_allow(mem, bytes);
}

void
memory_discard(bool in_file, void *mem, size_t bytes)
{
    if (in_file)
        sys_discard_file(mem, bytes);
    else
        sys_discard(mem, bytes);
}
