// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "netfilter/hook_list.h"
#include "netfilter/hook_list_msg.h"
#include "netfilter/ruleset.h"
#include "tests/unit/guard.h"
#include "tests/unit/messages.h"

#include <cmocka.h> /* last: it has a macro fail() */

static uint32_t buf[MSG_MAX / 4];

/* --- messages --- */

static void test_a_function(void **state)
{
	struct nlmsghdr *nlh =
		msg_hook(buf, NFPROTO_IPV4, 4, -400, "ipv4_conntrack_defrag", "nf_defrag_ipv4");
	struct hook_msg m;

	assert_int_equal(hook_msg_decode(nlh, &m), 0);
	assert_int_equal(m.family, NFPROTO_IPV4);
	assert_int_equal(m.hook, 4);
	assert_int_equal(m.priority, -400);
	assert_string_equal(m.function, "ipv4_conntrack_defrag");
	assert_string_equal(m.module, "nf_defrag_ipv4");
	assert_int_equal(m.type, 0);
	assert_null(m.table);
	assert_null(m.chain);
	assert_int_equal(m.bpf_id, 0);
}

static void test_a_chain(void **state)
{
	static const uint32_t types[] = {HOOK_TYPE_NFTABLES, HOOK_TYPE_FLOWTABLE};
	struct hook_msg m;

	for (int i = 0; i < 2; i++) {
		struct nlmsghdr *nlh = msg_hook(buf, NFPROTO_IPV6, 1, INT32_MAX, "f", NULL);

		msg_hook_chain(nlh, types[i], NFPROTO_INET, "filter", "input");
		assert_int_equal(hook_msg_decode(nlh, &m), 0);
		assert_int_equal(m.priority, INT32_MAX);
		assert_null(m.module);
		assert_int_equal(m.type, types[i]);
		assert_int_equal(m.chain_family, NFPROTO_INET);
		assert_string_equal(m.table, "filter");
		assert_string_equal(m.chain, "input");
	}
}

static void test_a_program(void **state)
{
	struct nlmsghdr *nlh = msg_hook(buf, NFPROTO_IPV4, 1, 5, "nf_hook_run_bpf", NULL);
	struct hook_msg m;

	assert_int_equal(hook_msg_decode(msg_hook_bpf(nlh, 40), &m), 0);
	assert_int_equal(m.type, HOOK_TYPE_BPF);
	assert_int_equal(m.bpf_id, 40);
	assert_null(m.chain);
}

/* A kernel that describes something newer: the function stays, the description is not taken for
 * another one. */
static void test_a_type_of_the_future(void **state)
{
	struct nlmsghdr *nlh = msg_hook(buf, NFPROTO_IPV4, 1, 5, "f", NULL);
	struct hook_msg m;

	msg_hook_chain(nlh, 99, NFPROTO_INET, "filter", "input");
	for (uint16_t type = HOOK_ATTR_MAX + 1; type <= HOOK_ATTR_MAX + 200; type++)
		mnl_attr_put(nlh, type, 0, NULL);
	assert_int_equal(hook_msg_decode(nlh, &m), 0);
	assert_int_equal(m.type, 99);
	assert_null(m.table);
	assert_null(m.chain);
	assert_int_equal(m.bpf_id, 0);
	assert_string_equal(m.function, "f");
}

static void test_what_is_no_hook_message(void **state)
{
	struct nlmsghdr *nlh = msg_begin(buf, HOOK_SUBSYS, HOOK_MSG_GET, NFPROTO_IPV4, 0);
	struct hook_msg m;

	assert_int_equal(hook_msg_decode(nlh, &m), -EBADMSG);
	mnl_attr_put_u32(nlh, HOOK_ATTR_HOOKNUM, htonl(1));
	assert_int_equal(hook_msg_decode(nlh, &m), -EBADMSG);
	mnl_attr_put_u16(nlh, HOOK_ATTR_PRIORITY, 1); /* too short */
	assert_int_equal(hook_msg_decode(nlh, &m), -EBADMSG);
	for (uint32_t len = 0; len < MNL_NLMSG_HDRLEN + sizeof(struct nfgenmsg); len++) {
		nlh->nlmsg_len = len;
		assert_int_equal(hook_msg_decode(nlh, &m), -EBADMSG);
	}
}

