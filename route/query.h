/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Questions to the kernel's routing: single lookups, and routes of a table. */
#ifndef NFPATH_ROUTE_QUERY_H
#define NFPATH_ROUTE_QUERY_H

#include "route/fib.h"
#include "route/rtnl.h"

/*
 * RTM_GETROUTE of flow: with flow->iif as what arrives there (ROUTE_LOOPBACK: as what this host
 * sends). match: the route and its table, as it is in there (RTM_F_FIB_MATCH); else what becomes of
 * this one packet. 0 and *route, or the error that the lookup ends with.
 */
int route_query(struct rtnl *r, const struct route_flow *flow, bool match, struct fib_route *route);

/* Was a lookup of this destination, made at this time (CLOCK_MONOTONIC), one of a recent
 * route_query()? The kernel makes them on behalf of packets, too, and they look alike. */
bool route_query_made(uint64_t ktime, const uint8_t *dst);

/* The protocol that the kernel takes for a flow that route_query() asks about: it knows few. */
uint8_t route_query_proto(const struct route_flow *flow);

/*
 * Feeds each route of table (0: of all tables) and type (0: of all types) whose destination covers
 * addr (NULL: every route) to cb. 0, also when there is no such table, or a negative errno.
 */
int route_query_table(struct rtnl *r, uint8_t family, uint32_t table, uint8_t type,
		      const uint8_t *addr,
		      void (*begin)(void *data),
		      void (*cb)(const struct fib_route *route, void *data), void *data);

/* The one of them that a lookup of flow takes, by fib_route_better(). */
struct route_best {
	const struct route_flow *flow;
	bool found;
	struct fib_route route; /* if so */
};

/* cb of route_query_table(); data is a struct route_best. */
void route_best_take(const struct fib_route *route, void *data);
/* best->flow is set. 0 or a negative errno. */
int route_query_best(struct rtnl *r, uint32_t table, uint8_t type, struct route_best *best);

#endif
