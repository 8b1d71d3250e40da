/*
 * The connections that hold something while they wait for their peer, and which
 * of them is closed when others need what they hold.
 *
 * Each is in one line by what it waits for, and within that by how much memory of
 * the store it keeps. Where a request lacks memory, the connections that hold most
 * for longest are chosen, and closed only if that frees what is missing; else the
 * request is refused. No connection that stalled for less than SHED_AFTER_MS is closed,
 * and none that holds little unless all of them together hold more than half of the memory.
 */
#include "shed.h"

#include "conn.h"
#include "held.h"
#include "send.h"

/* Classes of held bytes: 0 is none, each further one four times as much as the one before. */
enum {
    CLASS_SHIFT = 18,
    CLASS_STEP_SHIFT = 2,
    CLASS_ANY = 1,
    CLASS_MUCH = 2, /* 256 KB: what holds less is not closed for one request's sake */
};

_Static_assert(CLASS_STEP_SHIFT *(STALL_CLASSES - 1) <= 32, "a weight fits into 64 bits");

static unsigned
held_class(uint64_t bytes)
{
    unsigned class = bytes > 0;

    while (class > 0 && class < STALL_CLASSES - 1 &&
           bytes >> (CLASS_SHIFT + CLASS_STEP_SHIFT * (class - 1)) != 0)
        class ++;
    return class;
}

/* --- The lines --- */

static enum stall_kind
kind_of(const struct conn *c)
{
    if (c->blocked)
        return STALL_BLOCKED;
    return c->wbuf != NULL || c->rbuf != NULL ? STALL_WITH_BUFFER : STALL_WITHOUT_BUFFER;
}

void
server_init_stalled(struct server *server)
{
    for (unsigned kind = 0; kind < STALL_KINDS; kind++)
        for (unsigned class = 0; class < STALL_CLASSES; class ++)
            stall_init(&server->stalled[kind][class], server->attended_ms);
}

void
server_add_stalled(struct server *server, struct conn *c)
{
    c->state = CONN_STALLED;
    stall_put(&server->stalled[kind_of(c)][held_class(conn_held_bytes(c))], &c->link.node,
              server->attended_ms, conn_stalled_for_ms(c));
    server->stats.conn_stalled++;
}

static struct conn *
first_stalled(struct server *server, unsigned kind, unsigned class)
{
    struct list_node *node = stall_first(&server->stalled[kind][class], server->attended_ms);

    return node == NULL ? NULL : conn_from_link(node);
}

/* The one that stalled first, of this kind and further ones; NULL: there is none. */
static struct conn *
longest_stalled(struct server *server, enum stall_kind first)
{
    struct conn *longest = NULL;

    for (unsigned kind = first; kind < STALL_KINDS; kind++) {
        for (unsigned class = 0; class < STALL_CLASSES; class ++) {
            struct conn *c = first_stalled(server, kind, class);

            if (c != NULL &&
                (longest == NULL || conn_stalled_for_ms(c) > conn_stalled_for_ms(longest)))
                longest = c;
        }
    }
    return longest;
}

/*
 * The one that holds most for longest, of this class and further ones; NULL: none that may be
 * closed.
 */
static struct conn *
heaviest_stalled(struct server *server, unsigned least_class)
{
    struct conn *heaviest = NULL;
    uint64_t most = 0;

    for (unsigned kind = 0; kind < STALL_KINDS; kind++) {
        for (unsigned class = least_class; class < STALL_CLASSES; class ++) {
            struct conn *c = first_stalled(server, kind, class);
            uint64_t weight;

            if (c == NULL || conn_stalled_for_ms(c) < SHED_AFTER_MS)
                continue;
            weight = (uint64_t)conn_stalled_for_ms(c) << (CLASS_STEP_SHIFT * class);
            if (weight > most) {
                most = weight;
                heaviest = c;
            }
        }
    }
    return heaviest;
}

/* --- Closing --- */

static void
shed(struct conn *c, enum close_reason reason)
{
    conn_mark_dead(c, reason);
    conn_release(c);
}

/* Take C out of its line, and into the list SIDE. */
static void
set_aside(struct conn *c, struct list_node *side)
{
    list_remove(&c->link.node);
    list_push_back(side, &c->link.node);
}

/* Back into their lines, in which nothing else has changed. */
static void
put_back(struct server *server, struct list_node *side)
{
    struct list_node *node;

    while ((node = list_pop_front(side)) != NULL) {
        server->stats.conn_stalled--;
        server_add_stalled(server, conn_from_link(node));
    }
}

