#include "rig.h"

#include "store_priv.h"

/* Fields are as narrow as they may be, exact whatever happens, and widened where they must. */

enum { DAY_S = 86400, VALUE_BYTES = 20 };

static const struct seg segment = {.base_s = 1000, .base_cas = UINT64_C(1) << 33};

/* HEAD written, in BYTES bytes, and read. */
static void
expect_header(struct rec_head head, bool cas, bool full, uint32_t bytes)
{
    struct rec_widths widths = {cas, full};
    char rec[REC_HEADER_MAX + 1];
    struct seg seg = segment;
    const struct arena arena = {
        .base = rec, .seg_shift = 16, .seg_bytes = 1 << 16, .segs = &seg};
    struct rec_head read;
    unsigned form;

    memset(rec, 0xff, sizeof(rec));
    form = rec_form_for(rec, &arena, &head, &widths);
    rec_write_head(rec, &arena, &head, form);
    ck_assert_uint_eq(rec_header_bytes(rec), bytes);
    ck_assert_int_eq(rec[bytes], (char)0xff);
    read = rec_read_head(rec, &arena);
    ck_assert_uint_eq(read.key_len, head.key_len);
    ck_assert_uint_eq(read.body_len, head.body_len);
    ck_assert_uint_eq(read.info, head.info);
    ck_assert_uint_eq(read.accessed_s, head.accessed_s);
    ck_assert_uint_eq(read.cas, cas ? head.cas : 0);
    ck_assert_uint_eq(read.client_flags, head.client_flags);
    ck_assert_uint_eq(read.expires_s, head.expires_s);
}

