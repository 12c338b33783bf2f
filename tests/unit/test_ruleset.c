// SPDX-License-Identifier: GPL-2.0-or-later
/* The ruleset model, the classification of tables, and the parsers of what kernel and libnftables
 * say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <libmnl/libmnl.h>
#include <net/if.h>
#include <netinet/in.h> /* both before the headers of the kernel */
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "netfilter/ruleset.h"
#include "netfilter/source.h"
#include "netfilter/text_parts.h"
#include "netfilter/xt_blob.h"
#include "netfilter/xt_rule.h"

/* The model */

static void test_tables(void **state)
{
	struct ruleset *rs = ruleset_new();
	struct rs_table *nft = ruleset_add_table(rs, BACKEND_NFT, NFPROTO_IPV4, "filter");
	struct rs_table *legacy =
		ruleset_add_table(rs, BACKEND_IPTABLES_LEGACY, NFPROTO_IPV4, "filter");

	assert_non_null(nft);
	assert_ptr_not_equal(nft, legacy);
	assert_ptr_equal(ruleset_add_table(rs, BACKEND_NFT, NFPROTO_IPV4, "filter"), nft);
	assert_ptr_equal(ruleset_table(rs, false, NFPROTO_IPV4, "filter"), nft);
	assert_ptr_equal(ruleset_table(rs, true, NFPROTO_IPV4, "filter"), legacy);
	assert_null(ruleset_table(rs, false, NFPROTO_IPV6, "filter"));
	assert_null(ruleset_table(rs, false, NFPROTO_IPV4, "Filter"));
	assert_int_equal(rs->n_tables, 2);
	ruleset_put(rs);
	ruleset_put(NULL);
}

static void test_has_legacy(void **state)
{
	struct ruleset *rs = ruleset_new();

	assert_false(ruleset_has_legacy(rs, NFPROTO_UNSPEC));
	ruleset_add_table(rs, BACKEND_IPTABLES_LEGACY, NFPROTO_IPV6, "filter");
	ruleset_add_table(rs, BACKEND_NFT, NFPROTO_IPV4, "filter");
	assert_true(ruleset_has_legacy(rs, NFPROTO_UNSPEC));
	assert_true(ruleset_has_legacy(rs, NFPROTO_IPV6));
	assert_false(ruleset_has_legacy(rs, NFPROTO_IPV4));
	ruleset_put(rs);
}

static void test_chains(void **state)
{
	struct ruleset *rs = ruleset_new();
	struct rs_table *t = ruleset_add_table(rs, BACKEND_NFT, NFPROTO_INET, "t");
	struct rs_chain *c = rs_table_add_chain(rs, t, "c");

	assert_ptr_equal(c->table, t);
	assert_ptr_equal(rs_table_add_chain(rs, t, "c"), c);
	assert_ptr_equal(ruleset_chain(rs, false, NFPROTO_INET, "t", "c"), c);
	assert_null(ruleset_chain(rs, true, NFPROTO_INET, "t", "c"));
	assert_null(ruleset_chain(rs, false, NFPROTO_INET, "tc", ""));
	assert_null(ruleset_chain(rs, false, NFPROTO_INET, "", "tc"));
	assert_int_equal(t->n_chains, 1);
	ruleset_put(rs);
}

static void test_many_chains(void **state)
{
	struct ruleset *rs = ruleset_new();
	struct rs_table *t = ruleset_add_table(rs, BACKEND_NFT, NFPROTO_IPV4, "nat");
	char name[32];

	for (int i = 0; i < 10000; i++) {
		snprintf(name, sizeof(name), "KUBE-SVC-%d", i);
		assert_non_null(rs_table_add_chain(rs, t, name));
	}
	assert_int_equal(t->n_chains, 10000);
	for (int i = 0; i < 10000; i++) {
		snprintf(name, sizeof(name), "KUBE-SVC-%d", i);
		assert_ptr_equal(ruleset_chain(rs, false, NFPROTO_IPV4, "nat", name), t->chains[i]);
	}
	ruleset_put(rs);
}

