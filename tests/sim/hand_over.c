/* Hands the server under test over, as if from one process to another. */
#include <stdlib.h>
#include <string.h>

#include "lombard/base/sys.h"
#include "lombard/conn/handover.h"

#include "rig_priv.h"
#include "sim_sys.h"

enum { LIST_SERVER = 1, LIST_COUNTERS = 2 };

/* The new process. */
struct heir {
    struct rig *rig;
    struct stat_registry *stats;
    struct store *store;
    struct cmd *cmd;
    struct server *server;
    int listen_fd;
    bool listens; /* the server has it */
    int *fds;
    struct handed in;
    uint64_t lease;
    bool is_early; /* connections went ahead */
    bool was_late; /* the old process has claimed it */
};

static struct slice
list_of(struct slice image, uint32_t type)
{
    struct image_entry entry;

    while (image_next(&image, &entry) == IMAGE_ENTRY)
        if (entry.type == type)
            return entry.bytes;
    return slice_make(NULL, 0);
}

/* All that goes from one to the other is bytes, and descriptors. */
static const char *
describe(const struct rig *rig, struct handover *out, uint64_t *lease, struct image *all)
{
    size_t begun = image_begin(all, LIST_SERVER);
    const char *why;

    out->image = all;
    why = server_hand_over(rig->server, out);
    if (why != NULL)
        return why;
    image_end(all, begun);
    *lease = store_lend(rig->store);
    if (*lease == 0)
        sim_die("the store cannot be lent");
    begun = image_begin(all, LIST_COUNTERS);
    stats_write(rig->stats, all);
    image_end(all, begun);
    return all->failed ? "no memory" : NULL;
}

/* All that can be made before the other process stops serving. */
static const char *
prepare(struct heir *heir)
{
    struct store_config config = rig_store_config(heir->rig);

    heir->store = store_expect(&config);
    if (heir->store == NULL)
        return "no memory";
    heir->cmd = rig_make_cmd(heir->rig, heir->store, heir->stats);
    if (heir->cmd == NULL)
        return "no memory";
    heir->server = rig_make_server(heir->rig, heir->cmd, heir->stats);
    if (heir->server == NULL)
        return "no memory";
    heir->listens = server_listen(heir->server, heir->listen_fd, ROLE_CLIENT);
    return heir->listens ? NULL : "the listener cannot be watched";
}

static const char *
begin(struct heir *heir)
{
    struct store_config config = rig_store_config(heir->rig);

    if (store_adopt(heir->store, &config) != ATTACH_OK)
        return "the store cannot be adopted";
    return server_take_over(heir->server, &heir->in);
}

/* It ends: nothing that the other has may have changed. */
static void
give_up(struct heir *heir)
{
    if (heir->server != NULL)
        server_forget(heir->server);
    server_destroy(heir->server);
    cmd_destroy(heir->cmd);
    store_destroy(heir->store);
    if (!heir->listens)
        (void)sys_close(heir->listen_fd);
    for (uint32_t i = heir->in.used; i < heir->in.count; i++)
        (void)sys_close(heir->fds[i]);
}

static void
succeed(struct heir *heir)
{
    struct rig *rig = heir->rig;

    if (store_claim(rig->store, heir->lease))
        sim_die("both have the store");
    sim_other_process();
    server_forget(rig->server);
    server_destroy(rig->server);
    cmd_destroy(rig->cmd);
    store_destroy(rig->store);
    sim_other_process();
    rig->server = heir->server;
    rig->cmd = heir->cmd;
    rig->store = heir->store;
    rig->stats = heir->stats;
    rig->listen_fd = heir->listen_fd;
}

/* The process that is left, or the one that was refused, lives on with what it has. */
static void
keep_others(struct rig *rig, const int *fds, uint32_t count)
{
    rig->other_fds = realloc(rig->other_fds, (rig->other_count + count + 1) * sizeof(int));
    if (rig->other_fds == NULL)
        abort();
    for (uint32_t i = 0; i < count; i++)
        rig->other_fds[rig->other_count++] = sim_pass(fds[i]);
}

