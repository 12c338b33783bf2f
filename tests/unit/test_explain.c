// SPDX-License-Identifier: GPL-2.0-or-later
/* Ways through chains, what follows from what, and shares: over rules that are made here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <netinet/in.h>
#include <linux/netfilter.h>

#include "netfilter/explain.h"

/* --- a table "nat" of iptables with chains of rules --- */

struct lab {
	struct ruleset *rs;
	struct rs_table *t;
	struct facts *f;
	struct fact_list l;
	uint32_t used[16];
};

static void lab_chain(struct lab *lab, const char *name, uint32_t rules)
{
	struct rs_chain *c = rs_table_add_chain(lab->rs, lab->t, name);

	assert_non_null(c);
	c->n_rules = rules;
	if (!strcmp(name, "PREROUTING") || !strcmp(name, "POSTROUTING")) {
		c->base = true;
		c->hook =
			*name == 'P' && name[1] == 'R' ? NF_INET_PRE_ROUTING : NF_INET_POST_ROUTING;
		c->policy = VERDICT_ACCEPT;
		c->type = strdup("nat");
	}
}

static void lab_begin(struct lab *lab)
{
	memset(lab, 0, sizeof(*lab));
	lab->rs = ruleset_new();
	lab->t = ruleset_add_table(lab->rs, BACKEND_NFT, NFPROTO_IPV4, "nat");
}

static void lab_ready(struct lab *lab)
{
	assert_int_equal(ruleset_classify(lab->rs), 0);
	lab->f = facts_new(lab->rs);
	assert_non_null(lab->f);
}

static void lab_end(struct lab *lab)
{
	facts_free(lab->f);
	ruleset_put(lab->rs);
}

/* The next rule of the chain, with the facts gathered in lab->l. */
static struct fact_rule *rule(struct lab *lab, const char *chain, enum verdict verdict,
			      const char *to)
{
	struct fact_chain *c = (struct fact_chain *)facts_chain_named(lab->f, lab->t, chain);
	struct fact_rule *r;

	assert_int_equal(facts_room(lab->f, c), 0);
	r = &c->rules[c->n_known++];
	assert_true(c->n_known <= c->rs->n_rules);
	r->verdict = verdict;
	r->to = to ? facts_chain_named(lab->f, lab->t, to) : NULL;
	assert_int_equal(facts_rule_done(lab->f, r, &lab->l), 0);
	lab->l.n = 0;
	return r;
}

static void addr(struct lab *lab, uint8_t key, bool inv, uint32_t value, int prefix)
{
	const uint32_t v = htonl(value), m = htonl(prefix ? ~0u << (32 - prefix) : 0);

	fact_add_masked(&lab->l, key, inv, &v, &m, 4);
}

static void dport(struct lab *lab, uint16_t port)
{
	const uint16_t v = htons(port);
	const uint8_t tcp = IPPROTO_TCP;

	fact_add_masked(&lab->l, KEY_PROTO, false, &tcp, NULL, 1);
	fact_add_masked(&lab->l, KEY_DPORT, false, &v, NULL, 2);
}

static void chance(struct lab *lab, double p)
{
	fact_add(&lab->l, KEY_OTHER, FACT_CHANCE, false)->chance = p;
}

static void dnat(struct lab *lab, const char *chain, uint32_t to, uint16_t port)
{
	struct fact_nat *nat = facts_alloc(lab->f, sizeof(*nat));
	uint8_t *a = facts_alloc(lab->f, 16);
	struct fact_rule *r = rule(lab, chain, VERDICT_ACCEPT, NULL);
	const uint32_t v = htonl(to);

	memcpy(a, &v, 4);
	*nat = (struct fact_nat){
		.family = NFPROTO_IPV4, .min = a, .max = a, .port_min = port, .port_max = port};
	r->act = ACT_DNAT;
	r->nat = nat;
}

enum { VIP = 0x0a600001, PODS = 0x0af40000, POD = PODS };

