// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/advice.h"

#include <string.h>
#include <sys/socket.h>

#include "route/collect.h"
#include "route/fixes.h"

enum { A_SECOND = 20 }; /* packets that are advised: each takes some 1 ms */

/* What the kernel calls a refusal, and what route_decide() may call it. */
static const struct {
	const char *said;
	uint32_t reasons; /* bits of enum route_reason */
} words[] = {
	{"IP_INADDRERRORS", 1 << ROUTE_FORWARDING_OFF | 1 << ROUTE_NO_ROUTE |
				    1 << ROUTE_UNREACHABLE | 1 << ROUTE_PROHIBIT |
				    1 << ROUTE_BLACKHOLE},
	{"IP_INNOROUTES", 1 << ROUTE_NO_ROUTE},
	{"IP_LOCAL_SOURCE", 1 << ROUTE_LOCAL_SOURCE},
	{"IP_LOCALNET", 1 << ROUTE_MARTIAN_SOURCE | 1 << ROUTE_MARTIAN_DESTINATION},
	{"none", 1 << ROUTE_NO_ROUTE},
	{"unreachable", 1 << ROUTE_UNREACHABLE},
	{"prohibit", 1 << ROUTE_PROHIBIT},
	{"blackhole", 1 << ROUTE_BLACKHOLE},
};

static uint32_t reasons_of(const struct step *s)
{
	const char *said = s->type == STEP_DROP	   ? s->drop.reason
			   : s->type == STEP_ROUTE ? s->route.result
						   : NULL;

	for (size_t i = 0; said && i < sizeof(words) / sizeof(words[0]); i++)
		if (!strcmp(words[i].said, said))
			return words[i].reasons;
	return 0;
}

static bool too_many(const struct path *p)
{
	static uint64_t second, n;
	uint64_t now = p->time_ns / 1000000000;

	if (second != now)
		n = 0;
	second = now;
	return ++n > A_SECOND;
}

/* The headers that routing saw: DNAT was before it. */
static struct route_flow flow_of(const struct path *p, uint32_t iif)
{
	const struct packet *packet = &p->packet;
	const struct endpoint *dst = &packet->dst;
	struct route_flow flow = {.family = packet->family,
				  .has_src = true,
				  .iif = iif,
				  .mark = packet->mark,
				  .proto = packet->proto};

	for (size_t i = 0; i < p->n_steps; i++)
		if (p->steps[i].type == STEP_NAT && p->steps[i].nat.dnat)
			dst = &p->steps[i].nat.dst;
	memcpy(flow.dst, dst->addr, packet->family == AF_INET ? 4 : 16);
	memcpy(flow.src, packet->src.addr, packet->family == AF_INET ? 4 : 16);
	if (packet->has_ports) {
		flow.sport = packet->src.port;
		flow.dport = dst->port;
	}
	return flow;
}

static void decide(struct path *p, struct route_collector *c, struct route_flow *flow,
		   uint32_t reasons)
{
	struct route_decision d = {0};
	struct route_fix fixes[ROUTE_FIXES];
	struct route_facts f;

	if (route_collect(c, flow, &f, NULL))
		return;
	if (!route_collect_and_decide(c, &f, flow, &d, NULL) && d.verdict == ROUTE_DROP &&
	    reasons & 1u << d.reason && route_fixes(c, &f, flow, &d, fixes))
		p->fix = path_strf(p, "%s (%s)", fixes[0].change, fixes[0].effect);
	route_decision_free(&d);
	route_facts_free(&f);
}

void advise(struct path *p, const struct view *v)
{
	const struct step *s = p->decided_by >= 0 ? &p->steps[p->decided_by] : NULL;
	struct route_collector *c;
	struct route_flow flow;
	int iif;

	/* In a namespace further on it came by a device that is not told here. */
	if (!s || p->n_places != 1 || p->verdict != PATH_DROPPED || !p->packet.has_addrs ||
	    !p->packet.iif[0] || !reasons_of(s) || too_many(p))
		return;
	iif = netconf_ifindex(v->netconf, p->packet.iif);
	c = iif > 0 ? route_collector_open(v->ns->fd, NULL) : NULL;
	if (!c)
		return;
	flow = flow_of(p, iif);
	decide(p, c, &flow, reasons_of(s));
	route_collector_close(c);
}
