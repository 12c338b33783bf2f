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

static struct path_lookup lookup_of(const struct event *ev)
{
	static const uint8_t any[ADDR_MAX];
	struct path_lookup lookup;

	memset(&lookup, 0, sizeof(lookup)); /* flows are compared byte by byte */
	lookup.table = ev->route.table;
	lookup.error = ev->route.error;
	lookup.flow.family = ev->route.family;
	lookup.flow.iif = ev->route.iif;
	lookup.flow.oif = ev->route.oif;
	lookup.flow.mark = ev->route.mark;
	lookup.flow.tos = ev->route.tos;
	lookup.flow.proto = ev->route.proto;
	lookup.flow.sport = ev->route.sport;
	lookup.flow.dport = ev->route.dport;
	memcpy(lookup.flow.dst, ev->route.dst, ADDR_MAX);
	memcpy(lookup.flow.src, ev->route.src, ADDR_MAX);
	lookup.flow.has_src = memcmp(lookup.flow.src, any, ADDR_MAX);
	return lookup;
}

static bool same_flow(const struct event *a, const struct event *b)
{
	const struct path_lookup x = lookup_of(a), y = lookup_of(b);

	return !memcmp(&x.flow, &y.flow, sizeof(x.flow));
}

/*
 * Does this lookup belong to the decision of the last step? The next table is asked for the same
 * flow when one had no route, or when the policy rule did not want that (fib_rules_lookup()).
 */
