/*
 * Renders the registry of statistics for Prometheus: its text format 0.0.4, or OpenMetrics 1.0.0.
 *
 * A statistic that has no row in http_metrics.def is called lombard_<prefix><name>. Times are in
 * seconds: "_us" or "_ms" at the end of a name becomes "_seconds". A counter ends in "_total", a
 * text in "_info", and no gauge in "count", which is for histograms: that becomes "number". What is
 * said of several is told apart by the label of their family.
 */
#include <stdlib.h>
#include <string.h>

#include "http_sample.h"

/* walk->part: what is rendered, in this order. */
enum {
    PART_UP,
    PART_KNOWN,  /* walk->step: the row; at.position: the instance */
    PART_OTHERS, /* at.source, at.entry, at.position; walk->step: instances that were shown */
    PART_HISTOGRAMS, /* at.source, at.position; at.entry: the bound; walk->step: likewise */
    PART_END,
};

struct known {
    const char *name;
    bool counter;
    const char *labels;
    const char *group;
    const char *stat;
    const char *less;
    const char *help;
};

enum { is_counter_counter = 1, is_counter_gauge = 0 };

static const struct known known[] = {
#define METRIC(name, type, labels, group, stat, less, help)                                    \
    {name, is_counter_##type, labels, group, stat, less, help},
#include "http_metrics.def"
#undef METRIC
};

/* --- Values --- */

/* In seconds, where UNIT is a part of one. */
static void
scale(enum stat_unit unit, struct stat_value *value)
{
    double divisor = unit == UNIT_MICROSECONDS ? 1e6 : unit == UNIT_MILLISECONDS ? 1e3 : 1;

    if (divisor > 1)
        stat_printf(value, "%.12g", strtod(value->text, NULL) / divisor);
}

/* What is taken off: the statistics that NAMES lists, of SECTION and INSTANCE. */
static uint64_t
sum_of(const char *names, const struct stat_section *section,
       const struct stat_instance *instance)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < section->entry_count; i++) {
        const struct stat_entry *entry = &section->entries[i];
        const char *found = strstr(names, entry->name);
        size_t len = strlen(entry->name);
        struct stat_value value;

        if (found == NULL || (found[len] != ' ' && found[len] != '\0') ||
            (found > names && found[-1] != ' '))
            continue;
        stats_read(entry, instance, &value);
        sum += strtoull(value.text, NULL, 10);
    }
    return sum;
}

static void
take_off(struct stat_value *value, uint64_t less)
{
    uint64_t all = strtoull(value->text, NULL, 10);

    /* `stats reset` may have come between. */
    stat_put_u64(value, all > less ? all - less : 0);
}

/* --- Metrics with the names of memcached_exporter --- */

/* Thousands of names are compared for a scrape: most differ in their first letters. */
static bool
is_name(const char *a, const char *b)
{
    return a[0] == b[0] && a[1] == b[1] && strcmp(a, b) == 0;
}

/* The entry of ROW, and its source; NULL: there is none here. */
static const struct stat_entry *
find_known(const struct stat_registry *registry, const struct known *row,
           const struct stat_source **source)
{
    for (size_t i = 0; i < registry->count; i++) {
        const struct stat_section *section = registry->sources[i].section;

        if (strcmp(registry->sources[i].group, row->group) != 0)
            continue;
        for (size_t j = 0; j < section->entry_count; j++) {
            if (is_name(section->entries[j].name, row->stat)) {
                *source = &registry->sources[i];
                return &section->entries[j];
            }
        }
    }
    return NULL;
}

static void
name_known(const struct known *row, const struct stat_entry *entry, struct metric *metric)
{
    const char *end = metric->name + sizeof(metric->name) - 1;

    metric->name[0] = '\0';
    *http_put_text(http_put(metric->name, end, SLICE("memcached_")), end, row->name) = '\0';
    metric->type = row->counter ? "counter" : "gauge";
    metric->help = row->help[0] != '\0' ? row->help : entry->help;
    metric->suffix_bytes = row->counter ? strlen("_total") : 0;
}

