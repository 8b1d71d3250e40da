/*
 * tests/fuzz/replay.c - feed files to a fuzz target, without a fuzzer.
 *
 *     fuzz_NAME FILE_OR_DIRECTORY...
 *
 * What a fuzzer once found, or found worth keeping, is fed again with every test run.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "fuzz.h"

static unsigned replayed;

static int
replay_file(const char *path)
{
    static uint8_t bytes[1 << 20];
    FILE *file = fopen(path, "rbe");
    size_t len;
    uint8_t *exact;

    if (file == NULL) {
        perror(path);
        return 1;
    }
    len = fread(bytes, 1, sizeof(bytes), file);
    (void)fclose(file);
    exact = malloc(len > 0 ? len : 1); /* so that an overread is seen */
    for (size_t i = 0; i < len; i++)
        exact[i] = bytes[i];
    (void)LLVMFuzzerTestOneInput(exact, len);
    free(exact);
    replayed++;
    return 0;
}

static int
replay(const char *path)
{
    DIR *dir = opendir(path);
    const struct dirent *entry;
    char name[4096];
    int failed = 0;

    if (dir == NULL)
        return replay_file(path);
    while ((entry = readdir(dir)) != NULL) {
        if (entry->d_name[0] == '.')
            continue;
        (void)snprintf(name, sizeof(name), "%s/%s", path, entry->d_name);
        failed += replay_file(name);
    }
    (void)closedir(dir);
    return failed;
}

int
main(int argc, char **argv)
{
    int failed = 0;

    for (int i = 1; i < argc; i++)
        failed += replay(argv[i]);
    (void)printf("%u passed, %d failed\n", replayed, failed);
    return failed == 0 && replayed > 0 ? 0 : 1;
}