/* Without the NUL at its end a string is none. */
static void test_strings_without_an_end(void **state)
{
	struct nlmsghdr *nlh = msg_begin(buf, HOOK_SUBSYS, HOOK_MSG_GET, NFPROTO_IPV4, 0);
	struct hook_msg m;

	mnl_attr_put_u32(nlh, HOOK_ATTR_HOOKNUM, htonl(1));
	mnl_attr_put_u32(nlh, HOOK_ATTR_PRIORITY, htonl(1));
	mnl_attr_put(nlh, HOOK_ATTR_FUNCTION, 4, "name");
	mnl_attr_put(nlh, HOOK_ATTR_MODULE, 0, NULL);
	assert_int_equal(hook_msg_decode(nlh, &m), 0);
	assert_null(m.function);
	assert_null(m.module);
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

static struct nlmsghdr *full(void)
{
	return msg_hook_chain(msg_hook(buf, NFPROTO_IPV4, 1, 10, "nft_do_chain_inet", "nf_tables"),
			      HOOK_TYPE_NFTABLES, NFPROTO_INET, "filter", "input");
}

static void test_no_truncation_reads_on(void **state)
{
	struct nlmsghdr *nlh = full();
	struct guard g = guard_open();
	struct hook_msg m;
	unsigned int whole = 0;

	for (uint32_t len = MNL_NLMSG_HDRLEN; len <= nlh->nlmsg_len; len += STEP_BYTES) {
		if (hook_msg_decode(cut(&g, nlh, len), &m))
			continue;
		whole++;
		assert_true(!m.function || !strcmp(m.function, "nft_do_chain_inet"));
		assert_true(!m.module || !strcmp(m.module, "nf_tables"));
		assert_true(!m.table || !strcmp(m.table, "filter"));
		assert_true(!m.chain || !strcmp(m.chain, "input"));
	}
	assert_true(whole > 10);
	guard_close(&g);
}

static void test_lengths_that_lie(void **state)
{
	static const uint16_t lies[] = {0, 1, 3, 4, 5, 7, 8, 11, 12, 64, 4096, 0xffff};
	struct nlmsghdr *nlh = full();
	struct guard g = guard_open();
	struct nlattr *attr;
	struct hook_msg m;

	mnl_attr_for_each(attr, nlh, sizeof(struct nfgenmsg)) {
		uint16_t was = attr->nla_len;

		for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
			attr->nla_len = lies[i];
			if (hook_msg_decode(cut(&g, nlh, nlh->nlmsg_len), &m))
				continue;
			assert_true(!m.function || strlen(m.function) < 64);
			assert_true(!m.chain || strlen(m.chain) < 64);
		}
		attr->nla_len = was;
	}
	guard_close(&g);
}

/* --- recorded --- */

