/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Adds to the facts what a table answers. */
#ifndef NFPATH_ROUTE_LEARN_H
#define NFPATH_ROUTE_LEARN_H

#include "route/facts.h"
#include "route/fib_ask.h"
#include "route/query.h"

/* Who can read routes out of the kernel's memory. */
struct fib_reader {
	/* route_query_table() for one address; of IPv6 for a type that refuses, and then only the
	 * route with the longest prefix. Negative errno: it cannot be told, and what was fed to cb is
	 * not all. */
	int (*read)(void *ctx, uint8_t family, uint32_t table, uint8_t type, const uint8_t *addr,
		    void (*cb)(const struct fib_route *route, void *data), void *data);
	void *ctx;
};

struct route_sources {
	struct rtnl *rtnl;
	struct fib_ask *ask; /* NULL: this kernel has none */
	/* Counts the tables that were read as a whole. NULL: none is, and what only that would tell
	 * stays unknown. */
	unsigned int *dumps;
	const struct fib_reader *reader; /* NULL: nobody */
};

/* What table answers for flow. 0 or a negative errno. */
int route_learn(const struct route_sources *by, struct route_facts *f, uint32_t table,
		const struct route_flow *flow);

/* The next hops of the route, where it names them by an object; names, masters and groups of the devices
 * that it leaves by. */
void route_devices_name(struct rtnl *r, struct fib_route *route);

#endif
