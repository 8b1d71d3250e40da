/*
 * tests/search/store_search.c - every order of operations on a tiny store.
 *
 *     store_search [DEPTH [SCOPE]]   all scopes, or those whose name has SCOPE in it
 *
 * The real files of src/store, compiled with segments of 256 bytes: a scope is a store
 * with a few segments, two large items, some small ones, one or two pins and uploads.
 * From its beginning every operation is tried in every order up to a depth; a state that was
 * seen with as many steps left is not entered again. Two states are the same when
 * what is in each segment, its order, its pins, the evictor and the looker for
 * expired items are; not compared are the addresses, the counters and the
 * learned rates of the policy. In every state:
 *
 *     - the segments, the logs, the index and the counters add up;
 *     - every item that is there has the bytes that were stored last, and what is
 *       pinned has its own;
 *     - without eviction nothing is missing, and survivors have a segment to move to;
 *     - a set that fits is refused only if what is not pinned would not be enough;
 *     - a value that waits for space was given its share of work, which ends with the last that waits.
 *
 * Prints states, transitions and seconds; on a violation the path to it, and exits with 1.
 */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "store_search_priv.h"

enum { DEPTH_MAX = 32, DEPTH_DEFAULT = 6 };

static struct world world;
static struct snapshot *stack[DEPTH_MAX + 1];
static unsigned path[DEPTH_MAX];
static unsigned path_len;
static const struct scope *scope;

/* --- What was seen: a hash table of states, and with how many steps left --- */

static struct seen {
    uint64_t hash; /* 0: empty */
    uint8_t left;
} * seen;
static uint64_t seen_size, seen_count;
static uint64_t transitions;

static void
seen_init(void)
{
    seen_size = 1 << 16;
    seen_count = 0;
    seen = calloc(seen_size, sizeof(*seen));
    REQUIRE(seen != NULL);
}

static struct seen *
seen_slot(uint64_t hash)
{
    uint64_t i = hash & (seen_size - 1);

    while (seen[i].hash != 0 && seen[i].hash != hash)
        i = (i + 1) & (seen_size - 1);
    return seen + i;
}

static void
seen_grow(void)
{
    struct seen *old = seen;
    uint64_t old_size = seen_size;

    seen_size *= 2;
    seen = calloc(seen_size, sizeof(*seen));
    REQUIRE(seen != NULL);
    for (uint64_t i = 0; i < old_size; i++)
        if (old[i].hash != 0)
            *seen_slot(old[i].hash) = old[i];
    free(old);
}

/* Whether the state is to be entered: new, or with more steps left than before. */
static bool
enter(uint64_t hash, unsigned left)
{
    struct seen *s = seen_slot(hash | 1);

    if (s->hash != 0 && s->left >= left)
        return false;
    if (s->hash == 0 && ++seen_count * 2 > seen_size) {
        seen_grow();
        s = seen_slot(hash | 1);
    }
    s->hash = hash | 1;
    s->left = (uint8_t)left;
    return true;
}

/* --- Violations --- */

static void
print_path(void)
{
    char line[64];

    for (unsigned i = 0; i < path_len; i++) {
        int n = snprintf(line, sizeof(line), "  %2u. %s\n", i + 1, world_op_name(path[i]));

        if (write(STDERR_FILENO, line, (size_t)n) < 0)
            return;
    }
}

/* How the world came to violate WHAT. */
static void
print_violation(const char *what)
{
    (void)fprintf(stderr, "store_search: %s: violated: %s\n", scope->name, what);
    print_path();
}

static void
on_signal(int number)
{
    static const char text[] = "store_search: crashed\n";

    if (write(STDERR_FILENO, text, sizeof(text) - 1) > 0)
        print_path();
    _exit(number == SIGABRT ? 1 : 2);
}

/* --- Depth first --- */

static void
visit(unsigned depth, unsigned left)
{
    if (left == 0)
        return;
    world_save(&world, stack[depth]);
    for (unsigned op = 0; op < world_op_count(); op++) {
        path[depth] = op;
        path_len = depth + 1;
        if (!world_do(&world, op))
            continue;
        transitions++;
        world_check(&world);
        if (enter(world_hash(&world), left - 1)) {
            visit(depth + 1, left - 1);
        }
        world_restore(&world, stack[depth]);
    }
}

static double
seconds(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

static void
search(unsigned depth)
{
    double begin = seconds();

    seen_init();
    transitions = world_waits = 0;
    path_len = 0;
    world_open(&world, scope);
    for (unsigned i = 0; i <= depth; i++) {
        stack[i] = malloc(world_snapshot_bytes(&world));
        REQUIRE(stack[i] != NULL);
    }
    for (unsigned d = scope->deepen ? 1 : depth; d <= depth; d++) {
        memset(seen, 0, seen_size * sizeof(*seen));
        seen_count = 0;
        visit(0, d);
    }
    printf("%-24s depth %u: %" PRIu64 " states, %" PRIu64 " transitions, %" PRIu64
           " waits for space, %.2f s\n",
           scope->name, depth, seen_count, transitions, world_waits, seconds() - begin);
    (void)fflush(stdout);
    if (strstr(scope->name, "waits") != NULL && world_waits == 0)
        violated("what waits for space is met");
    for (unsigned i = 0; i <= depth; i++)
        free(stack[i]);
    world_close(&world);
    free(seen);
}

int
main(int argc, char **argv)
{
    int more = argc > 1 ? atoi(argv[1]) : 0;

    (void)signal(SIGABRT, on_signal);
    (void)signal(SIGSEGV, on_signal);
    violated_report_by(print_violation);
    for (scope = scopes; scope->name != NULL; scope++) {
        int depth = (int)scope->depth + more;

        if (argc > 2 && strstr(scope->name, argv[2]) == NULL)
            continue;
        search((unsigned)(depth < 1 ? 1 : depth > DEPTH_MAX - 1 ? DEPTH_MAX - 1 : depth));
    }
    return 0;
}
