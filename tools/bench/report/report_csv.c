/* The results as lines of CSV, one for each round and server. */
#include "report/report.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

enum { HEADING_BYTES = 1024 };

static const char first_columns[] =
    "server,round,connections,pipeline,multiget,keys,rate,sound,seconds,requests,errors,"
    "lost_connections,lost_requests,wrong";
static const char last_columns[] = "phase,time,protocol,distribution,key_size,value_size";

static void
make_heading(char *dst)
{
    size_t used = (size_t)snprintf(dst, HEADING_BYTES, "%s", first_columns);

    for (int i = 0; i < FIGURE_COUNT; i++)
        used += (size_t)snprintf(dst + used, HEADING_BYTES - used, ",%s", figures[i].json_name);
    (void)snprintf(dst + used, HEADING_BYTES - used, ",%s", last_columns);
}

bool
report_csv_fits(const char *path)
{
    char want[HEADING_BYTES];
    char line[HEADING_BYTES + 2];
    bool fits = true;
    struct stat file;
    FILE *f;

    if (path == NULL || stat(path, &file) != 0 || !S_ISREG(file.st_mode))
        return true;
    f = fopen(path, "r");
    if (f == NULL)
        return true; /* it may still be written */
    make_heading(want);
    if (fgets(line, sizeof(line), f) != NULL) {
        line[strcspn(line, "\r\n")] = '\0';
        fits = strcmp(line, want) == 0;
    }
    (void)fclose(f);
    if (!fits)
        (void)fprintf(stderr, "lombard-bench: %s has other columns: choose another file\n",
                      path);
    return fits;
}

/* In quotes where it has to be: commas are part of lists of sizes. */
static void
put_text(FILE *f, const char *text)
{
    if (strpbrk(text, ",\"\r\n") == NULL) {
        (void)fputs(text, f);
        return;
    }
    (void)fputc('"', f);
    for (; *text != '\0'; text++) {
        if (*text == '"')
            (void)fputc('"', f);
        (void)fputc(*text, f);
    }
    (void)fputc('"', f);
}

/* What is the same in all lines of a run, and is no number. */
static void
put_load(FILE *f, const struct bench *b)
{
    const struct options *o = b->options;
    time_t began = (time_t)b->began_s;
    char text[160];
    struct tm tm;

    text[0] = '\0';
    if (gmtime_r(&began, &tm) != NULL)
        (void)strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
    (void)fprintf(f, ",%s,%s,", text, o->protocol);
    dist_name(&o->dist, text, sizeof(text));
    put_text(f, text);
    (void)fputc(',', f);
    sizes_name(&o->key_size, text, sizeof(text));
    put_text(f, text);
    (void)fputc(',', f);
    sizes_name(&o->value_size, text, sizeof(text));
    put_text(f, text);
    (void)fputc('\n', f);
}

static void
put_round(FILE *f, const struct options *o, const struct round *r)
{
    (void)fprintf(f, ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64,
                  o->connections, o->pipeline, o->multiget, o->keys, r->rate);
    (void)fprintf(f, ",%d,%.6f,%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64,
                  r->sound, r->seconds, r->requests, r->errors, r->lost_connections,
                  r->lost_requests, r->wrong);
    for (int i = 0; i < FIGURE_COUNT; i++) {
        double v = figure_of(r, &figures[i]);

        (void)fputc(',', f);
        if (isfinite(v)) /* empty where it was not measured */
            (void)fprintf(f, "%.4f", v);
    }
}

static void
put_phase(FILE *f, const struct options *o, uint64_t round)
{
    const char *name = options_plan(o, round).name;

    (void)fputc(',', f);
    if (name != NULL)
        put_text(f, name);
}

void
report_csv(FILE *f, const struct bench *b)
{
    char heading[HEADING_BYTES];

    if (ftell(f) <= 0) {
        make_heading(heading);
        (void)fprintf(f, "%s\n", heading);
    }
    for (unsigned t = 0; t < b->target_count; t++) {
        const struct target *target = &b->targets[t];

        for (uint64_t r = 0; r < target->rounds_done; r++) {
            put_text(f, target->addr.text);
            (void)fprintf(f, ",%" PRIu64, r + 1);
            put_round(f, b->options, &target->rounds[r]);
            put_phase(f, b->options, r);
            put_load(f, b);
        }
    }
}
