/*
 * tests/fuzz/fuzz_store.c - the store's public interface, driven by bytes.
 *
 * Two bytes are a command and its key. What a lookup returns is read to the last
 * byte, so that a sanitizer sees whatever lies outside. Values are of the key's
 * number: no read ever returns the bytes of another item.
 */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz.h"
#include "lombard/store/store.h"

enum { PINS = 4, UPLOADS = 4, KEY_BYTES = 16 };

struct upload {
    void *handle;
    uint64_t bytes;
    uint64_t filled;
    uint8_t key;
};

struct pin {
    void *handle;
    uint64_t bytes;
};

struct fuzz {
    struct store *store;
    struct store_config config;
    struct store_file file; /* with an fd of -1: none */
    uint32_t now_s;
    struct pin pins[PINS];
    struct upload uploads[UPLOADS];
    struct place places[UINT8_MAX + 1]; /* where each key was seen, sometime */
};

static struct slice
key_of(uint8_t number, char *buf)
{
    return slice_make(buf, (size_t)snprintf(buf, KEY_BYTES, "key%u", number));
}

/* All bytes of a value are the number of its key: another byte is that of another item. */
static void
read_value(struct fuzz *f, const void *handle, uint64_t bytes, uint8_t key)
{
    for (uint64_t off = 0; off < bytes;) {
        struct slice part = store_value_at(f->store, handle, off);

        REQUIRE(part.len > 0 && part.len <= bytes - off);
        for (size_t i = 0; i < part.len; i++)
            REQUIRE((uint8_t)part.ptr[i] == key);
        off += part.len;
    }
}

static bool
look(struct fuzz *f, uint8_t key, bool bump, struct item *item)
{
    char buf[KEY_BYTES];
    struct slice slice = key_of(key, buf);
    uint64_t hash = store_hash(f->store, slice);

    struct place *place = f->places + key, seen = {0};
    bool found;

    store_prefetch_bucket(f->store, hash);
    if (store_prefetch_item(f->store, hash, &seen))
        store_prefetch_far(f->store, hash, &seen);
    /* Half of them go by where they were seen before. */
    if (key % 2 == 0)
        *place = seen;
    store_prefetch_value(f->store, place);
    found = bump ? store_read(f->store, slice, hash, place, item)
                 : store_get(f->store, slice, hash, false, item);
    if (key % 2 != 0)
        *place = seen;
    if (!found)
        return false;
    REQUIRE(slice_equal(item->key, slice));
    REQUIRE(item->expires_s == STORE_NEVER || item->expires_s > f->now_s);
    read_value(f, item->handle, item->value_bytes, key);
    return true;
}

/* Until the store has to be asked again: that is up to another command. */
static void
upload_on(struct fuzz *f, struct upload *up, uint64_t bytes)
{
    uint64_t end = up->filled + bytes < up->bytes ? up->filled + bytes : up->bytes;

    while (up->filled < end) {
        struct span at;
        size_t n;

        switch (store_space_at(f->store, up->handle, up->filled, &at)) {
        case SPACE_THERE:
        case SPACE_MADE: break;
        case SPACE_LATER:
        case SPACE_NONE: return;
        }
        REQUIRE(at.len > 0);
        n = at.len < end - up->filled ? at.len : (size_t)(end - up->filled);
        memset(at.ptr, up->key, n);
        up->filled += n;
    }
}

static void
begin(struct fuzz *f, struct upload *up, uint8_t key, uint8_t arg)
{
    /* Four of them fill whole segments: the exact size, and one byte to either side. */
    enum { EXTENT_BYTES = 16 * 1024 - 17 };
    static const uint32_t sizes[] = {
        1, 60, 500, 600, 7000, EXTENT_BYTES, 2 * EXTENT_BYTES, 9 * EXTENT_BYTES};
    char buf[KEY_BYTES];
    struct item_spec spec = {
        .key = key_of(key, buf),
        .value_bytes = sizes[arg % 8] + arg / 8 % 3 - 1,
        .client_flags = arg & 8,
        .expires_s = (arg & 16) != 0 ? f->now_s + (arg & 3) : STORE_NEVER,
        .marks = arg >> 5,
    };

    spec.hash = store_hash(f->store, spec.key);
    switch (store_reserve(f->store, &spec, &up->handle)) {
    case RESERVE_OK:
        up->bytes = spec.value_bytes;
        up->filled = 0;
        up->key = key;
        return;
    case RESERVE_TOO_LARGE:
    case RESERVE_OUT_OF_MEMORY: up->handle = NULL; return;
    }
}

static void
finish(struct fuzz *f, struct upload *up, uint8_t arg)
{
    const struct commit_rule rule = {(enum commit_mode)(arg % 4), arg, 0};
    uint64_t cas = 0;

    if (arg % 8 == 7)
        store_abort(f->store, up->handle);
    else if (store_commit(f->store, up->handle, &rule, &cas) == COMMIT_OUT_OF_MEMORY)
        store_abort(f->store, up->handle);
    up->handle = NULL;
}

static void
do_store(struct fuzz *f, uint8_t key, uint8_t arg)
{
    struct upload *up = f->uploads + key % UPLOADS;

    if (up->handle == NULL)
        begin(f, up, key, arg);
    if (up->handle == NULL)
        return;
    upload_on(f, up, (arg & 64) != 0 ? 1000 : 1000000);
    if (up->filled == up->bytes || arg % 8 == 7)
        finish(f, up, arg);
}

static void
do_pin(struct fuzz *f, uint8_t key)
{
    struct pin *pin = f->pins + key % PINS;
    struct item item;

    if (pin->handle != NULL) {
        store_unpin_item(f->store, pin->handle);
        pin->handle = NULL;
    } else if (look(f, key, false, &item)) {
        store_pin_item(f->store, item.handle);
        *pin = (struct pin){item.handle, item.value_bytes};
    }
}

