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

/* NULL, or in what the kernel's answer differs from the decision. */
static const char *disagreement(const struct route_decision *d, const struct route_facts *f,
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

static int find_devices(struct route_collector *c, struct route_report *r, struct error *err)
{
	int rc = 0;

	if (r->iif[0])
		rc = route_collector_device(c, r->iif, &r->flow.iif, err);
	if (!rc && r->oif[0])
		rc = route_collector_device(c, r->oif, &r->flow.oif, err);
	return rc;
}

static int fill(struct route_collector *c, struct route_report *r, struct error *err)
{
	struct route_flow flow;
	int rc = find_devices(c, r, err);

	if (rc)
		return rc;
	flow = r->flow;
	rc = route_collect(c, &flow, &r->facts, err);
	if (!rc)
		rc = route_collect_and_decide(c, &r->facts, &flow, &r->decision, err);
	if (rc)
		return rc;
	route_ask(c, &r->facts, &flow, &r->decision, &r->answer);
	r->disagreement = disagreement(&r->decision, &r->facts, &r->answer);
	if (r->decision.verdict == ROUTE_DROP)
		r->n_fixes = route_fixes(c, &r->facts, &flow, &r->decision, r->fixes);
	r->tables_read = route_collector_dumps(c);
	return 0;
}

int route_report_fill(struct route_report *r, struct error *err)
{
	struct route_collector *c = route_collector_open(r->netns->fd, err);
	int rc = err->rc;

	if (c) {
		route_collector_read_by(c, r->reader);
		rc = fill(c, r, err);
	}
	route_collector_close(c);
	return rc;
}

void route_report_clear(struct route_report *r)
{
	route_decision_free(&r->decision);
	route_facts_free(&r->facts);
}
