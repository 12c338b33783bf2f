// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "netfilter/conntrack.h"
#include "tests/unit/guard.h"
#include "tests/unit/messages.h"

#include <linux/netfilter/nfnetlink_conntrack.h>

#include <cmocka.h> /* last: it has a macro fail() */

static uint32_t buf[MSG_MAX / 4];

static void put_tuple(struct nlmsghdr *nlh, uint16_t type, const uint8_t *src, uint16_t sport,
		      const uint8_t *dst, uint16_t dport, int zone)
{
	struct nlattr *tuple = mnl_attr_nest_start(nlh, type), *nest;

	nest = mnl_attr_nest_start(nlh, CTA_TUPLE_IP);
	mnl_attr_put(nlh, CTA_IP_V4_SRC, 4, src);
	mnl_attr_put(nlh, CTA_IP_V4_DST, 4, dst);
	mnl_attr_nest_end(nlh, nest);
	nest = mnl_attr_nest_start(nlh, CTA_TUPLE_PROTO);
	mnl_attr_put_u8(nlh, CTA_PROTO_NUM, 6);
	mnl_attr_put_u16(nlh, CTA_PROTO_SRC_PORT, htons(sport));
	mnl_attr_put_u16(nlh, CTA_PROTO_DST_PORT, htons(dport));
	mnl_attr_nest_end(nlh, nest);
	if (zone >= 0)
		mnl_attr_put_u16(nlh, CTA_TUPLE_ZONE, htons(zone));
	mnl_attr_nest_end(nlh, tuple);
}

static const uint8_t client[4] = {10, 0, 0, 1}, vip[4] = {10, 0, 0, 2}, pod[4] = {10, 1, 0, 2};

/* zone: of both directions; of_orig: of the original one alone; -1: not said. */
static struct nlmsghdr *entry(int zone, int of_orig)
{
	struct nlmsghdr *nlh =
		msg_begin(buf, NFNL_SUBSYS_CTNETLINK, IPCTNL_MSG_CT_NEW, NFPROTO_IPV4, 0);
	struct nlattr *info, *tcp;

	put_tuple(nlh, CTA_TUPLE_ORIG, client, 1000, vip, 80, of_orig);
	put_tuple(nlh, CTA_TUPLE_REPLY, pod, 8080, client, 1000, -1);
	if (zone >= 0)
		mnl_attr_put_u16(nlh, CTA_ZONE, htons(zone));
	mnl_attr_put_u32(nlh, CTA_ID, htonl(0xcafe));
	mnl_attr_put_u32(nlh, CTA_STATUS, htonl(0x18e));
	mnl_attr_put_u32(nlh, CTA_MARK, htonl(0x2a));
	info = mnl_attr_nest_start(nlh, CTA_PROTOINFO);
	tcp = mnl_attr_nest_start(nlh, CTA_PROTOINFO_TCP);
	mnl_attr_put_u8(nlh, CTA_PROTOINFO_TCP_STATE, 3);
	mnl_attr_nest_end(nlh, tcp);
	mnl_attr_nest_end(nlh, info);
	return nlh;
}

static void test_everything_that_a_message_carries(void **state)
{
	struct ct_entry e;

	assert_int_equal(conntrack_decode(entry(5, -1), &e), 0);
	assert_int_equal(e.orig.family, AF_INET);
	assert_int_equal(e.orig.proto, 6);
	assert_memory_equal(e.orig.src, client, 4);
	assert_memory_equal(e.orig.dst, vip, 4);
	assert_int_equal(e.orig.sport, 1000);
	assert_int_equal(e.orig.dport, 80);
	assert_memory_equal(e.reply.src, pod, 4);
	assert_int_equal(e.reply.sport, 8080);
	assert_int_equal(e.id, 0xcafe);
	assert_int_equal(e.status, 0x18e);
	assert_int_equal(e.mark, 0x2a);
	assert_int_equal(e.zone, 5);
	assert_string_equal(conntrack_tcp_state(e.tcp_state), "ESTABLISHED");
	assert_false(conntrack_is_reply(&e, &e.orig));
	assert_true(conntrack_is_reply(&e, &e.reply));
}

static void test_zones(void **state)
{
	struct ct_entry e;

	assert_int_equal(conntrack_decode(entry(-1, -1), &e), 0);
	assert_int_equal(e.zone, 0);
	assert_int_equal(conntrack_decode(entry(-1, 7), &e), 0);
	assert_int_equal(e.zone, 7);
}

static void test_states(void **state)
{
	assert_null(conntrack_tcp_state(0));
	assert_string_equal(conntrack_tcp_state(9), "SYN_SENT2");
	assert_null(conntrack_tcp_state(10));
	assert_null(conntrack_tcp_state(255));
}

static void test_no_truncation_reads_on(void **state)
{
	struct nlmsghdr *nlh = entry(5, 7);
	struct guard g = guard_open();
	unsigned int whole = 0;
	struct ct_entry e;

	for (uint32_t len = MNL_NLMSG_HDRLEN; len <= nlh->nlmsg_len; len += 4) {
		uint8_t bytes[MSG_MAX];

		memcpy(bytes, nlh, nlh->nlmsg_len);
		memcpy(bytes, &len, sizeof(len));
		if (conntrack_decode((const void *)guard_put(&g, bytes, len), &e))
			continue;
		whole++;
		assert_memory_equal(e.orig.src, client, 4);
		assert_memory_equal(e.reply.src, pod, 4);
	}
	/* Both tuples are there, and then one after the other what is not needed. */
	assert_true(whole > 3);
	guard_close(&g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_everything_that_a_message_carries),
		cmocka_unit_test(test_zones),
		cmocka_unit_test(test_states),
		cmocka_unit_test(test_no_truncation_reads_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
