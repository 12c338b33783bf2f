/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Adds to the facts what a table answers. */
#ifndef NFPATH_ROUTE_LEARN_H
#define NFPATH_ROUTE_LEARN_H

#include "route/facts.h"
#include "route/query.h"

/* What table answers for flow. Counts in *dumps the tables that were read as a whole; NULL: none is
 * read, and what only that would tell stays unknown. 0 or a negative errno. */
int route_learn(struct rtnl *r, struct route_facts *f, uint32_t table,
		const struct route_flow *flow, unsigned int *dumps);

/* Names, masters and groups of the devices that the route leaves by. */
void route_devices_name(struct rtnl *r, struct fib_route *route);

#endif
