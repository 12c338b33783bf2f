// SPDX-License-Identifier: GPL-2.0-or-later
#include "route/tell.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>

#include "route/collect.h"
#include "route/fib_ask.h"
#include "route/learn.h"
#include "route/query.h"
#include "route/rules.h"

enum { ANSWERS = 256, FACTS_MAX = 512 };

/* A search through all routes that takes longer is not made again for a packet. */
static const uint64_t long_search_ns = 5 * 1000 * 1000;

struct remembered {
	bool known;
	uint32_t table;
	uint8_t tos, dst[4];
	struct fib_answer answer; /* of an error: that of the route that refuses, as it was searched */
};

struct route_teller {
	int netns_fd; /* borrowed */
	struct rtnl *rtnl;
	struct fib_ask *ask;
	const struct fib_reader *reader; /* borrowed; NULL: none */
	bool opened, slow, asked; /* asked: in the course of this route_tell() */
	bool loaded[2], failed[2];    /* IPv4, IPv6 */
	struct route_facts facts[2];  /* rules, and answers of tables above 255 */
	struct remembered at[ANSWERS]; /* of the other tables */
};

struct route_teller *route_teller_open(int netns_fd, const struct fib_reader *reader)
{
	struct route_teller *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->netns_fd = netns_fd;
	t->reader = reader;
	return t;
}

void route_teller_forget(struct route_teller *t)
{
	for (unsigned int i = 0; i < 2; i++) {
		route_facts_free(&t->facts[i]);
		t->loaded[i] = t->failed[i] = false;
	}
	memset(t->at, 0, sizeof(t->at));
	t->slow = false;
}

void route_teller_close(struct route_teller *t)
{
	if (!t)
		return;
	route_teller_forget(t);
	rtnl_close(t->rtnl);
	fib_ask_close(t->ask);
	free(t);
}

/* NULL: they cannot be read. */
static struct route_facts *load(struct route_teller *t, uint8_t family)
{
	unsigned int i = family == AF_INET6;
	struct route_facts *f = &t->facts[i];

	if (!t->opened) {
		t->opened = true;
		t->rtnl = rtnl_open(t->netns_fd, NULL);
		t->ask = fib_ask_open(t->netns_fd);
	}
	if (!t->rtnl)
		return NULL;
	if (t->loaded[i] && f->n_fibs > FACTS_MAX) {
		route_facts_free(f);
		t->loaded[i] = false;
	}
	if (!t->loaded[i]) {
		/* Whether martians are logged is not looked at, so nothing is asked that would be. */
		*f = (struct route_facts){.family = family,
					  .custom_rules = true,
					  .all.log_martians = -1};
		t->failed[i] = policy_rules_read(t->rtnl, family, &f->rules, &f->n_rules);
		t->loaded[i] = t->asked = true;
	}
	return t->failed[i] ? NULL : f;
}

/* The VRF of the flow: that of the device by which it leaves, or came (l3mdev_update_flow()). */
static void set_vrf(struct route_teller *t, const struct route_facts *f, struct route_flow *flow)
{
	uint32_t ifindex = flow->oif ? flow->oif : flow->iif;
	struct route_device dev, master;
	bool asked = false;

	for (size_t i = 0; i < f->n_rules; i++)
		asked |= f->rules[i].l3mdev;
	if (!asked || ifindex <= ROUTE_LOOPBACK)
		return;
	t->asked = true;
	if (route_device_get(t->rtnl, ifindex, NULL, &dev))
		return;
	if (!dev.vrf && dev.master && !route_device_get(t->rtnl, dev.master, NULL, &master))
		dev = master;
	if (dev.vrf) {
		flow->vrf = dev.ifindex;
		flow->vrf_table = dev.vrf_table;
	}
}

/* --- which route of the table --- */

