/* Reads "host:port" in its forms. */
#include "tcp_address.h"

#include <stdio.h>
#include <string.h>

#include "lombard/base/num.h"

bool
tcp_address_parse(const char *text, int default_port, struct tcp_address *address)
{
    const char *end = text + strlen(text);
    const char *colon = strrchr(text, ':');
    const char *port = NULL;
    uint32_t number = default_port > 0 ? (uint32_t)default_port : 0;

    if (*text == '[') {
        text++;
        end = strchr(text, ']');
        if (end == NULL || (end[1] != '\0' && end[1] != ':'))
            return false;
        port = end[1] == ':' ? end + 2 : NULL;
    } else if (colon != NULL && strchr(text, ':') == colon) {
        end = colon;
        port = colon + 1;
    }
    if (port != NULL &&
        (!num_parse_u32(slice_make(port, strlen(port)), &number) || number > 65535))
        return false;
    if (end == text || (size_t)(end - text) >= sizeof(address->host))
        return false;
    (void)snprintf(address->host, sizeof(address->host), "%.*s", (int)(end - text), text);
    address->port = (uint16_t)number;
    return true;
}
