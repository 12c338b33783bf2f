// SPDX-License-Identifier: GPL-2.0-or-later
/* Decisions over facts that no kernel was asked for, and what would be if. */
#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>

#include "route/decide.h"

/* After error.h: cmocka has a macro called fail. */
#include <cmocka.h>

#define PLAIN .action = FR_ACT_TO_TBL, .dscp = 0xff, .suppress_plen = -1, .suppress_group = -1

enum { ETH0 = 2, ETH1 = 3 };

/* A host with eth0 10.0.0.1/24 and eth1 10.0.1.1/24. */
struct host {
	struct route_facts f;
	struct policy_rule rules[8];
	struct fib_fact facts[16], *fibs[16];
	struct route_flow flow;
};

static void addr(uint8_t *to, const char *text)
{
	memset(to, 0, ROUTE_ADDR);
	assert_int_equal(inet_pton(AF_INET, text, to), 1);
}

static void add_rule(struct host *h, struct policy_rule r)
{
	h->rules[h->f.n_rules++] = r;
}

/* The table answers dst with a route; type 0: with none. */
static struct fib_fact *add_fact(struct host *h, uint32_t table, const char *dst, uint8_t type,
				 uint8_t plen, uint32_t ifindex)
{
	struct fib_fact *fact = &h->facts[h->f.n_fibs];

	*fact = (struct fib_fact){.table = table, .found = type != 0};
	addr(fact->addr, dst);
	fact->route.type = type;
	fact->route.plen = plen;
	fact->route.legs[0] = (struct fib_leg){.ifindex = ifindex};
	snprintf(fact->route.legs[0].dev, ROUTE_NAME, "eth%u", ifindex - ETH0);
	fact->route.n_legs = fact->route.n_legs_told = ifindex != 0;
	h->fibs[h->f.n_fibs++] = fact;
	return fact;
}

static void host(struct host *h, const char *src, const char *dst)
{
	*h = (struct host){.f = {.family = AF_INET,
				 .rules = h->rules,
				 .fibs = h->fibs,
				 .custom_rules = true,
				 .arrival = {.ifindex = ETH0, .name = "eth0", .up = true},
				 .in = {.ifindex = ETH0, .name = "eth0", .up = true},
				 .dev = {.forwarding = 1}},
			   .flow = {.family = AF_INET, .has_src = true, .iif = ETH0}};
	addr(h->flow.src, src);
	addr(h->flow.dst, dst);
	add_rule(h, (struct policy_rule){PLAIN, .pref = 0, .table = RT_TABLE_LOCAL});
	add_rule(h, (struct policy_rule){PLAIN, .pref = 32766, .table = RT_TABLE_MAIN});
}

static void decides(struct host *h, enum route_verdict verdict, enum route_reason reason)
{
	struct route_decision d;

	assert_int_equal(route_decide(&h->f, &h->flow, &d), 0);
	if (d.verdict != verdict || d.reason != reason)
		print_message("%s\n", d.sentence);
	assert_int_equal(d.verdict, verdict);
	assert_int_equal(d.reason, reason);
	assert_true(d.sentence[0]);
	route_decision_free(&d);
}

/* From 10.9.9.9, behind eth1, to this host by eth0. */
static void asymmetric(struct host *h)
{
	host(h, "10.9.9.9", "10.0.0.1");
	add_fact(h, RT_TABLE_LOCAL, "10.0.0.1", RTN_LOCAL, 32, ETH0);
	add_fact(h, RT_TABLE_LOCAL, "10.9.9.9", 0, 0, 0);
	add_fact(h, RT_TABLE_MAIN, "10.9.9.9", RTN_UNICAST, 8, ETH1);
}

