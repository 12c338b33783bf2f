/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which socket of a namespace takes a packet, by the kernel's own lookup (sock_diag). Asking changes
 * nothing and loads no module. */
#ifndef NFPATH_SOCKETS_H
#define NFPATH_SOCKETS_H

#include <stdint.h>

#include "src/path.h"

struct sockets;

struct socket_info {
	const char *state; /* "listen", "established", "unconnected", …; static */
	uint32_t inode;	   /* 0: no process has it any more */
};

/* netns_fd is borrowed. NULL: out of memory. */
struct sockets *sockets_open(int netns_fd);
void sockets_close(struct sockets *s);

/*
 * The socket of TCP or UDP that a packet from remote to local goes to, which came by the device
 * ifindex (0: any). 0, -ENOENT: none; -EOPNOTSUPP: it cannot be asked here; or another errno.
 */
int sockets_find(struct sockets *s, uint8_t family, uint8_t proto, const struct endpoint *remote,
		 const struct endpoint *local, int ifindex, struct socket_info *info);

#endif
