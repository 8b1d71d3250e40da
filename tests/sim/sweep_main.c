/*
 * tests/sim/sweep_main.c - not at random: everywhere.
 *
 *     sweep quick      some positions and some calls of each
 *     sweep            many of them: every one where there are not too many
 *     sweep full       every one of them, and every pair in a short script
 *     sweep founding   within a second: a send that is cut within a header, while
 *                      another connection is served from the same freelist
 *     sweep EFFORT NAME...           only these scripts, or "parts", "faults", "handovers"; of one script:
 *                                    "NAME-handed"
 *     sweep at NAME WAY FIRST SECOND  one point: "output", "input", "output-broken"
 *                                     or "input-broken" of a script
 *     sweep nth SEED KIND N           one point: a call that fails
 *
 * Sends: the output of a script is cut at every byte, singly and in pairs, and
 * while it is stuck another connection stores and reads with the same buffers.
 * Receives: the input is cut at every byte, likewise. Breaks: it ends there.
 * Handovers: in every iteration the server is handed over, as to another process, while output or input is
 * cut; and with each call of a handover that can fail, the server that was there goes on.
 * Faults: the Nth call of each kind fails, for N from 1 until it is not reached
 * any more, in small worlds and while the server starts.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cuts.h"
#include "nth.h"
#include "sim_sys.h"

/* How much is enough. */
static const struct effort {
    const char *name;
    size_t cuts;  /* of one script and direction */
    size_t pairs; /* likewise, of those of more than these bytes: */
    size_t every_pair_bytes;
    size_t handovers; /* cuts of one script and direction, */
    size_t stuck;     /* and places in which each call of a handover fails */
    uint64_t fault_seeds;
    uint64_t nth_divisor; /* after the Nth call comes N + 1 + N / this */
} efforts[] = {
    {"", 800, 800, 0, 40, 3, 6, 8},
    {"quick", 250, 250, 0, 8, 1, 3, 4},
    {"founding", 200, 0, 0, 0, 0, 0, 1},
    {"full", SIZE_MAX, 50000, 1200, SIZE_MAX, 100, 40, UINT64_MAX},
};

static const struct effort *effort = &efforts[0];
static uint64_t points;
static uint64_t checks;
static double started;

