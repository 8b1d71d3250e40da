#include <string.h>

#include "leak.h"
#include "tcp_address.h"

static const struct {
    const char *text;
    bool good;
    const char *host;
    uint16_t port;
} cases[] = {
    {"host", true, "host", 11211},
    {"host:80", true, "host", 80},
    {"127.0.0.1:0", true, "127.0.0.1", 0},
    {"::1", true, "::1", 11211},
    {"[::1]", true, "::1", 11211},
    {"[::1]:65535", true, "::1", 65535},
    {"", false, NULL, 0},
    {":80", false, NULL, 0},
    {"host:", false, NULL, 0},
    {"host:x", false, NULL, 0},
    {"host:65536", false, NULL, 0},
    {"host:-1", false, NULL, 0},
    {"[::1", false, NULL, 0},
    {"[]:80", false, NULL, 0},
    {"[::1]80", false, NULL, 0},
};

START_TEST(reads_each_form)
{
    struct tcp_address address;

    ck_assert_int_eq(tcp_address_parse(cases[_i].text, 11211, &address), cases[_i].good);
    if (cases[_i].good) {
        ck_assert_str_eq(address.host, cases[_i].host);
        ck_assert_uint_eq(address.port, cases[_i].port);
    }
}
END_TEST

START_TEST(a_port_that_is_no_default_is_any)
{
    struct tcp_address address;

    ck_assert(tcp_address_parse("host", -1, &address));
    ck_assert_uint_eq(address.port, 0);
}
END_TEST

START_TEST(a_host_that_is_too_long_is_refused)
{
    struct tcp_address address;
    char text[300];

    memset(text, 'h', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    ck_assert(!tcp_address_parse(text, 11211, &address));
    text[255] = '\0';
    ck_assert(tcp_address_parse(text, 11211, &address));
}
END_TEST

int
main(void)
{
    TCase *tc = leak_tcase("tcp_address");

    tcase_add_loop_test(tc, reads_each_form, 0, (int)ARRAY_LEN(cases));
    tcase_add_test(tc, a_port_that_is_no_default_is_any);
    tcase_add_test(tc, a_host_that_is_too_long_is_refused);
    return leak_run(tc, "app/tcp_address");
}
