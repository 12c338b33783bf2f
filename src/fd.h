/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Descriptors below FD_SETSIZE are kept for who cannot do without: libnftables waits with select(),
 * and a trace of all namespaces of a host has thousands of descriptors.
 */
#ifndef NFPATH_FD_H
#define NFPATH_FD_H

struct mnl_socket;

/* The same file, above FD_SETSIZE where the limit of open files allows; fd is closed then. What is
 * negative stays. */
int fd_high(int fd);

/* As mnl_socket_open2(), of such a descriptor. NULL and errno on failure. */
struct mnl_socket *fd_high_mnl(int bus, int flags);

/* May libnftables be called now? It ends the process when it gets no socket, and is ended itself
 * when the number of it is too high. 0 or -EMFILE. */
int fd_low_is_free(void);

#endif
