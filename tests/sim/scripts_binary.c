/* Scripts of the binary protocol. */
#include <stdint.h>
#include <string.h>

#include "lombard/cmd/cmd.h"

#include "client_packet.h"
#include "script.h"

/* One packet and its reply. Numbers in extras are big-endian, as on the wire. */
struct exchange {
    uint8_t opcode;
    uint8_t extras_len;
    const char *extras;
    const char *key;
    const char *value;
    uint64_t cas; /* to be compared */
    bool silent;
    uint16_t status;
    uint8_t back_extras_len;
    const char *back_extras;
    const char *back_key;
    const char *back_value;
    uint16_t back_len; /* of it, where it holds NULs */
    bool back_cas;     /* the reply has one */
};

#define FLAGS_7   8, "\0\0\0\7\0\0\0\0"
#define SHORT_7   4, "\0\0\0\7"
#define NO_EXTRAS 0, NULL
/* delta 1, initial 5, made or not */
#define COUNT      20, "\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\5\0\0\0\0"
#define ONLY_COUNT 20, "\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\5\377\377\377\377"

static const struct exchange exchanges[] = {
    {P_NOOP, NO_EXTRAS, .key = ""},
    {P_SET, FLAGS_7, "a", "abc", .back_cas = true},
    {P_GET, NO_EXTRAS, "a", NULL, 0, false, S_SUCCESS, SHORT_7, "", "abc", 0, true},
    {P_GETK, NO_EXTRAS, "a", NULL, 0, false, S_SUCCESS, SHORT_7, "a", "abc", 0, true},
    {P_GETQ, NO_EXTRAS, "a", NULL, 0, false, S_SUCCESS, SHORT_7, "", "abc", 0, true},
    {P_GETQ, NO_EXTRAS, "none", .silent = true},
    {P_GETKQ, NO_EXTRAS, "none", .silent = true},
    {P_GET, NO_EXTRAS, "none", .status = S_NOT_FOUND},
    {P_GETK, NO_EXTRAS, "none", .status = S_NOT_FOUND, .back_key = "none"},
    {P_ADD, FLAGS_7, "a", "x", .status = S_EXISTS},
    {P_ADDQ, FLAGS_7, "b", "41", .silent = true},
    {P_REPLACE, FLAGS_7, "none", "x", .status = S_NOT_FOUND},
    {P_REPLACEQ, FLAGS_7, "none", "x", .status = S_NOT_FOUND},
    {P_SET, FLAGS_7, "a", "x", 999999999, .status = S_EXISTS},
    {P_SETQ, FLAGS_7, "none", "x", 999999999, .status = S_NOT_FOUND},
    {P_APPEND, NO_EXTRAS, "a", "de", .back_cas = true},
    {P_PREPENDQ, NO_EXTRAS, "a", "_", .silent = true},
    {P_APPEND, NO_EXTRAS, "none", "x", .status = S_NOT_STORED},
    {P_GATK, 4, "\0\0\0\144", "a", NULL, 0, false, S_SUCCESS, SHORT_7, "a", "_abcde", 0, true},
    {P_TOUCH, 4, "\0\0\0\0", "a", NULL, 0, false, S_SUCCESS, SHORT_7, "", NULL, 0, true},
    {P_TOUCH, 4, "\0\0\0\0", "none", .status = S_NOT_FOUND},
    {P_INCR, COUNT, "b", .back_value = "\0\0\0\0\0\0\0\52", .back_len = 8, .back_cas = true},
    {P_DECRQ, COUNT, "b", .silent = true},
    {P_INCR, COUNT, "new", .back_value = "\0\0\0\0\0\0\0\5", .back_len = 8, .back_cas = true},
    {P_INCR, ONLY_COUNT, "none", .status = S_NOT_FOUND},
    {P_INCR, COUNT, "a", .status = S_NON_NUMERIC},
    {P_DELETE, NO_EXTRAS, "a", NULL, 999999999, .status = S_EXISTS},
    {P_DELETE, NO_EXTRAS, "a", .silent = false},
    {P_DELETEQ, NO_EXTRAS, "a", .status = S_NOT_FOUND},
    {P_VERSION, NO_EXTRAS, "", .back_value = CMD_VERSION},
    {P_VERBOSITY, 4, "\0\0\0\0", "", .silent = false},
    {0x70, NO_EXTRAS, "body", "and more of it", .status = S_UNKNOWN},
    {P_STAT, NO_EXTRAS, "nothing", .status = S_NOT_FOUND},
    {P_STAT, NO_EXTRAS, "sizes", .back_key = "sizes_status", .back_value = "disabled"},
    {P_FLUSH, NO_EXTRAS, "", .silent = false},
    {P_FLUSHQ, 4, "\0\0\0\0", "", .silent = true},
    {P_GETQ, NO_EXTRAS, "b", .silent = true},
    {P_NOOP, NO_EXTRAS, "", .silent = false},
};