static const struct explain_service *only_service(struct explain *x)
{
	assert_non_null(x);
	assert_int_equal(x->n_services, 1);
	assert_false(x->cut);
	return x->services[0];
}

/* Each of n endpoints gets 1/n by rules of 1/n, 1/(n-1), …, 1. */
static void shares(void **state)
{
	for (uint32_t n = 1; n <= 50; n++) {
		const struct explain_service *s;
		struct explain *x;
		struct lab lab;

		lab_begin(&lab);
		lab_chain(&lab, "PREROUTING", 1);
		lab_chain(&lab, "balance", n);
		lab_ready(&lab);
		addr(&lab, KEY_DADDR, false, VIP, 32);
		dport(&lab, 80);
		rule(&lab, "PREROUTING", VERDICT_JUMP, "balance");
		for (uint32_t i = 0; i < n; i++) {
			if (i + 1 < n)
				chance(&lab, 1.0 / (n - i));
			dnat(&lab, "balance", POD + i, 8080);
		}
		x = explain_open(lab.f);
		s = only_service(x);
		assert_int_equal(s->port, 80);
		assert_int_equal(s->proto, IPPROTO_TCP);
		assert_int_equal(s->n_ways, 1);
		assert_int_equal(s->ways[0].n_endpoints, n);
		for (uint32_t i = 0; i < n; i++)
			assert_true(s->ways[0].endpoints[i].share > 1.0 / n - 1e-9 &&
				    s->ways[0].endpoints[i].share < 1.0 / n + 1e-9);
		explain_close(x);
		lab_end(&lab);
	}
}

/* What is behind a rule that takes everything is for nobody; what is behind one that takes some,
 * for the rest. */
static void first_one_wins(void **state)
{
	const struct explain_service *s;
	struct explain *x;
	struct lab lab;

	lab_begin(&lab);
	lab_chain(&lab, "PREROUTING", 1);
	lab_chain(&lab, "svc", 4);
	lab_ready(&lab);
	dport(&lab, 80);
	rule(&lab, "PREROUTING", VERDICT_JUMP, "svc");
	addr(&lab, KEY_SADDR, false, PODS, 16);
	dnat(&lab, "svc", POD + 1, 8080);
	addr(&lab, KEY_SADDR, false, PODS + 7, 32); /* it is in the network above */
	dnat(&lab, "svc", POD + 2, 8080);
	dnat(&lab, "svc", POD + 3, 8080);
	dnat(&lab, "svc", POD + 4, 8080);
	x = explain_open(lab.f);
	s = only_service(x);
	assert_false(s->has_addr);
	assert_int_equal(s->n_ways, 2);
	assert_int_equal(s->ways[0].when.n, 1);
	assert_int_equal(s->ways[0].endpoints[0].addr[3], 1);
	assert_int_equal(s->ways[1].when.n, 0);
	assert_int_equal(s->ways[1].n_endpoints, 1);
	assert_int_equal(s->ways[1].endpoints[0].addr[3], 3);
	assert_ptr_equal(explain_main_way(s), &s->ways[1]);
	explain_close(x);
	lab_end(&lab);
}

/* "return" for some: what follows in this chain is for the others only. */
static void returned(void **state)
{
	const struct explain_service *s;
	struct explain *x;
	struct lab lab;

	lab_begin(&lab);
	lab_chain(&lab, "PREROUTING", 1);
	lab_chain(&lab, "svc", 2);
	lab_ready(&lab);
	dport(&lab, 80);
	rule(&lab, "PREROUTING", VERDICT_JUMP, "svc");
	addr(&lab, KEY_SADDR, false, PODS, 16);
	rule(&lab, "svc", VERDICT_RETURN, NULL);
	dnat(&lab, "svc", POD + 1, 8080);
	x = explain_open(lab.f);
	s = only_service(x);
	assert_int_equal(s->ways[0].when.n, 1);
	assert_int_equal(s->ways[0].when.v[0].key, KEY_SADDR);
	assert_true(s->ways[0].when.v[0].inv);
	explain_close(x);
	lab_end(&lab);
}

