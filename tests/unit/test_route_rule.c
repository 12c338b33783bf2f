// SPDX-License-Identifier: GPL-2.0-or-later
/* Policy rules and routes: decoded from messages, matched, and told. */
#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>

#include <libmnl/libmnl.h>

#include "route/fib.h"
#include "route/fixes.h"
#include "route/rule.h"

/* After error.h: cmocka has a macro called fail. */
#include <cmocka.h>

static struct nlmsghdr *rule_message(char *buf, uint8_t src_len, uint32_t flags)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct fib_rule_hdr *hdr;

	nlh->nlmsg_type = RTM_NEWRULE;
	hdr = mnl_nlmsg_put_extra_header(nlh, sizeof(*hdr));
	*hdr = (struct fib_rule_hdr){.family = AF_INET,
				     .src_len = src_len,
				     .table = RT_TABLE_MAIN,
				     .action = FR_ACT_TO_TBL,
				     .flags = flags};
	return nlh;
}

static void test_rule_message(void **state)
{
	struct fib_rule_port_range ports = {80, 90};
	struct route_flow flow = {.family = AF_INET,
				  .src = {10, 1, 2, 3},
				  .iif = 5,
				  .mark = 0x12,
				  .proto = 6,
				  .dport = 85};
	char buf[512] = {0}, text[256];
	struct nlmsghdr *nlh = rule_message(buf, 9, 0);
	struct policy_rule r;

	mnl_attr_put_u32(nlh, FRA_SRC, htonl(0x0a000000));
	mnl_attr_put_u32(nlh, FRA_PRIORITY, 77);
	mnl_attr_put_u32(nlh, FRA_TABLE, 70000);
	mnl_attr_put_strz(nlh, FRA_IIFNAME, "eth5");
	mnl_attr_put_u32(nlh, FRA_FWMARK, 2);
	mnl_attr_put_u32(nlh, FRA_FWMASK, 0xf);
	mnl_attr_put_u8(nlh, FRA_IP_PROTO, 6);
	mnl_attr_put(nlh, FRA_DPORT_RANGE, sizeof(ports), &ports);
	assert_true(policy_rule_parse(nlh, AF_INET, &r));
	assert_false(policy_rule_parse(nlh, AF_INET6, &r));
	assert_true(policy_rule_parse(nlh, AF_INET, &r));
	r.iifindex = 5;
	policy_rule_selectors(&r, AF_INET, text, sizeof(text));
	assert_string_equal(text, "from 10.0.0.0/9 iif eth5 fwmark 0x2/0xf ipproto 6 dport 80-90");
	policy_rule_action(&r, text, sizeof(text));
	assert_string_equal(text, "lookup 70000");
	assert_false(r.unknown);
	assert_true(policy_rule_matches(&r, &flow));
	assert_true(policy_rules_dissect(&r, 1));
	flow.dport = 91;
	assert_false(policy_rule_matches(&r, &flow));
	flow.dport = 80;
	flow.src[1] = 128;
	assert_false(policy_rule_matches(&r, &flow));
	flow.src[1] = 127;
	flow.mark = 3;
	assert_false(policy_rule_matches(&r, &flow));
	flow.mark = 2;
	flow.iif = 6;
	assert_false(policy_rule_matches(&r, &flow));
	r.invert = true;
	assert_true(policy_rule_matches(&r, &flow));
}

static void test_rule_unknown(void **state)
{
	char buf[512] = {0};
	struct nlmsghdr *nlh = rule_message(buf, 0, 0);
	struct policy_rule r;

	mnl_attr_put_u32(nlh, 200, 1);
	assert_true(policy_rule_parse(nlh, AF_INET, &r));
	assert_true(r.unknown);
	nlh = rule_message(buf, 200, 0);
	assert_true(policy_rule_parse(nlh, AF_INET, &r));
	assert_true(r.unknown);
}

static void test_tos(void **state)
{
	struct policy_rule r = {.tos = 0x10, .dscp = 0xff};
	struct route_flow flow = {.family = AF_INET, .tos = 0x10};

	assert_true(policy_rule_matches(&r, &flow));
	flow.tos = 0xf1; /* bits that a "tos" is not compared in */
	assert_true(policy_rule_matches(&r, &flow));
	flow.tos = 0x08;
	assert_false(policy_rule_matches(&r, &flow));
	r = (struct policy_rule){.dscp = 0xb8, .dscp_mask = 0xfc};
	flow.tos = 0xb9;
	assert_true(policy_rule_matches(&r, &flow));
	flow.tos = 0x18;
	assert_false(policy_rule_matches(&r, &flow));
}

static void test_default_rules(void **state)
{
	struct policy_rule v[3] = {{.pref = 0, .table = 255},
				   {.pref = 32766, .table = 254},
				   {.pref = 32767, .table = 253}};

	for (int i = 0; i < 3; i++) {
		v[i].action = FR_ACT_TO_TBL;
		v[i].dscp = 0xff;
		v[i].suppress_plen = v[i].suppress_group = -1;
	}
	assert_true(policy_rules_default(v, 3, AF_INET));
	assert_true(policy_rules_default(v, 2, AF_INET6));
	assert_false(policy_rules_default(v, 2, AF_INET));
	v[1].mask = 1;
	assert_false(policy_rules_default(v, 3, AF_INET));
}