/* What Linux 7.2 said of the input hook of IPv4: bytes as they came. */
static const struct {
	const char *hex;
	int32_t priority;
	const char *function, *module;
	uint32_t type;
	const char *table, *chain;
	uint32_t bpf_id;
} recorded[] = {
	{"50000000000c02000100000000000000020000001300050069707461626c655f6d616e67"
	 "6c6500001800040069707461626c655f6d616e676c655f686f6f6b000800010000000001"
	 "08000200ffffff6a",
	 -150, "iptable_mangle_hook", "iptable_mangle", 0, NULL, NULL, 0},
	{"48000000000c02000100000000000000020000000e00050069705f7461626c6573000000"
	 "110004006970745f646f5f7461626c650000000008000100000000010800020000000000",
	 0, "ipt_do_table", "ip_tables", 0, NULL, NULL, 0},
	{"7c000000000c02000100000000000000020000000e0005006e665f7461626c6573000000"
	 "160004006e66745f646f5f636861696e5f69707634000000080001000000000108000200"
	 "00000000300006800800020000000001240001800b00010066696c74657200000a000300"
	 "494e5055540000000500020002000000",
	 0, "nft_do_chain_ipv4", "nf_tables", HOOK_TYPE_NFTABLES, "filter", "INPUT", 0},
	{"74000000000c02000100000000000000020000000e0005006e665f7461626c6573000000"
	 "160004006e66745f646f5f636861696e5f696e6574000000080001000000000108000200"
	 "0000000a2800068008000200000000011c000180070001006677000007000300696e0000"
	 "0500020001000000",
	 10, "nft_do_chain_inet", "nf_tables", HOOK_TYPE_NFTABLES, "fw", "in", 0},
	{"50000000000c0200010000000000000002000000140004006e665f686f6f6b5f72756e5f"
	 "627066000800010000000001080002000000004d1800068008000200000000020c000180"
	 "0800010000000001",
	 77, "nf_hook_run_bpf", NULL, HOOK_TYPE_BPF, NULL, NULL, 1},
	{"4c000000000c02000100000000000000020000000b0005006e665f6e6174000019000400"
	 "6e665f6e61745f697076345f6c6f63616c5f696e00000000080001000000000108000200"
	 "00000064",
	 100, "nf_nat_ipv4_local_in", "nf_nat", 0, NULL, NULL, 0},
};

static void from_hex(const char *hex)
{
	uint8_t *p = (uint8_t *)buf;
	unsigned int byte;

	assert_true(strlen(hex) / 2 <= MSG_MAX);
	for (; *hex; hex += 2) {
		assert_int_equal(sscanf(hex, "%2x", &byte), 1);
		*p++ = (uint8_t)byte;
	}
}

static void same_string(const char *got, const char *want)
{
	assert_int_equal(got != NULL, want != NULL);
	if (got)
		assert_string_equal(got, want);
}

static void test_recorded_messages(void **state)
{
	struct hook_msg m;

	for (size_t i = 0; i < sizeof(recorded) / sizeof(recorded[0]); i++) {
		from_hex(recorded[i].hex);
		assert_int_equal(hook_msg_decode((void *)buf, &m), 0);
		assert_int_equal(m.family, NFPROTO_IPV4);
		assert_int_equal(m.hook, NF_INET_LOCAL_IN);
		assert_int_equal(m.priority, recorded[i].priority);
		same_string(m.function, recorded[i].function);
		same_string(m.module, recorded[i].module);
		assert_int_equal(m.type, recorded[i].type);
		same_string(m.table, recorded[i].table);
		same_string(m.chain, recorded[i].chain);
		assert_int_equal(m.bpf_id, recorded[i].bpf_id);
	}
}

/* --- names of priorities --- */

