// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/sysctl_origin.h"

#include <cmocka.h> /* last: it has a macro fail() */

static char base[] = "/tmp/nfpath-sysctl-XXXXXX";
static char etc[64], usr[64];

static void write_file(const char *dir, const char *name, const char *text)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static int make(void **state)
{
	if (!mkdtemp(base))
		return -1;
	snprintf(etc, sizeof(etc), "%s/etc", base);
	snprintf(usr, sizeof(usr), "%s/usr", base);
	return mkdir(etc, 0700) || mkdir(usr, 0700);
}

static int unmake(void **state)
{
	char command[64];

	snprintf(command, sizeof(command), "rm -r %s", base);
	return system(command);
}

static void test_origin(void **state)
{
	const char *const dirs[] = {etc, usr, NULL};
	char got[SYSCTL_ORIGIN_MAX], want[SYSCTL_ORIGIN_MAX];

	write_file(usr, "50-default.conf",
		   "# net.ipv4.conf.all.rp_filter = 1\n"
		   "net.ipv4.conf.default.rp_filter = 2\n"
		   "net.ipv4.conf.*.rp_filter = 2\n"
		   "-net.ipv4.conf.all.rp_filter\n");
	write_file(usr, "60-hidden.conf", "net.ipv4.conf.all.rp_filter = 1\n");
	write_file(etc, "60-hidden.conf", "");
	write_file(etc, "99-mine.conf", "net/ipv4/conf/eth0.5/rp_filter=1\nnot a setting\n");
	write_file(etc, "README", "net.ipv4.conf.all.rp_filter = 1\n");

	sysctl_origin("net.ipv4.conf.eth0.rp_filter", 2, dirs, got, sizeof(got));
	snprintf(want, sizeof(want), "%s/50-default.conf:3", usr);
	assert_string_equal(got, want);
	sysctl_origin("net.ipv4.conf.eth0.5.rp_filter", 1, dirs, got, sizeof(got));
	snprintf(want, sizeof(want), "%s/99-mine.conf:1", etc);
	assert_string_equal(got, want);
	sysctl_origin("net.ipv4.conf.all.rp_filter", 1, dirs, got, sizeof(got));
	assert_string_equal(got, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_origin)};

	return cmocka_run_group_tests(tests, make, unmake);
}
