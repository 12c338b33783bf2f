// SPDX-License-Identifier: GPL-2.0-or-later
/* What is kept of a rule that was written before is never shown for another one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <linux/netfilter.h>

#include "src/render_json.h"

#include <cmocka.h> /* last: it has a macro fail() */

enum { STRINGS = 11, NUMBERS = 7, LONG = 3000, MANY = 3000, TIMES = 12 };

static char texts[STRINGS][16];
static struct json_kept *kept;

static struct step full(void)
{
	struct step s = {.type = STEP_RULE,
			 .backend = BACKEND_NFT,
			 .family = NFPROTO_INET,
			 .hook = NF_INET_LOCAL_IN,
			 .verdict = VERDICT_ACCEPT};
	const char **at[STRINGS] = {&s.rule.table,   &s.rule.chain,	 &s.rule.target,
				    &s.rule.action,  &s.rule.text,	 &s.rule.comment,
				    &s.rule.no_text, &s.rule.element,	 &s.rule.owner,
				    &s.rule.owner_mode, &s.rule.owner_words};

	s.rule.number = 3;
	s.rule.handle = 7;
	for (size_t i = 0; i < STRINGS; i++) {
		snprintf(texts[i], sizeof(texts[i]), "text-%zu", i);
		*at[i] = texts[i];
	}
	return s;
}

static void check(const struct step *s)
{
	struct bytes_out is = {0}, want = {0};
	struct path *p = path_new();

	/* The first time it is made, later it may be a kept one, which takes patience. */
	for (int i = 0; i < TIMES; i++) {
		is.len = want.len = 0;
		json_rule(&is, &kept, p, s);
		json_step(&want, p, s);
		assert_int_equal(is.len, want.len);
		assert_memory_equal(is.data, want.data, want.len);
	}
	bytes_free(&is);
	bytes_free(&want);
	path_free(p);
}

/* In the same memory, as when a snapshot is freed and another one made. */
static void test_other_strings(void **state)
{
	for (size_t i = 0; i < STRINGS; i++) {
		struct step s = full();

		check(&s);
		strcpy(texts[i], "another");
		check(&s);
		*texts[i] = '\0';
		check(&s);
	}
}

static void test_missing_strings(void **state)
{
	struct step s = full();
	const char **at[] = {&s.rule.table,  &s.rule.chain,   &s.rule.target,	  &s.rule.action,
			     &s.rule.comment, &s.rule.element, &s.rule.owner_words, &s.rule.owner_mode,
			     &s.rule.owner,   &s.rule.text,    &s.rule.no_text};

	for (size_t i = 0; i < STRINGS; i++) {
		check(&s);
		*at[i] = NULL;
		check(&s);
	}
}

static void test_other_numbers(void **state)
{
	for (int i = 0; i < NUMBERS; i++) {
		struct step s = full();

		check(&s);
		s.backend = i == 0 ? BACKEND_IPTABLES_NFT : s.backend;
		s.family = i == 1 ? NFPROTO_IPV4 : s.family;
		s.hook = i == 2 ? NF_INET_FORWARD : s.hook;
		s.verdict = i == 3 ? VERDICT_DROP : s.verdict;
		s.rule.number += i == 4;
		s.rule.handle += i == 5;
		s.rule.verdict_inferred = i == 6;
		check(&s);
	}
}

/* More than there are places for: each stands where others stood that differ in one number. */
static void test_many_rules(void **state)
{
	struct step s = full();

	for (uint32_t i = 0; i < MANY; i++) {
		s.rule.handle = i;
		check(&s);
	}
	for (uint32_t i = 0; i < MANY; i++) {
		s.rule.number = i;
		check(&s);
	}
}

static void test_long_text(void **state)
{
	static char text[LONG + 1];
	struct step s = full();

	memset(text, 'x', LONG);
	s.rule.text = text;
	check(&s);
	strcpy(text, "short");
	check(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_other_strings),
		cmocka_unit_test(test_missing_strings),
		cmocka_unit_test(test_other_numbers),
		cmocka_unit_test(test_many_rules),
		cmocka_unit_test(test_long_text),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	json_kept_free(kept);
	return failed;
}