static void test_rp_filter(void **state)
{
	struct host h;

	asymmetric(&h);
	decides(&h, ROUTE_PASS, ROUTE_PASSES);
	h.f.dev.rp_filter = 1;
	decides(&h, ROUTE_DROP, ROUTE_RPF_STRICT);
	h.f.all.rp_filter = 2;
	decides(&h, ROUTE_PASS, ROUTE_PASSES);
	h.f.all.rp_filter = 1;
	h.f.dev.rp_filter = 0;
	decides(&h, ROUTE_DROP, ROUTE_RPF_STRICT);
	h.facts[2].found = false;
	decides(&h, ROUTE_DROP, ROUTE_RPF_STRICT);
	h.f.dev.rp_filter = 2;
	decides(&h, ROUTE_DROP, ROUTE_RPF_LOOSE);
	h.f.dev.rp_filter = -1;
	h.f.all.rp_filter = -1;
	decides(&h, ROUTE_UNDECIDED, ROUTE_UNKNOWN);
}

static void test_what_if_a_route(void **state)
{
	struct fib_fact instead = {.table = RT_TABLE_MAIN, .found = true};
	struct host h;

	asymmetric(&h);
	h.f.dev.rp_filter = 1;
	addr(instead.addr, "10.9.9.9");
	instead.route = h.facts[2].route;
	instead.route.legs[0].ifindex = ETH0;
	h.f.instead = &instead;
	decides(&h, ROUTE_PASS, ROUTE_PASSES);
	h.f.instead = NULL;
	decides(&h, ROUTE_DROP, ROUTE_RPF_STRICT);
}

static void test_missing_fact(void **state)
{
	struct route_decision d;
	struct host h;

	asymmetric(&h);
	h.f.n_fibs = 1;
	assert_int_equal(route_decide(&h.f, &h.flow, &d), 1);
	assert_int_equal(d.need_table, RT_TABLE_LOCAL);
	assert_memory_equal(d.need.dst, h.flow.src, ROUTE_ADDR);
	route_decision_free(&d);
	h.f.n_fibs = 0;
	assert_int_equal(route_decide(&h.f, &h.flow, &d), 1);
	assert_memory_equal(d.need.dst, h.flow.dst, ROUTE_ADDR);
	route_decision_free(&d);
}

static void test_marks_on_the_way_back(void **state)
{
	struct host h;

	asymmetric(&h);
	h.f.dev.rp_filter = 1;
	h.flow.mark = 7;
	h.rules[2] = h.rules[1];
	h.rules[1] = (struct policy_rule){PLAIN, .pref = 9, .table = 100, .mark = 7, .mask = ~0u};
	h.f.n_rules = 3;
	add_fact(&h, 100, "10.9.9.9", RTN_UNICAST, 0, ETH0);
	decides(&h, ROUTE_DROP, ROUTE_RPF_STRICT);
	h.f.all.src_valid_mark = 1;
	decides(&h, ROUTE_PASS, ROUTE_PASSES);
}

static void test_own_source(void **state)
{
	struct host h;

	host(&h, "10.0.1.1", "10.0.0.1");
	add_fact(&h, RT_TABLE_LOCAL, "10.0.0.1", RTN_LOCAL, 32, ETH0);
	add_fact(&h, RT_TABLE_LOCAL, "10.0.1.1", RTN_LOCAL, 32, ETH1);
	decides(&h, ROUTE_DROP, ROUTE_LOCAL_SOURCE);
	h.f.dev.accept_local = 1;
	decides(&h, ROUTE_PASS, ROUTE_PASSES);
	h.f.dev.rp_filter = 1;
	decides(&h, ROUTE_DROP, ROUTE_RPF_STRICT);
	/* Without rules of anybody's the kernel looks at addresses only. */
	h.f.custom_rules = false;
	h.f.dev = (struct route_settings){.forwarding = 1};
	decides(&h, ROUTE_PASS, ROUTE_PASSES);
	h.f.src_is_own = true;
	decides(&h, ROUTE_DROP, ROUTE_LOCAL_SOURCE);
}

