// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "netfilter/nflog.h"
#include "tests/unit/guard.h"
#include "tests/unit/messages.h"

#include <cmocka.h> /* last: it has a macro fail() */

static uint32_t buf[MSG_MAX / 4];

static void test_everything_that_a_line_carries(void **state)
{
	struct nlmsghdr *nlh = msg_nflog(buf, "TRACE: filter:INPUT:rule:5 ");
	struct nflog_msg m;

	assert_int_equal(nflog_msg_decode(nlh, &m), 0);
	assert_int_equal(m.family, NFPROTO_IPV4);
	assert_int_equal(m.hook, NF_INET_LOCAL_IN);
	assert_true(m.has_seq);
	assert_int_equal(m.seq, 41);
	assert_int_equal(attrs_find_u32(nlh, NFULA_SEQ), 41);
	assert_int_equal(m.iif, 3);
	assert_int_equal(m.oif, 4);
	assert_int_equal(m.mark, 0x77);
	assert_int_equal(m.ll.len, 14);
	assert_memory_equal(m.ll.p, msg_eth, 14);
	assert_int_equal(m.payload.len, 40);
	assert_memory_equal(m.payload.p, msg_ip4_tcp, 40);
	assert_true(m.trace);
	assert_string_equal(m.table, "filter");
	assert_string_equal(m.chain, "INPUT");
	assert_int_equal(m.kind, XT_TRACE_RULE);
	assert_int_equal(m.number, 5);
}

static void test_prefixes_of_trace_lines(void **state)
{
	/* 63 bytes, the longest that fits. */
	static const char x63[] = "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx";
	static const struct {
		const char *prefix, *table, *chain;
		enum xt_trace_kind kind;
		uint32_t number;
	} rows[] = {
		{"TRACE: nat:PREROUTING:policy:7 ", "nat", "PREROUTING", XT_TRACE_POLICY, 7},
		{"TRACE: raw:web:return:12 ", "raw", "web", XT_TRACE_RETURN, 12},
		{"TRACE: filter:a:b:rule:1 ", "filter", "a:b", XT_TRACE_RULE, 1},
		{"TRACE: filter:rule:1:rule:2 ", "filter", "rule:1", XT_TRACE_RULE, 2},
		{"TRACE: filter::rule:2 ", "filter", "", XT_TRACE_RULE, 2},
		{"TRACE: filter:::rule:2 ", "filter", ":", XT_TRACE_RULE, 2},
		{"TRACE: filter:a b:rule:2 ", "filter", "a b", XT_TRACE_RULE, 2},
		{"TRACE: filter:x:rule:4294967295 ", "filter", "x", XT_TRACE_RULE, UINT32_MAX},
		{"TRACE: x:xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx:rule:2 ",
		 "x", x63, XT_TRACE_RULE, 2},
		{"TRACE: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx:x:rule:2 ",
		 x63, "x", XT_TRACE_RULE, 2},
	};
	struct nflog_msg m;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(nflog_msg_decode(msg_nflog(buf, rows[i].prefix), &m), 0);
		if (!m.trace)
			fail_msg("'%s' was not taken for a TRACE line", rows[i].prefix);
		assert_string_equal(m.table, rows[i].table);
		assert_string_equal(m.chain, rows[i].chain);
		assert_int_equal(m.kind, rows[i].kind);
		assert_int_equal(m.number, rows[i].number);
	}
}