static char *
put_known(char *p, const struct request *req, const struct known *row,
          const struct stat_source *source, const struct stat_entry *entry,
          const struct stat_instance *instance)
{
    const char *end = http_sample_end(p);
    const struct stat_family *family = source->section->family;
    struct labels labels = {row->labels, family == NULL ? NULL : "slab", instance->label,
                            "version", NULL};
    bool begins = row == known || strcmp(row[-1].name, row->name) != 0;
    struct metric metric = {.type = NULL};
    struct stat_value value;

    name_known(row, entry, &metric);
    if (begins)
        p = http_put_metric(p, end, req, &metric);
    stats_read(entry, instance, &value);
    if (row->less[0] != '\0')
        take_off(&value, sum_of(row->less, source->section, instance));
    if (entry->kind == STAT_TEXT)
        labels.text = value.text;
    return http_put_sample(p, end, metric.name, &labels,
                           labels.text != NULL ? "1" : value.text);
}

static char *
known_piece(const struct request *req, const struct stat_registry *registry,
            struct stat_walk *walk, char *p)
{
    const struct known *row = &known[walk->step];
    const struct stat_source *source;
    const struct stat_entry *entry = find_known(registry, row, &source);
    struct stat_instance instance;

    /* Of those that are shown here there are at most a few, and they do not come and go. */
    if (entry == NULL || stats_find(source, &walk->at.position, &instance) != STAT_FOUND) {
        walk->at.position = 0;
        if (++walk->step == ARRAY_LEN(known))
            *walk = (struct stat_walk){.part = PART_OTHERS};
        return p;
    }
    walk->at.position++;
    return put_known(p, req, row, source, entry, &instance);
}

/* --- All others --- */

static bool
is_known(const struct stat_source *source, const struct stat_entry *entry)
{
    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (is_name(known[i].stat, entry->name) && strcmp(known[i].group, source->group) == 0)
            return true;
    return false;
}

static bool
ends_in(const char *name, const char *suffix)
{
    size_t len = strlen(name);
    size_t suffix_len = strlen(suffix);

    return len >= suffix_len && strcmp(name + len - suffix_len, suffix) == 0;
}

/* How many bytes at the end of NAME say UNIT, if that is a time. */
static size_t
unit_bytes(const char *name, enum stat_unit unit)
{
    if (unit == UNIT_MICROSECONDS && ends_in(name, "_us"))
        return strlen("_us");
    if (unit == UNIT_MILLISECONDS && ends_in(name, "_ms"))
        return strlen("_ms");
    return 0;
}

static bool
is_time(enum stat_unit unit)
{
    return unit == UNIT_MICROSECONDS || unit == UNIT_MILLISECONDS || unit == UNIT_SECONDS;
}

static void
name_other(const struct request *req, const struct stat_source *source,
           const struct stat_entry *entry, struct metric *metric)
{
    bool counts = entry->kind == STAT_GAUGE && ends_in(entry->name, "count");
    size_t len = strlen(entry->name) - unit_bytes(entry->name, entry->unit) -
                 (counts ? strlen("count") : 0);
    bool seconds = is_time(entry->unit) && !ends_in(entry->name, "seconds");
    const char *suffix = entry->kind == STAT_COUNTER ? "_total"
                         : entry->kind == STAT_TEXT  ? "_info"
                         : counts                    ? "number"
                                                     : "";

    char last[32] = "";

    *http_put_text(http_put_text(last, last + sizeof(last) - 1, seconds ? "_seconds" : ""),
                   last + sizeof(last) - 1, suffix) = '\0';
    http_name_metric(metric->name, sizeof(metric->name), source->section->prefix,
                     slice_make(entry->name, len), last);
    metric->help = entry->help;
    metric->suffix_bytes = counts ? 0 : strlen(suffix);
    metric->type = "gauge";
    if (entry->kind == STAT_COUNTER)
        metric->type = "counter";
    else if (entry->kind == STAT_TEXT && req->echo.http.openmetrics)
        metric->type = "info";
}

static char *
put_other(char *p, const struct request *req, const struct stat_source *source,
          const struct stat_entry *entry, const struct stat_instance *instance, bool first)
{
    const char *end = http_sample_end(p);
    const struct stat_family *family = source->section->family;
    struct labels labels = {"", family == NULL ? NULL : family->label, instance->label, "value",
                            NULL};
    struct metric metric;
    struct stat_value value;

    name_other(req, source, entry, &metric);
    if (first)
        p = http_put_metric(p, end, req, &metric);
    stats_read(entry, instance, &value);
    if (entry->kind == STAT_TEXT)
        labels.text = value.text;
    else
        scale(entry->unit, &value);
    return http_put_sample(p, end, metric.name, &labels,
                           labels.text != NULL ? "1" : value.text);
}

