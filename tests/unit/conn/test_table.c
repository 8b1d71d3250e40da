#include "conn_state.h"
#include "table.h"
#include "leak.h"

enum { MANY = 5000 }; /* so that the array of chunks grows twice */

static struct conn_table table;
static struct conn *conns[MANY];

static void
setup(void)
{
    table_init(&table);
    for (int i = 0; i < MANY; i++)
        conns[i] = NULL;
}

static void
teardown(void)
{
    for (int i = 0; i < MANY; i++)
        if (conns[i] != NULL)
            table_give(&table, conns[i]);
    ck_assert_uint_eq(table.slots, 0); /* all chunks went back */
    table_fini(&table);
}

static void
take_all(void)
{
    for (int i = 0; i < MANY; i++) {
        conns[i] = table_take(&table);
        ck_assert_ptr_nonnull(conns[i]);
        conns[i]->bytes_in = (uint64_t)i;
    }
}

static uint64_t
count_all(void)
{
    uint64_t cursor = 0;
    uint64_t count = 0;

    while (table_next(&table, &cursor) != NULL)
        count++;
    return count;
}

START_TEST(slots_do_not_move)
{
    take_all();
    for (int i = 0; i < MANY; i++)
        ck_assert_uint_eq(conns[i]->bytes_in, (uint64_t)i);
    ck_assert_uint_eq(table.conns, MANY);
    ck_assert_uint_eq(count_all(), MANY);
}
END_TEST

START_TEST(a_freed_slot_is_taken_again_and_zeroed)
{
    take_all();
    for (int i = 0; i < MANY; i += 3) {
        table_give(&table, conns[i]);
        conns[i] = NULL;
    }
    ck_assert_uint_eq(count_all(), table.conns);
    for (int i = 0; i < MANY; i += 3) {
        conns[i] = table_take(&table);
        ck_assert_uint_eq(conns[i]->bytes_in, 0);
    }
    ck_assert_uint_eq(count_all(), MANY);
}
END_TEST

/* With chunks that went back, at the begin and amid the others. */
START_TEST(a_rank_is_how_many_are_before)
{
    uint64_t rank = 0;

    take_all();
    for (int i = 0; i < MANY; i++) {
        if (i < 300 || (i >= 2000 && i < 2500) || i % 3 == 0) {
            table_give(&table, conns[i]);
            conns[i] = NULL;
        }
    }
    table_count_before(&table);
    for (uint64_t position = 0; position <= table_span(&table); position++) {
        uint64_t cursor = position;

        ck_assert_uint_eq(table_rank(&table, position), rank);
        if (table_search(&table, &cursor, position + 1) != NULL)
            rank++;
    }
    ck_assert_uint_eq(rank, table.conns);
    ck_assert_uint_eq(table_rank(&table, UINT64_MAX), table.conns);
}
END_TEST

START_TEST(empty_chunks_go_back)
{
    uint32_t slots;

    take_all();
    slots = table.slots;
    for (int i = 0; i < MANY / 2; i++) {
        table_give(&table, conns[i]);
        conns[i] = NULL;
    }
    ck_assert_uint_lt(table.slots, slots);
    ck_assert_uint_eq(count_all(), MANY / 2);
}
END_TEST

/* Connections come and go while `stats conns` walks. */
START_TEST(walking_survives_change)
{
    uint64_t cursor = 0;
    struct conn *c;
    int seen = 0;

    take_all();
    while ((c = table_next(&table, &cursor)) != NULL) {
        int i = (int)c->bytes_in;

        seen++;
        table_give(&table, c);
        conns[i] = NULL;
    }
    ck_assert_int_eq(seen, MANY);
    ck_assert_uint_eq(table.conns, 0);
    ck_assert_uint_eq(table.slots, 0);
}
END_TEST

/* From UNTIL on nothing is looked at, and the cursor says where to go on. */
START_TEST(a_search_is_bounded)
{
    enum { STEP = 100 };
    uint64_t cursor = 0;
    int steps = 0;

    take_all();
    for (int i = 0; i < MANY - 1; i++) {
        table_give(&table, conns[i]);
        conns[i] = NULL;
    }
    ck_assert_ptr_null(table_search(&table, &cursor, 0));
    ck_assert_uint_eq(cursor, 0);
    while (table_search(&table, &cursor, cursor + STEP) == NULL) {
        ck_assert_uint_lt(cursor, table_span(&table));
        steps++;
    }
    ck_assert_int_gt(steps, 1);
    ck_assert_ptr_null(table_search(&table, &cursor, UINT64_MAX));
    ck_assert_uint_eq(cursor, table_span(&table));
}
END_TEST

int
main(void)
{
    TCase *tc = leak_tcase("table");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, slots_do_not_move);
    tcase_add_test(tc, a_freed_slot_is_taken_again_and_zeroed);
    tcase_add_test(tc, a_rank_is_how_many_are_before);
    tcase_add_test(tc, empty_chunks_go_back);
    tcase_add_test(tc, walking_survives_change);
    tcase_add_test(tc, a_search_is_bounded);
    return leak_run(tc, "conn/table");
}