static void test_prefixes_of_others(void **state)
{
	static const char *const rows[] = {
		"",
		"TRACE:",
		"TRACE: ",
		"TRACE: filter",
		"TRACE: filter:",
		"TRACE: filter:INPUT",
		"TRACE: filter:INPUT:",
		"TRACE: filter:INPUT:rule",
		"TRACE: filter:INPUT:rule:",
		"TRACE: filter:INPUT:rule: ",
		"TRACE: filter:INPUT:rule:x ",
		"TRACE: filter:INPUT:rule:5", /* no space: cut, or somebody's own */
		"TRACE: filter:INPUT:rule:5  ",
		"TRACE: filter:INPUT:rule:5 x",
		"TRACE: filter:INPUT:rule:0 ", /* the kernel counts from 1 */
		"TRACE: filter:INPUT:rule:-5 ",
		"TRACE: filter:INPUT:rule:+5 ",
		"TRACE: filter:INPUT:rule: 5 ",
		"TRACE: filter:INPUT:rule:4294967296 ",
		"TRACE: filter:INPUT:rule:99999999999999999999999 ",
		"TRACE: filter:INPUT:rules:5 ",
		"TRACE: filter:INPUT:rul:5 ",
		"TRACE: filter:INPUT::5 ",
		"TRACE: filter:rule:5 ",
		"TRACE: :::",
		"trace: filter:INPUT:rule:5 ",
		" TRACE: filter:INPUT:rule:5 ",
		"my log: ",
		"TRACE: x:xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx:rule:2 ",
		"TRACE: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx:x:rule:2 ",
	};
	struct nflog_msg m;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(nflog_msg_decode(msg_nflog(buf, rows[i]), &m), 0);
		if (m.trace)
			fail_msg("'%s' was taken for a TRACE line of %s:%s", rows[i], m.table,
				 m.chain);
	}
	assert_int_equal(nflog_msg_decode(msg_nflog(buf, NULL), &m), 0);
	assert_false(m.trace);
}

static void test_a_prefix_without_end(void **state)
{
	static const char prefix[] = "TRACE: filter:INPUT:rule:5 ";
	struct nlmsghdr *nlh = msg_begin(buf, NFNL_SUBSYS_ULOG, NFULNL_MSG_PACKET, NFPROTO_IPV4, 0);
	struct guard g = guard_open();
	struct nflog_msg m;

	mnl_attr_put(nlh, NFULA_PREFIX, 24, prefix);
	assert_int_equal(nflog_msg_decode((const void *)guard_put(&g, nlh, nlh->nlmsg_len), &m), 0);
	assert_false(m.trace);
	guard_close(&g);
}

/* UBSan wants messages aligned; without it every length is tried. */
#ifdef __SANITIZE_ADDRESS__
enum { STEP_BYTES = 4 };
#else
enum { STEP_BYTES = 1 };
#endif

static void test_no_truncation_reads_on(void **state)
{
	struct nlmsghdr *nlh = msg_nflog(buf, "TRACE: filter:INPUT:rule:5 ");
	uint32_t whole = nlh->nlmsg_len;
	struct guard g = guard_open();
	unsigned int traces = 0;
	struct nflog_msg m;

	for (uint32_t len = MNL_NLMSG_HDRLEN; len <= whole; len += STEP_BYTES) {
		const struct nlmsghdr *c;

		nlh->nlmsg_len = len;
		c = (const void *)guard_put(&g, nlh, len);
		if (nflog_msg_decode(c, &m)) {
			attrs_find_u32(c, NFULA_SEQ);
			continue;
		}
		assert_int_equal(attrs_find_u32(c, NFULA_SEQ), m.seq);
		traces += m.trace;
		assert_true(!m.trace || (!strcmp(m.chain, "INPUT") && m.number == 5));
		assert_true(!m.payload.p ||
			    m.payload.p + m.payload.len <= (const uint8_t *)c + len);
	}
	assert_true(traces > 5);
	guard_close(&g);
}

static void test_less_than_a_header(void **state)
{
	struct nlmsghdr *nlh = msg_nflog(buf, NULL);
	struct nflog_msg m;

	for (uint32_t len = 0; len < MNL_NLMSG_HDRLEN + sizeof(struct nfgenmsg); len++) {
		nlh->nlmsg_len = len;
		assert_int_equal(nflog_msg_decode(nlh, &m), -EBADMSG);
		assert_int_equal(attrs_find_u32(nlh, NFULA_SEQ), 0);
	}
}

