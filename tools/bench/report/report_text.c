/* The results as text. */
#include "report/report.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "report/verdict.h"

static void
print_losses(FILE *f, const struct tally *t)
{
    if (t->lost_connections + t->lost_requests + t->unsent + t->skipped == 0)
        return;
    (void)fprintf(f,
                  "never answered %" PRIu64 " requests (%" PRIu64
                  " of them timed out), and %" PRIu64 " never sent: they count in the\n"
                  "              latencies with the age at which they were given up\n",
                  t->lost_requests, t->timed_out, t->unsent);
    if (t->skipped > 0)
        (void)fprintf(f,
                      "given up      %" PRIu64
                      " requests whose server was not connected: not in "
                      "the latencies\n",
                      t->skipped);
    (void)fprintf(f,
                  "reconnecting  %.3f s without any connection; %.3f s over all connections\n",
                  (double)t->down_ns / 1e9, (double)t->conn_down_ns / 1e9);
}

static void
print_troubles(FILE *f, const struct tally *t)
{
    (void)fprintf(f, "mismatches    %" PRIu64 ", unreadable replies %" PRIu64 "\n",
                  t->mismatches, t->garbled);
    (void)fprintf(f,
                  "errors        %" PRIu64 ", lost connections %" PRIu64
                  ", requests lost with them %" PRIu64 "\n",
                  t->errors, t->lost_connections, t->lost_requests);
    for (int i = 0; i < TALLY_ERROR_KINDS; i++) {
        if (t->error_kinds[i].count > 0)
            (void)fprintf(f, "  %10" PRIu64 " x %s\n", t->error_kinds[i].count,
                          t->error_kinds[i].text);
    }
    print_losses(f, t);
}

/* The load of `hitratio`. */
static void
print_workload(FILE *f, const struct options *o)
{
    if (!o->hitratio)
        return;
    if (o->trace_path != NULL) {
        (void)fprintf(f, "workload      trace %s\n", o->trace_path);
        return;
    }
    (void)fprintf(f, "workload      %.4g %% one-hit keys, %.4g %% scan over %" PRIu64 " keys",
                  100 * o->one_hit_share, 100 * o->loop_share, o->loop_keys);
    if (o->shift_every > 0)
        (void)fprintf(f, ", popularity moves by %.4g %% of the keys every %" PRIu64 " requests",
                      100 * o->shift_by, o->shift_every);
    (void)fputc('\n', f);
}

/* ", get 90.9 %, set 9.09 %" */
static void
print_mix(FILE *f, const struct options *o)
{
    double total = 0;

    for (int i = 0; i < QUERY_KIND_COUNT; i++)
        total += o->weights[i];
    for (int i = 0; i < QUERY_KIND_COUNT && !o->hitratio; i++) {
        if (o->weights[i] > 0)
            (void)fprintf(f, ", %s %.3g %%", query_kind_name((enum query_kind)i),
                          100 * o->weights[i] / total);
    }
}

static void
print_load(FILE *f, const struct options *o)
{
    struct report_words words;

    report_describe(o, &words);
    (void)fprintf(
        f, "load          %" PRIu64 " connections, pipeline %s, multiget %" PRIu64 ", %s",
        o->connections, words.pipeline, o->multiget, o->protocol);
    print_mix(f, o);
    if (o->rate > 0)
        (void)fprintf(f, ", open loop of %" PRIu64 "/s, %s", o->rate,
                      options_arrivals_name(o->arrivals));
    (void)fprintf(f, "\ndata          %" PRIu64 " keys of %s bytes, values of %s bytes, %s\n",
                  o->keys, words.keys, words.values, words.dist);
}

/* CPU and memory of the server's process. */
static void
print_server(FILE *f, const struct options *o, const struct target *t)
{
    double grown = (double)t->after_open.rss_bytes - (double)t->before_open.rss_bytes;

    if (t->pid == 0)
        return;
    (void)fprintf(f, "server cpu    %.3f us a request, %.0f %% of a core (pid %d)\n",
                  (double)t->server_cpu_ns / 1e3 / (double)tally_answers(&t->total),
                  (double)t->server_cpu_ns / 1e7 / tally_seconds(&t->total), (int)t->pid);
    (void)fprintf(f,
                  "server memory %.1f MB resident at the end; opening the %" PRIu64
                  " connections took %.0f bytes each\n",
                  (double)t->end.rss_bytes / 1e6, o->connections,
                  grown / (double)o->connections);
}

static void
print_role(FILE *f, const struct target *t, enum role_kind kind)
{
    const struct role_report *opened = &t->roles.opened[kind];
    const struct role_report *final = &t->roles.final[kind];

    if (opened->opened + opened->failed == 0)
        return;
    (void)fprintf(f,
                  "%-13s %" PRIu64 " opened in %.2f s, %" PRIu64 " failed, %" PRIu64
                  " closed by the server; %" PRIu64 " answers, %.1f MB verified, %" PRIu64
                  " mismatches\n",
                  role_name(kind), final->opened, (double)opened->open_ns / 1e9, final->failed,
                  final->lost, final->answered, (double) final->bytes / 1e6, final->mismatches);
}

