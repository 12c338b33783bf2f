/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Next hops that are objects of their own (`ip nexthop`). */
#ifndef NFPATH_ROUTE_NEXTHOP_H
#define NFPATH_ROUTE_NEXTHOP_H

#include "route/fib.h"
#include "route/rtnl.h"

/*
 * Adds the next hops of the object that the route names, for a route that came without any: with
 * net.ipv4.nexthop_compat_mode=0 the kernel tells no more than the number of the object. What cannot
 * be read leaves the route as it is.
 */
void route_nexthops_read(struct rtnl *r, struct fib_route *route);

#endif