static void test_martians(void **state)
{
	static const struct {
		const char *src, *dst;
		enum route_reason reason;
	} rows[] = {
		{"224.0.0.1", "10.0.0.1", ROUTE_MARTIAN_SOURCE},
		{"255.255.255.255", "10.0.0.1", ROUTE_MARTIAN_SOURCE},
		{"0.0.0.0", "10.0.0.1", ROUTE_MARTIAN_SOURCE},
		{"127.0.0.1", "10.0.0.1", ROUTE_MARTIAN_SOURCE},
		{"10.9.9.9", "127.0.0.1", ROUTE_MARTIAN_DESTINATION},
		{"10.9.9.9", "0.0.0.0", ROUTE_MARTIAN_DESTINATION},
	};
	struct host h;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		host(&h, rows[i].src, rows[i].dst);
		decides(&h, ROUTE_DROP, rows[i].reason);
	}
	host(&h, "0.0.0.0", "255.255.255.255");
	decides(&h, ROUTE_PASS, ROUTE_PASSES);
	host(&h, "127.0.0.1", "10.0.0.1");
	add_fact(&h, RT_TABLE_LOCAL, "10.0.0.1", RTN_LOCAL, 32, ETH0);
	add_fact(&h, RT_TABLE_LOCAL, "127.0.0.1", RTN_LOCAL, 8, 1);
	h.f.dev.route_localnet = 1;
	decides(&h, ROUTE_DROP, ROUTE_LOCAL_SOURCE);
}

static void test_destinations(void **state)
{
	static const struct {
		uint8_t type;
		enum route_reason reason;
	} rows[] = {{0, ROUTE_NO_ROUTE},
		    {RTN_THROW, ROUTE_NO_ROUTE},
		    {RTN_UNREACHABLE, ROUTE_UNREACHABLE},
		    {RTN_PROHIBIT, ROUTE_PROHIBIT},
		    {RTN_BLACKHOLE, ROUTE_BLACKHOLE},
		    {RTN_MULTICAST, ROUTE_MARTIAN_DESTINATION}};
	struct host h;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		host(&h, "10.0.0.9", "10.5.5.5");
		add_fact(&h, RT_TABLE_LOCAL, "10.5.5.5", 0, 0, 0);
		add_fact(&h, RT_TABLE_MAIN, "10.5.5.5", rows[i].type, 16, 0);
		decides(&h, ROUTE_DROP, rows[i].reason);
	}
	host(&h, "10.0.0.9", "10.5.5.5");
	add_fact(&h, RT_TABLE_LOCAL, "10.5.5.5", 0, 0, 0);
	add_fact(&h, RT_TABLE_MAIN, "10.5.5.5", RTN_UNICAST, 16, ETH1);
	add_fact(&h, RT_TABLE_LOCAL, "10.0.0.9", 0, 0, 0);
	add_fact(&h, RT_TABLE_MAIN, "10.0.0.9", RTN_UNICAST, 24, ETH0);
	decides(&h, ROUTE_PASS, ROUTE_PASSES);
	h.f.dev.forwarding = 0;
	decides(&h, ROUTE_DROP, ROUTE_FORWARDING_OFF);
	h.f.arrival.up = false;
	decides(&h, ROUTE_DROP, ROUTE_DEVICE_DOWN);
}

static void test_rules(void **state)
{
	struct route_decision d;
	struct host h;

	host(&h, "10.0.0.9", "10.5.5.5");
	h.f.n_rules = 0;
	add_rule(&h, (struct policy_rule){PLAIN, .pref = 1, .table = 100, .dst = {10}, .dst_len = 8,
					  .invert = true});
	add_rule(&h, (struct policy_rule){PLAIN, .pref = 2, .table = 100});
	add_rule(&h, (struct policy_rule){PLAIN, .pref = 3, .table = 101});
	h.rules[2].suppress_plen = 8;
	add_rule(&h, (struct policy_rule){PLAIN, .pref = 4, .target = 6});
	h.rules[3].action = FR_ACT_GOTO;
	add_rule(&h, (struct policy_rule){PLAIN, .pref = 5});
	h.rules[4].action = FR_ACT_BLACKHOLE;
	add_rule(&h, (struct policy_rule){PLAIN, .pref = 6});
	h.rules[5].action = FR_ACT_PROHIBIT;
	add_fact(&h, 100, "10.5.5.5", RTN_THROW, 8, 0);
	add_fact(&h, 101, "10.5.5.5", RTN_UNICAST, 8, ETH1);
	assert_int_equal(route_decide(&h.f, &h.flow, &d), 0);
	assert_int_equal(d.reason, ROUTE_PROHIBIT);
	assert_int_equal(d.forward.rule, 5);
	assert_int_equal(d.forward.n_trials, 6);
	assert_int_equal(d.forward.trials[0], TRIAL_OTHER);
	assert_int_equal(d.forward.trials[1], TRIAL_THROW);
	assert_int_equal(d.forward.trials[2], TRIAL_SUPPRESSED);
	assert_int_equal(d.forward.trials[3], TRIAL_SKIPPED);
	assert_int_equal(d.forward.trials[4], TRIAL_SKIPPED);
	assert_int_equal(d.forward.trials[5], TRIAL_MATCHED);
	route_decision_free(&d);
	h.rules[5].without = true;
	decides(&h, ROUTE_DROP, ROUTE_NO_ROUTE);
	h.rules[3].unresolved = true;
	decides(&h, ROUTE_DROP, ROUTE_BLACKHOLE);
	h.rules[0].unknown = true;
	decides(&h, ROUTE_UNDECIDED, ROUTE_UNKNOWN);
}

