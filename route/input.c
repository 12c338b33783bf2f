// SPDX-License-Identifier: GPL-2.0-or-later
/* What arrives: ip_route_input_slow(), and what IPv6 does. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <linux/rtnetlink.h>

#include "route/decide_parts.h"

static bool is_loopback(const uint8_t *a)
{
	return a[0] == 127;
}

static bool is_multicast(const uint8_t *a)
{
	return (a[0] & 0xf0) == 224;
}

static bool is_lbcast(const uint8_t *a)
{
	return a[0] == 255 && a[1] == 255 && a[2] == 255 && a[3] == 255;
}

/* ipv4_is_zeronet(): since Linux 5.3 the rest of 0.0.0.0/8 are addresses like others. */
static bool is_zero(const uint8_t *a)
{
	return !a[0] && !a[1] && !a[2] && !a[3];
}

static int martian(struct route_decision *d, uint8_t family, bool source, const uint8_t *addr,
		   const char *why)
{
	char text[INET6_ADDRSTRLEN];

	inet_ntop(family, addr, text, sizeof(text));
	return route_verdict(d, ROUTE_DROP,
			     source ? ROUTE_MARTIAN_SOURCE : ROUTE_MARTIAN_DESTINATION,
			     "the %s %s %s", source ? "source" : "destination", text, why);
}

/* One of the two, as the kernel's IN_DEV_ORCONF(). */
static bool either(int all, int dev)
{
	return all > 0 || dev > 0;
}

static void set_effective(const struct route_facts *f, struct route_decision *d)
{
	d->effective = (struct route_effective){
		.rp_filter = rp_filter_mode(f->all.rp_filter, f->dev.rp_filter),
		.src_valid_mark = either(f->all.src_valid_mark, f->dev.src_valid_mark),
		.accept_local = either(f->all.accept_local, f->dev.accept_local),
		.route_localnet = either(f->all.route_localnet, f->dev.route_localnet),
		.log_martians = either(f->all.log_martians, f->dev.log_martians),
		.forwarding = f->dev.forwarding > 0,
	};
}

/* To a broadcast address: fib_validate_source() gets no destination. */
static int broadcast(const struct route_facts *f, const struct route_flow *flow,
		     struct route_decision *d)
{
	d->local = true;
	if (is_zero(flow->src))
		return route_verdict(d, ROUTE_PASS, ROUTE_PASSES,
				     "a broadcast from a host without an address");
	return route_validate_source(f, flow, NULL, 0, d);
}

/* ip_route_input_rcu(), ip_mc_validate_source(). */
static int multicast(const struct route_facts *f, const struct route_flow *flow,
		     struct route_decision *d)
{
	bool link_local = !flow->dst[1] && !flow->dst[2] && flow->dst[0] == 224;
	bool routed = !link_local && f->all.mc_forwarding > 0 && f->dev.mc_forwarding > 0;
	char dst[INET_ADDRSTRLEN];

	inet_ntop(AF_INET, flow->dst, dst, sizeof(dst));
	if (f->group_joined < 0)
		return route_verdict(d, ROUTE_UNDECIDED, ROUTE_UNKNOWN,
				     "the multicast groups of %s cannot be read", f->in.name);
	if (!f->group_joined && !routed)
		return route_verdict(d, ROUTE_DROP, ROUTE_NOT_JOINED,
				     "no socket here has joined %s on %s", dst, f->in.name);
	d->local = f->group_joined;
	if (is_multicast(flow->src) || is_lbcast(flow->src))
		return martian(d, AF_INET, true, flow->src, "is no address of a host");
	if (is_loopback(flow->src) && !d->effective.route_localnet)
		return martian(d, AF_INET, true, flow->src, "is a loopback address (route_localnet is 0)");
	if (!is_zero(flow->src))
		return route_validate_source(f, flow, NULL, 0, d);
	if (!link_local)
		return martian(d, AF_INET, true, flow->src, "is no address");
	return route_verdict(d, ROUTE_PASS, ROUTE_PASSES,
			     "a multicast from a host without an address");
}

