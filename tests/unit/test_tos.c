// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "src/tos.h"

#include <cmocka.h>

static const char *const no_files[] = {NULL};

static void check(const char *arg, const char *const *files, int want)
{
	struct error err = {0};
	uint8_t tos = 0;

	assert_int_equal(tos_parse(arg, files, &tos, &err), want < 0 ? want : 0);
	if (want >= 0)
		assert_int_equal(tos, want);
	else
		assert_non_null(strstr(err.text, arg));
}

static void test_numbers(void **state)
{
	static const char *const wrong[] = {"",	   "256", "0x100", "-1", "0x",
					    "0xg", "1 ",  "+1",	   "1.5", "99999999999999999999"};

	check("0", no_files, 0);
	check("16", no_files, 16);
	check("0x10", no_files, 0x10);
	check("0XfC", no_files, 0xfc);
	check("255", no_files, 255);
	check("010", no_files, 10);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		check(wrong[i], no_files, -EINVAL);
}

static void test_names(void **state)
{
	char path[] = "/tmp/nfpath-test-tos-XXXXXX";
	const char *files[] = {"/nonexistent/rt_dsfield", path, NULL};
	int fd = mkstemp(path);
	FILE *f = fdopen(fd, "w");

	assert_non_null(f);
	fputs("# a comment\n#0x11 hidden\n0xB8\tEF\n16 ours\n0x1 lowdelay\n0x100 large\nfoo bar\n",
	      f);
	assert_int_equal(fclose(f), 0);
	check("lowdelay", no_files, 0x10);
	check("mincost", no_files, 0x02);
	check("Reliability", no_files, 0x04);
	check("throughput", no_files, 0x08);
	check("EF", no_files, -EINVAL);
	check("ef", files, 0xb8);
	check("ours", files, 16);
	check("lowdelay", files, 1);
	check("mincost", files, 0x02);
	check("hidden", files, -EINVAL);
	check("large", files, -EINVAL);
	check("bar", files, -EINVAL);
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
