/* The registry of statistics: how sources are added, found, read and shown line by line. */
#include "lombard/base/stats.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lombard/base/num.h"

const char *
stat_unit_name(enum stat_unit unit)
{
    switch (unit) {
    case UNIT_NONE: return "";
    case UNIT_BITS: return "bits";
    case UNIT_BYTES: return "bytes";
    case UNIT_SECONDS: return "seconds";
    case UNIT_MILLISECONDS: return "milliseconds";
    case UNIT_MICROSECONDS: return "microseconds";
    case UNIT_ITEMS: return "items";
    case UNIT_REQUESTS: return "requests";
    case UNIT_CONNECTIONS: return "connections";
    case UNIT_BUFFERS: return "buffers";
    case UNIT_SEGMENTS: return "segments";
    case UNIT_BUCKETS: return "buckets";
    case UNIT_PAGES: return "pages";
    case UNIT_CHUNKS: return "chunks";
    case UNIT_THREADS: return "threads";
    case UNIT_LINES: return "lines";
    case UNIT_EVENTS: return "events";
    case UNIT_FLAG: return "flag";
    case UNIT_NUMBER: return "number";
    }
    BUG("stat_unit out of range");
}

/* --- Getters --- */

uint64_t
stat_field(const struct stat_entry *entry, const void *record)
{
    uint64_t number;

    memcpy(&number, (const char *)record + entry->arg, sizeof(number));
    return number;
}

void
stat_get_u64(const struct stat_entry *entry, const void *record, struct stat_value *value)
{
    stat_put_u64(value, stat_field(entry, record));
}

void
stat_get_u32(const struct stat_entry *entry, const void *record, struct stat_value *value)
{
    uint32_t number;

    memcpy(&number, (const char *)record + entry->arg, sizeof(number));
    stat_put_u64(value, number);
}

void
stat_get_constant(const struct stat_entry *entry, const void *record UNUSED,
                  struct stat_value *value)
{
    stat_put_u64(value, entry->arg);
}

void
stat_put_u64(struct stat_value *value, uint64_t number)
{
    value->text[num_format_u64(value->text, number)] = '\0';
}

void
stat_put_text(struct stat_value *value, const char *text)
{
    size_t len = strlen(text);

    len = len < sizeof(value->text) ? len : sizeof(value->text) - 1;
    memcpy(value->text, text, len);
    value->text[len] = '\0';
}

void
stat_printf(struct stat_value *value, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    (void)vsnprintf(value->text, sizeof(value->text), format, args);
    va_end(args);
}

/* --- The registry --- */

static void
add(struct stat_registry *registry, const struct stat_source *source)
{
    BUG_ON(registry->count == STAT_SOURCES_MAX);
    if (registry->count < STAT_SOURCES_MAX)
        registry->sources[registry->count++] = *source;
}

void
stats_add(struct stat_registry *registry, const char *group, const struct stat_section *section,
          void *ctx)
{
    add(registry, &(struct stat_source){.group = group, .section = section, .ctx = ctx});
}

void
stats_repeat(struct stat_registry *registry, const char *group,
             const struct stat_section *section, void *ctx)
{
    add(registry,
        &(struct stat_source){.group = group, .section = section, .ctx = ctx, .repeats = true});
}

void
stats_list(struct stat_registry *registry, const char *group,
           const struct stat_section *section, void *ctx)
{
    add(registry,
        &(struct stat_source){.group = group, .section = section, .ctx = ctx, .lists = true});
}

void
stats_derive(struct stat_registry *registry, const char *group,
             const struct stat_section *section, void *ctx)
{
    add(registry,
        &(struct stat_source){.group = group, .section = section, .ctx = ctx, .derives = true});
}

void
stats_select(struct stat_registry *registry, stat_select *select)
{
    registry->sources[registry->count - 1].select = select;
}

void
stats_guard(struct stat_registry *registry)
{
    registry->sources[registry->count - 1].guarded = true;
}

bool
stats_is_guarded(const struct stat_registry *registry, const struct stat_cursor *cursor)
{
    return registry->sources[cursor->source].guarded;
}

void
stats_add_histogram(struct stat_registry *registry, const struct stat_histogram *histogram,
                    void *ctx)
{
    BUG_ON(registry->histogram_count == STAT_HISTOGRAMS_MAX);
    if (registry->histogram_count < STAT_HISTOGRAMS_MAX)
        registry->histograms[registry->histogram_count++] =
            (struct stat_histogram_source){histogram, ctx};
}

void
stat_reset_counters(const struct stat_entry *entries, size_t count, void *record)
{
    for (size_t i = 0; i < count; i++)
        if (entries[i].kind == STAT_COUNTER)
            memset((char *)record + entries[i].arg, 0, sizeof(uint64_t));
}