static bool continues_decision(const struct path *p, const struct event *ev, bool reverse)
{
	const struct step *last = p->n_steps ? &p->steps[p->n_steps - 1] : NULL;
	struct path_lookup now;

	if (!last || !p->n_lookups ||
	    !(reverse ? last->type == STEP_RP_FILTER && last->rpf.looked
		      : last->type == STEP_ROUTE && last->route.input == ev->route.input))
		return false;
	now = lookup_of(ev);
	return !memcmp(&p->lookups[p->n_lookups - 1].flow, &now.flow, sizeof(now.flow));
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

static void set_reverse(struct live *l, struct step *s, const struct event *ev)
{
	struct path *p = l->path;
	char text[64];

	s->rpf.pass = true;
	s->rpf.iif = path_str(p, l->now.iif);
	s->rpf.looked = true;
	s->rpf.error = ev->route.error;
	s->rpf.table = ev->route.table;
	s->rpf.reverse_dev = ev->route.error ? NULL : path_str(p, ev->route.dev);
	s->rpf.reverse_type = ev->route.error ? 0 : ev->route.type;
	s->rpf.prefix = prefix_of(p, ev);
	s->rpf.gateway = ev->route.error || !ev->route.has_gateway
				 ? NULL
				 : path_str(p, addr_text(text, sizeof(text), ev->route.family,
							 ev->route.gateway));
}

static void set_forward(struct live *l, struct step *s, const struct event *ev)
{
	struct path *p = l->path;
	char text[64];

	s->route.input = ev->route.input;
	s->route.error = ev->route.error;
	s->route.table = ev->route.table;
	s->route.dev = ev->route.error ? NULL : path_str(p, ev->route.dev);
	s->route.gateway = ev->route.error || !ev->route.has_gateway
				   ? NULL
				   : path_str(p, addr_text(text, sizeof(text), ev->route.family,
							   ev->route.gateway));
	s->route.type = ev->route.type;
	s->route.prefix = prefix_of(p, ev);
}

static void add_route(struct live *l, const struct event *ev, bool reverse)
{
	struct path *p = l->path;
	uint8_t family = ev->route.family == AF_INET6 ? NFPROTO_IPV6 : NFPROTO_IPV4;
	const struct path_lookup lookup = lookup_of(ev);
	bool goes_on = continues_decision(p, ev, reverse);
	unsigned int at = p->n_lookups;
	struct step *s;

	if (!path_add_lookup(p, &lookup))
		return;
	s = goes_on ? &p->steps[p->n_steps - 1]
		    : path_add(p, reverse ? STEP_RP_FILTER : STEP_ROUTE, family, HOOK_NONE);
	if (!s)
		return;
	if (reverse) {
		s->rpf.at = goes_on ? s->rpf.at : at;
		s->rpf.n_asked++;
		set_reverse(l, s, ev);
	} else {
		s->route.at = goes_on ? s->route.at : at;
		s->route.n_asked++;
		set_forward(l, s, ev);
	}
}

enum flow_fit { FLOW_OTHER, FLOW_FORWARD, FLOW_REVERSE };

static enum flow_fit flow_fits(const struct packet *p, const struct event *ev)
{
	static const uint8_t any[ADDR_MAX];
	size_t n = ev->route.family == AF_INET6 ? 16 : 4;
	bool src_any = !memcmp(ev->route.src, any, n);

	if (p->arp_request ? ev->route.family != AF_INET
			   : p->family != ev->route.family || !p->has_addrs)
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
	/* arp_process() asks whether a packet from there would be for us. */
	if (p->packet.arp_request)
		return p->left_last && p->last_hook == NF_INET_LOCAL_IN;
	return p->left_last ? p->last_hook == NF_INET_PRE_ROUTING && !l->ruled
			    : p->last_hook == NF_INET_LOCAL_OUT;
}

static bool may_be_in(unsigned int ns, const struct event *lookup)
{
	return lookup->ns == ns || lookup->ns == EVENT_NS_UNKNOWN;
}

/*
 * Arrived packets: lookups for the way on, table after table until one has an answer, then for the
 * way back (fib_validate_source()). What comes after that is done for the ICMP error that the
 * packet provokes (icmp_route_lookup()), which looks all of it up again.
 */
static bool is_its_lookup(struct live *l, const struct event *ev, enum flow_fit fit)
{
	if (fit == FLOW_OTHER || !may_be_in(l->ns, ev) || !is_routed_now(l))
		return false;
	if (!l->path->left_last)
		return fit == FLOW_FORWARD && !ev->route.input;
	if (fit == FLOW_FORWARD) {
		if (!ev->route.input || (l->routed != ROUTED_NOT &&
					 !continues_decision(l->path, ev, false)))
			return false;
		l->routed = !ev->route.error		     ? ROUTED_ON
			    : ev->route.error == -EAGAIN ? ROUTED_NOT
							 : ROUTED_OVER;
		return true;
	}
	if (l->routed != ROUTED_ON && !continues_decision(l->path, ev, true))
		return false;
	l->routed = ev->route.error == -EAGAIN ? ROUTED_ON : ROUTED_OVER;
	return true;
}

/* Since it came to the namespace where it is, or was unpacked there. Over loopback it keeps the route
 * by which it was sent (ip_rcv_finish_core()). */
static bool has_route(const struct path *p)
{
	for (size_t i = p->n_steps; i-- > 0;) {
		const struct step *s = &p->steps[i];

		if (s->ns != path_here(p)->ns || s->type == STEP_HEADERS)
			return false;
		if (s->type == STEP_ROUTE)
			return true;
	}
	return false;
}

/* What the packet with this id carries, which is sure. */
static void on_carried(struct tracker *t, const struct event *ev)
{
	struct live *l = live_find_id(&t->table, ev);
	struct event now = *ev;
	struct step *s;

	if (!l || l->done || l->ns != ev->ns || l->now.family != ev->route.family ||
	    has_route(l->path))
		return;
	memcpy(now.route.dst, l->now.dst.addr, ADDR_MAX);
	tracker_heard(t, l, ev);
	s = path_add(l->path, STEP_ROUTE,
		     ev->route.family == AF_INET6 ? NFPROTO_IPV6 : NFPROTO_IPV4, HOOK_NONE);
	if (!s)
		return;
	set_forward(l, s, &now);
	s->route.untold = "the first hook with functions comes after routing";
}

void tracker_on_route(struct tracker *t, const struct event *ev)
{
	struct kept_route *kept;
	struct live *l;

	if (ev->route.carried) {
		on_carried(t, ev);
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

/* The i-th of those that are kept, the oldest first; NULL: it is none that ev's CPU made just now
 * for what is sent. */
static struct kept_route *recent(struct tracker *t, unsigned int i, const struct event *ev)
{
	struct kept_route *k = &t->routes[(t->next_route + i) % ROUTES_KEPT];

	if (k->ev.type != EVENT_ROUTE || !may_be_in(ev->ns, &k->ev) || k->ev.cpu != ev->cpu || ev->cpu < 0 ||
	    k->ev.route.input || k->ev.before_ns + route_before_output_ns < ev->before_ns)
		return NULL;
	return k;
}

void tracker_claim_routes(struct tracker *t, struct live *l, const struct event *ev)
{
	/* The youngest that found a way, and the tables that were asked before for the same flow:
	 * earlier ones chose a source address. */
	for (unsigned int i = ROUTES_KEPT; i-- > 0;) {
		struct kept_route *k = recent(t, i, ev), *before;
		unsigned int first = i;

		if (!k || k->ev.route.error || flow_fits(&l->now, &k->ev) != FLOW_FORWARD)
			continue;
		while (first > 0 && (before = recent(t, first - 1, ev)) &&
		       same_flow(&before->ev, &k->ev))
			first--;
		for (; first <= i; first++) {
			before = recent(t, first, ev);
			add_route(l, &before->ev, false);
			before->ev.type = EVENT_LOST; /* taken */
		}
		return;
	}
}