START_TEST(each_field_has_the_width_it_needs)
{
    const uint32_t s = segment.base_s;
    const uint64_t c = segment.base_cas;
    const struct {
        struct rec_head head;
        uint32_t bytes;
        uint32_t no_cas_bytes; /* in a store without CAS */
        uint32_t full_bytes;   /* where each field has its full width */
    } rows[] = {
        /* key, body, info, accessed, cas, flags, expires, cas bytes */
        {{5, 0, 0, s, c, 0, STORE_NEVER, 0}, 6, 6, 16},
        {{5, 255, 7, s + 1, c + 1, 0, STORE_NEVER, 0}, 6, 6, 16},
        {{5, 256, 7, s + 1, c + 1, 0, STORE_NEVER, 0}, 6, 6, 17},
        {{5, 1023, 255, s + 65535, c + 2, 0, STORE_NEVER, 0}, 6, 6, 17},
        {{5, 1024, 7, s, c + 2, 0, STORE_NEVER, 0}, 8, 7, 17},
        {{5, 1, 0, s, c + 3, 0, STORE_NEVER, 0}, 7, 6, 16},
        {{5, 1, 0, s, c - 1, 0, STORE_NEVER, 0}, 7, 6, 16},
        {{5, 1023, 0, s, c - 1, 0, STORE_NEVER, 0}, 8, 6, 17},
        {{5, 65535, 255, s + 65535, c + 65535, 0, STORE_NEVER, 0}, 11, 7, 17},
        {{250, 1, 255, s + 65536, c, 0, STORE_NEVER, 0}, 10, 8, 16},
        {{5, 1, 0, s - 1, c, 0, STORE_NEVER, 0}, 10, 8, 16},
        {{5, 1, 0, 0, c, 0, STORE_NEVER, 0}, 10, 8, 16},
        {{5, 1, 0, UINT32_MAX, c, 0, STORE_NEVER, 0}, 10, 8, 16},
        {{5, 1, 0, s - 1, c + 70000, 0, STORE_NEVER, 0}, 12, 8, 16},
        {{5, 1, 0, s, c - REC_CAS_1_BELOW, 0, STORE_NEVER, 0}, 7, 6, 16},
        {{5, 1, 0, s, c - REC_CAS_1_BELOW - 1, 0, STORE_NEVER, 0}, 8, 6, 16},
        {{5, 1, 0, s, c - REC_CAS_1_BELOW + 255, 0, STORE_NEVER, 0}, 7, 6, 16},
        {{5, 1, 0, s, c - REC_CAS_1_BELOW + 256, 0, STORE_NEVER, 0}, 8, 6, 16},
        {{5, 1, 0, s, c - REC_CAS_2_BELOW, 0, STORE_NEVER, 0}, 8, 6, 16},
        {{5, 1, 0, s, c - REC_CAS_2_BELOW - 1, 0, STORE_NEVER, 0}, 10, 6, 16},
        {{5, 1, 0, s, c - REC_CAS_2_BELOW + 65535, 0, STORE_NEVER, 0}, 8, 6, 16},
        {{5, 1, 0, s, c - REC_CAS_2_BELOW + 65536, 0, STORE_NEVER, 0}, 10, 6, 16},
        {{5, 1, 0, s, c - REC_CAS_4_BELOW, 0, STORE_NEVER, 0}, 10, 6, 16},
        {{5, 1, 0, s, c + REC_CAS_4_BELOW - 1, 0, STORE_NEVER, 0}, 10, 6, 16},
        {{5, 1, 0, s, c - REC_CAS_4_BELOW - 1, 0, STORE_NEVER, 0}, 16, 6, 16},
        {{5, 1, 0, s, c + REC_CAS_4_BELOW, 0, STORE_NEVER, 0}, 16, 6, 16},
        {{5, 1, 0, s, 0, 0, STORE_NEVER, 0}, 16, 6, 16},
        {{5, 1, 0, s, UINT64_MAX, 0, STORE_NEVER, 0}, 16, 6, 16},
        {{5, 1, 0, s, c, 0, STORE_NEVER, 2}, 8, 6, 16},
        {{5, 256, 0, s, c, 0, STORE_NEVER, 2}, 9, 6, 17},
        {{5, 1, 0, s, c, 0, STORE_NEVER, 4}, 10, 6, 16},
        {{5, 1, 0, s, c, 1, STORE_NEVER, 0}, 7, 7, 17},
        {{5, 1, 0, s, c, 255, STORE_NEVER, 0}, 7, 7, 17},
        {{5, 1, 0, s, c, 256, STORE_NEVER, 0}, 9, 8, 18},
        {{5, 1, 0, s, c, 65536, STORE_NEVER, 0}, 11, 10, 20},
        {{5, 1, 0, s, c, UINT32_MAX, STORE_NEVER, 0}, 11, 10, 20},
        {{5, 1, 0, s, c, 0, s, 0}, 9, 8, 20},
        {{5, 1, 0, s, c, 0, s + 65534, 0}, 9, 8, 20},
        {{5, 1, 0, s, c, 0, s + 65535, 0}, 9, 9, 20},
        {{5, 1, 0, s, c, 0, s + 0xfffffe, 0}, 9, 9, 20},
        {{5, 1, 0, s, c, 0, s + 0xffffff, 0}, 11, 10, 20},
        {{5, 1, 0, s, c, 0, s - 1, 0}, 11, 10, 20},
        {{5, 1, 0, s, c, 0, UINT32_MAX, 0}, 11, 10, 20},
        {{5, 256, 0, s, c, 0, s + 5, 0}, 9, 9, 21},
        {{5, 1000, 0, s, c, 3, s + DAY_S, 0}, 10, 10, 22},
        {{5, 1, 0, s, c, 3, s + 5, 0}, 10, 9, 21},
        {{5, 1, 0, s - 1, c, 0, s + 5, 0}, 14, 12, 20},
        {{250, 40000, 255, 0, 1, UINT32_MAX, 1, 0}, REC_HEADER_MAX, 17, 25},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct rec_head head = rows[i].head;

        expect_header(head, true, false, rows[i].bytes);
        expect_header(head, false, false, rows[i].no_cas_bytes);
        expect_header(head, true, true, rows[i].full_bytes);
    }
}
END_TEST

