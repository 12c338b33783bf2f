// SPDX-License-Identifier: GPL-2.0-or-later
#include "route/decide.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>

#include "route/decide_parts.h"

const char *route_reason_name(enum route_reason reason)
{
	static const char *const names[] = {
		[ROUTE_RPF_STRICT] = "rp_filter-strict",
		[ROUTE_RPF_LOOSE] = "rp_filter-loose",
		[ROUTE_MARTIAN_SOURCE] = "martian-source",
		[ROUTE_MARTIAN_DESTINATION] = "martian-destination",
		[ROUTE_LOCAL_SOURCE] = "local-source",
		[ROUTE_NO_ROUTE] = "no-route",
		[ROUTE_UNREACHABLE] = "unreachable",
		[ROUTE_PROHIBIT] = "prohibit",
		[ROUTE_BLACKHOLE] = "blackhole",
		[ROUTE_FORWARDING_OFF] = "forwarding-off",
		[ROUTE_DEVICE_DOWN] = "device-down",
		[ROUTE_PROTOCOL_OFF] = "protocol-off",
		[ROUTE_NOT_JOINED] = "multicast-not-joined",
		[ROUTE_FOREIGN_SOURCE] = "foreign-source",
		[ROUTE_UNKNOWN] = "unknown",
	};

	return names[reason];
}

void route_decision_free(struct route_decision *d)
{
	free(d->forward.trials);
	free(d->reverse.trials);
	d->forward.trials = d->reverse.trials = NULL;
}

/* What the destination's lookup found instead of a way. */
int route_decide_error(const struct route_facts *f, struct route_decision *d)
{
	const struct route_lookup *l = &d->forward;
	const struct policy_rule *r = l->rule >= 0 ? &f->rules[l->rule] : NULL;
	char dst[INET6_ADDRSTRLEN], table[16];
	enum route_reason reason = l->error == -EHOSTUNREACH ? ROUTE_UNREACHABLE
				   : l->error == -EACCES     ? ROUTE_PROHIBIT
				   : l->error == -EINVAL     ? ROUTE_BLACKHOLE
							     : ROUTE_NO_ROUTE;

	inet_ntop(f->family, l->flow.dst, dst, sizeof(dst));
	if (l->route)
		return route_verdict(d, ROUTE_DROP, reason, "a route of table %s refuses %s: %s",
				     route_table_name(l->table, table, sizeof(table)), dst,
				     fib_type_name(l->route->type));
	if (!r)
		return route_verdict(d, ROUTE_DROP, reason, "no rule leads to a route to %s", dst);
	if (r->action == FR_ACT_UNREACHABLE)
		reason = ROUTE_UNREACHABLE;
	return route_verdict(d, ROUTE_DROP, reason, "policy rule %u refuses %s", r->pref, dst);
}

/* A rule with a selector that is not known, and that could have decided. */
static const struct policy_rule *doubtful_rule(const struct route_facts *f,
					       const struct route_lookup *l)
{
	for (size_t i = 0; l->made && i < l->n_trials; i++)
		if (f->rules[i].unknown)
			return &f->rules[i];
	return NULL;
}

static void doubt(const struct route_facts *f, struct route_decision *d)
{
	const struct policy_rule *r = doubtful_rule(f, &d->forward);

	if (!r)
		r = doubtful_rule(f, &d->reverse);
	if (r)
		route_verdict(d, ROUTE_UNDECIDED, ROUTE_UNKNOWN,
			      "policy rule %u has a selector that nfpath does not know", r->pref);
}

/* __mkroute_output(): what comes from 127/8 stays in this host, unless the device may have it. */
static bool leaves_loopback(const struct route_facts *f, const struct route_flow *flow,
			    uint32_t dev)
{
	if (f->family != AF_INET || !flow->has_src || flow->src[0] != 127 ||
	    dev == ROUTE_LOOPBACK || f->all.route_localnet > 0)
		return false;
	for (size_t i = 0; i < f->n_localnet; i++)
		if (f->localnet[i] == dev)
			return false;
	return true;
}

static int loopback_leaves(struct route_decision *d, const char *src, const char *dst,
			   const char *dev)
{
	return route_verdict(d, ROUTE_DROP, ROUTE_MARTIAN_SOURCE,
			     "%s is a loopback address and the way to %s leaves by %s "
			     "(route_localnet is 0)",
			     src, dst, dev);
}

/* What this host sends. */
static int decide_output(const struct route_facts *f, const struct route_flow *flow,
			 struct route_decision *d)
{
	struct route_flow own = *flow;
	const struct fib_leg *leg;
	char src[INET6_ADDRSTRLEN], dst[INET6_ADDRSTRLEN];
	int rc;

	own.iif = ROUTE_LOOPBACK;
	inet_ntop(f->family, flow->src, src, sizeof(src));
	inet_ntop(f->family, flow->dst, dst, sizeof(dst));
	/* ip_route_output_key_hash_rcu(); IPv6 does not ask. */
	if (f->family == AF_INET && flow->has_src && !f->src_is_own)
		return route_verdict(d, ROUTE_DROP, ROUTE_FOREIGN_SOURCE,
				     "%s is no address of this host, so no socket sends from it "
				     "(but one that is transparent)",
				     src);
	if (f->family == AF_INET && flow->oif && !f->in.up)
		return route_verdict(d, ROUTE_DROP, ROUTE_DEVICE_DOWN, "%s is down", f->in.name);
	rc = route_lookup(f, &own, &d->forward, d);
	if (rc)
		return rc;
	if (d->forward.error && flow->oif && leaves_loopback(f, &own, flow->oif))
		return loopback_leaves(d, src, dst, f->in.name);
	/* "Apparently, routing tables are wrong. Assume, that the destination is on link." */
	if (d->forward.error && flow->oif && f->family == AF_INET)
		return route_verdict(d, ROUTE_PASS, ROUTE_PASSES,
				     "no route leads to %s, but where the device is given the "
				     "kernel takes it to be on its link",
				     dst);
	if (d->forward.error)
		return route_decide_error(f, d);
	d->local = d->forward.route->type == RTN_LOCAL;
	leg = d->forward.route->n_legs ? &d->forward.route->legs[0] : NULL;
	if (!d->local && leg && leaves_loopback(f, &own, leg->ifindex))
		return loopback_leaves(d, src, dst, leg->dev);
	return route_verdict(d, ROUTE_PASS, ROUTE_PASSES, "there is a route to %s", dst);
}

int route_decide(const struct route_facts *f, const struct route_flow *flow,
		 struct route_decision *d)
{
	int rc;

	*d = (struct route_decision){.input = flow->iif != 0};
	if (!d->input)
		rc = decide_output(f, flow, d);
	else if (f->family == AF_INET)
		rc = route_decide_input4(f, flow, d);
	else
		rc = route_decide_input6(f, flow, d);
	if (!rc)
		doubt(f, d);
	return rc;
}