/* Where it is remembered, if it is. */
static struct remembered *slot_of(struct route_teller *t, uint32_t table,
				  const struct route_flow *flow)
{
	unsigned int hash = table * 31 + flow->tos;
	struct remembered *r;

	for (unsigned int i = 0; i < 4; i++)
		hash = hash * 31 + flow->dst[i];
	r = &t->at[hash % ANSWERS];
	if (r->known && r->table == table && r->tos == flow->tos && !memcmp(r->dst, flow->dst, 4))
		return r;
	r->known = false;
	r->table = table;
	r->tos = flow->tos;
	memcpy(r->dst, flow->dst, 4);
	t->asked = true;
	return r;
}

static const struct fib_answer *answer_of(struct route_teller *t, uint32_t table,
					  const struct route_flow *flow)
{
	struct remembered *r = slot_of(t, table, flow);

	if (!r->known)
		r->known = fib_ask(t->ask, table, flow, &r->answer);
	return r->known ? &r->answer : NULL;
}

static bool leaves_by(const struct fib_route *route, const struct route_seen *seen)
{
	for (unsigned int i = 0; i < route->n_legs; i++) {
		const struct fib_leg *leg = &route->legs[i];
		size_t len = leg->gw_family == AF_INET6 ? 16 : 4;

		if (seen->dev && !strcmp(seen->dev, leg->dev) &&
		    (leg->gw_family == seen->flow.family) == seen->has_gateway &&
		    (!seen->has_gateway || !memcmp(seen->gateway, leg->gw, len)))
			return true;
	}
	return !route->n_legs && !seen->dev;
}

static uint64_t cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

static bool search(struct route_teller *t, uint32_t table, const struct route_flow *flow, int error,
		   struct fib_answer *a)
{
	struct route_best best = {.flow = flow};
	uint64_t begin = cpu_ns();
	int rc = -EOPNOTSUPP;

	*a = (struct fib_answer){.error = error};
	for (uint8_t type = RTN_BLACKHOLE; type <= RTN_PROHIBIT; type++)
		if (fib_type_error(type) == error)
			a->type = type;
	if (!a->type)
		return false;
	if (!t->slow) {
		rc = route_query_best(t->rtnl, table, a->type, &best);
		t->slow = cpu_ns() - begin > long_search_ns;
	} else if (t->reader) {
		rc = t->reader->read(t->reader->ctx, flow->family, table, a->type, flow->dst,
				     route_best_take, &best);
	}
	if (rc || !best.found)
		return false;
	a->plen = best.route.plen;
	return true;
}

/* The kernel tells no prefix of a route that refuses: those of its type are gone through. */
static void find_refusing(struct route_teller *t, const struct route_seen *seen,
			  struct route_told *told)
{
	const struct seen_table *last = &seen->v[seen->n - 1];
	struct remembered *r = slot_of(t, last->table, &seen->flow);

	if (!r->known || r->answer.error != last->error)
		r->known = search(t, last->table, &seen->flow, last->error, &r->answer);
	told->type = r->answer.type;
	if (r->known)
		told->plen = r->answer.plen;
	else
		told->untold = "the prefix of a route that refuses would have to be searched for "
			       "among too many routes";
}

/* Of IPv4, whose lookups tell no prefix: what the table says when it is asked again. */
static void find_route(struct route_teller *t, struct route_facts *f, const struct route_seen *seen,
		       const struct route_flow *flow, struct route_told *told)
{
	const struct seen_table *last = &seen->v[seen->n - 1];
	const struct fib_answer *a = NULL;
	const struct fib_fact *fact;
	struct route_sources by;
	unsigned int dumps = 0;
	uint64_t begin;

	if (last->error) {
		find_refusing(t, seen, told);
		return;
	}
	told->untold = "the table does not give the same answer again";
	if (t->ask && !flow->oif && last->table <= FIB_ASK_TABLES)
		a = answer_of(t, last->table, flow);
	if (a) {
		if (a->error || (seen->type && a->type != seen->type))
			return;
		told->plen = a->plen;
		told->type = a->type;
		told->untold = NULL;
		return;
	}
	if (!route_facts_fib(f, last->table, flow)) {
		t->asked = true;
		begin = cpu_ns();
		by = (struct route_sources){t->rtnl, NULL, t->slow ? NULL : &dumps,
					    t->slow ? t->reader : NULL};
		if (route_learn(&by, f, last->table, flow))
			return;
		t->slow |= dumps && cpu_ns() - begin > long_search_ns;
	}
	fact = route_facts_fib(f, last->table, flow);
	if (!fact) {
		told->untold = "no question to the kernel leads to that table, and it is too large "
			       "to be searched";
		return;
	}
	if (!fact->found || (seen->type && fact->route.type != seen->type) ||
	    !leaves_by(&fact->route, seen))
		return;
	told->plen = fact->route.plen;
	told->type = fact->route.type;
	told->untold = NULL;
}

