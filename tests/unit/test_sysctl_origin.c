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

/* dir NULL: no file does. */
static void check(const char *dev, int value, const char *dir, const char *place)
{
	const char *const dirs[] = {etc, usr, NULL};
	char key[64], got[SYSCTL_ORIGIN_MAX], want[SYSCTL_ORIGIN_MAX] = "";

	snprintf(key, sizeof(key), "net.ipv4.conf.%s.rp_filter", dev);
	if (dir)
		snprintf(want, sizeof(want), "%s/%s", dir, place);
	sysctl_origin(key, value, dirs, got, sizeof(got));
	assert_string_equal(got, want);
}

static void test_origin(void **state)
{
	write_file(usr, "50-default.conf",
		   "# net.ipv4.conf.all.rp_filter = 1\n"
		   "net.ipv4.conf.default.rp_filter = 2\n"
		   "net.ipv4.conf.*.rp_filter = 2\n"
		   "-net.ipv4.conf.all.rp_filter\n");
	write_file(usr, "60-hidden.conf", "net.ipv4.conf.all.rp_filter = 1\n");
	write_file(etc, "60-hidden.conf", "");
	write_file(etc, "99-mine.conf", "net/ipv4/conf/eth0.5/rp_filter=1\nnot a setting\n");
	write_file(etc, "README", "net.ipv4.conf.all.rp_filter = 1\n");

	check("eth0", 2, usr, "50-default.conf:3");
	check("eth0", 1, NULL, "");
	check("eth0.5", 1, etc, "99-mine.conf:1");
	check("all", 1, NULL, "");
	/* Patterns are not for it. */
	check("all", 2, NULL, "");
	check("default", 2, usr, "50-default.conf:2");
}

/* By name they come one after the other, in whatever directory they lie; who names the key comes
 * before all patterns. */
static void test_order(void **state)
{
	write_file(usr, "70-b.conf", "net.ipv4.conf.eth1.rp_filter = 1\n");
	write_file(etc, "70-a.conf", "net.ipv4.conf.eth1.rp_filter = 0\n"
				     "net.ipv4.conf.eth2.rp_filter = 0\n");
	write_file(usr, "98-last.conf", "net.ipv4.conf.*.rp_filter = 0\n");
	check("eth1", 1, usr, "70-b.conf:1");
	check("eth1", 0, NULL, "");
	check("eth2", 0, etc, "70-a.conf:2");
	check("eth3", 0, usr, "98-last.conf:1");
	check("eth3", 2, NULL, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_origin), cmocka_unit_test(test_order)};

	return cmocka_run_group_tests(tests, make, unmake);
}