/* To the next entry that has a metric of its own. */
static void
next_other(const struct stat_registry *registry, struct stat_walk *walk)
{
    const struct stat_source *source = &registry->sources[walk->at.source];

    walk->step = 0;
    walk->at.position = 0;
    if (++walk->at.entry < source->section->entry_count)
        return;
    walk->at.entry = 0;
    if (++walk->at.source == registry->count)
        *walk = (struct stat_walk){.part = PART_HISTOGRAMS};
}

static enum stat_step
others_piece(const struct request *req, const struct stat_registry *registry,
             struct stat_walk *walk, char **p)
{
    const struct stat_source *source = &registry->sources[walk->at.source];
    const struct stat_entry *entry = &source->section->entries[walk->at.entry];
    struct stat_instance instance;

    if (source->repeats || source->lists || source->derives ||
        (walk->step == 0 && is_known(source, entry))) {
        next_other(registry, walk);
        return STAT_FOUND;
    }
    switch (stats_find(source, &walk->at.position, &instance)) {
    case STAT_SEARCHING: return STAT_SEARCHING;
    case STAT_END: next_other(registry, walk); return STAT_FOUND;
    case STAT_FOUND: break;
    }
    *p = put_other(*p, req, source, entry, &instance, walk->step == 0);
    walk->step++;
    walk->at.position++;
    return STAT_FOUND;
}

/* --- Histograms --- */

static enum stat_step
histograms_piece(const struct request *req, const struct stat_registry *registry,
                 struct stat_walk *walk, char **p)
{
    const struct stat_histogram_source *source;
    struct metric metric;
    struct stat_instance instance;

    if (walk->at.source >= registry->histogram_count || !http_is_bucket(walk->at.entry))
        return STAT_END;
    source = &registry->histograms[walk->at.source];
    switch (source->histogram->next(source->ctx, &walk->at.position, &instance)) {
    case STAT_SEARCHING: return STAT_SEARCHING;
    case STAT_END:
        *walk = (struct stat_walk){.part = PART_HISTOGRAMS,
                                   .at = {.source = (uint16_t)(walk->at.source + 1)}};
        return STAT_FOUND;
    case STAT_FOUND: break;
    }
    if (walk->step++ == 0) {
        metric.type = "histogram";
        metric.suffix_bytes = 0;
        metric.help = source->histogram->help;
        http_name_metric(metric.name, sizeof(metric.name), "",
                         slice_make(source->histogram->name, strlen(source->histogram->name)),
                         "");
        *p = http_put_metric(*p, http_sample_end(*p), req, &metric);
    }
    *p = http_put_bucket(*p, req, source->histogram, &instance, walk->at.entry);
    if (http_is_last_bucket(walk->at.entry++)) {
        walk->at.entry = 0;
        walk->at.position++;
    }
    return STAT_FOUND;
}

/* --- All of it --- */

/* A walk may have begun in another process (include/lombard/conn/handover.h). */
static bool
is_there(const struct stat_registry *registry, const struct stat_cursor *at)
{
    return at->source < registry->count &&
           at->entry < registry->sources[at->source].section->entry_count;
}

static char *
put_up(char *p, const struct request *req)
{
    static const struct metric up = {"memcached_up", "gauge", "Whether the server answers.", 0};
    static const struct labels none = {"", NULL, NULL, NULL, NULL};

    return http_put_sample(http_put_metric(p, http_sample_end(p), req, &up), http_sample_end(p),
                           up.name, &none, "1");
}

enum stat_step
http_metrics_piece(const struct request *req, const struct stat_registry *registry,
                   struct stat_walk *walk, char *dst, size_t *len)
{
    enum stat_step step = STAT_FOUND;
    char *p = dst;

    switch (walk->part) {
    case PART_UP:
        p = put_up(p, req);
        *walk = (struct stat_walk){.part = PART_KNOWN};
        break;
    case PART_KNOWN:
        if (walk->step >= ARRAY_LEN(known))
            return STAT_END;
        p = known_piece(req, registry, walk, p);
        break;
    case PART_OTHERS:
        if (!is_there(registry, &walk->at))
            return STAT_END;
        step = others_piece(req, registry, walk, &p);
        break;
    case PART_HISTOGRAMS: step = histograms_piece(req, registry, walk, &p); break;
    default: return STAT_END;
    }
    *len = (size_t)(p - dst);
    return step;
}