/* All lengths that the form says a part of, with all that it says besides. */
START_TEST(a_compact_header_says_it_all)
{
    const uint32_t expiries[] = {STORE_NEVER, segment.base_s + 5, segment.base_s + DAY_S};

    for (uint32_t body = 0; body <= COMPACT_LEN_MAX; body++) {
        for (uint32_t i = 0; i < 3 * 2 * ARRAY_LEN(expiries); i++) {
            uint32_t flags = i / 3 % 2 * 255, expires_s = expiries[i / 6];
            struct rec_head head = {.key_len = 250,
                                    .body_len = body,
                                    .accessed_s = segment.base_s,
                                    .cas = segment.base_cas + i % 3,
                                    .client_flags = flags,
                                    .expires_s = expires_s};
            uint32_t bytes = (flags != 0 ? 1U : 0U) + (expires_s != STORE_NEVER ? 3U : 0U);

            expect_header(head, true, false, REC_FIXED_BYTES + bytes);
        }
    }
}
END_TEST

/* It takes another CAS where its form can say that, and nothing else of it changes. */
START_TEST(a_cas_in_the_form_changes_in_place)
{
    struct rec_head head = {.key_len = 5,
                            .body_len = 777,
                            .info = 7,
                            .accessed_s = segment.base_s + 1,
                            .cas = segment.base_cas,
                            .client_flags = 3,
                            .expires_s = segment.base_s + DAY_S};
    struct rec_widths widths = {.cas = _i == 0};
    char rec[REC_HEADER_MAX + 1], before[REC_HEADER_MAX + 1];
    struct seg seg = segment;
    const struct arena arena = {
        .base = rec, .seg_shift = 16, .seg_bytes = 1 << 16, .segs = &seg};

    memset(rec, 0, sizeof(rec));
    rec_write_head(rec, &arena, &head, rec_form_for(rec, &arena, &head, &widths));
    for (uint64_t i = 0; i < 10; i++) {
        uint64_t cas = segment.base_cas - 2 + i * 3 % 10;
        bool fits = !widths.cas || cas - segment.base_cas < 3;

        memcpy(before, rec, sizeof(rec));
        ck_assert_int_eq(rec_can_hold_cas(rec, &arena, cas), fits);
        ck_assert_int_eq(rec_set_cas(rec, &arena, cas), fits);
        if (fits && widths.cas)
            before[REC_FORM_OFF] = rec[REC_FORM_OFF];
        ck_assert_mem_eq(before, rec, sizeof(rec));
        if (fits)
            ck_assert_uint_eq(rec_cas(rec, &arena), widths.cas ? cas : 0);
        ck_assert_uint_eq(rec_body_len(rec), 777);
        ck_assert_uint_eq(rec_client_flags(rec), 3);
        ck_assert_uint_eq(rec_expires(rec, &seg), segment.base_s + DAY_S);
    }
}
END_TEST

/* An item that is read after so long a time that its stamp is too narrow. */
START_TEST(a_late_access_is_exact)
{
    struct rig rig = rig_open((struct rig_config){.limit_bytes = MB});
    struct item item;

    REQUIRE(rig_set(&rig, 1, VALUE_BYTES));
    REQUIRE(rig_set(&rig, 2, VALUE_BYTES));
    for (uint32_t s = START_S; s < 100 * DAY_S; s = s * 2 + 12345) {
        rig_set_time(&rig, s);
        for (uint32_t late = 0; late < 2; late++) {
            rig_set_time(&rig, s + late);
            REQUIRE(rig_get(&rig, 1, &item));
            ck_assert(rig_has(&rig, 1, VALUE_BYTES));
            REQUIRE(rig_peek(&rig, 1, &item));
            ck_assert_uint_eq(item.accessed_s, s + late);
            ck_assert_uint_eq(item.cas, 1);
            REQUIRE(rig_peek(&rig, 2, &item));
            ck_assert_uint_eq(item.accessed_s, START_S);
        }
    }
    rig_close(&rig);
}
END_TEST

