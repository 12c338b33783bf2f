// SPDX-License-Identifier: GPL-2.0-or-later
/* Which route lookups are a packet's own. A lookup names no packet, only addresses; the CPU that
 * makes it tells, and the moment. */
#include <errno.h>
#include <linux/netfilter.h>
#include <string.h>
#include <sys/socket.h>

#include "src/packet.h"
#include "src/tracker_parts.h"

/* A route lookup comes right before the output hook that uses it. */
static const uint64_t route_before_output_ns = 1000 * 1000;

/* Do these two lookups belong to one decision? The first tables that had no answer are not worth a
 * step of their own. */
static bool continues_decision(const struct step *last, bool input, bool reverse)
{
	if (reverse)
		return last->type == STEP_RP_FILTER && !last->rpf.reverse_dev;
	return last->type == STEP_ROUTE && last->route.input == input && last->route.error;
}

/* The network that was found, of the address that was looked up: NAT may have changed it since the
 * packet was first seen. */
static const char *prefix_of(struct path *p, const struct event *ev)
{
	uint8_t addr[ADDR_MAX];
	char text[64];

	if (ev->route.error || ev->route.plen < 0)
		return NULL;
	memcpy(addr, ev->route.dst, sizeof(addr));
	for (int bit = ev->route.plen; bit < ADDR_MAX * 8; bit++)
		addr[bit / 8] &= (uint8_t) ~(0x80 >> bit % 8);
	return path_strf(p, "%s/%d", addr_text(text, sizeof(text), ev->route.family, addr),
			 ev->route.plen);
}

static void add_route(struct live *l, const struct event *ev, bool reverse)
{
	struct path *p = l->path;
	uint8_t family = ev->route.family == AF_INET6 ? NFPROTO_IPV6 : NFPROTO_IPV4;
	struct step *s = p->n_steps ? &p->steps[p->n_steps - 1] : NULL;
	char text[64];

	if (!s || !continues_decision(s, ev->route.input, reverse))
		s = path_add(p, reverse ? STEP_RP_FILTER : STEP_ROUTE, family, HOOK_NONE);
	if (!s)
		return;
	if (reverse) {
		s->rpf.mode = s->rpf.all = s->rpf.dev_mode = -1;
		s->rpf.pass = true;
		s->rpf.iif = path_str(p, l->now.iif);
		s->rpf.reverse_dev = ev->route.error ? NULL : path_str(p, ev->route.dev);
		s->rpf.looked = true;
		s->rpf.reverse_type = ev->route.error ? 0 : ev->route.type;
		return;
	}
	s->route.input = ev->route.input;
	s->route.error = ev->route.error;
	s->route.table = ev->route.table;
	s->route.rule = -1;
	s->route.dev = ev->route.error ? NULL : path_str(p, ev->route.dev);
	if (ev->route.has_gateway && !ev->route.error)
		s->route.gateway = path_str(
			p, addr_text(text, sizeof(text), ev->route.family, ev->route.gateway));
	s->route.type = ev->route.type;
	s->route.prefix = prefix_of(p, ev);
}

enum flow_fit { FLOW_OTHER, FLOW_FORWARD, FLOW_REVERSE };

static enum flow_fit flow_fits(const struct packet *p, const struct event *ev)
{
	static const uint8_t any[ADDR_MAX];
	size_t n = ev->route.family == AF_INET6 ? 16 : 4;
	bool src_any = !memcmp(ev->route.src, any, n);

	if (p->family != ev->route.family || !p->has_addrs)
		return FLOW_OTHER;
	if (!memcmp(p->dst.addr, ev->route.dst, n) &&
	    (!memcmp(p->src.addr, ev->route.src, n) || src_any))
		return FLOW_FORWARD;
	if (!memcmp(p->src.addr, ev->route.dst, n) &&
	    (!memcmp(p->dst.addr, ev->route.src, n) || src_any))
		return FLOW_REVERSE;
	return FLOW_OTHER;
}

