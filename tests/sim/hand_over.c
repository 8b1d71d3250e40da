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

static const char *
begin(struct heir *heir)
{
    struct store_config config = rig_store_config(heir->rig);

    if (store_adopt(&config, &heir->store) != ATTACH_OK)
        return "the store cannot be adopted";
    heir->cmd = rig_make_cmd(heir->rig, heir->store, heir->stats);
    if (heir->cmd == NULL)
        return "no memory";
    heir->server = rig_make_server(heir->rig, heir->cmd, heir->stats);
    if (heir->server == NULL)
        return "no memory";
    heir->listens = server_listen(heir->server, heir->listen_fd, ROLE_CLIENT);
    if (!heir->listens)
        return "the listener cannot be watched";
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
keep_others(struct rig *rig, const struct handover *out)
{
    rig->other_fds = calloc(out->count + 1, sizeof(int));
    if (rig->other_fds == NULL)
        abort();
    rig->other_count = out->count;
    for (uint32_t i = 0; i < out->count; i++)
        rig->other_fds[i] = sim_pass(out->fds[i]);
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

static bool
receive(struct rig *rig, const struct handover *out, uint64_t lease, struct slice all)
{
    struct heir heir = {.rig = rig,
                        .lease = lease,
                        .in = {.list = list_of(all, LIST_SERVER), .count = out->count}};
    const char *why;

    heir.stats = rig->stats == &rig->registries[0] ? &rig->registries[1] : &rig->registries[0];
    sim_other_process();
    heir.listen_fd = sim_pass(rig->listen_fd);
    heir.fds = calloc(out->count + 1, sizeof(int));
    if (heir.fds == NULL)
        abort();
    for (uint32_t i = 0; i < out->count; i++)
        heir.fds[i] = sim_pass(out->fds[i]);
    if (rig->config.other_lasts)
        keep_others(rig, out);
    heir.in.fds = heir.fds;
    why = begin(&heir);
    if (why == NULL)
        why = claim(&heir);
    if (why != NULL) {
        sim_note(why, 0, 0);
        sim_keep(rig->listen_fd);
        give_up(&heir);
        sim_other_process();
        if (!heir.was_late && !store_claim(rig->store, lease))
            sim_die("nobody has the store");
    } else {
        store_keep(heir.store, rig_store_config(rig).limit_bytes);
        stats_read_written(heir.stats, list_of(all, LIST_COUNTERS));
        server_go_on(heir.server);
        succeed(&heir);
    }
    free(heir.fds);
    return why == NULL;
}

bool
rig_hand_over(struct rig *rig)
{
    struct handover out = {.count = 0};
    struct image all = {.len = 0};
    uint64_t lease = 0;
    bool done = false;

    rig_end_other(rig);
    out.fds = calloc(server_descriptor_count(rig->server) + 1, sizeof(int));
    if (out.fds == NULL)
        abort();
    if (describe(rig, &out, &lease, &all) == NULL)
        done = receive(rig, &out, lease, slice_make(all.bytes, all.len));
    else
        (void)!store_claim(rig->store, lease);
    image_fini(&all);
    free(out.fds);
    rig_check(rig);
    return done;
}
