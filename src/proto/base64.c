/* Encodes and decodes keys in base64. */
#include "base64_priv.h"

#include <stdint.h>

static const char alphabet[64] = {
    'A', 'B', 'C', 'D', 'E', 'F', 'G', 'H', 'I', 'J', 'K', 'L', 'M', 'N', 'O', 'P',
    'Q', 'R', 'S', 'T', 'U', 'V', 'W', 'X', 'Y', 'Z', 'a', 'b', 'c', 'd', 'e', 'f',
    'g', 'h', 'i', 'j', 'k', 'l', 'm', 'n', 'o', 'p', 'q', 'r', 's', 't', 'u', 'v',
    'w', 'x', 'y', 'z', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', '+', '/',
};

/* The six bits that C stands for, or -1. */
static int
sextet(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if (c == '+')
        return 62;
    return c == '/' ? 63 : -1;
}

bool
base64_decode(char *dst, struct slice src, size_t *bytes)
{
    size_t padding = 0;
    uint32_t bits = 0;
    size_t n = 0;

    if (src.len == 0 || src.len % 4 != 0)
        return false;
    while (padding < 2 && src.ptr[src.len - 1 - padding] == '=')
        padding++;
    for (size_t i = 0; i < src.len; i++) {
        int six = i < src.len - padding ? sextet(src.ptr[i]) : 0;

        if (six < 0)
            return false;
        bits = bits << 6 | (uint32_t)six;
        if (i % 4 != 3)
            continue;
        dst[n++] = (char)(bits >> 16 & 0xff);
        dst[n++] = (char)(bits >> 8 & 0xff);
        dst[n++] = (char)(bits & 0xff);
        bits = 0;
    }
    *bytes = n - padding;
    return true;
}

size_t
base64_encode(char *dst, struct slice src)
{
    size_t n = 0;

    for (size_t i = 0; i < src.len; i += 3) {
        size_t left = src.len - i;
        uint32_t bits = (uint32_t)(unsigned char)src.ptr[i] << 16;

        if (left > 1)
            bits |= (uint32_t)(unsigned char)src.ptr[i + 1] << 8;
        if (left > 2)
            bits |= (uint32_t)(unsigned char)src.ptr[i + 2];
        dst[n++] = alphabet[bits >> 18 & 63];
        dst[n++] = alphabet[bits >> 12 & 63];
        dst[n++] = left > 1 ? alphabet[bits >> 6 & 63] : '=';
        dst[n++] = left > 2 ? alphabet[bits & 63] : '=';
    }
    return n;
}