static void test_priorities(void **state)
{
	static const struct {
		uint8_t family;
		int32_t priority;
		const char *name;
	} rows[] = {
		{NFPROTO_IPV4, -450, "raw before defrag"},
		{NFPROTO_IPV4, -400, "conntrack defrag"},
		{NFPROTO_IPV6, -300, "raw"},
		{NFPROTO_IPV4, -200, "conntrack"},
		{NFPROTO_IPV4, -190, NULL}, /* nft has no word for conntrack */
		{NFPROTO_IPV4, -150, "mangle"},
		{NFPROTO_IPV6, -110, "dstnat - 10"},
		{NFPROTO_IPV4, -111, NULL},
		{NFPROTO_IPV4, 0, "filter"},
		{NFPROTO_IPV4, 10, "filter + 10"},
		{NFPROTO_IPV4, 11, NULL},
		{NFPROTO_IPV4, 50, "security"},
		{NFPROTO_IPV4, 98, "srcnat - 2"},
		{NFPROTO_IPV4, 300, "conntrack helper"},
		{NFPROTO_IPV4, INT_MAX, "conntrack confirm"},
		{NFPROTO_IPV4, INT_MIN, "first"},
		{NFPROTO_BRIDGE, -300, "dstnat"},
		{NFPROTO_BRIDGE, -200, "filter"},
		{NFPROTO_BRIDGE, 0, "br_netfilter"},
		{NFPROTO_BRIDGE, 100, "out"},
		{NFPROTO_BRIDGE, 300, "srcnat"},
		{NFPROTO_BRIDGE, INT_MAX, "last"},
		{NFPROTO_ARP, 0, "filter"},
		{NFPROTO_NETDEV, -3, "filter - 3"},
		{NFPROTO_NETDEV, -150, NULL},
	};
	char near[64];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct hook_fn f = {.family = rows[i].family, .priority = rows[i].priority};

		same_string(hook_priority_name(&f, near, sizeof(near)), rows[i].name);
	}
}

/* --- what the ruleset adds --- */

static struct hook_fn *add(struct hook_list *l, uint8_t family, uint8_t hook, int32_t priority,
			   const char *function)
{
	struct hook_fn *f = hook_list_add(l);

	assert_non_null(f);
	f->family = family;
	f->hook = hook;
	f->priority = priority;
	f->function = function ? strdup(function) : NULL;
	return f;
}

static struct hook_fn *add_chain(struct hook_list *l, uint8_t family, uint8_t hook,
				 int32_t priority, uint8_t chain_family, const char *table,
				 const char *chain)
{
	struct hook_fn *f = add(l, family, hook, priority, "nft_do_chain");

	f->kind = HOOK_CHAIN;
	f->chain_family = chain_family;
	f->table = table ? strdup(table) : NULL;
	f->chain = chain ? strdup(chain) : NULL;
	return f;
}

static void base(struct ruleset *rs, enum backend b, uint8_t family, const char *table,
		 const char *chain, uint8_t hook, int32_t priority, const char *type)
{
	struct rs_table *t = ruleset_add_table(rs, b, family, table);
	struct rs_chain *c = rs_table_add_chain(rs, t, chain);

	assert_non_null(c);
	t->backend = b;
	c->base = true;
	c->hook = hook;
	c->priority = priority;
	c->type = type ? strdup(type) : NULL;
}

static struct ruleset *rules(void)
{
	struct ruleset *rs = ruleset_new();

	assert_non_null(rs);
	base(rs, BACKEND_NFT, NFPROTO_INET, "fw", "in", NF_INET_LOCAL_IN, 0, "filter");
	base(rs, BACKEND_NFT, NFPROTO_INET, "fw", "dst", NF_INET_PRE_ROUTING, -90, "nat");
	base(rs, BACKEND_NFT, NFPROTO_IPV6, "six", "dst", NF_INET_PRE_ROUTING, -100, "nat");
	base(rs, BACKEND_IPTABLES_NFT, NFPROTO_IPV4, "nat", "PREROUTING", NF_INET_PRE_ROUTING, -100,
	     "nat");
	base(rs, BACKEND_IPTABLES_LEGACY, NFPROTO_IPV4, "nat", "PREROUTING", NF_INET_PRE_ROUTING,
	     -100, NULL);
	base(rs, BACKEND_IPTABLES_LEGACY, NFPROTO_IPV4, "filter", "INPUT", NF_INET_LOCAL_IN, 0,
	     NULL);
	return rs;
}

