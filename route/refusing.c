// SPDX-License-Identifier: GPL-2.0-or-later
#include "route/refusing.h"

#include <errno.h>
#include <sys/socket.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>

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

const struct fib_route *refusing_route(const struct error_routes *e, uint32_t table)
{
	for (unsigned int i = 0; i < e->n; i++)
		if (e->v[i].table == table)
			return &e->v[i];
	return NULL;
}

bool policy_rules_refuse(const struct route_facts *f)
{
	for (size_t i = 0; i < f->n_rules; i++)
		if (f->rules[i].action != FR_ACT_TO_TBL)
			return true;
	return false;
}

/* Can a lookup of flow in this table have ended in the error? Where that can be asked for, most
 * tables need not be gone through. */
static bool may_refuse(const struct route_sources *by, const struct route_facts *f, uint32_t table,
		       const struct route_flow *flow, int error)
{
	struct fib_answer answer;

	if (!by->ask || f->family != AF_INET || flow->oif || table > FIB_ASK_TABLES ||
	    !fib_ask(by->ask, table, flow, &answer))
		return true;
	return answer.error == error;
}

static bool is_named_before(const struct route_facts *f, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (f->rules[k].action == FR_ACT_TO_TBL && f->rules[k].table == f->rules[i].table)
			return true;
	return false;
}

/* What stands in tables that no rule names has refused nobody. */
static void leave_named(const struct route_facts *f, struct error_routes *e)
{
	unsigned int kept = 0;

	for (unsigned int k = 0; k < e->n; k++)
		for (size_t i = 0; i < f->n_rules; i++)
			if (f->rules[i].action == FR_ACT_TO_TBL &&
			    f->rules[i].table == e->v[k].table) {
				e->v[kept++] = e->v[k];
				break;
			}
	e->n = kept;
}

/* The table that the i-th rule leads to; 0: none, or it was seen with a rule before. */
static uint32_t table_to_look_at(const struct route_facts *f, size_t i, const struct route_flow *flow)
{
	const struct policy_rule *r = &f->rules[i];

	if (r->action != FR_ACT_TO_TBL || is_named_before(f, i))
		return 0;
	return r->l3mdev ? flow->vrf_table : r->table;
}

static int read_of_type(const struct route_sources *by, const struct route_facts *f, int error,
			uint8_t type, struct error_routes *found)
{
	const struct route_flow *flow = found->flow;
	int rc = 0;

	if (!by->reader)
		return -EOPNOTSUPP;
	for (size_t i = 0; !rc && i < f->n_rules; i++) {
		uint32_t table = table_to_look_at(f, i, flow);

		if (table && may_refuse(by, f, table, flow, error))
			rc = by->reader->read(by->reader->ctx, f->family, table, type, flow->dst,
					      on_error_route, found);
	}
	return rc;
}

/* The kernel goes through a whole table for that, though it tells few. */
static int dump_of_type(const struct route_sources *by, const struct route_facts *f, int error,
			uint8_t type, struct error_routes *found)
{
	const struct route_flow *flow = found->flow;
	int rc = 0;

	/* While local and main are one, each is gone through as if it were both; refusals of the
	 * table local, which nobody makes, count only where there is none of main. */
	if (f->family == AF_INET && !f->custom_rules) {
		rc = route_query_table(by->rtnl, AF_INET, RT_TABLE_MAIN, type, flow->dst,
				       begin_errors, on_error_route, found);
		if (rc || found->n)
			return rc;
		rc = route_query_table(by->rtnl, AF_INET, 0, type, flow->dst, begin_errors,
				       on_error_route, found);
		leave_named(f, found);
		return rc;
	}
	for (size_t i = 0; !rc && i < f->n_rules; i++) {
		uint32_t table = table_to_look_at(f, i, flow);

		if (table && may_refuse(by, f, table, flow, error))
			rc = route_query_table(by->rtnl, f->family, table, type, flow->dst, NULL,
					       on_error_route, found);
	}
	return rc;
}

/* The routes of this type that cover the address. */
static int find_of_type(const struct route_sources *by, const struct route_facts *f, int error,
			uint8_t type, struct error_routes *found)
{
	if (!read_of_type(by, f, error, type, found))
		return 0;
	found->n = 0;
	return dump_of_type(by, f, error, type, found);
}

int refusing_routes(const struct route_sources *by, const struct route_facts *f, int error,
		       struct error_routes *refuse, struct error_routes *throws)
{
	uint8_t type = error == -EHOSTUNREACH ? RTN_UNREACHABLE
		       : error == -EACCES     ? RTN_PROHIBIT
					      : RTN_BLACKHOLE;
	int rc = find_of_type(by, f, error, type, refuse);

	if (rc || (refuse->n <= 1 && !policy_rules_refuse(f)))
		return rc;
	return find_of_type(by, f, -EAGAIN, RTN_THROW, throws);
}

