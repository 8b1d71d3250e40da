/*
 * tests/fuzz/fuzz_conn.c - the whole server below app, on the simulated kernel.
 *
 * The input is a list of acts: a byte that says which, on which of three
 * connections, and what belongs to it. Bytes are sent in pieces, windows open and
 * close, connections break and come back, time passes, calls are cut. After every
 * iteration the invariants are checked; at the end nothing may be left.
 */
#include <string.h>

#include "fuzz.h"
#include "rig.h"
#include "sim_sys.h"

enum { LINKS = 3, CAP = 16 * 1024, INPUT_MAX = 16 * 1024 };

enum act {
    ACT_SEND_SHORT,  /* one byte of length, then the bytes */
    ACT_SEND_LONG,   /* two bytes of length, then the bytes */
    ACT_SEND_FILLER, /* two bytes of length, of 'x' */
    ACT_READ,        /* two bytes of how many */
    ACT_WINDOW,      /* the server may send that many bytes more */
    ACT_ITERATE,
    ACT_WAIT, /* one byte of 100 ms */
    ACT_RESET,
    ACT_FINISH,
    ACT_CUT, /* one byte: one call in that many is short */
    ACTS,
};

struct input {
    const uint8_t *bytes;
    size_t left;
};

static uint32_t
take(struct input *in, unsigned bytes)
{
    uint32_t v = 0;

    for (; bytes > 0 && in->left > 0; bytes--, in->left--)
        v = v << 8 | *in->bytes++;
    return v;
}

static void
send_bytes(struct input *in, struct sim_link *link, size_t len)
{
    size_t n = len < in->left ? len : in->left;

    (void)sim_send(link, in->bytes, n);
    in->bytes += n;
    in->left -= n;
}

static void
send_filler(struct sim_link *link, size_t len)
{
    static char filler[65536];

    if (filler[0] == '\0')
        memset(filler, 'x', sizeof(filler));
    (void)sim_send(link, filler, len);
}

static void
read_bytes(struct sim_link *link, size_t len)
{
    static char scrap[65536];

    (void)sim_recv(link, scrap, len < sizeof(scrap) ? len : sizeof(scrap));
}

static void
act(struct rig *rig, struct input *in, struct sim_link **links)
{
    struct sim_faults faults = {.cut = 0};
    uint32_t code = take(in, 1);
    struct sim_link **link = &links[(code / ACTS) % LINKS];

    if (*link == NULL)
        *link = sim_connect(rig->listen_fd, CAP, CAP);
    switch ((enum act)(code % ACTS)) {
    case ACT_SEND_SHORT: send_bytes(in, *link, take(in, 1)); break;
    case ACT_SEND_LONG: send_bytes(in, *link, take(in, 2)); break;
    case ACT_SEND_FILLER: send_filler(*link, take(in, 2)); break;
    case ACT_READ: read_bytes(*link, take(in, 2)); break;
    case ACT_WINDOW: sim_set_window(*link, sim_sent_bytes(*link) + take(in, 2)); break;
    case ACT_ITERATE: break;
    case ACT_WAIT: sim_advance_ms(UINT64_C(100) * take(in, 1)); break;
    case ACT_RESET:
        sim_link_free(*link);
        *link = NULL;
        break;
    case ACT_FINISH: sim_finish_sending(*link); break;
    case ACT_CUT:
        faults.cut = faults.again = faults.interrupt = take(in, 1) % 8;
        sim_set_faults(&faults);
        break;
    case ACTS: break;
    }
    rig_iterate(rig);
}

/* No client knows the password: so nothing may have been stored. */
static void
check_untouched(const struct rig *rig)
{
    struct store_layout layout;

    store_layout(rig->store, &layout);
    if (layout.items != 0)
        sim_die("stored without a password");
}

/* PASSWORDS: NULL, or of no client that there is. */
static void
play(struct input in, const struct passwords *passwords)
{
    struct rig_config config = {
        .max_conns = 2,
        .buffers = 64,
        .idle_timeout_s = 20,
        .send_timeout_s = 10,
        .limit_bytes = 2 << 20,
        .item_bytes_max = 256 << 10,
        .passwords = passwords,
        .auth_timeout_s = 30,
    };
    struct sim_link *links[LINKS] = {NULL};
    struct rig rig;

    sim_begin(1);
    if (!rig_start(&rig, &config))
        sim_die("no server without a fault");
    while (in.left > 0)
        act(&rig, &in, links);
    sim_no_faults();
    for (int i = 0; i < LINKS; i++)
        sim_link_free(links[i]);
    rig_iterations(&rig, 4);
    if (passwords != NULL)
        check_untouched(&rig);
    rig_stop(&rig);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct passwords passwords;
    unsigned line;

    if (size > INPUT_MAX)
        return 0;
    if (passwords_parse(&passwords, SLICE("nobody:\x01\xfe\xdc\xba\x98\n"), &line) !=
        PASSWORDS_OK)
        sim_die("no password");
    play((struct input){data, size}, NULL);
    play((struct input){data, size}, &passwords);
    return 0;
}
