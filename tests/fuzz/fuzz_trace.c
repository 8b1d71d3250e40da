/*
 * tests/fuzz/fuzz_trace.c - the traces that the load generator reads, in all formats.
 *
 * The input's first byte is the format, the rest the file. Whatever it is, each access lies within its
 * limits, a trace that ends badly says why, and a replay of it goes forward in time.
 */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "data/replay.h"
#include "data/trace.h"
#include "fuzz.h"

enum { ACCESSES_MAX = 1000 };

static void
read_accesses(const char *path, enum trace_format format)
{
    enum trace_result result = TRACE_ACCESS;
    char words[TRACE_WORDS_BYTES];
    struct trace trace;
    struct access a;
    uint32_t keys = 0;

    REQUIRE(trace_open(&trace, path, format));
    for (int i = 0; i < ACCESSES_MAX && result == TRACE_ACCESS; i++) {
        result = trace_next(&trace, &a);
        if (result != TRACE_ACCESS)
            break;
        REQUIRE(a.key <= keys);
        REQUIRE(a.kind <= QUERY_NOOP);
        keys += a.key == keys;
    }
    if (result != TRACE_ACCESS && result != TRACE_END) {
        trace_describe(&trace, result, words);
        REQUIRE(words[0] != '\0' && strlen(words) < sizeof(words));
    }
    trace_close(&trace);
}

static void
read_replay(const char *path, enum trace_format format)
{
    struct replay_config config = {.path = path,
                                   .format = format,
                                   .speed = 2,
                                   .requests_max = ACCESSES_MAX,
                                   .timeless = true,
                                   .ttl_max_s = 1000};
    struct replay replay;

    if (replay_load(&replay, &config) != NULL)
        return;
    REQUIRE(replay.count > 0 && replay.count <= ACCESSES_MAX);
    for (uint64_t i = 0; i < replay.count; i++) {
        REQUIRE(replay.steps[i].key < replay.keys);
        REQUIRE(replay.steps[i].ttl_s <= config.ttl_max_s);
        REQUIRE(i == 0 || replay.steps[i].due_ns >= replay.steps[i - 1].due_ns);
    }
    REQUIRE(replay.span_ns >= replay.steps[replay.count - 1].due_ns);
    replay_free(&replay);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[64];
    enum trace_format format;
    int fd;

    if (size == 0)
        return 0;
    format = (enum trace_format)(data[0] % (TRACE_META + 1));
    fd = memfd_create("trace", MFD_CLOEXEC);
    if (fd < 0)
        return 0;
    if (write(fd, data + 1, size - 1) == (ssize_t)(size - 1)) {
        (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        read_accesses(path, format);
        read_replay(path, format);
    }
    (void)close(fd);
    return 0;
}