/* What is bumped may move: what is known of it besides does not change. */
START_TEST(a_late_bump_tells_where_the_item_is)
{
    struct rig rig = rig_open((struct rig_config){.limit_bytes = MB});
    struct item before, item;

    REQUIRE(rig_set_expiring(&rig, 1, VALUE_BYTES, START_S + 9 * DAY_S));
    REQUIRE(rig_peek(&rig, 1, &before));
    rig_set_time(&rig, START_S + DAY_S);
    item = before;
    store_bump(rig.store, &item);
    ck_assert_ptr_ne(item.handle, before.handle);
    ck_assert_uint_eq(item.accessed_s, START_S);
    ck_assert_uint_eq(item.marks, before.marks);
    rig_check_value(&rig, item.handle, 1, VALUE_BYTES);
    ck_assert_ptr_eq(item.value.ptr, store_value_at(rig.store, item.handle, 0).ptr);
    REQUIRE(rig_peek(&rig, 1, &before));
    ck_assert_ptr_eq(item.handle, before.handle);
    ck_assert_uint_eq(before.accessed_s, START_S + DAY_S);
    ck_assert_uint_eq(before.expires_s, START_S + 9 * DAY_S);
    ck_assert_uint_eq(before.marks, ITEM_FETCHED);
    /* It does not move again. */
    rig_set_time(&rig, START_S + 2 * DAY_S);
    store_bump(rig.store, &before);
    ck_assert_ptr_eq(item.handle, before.handle);
    rig_close(&rig);
}
END_TEST

START_TEST(a_cas_is_exact_however_often_it_changes)
{
    struct rig rig = rig_open((struct rig_config){.limit_bytes = MB, .no_evict = _i == 1});
    struct item item;

    REQUIRE(rig_set(&rig, 1, VALUE_BYTES));
    REQUIRE(rig_set(&rig, 2, VALUE_BYTES));
    for (uint64_t cas = 3; cas < 200000; cas++) {
        REQUIRE(rig_peek(&rig, 1, &item));
        REQUIRE(store_set_cas(rig.store, &item, STORE_NEVER, 0));
        REQUIRE(item.cas == cas);
    }
    REQUIRE(rig_peek(&rig, 1, &item));
    ck_assert_uint_eq(item.cas, 199999);
    for (uint64_t cas = UINT64_MAX; cas > 0; cas /= 3) {
        REQUIRE(store_set_cas(rig.store, &item, START_S + 10, cas));
        REQUIRE(rig_peek(&rig, 1, &item));
        ck_assert_uint_eq(item.cas, cas);
        ck_assert_uint_eq(item.expires_s, START_S + 10);
    }
    REQUIRE(rig_peek(&rig, 2, &item));
    ck_assert_uint_eq(item.cas, 2);
    REQUIRE(rig_set(&rig, 3, VALUE_BYTES));
    REQUIRE(rig_peek(&rig, 3, &item));
    ck_assert_uint_eq(item.cas, 200000);
    ck_assert(rig_has(&rig, 1, VALUE_BYTES));
    rig_close(&rig);
}
END_TEST

/* Store an item in one step; returns its CAS. */
static uint64_t
put_bytes(struct rig *rig, uint64_t number, uint64_t bytes)
{
    char key[RIG_KEY_BYTES], value[1024] = {0};
    struct item_spec spec = {.key = rig_key(number, key), .value_bytes = bytes};
    uint64_t cas;

    spec.hash = store_hash(rig->store, spec.key);
    REQUIRE(store_put(rig->store, &spec, slice_make(value, bytes), 0, &cas) == RESERVE_OK);
    return cas;
}

static uint64_t
put(struct rig *rig, uint64_t number)
{
    return put_bytes(rig, number, VALUE_BYTES);
}

/* The header of each of COUNT new items, from NUMBER on, on the average. */
static double
header_of(struct rig *rig, uint64_t number, uint64_t count)
{
    struct store_layout before, after;
    struct item item;
    uint64_t last = 0;

    store_layout(rig->store, &before);
    for (uint64_t i = 0; i < count; i++)
        last = put(rig, number + i);
    store_layout(rig->store, &after);
    for (uint64_t i = 0; i < count; i++) {
        REQUIRE(rig_peek(rig, number + i, &item));
        REQUIRE(item.cas == last - count + 1 + i);
    }
    return (double)(after.header_bytes - before.header_bytes) / (double)count;
}

