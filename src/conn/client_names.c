/* Keeps the names of clients in a hash table by the id of their connection. */
#include "client_names.h"

#include <string.h>

#include "lombard/base/invariant.h"
#include "lombard/base/sys.h"

enum { NAMES_A_BUCKET = 4, BUCKETS_MIN = 64 };

struct client_name {
    struct client_name *next;
    uint32_t id;
    char text[]; /* NUL-terminated */
};

void
client_names_init(struct client_names *names, uint32_t max)
{
    *names = (struct client_names){.max = max};
}

void
client_names_fini(struct client_names *names)
{
    (void)BROKEN(names->count != 0);
    if (names->buckets != NULL)
        sys_unmap(names->buckets, names->bucket_count * sizeof(struct client_name *));
}

static bool
make_buckets(struct client_names *names)
{
    uint32_t count = BUCKETS_MIN;

    while (count < names->max / NAMES_A_BUCKET)
        count *= 2;
    names->buckets = sys_map(count * sizeof(struct client_name *));
    names->bucket_count = count;
    return names->buckets != NULL;
}

/* Ids are given in order: they need no hash. */
static struct client_name **
bucket_of(const struct client_names *names, uint32_t id)
{
    return &names->buckets[id & (names->bucket_count - 1)];
}

static bool
is_name(struct slice name)
{
    for (size_t i = 0; i < name.len; i++)
        if (name.ptr[i] <= ' ' || name.ptr[i] > '~')
            return false;
    if (name.len == 1 && name.ptr[0] == '-') /* that is, none */
        return false;
    return name.len > 0 && name.len <= CLIENT_NAME_BYTES_MAX;
}

/* What points to the name of ID, or to NULL where it would be. There are buckets. */
static struct client_name **
link_of(const struct client_names *names, uint32_t id)
{
    struct client_name **link = bucket_of(names, id);

    while (*link != NULL && (*link)->id != id)
        link = &(*link)->next;
    return link;
}

static void
unlink_name(struct client_names *names, struct client_name **link)
{
    struct client_name *name = *link;

    *link = name->next;
    names->count--;
    sys_free(name);
}

enum name_result
client_names_set(struct client_names *names, uint32_t id, struct slice text)
{
    struct client_name **link;
    struct client_name *name;

    if (!is_name(text))
        return NAME_BAD;
    if (names->buckets == NULL && !make_buckets(names))
        return NAME_TOO_MANY;
    link = link_of(names, id);
    if (*link == NULL && names->count >= names->max)
        return NAME_TOO_MANY;
    name = sys_malloc(sizeof(*name) + text.len + 1);
    if (name == NULL)
        return NAME_TOO_MANY;
    if (*link != NULL)
        unlink_name(names, link);
    memcpy(name->text, text.ptr, text.len);
    name->text[text.len] = '\0';
    name->id = id;
    name->next = *bucket_of(names, id);
    *bucket_of(names, id) = name;
    names->count++;
    return NAME_SET;
}

const char *
client_names_get(const struct client_names *names, uint32_t id)
{
    const struct client_name *name = NULL;

    if (names->count > 0)
        name = *bucket_of(names, id);
    while (name != NULL && name->id != id)
        name = name->next;
    return name == NULL ? "-" : name->text;
}

void
client_names_drop(struct client_names *names, uint32_t id)
{
    struct client_name **link;

    if (names->count == 0)
        return;
    link = link_of(names, id);
    if (*link != NULL)
        unlink_name(names, link);
}
