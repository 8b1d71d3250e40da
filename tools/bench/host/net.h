/*
 * tools/bench/host/net.h - where the server is, and connecting to it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "lombard/base/attr.h"

struct net_addr {
    struct sockaddr_storage addr;
    socklen_t len;
    char text[128]; /* as the user gave it */
};

/*
 * "host:port", "[v6]:port", "host" (port 11211), or a path to a unix socket
 * ("/run/x.sock", "unix:x.sock"). False: *WHY says what is wrong with it.
 */
bool net_resolve(const char *text, struct net_addr *out, const char **why) MUST_USE;

/*
 * A connected, non-blocking socket, or -1 with errno. SOURCE is the index of a
 * source address within 127/8 to bind first, 0 for none: one address has ports
 * for some 28,000 connections only.
 */
int net_connect(const struct net_addr *addr, uint32_t source) MUST_USE;

/* The same without waiting: the socket may still be connecting. When it is writable,
 * net_connect_end() says how that went; false with errno, EINPROGRESS if it is still going on. */
int net_connect_begin(const struct net_addr *addr, uint32_t source) MUST_USE;
bool net_connect_end(int fd) MUST_USE;

/* Whether the other end of FD is on this machine. */
bool net_is_local(int fd);
/* Whether that of a connection to ADDR would be. Nothing is sent. */
bool net_leads_home(const struct net_addr *addr);

/* A socket that listens on a free port of 127.0.0.1, which is written to *OUT; -1 with errno. */
int net_listen(struct net_addr *out) MUST_USE;

/* Send all of it, by a blocking socket whose peer reads; false with errno. */
bool net_send_all(int fd, const unsigned char *p, size_t bytes) MUST_USE;

/* In a child process: close all that it has inherited but FD, OTHER (-1: none) and what is below 3.
 * A socket that it held, too, would stay open when the parent closes it; so would a pipe. */
void net_keep_only(int fd, int other);

/* Raise the limit of open files as far as allowed; the limit then. */
uint64_t net_raise_file_limit(void);
