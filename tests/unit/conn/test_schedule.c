/* Which connections are served before which: those that bring little before those that bring much. */
#include <string.h>

#include "rig.h"

enum { MANY = LIGHT_REQUESTS + 1, PIPELINERS = 4 };

static void
start(void)
{
    rig_start();
    for (int i = 0; i <= PIPELINERS; i++)
        dial(i);
    iterate(3);
}

/* TEXT so often. */
static const char *
repeated(const char *text, int count)
{
    static char bytes[4096];
    size_t len = strlen(text);

    ck_assert_uint_lt(len * (size_t)count, sizeof(bytes));
    for (int i = 0; i < count; i++)
        memcpy(bytes + (size_t)i * len, text, len + 1);
    return bytes;
}

/* What it brought, how often, and what is expected of it the next time. */
static const struct brought {
    const char *text;
    int count;
    bool pipelines;
} brought[] = {
    {"mn\r\n", LIGHT_REQUESTS, false},
    {"mn\r\n", MANY, true},
    {"m", 1, true}, /* no request: nothing new is known */
    {"n\r\n", 1, false},
    {"get long\r\n", 1, true},
    {"get nokey\r\n", 1, false},
    {"mn\r\n", FIRST_REQUESTS + 1, false}, /* it went on with those that have more to do */
    {"get long\r\n", 1, true},
    {"mn\r\n", FIRST_REQUESTS, true},
};

START_TEST(what_one_brought_last)
{
    store_value(0, "long", LIGHT_BYTES);
    for (size_t i = 0; i < ARRAY_LEN(brought); i++) {
        const struct brought *b = &brought[i];

        whisper(0, repeated(b->text, b->count));
        iterate(3);
        (void)hear(0);
        ck_assert_msg(conn_at(0)->pipelines == b->pipelines, "after %d * %s", b->count,
                      b->text);
    }
}
END_TEST

/* It has come last, and all of them have had an event by then. */
START_TEST(those_that_bring_little_are_served_first)
{
    for (int i = 0; i < PIPELINERS; i++)
        say(i, repeated("mn\r\n", MANY));
    iterate(2);
    for (int i = 0; i < PIPELINERS; i++)
        (void)hear(i);
    for (int i = 0; i < PIPELINERS; i++)
        whisper(i, repeated("get k\r\n", MANY));
    whisper(PIPELINERS, "set k 0 0 1\r\nv\r\n");
    iterate(3);
    for (int i = 0; i < PIPELINERS; i++)
        expect(i, repeated("VALUE k 0 1\r\nv\r\nEND\r\n", MANY));
    expect(PIPELINERS, "STORED\r\n");
}
END_TEST

int
main(void)
{
    TCase *tc = leak_tcase("schedule");

    tcase_add_checked_fixture(tc, start, rig_stop);
    tcase_add_test(tc, what_one_brought_last);
    tcase_add_test(tc, those_that_bring_little_are_served_first);
    return leak_run(tc, "conn/schedule");
}