/* A condition that nobody can decide stays a condition. */
static void unknown_match(void **state)
{
	const struct explain_service *s;
	struct explain *x;
	struct lab lab;

	lab_begin(&lab);
	lab_chain(&lab, "PREROUTING", 1);
	lab_ready(&lab);
	dport(&lab, 80);
	fact_add_other(lab.f, &lab.l, "time");
	dnat(&lab, "PREROUTING", POD + 1, 8080);
	x = explain_open(lab.f);
	s = only_service(x);
	assert_int_equal(s->ways[0].when.n, 1);
	assert_string_equal(s->ways[0].when.v[0].what, "time");
	assert_string_equal(s->owner->name, "administrator");
	explain_close(x);
	lab_end(&lab);
}

/* A ruleset with more ways than anybody can follow ends, and says so. */
static void bounded(void **state)
{
	enum { DEPTH = 14 };
	char name[16], next[16];
	struct explain *x;
	struct lab lab;

	lab_begin(&lab);
	lab_chain(&lab, "PREROUTING", 1);
	for (int i = 0; i < DEPTH; i++) {
		snprintf(name, sizeof(name), "c%d", i);
		lab_chain(&lab, name, 4);
	}
	lab_ready(&lab);
	rule(&lab, "PREROUTING", VERDICT_JUMP, "c0");
	for (int i = 0; i < DEPTH; i++)
		for (uint32_t k = 0; k < 4; k++) {
			snprintf(name, sizeof(name), "c%d", i);
			snprintf(next, sizeof(next), "c%d", i + 1);
			fact_add_other(lab.f, &lab.l, "time");
			rule(&lab, name, i + 1 < DEPTH ? VERDICT_JUMP : VERDICT_ACCEPT,
			     i + 1 < DEPTH ? next : NULL);
		}
	x = explain_open(lab.f);
	assert_non_null(x);
	assert_true(x->cut);
	explain_close(x);
	lab_end(&lab);
}

static struct fact masked(uint32_t value, int prefix)
{
	const uint32_t v = htonl(value), m = htonl(prefix ? ~0u << (32 - prefix) : 0);
	struct fact_list l = {.n = 0};

	fact_add_masked(&l, KEY_SADDR, false, &v, &m, 4);
	return l.v[0];
}

static struct fact range(uint32_t from, uint32_t to)
{
	const uint32_t lo = htonl(from), hi = htonl(to);
	struct fact_list l = {.n = 0};

	fact_add_range(&l, KEY_SADDR, false, &lo, &hi, 4);
	return l.v[0];
}

static void implications(void **state)
{
	const struct {
		struct fact known, asked;
		enum truth want;
	} cases[] = {
		{masked(0x0a000001, 32), masked(0x0a000000, 8), TRUE_},
		{masked(0x0a000000, 8), masked(0x0a000001, 32), MAYBE},
		{masked(0x0b000000, 8), masked(0x0a000001, 32), FALSE_},
		{masked(0x0a000005, 32), range(0x0a000001, 0x0a000009), TRUE_},
		{masked(0x0a00000a, 32), range(0x0a000001, 0x0a000009), FALSE_},
		{masked(0x0a000000, 24), range(0x0a000001, 0x0a000009), MAYBE},
		{range(0x0a000002, 0x0a000003), range(0x0a000001, 0x0a000009), TRUE_},
		{range(0x0a000001, 0x0a000009), range(0x0a000002, 0x0a000003), MAYBE},
		{range(0x0a000001, 0x0a000009), masked(0x0a000000, 24), TRUE_},
		{range(0x0a000001, 0x0a000009), masked(0x0a000001, 32), MAYBE},
		{range(0x0a000001, 0x0a000009), masked(0x0a010000, 24), FALSE_},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(fact_implies(&cases[i].known, &cases[i].asked), cases[i].want);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shares),   cmocka_unit_test(first_one_wins),
		cmocka_unit_test(returned), cmocka_unit_test(unknown_match),
		cmocka_unit_test(bounded),  cmocka_unit_test(implications),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