static void test_next_hops(void **state)
{
	struct fib_fact *way;
	struct host h;

	host(&h, "10.0.0.9", "10.5.5.5");
	h.f.dev.rp_filter = 1;
	h.rules[2] = h.rules[1];
	h.rules[1] = (struct policy_rule){PLAIN, .pref = 9, .table = 100, .iif = "eth1",
					  .iifindex = ETH1};
	h.f.n_rules = 3;
	add_fact(&h, RT_TABLE_LOCAL, "10.5.5.5", 0, 0, 0);
	way = add_fact(&h, RT_TABLE_MAIN, "10.5.5.5", RTN_UNICAST, 16, ETH0);
	add_fact(&h, RT_TABLE_LOCAL, "10.0.0.9", 0, 0, 0);
	add_fact(&h, RT_TABLE_MAIN, "10.0.0.9", RTN_UNICAST, 24, ETH0);
	add_fact(&h, 100, "10.0.0.9", RTN_UNICAST, 0, ETH1);
	decides(&h, ROUTE_PASS, ROUTE_PASSES);
	/* Back from eth1 the rule leads elsewhere: the worst of the two is told. */
	way->route.legs[1] = (struct fib_leg){.ifindex = ETH1};
	way->route.n_legs = way->route.n_legs_told = 2;
	decides(&h, ROUTE_DROP, ROUTE_RPF_STRICT);
	way->route.legs[1].flags = RTNH_F_DEAD;
	decides(&h, ROUTE_PASS, ROUTE_PASSES);
}

static void test_output(void **state)
{
	struct host h;

	host(&h, "10.0.0.1", "10.5.5.5");
	h.flow.iif = 0;
	decides(&h, ROUTE_DROP, ROUTE_FOREIGN_SOURCE);
	h.f.src_is_own = true;
	add_fact(&h, RT_TABLE_LOCAL, "10.5.5.5", 0, 0, 0);
	add_fact(&h, RT_TABLE_MAIN, "10.5.5.5", 0, 0, 0);
	decides(&h, ROUTE_DROP, ROUTE_NO_ROUTE);
	h.facts[1].found = true;
	h.facts[1].route.type = RTN_UNICAST;
	decides(&h, ROUTE_PASS, ROUTE_PASSES);
	/* With a device, the kernel takes the destination to be there. */
	h.facts[0].oif = h.facts[1].oif = h.flow.oif = ETH1;
	h.facts[1].found = false;
	decides(&h, ROUTE_PASS, ROUTE_PASSES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rp_filter),    cmocka_unit_test(test_what_if_a_route),
		cmocka_unit_test(test_missing_fact), cmocka_unit_test(test_marks_on_the_way_back),
		cmocka_unit_test(test_own_source),   cmocka_unit_test(test_martians),
		cmocka_unit_test(test_destinations), cmocka_unit_test(test_rules),
		cmocka_unit_test(test_next_hops),    cmocka_unit_test(test_output),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
