/*
 * tools/top/dial.h - connects to what an operator calls a server.
 */
#pragma once

#include <stdbool.h>

#include "lombard/base/attr.h"

enum { DIAL_HOST_BYTES = 128 };

/*
 * Begin to connect to ADDRESS: host, host:port, :port, [v6]:port, or the path of a UNIX socket, which
 * has a slash. A descriptor that does not block, and is writable once it is connected; or -1, and in
 * *WHY a text that lives until the next call.
 */
int dial(const char *address, const char **why);
/* Whether ADDRESS may be one, whatever is there. */
bool dial_is_address(const char *address) MUST_USE;