/* Where a record lies says about which CAS it has, once a segment was filled so. */
START_TEST(what_is_stored_evenly_has_a_cas_of_no_byte)
{
    struct rig rig = rig_open((struct rig_config){.limit_bytes = 16 * MB});
    struct item item;
    const void *handle;
    uint64_t cas = UINT64_C(1) << 40;

    (void)header_of(&rig, 1000, 20000);
    ck_assert_double_lt(header_of(&rig, 30000, 10000), 6.01);
    /* What changes in place gets a wider one, and stays where it is then. */
    REQUIRE(rig_peek(&rig, 1000, &item));
    REQUIRE(store_set_cas(rig.store, &item, STORE_NEVER, 0));
    handle = item.handle;
    for (int i = 0; i < 1000; i++) {
        (void)put(&rig, 50000);
        REQUIRE(store_set_cas(rig.store, &item, STORE_NEVER, 0));
        ck_assert_ptr_eq(item.handle, handle);
    }
    /* So do the next ones that are stored, which change in place without being written anew. */
    ck_assert_double_eq(header_of(&rig, 60000, 10), 8);
    REQUIRE(rig_peek(&rig, 60000, &item));
    handle = item.handle;
    for (int i = 0; i < 1000; i++)
        (void)put(&rig, 50000);
    REQUIRE(store_set_cas(rig.store, &item, STORE_NEVER, 0));
    ck_assert_ptr_eq(item.handle, handle);
    (void)header_of(&rig, 70000, 69000);
    ck_assert_double_lt(header_of(&rig, 140000, 10000), 6.01);
    /* A number that a client gives is another one. */
    REQUIRE(rig_peek(&rig, 140001, &item));
    REQUIRE(store_set_cas(rig.store, &item, STORE_NEVER, cas));
    REQUIRE(rig_peek(&rig, 140001, &item));
    ck_assert_uint_eq(item.cas, cas);
    rig_close(&rig);
}
END_TEST

/* A record needs no more room than it takes: this many of these are a segment, to its last byte. */
START_TEST(records_fill_a_segment)
{
    struct rig rig = rig_open((struct rig_config){.limit_bytes = MB});
    uint64_t bytes = 256 - REC_FIXED_BYTES - 16;
    struct store_layout l;

    for (uint64_t i = 0; i < 3 * MB / 256; i++)
        (void)put_bytes(&rig, i, bytes);
    store_layout(rig.store, &l);
    ck_assert_uint_eq(l.dead_bytes, 0);
    ck_assert_uint_eq(l.header_bytes, l.items * REC_FIXED_BYTES);
    ck_assert_uint_gt(store_stats(rig.store)->evictions, 0);
    rig_close(&rig);
}
END_TEST

/* Others changed or the time went on between the reservation and the commit. */
START_TEST(a_reservation_may_take_long)
{
    struct rig rig = rig_open((struct rig_config){.limit_bytes = MB});
    uint64_t changes = _i == 0 ? 70000 : 0;
    uint32_t expires_s = START_S + 5 * DAY_S;
    struct item item;
    uint64_t cas;
    void *handle;

    REQUIRE(rig_set(&rig, 2, VALUE_BYTES));
    REQUIRE(rig_reserve(&rig, 1, VALUE_BYTES, expires_s, &handle) == RESERVE_OK);
    REQUIRE(rig_fill(&rig, handle, 1, 0, VALUE_BYTES));
    for (uint64_t i = 0; i < changes; i++) {
        REQUIRE(rig_peek(&rig, 2, &item));
        REQUIRE(store_set_cas(rig.store, &item, STORE_NEVER, 0));
    }
    rig_set_time(&rig, START_S + (uint32_t)_i * DAY_S);
    REQUIRE(store_commit(rig.store, handle, COMMIT_ANY, &cas) == COMMIT_STORED);
    ck_assert_uint_eq(cas, changes + 2);
    REQUIRE(rig_peek(&rig, 1, &item));
    ck_assert_uint_eq(item.cas, cas);
    ck_assert_uint_eq(item.accessed_s, START_S + (uint32_t)_i * DAY_S);
    ck_assert_uint_eq(item.expires_s, expires_s);
    ck_assert(rig_has(&rig, 1, VALUE_BYTES));
    rig_close(&rig);
}
END_TEST

