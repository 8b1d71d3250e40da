/* A host without huge pages, for all programs of the simulator. */
#include "lombard/base/sys.h"

void
sys_forbid_huge(void *area, size_t area_bytes)
{
    (void)area;
    (void)area_bytes;
}

bool
sys_touch_huge(void *mem, void *area, size_t area_bytes)
{
    (void)mem;
    (void)area;
    (void)area_bytes;
    return false;
}

bool
sys_touch_huge_file(void *mem)
{
    (void)mem;
    return false;
}

bool
sys_take_huge(void *mem, size_t bytes)
{
    (void)mem;
    (void)bytes;
    return false;
}

void
sys_divide_huge(void *mem, size_t bytes)
{
    (void)mem;
    (void)bytes;
}
