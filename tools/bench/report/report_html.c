/* The results as one page that needs nothing else: figures, pictures, settings, environment. */
#include <inttypes.h>
#include <math.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>

#include "report/charts.h"
#include "report/page.h"
#include "report/report.h"
#include "report/svg.h"
#include "report/verdict.h"

/* Dark where the reader's system is, except on paper. On a narrow screen tables and pictures scroll by
 * themselves, not the page. */
static const char style[] =
    "body{font:15px/1.5 sans-serif;color:#222;max-width:66em;margin:2em auto;padding:0 1em;"
    "overflow-wrap:anywhere}"
    "h1{font-size:1.5em}h2{font-size:1.15em;margin-top:2em}"
    "table{border-collapse:collapse;margin:.6em 0;font-variant-numeric:tabular-nums}"
    "th,td{text-align:right;font-size:.85em;padding:.15em .5em;border-bottom:1px solid #ddd}"
    ".scroll{overflow-x:auto}.scroll td,.scroll th,.set td:first-child{white-space:nowrap}"
    "th:first-child,td:first-child,.set td{text-align:left}td:first-child{padding-left:0}"
    "small{color:#666}.verdict{padding:.6em 1em;border-left:5px solid}"
    ".ok{border-color:#00875a;background:#eef8f3}.bad{border-color:#d1495b;background:#fbeff0}"
    "figure{margin:1.2em 0;break-inside:avoid}"
    "svg{display:block;box-sizing:border-box;width:100%;min-width:36em;height:auto;"
    "border:1px solid #eee}"
    "figcaption{color:#666;font-size:.9em}pre{white-space:pre-wrap}"
    "@media screen and (prefers-color-scheme:dark){"
    "body{color:#ddd;background:#16181b}th,td{border-color:#3a3d42}small,figcaption{color:#999}"
    ".ok{background:#12291f}.bad{background:#331a1d}svg{fill:#ccc;border-color:#333}"
    "svg .b{fill:#16181b}svg .g{stroke:#34373c}svg .a{stroke:#999}svg .n{fill:#aaa}"
    ".c0{color:#58a6e0}.c1{color:#f07f8d}.c2{color:#3fbf8f}.c3{color:#c39bd9}.c4{color:#e8a33d}"
    ".c5{color:#8ccbe6}.c6{color:#b0b8a0}.c7{color:#eee}}"
    "@media print{body{margin:0;max-width:none;font-size:11px}h2{break-after:avoid}"
    ".scroll{overflow:visible}svg{min-width:0}}";

static void
put_verdict(FILE *f, const struct bench *b)
{
    struct verdict v;

    verdict_reach(b, &v);
    (void)fprintf(f, "<div class=\"verdict %s\"><b>", v.status == STATUS_VALID ? "ok" : "bad");
    svg_text(f, verdict_name(&v));
    (void)fputs("</b>", f);
    for (unsigned i = 0; i < v.count; i++) {
        (void)fputs("<br>", f);
        svg_text(f, v.reasons[i]);
    }
    for (unsigned i = 0; i < v.warning_count; i++) {
        (void)fputs("<br>warning: ", f);
        svg_text(f, v.warnings[i]);
    }
    (void)fputs("</div>\n", f);
}

static void
put_summary(FILE *f, const struct bench *b)
{
    static const struct interval none = {NAN, NAN};

    (void)fputs(
        "<h2>Summary</h2>\n<div class=\"scroll\"><table><tr><th>server</th><th>requests/s"
        "</th><th>hits, %</th><th>server CPU, us</th><th>client CPU, us</th><th>errors</th>"
        "<th>wrong values</th></tr>\n",
        f);
    for (unsigned t = 0; t < b->target_count; t++) {
        const struct target *target = &b->targets[t];
        const struct tally *tally = &target->total;
        bool reads = tally->hits + tally->misses > 0;

        (void)fputs("<tr><td>", f);
        svg_text(f, target->addr.text);
        (void)fputs("</td>", f);
        page_cell(f, tally_rate(tally), certain_rate(&target->certain), 1);
        page_cell(f, reads ? tally_hit_percent(tally) : NAN,
                  reads ? certain_hits(&target->certain) : none, 1);
        page_cell(f,
                  target->pid != 0
                      ? (double)target->server_cpu_ns / 1e3 / (double)tally_answers(tally)
                      : NAN,
                  none, 1);
        page_cell(f, tally_client_us(tally), none, 1);
        (void)fprintf(f, "<td>%" PRIu64 "</td><td>%" PRIu64 "</td></tr>\n", tally->errors,
                      tally->mismatches + tally->garbled);
    }
    (void)fputs("</table></div>\n<small>Below a figure: its 95 % interval. CPU is that of one "
                "request.</small>\n",
                f);
}

