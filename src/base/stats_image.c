/* Writes all counters of a registry by their names, and sets those of another registry to that. */
#include <stdio.h>
#include <string.h>

#include "lombard/base/stats.h"

enum { ENTRY_COUNTER = 1, NAME_BYTES = 3 * STAT_NAME_BYTES };

/* One counter, where it is counted. */
struct written_counter {
    uint64_t *at;
    char name[NAME_BYTES]; /* group/entry/label */
};

/* Which counter comes next. */
struct counter_walk {
    const struct stat_registry *registry;
    struct stat_instance instance;
    uint64_t position;
    size_t source;
    size_t entry;
    bool found; /* the instance */
};

/* What is shown elsewhere as well, or computed of that, is not counted there. */
static bool
is_counted(const struct stat_source *source)
{
    return !source->repeats && !source->lists && !source->derives;
}

static void
leave_source(struct counter_walk *walk)
{
    walk->source++;
    walk->position = 0;
    walk->entry = 0;
    walk->found = false;
}

/* True: there is an instance. Else that of the next source may be next. */
static bool
find_instance(struct counter_walk *walk)
{
    const struct stat_source *source = &walk->registry->sources[walk->source];

    if (walk->found)
        return true;
    if (is_counted(source) &&
        stats_find(source, &walk->position, &walk->instance) == STAT_FOUND) {
        walk->found = true;
        return true;
    }
    leave_source(walk);
    return false;
}

static void
describe(const struct counter_walk *walk, const struct stat_entry *entry,
         struct written_counter *counter)
{
    const char *record = walk->instance.record;

    counter->at = (uint64_t *)(uintptr_t)(record + entry->arg);
    (void)snprintf(counter->name, sizeof(counter->name), "%s/%s/%s",
                   walk->registry->sources[walk->source].group, entry->name,
                   walk->instance.label);
}

static bool
next_counter(struct counter_walk *walk, struct written_counter *counter)
{
    while (walk->source < walk->registry->count) {
        const struct stat_section *section = walk->registry->sources[walk->source].section;
        const struct stat_entry *entry = &section->entries[walk->entry];

        if (!find_instance(walk))
            continue;
        if (walk->entry == section->entry_count) {
            walk->entry = 0;
            walk->position++;
            walk->found = false;
            continue;
        }
        walk->entry++;
        if (entry->kind != STAT_COUNTER || entry->get != stat_get_u64)
            continue;
        describe(walk, entry, counter);
        return true;
    }
    return false;
}

void
stats_write(const struct stat_registry *registry, struct image *image)
{
    struct counter_walk walk = {.registry = registry};
    struct written_counter counter;
    char bytes[sizeof(uint64_t) + NAME_BYTES];

    while (next_counter(&walk, &counter)) {
        size_t len = strlen(counter.name);

        if (*counter.at == 0)
            continue;
        memcpy(bytes, counter.at, sizeof(uint64_t));
        memcpy(bytes + sizeof(uint64_t), counter.name, len);
        image_put_bytes(image, ENTRY_COUNTER, slice_make(bytes, sizeof(uint64_t) + len));
    }
}

/* Find the counter NAME in REST, which begins behind it then. */
static bool
find_written(struct slice *rest, const char *name, uint64_t *value)
{
    size_t len = strlen(name);
    struct image_entry entry;

    while (image_next(rest, &entry) == IMAGE_ENTRY) {
        if (entry.type != ENTRY_COUNTER || entry.bytes.len != sizeof(*value) + len ||
            memcmp(entry.bytes.ptr + sizeof(*value), name, len) != 0)
            continue;
        memcpy(value, entry.bytes.ptr, sizeof(*value));
        return true;
    }
    return false;
}

/* In the same order, mostly: each is looked for behind the one before, and only then from the front. */
void
stats_read_written(const struct stat_registry *registry, struct slice list)
{
    struct counter_walk walk = {.registry = registry};
    struct slice rest = list;
    struct written_counter counter;
    uint64_t value;

    while (next_counter(&walk, &counter)) {
        struct slice behind = rest, all = list;

        *counter.at = 0;
        if (find_written(&behind, counter.name, &value)) {
            rest = behind;
            *counter.at = value;
        } else if (find_written(&all, counter.name, &value)) {
            rest = all;
            *counter.at = value;
        }
    }
}