void
stats_reset(const struct stat_registry *registry)
{
    for (size_t i = 0; i < registry->count; i++) {
        const struct stat_source *source = &registry->sources[i];

        if (!source->repeats && source->section->reset != NULL)
            source->section->reset(source->ctx);
    }
}

enum stat_step
stats_find(const struct stat_source *source, uint64_t *position, struct stat_instance *instance)
{
    const struct stat_family *family = source->section->family;

    if (family != NULL)
        return family->next(source->ctx, position, instance);
    if (*position > 0)
        return STAT_END;
    instance->record = source->ctx;
    instance->label[0] = '\0';
    return STAT_FOUND;
}

void
stats_read(const struct stat_entry *entry, const struct stat_instance *instance,
           struct stat_value *value)
{
    entry->get(entry, instance->record, value);
}

/* --- Lines of a group --- */

/* The first source of GROUP from *I on; false when there is none. */
static bool
find_source(const struct stat_registry *registry, struct slice group, uint16_t *i)
{
    for (; *i < registry->count; (*i)++) {
        const char *name = registry->sources[*i].group;

        if (slice_equal(slice_make(name, strlen(name)), group))
            return true;
    }
    return false;
}

bool
stats_find_group(const struct stat_registry *registry, uint16_t *source)
{
    for (; *source < registry->count; (*source)++) {
        const char *group = registry->sources[*source].group;
        uint16_t first = 0;

        if (find_source(registry, slice_make(group, strlen(group)), &first) &&
            first == *source && !registry->sources[first].lists)
            return true;
    }
    return false;
}

bool
stats_begin(const struct stat_registry *registry, struct slice group,
            struct stat_cursor *cursor)
{
    *cursor = (struct stat_cursor){0};
    return find_source(registry, group, &cursor->source);
}

bool
stats_begin_with(const struct stat_registry *registry, struct slice group, struct slice args,
                 struct stat_cursor *cursor)
{
    const struct stat_source *source;

    if (!stats_begin(registry, group, cursor))
        return false;
    source = &registry->sources[cursor->source];
    return args.len == 0 || source->select == NULL ||
           source->select(source->ctx, args, &cursor->position, &cursor->left);
}

bool
stats_select_count(void *ctx UNUSED, struct slice args, uint64_t *position UNUSED,
                   uint64_t *count)
{
    uint64_t number;

    if (!num_parse_u64(args, &number) || number == 0)
        return false;
    *count = number;
    return true;
}

/* To the next source of the same group; false when there is none. */
static bool
leave_source(const struct stat_registry *registry, struct stat_cursor *cursor)
{
    const char *group = registry->sources[cursor->source].group;
    uint16_t next = (uint16_t)(cursor->source + 1);

    if (cursor->left > 0)
        return false;
    if (!find_source(registry, slice_make(group, strlen(group)), &next))
        return false;
    *cursor = (struct stat_cursor){.source = next};
    return true;
}

/* As much of TEXT as there is space for behind the USED bytes of LINE's name; how many it has then. */
static size_t
append_name(struct stat_line *line, size_t used, const char *text)
{
    for (; *text != '\0' && used + 1 < sizeof(line->name); text++)
        line->name[used++] = *text;
    line->name[used] = '\0';
    return used;
}

/* As the family says it; without one, the name of the entry. */
static void
name_line(const struct stat_family *family, const char *label, const char *name,
          struct stat_line *line)
{
    size_t used = 0;

    line->name[0] = '\0';
    if (family == NULL) {
        (void)append_name(line, 0, name);
        return;
    }
    for (const char *p = family->line; *p != '\0'; p++) {
        if (*p != '%')
            used = append_name(line, used, (const char[]){*p, '\0'});
        else
            used = append_name(line, used, *++p == 'l' ? label : name);
    }
}

/* To the first line of the instance at POSITION. */
static void
move_to(struct stat_cursor *cursor, uint64_t position)
{
    cursor->position = position;
    cursor->entry = 0;
}

enum stat_step
stats_next(const struct stat_registry *registry, struct stat_cursor *cursor,
           struct stat_line *line)
{
    const struct stat_section *section;
    struct stat_instance instance;
    enum stat_step step;
    uint64_t position;

    BUG_ON(cursor->source >= registry->count);
    if (cursor->source >= registry->count || cursor->ended)
        return STAT_END;
    do {
        position = cursor->position;
        step = stats_find(&registry->sources[cursor->source], &position, &instance);
    } while (step == STAT_END && leave_source(registry, cursor));
    if (position != cursor->position)
        move_to(cursor, position);
    if (step != STAT_FOUND)
        return step;
    section = registry->sources[cursor->source].section;
    name_line(section->family, instance.label, section->entries[cursor->entry].name, line);
    stats_read(&section->entries[cursor->entry], &instance, &line->value);
    if (++cursor->entry == section->entry_count) {
        move_to(cursor, position + 1);
        cursor->ended = cursor->left == 1;
        cursor->left -= cursor->left > 0;
    }
    return STAT_FOUND;
}
