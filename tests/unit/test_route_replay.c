// SPDX-License-Identifier: GPL-2.0-or-later
/* route/replay.c: which policy rule led to the tables that were seen. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <linux/fib_rules.h>

#include <cmocka.h>

#include "route/replay.h"

enum { LOCAL = 255, MAIN = 254, MISSING = 99 };

static const struct policy_rule any = {
	.action = FR_ACT_TO_TBL, .dscp = 0xff, .dscp_mask = 0xfc, .suppress_plen = -1,
	.suppress_group = -1};

static struct policy_rule to(uint32_t pref, uint32_t table)
{
	struct policy_rule r = any;

	r.pref = pref;
	r.table = table;
	return r;
}

static struct policy_rule refuses(uint32_t pref)
{
	struct policy_rule r = any;

	r.pref = pref;
	r.action = FR_ACT_PROHIBIT;
	return r;
}

static struct policy_rule picky(uint32_t pref, uint32_t table, int plen)
{
	struct policy_rule r = to(pref, table);

	r.suppress_plen = plen;
	return r;
}

static struct policy_rule marked(struct policy_rule r, uint32_t mark)
{
	r.mark = mark;
	r.mask = UINT32_MAX;
	return r;
}

static const struct route_flow flow = {.family = AF_INET, .iif = 2};

/* The priority of the rule; -1: unknown, -2: none; one that refuses: that of it, negative, less 10. */
static int replay(const struct policy_rule *rules, size_t n, bool whole, int plen,
		  const struct seen_table *v, unsigned int n_v)
{
	const struct seen_lookup seen = {v, n_v, whole, plen};
	size_t i = 12345;

	switch (route_replay(rules, n, &flow, &seen, &i)) {
	case REPLAY_TABLE:
		return (int)rules[i].pref;
	case REPLAY_REFUSED:
		return -10 - (int)rules[i].pref;
	case REPLAY_NONE:
		return -2;
	case REPLAY_UNKNOWN:
		break;
	}
	return -1;
}

#define REPLAY(rules, whole, plen, ...)                                                            \
	replay(rules, sizeof(rules) / sizeof((rules)[0]), whole, plen,                             \
	       (const struct seen_table[]){__VA_ARGS__},                                           \
	       sizeof((const struct seen_table[]){__VA_ARGS__}) / sizeof(struct seen_table))

static void test_the_rule_that_found(void **state)
{
	const struct policy_rule rules[] = {to(0, LOCAL), marked(to(10, MAIN), 7), to(20, MISSING),
					    to(30, 100), to(32766, MAIN)};

	assert_int_equal(REPLAY(rules, true, -1, {LOCAL, 0}), 0);
	assert_int_equal(REPLAY(rules, true, -1, {LOCAL, -EAGAIN}, {100, 0}), 30);
	assert_int_equal(REPLAY(rules, true, -1, {LOCAL, -EAGAIN}, {100, -EAGAIN}, {MAIN, 0}), 32766);
	assert_int_equal(REPLAY(rules, true, -1, {LOCAL, -EAGAIN}, {100, -EHOSTUNREACH}), 30);
	assert_int_equal(REPLAY(rules, true, -1, {LOCAL, -EAGAIN}, {100, -EAGAIN}, {MAIN, -EAGAIN}), -2);
}

static void test_what_no_way_leads_to(void **state)
{
	const struct policy_rule rules[] = {to(0, LOCAL), to(30, 100), to(32766, MAIN)};

	/* A table that no rule names, an order that the rules do not have, a table that was left out. */
	assert_int_equal(REPLAY(rules, true, -1, {LOCAL, -EAGAIN}, {77, 0}), -1);
	assert_int_equal(REPLAY(rules, true, -1, {100, -EAGAIN}, {LOCAL, 0}), 0);
	assert_int_equal(REPLAY(rules, true, -1, {MAIN, 0}), -1);
	/* Found, and asked on, though the rule wants everything. */
	assert_int_equal(REPLAY(rules, true, -1, {LOCAL, -EAGAIN}, {100, 0}, {77, 0}), -1);
	/* Main exists always. */
	assert_int_equal(REPLAY(rules, true, -1, {LOCAL, -EAGAIN}, {100, -EAGAIN}), -1);
}

