#include "lombard/base/stats.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool
stat_table_next(const struct stat_desc *descs, size_t count, const void *counters,
                uint64_t *cursor, struct stat_line *line)
{
    uint64_t value;

    if (*cursor >= count)
        return false;
    memcpy(&value, (const char *)counters + descs[*cursor].off, sizeof(value));
    stat_line_u64(line, descs[*cursor].name, value);
    (*cursor)++;
    return true;
}

void
stat_table_reset(const struct stat_desc *descs, size_t count, void *counters)
{
    for (size_t i = 0; i < count; i++)
        if (descs[i].kind == COUNTER)
            memset((char *)counters + descs[i].off, 0, sizeof(uint64_t));
}

void
stat_line_u64(struct stat_line *line, const char *name, uint64_t value)
{
    stat_line_printf(line, name, "%" PRIu64, value);
}

void
stat_line_text(struct stat_line *line, const char *name, const char *value)
{
    stat_line_printf(line, name, "%s", value);
}

void
stat_line_printf(struct stat_line *line, const char *name, const char *format, ...)
{
    va_list args;

    (void)snprintf(line->name, sizeof(line->name), "%s", name);
    va_start(args, format);
    (void)vsnprintf(line->value, sizeof(line->value), format, args);
    va_end(args);
}
