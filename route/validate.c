// SPDX-License-Identifier: GPL-2.0-or-later
/* fib_validate_source() over facts. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <linux/rtnetlink.h>

#include "route/decide_parts.h"

int route_verdict(struct route_decision *d, enum route_verdict verdict, enum route_reason reason,
		  const char *fmt, ...)
{
	va_list ap;

	d->verdict = verdict;
	d->reason = reason;
	va_start(ap, fmt);
	vsnprintf(d->sentence, sizeof(d->sentence), fmt, ap);
	va_end(ap);
	return 0;
}

/* The lookup of the way back: __fib_validate_source() swaps what the packet has. */
static struct route_flow reversed(const struct route_facts *f, const struct route_flow *flow,
				  const uint8_t *dst, uint32_t oif, bool src_valid_mark)
{
	bool dissect = policy_rules_dissect(f->rules, f->n_rules);
	struct route_flow back = {.family = AF_INET,
				  .has_src = dst != NULL,
				  .iif = oif ? oif : ROUTE_LOOPBACK,
				  .vrf = flow->vrf,
				  .vrf_table = flow->vrf_table,
				  .mark = src_valid_mark ? flow->mark : 0,
				  .tos = flow->tos};

	memcpy(back.dst, flow->src, ROUTE_ADDR);
	if (dst)
		memcpy(back.src, dst, ROUTE_ADDR);
	if (dissect) {
		back.proto = flow->proto;
		back.sport = flow->dport;
		back.dport = flow->sport;
	}
	return back;
}

/* With the mode off, and nothing that the host's own rules would change, only this is asked. */
static bool only_addresses(const struct route_facts *f, uint32_t oif, int mode)
{
	/* fib_num_tclassid_users() counts routes as well; such are not looked for. */
	for (size_t i = 0; i < f->n_rules; i++)
		if (f->rules[i].realms)
			return false;
	if (mode != RP_OFF)
		return false;
	return f->in.ifindex != oif || !(f->all.send_redirects || f->dev.send_redirects);
}

static int judge_addresses(const struct route_facts *f, const struct route_decision *d)
{
	if (d->effective.accept_local)
		return ROUTE_PASS;
	if (f->custom_rules || f->custom_local)
		return ROUTE_UNDECIDED;
	return f->src_is_own ? ROUTE_DROP : ROUTE_PASS;
}

/* The next hops of the way back as rp_filter_judge() wants them. nhc_l3mdev_matches_dev(): one in
 * the VRF by which the packet came counts as that VRF. */
static size_t back_legs(const struct route_facts *f, const struct fib_route *route,
			struct rp_leg *legs)
{
	size_t n = 0;

	for (; n < route->n_legs; n++) {
		const struct fib_leg *leg = &route->legs[n];
		bool same = f->in.vrf && leg->master == f->in.ifindex;

		legs[n] = (struct rp_leg){same ? f->in.ifindex : leg->ifindex, leg->dev};
	}
	/* "This is not common, loopback packets retain skb_dst so normally they would not even hit
	 * this slow path." */
	if (route->type == RTN_LOCAL && f->in.loopback)
		legs[n++] = (struct rp_leg){f->in.ifindex, f->in.name};
	return n;
}

static int judge_route(const struct route_facts *f, const struct route_flow *flow,
		       struct route_decision *d)
{
	static const enum route_reason reasons[] = {
		[RP_PASSES] = ROUTE_PASSES,
		[RP_NO_ROUTE] = ROUTE_RPF_STRICT,
		[RP_OTHER_DEVICE] = ROUTE_RPF_STRICT,
		[RP_LOCAL_SOURCE] = ROUTE_LOCAL_SOURCE,
		[RP_INVALID_SOURCE] = ROUTE_MARTIAN_SOURCE,
	};
	const struct fib_route *back = d->reverse.error ? NULL : d->reverse.route;
	struct rp_leg legs[FIB_LEGS + 1];
	char src[INET6_ADDRSTRLEN];
	struct rp_input in = {.all = f->all.rp_filter,
			      .dev_mode = f->dev.rp_filter,
			      .iif = {f->in.ifindex, f->in.name},
			      .no_addr = f->no_addr,
			      .accept_local = d->effective.accept_local,
			      .full_check = true,
			      .src = src,
			      .type = back ? back->type : 0,
			      .legs = legs,
			      .n_legs = back ? back_legs(f, back, legs) : 0};
	enum route_reason reason;
	struct rp_verdict v;

	inet_ntop(AF_INET, flow->src, src, sizeof(src));
	if (rp_filter_judge(&in, &v))
		return route_verdict(d, ROUTE_UNDECIDED, ROUTE_UNKNOWN,
				     "rp_filter of %s cannot be read", f->in.name);
	reason = reasons[v.cause];
	if (reason == ROUTE_RPF_STRICT && v.mode == RP_LOOSE)
		reason = ROUTE_RPF_LOOSE;
	return route_verdict(d, v.pass ? ROUTE_PASS : ROUTE_DROP, reason, "rp_filter %s", v.reason);
}

int route_validate_source(const struct route_facts *f, const struct route_flow *flow,
			  const uint8_t *dst, uint32_t oif, struct route_decision *d)
{
	struct route_flow back = reversed(f, flow, dst, oif, d->effective.src_valid_mark);
	char src[INET6_ADDRSTRLEN];
	int rc;

	d->validated = true;
	inet_ntop(AF_INET, flow->src, src, sizeof(src));
	if (only_addresses(f, oif, d->effective.rp_filter)) {
		rc = judge_addresses(f, d);
		d->by_addresses = rc != ROUTE_UNDECIDED;
		if (rc == ROUTE_PASS)
			return route_verdict(d, ROUTE_PASS, ROUTE_PASSES,
					     "rp_filter off: the source is not checked");
		if (rc == ROUTE_DROP)
			return route_verdict(d, ROUTE_DROP, ROUTE_LOCAL_SOURCE,
					     "the source %s is an address of this host "
					     "(accept_local is 0)",
					     src);
	}
	rc = route_lookup(f, &back, &d->reverse, d);
	if (rc)
		return rc;
	d->full_check = d->effective.rp_filter == RP_OFF;
	return judge_route(f, flow, d);
}
