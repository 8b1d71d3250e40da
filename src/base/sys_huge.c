/* Huge pages: memory that comes 2 MB at a time, asked for before it is needed. */
#include <sys/mman.h>
#include <sys/resource.h>

#include "lombard/base/attr.h"
#include "lombard/base/sys.h"

/* Which older headers lack: of Linux 5.4, 5.14 and 6.1. */
enum { ADVICE_COLD = 20, ADVICE_POPULATE_WRITE = 23, ADVICE_COLLAPSE = 25 };
/* Page faults for a huge page; small ones take 512. */
enum { FAULTS_MAX = 16 };

void
sys_forbid_huge(void *area, size_t area_bytes)
{
    (void)madvise(area, area_bytes, MADV_NOHUGEPAGE);
}

static long
page_faults(void)
{
    struct rusage usage;

    return getrusage(RUSAGE_SELF, &usage) == 0 ? usage.ru_minflt : 0;
}

/*
 * The area as a whole is allowed huge pages, and forbidden them: its parts would each become a mapping of their
 * own.
 */
bool
sys_touch_huge(void *mem, void *area, size_t area_bytes)
{
    long before = page_faults();
    bool touched;

    if (area != NULL)
        (void)madvise(area, area_bytes, MADV_HUGEPAGE);
    touched = madvise(mem, SYS_HUGE_BYTES, ADVICE_POPULATE_WRITE) == 0;
    if (!touched) /* an older kernel: the first byte has all of it come */
        *(volatile char *)mem = 0;
    if (area != NULL)
        sys_forbid_huge(area, area_bytes);
    return page_faults() - before <= FAULTS_MAX;
}

bool
sys_touch_huge_file(void *mem)
{
    *(volatile char *)mem = 0;
    return madvise(mem, SYS_HUGE_BYTES, ADVICE_COLLAPSE) == 0;
}

static bool
map_at(void *mem, size_t bytes, int flags)
{
    return mmap(mem, bytes, PROT_READ | PROT_WRITE,
                MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | flags, -1, 0) != MAP_FAILED;
}

/* The pages are promised here, and come when they are touched. A refusal leaves nothing mapped there. */
bool
sys_take_huge(void *mem, size_t bytes)
{
    if (map_at(mem, bytes, MAP_HUGETLB))
        return true;
    if (!map_at(mem, bytes, MAP_NORESERVE))
        BUG("memory has a hole");
    return false;
}

void
sys_divide_huge(void *mem, size_t bytes)
{
    (void)madvise(mem, bytes, ADVICE_COLD);
}