static void test_references(void **state)
{
	struct ruleset *rs = ruleset_new(), *other = ruleset_get(rs);

	assert_non_null(ruleset_add_table(rs, BACKEND_NFT, NFPROTO_IPV4, "t"));
	ruleset_put(rs);
	assert_non_null(ruleset_table(other, false, NFPROTO_IPV4, "t"));
	ruleset_put(other);
}

static void test_position(void **state)
{
	uint64_t sorted[] = {3, 5, 8, 13}, inserted[] = {13, 8, 3, 5, 21};
	struct rs_chain c = {.n_rules = 4, .handles = sorted};

	for (uint32_t i = 0; i < 4; i++)
		assert_int_equal(rs_chain_position(&c, sorted[i]), i + 1);
	assert_int_equal(rs_chain_position(&c, 4), 0);
	c.handles = inserted;
	c.n_rules = 5;
	for (uint32_t i = 0; i < 5; i++)
		assert_int_equal(rs_chain_position(&c, inserted[i]), i + 1);
	c.handles = NULL;
	assert_int_equal(rs_chain_position(&c, 3), 0);
}

/* Classification */

static struct rs_chain *base_chain(struct ruleset *rs, struct rs_table *t, const char *name,
				   uint8_t hook, int32_t priority, const char *type)
{
	struct rs_chain *c = rs_table_add_chain(rs, t, name);

	c->base = true;
	c->hook = hook;
	c->priority = priority;
	free(c->type);
	c->type = strdup(type);
	return c;
}

static enum backend classify_nat(uint8_t family, const char *table, const char *chain, uint8_t hook,
				 int32_t priority, const char *type)
{
	struct ruleset *rs = ruleset_new();
	struct rs_table *t = ruleset_add_table(rs, BACKEND_NFT, family, table);
	enum backend b;

	base_chain(rs, t, "POSTROUTING", NF_INET_POST_ROUTING, 100, "nat");
	base_chain(rs, t, chain, hook, priority, type);
	rs_table_add_chain(rs, t, "user");
	assert_int_equal(ruleset_classify(rs), 0);
	b = t->backend;
	ruleset_put(rs);
	return b;
}

static void test_classify(void **state)
{
	const uint8_t pre = NF_INET_PRE_ROUTING;

	assert_int_equal(classify_nat(NFPROTO_IPV4, "nat", "PREROUTING", pre, -100, "nat"),
			 BACKEND_IPTABLES_NFT);
	assert_int_equal(classify_nat(NFPROTO_IPV6, "nat", "PREROUTING", pre, -100, "nat"),
			 BACKEND_IPTABLES_NFT);
	assert_int_equal(classify_nat(NFPROTO_INET, "nat", "PREROUTING", pre, -100, "nat"),
			 BACKEND_NFT);
	assert_int_equal(classify_nat(NFPROTO_IPV4, "nat2", "PREROUTING", pre, -100, "nat"),
			 BACKEND_NFT);
	assert_int_equal(classify_nat(NFPROTO_IPV4, "nat", "prerouting", pre, -100, "nat"),
			 BACKEND_NFT);
	assert_int_equal(classify_nat(NFPROTO_IPV4, "nat", "PREROUTING", pre, -99, "nat"),
			 BACKEND_NFT);
	assert_int_equal(classify_nat(NFPROTO_IPV4, "nat", "PREROUTING", pre, -100, "filter"),
			 BACKEND_NFT);
	assert_int_equal(
		classify_nat(NFPROTO_IPV4, "nat", "PREROUTING", NF_INET_LOCAL_IN, -100, "nat"),
		BACKEND_NFT);
	assert_int_equal(classify_nat(NFPROTO_IPV4, "filter", "PREROUTING", pre, -100, "nat"),
			 BACKEND_NFT);
}