static void
put_latency_row(FILE *f, const struct target *t, const char *name, const struct hist *h,
                bool sure)
{
    static const struct interval none = {NAN, NAN};

    if (h->count == 0)
        return;
    (void)fputs("<tr><td>", f);
    svg_text(f, t->addr.text);
    (void)fprintf(f, "</td><td>%s</td><td>%" PRIu64 "</td>", name, h->count);
    page_cell(f, hist_mean(h) / 1e3, none, 1);
    for (unsigned i = 0; i < report_quantile_count; i++) {
        double us = report_quantile_us(h, i);

        page_cell(f, us,
                  sure && !isnan(us) ? certain_quantile(&t->certain, h, report_quantiles[i].q)
                                     : none,
                  1e-3);
    }
    page_cell(f, (double)h->max / 1e3, none, 1);
    (void)fputs("</tr>\n", f);
}

static void
put_latencies(FILE *f, const struct bench *b)
{
    struct hist h;

    if (b->options->sweep_steps > 0)
        return;
    (void)fputs(
        "<h2>Latency, us</h2>\n<div class=\"scroll\"><table><tr><th>server</th><th></th>"
        "<th>count</th><th>mean</th>",
        f);
    for (unsigned i = 0; i < report_quantile_count; i++)
        (void)fprintf(f, "<th>%s</th>", report_quantiles[i].name);
    (void)fputs("<th>max</th></tr>\n", f);
    for (unsigned t = 0; t < b->target_count; t++) {
        const struct target *target = &b->targets[t];

        for (int i = 0; i < QUERY_KIND_COUNT; i++)
            put_latency_row(f, target, query_kind_name((enum query_kind)i),
                            &target->total.service[i], false);
        put_latency_row(f, target, "unread", &target->total.unread, false);
        put_latency_row(f, target, "lag", &target->total.lag, false);
        chart_latencies(target, &h);
        put_latency_row(f, target, target->total.lag.count > 0 ? "response" : "all", &h, true);
    }
    (void)fputs("</table></div>\n", f);
}

/* The curve of --sweep, as figures. */
static void
put_sweep(FILE *f, const struct bench *b)
{
    static const struct interval none = {NAN, NAN};

    if (b->options->sweep_steps == 0)
        return;
    (void)fputs("<h2>Response time at each rate, us</h2>\n<div "
                "class=\"scroll\"><table><tr><th>server</th>"
                "<th>rate</th><th>done/s</th><th>p50</th><th>p99</th><th>p99.9</th></tr>\n",
                f);
    for (unsigned t = 0; t < b->target_count; t++) {
        for (uint64_t i = 0; i < b->targets[t].rounds_done; i++) {
            const struct round *r = &b->targets[t].rounds[i];

            (void)fputs("<tr><td>", f);
            svg_text(f, b->targets[t].addr.text);
            (void)fprintf(f, "</td><td>%" PRIu64 "</td>", r->rate);
            page_cell(f, r->per_s, none, 1);
            page_cell(f, r->p50_us, none, 1);
            page_cell(f, r->p99_us, (struct interval){r->p99_low_us, r->p99_high_us}, 1);
            page_cell(f, r->p999_us, none, 1);
            (void)fputs("</tr>\n", f);
        }
    }
    (void)fputs("</table></div>\n", f);
}