static struct nlmsghdr *route_message(char *buf, uint8_t type, uint8_t plen, uint8_t tos)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct rtmsg *rtm;

	nlh->nlmsg_type = RTM_NEWROUTE;
	rtm = mnl_nlmsg_put_extra_header(nlh, sizeof(*rtm));
	*rtm = (struct rtmsg){.rtm_family = AF_INET,
			      .rtm_dst_len = plen,
			      .rtm_tos = tos,
			      .rtm_table = RT_TABLE_MAIN,
			      .rtm_type = type};
	return nlh;
}

static void test_multipath(void **state)
{
	char buf[512] = {0};
	struct nlmsghdr *nlh = route_message(buf, RTN_UNICAST, 8, 0);
	struct nlattr *nest;
	struct rtnexthop nh = {.rtnh_len = sizeof(nh), .rtnh_ifindex = 4};
	struct fib_route r;

	mnl_attr_put_u32(nlh, RTA_DST, htonl(0x0a000000));
	nest = mnl_attr_nest_start(nlh, RTA_MULTIPATH);
	memcpy(mnl_nlmsg_get_payload_tail(nlh), &nh, sizeof(nh));
	nlh->nlmsg_len += sizeof(nh);
	nh = (struct rtnexthop){
		.rtnh_len = sizeof(nh) + 8, .rtnh_ifindex = 5, .rtnh_flags = RTNH_F_DEAD};
	memcpy(mnl_nlmsg_get_payload_tail(nlh), &nh, sizeof(nh));
	nlh->nlmsg_len += sizeof(nh);
	mnl_attr_put_u32(nlh, RTA_GATEWAY, htonl(0x0a0a0a0a));
	mnl_attr_nest_end(nlh, nest);
	assert_true(fib_route_parse(nlh, AF_INET, &r));
	assert_int_equal(r.n_legs, 2);
	assert_int_equal(r.legs[0].ifindex, 4);
	assert_int_equal(r.legs[0].gw_family, 0);
	assert_int_equal(r.legs[1].ifindex, 5);
	assert_int_equal(r.legs[1].gw_family, AF_INET);
	assert_int_equal(r.legs[1].gw[0], 10);
	assert_int_equal(r.legs[1].flags, RTNH_F_DEAD);
	/* A next hop that claims to be longer than the message. */
	((struct rtnexthop *)mnl_attr_get_payload(nest))->rtnh_len = 200;
	assert_true(fib_route_parse(nlh, AF_INET, &r));
	assert_int_equal(r.n_legs, 0);
}

static void test_longest(void **state)
{
	struct route_flow flow = {.family = AF_INET, .dst = {10, 1, 2, 3}, .tos = 0x10};
	struct fib_route wide = {
		.type = RTN_UNICAST, .dst = {10}, .plen = 8, .n_legs = 1, .legs = {{.ifindex = 3}}};
	struct fib_route narrow = wide, tos = wide, metric = wide;

	assert_true(fib_route_better(&wide, NULL, &flow));
	narrow.dst[1] = 1;
	narrow.plen = 16;
	assert_true(fib_route_better(&narrow, &wide, &flow));
	assert_false(fib_route_better(&wide, &narrow, &flow));
	narrow.dst[1] = 2;
	assert_false(fib_route_better(&narrow, &wide, &flow));
	tos.tos = 0x10;
	assert_true(fib_route_better(&tos, &wide, &flow));
	tos.tos = 0x08;
	assert_false(fib_route_better(&tos, NULL, &flow));
	metric.metric = 5;
	assert_false(fib_route_better(&metric, &wide, &flow));
	assert_true(fib_route_better(&wide, &metric, &flow));
	flow.oif = 4;
	assert_false(fib_route_better(&wide, NULL, &flow));
	flow.oif = 3;
	assert_true(fib_route_better(&wide, NULL, &flow));
	wide.legs[0].flags = RTNH_F_DEAD;
	assert_false(fib_route_better(&wide, NULL, &flow));
}

static void test_shell_words(void **state)
{
	char buf[128], small[8];

	assert_string_equal(route_shell_word("eth0.5", buf, sizeof(buf)), "eth0.5");
	assert_string_equal(route_shell_word("a;b", buf, sizeof(buf)), "'a;b'");
	assert_string_equal(route_shell_word("q'x", buf, sizeof(buf)), "'q'\\''x'");
	assert_string_equal(route_shell_word("", buf, sizeof(buf)), "''");
	assert_true(strlen(route_shell_word("a;bbbbbbbbbbbbbbbbbbb", small, sizeof(small))) <
		    sizeof(small));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rule_message), cmocka_unit_test(test_rule_unknown),
		cmocka_unit_test(test_tos),	     cmocka_unit_test(test_default_rules),
		cmocka_unit_test(test_multipath),    cmocka_unit_test(test_longest),
		cmocka_unit_test(test_shell_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
