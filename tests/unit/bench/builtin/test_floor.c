/* The floor answers what lombard-bench asks for, in every protocol, and refuses what it cannot. */
#include "builtin/floor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/value.h"
#include "leak.h"
#include "lombard/base/attr.h"
#include "run/driver.h"

static const struct {
    const char *name;
    const char *options;
} loads[] = {
    {"gets", "-r 1:0"},
    {"pipelined", "-r 1:0 --pipeline 16"},
    {"streamed", "-r 1:0 --pipeline 16 --stream"},
    {"multiget", "-r 1:0 --multiget 100"},
    {"meta", "-r 1:0 --protocol meta"},
    {"meta multiget", "-r 1:0 --protocol meta --multiget 100"},
    {"binary", "-r 1:0 --protocol binary"},
    {"binary multiget", "-r 1:0 --protocol binary --multiget 100"},
    {"large", "-r 1:0 --value-size 1m --pipeline 3"},
    {"sizes of a kind", "-r 1:0 --key-size 10-90 --value-size 1-9k"},
    {"sets", "-r 0:1 --pipeline 16"},
    {"large sets", "-r 0:1 --value-size 1m --pipeline 3"},
    {"meta sets", "-r 0:1 --protocol meta"},
    {"binary sets", "-r 0:1 --protocol binary --pipeline 16"},
};

static void
parse(const char *options, struct options *o)
{
    char program[] = "lombard-bench";
    static char words[200]; /* the options point into it */
    char *argv[16] = {program};
    int argc = 1;

    (void)snprintf(words, sizeof(words), "%s", options);
    for (char *word = strtok(words, " "); word != NULL; word = strtok(NULL, " "))
        argv[argc++] = word;
    ck_assert_int_eq(options_parse(argc, argv, o), OPTIONS_OK);
    o->quiet = true;
    o->connections = 4;
}

START_TEST(answers_what_is_asked)
{
    struct driver *s = calloc(1, sizeof(*s));
    uint64_t requests = 400;
    struct options o;
    struct floor f;

    ck_assert_ptr_nonnull(s);
    parse(loads[_i].options, &o);
    ck_assert_ptr_null(floor_refuses(&o));
    floor_adapt(&o);
    ck_assert(floor_start(&f, &o, 0));
    ck_assert_int_eq(driver_open(s, &o, &f.addr), DRIVER_OK);
    ck_assert_int_eq(driver_run(s, 0, requests), DRIVER_OK);
    ck_assert_msg(!tally_is_wrong(&s->load.tally), "%s", loads[_i].name);
    ck_assert_uint_eq(s->load.tally.requests, requests);
    ck_assert_uint_eq(s->load.tally.misses + s->load.tally.errors, 0);
    ck_assert_uint_eq(s->load.tally.lost_connections, 0);
    driver_disconnect(s);
    ck_assert_int_eq(driver_connect(s), DRIVER_OK);
    ck_assert_int_eq(driver_run(s, 0, requests), DRIVER_OK);
    ck_assert_uint_eq(s->load.tally.requests, requests);
    driver_close(s);
    floor_stop(&f);
    free(s);
}
END_TEST

static const char *const refused[] = {
    "",
    "-r 1:1",
    "--mix get=1,delete=1",
    "--mix noop=1",
    "-r 0:1 --noreply --pipeline 2",
    "hitratio",
};

START_TEST(says_what_it_cannot_do)
{
    struct options o;

    parse(refused[_i], &o);
    ck_assert_ptr_nonnull(floor_refuses(&o));
}
END_TEST

int
main(void)
{
    TCase *tc = leak_tcase("floor");

    value_init();
    tcase_add_loop_test(tc, answers_what_is_asked, 0, (int)ARRAY_LEN(loads));
    tcase_add_loop_test(tc, says_what_it_cannot_do, 0, (int)ARRAY_LEN(refused));
    return leak_run(tc, "floor");
}