static double
seconds_now(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* --- Scripts --- */

typedef void cut_fn(const struct script *s, size_t first, size_t second);

static size_t
stride(size_t count, size_t most)
{
    return count <= most ? 1 : count / most + 1;
}

static void
sweep_singly(const struct script *s, size_t len, cut_fn *cut, size_t most)
{
    size_t step = stride(len, most);

    for (size_t i = 1; i < len; i += step, points++)
        cut(s, i, i);
    checks++;
}

/* Each STEPth of the pairs I < J. */
static void
sweep_in_pairs(const struct script *s, size_t len, cut_fn *cut)
{
    size_t pairs = len < 3 ? 0 : (len - 1) * (len - 2) / 2;
    size_t i = 1, row = 0; /* the first pair of I is the ROWth */
    size_t step;

    if (effort->pairs == 0)
        return;
    step = len <= effort->every_pair_bytes ? 1 : stride(pairs, effort->pairs);
    for (size_t pair = step - 1; pair < pairs; pair += step, points++) {
        while (pair - row >= len - 1 - i) {
            row += len - 1 - i;
            i++;
        }
        cut(s, i, i + 1 + (pair - row));
    }
    checks++;
}

/* A script of megabytes: some cuts, many of them where the value begins. */
static void
sweep_parts(void)
{
    const size_t cuts[] = {1,     16,    17,    1000,   12500,  12600,   12700,  12800,
                           13000, 14000, 20000, 100000, 500000, 1000000, 1912000};
    struct script s;

    build_parts(&s);
    for (size_t i = 0; i < ARRAY_LEN(cuts); i++, points += 2) {
        cut_output(&s, cuts[i], cuts[i]);
        break_output(&s, cuts[i], cuts[i]);
    }
    checks++;
    printf("parts: output of %zu bytes cut and broken off in %zu ways\n", s.want.len,
           2 * ARRAY_LEN(cuts));
    script_fini(&s);
}

static void
sweep_script(void (*build)(struct script *s))
{
    double begun = seconds_now();
    uint64_t cuts = points, breaks;
    struct script s;

    build(&s);
    sweep_singly(&s, s.want.len, cut_output, effort->cuts);
    sweep_singly(&s, s.in.len, cut_input, effort->cuts);
    sweep_in_pairs(&s, s.want.len, cut_output);
    sweep_in_pairs(&s, s.in.len, cut_input);
    cuts = points - cuts;
    breaks = points;
    sweep_singly(&s, s.want.len, break_output, effort->cuts / 4 + 1);
    sweep_singly(&s, s.in.len, break_input, effort->cuts / 4 + 1);
    printf("%s: %zu bytes out and %zu in, cut in %" PRIu64 " and broken off in %" PRIu64
           " ways, %.1f s\n",
           s.name, s.want.len, s.in.len, cuts, points - breaks, seconds_now() - begun);
    script_fini(&s);
}

/* --- Handovers --- */

static void
fail_handovers(const struct script *s)
{
    static const enum sim_call calls[] = {SIM_MALLOC, SIM_MAP, SIM_EPOLL_CTL, SIM_EPOLL_CREATE,
                                          SIM_RING_OPEN};

    for (size_t place = 1; place <= effort->stuck; place++) {
        size_t at = s->want.len * place / (effort->stuck + 1);

        for (size_t i = 0; i < ARRAY_LEN(calls); i++)
            for (uint64_t nth = 1; fail_hand_over(s, at, calls[i], nth); nth++)
                points++;
    }
    checks++;
}

/* A long value that is sent in parts: handed over at some cuts, and with each call that fails, at the begin, amid it and at the end. */
static void
sweep_parts_handed(void)
{
    const size_t cuts[] = {1, 17, 12700, 13000, 500000, 1912000};
    uint64_t before = points;
    struct script s;

    if (effort->handovers == 0)
        return;
    build_parts(&s);
    for (size_t i = 0; i < ARRAY_LEN(cuts); i++, points++)
        hand_over_output(&s, cuts[i], cuts[i]);
    fail_handovers(&s);
    printf(
        "parts: handed over in every iteration, cut in %zu ways; a call of it fails in %" PRIu64
        " ways\n",
        ARRAY_LEN(cuts), points - before - ARRAY_LEN(cuts));
    script_fini(&s);
}

static void
sweep_handovers(void (*build)(struct script *s))
{
    double begun = seconds_now();
    uint64_t before = points, cuts;
    struct script s;

    if (effort->handovers == 0)
        return;
    build(&s);
    sweep_singly(&s, s.want.len, hand_over_output, effort->handovers);
    sweep_singly(&s, s.in.len, hand_over_input, effort->handovers);
    cuts = points - before;
    fail_handovers(&s);
    printf("%s: handed over in every iteration, cut in %" PRIu64
           " ways; a call of it fails in %" PRIu64 " ways, %.1f s\n",
           s.name, cuts, points - before - cuts, seconds_now() - begun);
    script_fini(&s);
}

/* --- Faults --- */

static void
sweep_faults(void)
{
    for (size_t kind = 0; kind < nth_start_kinds(); kind++) {
        uint64_t nth = 1;

        while (nth_at_start(kind, nth))
            nth++;
        points += nth - 1;
        checks++;
        printf("%s fails at start: %" PRIu64 " ways\n", nth_start_name(kind), nth - 1);
    }
    for (size_t kind = 0; kind < nth_kinds(); kind++) {
        uint64_t before = points;

        for (uint64_t seed = 1; seed <= effort->fault_seeds; seed++)
            for (uint64_t nth = 1; nth_in_world(seed, kind, nth); points++)
                nth += 1 + nth / effort->nth_divisor;
        checks++;
        printf("%s: %" PRIu64 " ways\n", nth_name(kind), points - before);
    }
}

static const struct {
    const char *name;
    void (*build)(struct script *s);
    bool founding; /* of those that are enough for that */
} scripts[] = {
    {"classic", build_classic, true},    {"values", build_values, true},
    {"meta", build_meta, false},         {"meta-values", build_meta_values, false},
    {"binary", build_binary, false},     {"binary-values", build_binary_values, false},
    {"multiget", build_multiget, false}, {"uploads", build_uploads, false},
};

static const struct {
    const char *name;
    cut_fn *cut;
} ways[] = {
    {"output", cut_output},
    {"input", cut_input},
    {"output-broken", break_output},
    {"input-broken", break_input},
    {"output-handed", hand_over_output},
    {"input-handed", hand_over_input},
};

/* One point again. */
static int
replay(char **argv)
{
    struct script s;

    sim_set_verbose(true);
    if (strcmp(argv[1], "nth") == 0)
        return nth_in_world(strtoull(argv[2], NULL, 10), strtoull(argv[3], NULL, 10),
                            strtoull(argv[4], NULL, 10))
                   ? 0
                   : 1;
    for (size_t i = 0; i < ARRAY_LEN(scripts); i++) {
        for (size_t way = 0; way < ARRAY_LEN(ways); way++) {
            if (strcmp(argv[2], scripts[i].name) != 0 || strcmp(argv[3], ways[way].name) != 0)
                continue;
            scripts[i].build(&s);
            ways[way].cut(&s, strtoull(argv[4], NULL, 10), strtoull(argv[5], NULL, 10));
            script_fini(&s);
            return 0;
        }
    }
    return 1;
}

/* All of them, unless some are named. */
static bool
is_wanted(const char *name, int argc, char **argv)
{
    for (int i = 2; i < argc; i++)
        if (strcmp(argv[i], name) == 0)
            return true;
    return argc <= 2;
}

static bool
is_handed_wanted(const char *script, int argc, char **argv)
{
    char name[64];

    (void)snprintf(name, sizeof(name), "%s-handed", script);
    return is_wanted("handovers", argc, argv) || is_wanted(name, argc, argv);
}

int
main(int argc, char **argv)
{
    bool founding;

    started = seconds_now();
    if ((argc == 6 && strcmp(argv[1], "at") == 0) || (argc == 5 && strcmp(argv[1], "nth") == 0))
        return replay(argv);
    for (size_t i = 0; i < ARRAY_LEN(efforts); i++)
        if (argc > 1 && strcmp(argv[1], efforts[i].name) == 0)
            effort = &efforts[i];
    founding = effort->fault_seeds == 0;
    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    for (size_t i = 0; i < ARRAY_LEN(scripts); i++)
        if (is_wanted(scripts[i].name, argc, argv) && (scripts[i].founding || !founding))
            sweep_script(scripts[i].build);
    for (size_t i = 0; i < ARRAY_LEN(scripts); i++)
        if (is_handed_wanted(scripts[i].name, argc, argv))
            sweep_handovers(scripts[i].build);
    if (is_handed_wanted("parts", argc, argv))
        sweep_parts_handed();
    if (is_wanted("parts", argc, argv))
        sweep_parts();
    if (is_wanted("faults", argc, argv) && !founding)
        sweep_faults();
    printf("%" PRIu64 " points swept, all survived, %.1f s\n", points, seconds_now() - started);
    printf("%" PRIu64 " passed, 0 failed\n", checks);
    return 0;
}