/* Connections go ahead, piece by piece; the server serves in between. */
static const char *
send_early(struct heir *heir)
{
    struct rig *rig = heir->rig;
    uint64_t cursor = 0;
    bool more = true;

    while (more) {
        struct offer offer;
        bool ok;

        more = server_offer(rig->server, &cursor, &offer);
        if (rig->config.other_lasts)
            keep_others(rig, offer.fds, offer.count);
        for (uint32_t i = 0; i < offer.count; i++)
            offer.fds[i] = sim_pass(offer.fds[i]);
        sim_other_process();
        ok = server_expect(heir->server, &offer);
        sim_other_process();
        if (!ok)
            return "no memory";
        rig_iterate(rig);
    }
    heir->is_early = true;
    return NULL;
}

/* The old process claims the store when it has waited for too long, or hears a no. */
static const char *
claim(struct heir *heir)
{
    heir->was_late = heir->rig->is_impatient;
    if (heir->was_late && !store_claim(heir->rig->store, heir->lease))
        sim_die("the store is not its own any more");
    return store_claim(heir->store, heir->lease) ? NULL : "the old process was first";
}

/* The rest goes over. NULL: the new process has everything. */
static const char *
receive(struct heir *heir, const struct handover *out, struct slice all)
{
    struct rig *rig = heir->rig;
    const char *why;

    heir->fds = calloc(out->count + 1, sizeof(int));
    if (heir->fds == NULL)
        abort();
    for (uint32_t i = 0; i < out->count; i++)
        heir->fds[i] = sim_pass(out->fds[i]);
    if (rig->config.other_lasts)
        keep_others(rig, out->fds, out->count);
    heir->in = (struct handed){
        .list = list_of(all, LIST_SERVER), .fds = heir->fds, .count = out->count};
    sim_other_process();
    why = begin(heir);
    if (why == NULL)
        why = claim(heir);
    if (why == NULL) {
        store_keep(heir->store, rig_store_config(rig).limit_bytes);
        stats_read_written(heir->stats, list_of(all, LIST_COUNTERS));
        server_go_on(heir->server);
        succeed(heir);
    } else {
        sim_other_process();
        if (!heir->was_late && !store_claim(rig->store, heir->lease))
            sim_die("nobody has the store");
    }
    return why;
}

static const char *
give(struct heir *heir)
{
    struct rig *rig = heir->rig;
    struct handover out = {.early = heir->is_early};
    struct image all = {.len = 0};
    const char *why;

    out.fds = calloc(server_descriptor_count(rig->server) + 1, sizeof(int));
    if (out.fds == NULL)
        abort();
    why = describe(rig, &out, &heir->lease, &all);
    if (why == NULL)
        why = receive(heir, &out, slice_make(all.bytes, all.len));
    else
        (void)!store_claim(rig->store, heir->lease);
    image_fini(&all);
    free(out.fds);
    return why;
}

bool
rig_hand_over(struct rig *rig)
{
    struct heir heir = {.rig = rig};
    const char *why;

    rig_end_other(rig);
    heir.stats = rig->stats == &rig->registries[0] ? &rig->registries[1] : &rig->registries[0];
    heir.listen_fd = sim_pass(rig->listen_fd);
    sim_other_process();
    why = prepare(&heir);
    sim_other_process();
    if (why == NULL && rig->sends_early++ % 2 == 0)
        why = send_early(&heir);
    if (why == NULL)
        why = give(&heir);
    if (why != NULL) {
        sim_note(why, 0, 0);
        sim_keep(rig->listen_fd);
        sim_other_process();
        give_up(&heir);
        sim_other_process();
    }
    free(heir.fds);
    rig_check(rig);
    return why == NULL;
}