/*
 * Past prerouting comes the routing decision of what arrived; in output, a changed packet is routed
 * again. Lookups at other times are those of another packet, such as the answer that this one
 * provokes.
 */
static bool is_routed_now(const struct live *l)
{
	const struct path *p = l->path;

	if (l->ended)
		return false;
	return p->left_last ? p->last_hook == NF_INET_PRE_ROUTING && !l->ruled
			    : p->last_hook == NF_INET_LOCAL_OUT;
}

/*
 * Arrived packets: lookups for the way on, table after table until one has an answer, then for the
 * way back (fib_validate_source()). What comes after that is done for the ICMP error that the
 * packet provokes (icmp_route_lookup()), which looks all of it up again.
 */
static bool is_its_lookup(struct live *l, const struct event *ev, enum flow_fit fit)
{
	if (fit == FLOW_OTHER || l->ns != ev->ns || !is_routed_now(l))
		return false;
	if (!l->path->left_last)
		return fit == FLOW_FORWARD && !ev->route.input;
	if (fit == FLOW_FORWARD) {
		if (!ev->route.input || l->routed != ROUTED_NOT)
			return false;
		if (ev->route.error != -EAGAIN)
			l->routed = ev->route.error ? ROUTED_OVER : ROUTED_ON;
		return true;
	}
	if (l->routed != ROUTED_ON)
		return false;
	if (ev->route.error != -EAGAIN)
		l->routed = ROUTED_OVER;
	return true;
}

/* Of the packet with this id, which is sure. */
static void route_by_id(struct tracker *t, const struct event *ev)
{
	struct live *l = live_find_id(&t->table, ev);
	bool reverse;

	if (!l || l->done)
		return;
	tracker_heard(t, l, ev);
	reverse = ev->route.input && flow_fits(&l->now, ev) == FLOW_REVERSE;
	add_route(l, ev, reverse);
}

void tracker_on_route(struct tracker *t, const struct event *ev)
{
	struct kept_route *kept;
	struct live *l;

	if (ev->has_id && ev->sure_id) {
		route_by_id(t, ev);
		return;
	}
	/* The packet that this CPU was last busy with, if the flow is its own. */
	TAILQ_FOREACH_REVERSE(l, &t->table.live, live_tailq, order) {
		enum flow_fit fit;

		if (l->cpu != ev->cpu || ev->cpu < 0)
			continue;
		fit = flow_fits(&l->now, ev);
		if (!is_its_lookup(l, ev, fit))
			break;
		tracker_heard(t, l, ev);
		add_route(l, ev, fit == FLOW_REVERSE);
		return;
	}
	kept = &t->routes[t->next_route++ % ROUTES_KEPT];
	kept->ev = *ev;
	kept->ev.packet = NULL; /* not ours to keep */
	if (ev->route.dev) {
		strncpy(kept->dev, ev->route.dev, sizeof(kept->dev) - 1);
		kept->ev.route.dev = kept->dev;
	}
}

void tracker_claim_routes(struct tracker *t, struct live *l, const struct event *ev)
{
	/* The youngest that found a way: earlier ones chose a source address, or asked tables that
	 * had no answer. */
	for (unsigned int i = ROUTES_KEPT; i-- > 0;) {
		struct kept_route *k = &t->routes[(t->next_route + i) % ROUTES_KEPT];

		if (k->ev.type != EVENT_ROUTE || k->ev.ns != ev->ns || k->ev.cpu != ev->cpu ||
		    ev->cpu < 0 || k->ev.route.input || k->ev.route.error ||
		    k->ev.before_ns + route_before_output_ns < ev->before_ns ||
		    flow_fits(&l->now, &k->ev) != FLOW_FORWARD)
			continue;
		add_route(l, &k->ev, false);
		k->ev.type = EVENT_LOST; /* taken */
		return;
	}
}