static void test_ours(void **state)
{
	static const struct {
		const char *name;
		bool ours;
	} cases[] = {{"nfpath_1", true},    {"nfpath_4194304", true}, {"nfpath_", false},
		     {"nfpath_12x", false}, {"nfpath", false},	      {"xnfpath_1", false},
		     {"nfpath_-1", false}};
	struct ruleset *rs = ruleset_new();

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		ruleset_add_table(rs, BACKEND_NFT, NFPROTO_INET, cases[i].name);
	assert_int_equal(ruleset_classify(rs), 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(rs->tables[i]->ours, cases[i].ours);
	ruleset_put(rs);
}

/* Blobs of iptables-legacy */

struct blob {
	uint8_t data[4096] __attribute__((aligned(8)));
	size_t size;
	uint32_t hook_entry[5], underflow[5], valid_hooks;
};

static struct ipt_entry *add_entry(struct blob *b, const char *match, const char *target,
				   size_t data)
{
	struct ipt_entry *e = (void *)(b->data + b->size);
	struct xt_entry_target *t;
	struct xt_entry_match *m;

	e->target_offset = sizeof(*e);
	if (match) {
		m = (void *)(e + 1);
		m->u.user.match_size = XT_ALIGN(sizeof(*m) + 16);
		strcpy(m->u.user.name, match);
		e->target_offset += m->u.user.match_size;
	}
	t = (void *)((uint8_t *)e + e->target_offset);
	t->u.user.target_size = XT_ALIGN(sizeof(*t) + data);
	strcpy(t->u.user.name, target);
	e->next_offset = e->target_offset + t->u.user.target_size;
	b->size += e->next_offset;
	return e;
}

static struct ipt_entry *add_standard(struct blob *b, const char *match, int verdict)
{
	struct ipt_entry *e = add_entry(b, match, "", sizeof(int));

	((struct xt_standard_target *)((uint8_t *)e + e->target_offset))->verdict = verdict;
	return e;
}

static void add_error(struct blob *b, const char *name)
{
	struct ipt_entry *e = add_entry(b, NULL, XT_ERROR_TARGET, XT_FUNCTION_MAXNAMELEN);

	strcpy(((struct xt_error_target *)((uint8_t *)e + e->target_offset))->errorname, name);
}

/*
 * INPUT: jump U; goto U; (nothing); DROP; extension DNAT; policy DROP.  OUTPUT: policy ACCEPT.  U:
 * RETURN with a match; final RETURN.  V: final RETURN only.
 */
static void make_blob(struct blob *b)
{
	struct ipt_entry *jump, *go, *next;
	uint32_t user;

	memset(b, 0, sizeof(*b));
	b->valid_hooks = 1 << NF_INET_LOCAL_IN | 1 << NF_INET_LOCAL_OUT;
	jump = add_standard(b, NULL, 0);
	go = add_standard(b, "tcp", 0);
	go->ip.flags = IPT_F_GOTO;
	next = add_standard(b, NULL, 0);
	((struct xt_standard_target *)(next + 1))->verdict = b->size;
	add_standard(b, NULL, -NF_DROP - 1);
	add_entry(b, "tcp", "DNAT", 24);
	b->underflow[NF_INET_LOCAL_IN] = b->size;
	add_standard(b, NULL, -NF_DROP - 1);
	b->hook_entry[NF_INET_LOCAL_OUT] = b->underflow[NF_INET_LOCAL_OUT] = b->size;
	add_standard(b, NULL, -NF_ACCEPT - 1);
	add_error(b, "U");
	user = b->size;
	add_standard(b, "udp", XT_RETURN);
	add_standard(b, NULL, XT_RETURN);
	add_error(b, "V");
	add_standard(b, NULL, XT_RETURN);
	add_error(b, "ERROR");
	((struct xt_standard_target *)(jump + 1))->verdict = user;
	((struct xt_standard_target *)((uint8_t *)go + go->target_offset))->verdict = user;
}

/* Parses size bytes at p as the table that b describes. The ruleset does not own p. */
static struct ruleset *parse(const struct blob *b, void *p, size_t size, int *rc)
{
	struct ruleset *rs = ruleset_new();
	struct rs_table *t = ruleset_add_table(rs, BACKEND_IPTABLES_LEGACY, NFPROTO_IPV4, "filter");

	t->blob = p;
	t->blob_size = size;
	t->valid_hooks = b->valid_hooks;
	memcpy(t->hook_entry, b->hook_entry, sizeof(b->hook_entry));
	memcpy(t->underflow, b->underflow, sizeof(b->underflow));
	*rc = xt_blob_parse(rs, t);
	return rs;
}

static void drop(struct ruleset *rs)
{
	rs->tables[0]->blob = NULL;
	ruleset_put(rs);
}

static void check_rule(const struct rs_chain *c, uint32_t number, enum verdict verdict,
		       const char *target)
{
	const struct rs_entry *e = &c->rules[number - 1];

	assert_int_equal(e->verdict, verdict);
	if (target)
		assert_string_equal(e->target, target);
	else
		assert_null(e->target);
}

static void test_blob(void **state)
{
	const struct rs_chain *in, *out, *u, *v;
	struct ruleset *rs;
	struct blob b;
	int rc;

	make_blob(&b);
	rs = parse(&b, b.data, b.size, &rc);
	assert_int_equal(rc, 0);
	assert_int_equal(rs->tables[0]->n_chains, 4);
	in = ruleset_chain(rs, true, NFPROTO_IPV4, "filter", "INPUT");
	out = ruleset_chain(rs, true, NFPROTO_IPV4, "filter", "OUTPUT");
	u = ruleset_chain(rs, true, NFPROTO_IPV4, "filter", "U");
	v = ruleset_chain(rs, true, NFPROTO_IPV4, "filter", "V");
	assert_true(in && out && u && v);
	assert_true(in->base && out->base && !u->base);
	assert_int_equal(in->hook, NF_INET_LOCAL_IN);
	assert_int_equal(in->policy, VERDICT_DROP);
	assert_int_equal(out->policy, VERDICT_ACCEPT);
	assert_int_equal(in->n_rules, 5);
	assert_int_equal(out->n_rules, 0);
	assert_int_equal(u->n_rules, 1);
	assert_int_equal(v->n_rules, 0);
	check_rule(in, 1, VERDICT_JUMP, "U");
	check_rule(in, 2, VERDICT_GOTO, "U");
	check_rule(in, 3, VERDICT_CONTINUE, NULL);
	check_rule(in, 4, VERDICT_DROP, NULL);
	check_rule(in, 5, VERDICT_UNKNOWN, "DNAT");
	check_rule(u, 1, VERDICT_RETURN, NULL);
	drop(rs);
}

static void test_blob_broken(void **state)
{
	struct ruleset *rs;
	struct blob b;
	int rc;

	make_blob(&b);
	b.underflow[NF_INET_LOCAL_IN] += 8; /* never reached: INPUT has no end */
	rs = parse(&b, b.data, b.size, &rc);
	assert_int_equal(rc, -EPROTO);
	drop(rs);

	make_blob(&b);
	b.hook_entry[NF_INET_LOCAL_IN] = 8; /* the first entry is in no chain */
	rs = parse(&b, b.data, b.size, &rc);
	assert_int_equal(rc, -EPROTO);
	drop(rs);

	make_blob(&b);
	((struct ipt_entry *)b.data)->next_offset = 0; /* would never end */
	rs = parse(&b, b.data, b.size, &rc);
	assert_int_equal(rc, -EPROTO);
	drop(rs);

	make_blob(&b);
	add_error(&b, "ERROR"); /* a chain "ERROR" without its final return */
	rs = parse(&b, b.data, b.size, &rc);
	assert_int_equal(rc, -EPROTO);
	drop(rs);
}

/* Memory whose end is the end of the page before one that faults. */
struct guarded {
	uint8_t *map, *end;
};

static void guarded_open(struct guarded *g)
{
	g->map = mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(g->map, MAP_FAILED);
	g->end = g->map + 2 * 4096;
	assert_int_equal(mprotect(g->end, 4096, PROT_NONE), 0);
}

static void guarded_close(struct guarded *g)
{
	munmap(g->map, 3 * 4096);
}

/* Whatever was understood must be readable to its end. */
static void walk(const struct ruleset *rs)
{
	struct xt_rule r;

	for (size_t i = 0; i < rs->tables[0]->n_chains; i++)
		for (uint32_t n = 1; n <= rs->tables[0]->chains[i]->n_rules; n++) {
			assert_int_equal(xt_rule_from_entry(&r, rs->tables[0]->chains[i], n), 0);
			xt_rule_free(&r);
		}
}

static void test_blob_truncated(void **state)
{
	struct guarded g;
	int whole = 0;
	struct blob b;
	int rc;

	guarded_open(&g);
	make_blob(&b);
	for (size_t size = 0; size < b.size; size++) {
		uint8_t *p = g.end - (size + 7) / 8 * 8;
		struct ruleset *rs;

		memcpy(p, b.data, size);
		rs = parse(&b, p, size, &rc);
		assert_true(rc == -EPROTO || rc == 0);
		whole += !rc;
		walk(rs);
		drop(rs);
	}
	/* Behind the heads of U and V, which then are the entry that ends a table. */
	assert_int_equal(whole, 2);
	guarded_close(&g);
}

static void test_blob_noise(void **state)
{
	unsigned int understood = 0, seed = 1;
	struct guarded g;
	struct blob b;
	uint8_t *p;
	int rc;

	guarded_open(&g);
	make_blob(&b);
	p = g.end - b.size;
	for (int i = 0; i < 200000; i++) {
		struct ruleset *rs;

		memcpy(p, b.data, b.size);
		for (int n = rand_r(&seed) % 4; n >= 0; n--)
			p[rand_r(&seed) % b.size] = rand_r(&seed) % 3 ? rand_r(&seed) : 0xff;
		rs = parse(&b, p, b.size, &rc);
		assert_true(rc == 0 || rc == -EPROTO);
		if (!rc)
			walk(rs);
		understood += !rc;
		drop(rs);
	}
	/* Most of the bytes are addresses and counters. */
	assert_true(understood > 1000 && understood < 200000);
	guarded_close(&g);
}

/* Messages of nf_tables */

static struct nlmsghdr *message(char *buf, uint16_t type, uint8_t family)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct nfgenmsg *nfg;

	nlh->nlmsg_type = NFNL_SUBSYS_NFTABLES << 8 | type;
	nfg = mnl_nlmsg_put_extra_header(nlh, sizeof(*nfg));
	nfg->nfgen_family = family;
	nfg->res_id = htons(7);
	return nlh;
}

