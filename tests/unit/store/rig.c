#include "rig.h"

struct store_config
rig_store_config(struct rig_config config)
{
    return (struct store_config){
        .file = config.file,
        .limit_bytes = config.limit_bytes,
        .limit_bytes_max = RIG_LIMIT_MAX,
        .item_bytes_max = MB,
        .evict = !config.no_evict,
        .favor = config.favor,
        .with_cas = !config.no_cas,
        .hash_key = {3, 4},
    };
}

struct rig
rig_open(struct rig_config config)
{
    struct store_config store_config = rig_store_config(config);
    struct rig rig = {store_create(&store_config), START_S};

    ck_assert_ptr_nonnull(rig.store);
    store_set_time(rig.store, rig.now_s);
    return rig;
}

void
rig_close(struct rig *rig)
{
    struct store_layout l;
    uint64_t sum;

    ck_assert_uint_eq(store_stats(rig->store)->segments_pinned, 0);
    store_layout(rig->store, &l);
    sum = l.live_bytes + l.header_bytes + l.dead_bytes + l.index_bytes + l.pinned_bytes +
          l.free_bytes;
    ck_assert_uint_le(sum, l.limit_bytes + l.limit_bytes / 50);
    ck_assert_uint_ge(sum, l.limit_bytes - l.limit_bytes / 50);
    store_destroy(rig->store);
}

void
rig_set_time(struct rig *rig, uint32_t now_s)
{
    rig->now_s = now_s;
    store_set_time(rig->store, now_s);
}

void
rig_settle(struct rig *rig)
{
    for (unsigned i = 0; store_work(rig->store); i++)
        ck_assert_msg(i < 1000000, "background work never ends");
}

struct slice
rig_key(uint64_t number, char *buf)
{
    int len = snprintf(buf, RIG_KEY_BYTES, "key-%012" PRIu64, number);

    return slice_make(buf, (size_t)len);
}

char
rig_value_byte(uint64_t number, uint64_t off)
{
    return (char)((number * 31 + off) * UINT64_C(0x9e3779b97f4a7c15) >> 56);
}

enum reserve_result
rig_reserve(struct rig *rig, uint64_t number, uint64_t bytes, uint32_t expires_s, void **handle)
{
    char buf[RIG_KEY_BYTES];
    struct item_spec spec = {
        .key = rig_key(number, buf),
        .value_bytes = bytes,
        .expires_s = expires_s,
    };

    spec.hash = store_hash(rig->store, spec.key);
    return store_reserve(rig->store, &spec, handle);
}

bool
rig_fill(struct rig *rig, void *handle, uint64_t number, uint64_t off, uint64_t end)
{
    while (off < end) {
        struct span at = store_reserved_at(rig->store, handle, off);

        if (at.len == 0)
            return false;
        for (size_t i = 0; i < at.len && off < end; i++)
            at.ptr[i] = rig_value_byte(number, off++);
    }
    return true;
}

bool
rig_set_expiring(struct rig *rig, uint64_t number, uint64_t bytes, uint32_t expires_s)
{
    void *handle;
    uint64_t cas;

    if (rig_reserve(rig, number, bytes, expires_s, &handle) != RESERVE_OK)
        return false;
    if (!rig_fill(rig, handle, number, 0, bytes)) {
        store_abort(rig->store, handle);
        return false;
    }
    switch (store_commit(rig->store, handle, COMMIT_ANY, &cas)) {
    case COMMIT_STORED: return true;
    case COMMIT_OUT_OF_MEMORY: store_abort(rig->store, handle); return false;
    case COMMIT_NOT_STORED:
    case COMMIT_EXISTS:
    case COMMIT_NOT_FOUND: return false;
    }
    return false;
}

bool
rig_set(struct rig *rig, uint64_t number, uint64_t bytes)
{
    return rig_set_expiring(rig, number, bytes, STORE_NEVER);
}

bool
rig_get(struct rig *rig, uint64_t number, struct item *item)
{
    char buf[RIG_KEY_BYTES];
    struct slice key = rig_key(number, buf);

    return store_get(rig->store, key, store_hash(rig->store, key), true, item);
}

bool
rig_peek(struct rig *rig, uint64_t number, struct item *item)
{
    char buf[RIG_KEY_BYTES];
    struct slice key = rig_key(number, buf);

    return store_peek(rig->store, key, store_hash(rig->store, key), item);
}

void
rig_check_value(struct rig *rig, const void *handle, uint64_t number, uint64_t bytes)
{
    for (uint64_t off = 0; off < bytes;) {
        struct slice part = store_value_at(rig->store, handle, off);

        ck_assert_uint_gt(part.len, 0);
        for (size_t i = 0; i < part.len; i++)
            if (part.ptr[i] != rig_value_byte(number, off + i))
                ck_abort_msg("item %" PRIu64 " differs at %" PRIu64, number, off + i);
        off += part.len;
    }
}

bool
rig_has(struct rig *rig, uint64_t number, uint64_t bytes)
{
    struct item item;

    if (!rig_peek(rig, number, &item))
        return false;
    ck_assert_uint_eq(item.value_bytes, bytes);
    rig_check_value(rig, item.handle, number, bytes);
    return true;
}

bool
rig_delete(struct rig *rig, uint64_t number)
{
    struct item item;

    if (!rig_peek(rig, number, &item))
        return false;
    store_delete(rig->store, &item);
    return true;
}

bool
rig_next(struct rig *rig, uint64_t *cursor, struct item *item)
{
    enum walk_result result;

    do {
        result = store_next(rig->store, cursor, item);
    } while (result == WALK_ON);
    return result == WALK_ITEM;
}