START_TEST(an_expiry_is_exact_at_any_distance)
{
    struct rig rig = rig_open((struct rig_config){.limit_bytes = MB, .no_evict = _i == 1});
    uint32_t expiries[] = {START_S + 1,
                           STORE_NEVER,
                           START_S + 49100,
                           START_S + 49200,
                           START_S + 200 * DAY_S,
                           START_S + 20,
                           START_S + 190 * DAY_S,
                           START_S + 4000 * DAY_S,
                           STORE_NEVER};
    struct item item;

    REQUIRE(rig_set(&rig, 1, VALUE_BYTES));
    for (size_t i = 0; i < ARRAY_LEN(expiries); i++) {
        REQUIRE(rig_peek(&rig, 1, &item));
        REQUIRE(store_touch(rig.store, &item, expiries[i]));
        ck_assert_uint_eq(item.expires_s, expiries[i]);
        REQUIRE(rig_peek(&rig, 1, &item));
        ck_assert_uint_eq(item.expires_s, expiries[i]);
        ck_assert_uint_eq(item.cas, 1);
        REQUIRE(rig_set_expiring(&rig, 2 + i, VALUE_BYTES, expiries[i]));
        REQUIRE(rig_peek(&rig, 2 + i, &item));
        ck_assert_uint_eq(item.expires_s, expiries[i]);
    }
    rig_close(&rig);
}
END_TEST

/* Survivors are written anew in segments that count from other times and numbers. */
START_TEST(survivors_keep_what_they_say)
{
    struct rig rig = rig_open((struct rig_config){.limit_bytes = MB});
    uint32_t expires_s = START_S + 30 * DAY_S;
    struct item item;

    REQUIRE(rig_set_expiring(&rig, 1, VALUE_BYTES, expires_s));
    REQUIRE(rig_get(&rig, 1, &item));
    REQUIRE(rig_get(&rig, 1, &item));
    for (uint32_t day = 1; day < 20; day++) {
        rig_set_time(&rig, START_S + day * DAY_S);
        for (uint64_t i = 0; i < 20000; i++)
            REQUIRE(rig_set(&rig, 1000 + i, 100));
        REQUIRE(rig_peek(&rig, 1, &item));
        ck_assert_uint_eq(item.accessed_s, START_S + (day - 1) * DAY_S);
        ck_assert_uint_eq(item.expires_s, expires_s);
        ck_assert_uint_eq(item.cas, 1);
        ck_assert(rig_has(&rig, 1, VALUE_BYTES));
        for (int i = 0; i < 3; i++)
            REQUIRE(rig_get(&rig, 1, &item));
    }
    ck_assert_uint_gt(store_stats(rig.store)->evictions, 0);
    rig_close(&rig);
}
END_TEST

TCase *
record_tcase(void)
{
    TCase *tcase = tcase_create("record");

    tcase_add_test(tcase, each_field_has_the_width_it_needs);
    tcase_add_test(tcase, a_compact_header_says_it_all);
    tcase_add_loop_test(tcase, a_cas_in_the_form_changes_in_place, 0, 2);
    tcase_add_test(tcase, a_late_access_is_exact);
    tcase_add_test(tcase, a_late_bump_tells_where_the_item_is);
    tcase_add_loop_test(tcase, a_cas_is_exact_however_often_it_changes, 0, 2);
    tcase_add_test(tcase, what_is_stored_evenly_has_a_cas_of_no_byte);
    tcase_add_test(tcase, records_fill_a_segment);
    tcase_add_loop_test(tcase, a_reservation_may_take_long, 0, 2);
    tcase_add_loop_test(tcase, an_expiry_is_exact_at_any_distance, 0, 2);
    tcase_add_test(tcase, survivors_keep_what_they_say);
    return tcase;
}
