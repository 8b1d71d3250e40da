/* Tells for `stats memory` who has which part of the process's memory. */
#include "ledger.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "lombard/base/log.h"
#include "lombard/base/num.h"

/* Bytes of each owner. */
struct parts {
    uint64_t resident;
    uint64_t items;
    uint64_t index;
    uint64_t buffers;
    uint64_t connections;
    uint64_t heap;
    uint64_t program;
};

/* --- What the kernel says --- */

/* Resident memory in bytes; 0 where the kernel does not say. */
static uint64_t
read_resident(const struct ledger *ledger)
{
    char text[128];
    const char *second; /* number, after that of all pages */
    uint64_t pages;
    ssize_t n = ledger->statm_fd < 0 ? -1 : pread(ledger->statm_fd, text, sizeof(text) - 1, 0);

    if (n <= 0)
        return 0;
    text[n] = '\0';
    second = text + strcspn(text, " ");
    second += strspn(second, " ");
    if (!num_parse_u64(slice_make(second, strcspn(second, " ")), &pages))
        return 0;
    return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static uintptr_t
heap_end(void)
{
    return (uintptr_t)sbrk(0);
}

/* --- The parts --- */

static void
read_parts(const struct ledger *ledger, struct parts *parts)
{
    struct store_layout layout;
    struct server_memory memory;
    uintptr_t end = heap_end();

    store_layout(ledger->store, &layout);
    server_memory(ledger->server, &memory);
    *parts = (struct parts){
        .resident = read_resident(ledger),
        .items = layout.resident_bytes,
        .index = layout.index_bytes,
        .buffers = memory.buffers,
        .connections = memory.connections,
        .heap = end > ledger->heap_start ? end - ledger->heap_start : 0,
        .program = ledger->program,
    };
    if (parts->resident > 0)
        parts->resident += layout.explicit_bytes;
}

static uint64_t
explained(const struct parts *parts)
{
    return parts->items + parts->index + parts->buffers + parts->connections + parts->heap +
           parts->program;
}

void
ledger_init(struct ledger *ledger)
{
    *ledger = (struct ledger){.statm_fd = -1};
}

void
ledger_open(struct ledger *ledger)
{
    ledger->statm_fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    if (ledger->statm_fd < 0)
        log_line(LOG_INFO, "/proc is not there: `stats memory` does not know what is resident");
    ledger->program = read_resident(ledger);
}

/*
 * Of a store that was taken over, or kept in a file, nothing is mapped yet of what its layout calls resident:
 * then the program is what there was before it.
 */
void
ledger_begin(struct ledger *ledger)
{
    struct parts parts;
    uint64_t others;

    ledger->heap_start = heap_end();
    read_parts(ledger, &parts);
    others = explained(&parts) - parts.program;
    if (parts.resident > others + parts.program)
        ledger->program = parts.resident - others;
}

void
ledger_close(struct ledger *ledger)
{
    if (ledger->statm_fd >= 0)
        (void)close(ledger->statm_fd);
    ledger->statm_fd = -1;
}

/* --- As entries; the record is the ledger --- */

static void
get_part(const struct stat_entry *entry, const void *record, struct stat_value *value)
{
    struct parts parts;

    read_parts(record, &parts);
    stat_get_u64(entry, &parts, value);
}

static void
get_other(const struct stat_entry *entry UNUSED, const void *record, struct stat_value *value)
{
    struct parts parts;

    read_parts(record, &parts);
    stat_printf(value, "%" PRId64,
                parts.resident > 0 ? (int64_t)(parts.resident - explained(&parts)) : 0);
}

#define PART(name, help)                                                                       \
    {                                                                                          \
#name "_bytes", STAT_GAUGE, UNIT_BYTES, help, get_part, offsetof(struct parts, name)   \
    }

static const struct stat_entry entries[] = {
    PART(resident,
         "Memory of the process that is in RAM: the sum of the seven parts that follow."),
    PART(items, "Of the store: segments that have memory."),
    PART(index, "Of the store: the index and its bookkeeping."),
    PART(buffers, "Buffers in existence, lent or free."),
    PART(connections, "What is kept of connections, open or not."),
    PART(heap, "Taken since the start for partial commands, uploads and long replies."),
    PART(program, "Code, libraries, stack and tables: what was resident at the start."),
    {"other_bytes", STAT_GAUGE, UNIT_BYTES,
     "The rest. Below 0: memory that was not touched yet, or was swapped out.", get_other, 0},
};

static const struct stat_section section = {entries, ARRAY_LEN(entries), NULL, "memory_", NULL};

void
ledger_add_stats(struct ledger *ledger, const struct store *store, const struct server *server,
                 struct stat_registry *registry)
{
    ledger->store = store;
    ledger->server = server;
    stats_add(registry, "memory", &section, ledger);
}