static void test_chains_and_legacy_tables(void **state)
{
	struct ruleset *rs = rules();
	struct hook_list l = {0};

	add(&l, NFPROTO_IPV4, NF_INET_PRE_ROUTING, -300, "ipt_do_table");
	add(&l, NFPROTO_IPV4, NF_INET_LOCAL_OUT, -150, "iptable_mangle_hook");
	add(&l, NFPROTO_IPV4, NF_INET_LOCAL_IN, 1, "ipt_do_table"); /* no table has this priority */
	add(&l, NFPROTO_IPV6, NF_INET_LOCAL_IN, 50, "ip6t_do_table");
	add(&l, NFPROTO_ARP, 1, 0, "arpt_do_table");
	add(&l, NFPROTO_BRIDGE, NF_INET_PRE_ROUTING, INT_MIN, "ebt_broute");
	add_chain(&l, NFPROTO_IPV4, NF_INET_LOCAL_IN, 0, NFPROTO_INET, "fw", "in");
	add(&l, NFPROTO_IPV4, NF_INET_LOCAL_IN, 3, "nf_hook_run_bpf")->kind = HOOK_BPF;
	assert_true(hook_list_wants_ruleset(&l));
	assert_true(hook_list_fits(&l, rs));
	assert_int_equal(hook_list_explain(&l, rs), 0);
	assert_int_equal(l.n, 8);
	assert_string_equal(l.v[0].table, "raw");
	assert_string_equal(l.v[0].chain, "PREROUTING");
	assert_string_equal(l.v[0].backend, "iptables-legacy");
	assert_string_equal(l.v[1].table, "mangle");
	assert_string_equal(l.v[1].chain, "OUTPUT");
	assert_int_equal(l.v[2].kind, HOOK_PLAIN);
	assert_null(l.v[2].table);
	assert_string_equal(l.v[3].table, "security");
	assert_string_equal(l.v[4].backend, "arptables-legacy");
	assert_string_equal(l.v[4].chain, "OUTPUT");
	assert_string_equal(l.v[5].chain, "BROUTING");
	assert_string_equal(l.v[5].backend, "ebtables-legacy");
	assert_string_equal(l.v[6].type, "filter");
	assert_string_equal(l.v[6].backend, "nft");
	assert_string_equal(l.v[7].backend, "bpf");
	hook_list_free(&l);
	ruleset_put(rs);
}

static void test_what_nat_calls(void **state)
{
	struct ruleset *rs = rules();
	struct hook_list l = {0};

	add(&l, NFPROTO_IPV4, NF_INET_PRE_ROUTING, -100, "nf_nat_ipv4_pre_routing");
	add(&l, NFPROTO_IPV4, NF_INET_PRE_ROUTING, 0, "something");
	add(&l, NFPROTO_IPV6, NF_INET_PRE_ROUTING, -100, "nf_nat_ipv6_in");
	assert_int_equal(hook_list_explain(&l, rs), 0);
	assert_int_equal(l.n, 8);
	assert_string_equal(l.v[0].function, "nf_nat_ipv4_pre_routing");
	for (int i = 1; i <= 2; i++) { /* of equal priority: in whichever order */
		assert_true(l.v[i].inside && l.v[i].order_unknown);
		assert_string_equal(l.v[i].table, "nat");
		assert_int_equal(l.v[i].priority, -100);
		assert_null(l.v[i].function);
	}
	assert_true(l.v[1].kind != l.v[2].kind);
	assert_true(l.v[3].inside && !l.v[3].order_unknown);
	assert_string_equal(l.v[3].chain, "dst");
	assert_int_equal(l.v[3].priority, -90);
	assert_string_equal(l.v[4].function, "something");
	assert_false(l.v[4].inside);
	assert_string_equal(l.v[6].table, "six");
	assert_string_equal(l.v[7].table, "fw");
	assert_false(l.v[6].order_unknown || l.v[7].order_unknown);
	hook_list_free(&l);
	/* A list that was read with what is inside gets nothing added. */
	add(&l, NFPROTO_IPV4, NF_INET_PRE_ROUTING, -100, "nf_nat_ipv4_pre_routing");
	l.inside_read = true;
	assert_int_equal(hook_list_explain(&l, rs), 0);
	assert_int_equal(l.n, 1);
	hook_list_free(&l);
	ruleset_put(rs);
}