static void test_lengths_that_lie(void **state)
{
	static const uint16_t lies[] = {0, 1, 3, 4, 5, 6, 7, 8, 9, 64, 4096, 0xffff};
	struct nlmsghdr *nlh = msg_nflog(buf, "TRACE: filter:INPUT:rule:5 ");
	struct guard g = guard_open();
	struct nlattr *attr;
	struct nflog_msg m;

	mnl_attr_for_each(attr, nlh, sizeof(struct nfgenmsg)) {
		uint16_t was = attr->nla_len;

		for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
			const struct nlmsghdr *c;

			attr->nla_len = lies[i];
			c = (const void *)guard_put(&g, nlh, nlh->nlmsg_len);
			if (nflog_msg_decode(c, &m))
				continue;
			assert_true(!m.trace || !strcmp(m.table, "filter"));
			assert_true(!m.payload.p || m.payload.p + m.payload.len <=
							    (const uint8_t *)c + c->nlmsg_len);
		}
		attr->nla_len = was;
	}
	guard_close(&g);
}

/* The last attribute of the message is too short for what it should be. */
static void test_short_attributes(void **state)
{
	struct guard g = guard_open();
	struct nflog_msg m;

	for (uint16_t type = 1; type <= NFULA_MAX; type++) {
		struct nlmsghdr *nlh =
			msg_begin(buf, NFNL_SUBSYS_ULOG, NFULNL_MSG_PACKET, NFPROTO_IPV4, 0);

		mnl_attr_put(nlh, type, 0, NULL);
		assert_int_equal(
			nflog_msg_decode((const void *)guard_put(&g, nlh, nlh->nlmsg_len), &m), 0);
		assert_false(m.trace);
		assert_int_equal(m.hook + m.seq + m.iif + m.oif + m.mark + m.payload.len, 0);
	}
	guard_close(&g);
}

static void test_requests(void **state)
{
	const struct nfulnl_msg_config_cmd *cmd;
	const struct nfulnl_msg_config_mode *mode;
	const struct nlattr *attr;
	struct nlmsghdr *nlh = nflog_request(buf, NFLOG_BIND_FAMILY, NFPROTO_IPV6, 5);

	assert_int_equal(nlh->nlmsg_seq, 5);
	assert_true(nlh->nlmsg_flags & NLM_F_ACK);
	assert_int_equal(((struct nfgenmsg *)mnl_nlmsg_get_payload(nlh))->nfgen_family,
			 NFPROTO_IPV6);
	attr = mnl_nlmsg_get_payload_offset(nlh, sizeof(struct nfgenmsg));
	assert_int_equal(mnl_attr_get_type(attr), NFULA_CFG_CMD);
	cmd = mnl_attr_get_payload(attr);
	assert_int_equal(cmd->command, NFULNL_CFG_CMD_PF_BIND);
	nlh = nflog_request(buf, NFLOG_MODE, 0, 6);
	assert_true(nlh->nlmsg_len <= 256);
	attr = mnl_nlmsg_get_payload_offset(nlh, sizeof(struct nfgenmsg));
	assert_int_equal(mnl_attr_get_type(attr), NFULA_CFG_MODE);
	mode = mnl_attr_get_payload(attr);
	assert_int_equal(mode->copy_mode, NFULNL_COPY_PACKET);
	assert_int_equal(ntohl(mode->copy_range), 128);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_everything_that_a_line_carries),
		cmocka_unit_test(test_prefixes_of_trace_lines),
		cmocka_unit_test(test_prefixes_of_others),
		cmocka_unit_test(test_a_prefix_without_end),
		cmocka_unit_test(test_no_truncation_reads_on),
		cmocka_unit_test(test_less_than_a_header),
		cmocka_unit_test(test_lengths_that_lie),
		cmocka_unit_test(test_short_attributes),
		cmocka_unit_test(test_requests),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
