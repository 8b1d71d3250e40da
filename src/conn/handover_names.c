/* Translates what another version numbers otherwise: operations, reasons, statistics. */
#include <string.h>

#include "handover_priv.h"
#include "lombard/base/checksum.h"

static const char op_names[] =
#define OP(NAME, handler, kind, commit, counter, properties) #NAME "\0"
#include "lombard/proto/op.def"
#undef OP
    ;

static const char reason_names[] = "none\0"
#define CLOSE_REASON(NAME, name, help) #name "\0"
#include "lombard/conn/close_reason.def"
#undef CLOSE_REASON
    ;

struct slice
handover_op_names(void)
{
    return slice_make(op_names, sizeof(op_names) - 1);
}

struct slice
handover_reason_names(void)
{
    return slice_make(reason_names, sizeof(reason_names) - 1);
}

/* The number of NAME among NAMES; OTHERWISE where it is not there. */
static uint8_t
number_of(const char *names, const char *name, uint8_t otherwise)
{
    for (uint8_t i = 0; *names != '\0'; i++, names += strlen(names) + 1)
        if (strcmp(names, name) == 0)
            return i;
    return otherwise;
}

static const char *
learn(struct slice theirs, const char *ours, uint8_t otherwise, uint8_t *here)
{
    size_t at = 0;

    if (theirs.len == 0 || theirs.ptr[theirs.len - 1] != '\0')
        return "a list of names is cut";
    for (unsigned i = 0; i <= UINT8_MAX && at < theirs.len; i++) {
        here[i] = number_of(ours, theirs.ptr + at, otherwise);
        at += strlen(theirs.ptr + at) + 1;
    }
    return NULL;
}

void
handover_numbers_init(struct handover_numbers *numbers)
{
    memset(numbers->op, OP_GET, sizeof(numbers->op));
    memset(numbers->reason, CLOSE_SHUTDOWN, sizeof(numbers->reason));
}

const char *
handover_learn_ops(struct slice theirs, struct handover_numbers *numbers)
{
    return learn(theirs, op_names, OP_GET, numbers->op);
}

const char *
handover_learn_reasons(struct slice theirs, struct handover_numbers *numbers)
{
    return learn(theirs, reason_names, CLOSE_SHUTDOWN, numbers->reason);
}

static uint64_t
add_name(uint64_t sum, const char *name)
{
    return checksum_add(sum, name, strlen(name));
}

uint64_t
handover_registry_sum(const struct server *server)
{
    const struct stat_registry *registry = cmd_registry(server->cmd);
    uint64_t sum = add_name(1, LOMBARD_VERSION); /* renderers have lists of their own */

    for (size_t i = 0; registry != NULL && i < registry->count; i++) {
        const struct stat_section *section = registry->sources[i].section;

        sum = add_name(sum, registry->sources[i].group);
        for (size_t n = 0; n < section->entry_count; n++)
            sum = add_name(sum, section->entries[n].name);
    }
    for (size_t i = 0; registry != NULL && i < registry->histogram_count; i++)
        sum = add_name(sum, registry->histograms[i].histogram->name);
    return sum;
}
