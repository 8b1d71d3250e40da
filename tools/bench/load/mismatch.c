/* Describes wrong values and unreadable replies on standard error. */
#include "load/mismatch.h"

#include <inttypes.h>
#include <stdio.h>

#include "lombard/base/log.h"
#include "wire/wire_parts.h"

enum { DESCRIBED_MAX = 20 };

/* Whether this one is still described; a message says once when no more will be. */
static bool
may_describe(struct load *l)
{
    if (l->options->silent)
        return false;
    l->reported++;
    if (l->reported == DESCRIBED_MAX + 1)
        (void)fprintf(stderr, "lombard-bench: further mismatches are only counted\n");
    return l->reported <= DESCRIBED_MAX;
}

void
mismatch_report(struct load *l, const struct caller *c, const struct query *query,
                const char *what)
{
    const struct value_check *check = &c->reader.check;
    const struct query_key *key = &query->keys[c->reader.key_index];
    bool grown = (query->flags & QUERY_GROWING) != 0;
    char name[KEY_TEXT_MAX + 1];

    l->tally.mismatches++;
    if (!may_describe(l))
        return;
    name[grown ? wire_key_name(&l->keys, query, name) : keys_name(&l->keys, key->id, name)] =
        '\0';
    (void)fprintf(stderr, "\nMISMATCH %s: key %s: %s\n", l->server_name, name, what);
    (void)fprintf(stderr, "  connection %u, %s, %zu bytes announced", c->index,
                  query_kind_name((enum query_kind)query->kind), check->bytes);
    if (check->verdict == VALUE_BAD_FILLER)
        (void)fprintf(stderr, ", first wrong byte at offset %zu", check->bad_off);
    (void)fputc('\n', stderr);
    if (grown) { /* it has no head */
        (void)fprintf(stderr,
                      "  expected: pieces of %u bytes that append and prepend add to one\n",
                      query->value_bytes);
        return;
    }
    if (check->bytes >= VALUE_HEAD_BYTES)
        (void)fprintf(
            stderr, "  the value says: key id %" PRIu64 ", version %u, writer %08x, %u bytes\n",
            check->id.key, check->id.version, check->id.writer, check->id.bytes);
    (void)fprintf(stderr, "  expected: key id %u, version %u to %u, writer %08x\n", key->id,
                  key->oldest, l->keys.states[key->id].issued, l->keys.writer);
    /* Its head is sound. */
    if (check->verdict == VALUE_BAD_FILLER && check->id.writer != l->keys.writer)
        (void)fprintf(stderr, "  another run stored it: if that was of another version of "
                              "lombard-bench, store all "
                              "keys anew (--fill)\n");
}

void
mismatch_flags(struct load *l, const struct caller *c, const struct query *query)
{
    mismatch_report(l, c, query, "flags that it was not stored with");
}

void
mismatch_number(struct load *l, const struct caller *c, const struct query *query,
                uint64_t want)
{
    l->tally.mismatches++;
    if (may_describe(l))
        (void)fprintf(stderr,
                      "\nMISMATCH %s: key id %u, %s: %" PRIu64 " instead of %" PRIu64
                      "\n  connection %u\n",
                      l->server_name, query->keys[0].id,
                      query_kind_name((enum query_kind)query->kind), c->reader.number, want,
                      c->index);
}

void
mismatch_pieces(struct load *l, const struct caller *c, const struct query *query,
                uint32_t appended, uint32_t prepended)
{
    const struct value_check *check = &c->reader.check;

    l->tally.mismatches++;
    if (may_describe(l))
        (void)fprintf(
            stderr,
            "\nMISMATCH %s: key id %u: a value with %u pieces appended and %u prepended "
            "instead of %u and %u\n  connection %u\n",
            l->server_name, query->keys[0].id, check->appends, check->prepends, appended,
            prepended, c->index);
}

void
mismatch_garbled(struct load *l, const struct caller *c, const struct query *query,
                 const unsigned char *p, const unsigned char *end)
{
    char text[256];
    size_t len = (size_t)(end - p) < 80 ? (size_t)(end - p) : 80;

    if (!may_describe(l))
        return;
    (void)fprintf(stderr, "\nUNREADABLE %s: %s\n  connection %u, in answer to %s: \"%s\"\n",
                  l->server_name, c->reader.why, c->index,
                  query == NULL ? "nothing" : query_kind_name((enum query_kind)query->kind),
                  log_escape(text, sizeof(text), slice_make((const char *)p, len)));
}