/* What no lookup is needed for. True: decided. */
static bool weird(const struct route_flow *flow, struct route_decision *d)
{
	if (is_multicast(flow->src) || is_lbcast(flow->src))
		martian(d, AF_INET, true, flow->src, "is no address of a host");
	else if (is_lbcast(flow->dst) || (is_zero(flow->src) && is_zero(flow->dst)))
		return false;
	else if (is_zero(flow->src))
		martian(d, AF_INET, true, flow->src, "is no address");
	else if (is_zero(flow->dst))
		martian(d, AF_INET, false, flow->dst, "is no address");
	else if (is_loopback(flow->dst) && !d->effective.route_localnet)
		martian(d, AF_INET, false, flow->dst, "is a loopback address (route_localnet is 0)");
	else if (!is_loopback(flow->dst) && is_loopback(flow->src) && !d->effective.route_localnet)
		martian(d, AF_INET, true, flow->src, "is a loopback address (route_localnet is 0)");
	else
		return false;
	return true;
}

static int forwarding_off(const struct route_facts *f, struct route_decision *d)
{
	char dst[INET6_ADDRSTRLEN];

	inet_ntop(f->family, d->forward.flow.dst, dst, sizeof(dst));
	return route_verdict(d, ROUTE_DROP, ROUTE_FORWARDING_OFF,
			     "%s is not of this host, and what arrives by %s is not forwarded", dst,
			     f->in.name);
}

static int worse(const struct route_decision *a, const struct route_decision *b)
{
	static const int rank[] = {[ROUTE_PASS] = 0, [ROUTE_UNDECIDED] = 1, [ROUTE_DROP] = 2};

	return rank[a->verdict] - rank[b->verdict];
}

/*
 * __mkroute_input(): the source is checked with the device by which the packet leaves. Of several
 * next hops the kernel picks one by a hash with a secret: all are tried.
 */
static int forward(const struct route_facts *f, const struct route_flow *flow,
		   struct route_decision *d)
{
	const struct fib_route *route = d->forward.route;
	struct route_decision worst = *d, one;
	bool differ = false;
	int rc;

	if (!route->n_legs)
		return route_verdict(d, ROUTE_UNDECIDED, ROUTE_UNKNOWN,
				     "the kernel does not say the next hop of the route");
	for (unsigned int i = 0; i < route->n_legs; i++) {
		if (i && route->legs[i].ifindex == route->legs[i - 1].ifindex)
			continue;
		if (route->n_legs > 1 && route->legs[i].flags & RTNH_F_DEAD)
			continue;
		one = *d;
		one.reverse = (struct route_lookup){0};
		rc = route_validate_source(f, flow, flow->dst, route->legs[i].ifindex, &one);
		if (rc) {
			free(worst.reverse.trials);
			*d = one;
			return rc;
		}
		differ |= worst.validated && worst.verdict != one.verdict;
		if (!worst.validated || worse(&one, &worst) > 0) {
			free(worst.reverse.trials);
			worst = one;
		} else {
			free(one.reverse.trials);
		}
	}
	*d = worst;
	d->some_legs = differ;
	return 0;
}

static int unicast(const struct route_facts *f, const struct route_flow *flow,
		   struct route_decision *d)
{
	struct route_flow way = *flow;
	int rc;

	if (!policy_rules_dissect(f->rules, f->n_rules))
		way.proto = way.sport = way.dport = 0;
	rc = route_lookup(f, &way, &d->forward, d);
	if (rc)
		return rc;
	if (d->forward.error)
		return route_decide_error(f, d);
	switch (d->forward.route->type) {
	case RTN_BROADCAST:
		if (f->all.bc_forwarding > 0 && f->dev.bc_forwarding > 0)
			return forward(f, flow, d);
		return broadcast(f, flow, d);
	case RTN_LOCAL:
		d->local = true;
		return route_validate_source(f, flow, flow->dst, 0, d);
	}
	if (!d->effective.forwarding)
		return forwarding_off(f, d);
	if (d->forward.route->type != RTN_UNICAST)
		return martian(d, AF_INET, false, flow->dst, "has a route, but not one to a host");
	return forward(f, flow, d);
}

static bool cannot_arrive(const struct route_facts *f, struct route_decision *d)
{
	if (!f->arrival.up || !f->in.up)
		route_verdict(d, ROUTE_DROP, ROUTE_DEVICE_DOWN, "%s is down",
			      f->arrival.up ? f->in.name : f->arrival.name);
	else if (f->no_inet)
		route_verdict(d, ROUTE_DROP, ROUTE_PROTOCOL_OFF, "%s has no IPv%d", f->in.name,
			      f->family == AF_INET ? 4 : 6);
	else
		return false;
	return true;
}

