/* lombard-bench: the command line, where the reports go, and the exit status. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "data/trace_keys.h"
#include "data/value.h"
#include "host/stop.h"
#include "options/options.h"
#include "report/charts.h"
#include "report/report.h"
#include "report/verdict.h"
#include "run/bench.h"
#include "selftest.h"
#include "simulate/simulate.h"

/* Whether all that was written to F has reached its file; a message if not. */
static bool
has_arrived(FILE *f, const char *path, bool close)
{
    bool failed = ferror(f) != 0;
    int error = 0;

    if (fflush(f) != 0)
        error = errno;
    if (close && fclose(f) != 0 && error == 0)
        error = errno;
    if (error == 0 && !failed)
        return true;
    (void)fprintf(stderr, "lombard-bench: cannot write to %s: %s\n", path,
                  error != 0 ? strerror(error) : "an earlier write failed");
    return false;
}

static bool
is_stdout(const char *path)
{
    return path != NULL && strcmp(path, "-") == 0;
}

/* Write a report where it was asked for; standard output for "-". */
static bool
write_report(const struct bench *b, const char *path, const char *mode,
             void (*report)(FILE *, const struct bench *))
{
    FILE *f;

    if (path == NULL)
        return true;
    if (is_stdout(path)) {
        report(stdout, b);
        return has_arrived(stdout, "standard output", false);
    }
    f = fopen(path, mode);
    if (f == NULL) {
        (void)fprintf(stderr, "lombard-bench: %s: %s\n", path, strerror(errno));
        return false;
    }
    report(f, b);
    return has_arrived(f, path, true);
}

/* Every picture there is, into the folder that was asked for. */
static bool
write_pictures(const struct bench *b)
{
    const char *folder = b->options->svg_path;
    bool ok = true;

    for (int i = 0; folder != NULL && ok && i < CHART_COUNT; i++) {
        enum chart chart = (enum chart)i;
        char path[4096];
        FILE *f;

        if (!chart_exists(b, chart))
            continue;
        (void)snprintf(path, sizeof(path), "%s/%s.svg", folder, chart_name(chart));
        f = fopen(path, "we");
        if (f == NULL) {
            (void)fprintf(stderr, "lombard-bench: %s: %s\n", path, strerror(errno));
            return false;
        }
        chart_draw(f, b, chart);
        ok = has_arrived(f, path, true);
    }
    return ok;
}

/* All reports, also of a measurement that ended early. */
static bool
write_reports(const struct bench *b)
{
    const struct options *o = b->options;
    bool ok = true;

    if (b->targets[0].rounds_done + b->targets[0].findmax.rates > 0 && !o->quiet &&
        !is_stdout(o->json_path) && !is_stdout(o->csv_path))
        ok = write_report(b, "-", "", report_text);
    ok &= write_report(b, o->json_path, "w", report_json);
    ok &= write_report(b, o->csv_path, "a", report_csv);
    ok &= write_report(b, o->html_path, "w", report_html);
    ok &= write_report(b, o->series_path, "w", report_series);
    ok &= write_report(b, o->hgrm_path, "w", report_hgrm);
    ok &= write_report(b, o->hdr_path, "w", report_hdr_log);
    return ok && write_pictures(b);
}

/* Whether a report can be written: better known before a long run than after it. */
static bool
may_write(const char *path)
{
    struct stat before;
    bool is_new;
    int fd;

    if (path == NULL || is_stdout(path))
        return true;
    is_new = stat(path, &before) != 0;
    fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
    if (fd < 0) {
        (void)fprintf(stderr, "lombard-bench: %s: %s\n", path, strerror(errno));
        return false;
    }
    (void)close(fd);
    if (is_new)
        (void)unlink(path);
    return true;
}

static bool
may_write_all(const struct options *o)
{
    const char *const paths[] = {o->json_path, o->csv_path, o->html_path,
                                 o->hgrm_path, o->hdr_path, o->series_path};

    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        if (!may_write(paths[i]))
            return false;
    }
    if (o->svg_path == NULL || mkdir(o->svg_path, 0777) == 0 || errno == EEXIST)
        return true;
    (void)fprintf(stderr, "lombard-bench: %s: %s\n", o->svg_path, strerror(errno));
    return false;
}

static int
measure_and_report(const struct options *o, const struct net_addr *addrs, unsigned count)
{
    struct verdict v;
    struct bench *b;
    bool done;
    bool written;

    if (!may_write_all(o) || !report_csv_fits(o->csv_path))
        return STATUS_NOT_RUN;
    b = bench_create(o, addrs, count);
    if (b == NULL)
        return STATUS_NOT_RUN;
    done = bench_run(b);
    written = write_reports(b);
    verdict_reach(b, &v);
    for (unsigned i = 0; i < v.count; i++)
        (void)fprintf(stderr, "lombard-bench: %s: %s\n", verdict_name(&v), v.reasons[i]);
    for (unsigned i = 0; i < v.warning_count; i++)
        (void)fprintf(stderr, "lombard-bench: warning: %s\n", v.warnings[i]);
    if (!done && v.status == STATUS_VALID)
        v.status = STATUS_NOT_RUN;
    if (!written && v.status != STATUS_WRONG)
        v.status = STATUS_NO_REPORT;
    bench_destroy(b);
    return v.status;
}

