#include "rig.h"

#include <stdlib.h>
#include <string.h>

struct rig_config
rig_config(void)
{
    return (struct rig_config){
        .store.limit_bytes = 8 << 20,
        .store.item_bytes_max = 1 << 20,
        .store.evict = true,
        .store.with_cas = true,
        .cmd.flush_enabled = true,
        .cmd.dump_enabled = true,
        .cmd.seed = UINT64_C(0x9e3779b97f4a7c15),
    };
}

void
rig_create_with(struct rig *rig, const struct rig_config *config)
{
    struct cmd_config cmd_config = config->cmd;

    memset(rig, 0, sizeof(*rig));
    rig->clock.start_unix_s = RIG_START_UNIX_S;
    rig->clock.first_s = rig->clock.uptime_s = CLOCK_EPOCH_S;
    rig->store = store_create(&config->store);
    ck_assert_ptr_nonnull(rig->store);
    cmd_config.clock = &rig->clock;
    cmd_config.stats = &rig->stats;
    rig->cmd = cmd_create(&cmd_config, rig->store);
    ck_assert_ptr_nonnull(rig->cmd);
    cmd_add_stats(rig->cmd, &rig->stats);
}

void
rig_create(struct rig *rig)
{
    struct rig_config config = rig_config();

    rig_create_with(rig, &config);
}

void
rig_destroy(struct rig *rig)
{
    cmd_destroy(rig->cmd);
    store_destroy(rig->store);
}

void
rig_sleep(struct rig *rig, uint32_t s)
{
    rig->clock.now_ms += UINT64_C(1000) * s;
    rig->clock.uptime_s += s;
    cmd_new_iteration(rig->cmd);
}

struct request
rig_request(enum request_op op, const char *key)
{
    struct request req;

    memset(&req, 0, sizeof(req));
    req.op = op;
    req.flags = op == OP_SET          ? REQ_OVERWRITE
                : op == OP_GET        ? REQ_WITH_CAS
                : op == OP_META_DEBUG ? REQ_META
                                      : 0;
    req.key = slice_make(key, strlen(key));
    return req;
}

void
rig_ask(struct request *req, const char *letters)
{
    req->flags |= REQ_META;
    for (; *letters != '\0'; letters++) {
        switch (*letters) {
        case 'C': req->meta.compares = true; break;
        case 'D': req->meta.decr = true; break;
        case 'E': req->meta.renews_cas = true; break;
        case 'I': req->flags |= REQ_INVALIDATE; break;
        case 'N': req->flags |= REQ_VIVIFY; break;
        case 'R': req->meta.recaches = true; break;
        case 'T': req->meta.touches = true; break;
        case 'u': req->meta.unnoticed = true; break;
        case 'x': req->meta.empties = true; break;
        default: break; /* asks for something in the reply */
        }
    }
}

/* As a connection would, but at once. */
static void
join_all(struct rig *rig, const struct request *req)
{
    struct cmd_join join = {0};
    enum join_result result;

    do {
        join.budget_bytes = CMD_JOIN_BYTES;
        result = cmd_join_step(rig->cmd, &rig->session, req, &join, &rig->reply);
    } while (result == JOIN_ON);
    if (result == JOIN_DONE)
        return;
    cmd_join_abort(rig->cmd, &join);
    rig->reply.status = REPLY_OUT_OF_MEMORY;
}

enum reply_status
rig_run(struct rig *rig, struct request *req)
{
    cmd_prepare(rig->cmd, req);
    if (cmd_prefetch(rig->cmd, req))
        cmd_prefetch_far(rig->cmd, req);
    cmd_prefetch_value(rig->cmd, req);
    memset(&rig->reply, 0xdb, sizeof(rig->reply));
    cmd_execute(rig->cmd, &rig->session, req, &rig->reply);
    cmd_look(rig->cmd, req, &rig->reply);
    if (rig->reply.status == REPLY_JOIN)
        join_all(rig, req);
    return rig->reply.status;
}

enum reply_status
rig_do(struct rig *rig, enum request_op op, const char *key)
{
    struct request req = rig_request(op, key);

    return rig_run(rig, &req);
}

static enum reply_status
store(struct rig *rig, struct request *req, const char *value)
{
    req->value = slice_make(value, strlen(value));
    req->value_bytes = req->value.len;
    req->body_bytes = req->value.len + REQUEST_TAIL_BYTES;
    return rig_run(rig, req);
}

enum reply_status
rig_store(struct rig *rig, enum request_op op, const char *key, const char *value)
{
    struct request req = rig_request(op, key);

    return store(rig, &req, value);
}

enum reply_status
rig_store_until(struct rig *rig, const char *key, const char *value, int64_t exptime)
{
    struct request req = rig_request(OP_SET, key);

    req.exptime = exptime;
    return store(rig, &req, value);
}

enum reply_status
rig_arith(struct rig *rig, enum request_op op, const char *key, uint64_t delta)
{
    struct request req = rig_request(op, key);

    req.delta = delta;
    return rig_run(rig, &req);
}

void
rig_expect(struct rig *rig, const char *key, const char *value)
{
    enum reply_status status = rig_do(rig, OP_GET, key);

    if (value == NULL) {
        ck_assert_int_eq(status, REPLY_MISS);
        return;
    }
    ck_assert_int_eq(status, REPLY_HIT);
    ck_assert_uint_eq(rig->reply.item.value_bytes, strlen(value));
    ck_assert_uint_eq(rig->reply.item.value.len, strlen(value));
    ck_assert_mem_eq(rig->reply.item.value.ptr, value, strlen(value));
}

struct span
rig_upload_at(struct rig *rig, void *handle, uint64_t off)
{
    enum upload_space result = UPLOAD_LATER;
    struct span space;

    while (result == UPLOAD_LATER)
        result = cmd_upload_at(rig->cmd, handle, off, &space);
    ck_assert_int_ne(result, UPLOAD_NO_MEMORY);
    return space;
}

uint64_t
rig_stat(struct rig *rig, const char *group, const char *name)
{
    struct request req = rig_request(OP_STATS, group);
    struct cmd_stream stream;
    struct stat_line line;

    ck_assert_int_eq(rig_run(rig, &req), REPLY_STREAM);
    ck_assert_int_eq(rig->reply.stream, STREAM_STATS);
    cmd_stream_begin(rig->cmd, &req, &stream);
    while (cmd_stream_stat(rig->cmd, &stream, &line) == LINE_READY)
        if (strcmp(line.name, name) == 0)
            return strtoull(line.value.text, NULL, 10);
    return UINT64_MAX;
}