/* The background clients, and what they cost. */
static void
print_roles(FILE *f, const struct target *t)
{
    const struct process_sample *a = &t->before_roles;
    const struct process_sample *z = &t->after_roles;
    double n = 0;

    for (int i = 0; i < ROLE_KIND_COUNT; i++) {
        print_role(f, t, (enum role_kind)i);
        n += i == ROLE_CHURN ? 0 : (double)t->roles.opened[i].opened;
    }
    if (n == 0 || t->pid == 0)
        return;
    (void)fprintf(
        f,
        "their memory  %.0f resident bytes of the server each (%.1f MB before, %.1f with, "
        "%.1f after them)\n",
        ((double)z->rss_bytes - (double)a->rss_bytes) / n, (double)a->rss_bytes / 1e6,
        (double)z->rss_bytes / 1e6, (double)t->without_roles.rss_bytes / 1e6);
    (void)fprintf(
        f,
        "              %.0f bytes of kernel objects and %.0f of socket buffers each, both "
        "ends together\n",
        ((double)z->slab_bytes - (double)a->slab_bytes) / n,
        ((double)z->socket_bytes - (double)a->socket_bytes) / n);
}

static void
print_client(FILE *f, const struct tally *t)
{
    double wait = tally_wait_share(t);

    (void)fprintf(f,
                  "client cpu    %.3f us a request, %.0f %% of a core, %.0f %% waiting for one",
                  tally_client_us(t), 100 * tally_busy_share(t), 100 * wait);
    if (tally_was_bottleneck(t))
        (void)fprintf(f, wait > 0.1 ? ": other processes on its core were the bottleneck"
                                    : ": it was the bottleneck");
    if (t->spun_ns > 0)
        (void)fprintf(f, ", %.0f %% asking instead of sleeping (--spin)",
                      100 * tally_spun_share(t));
    (void)fputc('\n', f);
}

/* Open loop: whether the planned rate was kept, and the reason if not. */
static void
print_schedule(FILE *f, const struct options *o, const struct tally *t)
{
    if (!options_is_open(o))
        return;
    (void)fprintf(f,
                  "schedule      %" PRIu64
                  " requests had to wait for a free connection, %" PRIu64
                  " were due and never sent\n",
                  t->crowded, t->unbegun);
}

static void
print_counters(FILE *f, const struct counters *c)
{
    if (c->count > 0)
        (void)fprintf(f, "\nchanges of the server's `stats`\n");
    for (uint32_t i = 0; i < c->count; i++)
        (void)fprintf(f, "%-32s %+" PRId64 "\n", c->list[i].name, c->list[i].value);
}

static void
print_target(FILE *f, const struct options *o, const struct target *target)
{
    const struct tally *t = &target->total;

    (void)fprintf(f, "server        %s\n", target->addr.text);
    if (o->find_max_ns > 0)
        (void)fprintf(f, "find-max      %" PRIu64 "/s keeps p%g below %.3f ms (was %.3f ms)\n",
                      target->findmax.rate, 100 * o->find_max_quantile,
                      (double)o->find_max_ns / 1e6, (double)target->findmax.latency_ns / 1e6);
    if (t->requests == 0 || tally_seconds(t) <= 0) {
        (void)fprintf(f, "requests      none\n");
        print_troubles(f, t);
        return;
    }
    report_requests(f, o, target);
    report_aside(f, t);
    if (t->not_stored + t->not_found > 0)
        (void)fprintf(f, "refused       %" PRIu64 " not stored, %" PRIu64 " not found\n",
                      t->not_stored, t->not_found);
    print_troubles(f, t);
    print_server(f, o, target);
    print_client(f, t);
    print_roles(f, target);
    print_schedule(f, o, t);
    report_table(f, target);
    print_counters(f, &target->counters);
}

static void
print_verdict(FILE *f, const struct bench *b)
{
    struct verdict v;

    verdict_reach(b, &v);
    (void)fprintf(f, "\nverdict       %s\n", verdict_name(&v));
    for (unsigned i = 0; i < v.count; i++)
        (void)fprintf(f, "              %s\n", v.reasons[i]);
    for (unsigned i = 0; i < v.warning_count; i++)
        (void)fprintf(f, "warning       %s\n", v.warnings[i]);
}

static void
print_all(FILE *f, const struct bench *b)
{
    print_load(f, b->options);
    report_replay(f, b->options);
    if (b->options->preset != NULL)
        (void)fprintf(f, "preset        %s: %s\n", b->options->preset,
                      b->options->preset_words);
    print_workload(f, b->options);
    for (unsigned t = 0; t < b->target_count; t++) {
        (void)fputs(t > 0 ? "\n" : "", f);
        print_target(f, b->options, &b->targets[t]);
    }
    if (b->options->sweep_steps > 0)
        report_sweep(f, b);
    else if (b->options->phase_count > 0)
        report_phases(f, b);
    else if (b->options->rounds > 1)
        report_rounds(f, b);
    print_verdict(f, b);
}

/* A line of at most COLUMNS columns; what does not fit goes below, behind its label. */
static void
print_wrapped(FILE *f, const char *line, size_t len)
{
    enum { COLUMNS = 80, LABEL = 14 };
    size_t room = COLUMNS;

    while (len > room) {
        size_t cut = room;

        while (cut > LABEL && line[cut] != ' ')
            cut--;
        if (cut == LABEL)
            break;
        (void)fprintf(f, "%.*s\n%*s", (int)cut, line, LABEL, "");
        line += cut + 1;
        len -= cut + 1;
        room = COLUMNS - LABEL;
    }
    (void)fprintf(f, "%.*s\n", (int)len, line);
}

void
report_text(FILE *f, const struct bench *b)
{
    char *text = NULL;
    size_t bytes = 0;
    FILE *whole = open_memstream(&text, &bytes);

    if (whole == NULL) {
        print_all(f, b);
        return;
    }
    print_all(whole, b);
    if (fclose(whole) == 0) {
        for (const char *p = text; *p != '\0'; p += strcspn(p, "\n") + 1)
            print_wrapped(f, p, strcspn(p, "\n"));
    }
    free(text);
}
