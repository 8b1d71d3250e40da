#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "leak.h"
#include "lombard/base/attr.h"
#include "own_file.h"

static char directory[64];
static char path[128];
static char other_path[128];
static struct own_file file;

static void
setup(void)
{
    (void)snprintf(directory, sizeof(directory), "/tmp/lombard-own-file-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(directory));
    (void)snprintf(path, sizeof(path), "%s/file", directory);
    (void)snprintf(other_path, sizeof(other_path), "%s/other", directory);
    own_file_init(&file);
}

static void
teardown(void)
{
    (void)unlink(path);
    (void)unlink(other_path);
    ck_assert_int_eq(rmdir(directory), 0); /* so no temporary file was left either */
}

static const char *
content(const char *name)
{
    static char text[256];
    int fd = open(name, O_RDONLY);
    ssize_t len;

    if (fd < 0)
        return NULL;
    len = read(fd, text, sizeof(text) - 1);
    (void)close(fd);
    ck_assert_int_ge(len, 0);
    text[len] = '\0';
    return text;
}

static void
put(const char *name, const char *text)
{
    int fd = open(name, O_WRONLY | O_CREAT | O_EXCL, 0600);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq((int)write(fd, text, strlen(text)), (int)strlen(text));
    (void)close(fd);
}

static void
make_socket(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    (void)snprintf(address.sun_path, sizeof(address.sun_path), "%.100s", path);
    ck_assert_int_eq(bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
    (void)close(fd); /* as at the beginning of a drain */
}

START_TEST(what_was_made_is_removed)
{
    struct stat st;

    ck_assert(own_file_write(&file, path, "12\n"));
    ck_assert_str_eq(content(path), "12\n");
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_uint_eq(st.st_mode & 0133, 0); /* others may read it, and no more */
    ck_assert(own_file_remove(&file));
    ck_assert_ptr_null(content(path));
    ck_assert(own_file_remove(&file)); /* there is nothing to do any more */
}
END_TEST

START_TEST(a_file_that_is_there_is_replaced)
{
    put(path, "an older one");
    ck_assert(own_file_write(&file, path, "12\n"));
    ck_assert_str_eq(content(path), "12\n");
    ck_assert(own_file_remove(&file));
}
END_TEST

START_TEST(the_file_of_a_successor_stays)
{
    struct own_file successor;

    own_file_init(&successor);
    ck_assert(own_file_write(&file, path, "1\n"));
    ck_assert(own_file_write(&successor, path, "2\n"));
    ck_assert(own_file_remove(&file));
    ck_assert_str_eq(content(path), "2\n");
    ck_assert(own_file_remove(&successor));
    ck_assert_ptr_null(content(path));
}
END_TEST

/* A file system may give a number again immediately: what we hold keeps its own. */
START_TEST(the_socket_of_a_successor_stays)
{
    struct own_file successor;

    own_file_init(&successor);
    make_socket();
    ck_assert(own_file_hold(&file, path));
    ck_assert_int_eq(unlink(path), 0);
    make_socket();
    ck_assert(own_file_hold(&successor, path));
    ck_assert(own_file_remove(&file));
    ck_assert_int_eq(access(path, F_OK), 0);
    ck_assert(own_file_remove(&successor));
    ck_assert_int_ne(access(path, F_OK), 0);
}
END_TEST

START_TEST(nothing_is_written_through_a_link)
{
    char temporary[192];

    put(other_path, "precious");
    (void)snprintf(temporary, sizeof(temporary), "%s.%ld.tmp", path, (long)getpid());
    ck_assert_int_eq(symlink(other_path, temporary), 0);
    ck_assert_int_eq(symlink(other_path, path), 0);
    ck_assert(own_file_write(&file, path, "12\n"));
    ck_assert_str_eq(content(other_path), "precious");
    ck_assert_str_eq(content(path), "12\n");
    ck_assert(own_file_remove(&file));
    ck_assert_str_eq(content(other_path), "precious");
}
END_TEST

START_TEST(what_is_no_file_is_not_replaced)
{
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    ck_assert(!own_file_write(&file, path, "12\n"));
    ck_assert_int_eq(errno, EEXIST);
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(symlink("/dev/null", path), 0);
    ck_assert(!own_file_write(&file, path, "12\n"));
    ck_assert_int_eq(file.fd, -1);
    ck_assert(!own_file_hold(&file, path)); /* and a link is no socket */
    ck_assert_int_eq(file.fd, -1);
}
END_TEST

START_TEST(names_stay_when_the_working_directory_changes)
{
    ck_assert_int_eq(chdir(directory), 0);
    ck_assert(own_file_write(&file, "file", "12\n"));
    ck_assert_int_eq(chdir("/"), 0);
    ck_assert_str_eq(content(path), "12\n");
    ck_assert(own_file_remove(&file));
    ck_assert_ptr_null(content(path));
}
END_TEST

/* Where it must stay, no number is left that another process will have. */
START_TEST(what_cannot_be_removed_is_emptied)
{
    ck_assert(own_file_write(&file, path, "12\n"));
    own_file_fini(&file);
    ck_assert_str_eq(content(path), "");
}
END_TEST

START_TEST(the_file_of_a_successor_is_not_emptied)
{
    ck_assert(own_file_write(&file, path, "12\n"));
    ck_assert_int_eq(rename(path, other_path), 0);
    own_file_fini(&file);
    ck_assert_str_eq(content(other_path), "12\n");
}
END_TEST

static const char *const impossible[] = {"/no/such/directory/file", "", "/tmp"};

START_TEST(impossible_names_are_refused)
{
    ck_assert(!own_file_write(&file, impossible[_i], "12\n"));
    ck_assert(!own_file_hold(&file, impossible[_i]));
    ck_assert_int_eq(file.fd, -1);
}
END_TEST

START_TEST(too_long_a_name_is_refused)
{
    static char name[2 * PATH_MAX];

    memset(name, 'x', sizeof(name) - 1);
    ck_assert(!own_file_write(&file, name, "12\n"));
    ck_assert_int_eq(errno, ENAMETOOLONG);
    name[0] = '/';
    ck_assert(!own_file_write(&file, name, "12\n"));
    name[PATH_MAX - 1] = '\0'; /* fits, but not with what the temporary name adds */
    ck_assert(!own_file_write(&file, name, "12\n"));
    ck_assert_int_eq(errno, ENAMETOOLONG);
    ck_assert_int_eq(file.fd, -1);
}
END_TEST

/* Two locks of a directory exclude each other, for a while: nothing waits for ever. */
START_TEST(a_lock_excludes_but_does_not_hang)
{
    int first = own_file_lock(path);
    int probe = open(directory, O_RDONLY | O_DIRECTORY);

    ck_assert_int_ge(first, 0);
    ck_assert_int_ne(flock(probe, LOCK_EX | LOCK_NB), 0);
    ck_assert_int_eq(own_file_lock(path), -1);
    own_file_unlock(first);
    first = own_file_lock(path);
    ck_assert_int_ge(first, 0);
    own_file_unlock(first);
    (void)close(probe);
}
END_TEST

int
main(void)
{
    TCase *tc = leak_tcase("own_file");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, what_was_made_is_removed);
    tcase_add_test(tc, a_file_that_is_there_is_replaced);
    tcase_add_test(tc, the_file_of_a_successor_stays);
    tcase_add_test(tc, the_socket_of_a_successor_stays);
    tcase_add_test(tc, nothing_is_written_through_a_link);
    tcase_add_test(tc, what_is_no_file_is_not_replaced);
    tcase_add_test(tc, names_stay_when_the_working_directory_changes);
    tcase_add_test(tc, what_cannot_be_removed_is_emptied);
    tcase_add_test(tc, the_file_of_a_successor_is_not_emptied);
    tcase_add_loop_test(tc, impossible_names_are_refused, 0, ARRAY_LEN(impossible));
    tcase_add_test(tc, too_long_a_name_is_refused);
    tcase_add_test(tc, a_lock_excludes_but_does_not_hang);
    return leak_run(tc, "app/own_file");
}
