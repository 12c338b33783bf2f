// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "netfilter/trace_msg.h"
#include "tests/unit/guard.h"
#include "tests/unit/messages.h"

#include <cmocka.h> /* last: it has a macro fail() */

static uint32_t buf[MSG_MAX / 4];

static void test_everything_that_a_message_carries(void **state)
{
	struct nlmsghdr *nlh = msg_trace_full(buf);
	struct trace_msg m;

	assert_int_equal(trace_msg_decode(nlh, &m), 0);
	assert_int_equal(m.kind, TRACE_RULE);
	assert_int_equal(m.family, NFPROTO_INET);
	assert_int_equal(m.id, 0xcafe0001);
	assert_string_equal(m.table, "filter");
	assert_string_equal(m.chain, "input");
	assert_int_equal(m.handle, 0x100000007);
	assert_int_equal(m.verdict, VERDICT_JUMP);
	assert_string_equal(m.target, "services");
	assert_int_equal(m.ll.len, 14);
	assert_memory_equal(m.ll.p, msg_eth, 14);
	assert_int_equal(m.nh.len, 20);
	assert_memory_equal(m.nh.p, msg_ip4_tcp, 20);
	assert_int_equal(m.th.len, 20);
	assert_memory_equal(m.th.p, msg_ip4_tcp + 20, 20);
	assert_int_equal(m.iif, 3);
	assert_int_equal(m.oif, 4);
	assert_true(m.has_mark);
	assert_int_equal(m.mark, 0x77);
	assert_int_equal(m.ct_id, 0x1234);
	assert_int_equal(m.ct_state, 2);
	assert_true(m.ct_reply);
}

static void test_ends_of_chains(void **state)
{
	struct trace_msg m;
	struct nlmsghdr *nlh = msg_trace_begin(buf, NFT_TRACETYPE_RETURN);

	assert_int_equal(trace_msg_decode(nlh, &m), 0);
	assert_int_equal(m.kind, TRACE_END);
	assert_null(m.nh.p);
	assert_int_equal(m.ct_state, 0);
	assert_false(m.has_mark);
	/* So it arrives at the end of a chain: a rule without a handle. */
	nlh = msg_trace_begin(buf, NFT_TRACETYPE_RULE);
	msg_verdict(nlh, NFT_CONTINUE, NULL);
	assert_int_equal(trace_msg_decode(nlh, &m), 0);
	assert_int_equal(m.kind, TRACE_END);
	assert_int_equal(trace_msg_decode(msg_trace_policy(buf), &m), 0);
	assert_int_equal(m.kind, TRACE_POLICY);
	assert_int_equal(m.verdict, VERDICT_DROP);
}

static void test_verdicts(void **state)
{
	static const struct {
		int32_t code;
		enum verdict verdict;
	} rows[] = {{NF_ACCEPT, VERDICT_ACCEPT},
		    {NF_DROP, VERDICT_DROP},
		    {NF_DROP | 1 << 16, VERDICT_DROP},
		    {NF_QUEUE | 3 << 16, VERDICT_QUEUE},
		    {NF_STOLEN, VERDICT_STOLEN},
		    {NFT_GOTO, VERDICT_GOTO},
		    {NFT_RETURN, VERDICT_RETURN},
		    {NFT_BREAK, VERDICT_CONTINUE},
		    {77, VERDICT_UNKNOWN}};
	struct trace_msg m;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct nlmsghdr *nlh = msg_trace_begin(buf, NFT_TRACETYPE_RULE);

		mnl_attr_put_u64(nlh, NFTA_TRACE_RULE_HANDLE, htobe64(1));
		msg_verdict(nlh, rows[i].code, NULL);
		assert_int_equal(trace_msg_decode(nlh, &m), 0);
		assert_int_equal(m.verdict, rows[i].verdict);
		assert_null(m.target);
	}
}

/* A copy of nlh cut to len bytes, at the end of memory, that says that this is its length. */
static const struct nlmsghdr *cut(struct guard *g, const struct nlmsghdr *nlh, uint32_t len)
{
	uint8_t bytes[MSG_MAX];

	memcpy(bytes, nlh, nlh->nlmsg_len);
	memcpy(bytes, &len, sizeof(len));
	return (const void *)guard_put(g, bytes, len);
}

/* UBSan wants messages aligned; without it every length is tried. */
#ifdef __SANITIZE_ADDRESS__
enum { STEP_BYTES = 4 };
#else
enum { STEP_BYTES = 1 };
#endif

static void test_no_truncation_reads_on(void **state)
{
	struct nlmsghdr *nlh = msg_trace_full(buf);
	struct guard g = guard_open();
	struct trace_msg m;
	unsigned int whole = 0;

	for (uint32_t len = MNL_NLMSG_HDRLEN; len <= nlh->nlmsg_len; len += STEP_BYTES) {
		const struct nlmsghdr *c = cut(&g, nlh, len);
		const uint8_t *end = (const uint8_t *)c + len;

		if (trace_msg_decode(c, &m))
			continue;
		whole++;
		assert_string_equal(m.table, "filter");
		assert_string_equal(m.chain, "input");
		assert_true(!m.target || !strcmp(m.target, "services"));
		assert_true(!m.ll.p || (m.ll.p + m.ll.len <= end && m.ll.len == 14));
		assert_true(!m.nh.p || (m.nh.p + m.nh.len <= end && m.nh.len == 20));
		assert_true(!m.th.p || (m.th.p + m.th.len <= end && m.th.len == 20));
	}
	assert_true(whole > 10);
	guard_close(&g);
}

