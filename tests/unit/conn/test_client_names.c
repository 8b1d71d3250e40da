#include "client_names.h"

#include <stdio.h>
#include <string.h>

#include "leak.h"

static enum name_result
set(struct client_names *names, uint32_t id, const char *text)
{
    return client_names_set(names, id, slice_make(text, strlen(text)));
}

START_TEST(names_come_and_go)
{
    struct client_names names;
    char text[32];

    client_names_init(&names, 1000);
    ck_assert_str_eq(client_names_get(&names, 1), "-");
    client_names_drop(&names, 1);
    for (uint32_t id = 1; id <= 1000; id++) {
        (void)snprintf(text, sizeof(text), "n%u", id);
        ck_assert_int_eq(set(&names, id, text), NAME_SET);
    }
    ck_assert_int_eq(set(&names, 1001, "x"), NAME_TOO_MANY);
    ck_assert_str_eq(client_names_get(&names, 1001), "-");
    for (uint32_t id = 1; id <= 1000; id++) {
        (void)snprintf(text, sizeof(text), "n%u", id);
        ck_assert_str_eq(client_names_get(&names, id), text);
    }
    ck_assert_int_eq(set(&names, 7, "other"), NAME_SET);
    ck_assert_str_eq(client_names_get(&names, 7), "other");
    ck_assert_str_eq(client_names_get(&names, 7 + 256), "n263"); /* of the same bucket */
    names.max = 500; /* as after a takeover with a lower limit */
    ck_assert_int_eq(set(&names, 7, "another"), NAME_SET);
    ck_assert_str_eq(client_names_get(&names, 7), "another");
    ck_assert_int_eq(set(&names, 1001, "x"), NAME_TOO_MANY);
    ck_assert_int_eq(set(&names, 7, "a b"), NAME_BAD);
    ck_assert_str_eq(client_names_get(&names, 7), "another");
    for (uint32_t id = 1000; id >= 1; id--)
        client_names_drop(&names, id);
    ck_assert_uint_eq(names.count, 0);
    client_names_fini(&names);
}
END_TEST

START_TEST(what_is_no_name)
{
    struct client_names names;
    char text[CLIENT_NAME_BYTES_MAX + 2];

    client_names_init(&names, 10);
    memset(text, 'a', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    ck_assert_int_eq(set(&names, 1, text), NAME_BAD);
    ck_assert_int_eq(set(&names, 1, text + 1), NAME_SET);
    ck_assert_int_eq(set(&names, 1, ""), NAME_BAD);
    ck_assert_int_eq(set(&names, 1, "-"), NAME_BAD);
    ck_assert_int_eq(set(&names, 1, "a b"), NAME_BAD);
    ck_assert_int_eq(set(&names, 1, "\x7f"), NAME_BAD);
    ck_assert_str_eq(client_names_get(&names, 1), text + 1);
    client_names_drop(&names, 1);
    client_names_fini(&names);
}
END_TEST

int
main(void)
{
    TCase *tc = leak_tcase("client_names");

    tcase_add_test(tc, names_come_and_go);
    tcase_add_test(tc, what_is_no_name);
    return leak_run(tc, "conn/client_names");
}
