/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The bridges of a namespace that have a network of their own: of a container without a rule that
 * names its bridge, the address tells. */
#ifndef NFPATH_HOST_BRIDGES_H
#define NFPATH_HOST_BRIDGES_H

#include <stddef.h>
#include <stdint.h>

struct host_bridges {
	struct bridge_network {
		uint8_t family, addr[16], mask[16];
		char name[16];
	} * v;
	size_t n;
};

/* What cannot be read is none. */
void host_bridges_read(struct host_bridges *b, int netns_fd);
void host_bridges_free(struct host_bridges *b);

/* The one in whose network the address is; NULL: none, or several. */
const char *host_bridges_of(const struct host_bridges *b, uint8_t family, const uint8_t *addr);

#endif
