#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "options.h"
#include "report.h"
#include "selftest.h"
#include "trace_keys.h"
#include "value.h"

/* Exit statuses. */
enum {
    EXIT_WRONG = 1,   /* a value was wrong, or a reply unreadable */
    EXIT_NOT_RUN = 2, /* the run could not be done */
    EXIT_STRICT = 3,  /* errors or losses under --strict */
    EXIT_USAGE = 64,  /* EX_USAGE */
};

/* Write a report where it was asked for; standard output for "-". */
static bool
write_report(const struct bench *b, const char *path, const char *mode,
             void (*report)(FILE *, const struct bench *))
{
    FILE *f;

    if (path == NULL)
        return true;
    if (strcmp(path, "-") == 0) {
        report(stdout, b);
        return fflush(stdout) == 0;
    }
    f = fopen(path, mode);
    if (f == NULL) {
        (void)fprintf(stderr, "lombard-bench: %s: %s\n", path, strerror(errno));
        return false;
    }
    report(f, b);
    return fclose(f) == 0;
}

static bool
is_stdout(const char *path)
{
    return path != NULL && strcmp(path, "-") == 0;
}

static int
verdict(const struct bench *b)
{
    const struct options *o = b->options;
    int status = EXIT_SUCCESS;

    for (unsigned i = 0; i < b->target_count; i++) {
        const struct tally *t = &b->targets[i].total;

        if (b->targets[i].wrong || tally_is_wrong(t))
            return EXIT_WRONG;
        if (o->strict && (t->errors > 0 || t->lost_connections > 0))
            status = EXIT_STRICT;
    }
    return status;
}

static int
run(const struct options *o, const struct net_addr *addrs, unsigned count)
{
    struct bench *b = bench_create(o, addrs, count);
    int status = EXIT_NOT_RUN;
    bool done;

    if (b == NULL)
        return EXIT_NOT_RUN;
    done = bench_run(b);
    if ((done || b->targets[0].rounds_done > 0) && !o->quiet && !is_stdout(o->json_path) &&
        !is_stdout(o->csv_path))
        report_text(stdout, b);
    if (!write_report(b, o->json_path, "w", report_json) ||
        !write_report(b, o->csv_path, "a", report_csv))
        done = false;
    status = verdict(b);
    if (!done && status != EXIT_WRONG)
        status = EXIT_NOT_RUN;
    bench_destroy(b);
    return status;
}

/* The mix over the keys of a trace. */
static int
run_traced(struct options *o, const struct net_addr *addrs, unsigned count)
{
    struct trace_keys trace;
    const char *why = trace_keys_load(&trace, o->trace_path, o->trace_format);
    int status;

    if (why != NULL) {
        (void)fprintf(stderr, "lombard-bench: trace %s: %s\n", o->trace_path, why);
        return EXIT_NOT_RUN;
    }
    o->keys = trace.distinct;
    o->dist = (struct dist_config){
        .kind = DIST_TRACE, .trace = trace.ids, .trace_count = trace.count};
    status = run(o, addrs, count);
    trace_keys_free(&trace);
    return status;
}

static bool
resolve(const struct options *o, const char *option, const char *text, struct net_addr *addr)
{
    bool floor = strcmp(text, FLOOR_NAME) == 0;
    const char *why = floor ? floor_refuses(o) : NULL;

    memset(addr, 0, sizeof(*addr));
    if (floor ? why == NULL : net_resolve(text, addr, &why))
        return true;
    (void)fprintf(stderr, "lombard-bench: option '--%s' cannot be '%s': %s\n", option, text,
                  why);
    return false;
}

/* The servers asked for: how many, 0 when one cannot be understood. */
static unsigned
resolve_all(const struct options *o, struct net_addr *addrs)
{
    const char *next = o->compare;
    unsigned count = 1;

    if (!resolve(o, "server", o->server, &addrs[0]))
        return 0;
    while (next != NULL) {
        char word[sizeof(addrs->text)];
        size_t len = strcspn(next, ",");

        if (count == BENCH_TARGETS_MAX) {
            (void)fprintf(stderr,
                          "lombard-bench: option '--compare' takes %d servers at most\n",
                          BENCH_TARGETS_MAX - 1);
            return 0;
        }
        (void)snprintf(word, sizeof(word), "%.*s", (int)len, next);
        if (!resolve(o, "compare", word, &addrs[count]))
            return 0;
        count++;
        next = next[len] == ',' ? next + len + 1 : NULL;
    }
    return count;
}

int
main(int argc, char **argv)
{
    struct options o;
    struct net_addr addrs[BENCH_TARGETS_MAX];
    unsigned count;

    if (options_parse(argc, argv, &o) == OPTIONS_BAD)
        return EXIT_USAGE;
    if (o.help) {
        options_help();
        return EXIT_SUCCESS;
    }
    if (o.version) {
        (void)printf("lombard-bench %s\n", LOMBARD_VERSION);
        return EXIT_SUCCESS;
    }
    if (o.self_test) {
        value_init();
        (void)signal(SIGPIPE, SIG_IGN);
        return selftest_run() ? EXIT_SUCCESS : EXIT_WRONG;
    }
    count = resolve_all(&o, addrs);
    if (count == 0)
        return EXIT_USAGE;
    value_init();
    (void)signal(SIGPIPE, SIG_IGN);
    (void)net_raise_file_limit();
    if (o.hitratio || o.trace_path == NULL)
        return run(&o, addrs, count);
    return run_traced(&o, addrs, count);
}
