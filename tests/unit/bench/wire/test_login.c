/* What a connection says first, and how the reply is understood, wherever it is cut. */
#include "wire/login.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "leak.h"
#include "lombard/base/attr.h"

static struct login login;

/* Load it from a file with TEXT. */
static const char *
load(const char *text, bool binary)
{
    char path[] = "/tmp/test_login_XXXXXX";
    int fd = mkstemp(path);
    const char *why;

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    why = login_load(&login, path, binary);
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(close(fd), 0);
    return why;
}

START_TEST(what_is_said)
{
    static const unsigned char sasl[] =
        "\x80\x21\0\5\0\0\0\0\0\0\0\x0f\0\0\0\0\0\0\0\0\0\0\0\0PLAIN\0ann\0se:cr";

    ck_assert_ptr_null(load("ann:se:cr\nbob:x\n", false));
    ck_assert_uint_eq(login.bytes, strlen("set login 0 0 9\r\nann se:cr\r\n"));
    ck_assert_mem_eq(login.text, "set login 0 0 9\r\nann se:cr\r\n", login.bytes);
    ck_assert_ptr_null(load("ann:se:cr", true));
    ck_assert_uint_eq(login.bytes, sizeof(sasl) - 1);
    ck_assert_mem_eq(login.text, sasl, login.bytes);
}
END_TEST

START_TEST(what_is_no_user)
{
    static const char *const bad[] = {"", "\n", "ann\n", ":x\n", "ann:\n"};

    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        ck_assert_ptr_nonnull(load(bad[i], false));
    ck_assert_ptr_nonnull(login_load(&login, "/nowhere/file", false));
    ck_assert_uint_eq(login.bytes, 0);
}
END_TEST

static void
check_reply(const char *reply, size_t bytes, enum login_answer want)
{
    size_t used = 0;

    for (size_t n = 0; n < bytes; n++)
        ck_assert_int_eq(login_read(&login, (const unsigned char *)reply, n, &used),
                         LOGIN_PARTIAL);
    ck_assert_int_eq(login_read(&login, (const unsigned char *)reply, bytes, &used), want);
    ck_assert_uint_eq(used, bytes);
}

START_TEST(what_is_answered)
{
    static const char yes[] = "\x81\x21\0\0\0\0\0\0\0\0\0\x2\0\0\0\0\0\0\0\0\0\0\0\0ok";
    static const char no[] = "\x81\x21\0\0\0\0\0\x20\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";

    login.binary = false;
    check_reply("STORED\r\n", 8, LOGIN_ACCEPTED);
    check_reply("CLIENT_ERROR authentication failure\r\n", 37, LOGIN_REFUSED);
    login.binary = true;
    check_reply(yes, 26, LOGIN_ACCEPTED);
    check_reply(no, 24, LOGIN_REFUSED);
}
END_TEST

int
main(void)
{
    TCase *tc = leak_tcase("login");

    tcase_add_test(tc, what_is_said);
    tcase_add_test(tc, what_is_no_user);
    tcase_add_test(tc, what_is_answered);
    return leak_run(tc, "login");
}
