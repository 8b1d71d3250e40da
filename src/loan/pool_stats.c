/* The ledger of the freelist, and what happened to requests for buffers, as statistics. */
#include <string.h>

#include "lombard/base/stats.h"
#include "lombard/loan/pool.h"

/* --- The ledger; the record is the pool --- */

static void
get_ledger(const struct stat_entry *entry, const void *record, struct stat_value *value)
{
    struct pool_ledger ledger;

    pool_ledger(record, &ledger);
    stat_get_u64(entry, &ledger, value);
}

#define LEDGER(name, kind, help, field)                                                        \
    {                                                                                          \
        name, STAT_##kind, UNIT_BUFFERS, help, get_ledger, offsetof(struct pool_ledger, field) \
    }

static const struct stat_entry ledger_entries[] = {
    {"buffer_bytes", STAT_GAUGE, UNIT_BYTES, "Size of one buffer.", stat_get_constant,
     BUF_TOTAL_BYTES},
    LEDGER("buffers_limit", GAUGE, "Buffers that may exist: --buffer-memory.", limit),
    LEDGER("buffers_reserved_for_output", GAUGE, "Buffers of these that only output may use.",
           reserve),
    LEDGER("buffers_made", GAUGE, "Buffers in existence: free and lent.", made),
    LEDGER("buffers_free", GAUGE, "Buffers in the freelist.", free),
    LEDGER("buffers_lent", GAUGE, "Buffers lent to connections.", lent),
    LEDGER("buffers_lent_input", GAUGE, "Buffers lent to read into.", lent_for[LOAN_FOR_INPUT]),
    LEDGER("buffers_lent_output", GAUGE, "Buffers lent to write from.",
           lent_for[LOAN_FOR_OUTPUT]),
    LEDGER("buffers_peak", GAUGE, "The most buffers that ever existed.", peak),
    LEDGER("buffers_trimmed", COUNTER, "Buffers given back to the kernel since the start.",
           trimmed),
    {"waiters", STAT_GAUGE, UNIT_CONNECTIONS, "Connections that wait for a buffer.", get_ledger,
     offsetof(struct pool_ledger, waiters)},
};

#undef LEDGER

const struct stat_section pool_ledger_stats = {ledger_entries, ARRAY_LEN(ledger_entries), NULL,
                                               "", NULL};

/* --- Requests for a buffer; the record is the struct pool_counts of a purpose --- */

#define REQUESTS(name, help)                                                                   \
    {                                                                                          \
#name, STAT_COUNTER, UNIT_EVENTS, help, stat_get_u64,                                  \
            offsetof(struct pool_counts, name)                                                 \
    }

static const struct stat_entry loan_entries[] = {
    REQUESTS(existing, "Times that a connection asked for a buffer and still held one."),
    REQUESTS(loaned, "Times that a connection was lent a buffer from the freelist."),
    REQUESTS(allocated, "Times that a connection was lent a new buffer."),
    REQUESTS(waiting, "Times that a connection had to wait for a buffer."),
    REQUESTS(failed, "Times that the kernel gave no memory for a buffer."),
};

#undef REQUESTS

/* Read buffers, then write buffers. */
static enum stat_step
next_purpose(void *ctx, uint64_t *position, struct stat_instance *instance)
{
    static const char labels[][sizeof("rbufs")] = {
        [LOAN_FOR_INPUT] = "rbufs",
        [LOAN_FOR_OUTPUT] = "wbufs",
    };

    if (*position >= ARRAY_LEN(labels))
        return STAT_END;
    instance->record = pool_counts(ctx, (enum loan_purpose) * position);
    memcpy(instance->label, labels[*position], sizeof(labels[0]));
    return STAT_FOUND;
}

static void
reset(void *ctx)
{
    pool_reset_counts(ctx);
}

static const struct stat_family loan_family = {"buffer", "%l_%n", next_purpose};

const struct stat_section pool_loan_stats = {loan_entries, ARRAY_LEN(loan_entries),
                                             &loan_family, "loans_", reset};