int route_decide_input4(const struct route_facts *f, const struct route_flow *flow,
			struct route_decision *d)
{
	set_effective(f, d);
	if (cannot_arrive(f, d))
		return 0;
	if (is_multicast(flow->dst))
		return multicast(f, flow, d);
	if (weird(flow, d))
		return 0;
	if (is_lbcast(flow->dst) || (is_zero(flow->src) && is_zero(flow->dst)))
		return broadcast(f, flow, d);
	return unicast(f, flow, d);
}

static bool scope_is_link(const uint8_t *a)
{
	return a[0] == 0xfe && (a[1] & 0xc0) == 0x80;
}

/* ip6_rcv_core(). True: decided. */
static bool weird6(const struct route_facts *f, const struct route_flow *flow,
		   struct route_decision *d)
{
	static const uint8_t loopback[ROUTE_ADDR] = {[15] = 1};
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	bool lo = f->in.loopback || f->in.vrf;

	if (!memcmp(flow->src, loopback, ROUTE_ADDR) && !lo)
		martian(d, AF_INET6, true, flow->src, "is the loopback address");
	else if (!memcmp(flow->dst, loopback, ROUTE_ADDR) && !lo)
		martian(d, AF_INET6, false, flow->dst, "is the loopback address");
	else if (flow->src[0] == 0xff)
		martian(d, AF_INET6, true, flow->src, "is no address of a host");
	else if (!memcmp(flow->src, mapped, sizeof(mapped)))
		martian(d, AF_INET6, true, flow->src, "is an IPv4 address in disguise");
	else if (flow->dst[0] == 0xff && (flow->dst[1] & 0xf) <= 1 && !f->in.loopback)
		martian(d, AF_INET6, false, flow->dst, "never leaves a host");
	else
		return false;
	return true;
}

/* ip6_forward(). */
static int forward6(const struct route_facts *f, const struct route_flow *flow,
		    struct route_decision *d)
{
	static const uint8_t any[ROUTE_ADDR];

	if (!d->effective.forwarding)
		return forwarding_off(f, d);
	if (!memcmp(flow->src, any, ROUTE_ADDR) || scope_is_link(flow->src))
		return martian(d, AF_INET6, true, flow->src, "is not forwarded");
	return route_verdict(d, ROUTE_PASS, ROUTE_PASSES,
			     "there is a route; IPv6 has no rp_filter");
}

/* ip6_mc_input(): what counts is who has joined. */
static int multicast6(const struct route_facts *f, struct route_decision *d, const char *dst)
{
	if (f->group_joined < 0)
		return route_verdict(d, ROUTE_UNDECIDED, ROUTE_UNKNOWN,
				     "the multicast groups of %s cannot be read", f->in.name);
	if (!f->group_joined)
		return route_verdict(d, ROUTE_DROP, ROUTE_NOT_JOINED,
				     "no socket here has joined %s on %s", dst, f->in.name);
	d->local = true;
	return route_verdict(d, ROUTE_PASS, ROUTE_PASSES, "%s has joined %s; IPv6 has no rp_filter",
			     f->in.name, dst);
}

int route_decide_input6(const struct route_facts *f, const struct route_flow *flow,
			struct route_decision *d)
{
	char dst[INET6_ADDRSTRLEN];
	int rc;

	inet_ntop(AF_INET6, flow->dst, dst, sizeof(dst));
	d->effective.forwarding = f->all6.forwarding > 0 || f->dev6.force_forwarding > 0;
	if (cannot_arrive(f, d))
		return 0;
	if (f->dev6.disable_ipv6 > 0)
		return route_verdict(d, ROUTE_DROP, ROUTE_PROTOCOL_OFF, "IPv6 is disabled on %s",
				     f->in.name);
	if (weird6(f, flow, d))
		return 0;
	if (flow->dst[0] == 0xff)
		return multicast6(f, d, dst);
	rc = route_lookup(f, flow, &d->forward, d);
	if (rc)
		return rc;
	if (d->forward.error)
		return route_decide_error(f, d);
	switch (d->forward.route->type) {
	case RTN_LOCAL:
	case RTN_ANYCAST:
	case RTN_MULTICAST:
		d->local = true;
		return route_verdict(d, ROUTE_PASS, ROUTE_PASSES,
				     "%s is of this host; IPv6 has no rp_filter", dst);
	}
	return forward6(f, flow, d);
}
