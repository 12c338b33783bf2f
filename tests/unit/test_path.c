// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdarg.h>
#include <errno.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/path.h"

#include <cmocka.h> /* last: it has a macro fail() */

static void test_new_path_decided_nothing(void **state)
{
	struct path *p = path_new();

	assert_non_null(p);
	assert_int_equal(p->decided_by, -1);
	assert_int_equal(p->verdict, PATH_UNKNOWN);
	assert_int_equal(p->certainty, CERTAIN_EXACT);
	assert_int_equal(p->n_steps, 0);
	path_free(p);
	path_free(NULL);
}

static void test_strings_are_copied_and_kept_once(void **state)
{
	struct path *p = path_new();
	char name[] = "KUBE-SERVICES";
	const char *a = path_str(p, name), *b, *c;

	name[0] = 'X';
	b = path_str(p, "KUBE-SERVICES");
	c = path_strf(p, "%s-%s", "KUBE", "SERVICES");
	assert_string_equal(a, "KUBE-SERVICES");
	assert_ptr_equal(a, b);
	assert_ptr_equal(a, c);
	assert_ptr_not_equal(a, path_str(p, name));
	assert_null(path_str(p, NULL));
	assert_string_equal(path_str(p, ""), "");
	path_free(p);
}

static void test_many_and_long_strings_stay_where_they_are(void **state)
{
	enum { N = 3000 };
	struct path *p = path_new();
	const char *kept[N];
	char *huge = malloc(100001);

	for (int i = 0; i < N; i++)
		kept[i] = path_strf(p, "chain %d", i);
	memset(huge, 'a', 100000);
	huge[100000] = '\0';
	assert_int_equal(strlen(path_str(p, huge)), 100000);
	for (int i = 0; i < N; i++) {
		char want[32];

		snprintf(want, sizeof(want), "chain %d", i);
		assert_string_equal(kept[i], want);
		assert_ptr_equal(kept[i], path_str(p, want));
	}
	free(huge);
	path_free(p);
}

static void test_steps_keep_their_order(void **state)
{
	struct path *p = path_new();

	for (uint32_t i = 0; i < 100; i++)
		path_add(p, STEP_RULE, 2, 1)->rule.number = i + 1;
	assert_int_equal(p->n_steps, 100);
	p->decided_by = 99;

	assert_non_null(path_insert(p, 0, STEP_CONNTRACK, 2, 0));
	assert_non_null(path_insert(p, 51, STEP_ROUTE, 2, HOOK_NONE));
	assert_null(path_insert(p, 1000, STEP_ROUTE, 2, HOOK_NONE));
	assert_int_equal(p->n_steps, 102);
	assert_int_equal(p->decided_by, 101);
	assert_int_equal(p->steps[0].type, STEP_CONNTRACK);
	assert_int_equal(p->steps[51].type, STEP_ROUTE);
	assert_int_equal(p->steps[50].rule.number, 50);
	assert_int_equal(p->steps[52].rule.number, 51);
	assert_int_equal(p->steps[101].rule.number, 100);
	path_free(p);
}

static void test_unknown_numbers_are_not_zero(void **state)
{
	struct path *p = path_new();

	assert_int_equal(path_add(p, STEP_ROUTE, 2, HOOK_NONE)->route.rule, -1);
	assert_int_equal(path_add(p, STEP_RP_FILTER, 2, HOOK_NONE)->rpf.mode, -1);
	assert_int_equal(p->steps[1].rpf.all, -1);
	assert_int_equal(p->steps[1].rpf.dev_mode, -1);
	path_free(p);
}

static void test_doubt_only_grows(void **state)
{
	struct path *p = path_new();

	path_doubt(p, CERTAIN_EXACT, "no reason");
	assert_null(p->because);
	path_doubt(p, CERTAIN_ORDER_AMBIGUOUS, "two replays fit");
	path_doubt(p, CERTAIN_ORDER_AMBIGUOUS, "again");
	assert_string_equal(p->because, "two replays fit");
	path_doubt(p, CERTAIN_NOT, "12 events were lost");
	path_doubt(p, CERTAIN_ORDER_AMBIGUOUS, "three replays fit");
	path_doubt(p, CERTAIN_NOT, "the ruleset changed");
	assert_int_equal(p->certainty, CERTAIN_NOT);
	assert_string_equal(p->because, "12 events were lost");
	path_free(p);
}

static void test_steps_are_where_the_packet_is(void **state)
{
	struct path *p = path_new();

	p->places[0].ns = 4;
	path_add(p, STEP_RULE, 2, 1);
	path_move(p, 7)->passed = 1;
	p->visit = 2;
	path_add(p, STEP_RULE, 2, 1);
	assert_ptr_equal(path_move(p, 4), &p->places[0]);
	path_add(p, STEP_RULE, 2, 1);
	for (unsigned int ns = 10; ns < 30; ns++)
		assert_non_null(path_move(p, ns));
	assert_int_equal(p->n_places, 22);
	assert_int_equal(path_here(p)->ns, 29);
	assert_int_equal(path_place(p, 7)->passed, 1);
	assert_null(path_place(p, 8));
	assert_int_equal(p->steps[0].ns, 4);
	assert_int_equal(p->steps[0].visit, 0);
	assert_int_equal(p->steps[1].ns, 7);
	assert_int_equal(p->steps[1].visit, 2);
	assert_int_equal(p->steps[2].ns, 4);
	path_free(p);
}

static void test_names(void **state)
{
	assert_string_equal(step_type_name(STEP_RP_FILTER), "rp_filter");
	assert_string_equal(path_verdict_name(PATH_DROPPED), "dropped");
	assert_string_equal(certainty_name(CERTAIN_ORDER_AMBIGUOUS), "order-ambiguous");
	assert_string_equal(ct_state_name(CT_UNTRACKED), "untracked");
	assert_string_equal(step_type_name(99), "unknown");
	assert_string_equal(path_verdict_name(99), "unknown");
	assert_string_equal(certainty_name(99), "unknown");
	assert_string_equal(ct_state_name(99), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_new_path_decided_nothing),
		cmocka_unit_test(test_strings_are_copied_and_kept_once),
		cmocka_unit_test(test_many_and_long_strings_stay_where_they_are),
		cmocka_unit_test(test_steps_keep_their_order),
		cmocka_unit_test(test_unknown_numbers_are_not_zero),
		cmocka_unit_test(test_doubt_only_grows),
		cmocka_unit_test(test_steps_are_where_the_packet_is),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
