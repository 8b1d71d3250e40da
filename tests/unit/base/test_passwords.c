#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "leak.h"
#include "lombard/base/attr.h"
#include "lombard/base/passwords.h"

#define TEXT(literal)                                                                          \
    {                                                                                          \
        literal, sizeof(literal) - 1                                                           \
    }

/* --- Files --- */

/* clang-format off */
#define X50  "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define X250 X50 X50 X50 X50 X50
#define EIGHT "a:1\nb:2\nc:3\nd:4\ne:5\nf:6\ng:7\nh:8\n"

static const struct {
    const char *name;
    struct slice text;
    enum passwords_result result;
    unsigned line;     /* of what is malformed */
    const char *user;  /* one that is in it */
    const char *password;
} files[] = {
    {"one", TEXT("foo:bar\n"), PASSWORDS_OK, 0, "foo", "bar"},
    {"no newline at the end", TEXT("foo:bar"), PASSWORDS_OK, 0, "foo", "bar"},
    {"the last of two, without a newline", TEXT("a:b\nfoo:bar"), PASSWORDS_OK, 0, "foo", "bar"},
    {"carriage returns", TEXT("a:b\r\nfoo:bar\r\n"), PASSWORDS_OK, 0, "foo", "bar"},
    {"a carriage return at the end", TEXT("foo:bar\r"), PASSWORDS_OK, 0, "foo", "bar"},
    {"a carriage return within", TEXT("foo:b\rar\n"), PASSWORDS_OK, 0, "foo", "b\rar"},
    {"empty lines", TEXT("\n\r\na:b\n\n\nfoo:bar\n\n"), PASSWORDS_OK, 0, "foo", "bar"},
    {"colons in the password", TEXT("foo:b:a:r\n"), PASSWORDS_OK, 0, "foo", "b:a:r"},
    {"blanks count", TEXT(" foo : bar \n"), PASSWORDS_OK, 0, " foo ", " bar "},
    {"a comment is a user", TEXT("#foo:bar\n"), PASSWORDS_OK, 0, "#foo", "bar"},
    {"eight", TEXT(EIGHT), PASSWORDS_OK, 0, "h", "8"},
    {"the same user twice", TEXT("foo:a\nfoo:bar\n"), PASSWORDS_OK, 0, "foo", "bar"},
    {"the longest line", TEXT(X250 ":bar\n"), PASSWORDS_OK, 0, X250, "bar"},
    {"bytes above 127", TEXT("f\xf6\xf6:b\xe4r\n"), PASSWORDS_OK, 0, "f\xf6\xf6", "b\xe4r"},
    {"nine", TEXT(EIGHT "i:9\n"), PASSWORDS_TOO_MANY, 9, NULL, NULL},
    {"too long a line", TEXT("a:b\n" X250 ":bar!\n"), PASSWORDS_LONG_LINE, 2, NULL, NULL},
    {"too long, without an end", TEXT(X250 X250), PASSWORDS_LONG_LINE, 1, NULL, NULL},
    {"nothing", TEXT(""), PASSWORDS_NONE, 0, NULL, NULL},
    {"only empty lines", TEXT("\n\r\n\n"), PASSWORDS_NONE, 0, NULL, NULL},
    {"no colon", TEXT("a:b\n\nfoobar\n"), PASSWORDS_MALFORMED, 3, NULL, NULL},
    {"only blanks", TEXT("a:b\n \n"), PASSWORDS_MALFORMED, 2, NULL, NULL},
    {"no user", TEXT(":bar\n"), PASSWORDS_MALFORMED, 1, NULL, NULL},
    {"no password", TEXT("foo:\n"), PASSWORDS_MALFORMED, 1, NULL, NULL},
    {"no password but a carriage return", TEXT("foo:\r\n"), PASSWORDS_MALFORMED, 1, NULL, NULL},
    {"a NUL", TEXT("fo\0o:bar\n"), PASSWORDS_MALFORMED, 1, NULL, NULL},
};
/* clang-format on */

static struct slice
text_of(const char *s)
{
    return slice_make(s, strlen(s));
}

static bool
match(const struct passwords *p, const char *user, const char *password)
{
    return passwords_match(p, text_of(user), text_of(password));
}

/* In memory of exactly its size. */
static enum passwords_result
parse(struct passwords *passwords, struct slice text, unsigned *line)
{
    char *copy = malloc(text.len + (text.len == 0));
    enum passwords_result result;

    ck_assert_ptr_nonnull(copy);
    if (text.len > 0)
        memcpy(copy, text.ptr, text.len);
    result = passwords_parse(passwords, slice_make(copy, text.len), line);
    free(copy);
    return result;
}

START_TEST(files_are_read_like_this)
{
    struct passwords passwords = {.entries = {{.user_len = 0}}};
    unsigned line = 0;

    ck_assert_int_eq(parse(&passwords, files[_i].text, &line), files[_i].result);
    if (files[_i].result != PASSWORDS_OK) {
        ck_assert_uint_eq(line, files[_i].line);
        return;
    }
    ck_assert(match(&passwords, files[_i].user, files[_i].password));
    ck_assert(!match(&passwords, files[_i].user, "wrong"));
    ck_assert(!match(&passwords, "", ""));
}
END_TEST