static struct nlmsghdr *chain_message(char *buf)
{
	struct nlmsghdr *nlh = message(buf, NFT_MSG_NEWCHAIN, NFPROTO_NETDEV);
	struct nlattr *hook, *devs;

	mnl_attr_put_strz(nlh, NFTA_CHAIN_TABLE, "t");
	mnl_attr_put_strz(nlh, NFTA_CHAIN_NAME, "c");
	hook = mnl_attr_nest_start(nlh, NFTA_CHAIN_HOOK);
	mnl_attr_put_u32(nlh, NFTA_HOOK_HOOKNUM, htonl(NF_NETDEV_INGRESS));
	mnl_attr_put_u32(nlh, NFTA_HOOK_PRIORITY, htonl(-5));
	devs = mnl_attr_nest_start(nlh, NFTA_HOOK_DEVS);
	mnl_attr_put_strz(nlh, NFTA_DEVICE_NAME, "eth0");
	mnl_attr_put_strz(nlh, NFTA_DEVICE_NAME + 1, "wg"); /* a prefix, on newer kernels */
	mnl_attr_nest_end(nlh, devs);
	mnl_attr_nest_end(nlh, hook);
	mnl_attr_put_u32(nlh, NFTA_CHAIN_POLICY, htonl(NF_DROP));
	mnl_attr_put_strz(nlh, NFTA_CHAIN_TYPE, "filter");
	return nlh;
}

