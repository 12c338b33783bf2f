/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Adds to the facts what a table answers. */
#ifndef NFPATH_ROUTE_LEARN_H
#define NFPATH_ROUTE_LEARN_H

#include "route/facts.h"
#include "route/fib_ask.h"
#include "route/query.h"

struct route_sources {
	struct rtnl *rtnl;
	struct fib_ask *ask; /* NULL: this kernel has none */
	/* Counts the tables that were read as a whole. NULL: none is read, and what only that would
	 * tell stays unknown. */
	unsigned int *dumps;
};

/* What table answers for flow. 0 or a negative errno. */
int route_learn(const struct route_sources *by, struct route_facts *f, uint32_t table,
		const struct route_flow *flow);

/* The next hops of the route, where it names them by an object; names, masters and groups of the devices
 * that it leaves by. */
void route_devices_name(struct rtnl *r, struct fib_route *route);

#endif
