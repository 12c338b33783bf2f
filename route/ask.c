// SPDX-License-Identifier: GPL-2.0-or-later
/* The kernel's own answer to the whole question. */
#include <sys/socket.h>

#include "route/collect.h"
#include "route/learn.h"
#include "route/query.h"

static bool asks_for_ports(const struct route_facts *f)
{
	for (size_t i = 0; i < f->n_rules; i++)
		if (f->rules[i].proto || f->rules[i].sport.hi || f->rules[i].dport.hi)
			return true;
	return false;
}

void route_ask(struct route_collector *c, const struct route_facts *f,
	       const struct route_flow *flow, const struct route_decision *d,
	       struct route_answer *a)
{
	struct route_flow q = *flow;

	*a = (struct route_answer){0};
	if (d->input && f->family == AF_INET && d->effective.log_martians) {
		a->why_not = "log_martians is on: a refusal would be written to the kernel's log";
		return;
	}
	if (d->input && !f->arrival.up) {
		a->why_not = "the device is down";
		return;
	}
	if (f->family == AF_INET6 && flow->dst[0] == 0xff) {
		a->why_not = "IPv6 does not answer for multicast";
		return;
	}
	if (route_query_proto(flow) != flow->proto && asks_for_ports(f)) {
		a->why_not =
			"a policy rule asks for protocol or ports, and RTM_GETROUTE takes TCP, "
			"UDP and ICMP only";
		return;
	}
	if (route_query_proto(flow) != flow->proto)
		q.sport = q.dport = 0;
	if (!d->input)
		q.iif = ROUTE_LOOPBACK;
	a->asked = true;
	a->error = route_query(route_collector_rtnl(c), &q, false, &a->route);
	if (!a->error)
		route_devices_name(route_collector_rtnl(c), &a->route);
}
