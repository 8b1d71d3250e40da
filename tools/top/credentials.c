/* Reads the file of --auth, and makes of it the request that logs in. */
#include "credentials.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lombard/base/passwords.h"

enum { FILE_BYTES_MAX = PASSWORDS_MAX * (PASSWORDS_LINE_BYTES + 2) };

static void
make_request(struct credentials *credentials, const struct password_entry *entry)
{
    (void)snprintf(credentials->request, sizeof(credentials->request),
                   "set login 0 0 %zu\r\n%.*s %.*s\r\n",
                   entry->user_len + 1 + entry->password_len, (int)entry->user_len,
                   (const char *)entry->user, (int)entry->password_len,
                   (const char *)entry->password);
}

bool
credentials_load(struct credentials *credentials, const char *path, const char **why)
{
    char text[FILE_BYTES_MAX + 1];
    struct passwords passwords = {0};
    FILE *file = fopen(path, "re");
    unsigned line;
    size_t len;
    bool failed;

    *why = strerror(errno);
    if (file == NULL)
        return false;
    len = fread(text, 1, sizeof(text), file);
    failed = ferror(file) != 0;
    *why = strerror(errno);
    (void)fclose(file);
    if (failed)
        return false;
    *why = "it is no file of lines user:password";
    if (passwords_parse(&passwords, slice_make(text, len), &line) != PASSWORDS_OK)
        return false;
    make_request(credentials, &passwords.entries[0]);
    passwords_wipe(&passwords);
    return true;
}