static struct nlmsghdr *rule_message(char *buf, uint64_t handle)
{
	struct nlmsghdr *nlh = message(buf, NFT_MSG_NEWRULE, NFPROTO_NETDEV);

	mnl_attr_put_strz(nlh, NFTA_RULE_TABLE, "t");
	mnl_attr_put_strz(nlh, NFTA_RULE_CHAIN, "c");
	mnl_attr_put_u64(nlh, NFTA_RULE_HANDLE, htobe64(handle));
	return nlh;
}

static void begin_dump(struct nft_dump *d, char *buf)
{
	struct nlmsghdr *nlh = message(buf, NFT_MSG_NEWTABLE, NFPROTO_NETDEV);

	memset(d, 0, sizeof(*d));
	d->rs = ruleset_new();
	d->genid = 0x10007;
	mnl_attr_put_strz(nlh, NFTA_TABLE_NAME, "t");
	mnl_attr_put_u64(nlh, NFTA_TABLE_HANDLE, htobe64(42));
	assert_int_equal(nft_dump_message(nlh, d), 0);
}

static void test_dump(void **state)
{
	char buf[1024];
	struct nft_dump d;
	struct rs_chain *c;

	begin_dump(&d, buf);
	assert_int_equal(d.rs->tables[0]->handle, 42);
	assert_int_equal(nft_dump_message(chain_message(buf), &d), 0);
	for (uint64_t h = 1; h <= 100; h++)
		assert_int_equal(nft_dump_message(rule_message(buf, h << 33), &d), 0);
	c = ruleset_chain(d.rs, false, NFPROTO_NETDEV, "t", "c");
	assert_true(c && c->base);
	assert_int_equal(c->hook, NF_NETDEV_INGRESS);
	assert_int_equal(c->priority, -5);
	assert_int_equal(c->policy, VERDICT_DROP);
	assert_string_equal(c->type, "filter");
	assert_string_equal(c->devices[0], "eth0");
	assert_string_equal(c->devices[1], "wg*");
	assert_null(c->devices[2]);
	assert_int_equal(c->n_rules, 100);
	assert_int_equal(rs_chain_position(c, 77ull << 33), 77);
	d.genid++;
	assert_int_equal(nft_dump_message(rule_message(buf, 1), &d), -EAGAIN);
	ruleset_put(d.rs);
}

