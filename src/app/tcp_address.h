/*
 * src/app/tcp_address.h - addresses as the command line has them.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lombard/base/attr.h"

struct tcp_address {
    char host[256]; /* a name, or a number without brackets */
    uint16_t port;
};

/*
 * "host", "host:port", "[v6]", "[v6]:port"; a bare v6 address has two colons or more. Without a
 * port it is DEFAULT_PORT, or 0 where that is none. False when TEXT is malformed.
 */
bool tcp_address_parse(const char *text, int default_port,
                       struct tcp_address *address) MUST_USE;
