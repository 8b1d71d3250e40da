/* Takes files and TCP away by Landlock: what it can, in the version of it that the kernel has. */
#include <fcntl.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sandbox.h"
#include "sandbox_abi.h"

static struct landlock_ruleset
all_of(int version, const struct sandbox *sandbox)
{
    struct landlock_ruleset all = {.files = LANDLOCK_FILES_1};

    if (version >= 2)
        all.files |= LANDLOCK_REFER;
    if (version >= 3)
        all.files |= LANDLOCK_TRUNCATE;
    if (version >= 4)
        all.net = LANDLOCK_NET;
    if (version >= 5)
        all.files |= LANDLOCK_IOCTL_DEV;
    if (version >= 6)
        all.scoped =
            LANDLOCK_SCOPE_SIGNAL | (sandbox->notify_is_abstract ? 0 : LANDLOCK_SCOPE_ABSTRACT);
    return all;
}

/* How much of the struct a kernel of this version knows. */
static size_t
size_of(int version)
{
    if (version < 4)
        return offsetof(struct landlock_ruleset, net);
    return version < 6 ? offsetof(struct landlock_ruleset, scoped)
                       : sizeof(struct landlock_ruleset);
}

static void
allow_beneath(int ruleset, int dir, uint64_t rights)
{
    struct landlock_beneath rule = {.allowed = rights, .parent_fd = dir};

    /* Where that fails, less is allowed: what the server tries then, fails and is logged. */
    (void)syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_BENEATH, &rule, 0);
}

/* The directory of PATH, whose files come and go. */
static void
allow_around(int ruleset, const char *path, uint64_t rights)
{
    const char *slash = strrchr(path, '/');
    char directory[PATH_MAX];
    int dir;

    (void)snprintf(directory, sizeof(directory), "%.*s/", (int)(slash - path), path);
    dir = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0)
        return;
    allow_beneath(ruleset, dir, rights);
    (void)close(dir);
}

/* ... and that of the file which PATH links to. */
static void
allow_name(int ruleset, const char *path, uint64_t rights)
{
    char real[PATH_MAX];

    allow_around(ruleset, path, rights);
    if (realpath(path, real) != NULL && strcmp(real, path) != 0)
        allow_around(ruleset, real, rights);
}

static void
allow_file(int ruleset, const struct sandbox_file *file)
{
    switch (file->use) {
    case SANDBOX_READ: allow_name(ruleset, file->name, LANDLOCK_READ_FILE); return;
    case SANDBOX_APPEND:
        allow_name(ruleset, file->name, LANDLOCK_WRITE_FILE | LANDLOCK_MAKE_REG);
        return;
    case SANDBOX_REMOVE: allow_beneath(ruleset, file->dir, LANDLOCK_REMOVE_FILE); return;
    }
}

/* Where the kernel puts core files; "" where it gives them to a program, or that is not known. */
static void
core_directory(char *directory, size_t bytes)
{
    FILE *file = fopen("/proc/sys/kernel/core_pattern", "re");
    char pattern[256] = "|";
    const char *slash;

    if (file != NULL && fgets(pattern, sizeof(pattern), file) == NULL)
        pattern[0] = '|';
    if (file != NULL)
        (void)fclose(file);
    slash = strrchr(pattern, '/');
    directory[0] = '\0';
    if (pattern[0] == '/')
        (void)snprintf(directory, bytes, "%.*s/", (int)(slash - pattern), pattern);
    else if (pattern[0] != '|')
        (void)snprintf(directory, bytes, "./%.*s", slash == NULL ? 0 : (int)(slash - pattern),
                       pattern);
}

/* The filter lets the process itself open nothing there. */
static void
allow_core_dumps(int ruleset, int version)
{
    char directory[PATH_MAX];
    int dir;

    core_directory(directory, sizeof(directory));
    dir = directory[0] == '\0' ? -1 : open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0)
        return;
    allow_beneath(ruleset, dir,
                  LANDLOCK_READ_FILE | LANDLOCK_WRITE_FILE | LANDLOCK_MAKE_REG |
                      (version >= 3 ? LANDLOCK_TRUNCATE : 0));
    (void)close(dir);
}

int
landlock_enter(const struct sandbox *sandbox)
{
    int version =
        (int)syscall(SYS_landlock_create_ruleset, NULL, 0, (unsigned long)LANDLOCK_VERSION);
    struct landlock_ruleset all;
    int ruleset;
    bool entered;

    if (version <= 0)
        return 0;
    all = all_of(version, sandbox);
    ruleset = (int)syscall(SYS_landlock_create_ruleset, &all, size_of(version), 0UL);
    if (ruleset < 0)
        return 0;
    for (int i = 0; i < sandbox->file_count; i++)
        allow_file(ruleset, sandbox->files + i);
    if (sandbox->core_dumps)
        allow_core_dumps(ruleset, version);
#ifdef SANDBOX_SANITIZED
    allow_around(ruleset, "/", LANDLOCK_READ_FILE | LANDLOCK_READ_DIR);
#endif
    entered = syscall(SYS_landlock_restrict_self, ruleset, 0UL) == 0;
    (void)close(ruleset);
    return entered ? version : 0;
}