/* Each message cut at each length, its lengths inside as they were. */
static void test_dump_truncated(void **state)
{
	struct nlmsghdr *(*const make[])(char *buf) = {chain_message};
	char buf[1024], first[1024];
	struct guarded g;

	guarded_open(&g);
	for (uint32_t len = MNL_NLMSG_HDRLEN + sizeof(struct nfgenmsg);
	     len < make[0](buf)->nlmsg_len; len++) {
		struct nlmsghdr *nlh = (void *)(g.end - MNL_ALIGN(len));
		struct nft_dump d;
		int rc;

		begin_dump(&d, first);
		memcpy(nlh, make[0](buf), len);
		nlh->nlmsg_len = len;
		rc = nft_dump_message(nlh, &d);
		assert_true(rc == 0 || rc == -EPROTO);
		ruleset_put(d.rs);
	}
	guarded_close(&g);
}

static void test_dump_noise(void **state)
{
	char buf[1024], first[1024];
	unsigned int seed = 2;
	struct guarded g;

	guarded_open(&g);
	for (int i = 0; i < 100000; i++) {
		struct nlmsghdr *from = i % 2 ? chain_message(buf) : rule_message(buf, i);
		uint32_t len = from->nlmsg_len, body = MNL_NLMSG_HDRLEN + sizeof(struct nfgenmsg);
		struct nlmsghdr *nlh = (void *)(g.end - len);
		struct nft_dump d;

		begin_dump(&d, first);
		nft_dump_message(chain_message(first), &d);
		memcpy(nlh, from, len);
		for (int n = rand_r(&seed) % 3; n >= 0; n--)
			((uint8_t *)nlh)[body + rand_r(&seed) % (len - body)] = rand_r(&seed);
		nft_dump_message(nlh, &d);
		nft_dump_message(nlh, &d);
		ruleset_put(d.rs);
	}
	guarded_close(&g);
}

/* Comments in user data */

static void test_udata(void **state)
{
	static const uint8_t two[] = {5, 1, 9, 0, 3, 'h', 'i', 0};
	static const uint8_t open_ended[] = {0, 2, 'h', 'i'};
	struct guarded g;

	assert_string_equal(udata_comment(two, sizeof(two)), "hi");
	assert_null(udata_comment(open_ended, sizeof(open_ended)));
	assert_null(udata_comment(NULL, 0));
	guarded_open(&g);
	for (size_t len = 0; len < sizeof(two); len++) {
		memcpy(g.end - len, two, len);
		assert_null(udata_comment(g.end - len, len));
	}
	guarded_close(&g);
}

/* What nft prints */