/* A trace at its own times. */
static int
run_replay(struct options *o, const struct net_addr *addrs, unsigned count)
{
    struct replay_config config = {.path = o->trace_path,
                                   .format = o->trace_format,
                                   .speed = o->speed,
                                   .requests_max = o->requests,
                                   .duration_ns = o->duration_ns,
                                   .timeless = o->rate > 0,
                                   .ttl_max_s = OPTIONS_TTL_MAX_S};
    struct replay replay;
    const char *why = replay_load(&replay, &config);
    int status;

    if (why != NULL) {
        (void)fprintf(stderr, "lombard-bench: trace %s: %s\n", o->trace_path, why);
        return stop_signal() != 0 ? STATUS_SIGNAL + stop_signal() : STATUS_NOT_RUN;
    }
    options_replay(o, &replay);
    status = measure_and_report(o, addrs, count);
    replay_free(&replay);
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
        return stop_signal() != 0 ? STATUS_SIGNAL + stop_signal() : STATUS_NOT_RUN;
    }
    o->keys = trace.distinct;
    o->dist = (struct dist_config){
        .kind = DIST_TRACE, .trace = trace.ids, .trace_count = trace.count};
    status = measure_and_report(o, addrs, count);
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

/* Several servers that share the keys. */
static bool
place(struct options *o)
{
    static struct placement servers;
    const char *bad = "";
    const char *why;

    if (strchr(o->server, ',') == NULL)
        return true;
    why = placement_init(&servers, o->placement, o->server, &bad);
    o->servers = &servers;
    if (why == NULL)
        return o->placement != PLACEMENT_EACH || options_check_each(o, &servers) == OPTIONS_OK;
    (void)fprintf(stderr, "lombard-bench: option '--server' cannot have '%.*s': %s\n",
                  (int)strcspn(bad, ","), bad, why);
    return false;
}

/* The addresses of all servers: how many, 0 when one cannot be resolved. */
static unsigned
resolve_all(const struct options *o, struct net_addr *addrs)
{
    const char *next = o->compare;
    unsigned count = 1;

    if (o->servers != NULL) {
        addrs[0] = o->servers->addrs[0];
        (void)snprintf(addrs[0].text, sizeof(addrs[0].text), "%.120s%s", o->server,
                       strlen(o->server) > 120 ? "..."
                                               : ""); /* reports are about all of them */
    } else if (!resolve(o, "server", o->server, &addrs[0])) {
        return 0;
    }
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

static int
test_itself(const char *part)
{
    (void)setvbuf(stdout, NULL, _IOLBF, 0); /* it takes minutes: each row as it is known */
    value_init();
    (void)signal(SIGPIPE, SIG_IGN);
    switch (selftest_run(part)) {
    case SELFTEST_RIGHT: break;
    case SELFTEST_BUSY: return STATUS_NOT_VALID;
    case SELFTEST_WRONG: return STATUS_WRONG;
    }
    return has_arrived(stdout, "standard output", false) ? STATUS_VALID : STATUS_NO_REPORT;
}

int
main(int argc, char **argv)
{
    struct options o;
    struct net_addr addrs[BENCH_TARGETS_MAX];
    unsigned count;

    if (options_parse(argc, argv, &o) == OPTIONS_BAD)
        return STATUS_NOT_RUN;
    if (o.help) {
        options_help(o.topic);
        return has_arrived(stdout, "standard output", false) ? STATUS_VALID : STATUS_NO_REPORT;
    }
    if (o.list_presets) {
        preset_list();
        return has_arrived(stdout, "standard output", false) ? STATUS_VALID : STATUS_NO_REPORT;
    }
    if (o.version) {
        (void)printf("lombard-bench %s\n", LOMBARD_VERSION);
        return has_arrived(stdout, "standard output", false) ? STATUS_VALID : STATUS_NO_REPORT;
    }
    if (o.self_test)
        return test_itself(o.topic);
    stop_prepare();
    if (o.simulate_count > 0) {
        if (simulate_run(&o))
            return has_arrived(stdout, "standard output", false) ? STATUS_VALID
                                                                 : STATUS_NO_REPORT;
        return stop_signal() != 0 ? STATUS_SIGNAL + stop_signal() : STATUS_NOT_RUN;
    }
    if (!place(&o))
        return STATUS_NOT_RUN;
    count = resolve_all(&o, addrs);
    if (count == 0)
        return STATUS_NOT_RUN;
    value_init();
    (void)signal(SIGPIPE, SIG_IGN);
    (void)net_raise_file_limit();
    if (o.replay)
        return run_replay(&o, addrs, count);
    if (o.hitratio || o.trace_path == NULL)
        return measure_and_report(&o, addrs, count);
    return run_traced(&o, addrs, count);
}