/* --- which rule --- */

static bool asks_for_user(const struct route_facts *f)
{
	for (size_t i = 0; i < f->n_rules; i++)
		if (f->rules[i].has_uid && (f->rules[i].uid_lo || f->rules[i].uid_hi != UINT32_MAX))
			return true;
	return false;
}

/*
 * fib_lookup() as long as a namespace never had rules of its own: nobody looks at the rules, and the
 * tables local and main are one, with the number of main (fib_unmerge()).
 */
static bool is_merged(const struct route_facts *f, const struct route_seen *seen)
{
	if (f->family != AF_INET || !policy_rules_default(f->rules, f->n_rules, f->family))
		return false;
	for (unsigned int i = 0; i < seen->n; i++)
		if (seen->v[i].table == RT_TABLE_LOCAL)
			return false;
	return true;
}

static void tell_merged(const struct route_facts *f, const struct route_seen *seen,
			struct route_told *told)
{
	const struct seen_table *last = &seen->v[seen->n - 1];
	bool local = told->type == RTN_LOCAL || told->type == RTN_BROADCAST;

	told->end = last->error == -EAGAIN ? REPLAY_NONE : REPLAY_TABLE;
	told->table = last->table == RT_TABLE_MAIN && local ? RT_TABLE_LOCAL : last->table;
	for (size_t i = 0; i < f->n_rules; i++)
		if (f->rules[i].table == told->table)
			told->pref = f->rules[i].pref;
}

static void tell_rule(struct route_teller *t, const struct route_facts *f,
		      const struct route_seen *seen, const struct route_flow *flow,
		      struct route_told *told)
{
	const struct seen_lookup lookup = {seen->v, seen->n, seen->whole, told->plen};
	size_t i = 0;

	if (is_merged(f, seen)) {
		tell_merged(f, seen, told);
		return;
	}
	/* What arrives is of user 0 (sock_net_uid()); the socket of what is sent is not told. */
	if (asks_for_user(f) && flow->iif <= ROUTE_LOOPBACK) {
		told->untold = "a policy rule asks for the user, which the kernel does not tell";
		return;
	}
	told->end = route_replay(f->rules, f->n_rules, flow, &lookup, &i);
	if (told->end == REPLAY_UNKNOWN) {
		told->untold = "no way through the policy rules leads to the tables that were "
			       "asked";
	} else if (told->end != REPLAY_NONE) {
		told->pref = f->rules[i].pref;
		told->action = f->rules[i].action;
		told->table = told->end == REPLAY_TABLE ? seen->v[seen->n - 1].table : 0;
	}
	if (told->end != REPLAY_TABLE && told->end != REPLAY_UNKNOWN)
		told->untold = NULL;
}

bool route_tell(struct route_teller *t, const struct route_seen *seen, struct route_told *told)
{
	struct route_flow flow = seen->flow;
	struct route_facts *f;

	t->asked = false;
	f = seen->n ? load(t, seen->flow.family) : NULL;
	*told = (struct route_told){.plen = seen->plen, .type = seen->type};
	if (!f) {
		told->untold = "the policy rules cannot be read";
		return t->asked;
	}
	told->table = seen->v[seen->n - 1].table;
	set_vrf(t, f, &flow);
	if (flow.family == AF_INET && seen->v[seen->n - 1].error != -EAGAIN)
		find_route(t, f, seen, &flow, told);
	tell_rule(t, f, seen, &flow, told);
	return t->asked;
}