static void test_unwanted_routes(void **state)
{
	const struct policy_rule rules[] = {to(0, LOCAL), picky(10, MAIN, 0), to(20, 51820),
					    to(32766, MAIN)};

	assert_int_equal(REPLAY(rules, true, 24, {LOCAL, -EAGAIN}, {MAIN, 0}), 10);
	assert_int_equal(REPLAY(rules, true, 0, {LOCAL, -EAGAIN}, {MAIN, 0}, {51820, 0}), 20);
	assert_int_equal(REPLAY(rules, true, 0, {LOCAL, -EAGAIN}, {MAIN, 0}, {51820, -EAGAIN}, {MAIN, 0}),
			 32766);
	/* Whether the rule wanted the last one depends on its prefix, which is not known. */
	assert_int_equal(REPLAY(rules, true, -1, {LOCAL, -EAGAIN}, {MAIN, 0}), -1);
}

static void test_refusing_rules(void **state)
{
	const struct policy_rule rules[] = {to(0, LOCAL), marked(refuses(5), 7), to(10, 100), refuses(20),
					    to(32766, MAIN)};

	assert_int_equal(REPLAY(rules, true, -1, {LOCAL, -EAGAIN}, {100, -EAGAIN}), -30);
	assert_int_equal(REPLAY(rules, true, -1, {LOCAL, -EAGAIN}), -30); /* table 100 does not exist */
	assert_int_equal(REPLAY(rules, true, -1, {LOCAL, -EAGAIN}, {MAIN, 0}), -1);
}

static void test_goto(void **state)
{
	struct policy_rule rules[] = {to(0, LOCAL), any, refuses(50), to(90, 100), to(32766, MAIN)};

	rules[1].pref = 10;
	rules[1].action = FR_ACT_GOTO;
	rules[1].target = 90;
	assert_int_equal(REPLAY(rules, true, -1, {LOCAL, -EAGAIN}, {100, 0}), 90);
}

static void test_what_is_missing_before(void **state)
{
	const struct policy_rule rules[] = {to(0, LOCAL), to(10, 100), to(20, 101), to(30, 102),
					    to(40, 103), to(50, 100), to(32766, MAIN)};

	/* An earlier decision about the same. */
	assert_int_equal(REPLAY(rules, false, -1, {LOCAL, 0}, {LOCAL, 0}), 0);
	/* The first tables may be missing, and the last one is named by two rules. */
	assert_int_equal(REPLAY(rules, false, -1, {LOCAL, -EAGAIN}, {101, -EAGAIN}, {103, -EAGAIN}, {100, 0}),
			 -1);
	assert_int_equal(REPLAY(rules, true, -1, {LOCAL, -EAGAIN}, {100, -EAGAIN}, {101, -EAGAIN},
				{102, -EAGAIN}, {103, -EAGAIN}, {100, 0}),
			 50);
}

static void test_selectors_that_are_not_known(void **state)
{
	struct policy_rule rules[] = {to(0, LOCAL), to(10, 100), to(32766, MAIN)};

	rules[1].unknown = true;
	assert_int_equal(REPLAY(rules, true, -1, {LOCAL, 0}), 0);
	assert_int_equal(REPLAY(rules, true, -1, {LOCAL, -EAGAIN}, {100, 0}), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_rule_that_found),
		cmocka_unit_test(test_what_no_way_leads_to),
		cmocka_unit_test(test_unwanted_routes),
		cmocka_unit_test(test_refusing_rules),
		cmocka_unit_test(test_goto),
		cmocka_unit_test(test_what_is_missing_before),
		cmocka_unit_test(test_selectors_that_are_not_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
