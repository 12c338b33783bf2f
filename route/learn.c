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

enum { ERROR_ROUTES = 64 }; /* routes that refuse one address: more than one a table is rare */

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

struct error_routes {
	const struct route_flow *flow;
	struct fib_route v[ERROR_ROUTES]; /* the most exact of each table */
	unsigned int n;
};

static void begin_errors(void *data)
{
	((struct error_routes *)data)->n = 0;
}

static void on_error_route(const struct fib_route *route, void *data)
{
	struct error_routes *e = data;
	unsigned int i;

	for (i = 0; i < e->n && e->v[i].table != route->table; i++)
		;
	if (i == ERROR_ROUTES || !fib_route_better(route, i < e->n ? &e->v[i] : NULL, e->flow))
		return;
	e->v[i] = *route;
	if (i == e->n)
		e->n++;
}

static const struct fib_route *find(const struct error_routes *e, uint32_t table)
{
	for (unsigned int i = 0; i < e->n; i++)
		if (e->v[i].table == table)
			return &e->v[i];
	return NULL;
}

static bool rule_refuses(const struct route_facts *f)
{
	for (size_t i = 0; i < f->n_rules; i++)
		if (f->rules[i].action != FR_ACT_TO_TBL)
			return true;
	return false;
}

/*
 * The answer was an error: which route refuses? Those of its type that cover the address, one a
 * table at most. A longer route that leads somewhere would have been the answer; a longer one that
 * throws can have been come to only if something else refused then. The kernel goes through every
 * route for each of these questions, though it tells few.
 */
static int find_errors(struct rtnl *r, const struct route_facts *f, int error,
		       struct error_routes *refuse, struct error_routes *throws)
{
	uint8_t type = error == -EHOSTUNREACH ? RTN_UNREACHABLE
		       : error == -EACCES     ? RTN_PROHIBIT
					      : RTN_BLACKHOLE;
	int rc = route_query_table(r, f->family, 0, type, begin_errors, on_error_route, refuse);

	if (rc || (refuse->n <= 1 && !rule_refuses(f)))
		return rc;
	return route_query_table(r, f->family, 0, RTN_THROW, begin_errors, on_error_route, throws);
}

struct learner {
	struct route_facts *f;
	const struct route_flow *asked;
	const struct fib_route *route; /* the answer; NULL: an error */
	const struct error_routes *refuse, *throws;
};

static const struct fib_route *refusing(const struct learner *l, uint32_t table)
{
	const struct fib_route *refuse = l->refuse ? find(l->refuse, table) : NULL;
	const struct fib_route *thrown = l->throws ? find(l->throws, table) : NULL;

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
	return suppresses ? 0 : know(l->f, table, l->asked, NULL);
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

static int ask(struct rtnl *r, struct route_facts *f, const struct route_flow *flow, uint32_t mark)
{
	struct route_flow q = question(f, flow, mark);
	struct error_routes refuse = {.flow = flow}, throws = {.flow = flow};
	struct fib_route route;
	struct learner l = {.f = f, .asked = &q};
	int error = ask_as_sent(r, &q, &route), rc;

	/* In IPv4 a device that is given is a way, whatever the tables say:
	 * __ip_route_output_key(). */
	if (error && q.oif && f->family == AF_INET)
		return 0;
	switch (error) {
	case 0:
		route_devices_name(r, &route);
		l.route = &route;
		break;
	case -ENETUNREACH:
		break;
	case -EHOSTUNREACH:
	case -EACCES:
	case -EINVAL:
		rc = find_errors(r, f, error, &refuse, &throws);
		if (rc)
			return rc;
		l.refuse = &refuse;
		l.throws = &throws;
		/* An error of neither route nor rule says nothing about tables; what is wrong with
		 * a question is -EINVAL too. */
		if (!refuse.n && (error == -EINVAL || !rule_refuses(f)))
			return 0;
		break;
	default:
		return 0;
	}
	return learn_walk(&l);
}

struct table_best {
	const struct route_flow *flow;
	bool found;
	struct fib_route best;
};

static void begin_best(void *data)
{
	((struct table_best *)data)->found = false;
}

static void on_best(const struct fib_route *route, void *data)
{
	struct table_best *b = data;

	if (!fib_route_better(route, b->found ? &b->best : NULL, b->flow))
		return;
	b->best = *route;
	b->found = true;
}

static int read_table(struct rtnl *r, struct route_facts *f, uint32_t table,
		      const struct route_flow *flow)
{
	struct table_best b = {.flow = flow};
	int rc = route_query_table(r, f->family, table, 0, begin_best, on_best, &b);

	if (rc)
		return rc;
	if (b.found)
		route_devices_name(r, &b.best);
	return know(f, table, flow, b.found ? &b.best : NULL);
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

int route_learn(struct rtnl *r, struct route_facts *f, uint32_t table,
		const struct route_flow *flow, unsigned int *dumps)
{
	struct route_flow p = plain(flow);
	int rc = ask(r, f, flow, flow->mark);

	if (!rc && !route_facts_fib(f, table, flow))
		rc = ask(r, f, &p, 0);
	/* Marks that the rules have for this table. */
	for (size_t i = 0; !rc && i < f->n_rules && !route_facts_fib(f, table, flow); i++)
		if (f->rules[i].action == FR_ACT_TO_TBL && f->rules[i].table == table &&
		    f->rules[i].mask && f->rules[i].mark != flow->mark)
			rc = ask(r, f, flow, f->rules[i].mark);
	if (!rc && dumps && !route_facts_fib(f, table, flow)) {
		++*dumps;
		rc = read_table(r, f, table, flow);
	}
	return rc;
}
