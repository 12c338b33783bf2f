// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "src/bytes.h"

static void check(struct bytes_out *b, const char *text)
{
	assert_false(b->failed);
	assert_int_equal(b->len, strlen(text));
	assert_memory_equal(b->data, text, b->len);
	b->len = 0;
}

static void test_numbers(void **state)
{
	struct bytes_out b = {0};

	bytes_number(&b, 0, 1);
	check(&b, "0");
	bytes_number(&b, UINT64_MAX, 1);
	check(&b, "18446744073709551615");
	bytes_number(&b, 42, 9);
	check(&b, "000000042");
	bytes_number(&b, 1234567890, 9);
	check(&b, "1234567890");
	bytes_number(&b, 7, 25); /* no number has more than 20 */
	check(&b, "00000000000000000007");
	bytes_printf(&b, "%d%%", -5);
	check(&b, "-5%");
	bytes_free(&b);
}

/* Where the number of digits changes. */
static void test_lengths(void **state)
{
	struct bytes_out b = {0};
	char text[32];

	for (uint64_t power = 1; power < 10000000000000000000ULL; power *= 10) {
		for (int add = -1; add <= 1; add++) {
			snprintf(text, sizeof(text), "%llu", (unsigned long long)(power + add));
			bytes_number(&b, power + add, 1);
			check(&b, text);
		}
	}
	for (uint64_t n = 0; n < 100000; n += 7) {
		snprintf(text, sizeof(text), "%06llu", (unsigned long long)n);
		bytes_number(&b, n, 6);
		check(&b, text);
	}
	bytes_free(&b);
}

/* Nothing is lost where the memory moves. */
static void test_growth(void **state)
{
	struct bytes_out b = {0};
	char *all;

	bytes_add(&b, "", 0);
	check(&b, "");
	for (int i = 0; i < 10000; i++) {
		bytes_char(&b, 'a');
		bytes_str(&b, "bcd");
		bytes_add(&b, "e", 1);
	}
	all = malloc(100000);
	memset(all, 'x', 99999);
	all[99999] = '\0';
	bytes_str(&b, all);
	assert_int_equal(b.len, 50000 + 99999);
	for (int i = 0; i < 50000; i++)
		assert_int_equal(b.data[i], "abcde"[i % 5]);
	assert_memory_equal(b.data + 50000, all, 99999);
	free(all);
	bytes_free(&b);
	assert_null(b.data);
}

static void test_undo(void **state)
{
	struct bytes_out b = {0};

	bytes_str(&b, "whole");
	assert_false(bytes_undo(&b, 2));
	check(&b, "whole");
	bytes_str(&b, "whole, half");
	b.failed = true;
	assert_true(bytes_undo(&b, 5));
	check(&b, "whole");
	bytes_free(&b);
}

/* What failed stays so: bytes after a gap would make another text. */
static void test_failed(void **state)
{
	struct bytes_out b = {0};

	bytes_str(&b, "kept");
	b.failed = true;
	b.cap = b.len;
	bytes_str(&b, "more");
	bytes_char(&b, '!');
	bytes_number(&b, 1, 1);
	assert_true(b.failed);
	assert_int_equal(b.len, 4);
	assert_memory_equal(b.data, "kept", 4);
	bytes_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_growth),
		cmocka_unit_test(test_undo),
		cmocka_unit_test(test_failed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
