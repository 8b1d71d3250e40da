/*
 * tests/unit/store/rig.h - a store with numbered keys and values that can be told apart.
 */
#pragma once

#include <check.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lombard/base/attr.h"
#include "lombard/store/store.h"

/* ck_assert() writes a message for each check that holds: too slow in loops. */
#define REQUIRE(cond)                                                                          \
    do {                                                                                       \
        if (UNLIKELY(!(cond)))                                                                 \
            ck_abort_msg("%s", #cond);                                                         \
    } while (0)

#if defined(__SANITIZE_ADDRESS__)
enum { RIG_SANITIZED = 1 };
#else
enum { RIG_SANITIZED = 0 };
#endif
enum { MB = 1024 * 1024, RIG_LIMIT_MAX = 256 * MB, RIG_KEY_BYTES = 32, START_S = 100 };

struct rig {
    struct store *store;
    uint32_t now_s;
};

struct rig_config {
    const struct store_file *file; /* NULL: in none */
    size_t limit_bytes;
    bool no_evict;
    bool no_cas;
    enum store_favor favor;
};

/* Test cases of each file; main.c runs them. */
TCase *evict_tcase(void);
TCase *index_tcase(void);
TCase *invariants_tcase(void);
TCase *large_tcase(void);
TCase *lent_tcase(void);
TCase *limit_tcase(void);
TCase *pin_tcase(void);
TCase *policy_tcase(void);
TCase *put_tcase(void);
TCase *record_tcase(void);
TCase *arena_tcase(void);
TCase *root_tcase(void);
TCase *store_tcase(void);
TCase *tail_tcase(void);
TCase *ttl_tcase(void);

struct rig rig_open(struct rig_config config);
/* What rig_open() creates a store with. */
struct store_config rig_store_config(struct rig_config config);
/* Check that no pin is left and that the layout sums, and destroy. */
void rig_close(struct rig *rig);
void rig_set_time(struct rig *rig, uint32_t now_s);
/* Do background work until none is left. */
void rig_settle(struct rig *rig);

/* Byte OFF of item NUMBER's value. */
char rig_value_byte(uint64_t number, uint64_t off);
struct slice rig_key(uint64_t number, char *buf);
enum reserve_result rig_reserve(struct rig *rig, uint64_t number, uint64_t bytes,
                                uint32_t expires_s, void **handle);
/* Fill a reservation from OFF up to END; false when there is no memory for it. */
bool rig_fill(struct rig *rig, void *handle, uint64_t number, uint64_t off, uint64_t end);
/* Store an item that expires; false when it was refused. */
bool rig_set_expiring(struct rig *rig, uint64_t number, uint64_t bytes, uint32_t expires_s);
bool rig_set(struct rig *rig, uint64_t number, uint64_t bytes);
bool rig_get(struct rig *rig, uint64_t number, struct item *item);
bool rig_peek(struct rig *rig, uint64_t number, struct item *item);
/* Whether it is there, with BYTES of the value it was given. */
bool rig_has(struct rig *rig, uint64_t number, uint64_t bytes);
void rig_check_value(struct rig *rig, const void *handle, uint64_t number, uint64_t bytes);
bool rig_delete(struct rig *rig, uint64_t number);
/* store_next() until there is an item; false at the end. */
bool rig_next(struct rig *rig, uint64_t *cursor, struct item *item);