static void
put_charts(FILE *f, const struct bench *b)
{
    for (int i = CHART_COUNT - 1; i >= 0; i--) {
        /* Comparisons first. */
        enum chart c = (enum chart)(i >= (int)CHART_RATIOS ? i : (int)CHART_MEMORY - i);

        if (!chart_exists(b, c))
            continue;
        (void)fputs("<figure><div class=\"scroll\">\n", f);
        chart_draw(f, b, c);
        (void)fprintf(f, "</div><figcaption>%s</figcaption></figure>\n", chart_help(c));
    }
}

/* The first line of FILE that begins with NAME, behind its colon. */
static void
put_line_of(FILE *f, const char *file, const char *name)
{
    FILE *in = fopen(file, "re");
    char line[256];

    while (in != NULL && fgets(line, sizeof(line), in) != NULL) {
        const char *colon = strchr(line, ':');

        if (strncmp(line, name, strlen(name)) != 0 || colon == NULL)
            continue;
        line[strcspn(line, "\n")] = '\0';
        svg_text(f, colon + 2);
        break;
    }
    if (in != NULL)
        (void)fclose(in);
}

static void
put_settings(FILE *f, const struct bench *b)
{
    const struct options *o = b->options;
    time_t began = (time_t)b->began_s;
    struct report_words words;
    struct utsname host;
    char text[64] = "";
    struct tm tm;

    report_describe(o, &words);
    if (gmtime_r(&began, &tm) != NULL)
        (void)strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S UTC", &tm);
    (void)fprintf(f,
                  "<h2>Settings and environment</h2>\n<table "
                  "class=\"set\">\n<tr><td>load</td><td>%" PRIu64
                  " connections, pipeline %s, multiget %" PRIu64 ", %s",
                  o->connections, words.pipeline, o->multiget, o->protocol);
    if (o->rate > 0)
        (void)fprintf(f, ", open loop of %" PRIu64 "/s, %s", o->rate,
                      options_arrivals_name(o->arrivals));
    (void)fprintf(f,
                  "</td></tr>\n<tr><td>data</td><td>%" PRIu64 " keys of %s bytes, values of %s "
                  "bytes, %s</td></tr>\n<tr><td>rounds</td><td>%" PRIu64 "</td></tr>\n",
                  o->keys, words.keys, words.values, words.dist, o->rounds);
    report_replay_html(f, o);
    (void)fprintf(f,
                  "<tr><td>begun</td><td>%s</td></tr>\n<tr><td>lombard-bench</td><td>%s</td>"
                  "</tr>\n<tr><td>processor</td><td>",
                  text, LOMBARD_VERSION);
    put_line_of(f, "/proc/cpuinfo", "model name");
    (void)fputs("</td></tr>\n", f);
    if (uname(&host) == 0)
        (void)fprintf(f, "<tr><td>kernel</td><td>%s %s, %s</td></tr>\n", host.sysname,
                      host.release, host.machine);
    (void)fputs("</table>\n<pre>", f);
    for (int i = 0; i < o->argc; i++) {
        svg_text(f, i > 0 ? " " : "");
        svg_text(f, o->argv[i]);
    }
    (void)fputs("</pre>\n", f);
}

void
report_html(FILE *f, const struct bench *b)
{
    (void)fprintf(
        f,
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n<meta "
        "name=\"viewport\" content=\"width=device-width\">\n<title>lombard-bench</title>\n"
        "<style>%s</style></head><body>\n<h1>lombard-bench: ",
        style);
    for (unsigned t = 0; t < b->target_count; t++) {
        svg_text(f, t > 0 ? ", " : "");
        svg_text(f, b->targets[t].addr.text);
    }
    (void)fputs("</h1>\n", f);
    put_verdict(f, b);
    put_summary(f, b);
    put_latencies(f, b);
    put_sweep(f, b);
    report_phases_html(f, b);
    report_aside_html(f, b);
    (void)fputs("<h2>Pictures</h2>\n", f);
    put_charts(f, b);
    put_settings(f, b);
    (void)fputs("</body></html>\n", f);
}