static void
do_change(struct fuzz *f, uint8_t key, uint8_t arg)
{
    struct item item;
    char same[64];

    if (!look(f, key, (arg & 1) != 0, &item))
        return;
    switch (arg % 5) {
    case 0: store_delete(f->store, &item); break;
    case 1: (void)!store_touch(f->store, &item, f->now_s + (arg >> 3)); break;
    case 2: store_set_marks(f->store, &item, arg >> 5); break;
    case 3: (void)!store_set_cas(f->store, &item, item.expires_s, arg); break;
    case 4:
        memset(same, key, sizeof(same));
        if (item.value_bytes <= sizeof(same))
            (void)!store_overwrite(f->store, &item, slice_make(same, item.value.len),
                                   item.expires_s, 0);
        break;
    }
}

/* Another limit: from the least to four times what it was created with. */
static void
do_limit(struct fuzz *f, uint8_t key)
{
    uint64_t limit = store_limit_bytes_min(f->store) * (1 + key % 16);
    bool may = limit <= store_limit_bytes_max(f->store);

    REQUIRE(store_set_limit(f->store, limit) == may);
    REQUIRE(!may || store_limit_bytes(f->store) == limit);
}

/* Another process goes on with it, or does not, as KEY says: whatever is pinned or being uploaded goes along. */
static void
do_takeover(struct fuzz *f, uint8_t key)
{
    struct store *old = f->store, *heir;
    uint64_t lease;

    if (f->file.fd < 0)
        return;
    f->config.limit_bytes = store_limit_bytes(old);
    heir = store_expect(&f->config);
    lease = store_lend(old);
    REQUIRE(heir != NULL && lease != 0);
    REQUIRE(store_adopt(heir, &f->config) == ATTACH_OK);
    if (key % 4 == 0) {
        REQUIRE(store_claim(old, lease) && !store_claim(heir, lease));
        store_destroy(heir);
        return;
    }
    REQUIRE(store_claim(heir, lease) && !store_claim(old, lease));
    for (unsigned i = 0; i < PINS; i++)
        if (f->pins[i].handle != NULL) {
            f->pins[i].handle = store_held_item(heir, store_loc(old, f->pins[i].handle),
                                                f->pins[i].bytes, false);
            REQUIRE(f->pins[i].handle != NULL);
        }
    for (struct upload *up = f->uploads; up < f->uploads + UPLOADS; up++)
        if (up->handle != NULL) {
            up->handle = store_held_item(heir, store_loc(old, up->handle), up->bytes, true);
            REQUIRE(up->handle != NULL);
        }
    store_destroy(old);
    f->store = heir;
    store_keep(heir, f->config.limit_bytes);
}

static void
do_rest(struct fuzz *f, uint8_t key, uint8_t arg)
{
    struct store_layout layout;
    struct item item;
    uint64_t cursor = 0;

    switch (arg % 8) {
    case 0:
        f->now_s += key % 16;
        store_set_time(f->store, f->now_s);
        break;
    case 1: store_flush(f->store, (key & 1) != 0 ? f->now_s + key % 4 : 0); break;
    case 2: store_layout(f->store, &layout); break;
    case 3: store_reset_stats(f->store); break;
    case 5: do_limit(f, key); break;
    case 6: do_takeover(f, key); break;
    case 4:
        for (enum walk_result at = store_next(f->store, &cursor, &item); at != WALK_END;
             at = store_next(f->store, &cursor, &item))
            REQUIRE(at == WALK_ON || item.key.len >= 4);
        break;
    default:
        for (uint8_t i = 0; i < key && store_work(f->store); i++)
            continue;
        break;
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz f = {.now_s = 2, .file.fd = -1};
    struct item item;

    if (size > 0 && (data[0] & 128) != 0)
        f.file.fd = memfd_create("fuzz", MFD_CLOEXEC);
    f.config = (struct store_config){
        .limit_bytes = 512 * 1024,
        .limit_bytes_max = 4 * 512 * 1024,
        .favor = size == 0 ? STORE_FAVOR_OBJECTS : (enum store_favor)((data[0] >> 2) % 3),
        .item_bytes_max = 200000,
        .evict = size == 0 || (data[0] & 1) == 0,
        .with_cas = size == 0 || (data[0] & 2) == 0,
        .file = f.file.fd >= 0 ? &f.file : NULL,
    };
    f.store = store_create(&f.config);
    if (f.store == NULL)
        goto close_file;
    store_set_time(f.store, f.now_s);
    for (size_t i = 1; i + 2 < size; i += 3) {
        switch (data[i] % 8) {
        case 0: (void)look(&f, data[i + 1], true, &item); break;
        case 1: do_change(&f, data[i + 1], data[i + 2]); break;
        case 2: do_pin(&f, data[i + 1]); break;
        case 3: do_rest(&f, data[i + 1], data[i + 2]); break;
        default: do_store(&f, data[i + 1], data[i + 2]); break;
        }
    }
    for (unsigned i = 0; i < PINS; i++)
        if (f.pins[i].handle != NULL)
            store_unpin_item(f.store, f.pins[i].handle);
    for (unsigned i = 0; i < UPLOADS; i++)
        if (f.uploads[i].handle != NULL)
            store_abort(f.store, f.uploads[i].handle);
    REQUIRE(store_stats(f.store)->segments_pinned == 0);
    store_destroy(f.store);
close_file:
    if (f.file.fd >= 0)
        (void)close(f.file.fd);
    return 0;
}