static int parse_lines(const char *printed, const char *chain_comment, bool base, char *texts[2])
{
	struct chain_line v[2] = {{.handle = 3}, {.handle = 7}};
	struct chain_lines l = {.n = 2, .v = v};
	char *out = strdup(printed);
	int rc = chain_lines_parse(&l, out, chain_comment, base);

	free(out);
	texts[0] = v[0].text;
	texts[1] = v[1].text;
	return rc;
}

static void check_lines(const char *printed, const char *comment, bool base, const char *one,
			const char *two)
{
	char *texts[2];

	assert_int_equal(parse_lines(printed, comment, base, texts), 0);
	assert_string_equal(texts[0], one);
	assert_string_equal(texts[1], two);
	free(texts[0]);
	free(texts[1]);
}

static void refuse_lines(const char *printed, const char *comment, bool base)
{
	char *texts[2];

	assert_int_equal(parse_lines(printed, comment, base, texts), -EPROTO);
	free(texts[0]);
	free(texts[1]);
}

#define USER "table ip t {\n\tchain c { # handle 1\n"
#define BASE USER "\t\ttype filter hook input priority filter; policy accept;\n"
#define END "\t}\n}\n"

static void test_lines(void **state)
{
	check_lines(USER "\t\taccept # handle 3\n\t\tdrop # handle 7\n" END, NULL, false, "accept",
		    "drop");
	check_lines(BASE "\t\taccept # handle 3\n\t\tdrop # handle 7\n" END, NULL, true, "accept",
		    "drop");
	check_lines("# Warning: not yours\n" USER
		    "\t\ta\nb # handle 3\n\t\t # handle 9 # handle 7\n" END,
		    NULL, false, "a\nb", " # handle 9");
	check_lines(USER "\t\tcomment \"x # handle 3\n\t\tdrop\"\n\t\taccept # handle 3\n\t\tdrop "
			 "# handle 7\n" END,
		    "x # handle 3\n\t\tdrop", false, "accept", "drop");
}

static void test_lines_refused(void **state)
{
	/* a fake mark, of another rule and of its own */
	refuse_lines(USER "\t\ta \" # handle 5\n\" # handle 3\n\t\tdrop # handle 7\n" END, NULL,
		     false);
	refuse_lines(USER "\t\ta \" # handle 3\n\t\tx\" # handle 3\n\t\tdrop # handle 7\n" END,
		     NULL, false);
	refuse_lines(USER "\t\ta # handle 3\n\t\tx \" # handle 7\n\t\tx\" # handle 7\n" END, NULL,
		     false);
	refuse_lines(USER "\t\taccept # handle 7\n\t\tdrop # handle 3\n" END, NULL, false);
	refuse_lines(USER "\t\taccept # handle 3\n" END, NULL, false);
	refuse_lines(USER "\t\taccept # handle 3\n\t\tdrop # handle 7\n\t\tx # handle 9\n" END,
		     NULL, false);
	refuse_lines(USER "\t\tcomment \"y\"\n\t\taccept # handle 3\n\t\tdrop # handle 7\n" END,
		     "x", false);
	refuse_lines(USER "\t\taccept # handle 3\n\t\tdrop # handle 7\n" END, NULL, true);
	refuse_lines("", NULL, false);
	refuse_lines("#", NULL, false);
	refuse_lines("table ip t {", NULL, false);
	refuse_lines(USER, NULL, true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tables),	       cmocka_unit_test(test_chains),
		cmocka_unit_test(test_many_chains),    cmocka_unit_test(test_references),
		cmocka_unit_test(test_position),       cmocka_unit_test(test_classify),
		cmocka_unit_test(test_ours),	       cmocka_unit_test(test_blob),
		cmocka_unit_test(test_blob_broken),    cmocka_unit_test(test_blob_truncated),
		cmocka_unit_test(test_blob_noise),     cmocka_unit_test(test_dump),
		cmocka_unit_test(test_dump_truncated), cmocka_unit_test(test_dump_noise),
		cmocka_unit_test(test_udata),	       cmocka_unit_test(test_lines),
		cmocka_unit_test(test_lines_refused),  cmocka_unit_test(test_has_legacy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
