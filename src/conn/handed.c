/* Makes a server's connections of what another process has described; and forgets them where that one has them. */
#include "conn.h"
#include "handover_priv.h"
#include "limits.h"
#include "lombard/base/sys.h"
#include "lombard/conn/handover.h"
#include "lombard/event/listen.h"
#include "scan_words.h"
#include "shed.h"
#include "task.h"

/* --- What goes ahead --- */

bool
server_expect(struct server *server, const struct offer *offer)
{
    bool ok = true;

    for (uint32_t i = 0; i < offer->count; i++) {
        struct conn *c = ok ? table_take(&server->table) : NULL;

        ok = c != NULL;
        if (!ok) {
            (void)sys_close(offer->fds[i]);
            continue;
        }
        conn_init(c, server, offer->fds[i], listen_is_unix(offer->fds[i]));
        c->id = offer->ids[i];
        c->watch.early = c->watch.shared =
            true; /* until the other process has ended, which is not waited for */
        ok = loop_want(server->loop, &c->watch, WATCH_IN);
    }
    return ok;
}

/* --- What is described --- */

/* Numbers of connections become places in this server's table. */
static const char *
place_scan(const struct arrival *arrival, struct scan *scan)
{
    if (scan->cursor > arrival->place_count)
        return "a question about connections cannot be that";
    if (scan->cursor > 0)
        scan->cursor = arrival->places[scan->cursor - 1].behind;
    for (uint32_t i = 0; i < scan->top_count; i++) {
        if (scan->top[i].position >= arrival->place_count)
            return "a question about connections cannot be that";
        scan->top[i].position = arrival->places[scan->top[i].position].at;
    }
    return NULL;
}

static const char *
place_scans(const struct arrival *arrival)
{
    uint64_t cursor = 0;
    const char *why = NULL;
    struct conn *c;

    while (why == NULL && arrival->has_scan &&
           (c = table_next(&arrival->server->table, &cursor)) != NULL)
        if (c->task != NULL && c->task->kind == TASK_SCAN)
            why = place_scan(arrival, c->task->scan);
    return why;
}

static const char *
take_lingerer(struct arrival *arrival, int fd)
{
    if (!linger_adopt(&arrival->server->lingerers, fd))
        return "too many rejected peers";
    arrival->in->used++;
    return NULL;
}

static const char *
take_described(struct arrival *arrival, const struct image_entry *entry)
{
    struct server *server = arrival->server;
    struct handed *in = arrival->in;
    uint64_t number = 0;

    switch (entry->type) {
    case ENTRY_ATTENDED_MS:
        if (!image_number(entry, UINT64_MAX, &server->attended_ms))
            break;
        server->attended_s = (uint32_t)(server->attended_ms / 1000);
        server_init_stalled(server);
        return NULL;
    case ENTRY_LAST_ID:
        if (!image_number(entry, UINT32_MAX, &number))
            break;
        server->last_id = (uint32_t)number;
        return NULL;
    case ENTRY_WATCH_GID:
        if (!image_number(entry, UINT64_MAX, &server->watchers.gid))
            break;
        return NULL;
    case ENTRY_OPS: return handover_learn_ops(entry->bytes, &arrival->numbers);
    case ENTRY_REASONS: return handover_learn_reasons(entry->bytes, &arrival->numbers);
    case ENTRY_REGISTRY:
        if (!image_number(entry, UINT64_MAX, &arrival->registry))
            break;
        return NULL;
    case ENTRY_PEER_TIMEOUT | IMAGE_OPTIONAL:
        if (!image_number(entry, UINT64_MAX, &number))
            break;
        server->probes_change = number != server->config.peer_timeout_s + UINT64_C(1);
        return NULL;
    case ENTRY_CONN: return handover_take_conn(arrival, entry->bytes);
    case ENTRY_LINGERER:
        return in->used == in->count ? "a rejected peer came without its descriptor"
                                     : take_lingerer(arrival, in->fds[in->used]);
    default: return image_is_optional(entry) ? NULL : "it has what is not known here";
    }
    return "it has a number that cannot be";
}

static const char *
take_all(struct arrival *arrival)
{
    struct slice rest = arrival->in->list;
    struct image_entry entry;
    const char *why = NULL;

    while (why == NULL)
        switch (image_next(&rest, &entry)) {
        case IMAGE_ENTRY: why = take_described(arrival, &entry); break;
        case IMAGE_TORN: return "it is cut";
        case IMAGE_END:
            (void)handover_meet(arrival, 0); /* which none is: all that is left has gone */
            return arrival->in->used < arrival->in->count ? "it has too many descriptors"
                                                          : place_scans(arrival);
        }
    return why;
}

/*
 * The buffers that are in use there are needed here, whatever --buffer-memory is from now on: what is
 * above that is taken back as it comes.
 */
const char *
server_take_over(struct server *server, struct handed *in)
{
    struct arrival arrival = {.server = server, .in = in};
    uint64_t buffer_bytes = server->config.buffer_bytes;
    uint64_t pool_bytes = server_pool_bytes(&server->config);
    const char *why;

    handover_numbers_init(&arrival.numbers);
    in->used = in->conns = 0;
    server->probes_change = true; /* unless the other one says what it told the kernel */
    arrival.expects = server->table.conns > 0;
    arrival.place_max = (uint64_t)server->table.conns + in->count;
    arrival.places = sys_malloc((size_t)(arrival.place_max + 1) * sizeof(struct handed_place));
    if (arrival.places == NULL)
        return "no memory for all connections";
    server->config.buffer_bytes = UINT64_MAX / 2;
    pool_set_limit(server->pool, SIZE_MAX / 2, 0);
    why = take_all(&arrival);
    sys_free(arrival.places);
    pool_set_limit(server->pool, pool_bytes, pool_bytes / RESERVE_PART);
    server->config.buffer_bytes = buffer_bytes;
    return why;
}

/* What take_kind() has left in the task. */
static void
go_on_watching(struct conn *c)
{
    const struct task *task = c->task;

    (void)CONN_BROKEN(c,
                      !watchers_add(&c->server->watchers, c, (uint32_t)task->total, task->off));
}

void
server_go_on(struct server *server)
{
    uint64_t cursor = 0;
    struct conn *c;

    server->iteration_ms = server->clock->now_ms;
    while ((c = table_next(&server->table, &cursor)) != NULL) {
        if (conn_is_watching(c))
            go_on_watching(c);
        if (c->state == CONN_STALLED) {
            server_add_stalled(server, c);
        } else if (c->state == CONN_READY) {
            c->state = CONN_RUNNING;
            conn_make_ready(c, &server->ready);
        }
    }
}

/* --- Another process has it --- */

static void
ignore(void *ctx UNUSED, const void *base UNUSED)
{
}

static void
forget(struct conn *c)
{
    static const struct buf_owner owner_of_nothing = {ignore, NULL};

    if (list_is_linked(&c->link.node))
        conn_leave_list(c);
    c->state = CONN_IDLE;
    c->finishing = false;
    c->watch.shared = false; /* it is closed here, but not ended */
    if (c->wbuf != NULL)
        buf_clear(c->wbuf, &owner_of_nothing);
    if (c->task == NULL)
        return;
    if (c->task->kind == TASK_SCAN)
        sys_free(c->task->scan);
    c->task->kind = TASK_REFUSAL; /* which holds nothing of the store */
}

void
server_forget(struct server *server)
{
    uint64_t cursor = 0;
    struct conn *c;

    server->joining = NULL;
    server->watchers.count = server->watchers.topics = 0;
    while ((c = table_next(&server->table, &cursor)) != NULL)
        forget(c);
}