static size_t
length(const char *s)
{
    return s == NULL ? 0 : strlen(s);
}

static void
say_packet(struct script *s, const struct exchange *e, uint32_t opaque, size_t value_bytes)
{
    char header[PACKET_HEADER_BYTES];
    struct client_packet p = {
        .magic = PACKET_REQUEST,
        .opcode = e->opcode,
        .key_len = (uint16_t)length(e->key),
        .extras_len = e->extras_len,
        .body_len = (uint32_t)(e->extras_len + length(e->key) + value_bytes),
        .opaque = opaque,
        .cas = e->cas,
    };

    packet_write(header, &p);
    say_bytes(s, header, sizeof(header));
    say_bytes(s, e->extras, e->extras_len);
    say_bytes(s, e->key, length(e->key));
}

/* All but the value, of which VALUE_BYTES follow. */
static void
want_packet(struct script *s, const struct exchange *e, uint32_t opaque, size_t value_bytes)
{
    char header[PACKET_HEADER_BYTES];
    struct client_packet p = {
        .magic = PACKET_REPLY,
        .opcode = e->opcode,
        .key_len = (uint16_t)length(e->back_key),
        .extras_len = e->back_extras_len,
        .status = e->status,
        .body_len = (uint32_t)(e->back_extras_len + length(e->back_key) + value_bytes),
        .opaque = opaque,
    };

    packet_write(header, &p);
    want_bytes(s, header, 16);
    if (e->back_cas)
        want_any(s, 8); /* the next CAS depends on the other connection */
    else
        want_bytes(s, header + 16, 8);
    want_bytes(s, e->back_extras, e->back_extras_len);
    want_bytes(s, e->back_key, length(e->back_key));
}

static void
exchange(struct script *s, const struct exchange *e, uint32_t opaque)
{
    const char *back = e->back_value;
    size_t back_len = e->back_len != 0 ? e->back_len : length(back);

    say_packet(s, e, opaque, length(e->value));
    say_bytes(s, e->value, length(e->value));
    if (e->silent)
        return;
    if (e->status != S_SUCCESS && e->back_key == NULL) {
        back = packet_message(e->status);
        back_len = strlen(back);
    }
    want_packet(s, e, opaque, back_len);
    want_bytes(s, back, back_len);
    if (e->opcode == P_STAT && e->status == S_SUCCESS)
        want_packet(s, &(struct exchange){.opcode = P_STAT}, opaque, 0);
}

void
build_binary(struct script *s)
{
    script_init(s, "binary");
    for (uint32_t i = 0; i < ARRAY_LEN(exchanges); i++)
        exchange(s, &exchanges[i], 0x01020300 + i);
}

/* Values that are copied, and values that are sent from where they lie; batches of quiet gets. */
void
build_binary_values(struct script *s)
{
    static const size_t sizes[] = {0, 1, 1023, 1024, 1025, 3000, 20000};
    static const char *const keys[] = {"v0", "v1", "v2", "v3", "v4", "v5", "v6"};
    const struct exchange noop = {.opcode = P_NOOP};

    script_init(s, "binary-values");
    for (unsigned i = 0; i < ARRAY_LEN(sizes); i++) {
        const struct exchange set = {P_SETQ, FLAGS_7, keys[i], .silent = true};

        say_packet(s, &set, i, sizes[i]);
        say_value(s, i, sizes[i]);
    }
    for (int round = 0; round < 2; round++) {
        for (unsigned i = 0; i < ARRAY_LEN(sizes); i++) {
            const struct exchange get = {P_GETKQ,   NO_EXTRAS, keys[i], NULL, 0, false,
                                         S_SUCCESS, SHORT_7,   keys[i], NULL, 0, true};
            const struct exchange miss = {P_GETKQ, NO_EXTRAS, "none", .silent = true};

            exchange(s, &miss, i);
            say_packet(s, &get, 100 + i, 0);
            want_packet(s, &get, 100 + i, sizes[i]);
            want_part(s, i, sizes[i]);
        }
        exchange(s, &noop, 200);
    }
}
