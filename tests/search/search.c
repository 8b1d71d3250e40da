/* Breadth-first search through all states of a subject. */
#include "search.h"

#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    PATH_MAX_OPS = 200,
    TABLE_MIN = 1 << 16, /* slots, a power of two */
    NO_PARENT = -1,
};

/* How a state was reached. */
struct origin {
    int64_t parent; /* its number, or NO_PARENT */
    uint32_t op;
};

/* A state whose operations are to be tried. */
struct pending {
    struct pending *next;
    int64_t number;
    unsigned depth;
    unsigned char block[];
};

static struct {
    const struct subject *subject;
    uint64_t *table; /* hashes of the states seen; 0: free */
    size_t slots;
    struct origin *origins; /* by number */
    int64_t count;
    int64_t origins_cap;
    struct pending *first;
    struct pending **last;
    int64_t current; /* whose operations are tried now */
    uint32_t current_op;
    bool in_op;
    uint64_t hash;
} search;

static void *
checked(void *mem)
{
    if (mem == NULL) {
        fprintf(stderr, "the search is out of memory\n");
        exit(1);
    }
    return mem;
}

static double
seconds_now(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* --- The way to what is wrong --- */

/* Names depend on nothing but the number of the operation. */
static void
print_way(void)
{
    uint32_t ops[PATH_MAX_OPS];
    int count = 0;
    char name[128];

    for (int64_t n = search.current; n > 0 && count < PATH_MAX_OPS;
         n = search.origins[n].parent)
        ops[count++] = search.origins[n].op;
    fprintf(stderr, "%s:", search.subject->name);
    while (count-- > 0) {
        search.subject->op_name(ops[count], name, sizeof(name));
        fprintf(stderr, " %s;", name);
    }
    if (search.in_op) {
        search.subject->op_name(search.current_op, name, sizeof(name));
        fprintf(stderr, " %s", name);
    }
    fprintf(stderr, "\n");
}

void
search_wrong(const char *format, ...)
{
    va_list args;

    print_way();
    fprintf(stderr, "VIOLATION after %" PRId64 " states: ", search.count);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fprintf(stderr, "\n");
    _exit(1);
}

static void
on_fatal_signal(int signo)
{
    print_way();
    fprintf(stderr, "VIOLATION after %" PRId64 " states: %s\n", search.count, strsignal(signo));
    _exit(1);
}

/* --- States that were seen --- */

void
search_put(uint64_t number)
{
    uint64_t h = search.hash ^ number;

    /* The finalizer of splitmix64: every bit of both reaches every bit. */
    h = (h ^ (h >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    h = (h ^ (h >> 27)) * UINT64_C(0x94d049bb133111eb);
    search.hash = (h ^ (h >> 31)) + UINT64_C(0x9e3779b97f4a7c15);
}

void
search_put_bytes(const void *src, size_t bytes)
{
    const unsigned char *p = src;
    uint64_t word;

    search_put(bytes);
    for (; bytes >= sizeof(word); bytes -= sizeof(word), p += sizeof(word)) {
        memcpy(&word, p, sizeof(word));
        search_put(word);
    }
    word = 0;
    memcpy(&word, p, bytes);
    search_put(word);
}

static void
insert(uint64_t hash)
{
    size_t slot = hash & (search.slots - 1);

    while (search.table[slot] != 0)
        slot = (slot + 1) & (search.slots - 1);
    search.table[slot] = hash;
}

static void
grow_table(void)
{
    uint64_t *old = search.table;
    size_t slots = search.slots;

    search.slots = slots == 0 ? TABLE_MIN : 2 * slots;
    search.table = checked(calloc(search.slots, sizeof(*search.table)));
    for (size_t i = 0; i < slots; i++)
        if (old[i] != 0)
            insert(old[i]);
    free(old);
}

/* True when the state that is in the block was not seen before. */
static bool
is_new(void)
{
    size_t slot;

    search.hash = 1;
    search.subject->describe();
    if (search.hash == 0)
        search.hash = 1;
    for (slot = search.hash & (search.slots - 1); search.table[slot] != 0;
         slot = (slot + 1) & (search.slots - 1))
        if (search.table[slot] == search.hash)
            return false;
    if ((size_t)search.count >= search.slots / 2)
        grow_table();
    insert(search.hash);
    return true;
}

static void
keep(int64_t parent, uint32_t op, unsigned depth)
{
    const struct subject *s = search.subject;
    struct pending *pending = checked(malloc(sizeof(*pending) + s->bytes));

    if (search.count == search.origins_cap) {
        search.origins_cap = search.origins_cap == 0 ? 1024 : 2 * search.origins_cap;
        search.origins = checked(
            realloc(search.origins, (size_t)search.origins_cap * sizeof(*search.origins)));
    }
    search.origins[search.count] = (struct origin){parent, op};
    pending->next = NULL;
    pending->number = search.count++;
    pending->depth = depth;
    memcpy(pending->block, s->block, s->bytes);
    *search.last = pending;
    search.last = &pending->next;
}

/* --- The search --- */

static void
begin(const struct subject *subject)
{
    memset(&search, 0, sizeof(search));
    search.subject = subject;
    search.last = &search.first;
    search.current = NO_PARENT;
    grow_table();
    (void)signal(SIGABRT, on_fatal_signal);
    subject->reset();
    (void)is_new();
    keep(NO_PARENT, 0, 0);
}

/* True when the block is another now. */
static bool
try_op(const struct pending *from, uint32_t op, struct search_totals *totals)
{
    const struct subject *s = search.subject;
    bool possible;

    search.current_op = op;
    search.in_op = true;
    possible = s->op_run(op);
    totals->transitions += possible;
    /* Known states were checked when they were found. */
    if (possible && is_new()) {
        keep(from->number, op, from->depth + 1);
        s->check();
    }
    search.in_op = false;
    return possible;
}

static void
expand(const struct pending *from, struct search_totals *totals)
{
    const struct subject *s = search.subject;
    unsigned count;

    memcpy(s->block, from->block, s->bytes);
    count = s->op_count();
    search.current = from->number;
    for (uint32_t op = 0; op < count; op++)
        if (try_op(from, op, totals))
            memcpy(s->block, from->block, s->bytes);
}

void
search_run(const struct subject *subject, struct search_totals *totals)
{
    double started = seconds_now();
    struct pending *pending;

    memset(totals, 0, sizeof(*totals));
    totals->exhausted = true;
    begin(subject);
    while ((pending = search.first) != NULL) {
        search.first = pending->next;
        if (search.first == NULL)
            search.last = &search.first;
        totals->depth = pending->depth;
        if (subject->depth_max == 0 || pending->depth < subject->depth_max)
            expand(pending, totals);
        else
            totals->exhausted = false;
        free(pending);
    }
    totals->states = (uint64_t)search.count;
    totals->seconds = seconds_now() - started;
    free(search.table);
    free(search.origins);
}

void
search_print(const struct subject *subject, const struct search_totals *totals)
{
    printf("%s: %" PRIu64 " states, %" PRIu64 " transitions, %s %u operations, %.1f s\n",
           subject->name, totals->states, totals->transitions,
           totals->exhausted ? "all there are, the farthest after" : "all within",
           totals->depth, totals->seconds);
    (void)fflush(stdout);
}
