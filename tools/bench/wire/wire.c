/* Finds a protocol by its name. */
#include "wire/wire.h"

#include <string.h>

const struct wire *
wire_find(const char *name)
{
    static const struct wire *const all[] = {&wire_text, &wire_meta, &wire_binary};

    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        if (strcmp(all[i]->name, name) == 0)
            return all[i];
    }
    return NULL;
}