START_TEST(a_bad_file_changes_nothing)
{
    struct passwords passwords = {.entries = {{.user_len = 0}}};
    unsigned line = 0;

    ck_assert_int_eq(parse(&passwords, text_of("foo:bar\n"), &line), PASSWORDS_OK);
    ck_assert_int_ne(parse(&passwords, text_of("new:word\nfoobar\n"), &line), PASSWORDS_OK);
    ck_assert(match(&passwords, "foo", "bar"));
    ck_assert(!match(&passwords, "new", "word"));
    ck_assert_int_eq(parse(&passwords, text_of("new:word\n"), &line), PASSWORDS_OK);
    ck_assert(!match(&passwords, "foo", "bar"));
    ck_assert(match(&passwords, "new", "word"));
}
END_TEST

/* --- Comparing --- */

START_TEST(only_the_whole_of_an_entry_matches)
{
    struct passwords passwords = {.entries = {{.user_len = 0}}};
    unsigned line = 0;
    static const char *const others[][2] = {
        {"foo", "ba"},   {"foo", "barr"},    {"foo", ""},      {"foo", "Bar"}, {"fo", "bar"},
        {"fooo", "bar"}, {"", "bar"},        {"", ""},         {"bar", "foo"}, {"foo", "word"},
        {"new", "bar"},  {"foo:bar", ""},    {"foo", "bar\n"}, {"foo", "xar"}, {"foo", "bax"},
        {"xoo", "bar"},  {"foo", "bar\x01"},
    };

    ck_assert_int_eq(parse(&passwords, text_of("foo:bar\nnew:word\n"), &line), PASSWORDS_OK);
    ck_assert(match(&passwords, "foo", "bar"));
    ck_assert(match(&passwords, "new", "word"));
    for (size_t i = 0; i < ARRAY_LEN(others); i++)
        ck_assert_msg(!match(&passwords, others[i][0], others[i][1]), "%s %s", others[i][0],
                      others[i][1]);
    /* Zeroes that an entry ends in do not count as bytes of it. */
    ck_assert(!passwords_match(&passwords, slice_make("foo", 3), slice_make("bar\0", 4)));
    ck_assert(!passwords_match(&passwords, slice_make("foo\0", 4), slice_make("bar", 3)));
}
END_TEST

START_TEST(no_entry_matches_nothing)
{
    struct passwords passwords = {.entries = {{.user_len = 0}}};

    ck_assert(!match(&passwords, "", ""));
    ck_assert(!passwords_match(&passwords, slice_make(NULL, 0), slice_make(NULL, 0)));
}
END_TEST

/* Whatever is longer than an entry can be is none, also where its beginning is one. */
START_TEST(too_long_is_compared_as_well)
{
    struct passwords passwords = {.entries = {{.user_len = 0}}};
    char longest[2 * PASSWORDS_LINE_BYTES + 1];
    char text[PASSWORDS_LINE_BYTES + 2];
    unsigned line = 0;

    memset(longest, 'x', sizeof(longest));
    longest[sizeof(longest) - 1] = '\0';
    (void)snprintf(text, sizeof(text), "a:%.252s\n", longest);
    ck_assert_int_eq(parse(&passwords, text_of(text), &line), PASSWORDS_OK);
    for (size_t len = 0; len < sizeof(longest); len++)
        ck_assert_int_eq(
            passwords_match(&passwords, slice_make("a", 1), slice_make(longest, len)),
            len == 252);
    for (size_t len = 0; len < sizeof(longest); len++)
        ck_assert(!passwords_match(&passwords, slice_make(longest, len), slice_make("x", 1)));
}
END_TEST

START_TEST(a_wiped_one_is_empty)
{
    struct passwords passwords = {.entries = {{.user_len = 0}}};
    unsigned line = 0;

    ck_assert_int_eq(parse(&passwords, text_of("foo:bar\n"), &line), PASSWORDS_OK);
    passwords_wipe(&passwords);
    for (size_t i = 0; i < sizeof(passwords); i++)
        ck_assert_uint_eq(((const unsigned char *)&passwords)[i], 0);
}
END_TEST

int
main(void)
{
    TCase *tc = leak_tcase("passwords");

    tcase_add_loop_test(tc, files_are_read_like_this, 0, ARRAY_LEN(files));
    tcase_add_test(tc, a_bad_file_changes_nothing);
    tcase_add_test(tc, only_the_whole_of_an_entry_matches);
    tcase_add_test(tc, no_entry_matches_nothing);
    tcase_add_test(tc, too_long_is_compared_as_well);
    tcase_add_test(tc, a_wiped_one_is_empty);
    return leak_run(tc, "base/passwords");
}
