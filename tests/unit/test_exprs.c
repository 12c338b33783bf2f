// SPDX-License-Identifier: GPL-2.0-or-later
/* What chains and statements ask of the programs that watch them. */
#include <linux/netfilter.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "netfilter/exprs.h"

#include <cmocka.h>

static const uint64_t end = 1ULL << EXPR_WALK_END, first = 1ULL << EXPR_FIRST_SIGHT;

static void test_chains(void **state)
{
	static const struct {
		uint8_t family;
		unsigned int hook;
		int32_t priority;
		const char *type;
		uint64_t asked;
	} rows[] = {
		{NFPROTO_IPV4, NF_INET_LOCAL_IN, 0, "filter", 0},
		{NFPROTO_IPV6, NF_INET_FORWARD, 10, "filter", 0},
		{NFPROTO_INET, NF_INET_PRE_ROUTING, -300, "filter", 0},
		{NFPROTO_INET, NF_INET_POST_ROUTING, -399, "filter", 0},
		/* Defragmentation comes next, or at the same time. */
		{NFPROTO_INET, NF_INET_PRE_ROUTING, -400, "filter", end},
		{NFPROTO_INET, NF_INET_LOCAL_OUT, -500, "filter", end},
		{NFPROTO_IPV4, NF_INET_LOCAL_OUT, -150, "route", end},
		{NFPROTO_IPV4, NF_INET_LOCAL_OUT, -100, "nat", end},
		{NFPROTO_INET, NF_INET_INGRESS, 0, "filter", end},
		{NFPROTO_NETDEV, 0, 0, "filter", end},
		{NFPROTO_ARP, 0, 0, "filter", end},
		{NFPROTO_BRIDGE, NF_INET_FORWARD, 0, "filter", end},
		{NFPROTO_BRIDGE, NF_INET_PRE_ROUTING, 0, "filter", end | first},
		{NFPROTO_IPV4, NF_INET_LOCAL_IN, 0, "unknown", end},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(expr_kinds_of_chain(rows[i].family, rows[i].hook, rows[i].priority,
						     rows[i].type),
				 rows[i].asked);
}

static void test_statements(void **state)
{
	static const enum expr_kind taking[] = {EXPR_FWD, EXPR_QUEUE, EXPR_SYNPROXY, EXPR_TPROXY,
						EXPR_TARGET};
	uint64_t rest = (1ULL << EXPR_FIRST_SIGHT) - 1;

	for (size_t i = 0; i < sizeof(taking) / sizeof(taking[0]); i++) {
		assert_int_equal(expr_kinds_beside(1ULL << taking[i] | 1ULL << EXPR_COUNTER), end);
		rest &= ~(1ULL << taking[i]);
	}
	assert_int_equal(expr_kinds_beside(rest), 0);
	assert_int_equal(expr_kinds_beside(0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_chains),
		cmocka_unit_test(test_statements),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
