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

static int tell(struct route_decision *d, const struct rp_verdict *v)
{
	static const enum route_reason reasons[] = {
		[RP_PASSES] = ROUTE_PASSES,
		[RP_NO_ROUTE] = ROUTE_RPF_STRICT,
		[RP_OTHER_DEVICE] = ROUTE_RPF_STRICT,
		[RP_LOCAL_SOURCE] = ROUTE_LOCAL_SOURCE,
		[RP_INVALID_SOURCE] = ROUTE_MARTIAN_SOURCE,
	};
	enum route_reason reason = reasons[v->cause];
	bool by_mode = v->cause != RP_LOCAL_SOURCE && v->cause != RP_INVALID_SOURCE;

	if (reason == ROUTE_RPF_STRICT && v->mode == RP_LOOSE)
		reason = ROUTE_RPF_LOOSE;
	return route_verdict(d, v->pass ? ROUTE_PASS : ROUTE_DROP, reason, "%s%s",
			     by_mode ? "rp_filter " : "", v->reason);
}

static int judge(const struct route_facts *f, const struct route_decision *d,
		 const struct route_flow *flow, struct rp_input *in, struct rp_verdict *v)
{
	char src[INET6_ADDRSTRLEN];

	in->all = f->all.rp_filter;
	in->dev_mode = f->dev.rp_filter;
	in->iif = (struct rp_leg){f->in.ifindex, f->in.name};
	in->accept_local = d->effective.accept_local;
	in->src = inet_ntop(AF_INET, flow->src, src, sizeof(src));
	return rp_filter_judge(in, v);
}

/* Returns whether the host's own addresses are all that is asked for, and known. */
static bool judge_addresses(const struct route_facts *f, const struct route_flow *flow,
			    struct route_decision *d)
{
	struct rp_input in = {.type = f->src_is_own ? RTN_LOCAL : RTN_UNICAST};
	struct rp_verdict v;

	if (!d->effective.accept_local && (f->custom_rules || f->custom_local))
		return false;
	if (judge(f, d, flow, &in, &v))
		return false;
	tell(d, &v);
	return true;
}

static int judge_route(const struct route_facts *f, const struct route_flow *flow,
		       struct route_decision *d)
{
	const struct fib_route *back = d->reverse.error ? NULL : d->reverse.route;
	struct rp_leg legs[FIB_LEGS + 1];
	struct rp_input in = {.no_addr = f->no_addr,
			      .full_check = true,
			      .type = back ? back->type : 0,
			      .legs = legs,
			      .n_legs = back ? back_legs(f, back, legs) : 0};
	struct rp_verdict v;

	if (judge(f, d, flow, &in, &v))
		return route_verdict(d, ROUTE_UNDECIDED, ROUTE_UNKNOWN,
				     "rp_filter of %s cannot be read", f->in.name);
	return tell(d, &v);
}

int route_validate_source(const struct route_facts *f, const struct route_flow *flow,
			  const uint8_t *dst, uint32_t oif, struct route_decision *d)
{
	struct route_flow back = reversed(f, flow, dst, oif, d->effective.src_valid_mark);
	int rc;

	d->validated = true;
	if (only_addresses(f, oif, d->effective.rp_filter) && judge_addresses(f, flow, d)) {
		d->by_addresses = true;
		return 0;
	}
	rc = route_lookup(f, &back, &d->reverse, d);
	if (rc)
		return rc;
	d->full_check = d->effective.rp_filter == RP_OFF;
	return judge_route(f, flow, d);
}
