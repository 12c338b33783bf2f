/* SPDX-License-Identifier: GPL-2.0-or-later */
/* All sockets of a namespace that wait at one port, by sock_diag: for whom they are, where the packet
 * found none. Asking changes nothing and loads no module. */
#ifndef NFPATH_LISTENERS_H
#define NFPATH_LISTENERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/path.h"

enum { LISTENERS_MAX = 16 };

struct listener {
	uint8_t family; /* AF_INET, AF_INET6 */
	struct endpoint at, peer; /* peer.port 0: of anybody */
	bool ip6_only;
	uint32_t ifindex; /* bound to this device; 0: to none */
	uint32_t waiting, most; /* TCP: connections that nobody has accepted, and its limit */
	uint32_t rcvbuf;	/* bytes; 0: not said */
	uint32_t drops;		/* packets that it dropped so far */
};

/*
 * Of TCP those that listen, of UDP all, in the namespace of netns_fd. Returns how many there are, at
 * most max, or a negative errno: -EOPNOTSUPP, it cannot be asked here; -EAGAIN, there is no time to ask;
 * -E2BIG, more than max.
 */
int listeners_at(int netns_fd, uint8_t proto, uint16_t port, struct listener *v, size_t max);

#endif
