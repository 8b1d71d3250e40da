/* Reads the images of a takeover: numbers, files, and the order of the descriptors. */
#include "takeover_image.h"

#include <stdio.h>
#include <unistd.h>

#include "lombard/base/image.h"
#include "passing.h"
#include "process.h"

enum { PATH_BYTES_MAX = 4096 };

static int
take_fd(struct takeover *t)
{
    return t->offer_used < t->offer.count ? t->offer.fd[t->offer_used++] : -1;
}

static const char *
take_file(struct process *p, struct slice list)
{
    struct takeover *t = &p->takeover;
    struct own_file *file = NULL;
    struct image_entry entry;
    uint64_t which = 0;
    char path[PATH_BYTES_MAX] = "";
    int dir = take_fd(t), fd = take_fd(t);

    while (image_next(&list, &entry) == IMAGE_ENTRY)
        if (entry.type == 1)
            (void)!image_number(&entry, SESSION_ROLES + 2, &which);
        else if (entry.type == 2 && entry.bytes.len < sizeof(path))
            (void)snprintf(path, sizeof(path), "%.*s", (int)entry.bytes.len, entry.bytes.ptr);
    if (which == SESSION_ROLES + 2)
        file = &p->pid_file;
    else if (which > 1)
        file = &p->sockets.files[which - 2];
    else if (which == 1)
        file = &p->control.file;
    if (file == NULL || file->fd >= 0 || fd < 0 || !own_file_adopt(file, path, dir, fd))
        return "it has a file that cannot be";
    return NULL;
}

/* Of socket activation: the server there has them, too. */
static void
close_own(struct daemon_sockets *own)
{
    for (int role = 0; role < SESSION_ROLES; role++) {
        for (int i = 0; i < own->of[role].count; i++)
            (void)close(own->of[role].fd[i]);
        own->of[role].count = 0;
    }
}

const char *
takeover_take_listeners(struct process *p)
{
    struct takeover *t = &p->takeover;

    close_own(&p->sockets);
    for (size_t i = 0; i < t->listeners.len; i++) {
        unsigned role = (unsigned char)t->listeners.ptr[i];
        struct listen_sockets *sockets;

        if (role >= SESSION_ROLES || t->offer_used == t->offer.count)
            return "it has a socket that cannot be";
        sockets = &p->sockets.of[role];
        if (sockets->count == LISTEN_SOCKETS_MAX)
            return "it has too many sockets";
        sockets->fd[sockets->count++] = take_fd(t);
    }
    return NULL;
}

/* The entries that are a number, and where it goes. */
static uint64_t *
number_of(struct takeover *t, uint32_t type)
{
    switch (type) {
    case PASS_PID | IMAGE_OPTIONAL: return &t->pid;
    case PASS_BEGUN_NS | IMAGE_OPTIONAL: return &t->begun_ns;
    case PASS_CLOCK_START_NS: return &t->clock_start_ns;
    case PASS_CLOCK_UNIX_S: return &t->clock_unix_s;
    case PASS_CLOCK_FIRST_S: return &t->clock_first_s;
    case PASS_ITEM_MAX: return &t->item_max;
    case PASS_WANTS_AUTH: return &t->wants_auth;
    case PASS_KEPT_FILE: return &t->kept_file;
    case PASS_WATCHDOG_MS | IMAGE_OPTIONAL: return &t->watchdog_ms;
    case PASS_LEASE: return &t->lease;
    default: return NULL;
    }
}

static struct slice *
bytes_of(struct takeover *t, uint32_t type)
{
    switch (type) {
    case PASS_VERSION | IMAGE_OPTIONAL: return &t->version;
    case PASS_LISTENERS: return &t->listeners;
    case PASS_SERVER: return &t->server;
    case PASS_COUNTERS | IMAGE_OPTIONAL: return &t->counters;
    default: return NULL;
    }
}

static const char *
read_entry(struct process *p, const struct image_entry *entry)
{
    struct takeover *t = &p->takeover;
    uint64_t *number = number_of(t, entry->type);
    struct slice *bytes = bytes_of(t, entry->type);

    if (number != NULL)
        return image_number(entry, UINT64_MAX, number) ? NULL
                                                       : "it has a number that cannot be";
    if (bytes != NULL) {
        *bytes = entry->bytes;
        return NULL;
    }
    if (entry->type == PASS_FILES)
        return take_file(p, entry->bytes);
    return image_is_optional(entry) ? NULL : "it has what is not known here";
}

const char *
takeover_read_image(struct process *p, const struct takeover_image *image)
{
    struct slice list = slice_make(image->mem, image->len);
    struct image_entry entry;
    const char *why = NULL;

    while (why == NULL)
        switch (image_next(&list, &entry)) {
        case IMAGE_ENTRY: why = read_entry(p, &entry); break;
        case IMAGE_END: return NULL;
        case IMAGE_TORN: return "its image is cut";
        }
    return why;
}