static void test_less_than_a_header(void **state)
{
	struct nlmsghdr *nlh = msg_trace_full(buf);
	struct trace_msg m;

	for (uint32_t len = 0; len < MNL_NLMSG_HDRLEN + sizeof(struct nfgenmsg); len++) {
		nlh->nlmsg_len = len;
		assert_int_equal(trace_msg_decode(nlh, &m), -EBADMSG);
	}
}

/* Each attribute in turn claims each length that could mislead; those inside of the verdict too. */
static void test_lengths_that_lie(void **state)
{
	static const uint16_t lies[] = {0, 1, 3, 4, 5, 6, 7, 8, 11, 12, 64, 4096, 0xffff};
	struct nlmsghdr *nlh = msg_trace_full(buf);
	struct guard g = guard_open();
	struct nlattr *attr;
	struct trace_msg m;

	mnl_attr_for_each(attr, nlh, sizeof(struct nfgenmsg))
	{
		uint16_t was = attr->nla_len;

		for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
			const struct nlmsghdr *c;

			attr->nla_len = lies[i];
			c = cut(&g, nlh, nlh->nlmsg_len);
			if (trace_msg_decode(c, &m))
				continue;
			assert_true(strlen(m.table) < 64 && strlen(m.chain) < 64);
			assert_true(!m.nh.p ||
				    m.nh.p + m.nh.len <= (const uint8_t *)c + c->nlmsg_len);
		}
		attr->nla_len = was;
	}
	guard_close(&g);
}

/* The last attribute of the message is too short for its number. */
static void test_short_numbers(void **state)
{
	static const uint16_t types[] = {
		NFTA_TRACE_RULE_HANDLE, NFTA_TRACE_IIF,		NFTA_TRACE_OIF,
		NFTA_TRACE_MARK,	NFTA_TRACE_POLICY,	MSG_TRACE_CT_ID,
		MSG_TRACE_CT_STATE,	MSG_TRACE_CT_DIRECTION, NFTA_TRACE_VERDICT};
	struct guard g = guard_open();
	struct trace_msg m;

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		struct nlmsghdr *nlh = msg_trace_begin(buf, NFT_TRACETYPE_RULE);

		mnl_attr_put(nlh, types[i], 0, NULL);
		assert_int_equal(trace_msg_decode(cut(&g, nlh, nlh->nlmsg_len), &m), 0);
		assert_int_equal(m.kind, TRACE_END);
		assert_int_equal(m.iif + m.oif + m.mark + m.ct_id + m.ct_state + m.ct_reply, 0);
	}
	guard_close(&g);
}

static void test_what_is_no_trace_message(void **state)
{
	struct nlmsghdr *nlh;
	struct trace_msg m;

	assert_int_equal(trace_msg_decode(msg_trace_begin(buf, 99), &m), -EBADMSG);
	nlh = msg_begin(buf, NFNL_SUBSYS_NFTABLES, NFT_MSG_TRACE, NFPROTO_INET, 0);
	assert_int_equal(trace_msg_decode(nlh, &m), -EBADMSG);
	mnl_attr_put_u32(nlh, NFTA_TRACE_TYPE, htonl(NFT_TRACETYPE_RULE));
	mnl_attr_put_strz(nlh, NFTA_TRACE_TABLE, "filter");
	mnl_attr_put_strz(nlh, NFTA_TRACE_CHAIN, "input");
	assert_int_equal(trace_msg_decode(nlh, &m), -EBADMSG); /* no id */
	nlh = msg_begin(buf, NFNL_SUBSYS_NFTABLES, NFT_MSG_TRACE, NFPROTO_INET, 0);
	mnl_attr_put_u32(nlh, NFTA_TRACE_ID, htonl(1));
	mnl_attr_put_u32(nlh, NFTA_TRACE_TYPE, htonl(NFT_TRACETYPE_RULE));
	mnl_attr_put(nlh, NFTA_TRACE_TABLE, 6, "filter"); /* without its NUL */
	mnl_attr_put_strz(nlh, NFTA_TRACE_CHAIN, "input");
	assert_int_equal(trace_msg_decode(nlh, &m), -EBADMSG);
}

static void test_attributes_of_the_future_are_passed_over(void **state)
{
	struct nlmsghdr *nlh = msg_trace_full(buf);
	struct trace_msg m;

	mnl_attr_put_u32(nlh, 200, 1);
	mnl_attr_put_u32(nlh, 0x3fff, 1);
	assert_int_equal(trace_msg_decode(nlh, &m), 0);
	assert_int_equal(m.ct_id, 0x1234);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_everything_that_a_message_carries),
		cmocka_unit_test(test_ends_of_chains),
		cmocka_unit_test(test_verdicts),
		cmocka_unit_test(test_no_truncation_reads_on),
		cmocka_unit_test(test_less_than_a_header),
		cmocka_unit_test(test_lengths_that_lie),
		cmocka_unit_test(test_short_numbers),
		cmocka_unit_test(test_what_is_no_trace_message),
		cmocka_unit_test(test_attributes_of_the_future_are_passed_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
