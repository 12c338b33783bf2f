// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "src/overdue.h"

#include <cmocka.h> /* last: it has a macro fail() */

enum { TRACE = 10 << 8 | 17, LINE = 4 << 8, SECOND = 1000000000 };

/* A packet's first message was told on, its processor stood still before the record was written. That is not the one of its last message,
 * which has the same number. */
static void test_late(void **state)
{
	struct overdue o = {0};

	assert_false(overdue_take(&o, TRACE, 7, false));
	overdue_add(&o, TRACE, 7, SECOND);
	assert_false(overdue_take(&o, TRACE, 8, false));
	assert_false(overdue_take(&o, LINE, 7, false));
	assert_true(overdue_take(&o, TRACE, 7, false));
	assert_false(overdue_take(&o, TRACE, 7, false));
}

/* Read before the record could look at it: the one that waits longest. */
static void test_late_and_gone(void **state)
{
	struct overdue o = {0};

	assert_false(overdue_take(&o, 0, 0, true));
	overdue_add(&o, TRACE, 7, SECOND);
	overdue_add(&o, TRACE, 8, SECOND + 1);
	assert_true(overdue_take(&o, 0, 0, true));
	assert_false(overdue_take(&o, TRACE, 7, false));
	assert_true(overdue_take(&o, TRACE, 8, false));
	assert_false(overdue_take(&o, 0, 0, true));
}

/* A record whose message was overwritten while it looked names none: the message goes without, and waits for nothing. */
static void test_useless(void **state)
{
	struct overdue o = {0};

	overdue_useless(&o, SECOND);
	overdue_add(&o, TRACE, 7, SECOND);
	assert_false(overdue_take(&o, TRACE, 7, false));
	/* The other way round. */
	overdue_add(&o, TRACE, 7, SECOND);
	overdue_useless(&o, SECOND);
	assert_false(overdue_take(&o, TRACE, 7, false));
}

static void test_given_up(void **state)
{
	struct overdue o = {0};

	overdue_add(&o, TRACE, 7, SECOND);
	overdue_add(&o, TRACE, 8, 2ull * SECOND);
	overdue_forget(&o, 2ull * SECOND); /* the machine has just started */
	assert_int_equal(o.n, 2);
	overdue_forget(&o, 2ull * SECOND + OVERDUE_NS);
	assert_false(overdue_take(&o, TRACE, 7, false));
	assert_true(overdue_take(&o, TRACE, 8, false));
	overdue_useless(&o, SECOND);
	overdue_forget(&o, 2ull * SECOND + OVERDUE_NS);
	overdue_add(&o, TRACE, 9, 2ull * SECOND);
	assert_true(overdue_take(&o, TRACE, 9, false));
}

static void test_no_room(void **state)
{
	struct overdue o = {0};

	for (uint32_t i = 0; i < OVERDUE_MAX + 3; i++)
		overdue_add(&o, LINE, i, SECOND + i);
	assert_int_equal(o.n, OVERDUE_MAX);
	assert_false(overdue_take(&o, LINE, 2, false));
	assert_true(overdue_take(&o, LINE, 3, false));
	assert_true(overdue_take(&o, LINE, OVERDUE_MAX + 2, false));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_late),	 cmocka_unit_test(test_late_and_gone), cmocka_unit_test(test_useless),
		cmocka_unit_test(test_given_up), cmocka_unit_test(test_no_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