/* --- Memory --- */

/*
 * Set aside the connections to close so that MISSING bytes become free: in CHOSEN, at most
 * MAX. False when closing all these would not be enough.
 */
static bool
choose(struct server *server, uint64_t missing, uint32_t max, struct list_node *chosen)
{
    unsigned least = cmd_excess_bytes(server->cmd) > 0 ? CLASS_ANY : CLASS_MUCH;
    uint64_t freed = 0;

    cmd_trial_begin(server->cmd);
    for (uint32_t i = 0; i < max && freed < missing; i++) {
        struct conn *c = heaviest_stalled(server, least);

        if (c == NULL)
            break;
        conn_trial_add(c);
        freed = cmd_trial_result(server->cmd).freed_bytes;
        set_aside(c, chosen);
    }
    return freed >= missing;
}

/*
 * Close the ones of CHOSEN that are needed to free MISSING bytes: the last one, and of the
 * ones before it only as many as it takes. Returns how many.
 */
static uint32_t
close_needed(struct server *server, uint64_t missing, struct list_node *chosen)
{
    uint64_t freed = 0;
    uint32_t count = 0;
    struct list_node needed;

    list_init(&needed);
    cmd_trial_begin(server->cmd);
    while (freed < missing && !list_is_empty(chosen)) {
        struct conn *c = conn_from_link(chosen->prev);

        conn_trial_add(c);
        freed = cmd_trial_result(server->cmd).freed_bytes;
        set_aside(c, &needed);
    }
    for (; !list_is_empty(&needed); count++)
        shed(conn_from_link(needed.next), CLOSE_SHED_PINS); /* which takes it out */
    return count;
}

bool
server_make_room(struct server *server, uint32_t *closed)
{
    uint64_t missing = cmd_missing_bytes(server->cmd);
    uint32_t left = SHED_A_REQUEST - *closed;
    struct list_node chosen;
    bool enough;

    if (conn_send_queued(server)) /* replies of the same group hold memory, too */
        return true;
    if (missing == 0 || left == 0)
        return false;
    list_init(&chosen);
    enough = choose(server, missing, left < SHED_AT_ONCE ? left : SHED_AT_ONCE, &chosen);
    if (enough)
        *closed += close_needed(server, missing, &chosen);
    put_back(server, &chosen);
    return enough;
}

/* Whether closing C would free any memory: else others hold the same. */
static bool
frees_memory(struct conn *c)
{
    cmd_trial_begin(c->server->cmd);
    conn_trial_add(c);
    return cmd_trial_result(c->server->cmd).freed_bytes > 0;
}

/* Pins keep more than half of the memory: close the connections that hold most for longest. */
static void
shed_for_excess(struct server *server)
{
    struct list_node kept;

    list_init(&kept);
    for (int i = 0; i < SHED_A_TICK && cmd_excess_bytes(server->cmd) > 0; i++) {
        struct conn *c = heaviest_stalled(server, CLASS_ANY);

        if (c == NULL)
            break;
        if (frees_memory(c) && !conn_has_event(c))
            shed(c, CLOSE_SHED_PINS);
        else
            set_aside(c, &kept);
    }
    put_back(server, &kept);
}

/* --- Buffers, and time --- */

void
server_shed_for_waiters(struct server *server)
{
    struct list_node kept;

    list_init(&kept);
    for (int i = 0; i < SHED_A_TICK && pool_waiters(server->pool) > 0; i++) {
        struct conn *c = longest_stalled(server, STALL_WITH_BUFFER);

        if (c == NULL || conn_stalled_for_ms(c) < SHED_AFTER_MS)
            break;
        if (conn_has_event(c))
            set_aside(c, &kept);
        else
            shed(c, CLOSE_SHED_BUFFERS);
    }
    put_back(server, &kept);
}

static void
close_send_timeouts(struct server *server)
{
    uint64_t limit_ms = (uint64_t)server->config.send_timeout_s * 1000;
    struct list_node kept;

    list_init(&kept);
    for (int i = 0; i < SHED_A_TICK && limit_ms > 0; i++) {
        struct conn *c = longest_stalled(server, STALL_BLOCKED);

        if (c == NULL || conn_stalled_for_ms(c) < limit_ms)
            break;
        if (conn_has_event(c))
            set_aside(c, &kept);
        else
            shed(c, CLOSE_STALLED);
    }
    put_back(server, &kept);
}

void
server_shed(struct server *server)
{
    server_shed_for_waiters(server);
    shed_for_excess(server);
    close_send_timeouts(server);
}
