// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/escape.h"

#include <cmocka.h> /* last: it has a macro fail() */

static void check(char *(*f)(const char *), const char *in, const char *want)
{
	char *got = f(in);

	assert_non_null(got);
	assert_string_equal(got, want);
	free(got);
}

static void test_plain_text_stays(void **state)
{
	check(escape_text, "", "");
	check(escape_text, "KUBE-SVC-ZP4VKUJY \"a\" 'b' ~", "KUBE-SVC-ZP4VKUJY \"a\" 'b' ~");
	check(escape_text, "żółć 日本 😀", "żółć 日本 😀");
}

static void test_controls(void **state)
{
	check(escape_text, "\x1b[31mred\x1b[0m", "\\x1b[31mred\\x1b[0m");
	check(escape_text, "a\nb\tc\\d\r\a", "a\\nb\\tc\\\\d\\x0d\\x07");
	check(escape_text, "\x7f", "\\x7f");
	check(escape_text,
	      "\xc2\x9b"
	      "31m",
	      "\\xc2\\x9b31m");
	check(escape_text,
	      "\x9b"
	      "31m",
	      "\\x9b31m");
	check(escape_text, "\xc2\xa0", "\xc2\xa0");
}

static void test_invalid_utf8(void **state)
{
	check(escape_text,
	      "a\xff"
	      "b",
	      "a\\xffb");
	check(escape_text, "\xc0\xaf", "\\xc0\\xaf");
	check(escape_text, "\xe0\x80\x80", "\\xe0\\x80\\x80");
	check(escape_text, "\xed\xa0\x80", "\\xed\\xa0\\x80");
	check(escape_text, "\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80");
	check(escape_text, "\xe2\x82", "\\xe2\\x82");
	check(escape_text, "\xf0\x9f\x98", "\\xf0\\x9f\\x98");
	check(escape_text, "\xe2\x82z", "\\xe2\\x82z");
}

static void test_disguises(void **state)
{
	check(escape_text, "a\u202etxt.exe\u202c", "a\\u{202E}txt.exe\\u{202C}");
	check(escape_text, "\u200b\u2066\ufeff\u061c\u2028",
	      "\\u{200B}\\u{2066}\\u{FEFF}\\u{061C}\\u{2028}");
	check(escape_text, "\U000e0041", "\\u{E0041}");
	check(escape_text, "\u2010\u202f", "\u2010\u202f");
}

static void test_repair(void **state)
{
	check(utf8_repair, "żółć\n\x1b", "żółć\n\x1b");
	check(utf8_repair,
	      "a\xff\xfe"
	      "b",
	      "a\ufffd\ufffdb");
	check(utf8_repair, "\xe2\x82", "\ufffd\ufffd");
	check(utf8_repair, "\xff\xff\xff\xff", "\ufffd\ufffd\ufffd\ufffd");
	check(utf8_repair, "\u202e", "\u202e");
}

/* Whatever the bytes: no control and no invalid UTF-8 comes out, and escaping twice shows that it
 * was escaped. */
static void test_random_bytes(void **state)
{
	unsigned int seed = 7;

	for (int i = 0; i < 20000; i++) {
		char in[24], *out, *fixed, *again;
		size_t len = rand_r(&seed) % sizeof(in);

		for (size_t at = 0; at < len; at++)
			in[at] = rand_r(&seed) % 255 + 1;
		in[len] = '\0';
		out = escape_text(in);
		for (const char *c = out; *c; c++)
			assert_false((unsigned char)*c < 0x20 || *c == 0x7f);
		fixed = utf8_repair(out);
		assert_string_equal(fixed, out);
		again = utf8_repair(in);
		free(fixed);
		fixed = utf8_repair(again);
		assert_string_equal(fixed, again);
		free(out);
		free(fixed);
		free(again);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain_text_stays), cmocka_unit_test(test_controls),
		cmocka_unit_test(test_invalid_utf8),	 cmocka_unit_test(test_disguises),
		cmocka_unit_test(test_repair),		 cmocka_unit_test(test_random_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
