/* Half-closes the descriptors of rejected peers, and drops what they still send. */
#include "linger.h"

#include <errno.h>

#include "lombard/base/attr.h"
#include "lombard/base/sys.h"

static void
end(struct lingerer *l)
{
    loop_forget(l->all->loop, &l->watch);
    (void)sys_close(l->watch.fd);
    l->watch.fd = -1;
    l->all->count--;
}

/* Drop what has come. False when nothing more will. */
static bool
drop_input(struct lingerers *all, int fd)
{
    ssize_t got = sys_recv(fd, all->scrap, sizeof(all->scrap));

    return got > 0 || (got < 0 && (errno == EAGAIN || errno == EINTR));
}

static void
on_event(struct watch *watch, uint32_t events)
{
    struct lingerer *l = CONTAINER_OF(watch, struct lingerer, watch);

    (void)events;
    if (!drop_input(l->all, watch->fd))
        end(l);
}

void
linger_init(struct lingerers *all, struct loop *loop)
{
    all->loop = loop;
    all->count = 0;
    all->begun = 0;
    for (int i = 0; i < LINGERS_MAX; i++) {
        watch_init(&all->slots[i].watch, -1, on_event);
        all->slots[i].all = all;
    }
}

/* A free slot; when there is none, that of the oldest, which is closed. */
static struct lingerer *
take_slot(struct lingerers *all)
{
    struct lingerer *oldest = &all->slots[0];

    for (int i = 0; i < LINGERS_MAX; i++) {
        struct lingerer *l = &all->slots[i];

        if (l->watch.fd < 0)
            return l;
        if (l->number < oldest->number)
            oldest = l;
    }
    end(oldest);
    return oldest;
}

void
linger_begin(struct lingerers *all, int fd)
{
    struct lingerer *l;

    if (sys_shutdown_write(fd) != 0 || !drop_input(all, fd)) {
        (void)sys_close(fd);
        return;
    }
    l = take_slot(all);
    watch_init(&l->watch, fd, on_event);
    l->until_ms = loop_now_ms(all->loop) + LINGER_MS;
    l->number = all->begun++;
    all->count++;
    if (!loop_want(all->loop, &l->watch, WATCH_IN))
        end(l);
}

bool
linger_adopt(struct lingerers *all, int fd)
{
    struct lingerer *l = all->count < LINGERS_MAX ? take_slot(all) : NULL;

    if (l == NULL)
        return false;
    watch_init(&l->watch, fd, on_event);
    if (!loop_want(all->loop, &l->watch, WATCH_IN)) {
        l->watch.fd = -1;
        return false;
    }
    l->until_ms = loop_now_ms(all->loop) + LINGER_MS;
    l->number = all->begun++;
    all->count++;
    return true;
}

void
linger_sweep(struct lingerers *all)
{
    for (int i = 0; i < LINGERS_MAX && all->count > 0; i++)
        if (all->slots[i].watch.fd >= 0 && all->slots[i].until_ms <= loop_now_ms(all->loop))
            end(&all->slots[i]);
}

void
linger_fini(struct lingerers *all)
{
    for (int i = 0; i < LINGERS_MAX; i++)
        if (all->slots[i].watch.fd >= 0)
            end(&all->slots[i]);
}
