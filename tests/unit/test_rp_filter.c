// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include <linux/rtnetlink.h>

#include "route/rp_filter.h"

static const struct rp_leg eth0 = {2, "eth0"}, eth1 = {3, "eth1"}, nameless = {7, NULL};
static const struct rp_leg both[] = {{3, "eth1"}, {2, "eth0"}};

struct row {
	struct rp_input in;
	int rc, mode;
	bool pass;
	enum rp_cause cause;
	const char *reason;
};

#define IN(a, d, t, ...)                                                                           \
	{                                                                                          \
		.all = a, .dev_mode = d, .iif = {2, "eth0"}, .src = "192.0.2.1", .type = t,        \
		__VA_ARGS__                                                                        \
	}
#define BY(leg) .legs = &(leg), .n_legs = 1

static const struct row rows[] = {
	{IN(1, 1, RTN_UNICAST, BY(eth0)), 0, 1, true, RP_PASSES,
	 "strict: the route back to 192.0.2.1 leaves by eth0"},
	{IN(1, 0, RTN_UNICAST, BY(eth1)), 0, 1, false, RP_OTHER_DEVICE,
	 "strict: the route back to 192.0.2.1 leaves by eth1, not by eth0"},
	{IN(0, 1, RTN_UNICAST, BY(nameless)), 0, 1, false, RP_OTHER_DEVICE,
	 "strict: the route back to 192.0.2.1 leaves by device 7, not by eth0"},
	{IN(1, 1, RTN_UNICAST, .legs = both, .n_legs = 2), 0, 1, true, RP_PASSES,
	 "strict: the route back to 192.0.2.1 leaves by eth0"},
	{IN(1, 2, RTN_UNICAST, BY(eth1)), 0, 2, true, RP_PASSES,
	 "loose: there is a route back to 192.0.2.1, by whatever device"},
	{IN(2, 1, RTN_UNICAST, BY(eth1)), 0, 2, true, RP_PASSES,
	 "loose: there is a route back to 192.0.2.1, by whatever device"},
	{IN(0, 0, RTN_UNICAST, BY(eth1)), 0, 0, true, RP_PASSES, "off: the source is not checked"},
	{IN(0, 0, 0), 0, 0, true, RP_PASSES, "off: the source is not checked"},
	{IN(0, 1, 0), 0, 1, false, RP_NO_ROUTE, "strict: no route back to 192.0.2.1"},
	{IN(2, 0, 0), 0, 2, false, RP_NO_ROUTE, "loose: no route back to 192.0.2.1"},
	{IN(2, 0, RTN_UNICAST, BY(eth1), .no_addr = true), 0, 2, false, RP_OTHER_DEVICE,
	 "loose: eth0 has no IPv4 address and the route back to 192.0.2.1 does not leave by it"},
	{IN(2, 0, RTN_UNICAST, BY(eth0), .no_addr = true), 0, 2, true, RP_PASSES,
	 "loose: the route back to 192.0.2.1 leaves by eth0"},
	{IN(0, 0, RTN_LOCAL, BY(eth1)), 0, 0, false, RP_LOCAL_SOURCE,
	 "the source 192.0.2.1 is an address of this host (accept_local is 0)"},
	{IN(0, 0, RTN_LOCAL, BY(eth1), .accept_local = true), 0, 0, true, RP_PASSES,
	 "off: the source is not checked"},
	{IN(1, 0, RTN_LOCAL, BY(eth1), .accept_local = true), 0, 1, false, RP_OTHER_DEVICE,
	 "strict: the route back to 192.0.2.1 leaves by eth1, not by eth0"},
	{IN(1, 0, RTN_BROADCAST, BY(eth0)), 0, 1, false, RP_INVALID_SOURCE,
	 "the source 192.0.2.1 is no unicast address"},
	{IN(1, 1, RTN_UNICAST, BY(eth1), .ipsec = true), 0, 0, true, RP_PASSES,
	 "off: the source is not checked"},
	/* A mode that is not known matters only where modes differ. */
	{IN(-1, 0, RTN_UNICAST, BY(eth1)), -ENODATA, -1, false, RP_PASSES, ""},
	{IN(1, -1, 0), -ENODATA, -1, false, RP_PASSES, ""},
	{IN(1, -1, RTN_BROADCAST, BY(eth0)), -ENODATA, -1, false, RP_PASSES, ""},
	{IN(2, -1, 0), 0, 2, false, RP_NO_ROUTE, "loose: no route back to 192.0.2.1"},
	{IN(-1, -1, RTN_UNICAST, BY(eth0)), 0, -1, true, RP_PASSES,
	 "unknown: the route back to 192.0.2.1 leaves by eth0"},
};

static void judges(void **state)
{
	const struct row *r;
	struct rp_verdict v;

	for (r = rows; r < rows + sizeof(rows) / sizeof(rows[0]); r++) {
		print_message("# row %td\n", r - rows);
		memset(&v, 0xa5, sizeof(v));
		assert_int_equal(rp_filter_judge(&r->in, &v), r->rc);
		assert_int_equal(v.mode, r->mode);
		assert_string_equal(v.reason, r->reason);
		assert_int_equal(v.pass, r->pass);
		assert_int_equal(v.cause, r->cause);
	}
}

static void long_names_are_cut(void **state)
{
	char src[400];
	struct rp_input in = IN(1, 1, RTN_UNICAST, BY(eth1));
	struct rp_verdict v;

	memset(src, 'x', sizeof(src) - 1);
	src[sizeof(src) - 1] = 0;
	in.src = src;
	assert_int_equal(rp_filter_judge(&in, &v), 0);
	assert_int_equal(strlen(v.reason), sizeof(v.reason) - 1);
}

static void modes(void **state)
{
	assert_int_equal(rp_filter_mode(0, 0), 0);
	assert_int_equal(rp_filter_mode(0, 1), 1);
	assert_int_equal(rp_filter_mode(2, 1), 2);
	assert_int_equal(rp_filter_mode(1, -1), -1);
	assert_int_equal(rp_filter_mode(-1, 2), 2);
	assert_string_equal(rp_filter_mode_name(1), "strict");
	assert_string_equal(rp_filter_mode_name(2), "loose");
	assert_string_equal(rp_filter_mode_name(0), "off");
	assert_string_equal(rp_filter_mode_name(-1), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(judges),
		cmocka_unit_test(long_names_are_cut),
		cmocka_unit_test(modes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
