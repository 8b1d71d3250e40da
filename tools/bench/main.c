#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "options.h"
#include "report.h"
#include "session.h"
#include "value.h"

/* Exit statuses. */
enum {
    EXIT_WRONG = 1,   /* a value was wrong, or a reply unreadable */
    EXIT_NOT_RUN = 2, /* the run could not be done */
    EXIT_STRICT = 3,  /* errors or losses under --strict */
    EXIT_USAGE_ = 64, /* EX_USAGE */
};

static int
complain(const struct session *s, enum session_result result)
{
    (void)fprintf(stderr, "lombard-bench: %s: %s%s%s\n", s->addr.text,
                  session_result_name(result), result == SESSION_CANNOT_CONNECT ? ": " : "",
                  result == SESSION_CANNOT_CONNECT ? strerror(errno) : "");
    return EXIT_NOT_RUN;
}

/* Write the JSON report where it was asked for. */
static bool
write_json(const struct options *o, const struct result *r)
{
    FILE *f;

    if (o->json_path == NULL)
        return true;
    f = strcmp(o->json_path, "-") == 0 ? stdout : fopen(o->json_path, "w");
    if (f == NULL) {
        (void)fprintf(stderr, "lombard-bench: %s: %s\n", o->json_path, strerror(errno));
        return false;
    }
    report_json(f, o, r);
    return f == stdout ? fflush(f) == 0 : fclose(f) == 0;
}

static int
verdict(const struct options *o, const struct tally *t)
{
    if (tally_is_wrong(t))
        return EXIT_WRONG;
    if (o->strict && (t->errors > 0 || t->lost_connections > 0))
        return EXIT_STRICT;
    return EXIT_SUCCESS;
}

/* Fill, warm up, measure. Wrong data in any phase counts. */
static int
run(const struct options *o, struct session *s)
{
    struct result r = {.server = s->addr.text, .tally = &s->load.tally};
    enum session_result result = SESSION_OK;
    bool wrong = false;
    int status;

    if (o->fill) {
        result = session_fill(s);
        wrong |= tally_is_wrong(&s->load.tally);
        if (s->load.tally.errors > 0 && !o->quiet)
            (void)fprintf(stderr, "lombard-bench: %llu errors while filling: %s\n",
                          (unsigned long long)s->load.tally.errors,
                          s->load.tally.error_kinds[0].text);
    }
    if (result == SESSION_OK && o->warmup_ns > 0) {
        result = session_run(s, o->warmup_ns, 0);
        wrong |= tally_is_wrong(&s->load.tally);
    }
    if (result == SESSION_OK)
        result = session_run(s, o->duration_ns, o->requests);
    status = wrong ? EXIT_WRONG : verdict(o, r.tally);
    if (result != SESSION_OK)
        status = complain(s, result);
    if (!o->quiet && (o->json_path == NULL || strcmp(o->json_path, "-") != 0))
        report_text(stdout, o, &r);
    if (!write_json(o, &r) && status == EXIT_SUCCESS)
        status = EXIT_NOT_RUN;
    return status;
}

int
main(int argc, char **argv)
{
    struct options o;
    struct net_addr addr;
    struct session *s;
    enum session_result result;
    const char *why;
    int status;

    if (options_parse(argc, argv, &o) == OPTIONS_BAD)
        return EXIT_USAGE_;
    if (o.help) {
        options_help();
        return EXIT_SUCCESS;
    }
    if (o.version) {
        (void)printf("lombard-bench %s\n", LOMBARD_VERSION);
        return EXIT_SUCCESS;
    }
    if (!net_resolve(o.server, &addr, &why)) {
        (void)fprintf(stderr, "lombard-bench: option '--server' cannot be '%s': %s\n", o.server,
                      why);
        return EXIT_USAGE_;
    }
    value_init();
    (void)signal(SIGPIPE, SIG_IGN);
    (void)net_raise_file_limit();
    s = malloc(sizeof(*s));
    if (s == NULL)
        return EXIT_NOT_RUN;
    result = session_open(s, &o, &addr);
    status = result == SESSION_OK ? run(&o, s) : complain(s, result);
    session_close(s);
    free(s);
    return status;
}