static void test_a_chain_without_a_name(void **state)
{
	struct ruleset *rs = rules();
	struct hook_list l = {0};

	base(rs, BACKEND_NFT, NFPROTO_INET, "two", "a", NF_INET_FORWARD, 5, "filter");
	base(rs, BACKEND_NFT, NFPROTO_IPV4, "two", "b", NF_INET_FORWARD, 5, "filter");
	add_chain(&l, NFPROTO_IPV4, NF_INET_LOCAL_IN, 0, 0, NULL, NULL);
	add_chain(&l, NFPROTO_IPV4, NF_INET_FORWARD, 5, 0, NULL, NULL);
	add_chain(&l, NFPROTO_IPV6, NF_INET_FORWARD, 5, 0, NULL, NULL);
	add_chain(&l, NFPROTO_IPV4, NF_INET_FORWARD, 6, 0, NULL, NULL);
	assert_true(hook_list_fits(&l, rs));
	assert_int_equal(hook_list_explain(&l, rs), 0);
	assert_string_equal(l.v[0].chain, "in"); /* no other chain has that hook and priority */
	assert_int_equal(l.v[0].chain_family, NFPROTO_INET);
	assert_null(l.v[1].chain); /* one of two */
	assert_string_equal(l.v[2].chain, "a");
	assert_null(l.v[3].chain);
	hook_list_free(&l);
	ruleset_put(rs);
}

static void test_a_ruleset_that_does_not_fit(void **state)
{
	struct ruleset *rs = rules();
	struct hook_list l = {0};

	add_chain(&l, NFPROTO_IPV4, NF_INET_LOCAL_IN, 0, NFPROTO_INET, "fw", "gone");
	assert_false(hook_list_fits(&l, rs));
	assert_int_equal(hook_list_explain(&l, rs), 0);
	assert_string_equal(l.v[0].chain, "gone");
	assert_null(l.v[0].backend);
	assert_null(l.v[0].type);
	hook_list_free(&l);
	ruleset_put(rs);
}

static void test_without_a_ruleset(void **state)
{
	struct hook_list l = {0};

	assert_false(hook_list_wants_ruleset(&l));
	add(&l, NFPROTO_IPV4, NF_INET_PRE_ROUTING, -100, "nf_nat_ipv4_pre_routing");
	add(&l, NFPROTO_IPV4, NF_INET_PRE_ROUTING, 0, NULL);
	assert_true(hook_list_wants_ruleset(&l));
	assert_int_equal(hook_list_gap(&l, NFPROTO_ARP, 1, "eth0", "why %d", 7), 0);
	assert_int_equal(hook_list_explain(&l, NULL), 0);
	assert_int_equal(l.n, 2);
	assert_int_equal(l.n_gaps, 1);
	assert_string_equal(l.gaps[0].why, "why 7");
	hook_list_cut(&l, 1);
	assert_int_equal(l.n, 1);
	hook_list_cut(&l, 9);
	assert_int_equal(l.n, 0);
	hook_list_free(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_function),
		cmocka_unit_test(test_a_chain),
		cmocka_unit_test(test_a_program),
		cmocka_unit_test(test_a_type_of_the_future),
		cmocka_unit_test(test_what_is_no_hook_message),
		cmocka_unit_test(test_strings_without_an_end),
		cmocka_unit_test(test_no_truncation_reads_on),
		cmocka_unit_test(test_lengths_that_lie),
		cmocka_unit_test(test_recorded_messages),
		cmocka_unit_test(test_priorities),
		cmocka_unit_test(test_chains_and_legacy_tables),
		cmocka_unit_test(test_what_nat_calls),
		cmocka_unit_test(test_a_chain_without_a_name),
		cmocka_unit_test(test_a_ruleset_that_does_not_fit),
		cmocka_unit_test(test_without_a_ruleset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
