// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What one table answers for one address. The kernel has no question for that; but it can be asked
 * for the route of a packet that the rules lead into that table, and the table of its answer tells
 * that the tables before it had none. Only where no question leads there is the table read.
 */
#include "route/learn.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>

#include "route/refusing.h"

static struct fib_fact *add(struct route_facts *f, uint32_t table, const struct route_flow *flow)
{
	struct fib_fact **fibs = reallocarray(f->fibs, f->n_fibs + 1, sizeof(*fibs));
	struct fib_fact *fact = calloc(1, sizeof(*fact));

	if (fibs)
		f->fibs = fibs;
	if (!fibs || !fact) {
		free(fact);
		return NULL;
	}
	fact->table = table;
	fact->oif = flow->oif;
	memcpy(fact->addr, flow->dst, ROUTE_ADDR);
	return f->fibs[f->n_fibs++] = fact;
}

/* route NULL: the table has none. What is known already stays. */
static int know(struct route_facts *f, uint32_t table, const struct route_flow *flow,
		const struct fib_route *route)
{
	struct fib_fact *fact;

	if (route_facts_fib(f, table, flow))
		return 0;
	fact = add(f, table, flow);
	if (!fact)
		return -ENOMEM;
	fact->found = route != NULL;
	if (route) {
		fact->route = *route;
		fact->route.table = table;
	}
	return 0;
}

static int know_none(struct route_facts *f, uint32_t table, const struct route_flow *flow,
		     bool maybe_throw)
{
	size_t before = f->n_fibs;
	int rc = know(f, table, flow, NULL);

	if (!rc && f->n_fibs > before)
		f->fibs[before]->maybe_throw = maybe_throw;
	return rc;
}

/* Is this what the table of that number answered? While local and main are one, the kernel calls
 * both main: what only it puts into local tells them apart. */
static bool is_of(const struct route_facts *f, const struct fib_route *route, uint32_t table)
{
	uint32_t told = route->table;

	if (f->family == AF_INET && !f->custom_rules && told == RT_TABLE_MAIN &&
	    (route->type == RTN_LOCAL || route->type == RTN_BROADCAST))
		told = RT_TABLE_LOCAL;
	return told == table;
}

struct learner {
	struct route_facts *f;
	const struct route_flow *asked;
	const struct fib_route *route; /* the answer; NULL: an error */
	const struct error_routes *refuse, *throws;
	bool vague; /* tables that were passed over may have a route of type throw */
};

static const struct fib_route *refusing(const struct learner *l, uint32_t table)
{
	const struct fib_route *refuse = l->refuse ? refusing_route(l->refuse, table) : NULL;
	const struct fib_route *thrown = l->throws ? refusing_route(l->throws, table) : NULL;

	return refuse && (!thrown || thrown->plen <= refuse->plen) ? refuse : thrown;
}

/* What the answer says about the table of one rule. 1: the rules after it were not come to. */
static int learn_table(const struct learner *l, const struct policy_rule *r, uint32_t table)
{
	const struct fib_route *refuse = refusing(l, table);
	bool suppresses = r->suppress_plen >= 0 || r->suppress_group >= 0;
	int rc;

	if (l->route && is_of(l->f, l->route, table)) {
		rc = know(l->f, table, l->asked, l->route);
		return rc ? rc : !(r->suppress_plen >= 0 && l->route->plen <= r->suppress_plen);
	}
	if (refuse) {
		rc = know(l->f, table, l->asked, refuse);
		return rc ? rc : refuse->type != RTN_THROW;
	}
	/* Its route may have been one that the rule does not want. */
	return suppresses ? 0 : know_none(l->f, table, l->asked, l->vague);
}

static int learn_walk(const struct learner *l)
{
	const struct route_facts *f = l->f;
	uint32_t skip_to = 0;
	int rc;

	for (size_t i = 0; i < f->n_rules; i++) {
		const struct policy_rule *r = &f->rules[i];

		if (r->unknown)
			return 0; /* whether it matched is not known */
		if (r->pref < skip_to || !policy_rule_matches(r, l->asked) ||
		    r->action == FR_ACT_NOP)
			continue;
		if (r->action == FR_ACT_GOTO) {
			skip_to = r->unresolved ? 0 : r->target;
			continue;
		}
		if (r->action != FR_ACT_TO_TBL)
			return 0;
		rc = learn_table(l, r, r->l3mdev ? l->asked->vrf_table : r->table);
		if (rc)
			return rc < 0 ? rc : 0;
	}
	return 0;
}

static bool is_own(const struct route_facts *f, const uint8_t *addr)
{
	return (f->src_is_own && !memcmp(addr, f->own_src, ROUTE_ADDR)) ||
	       (f->dst_is_own && !memcmp(addr, f->own_dst, ROUTE_ADDR));
}

/* As the kernel will see what it is asked. */
static struct route_flow question(const struct route_facts *f, const struct route_flow *flow,
				  uint32_t mark)
{
	struct route_flow q = *flow;

	q.mark = mark;
	q.proto = route_query_proto(flow);
	if (q.proto != flow->proto)
		q.sport = q.dport = 0;
	if (f->family == AF_INET6)
		return q;
	/* Asking for what arrives would be answered with the check of its source, and logged. So it
	 * is asked as what this host sends, which must come from an address of its own. */
	q.iif = ROUTE_LOOPBACK;
	if (!is_own(f, q.src)) {
		q.has_src = false;
		memset(q.src, 0, ROUTE_ADDR);
	}
	return q;
}

/* Sent from a VRF, it is looked up as if it had come by that. */
static int ask_as_sent(struct rtnl *r, const struct route_flow *q, struct fib_route *route)
{
	struct route_flow message = *q;

	if (q->family == AF_INET && !q->oif)
		message.oif = q->vrf;
	return route_query(r, &message, true, route);
}

