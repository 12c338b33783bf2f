// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/route_report.h"

#include <sys/socket.h>
#include <linux/rtnetlink.h>

static bool leaves_by(const struct fib_route *route, const struct fib_route *other)
{
	for (unsigned int i = 0; i < route->n_legs && other->n_legs; i++)
		if (route->legs[i].ifindex == other->legs[0].ifindex)
			return true;
	return !route->n_legs || !other->n_legs;
}

/* IPv6: the kernel's answer is that of its tables; forwarding and sources are checked elsewhere. */
static bool refuses(const struct route_decision *d, const struct route_facts *f)
{
	if (f->family == AF_INET6)
		return d->forward.error;
	return d->verdict == ROUTE_DROP;
}

const char *route_disagreement(const struct route_decision *d, const struct route_facts *f,
			       const struct route_answer *a)
{
	const struct fib_route *route = d->forward.route;

	if (!a->asked || d->verdict == ROUTE_UNDECIDED || d->some_legs)
		return NULL;
	if (f->family == AF_INET6 && !d->forward.made)
		return NULL;
	if (refuses(d, f) != (a->error != 0))
		return a->error ? "it would refuse the packet" : "it would let the packet pass";
	/* What is for this host "leaves" by lo, and what is sent to a device may have no route. */
	if (a->error || !route || d->forward.error || route->type != RTN_UNICAST)
		return NULL;
	if (a->route.table != d->forward.table)
		return "it takes a route of another table";
	return leaves_by(route, &a->route) ? NULL : "it leaves by another device";
}