/* Else it need not be asked. */
static bool may_lead_to(const struct route_facts *f, const struct route_flow *q, uint32_t table)
{
	for (size_t i = 0; i < f->n_rules; i++) {
		const struct policy_rule *r = &f->rules[i];

		if (r->action == FR_ACT_TO_TBL &&
		    (r->l3mdev ? q->vrf_table : r->table) == table && policy_rule_matches(r, q))
			return true;
	}
	return false;
}

static int ask(const struct route_sources *by, struct route_facts *f, uint32_t table,
	       const struct route_flow *flow, uint32_t mark)
{
	struct route_flow q = question(f, flow, mark);
	struct error_routes refuse = {.flow = flow}, throws = {.flow = flow};
	struct fib_route route;
	struct learner l = {.f = f, .asked = &q};
	int error, rc;

	if (!may_lead_to(f, &q, table))
		return 0;
	error = ask_as_sent(by->rtnl, &q, &route);

	/* In IPv4 a device that is given is a way, whatever the tables say:
	 * __ip_route_output_key(). */
	if (error && q.oif && f->family == AF_INET)
		return 0;
	/* A loopback source is refused for itself where the way leads out: __mkroute_output(). */
	if (error == -EINVAL && f->family == AF_INET && q.has_src && q.src[0] == 127)
		return 0;
	switch (error) {
	case 0:
		route_devices_name(by->rtnl, &route);
		l.route = &route;
		break;
	case -ENETUNREACH:
		break;
	case -EHOSTUNREACH:
	case -EACCES:
	case -EINVAL:
		rc = refusing_routes(by, f, error, &refuse, &throws);
		if (rc)
			return rc;
		l.refuse = &refuse;
		l.throws = &throws;
		/* An error of neither route nor rule says nothing about tables; what is wrong with
		 * a question is -EINVAL too. */
		if (!refuse.n && (error == -EINVAL || !policy_rules_refuse(f)))
			return 0;
		break;
	default:
		return 0;
	}
	return learn_walk(&l);
}

/* As a whole where nobody can read the few routes that count. */
static int read_table(const struct route_sources *by, struct route_facts *f, uint32_t table,
		      const struct route_flow *flow)
{
	struct route_best best = {.flow = flow};
	int rc = -EOPNOTSUPP;

	if (by->reader && f->family == AF_INET)
		rc = by->reader->read(by->reader->ctx, AF_INET, table, 0, flow->dst,
				      route_best_take, &best);
	if (rc && !by->dumps)
		return 0;
	if (rc) {
		++*by->dumps;
		best.found = false;
		rc = route_query_best(by->rtnl, table, 0, &best);
	}
	if (rc)
		return rc;
	if (best.found)
		route_devices_name(by->rtnl, &best.route);
	return know(f, table, flow, best.found ? &best.route : NULL);
}

/* Without all that rules about single connections ask for, and only in the table's own terms. */
static struct route_flow plain(const struct route_flow *flow)
{
	struct route_flow p = *flow;

	p.mark = p.proto = p.sport = p.dport = 0;
	p.has_src = false;
	memset(p.src, 0, ROUTE_ADDR);
	return p;
}

/*
 * What arrives is led by rules with `iif`, too. But if its source is refused, there is no answer, and a
 * line in the kernel's log: so only where it does not log that.
 */
static int ask_as_arriving(struct rtnl *r, struct route_facts *f, const struct route_flow *flow)
{
	struct route_flow q = *flow;
	struct fib_route route;
	struct learner l = {.f = f, .asked = &q, .route = &route, .vague = true};

	if (f->family != AF_INET || !flow->has_src || flow->iif <= ROUTE_LOOPBACK || flow->oif ||
	    flow->iif != f->arrival.ifindex || f->all.log_martians || f->dev.log_martians)
		return 0;
	q.proto = route_query_proto(flow);
	if (q.proto != flow->proto)
		q.sport = q.dport = 0;
	if (route_query(r, &q, true, &route))
		return 0;
	route_devices_name(r, &route);
	return learn_walk(&l);
}

/* Whether the table has an answer at all, without reading it. */
static int ask_table(const struct route_sources *by, struct route_facts *f, uint32_t table,
		     const struct route_flow *flow)
{
	struct fib_answer answer;

	if (!by->ask || f->family != AF_INET || flow->oif || table > FIB_ASK_TABLES ||
	    !fib_ask(by->ask, table, flow, &answer) ||
	    (answer.error != -EAGAIN && answer.error != -ENOENT))
		return 0;
	return know_none(f, table, flow, answer.error == -EAGAIN);
}

int route_learn(const struct route_sources *by, struct route_facts *f, uint32_t table,
		const struct route_flow *flow)
{
	struct route_flow p = plain(flow);
	int rc = ask(by, f, table, flow, flow->mark);

	if (!rc && !route_facts_fib(f, table, flow))
		rc = ask(by, f, table, &p, 0);
	/* Marks that the rules have for this table. */
	for (size_t i = 0; !rc && i < f->n_rules && !route_facts_fib(f, table, flow); i++)
		if (f->rules[i].action == FR_ACT_TO_TBL && f->rules[i].table == table &&
		    f->rules[i].mask && f->rules[i].mark != flow->mark)
			rc = ask(by, f, table, flow, f->rules[i].mark);
	if (!rc && !route_facts_fib(f, table, flow))
		rc = ask_as_arriving(by->rtnl, f, flow);
	if (!rc && !route_facts_fib(f, table, flow))
		rc = ask_table(by, f, table, flow);
	if (!rc && (by->dumps || by->reader) && !route_facts_fib(f, table, flow))
		rc = read_table(by, f, table, flow);
	return rc;
}
