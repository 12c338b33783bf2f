// SPDX-License-Identifier: GPL-2.0-or-later
/* From what rules of iptables-legacy counted to the way of the packet; and the table as the kernel
 * programs walk through it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <netinet/in.h> /* before linux/netfilter.h, which takes the kernel's copy */
#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/xt_tcpudp.h>
#include <linux/netfilter_ipv4/ip_tables.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "netfilter/xt_walk.h"
#include "src/legacy_nodes.h"
#include "tests/unit/xt_table.h"

static enum xt_replay_result replay(const struct table *t, const char *counts, uint32_t verdict,
				    char *way)
{
	struct xt_hit hits[64];
	struct xt_path path;
	enum xt_replay_result rc;
	size_t n = 0;

	/* A digit for each node. */
	for (uint32_t i = 0; counts[i]; i++)
		if (counts[i] != '0' && counts[i] != '.')
			hits[n++] = (struct xt_hit){i, counts[i] - '0'};
	rc = xt_replay(t->w, NF_INET_LOCAL_IN, hits, n, verdict, &path);
	*way = 0;
	for (size_t i = 0; (rc == XT_REPLAY_ONE || rc == XT_REPLAY_AMBIGUOUS) && i < path.n; i++)
		sprintf(way + strlen(way), "%s%u", i ? " " : "", path.nodes[i]);
	if (rc == XT_REPLAY_ONE && path.stopped)
		strcat(way, " stopped");
	free(path.nodes);
	return rc;
}

static void expect(const struct table *t, const char *counts, uint32_t verdict,
		   enum xt_replay_result want, const char *want_way)
{
	char way[1024];

	assert_int_equal(replay(t, counts, verdict, way), want);
	if (want_way)
		assert_string_equal(way, want_way);
}

/* --- simple ways --- */

static void test_straight(void **state)
{
	struct table *t = table_new();

	rule(t, true, EXTENSION);  /* 0 */
	rule(t, true, NF_DROP);	   /* 1 */
	rule(t, true, NOTHING);	   /* 2 */
	policy(t, NF_ACCEPT);	   /* 3 */
	finish(t);
	expect(t, "0001", NF_ACCEPT, XT_REPLAY_ONE, "3");
	expect(t, "1001", NF_ACCEPT, XT_REPLAY_ONE, "0 3");
	expect(t, "1011", NF_ACCEPT, XT_REPLAY_ONE, "0 2 3");
	expect(t, "1100", NF_DROP, XT_REPLAY_ONE, "0 1");
	expect(t, "0100", NF_DROP, XT_REPLAY_ONE, "1");
	/* The extension gave the last word. */
	expect(t, "1000", NF_DROP, XT_REPLAY_ONE, "0");
	/* A match did: nothing says which. */
	expect(t, "0000", NF_DROP, XT_REPLAY_ONE, " stopped");
	expect(t, "0010", NF_DROP, XT_REPLAY_ONE, "2 stopped");
	/* None of these can be. */
	expect(t, "0000", NF_ACCEPT, XT_REPLAY_NONE, NULL);
	expect(t, "0101", NF_ACCEPT, XT_REPLAY_NONE, NULL);
	expect(t, "0001", NF_DROP, XT_REPLAY_NONE, NULL);
	expect(t, "0002", NF_ACCEPT, XT_REPLAY_NONE, NULL);
	expect(t, "2001", NF_ACCEPT, XT_REPLAY_NONE, NULL);
	expect(t, "00001", NF_ACCEPT, XT_REPLAY_NONE, NULL); /* the table's last entry */
	assert_int_equal(xt_walk_number(t->w, 0), 1);
	assert_int_equal(xt_walk_number(t->w, 3), 4);
	table_free(t);
}

static void test_other_hook(void **state)
{
	struct xt_hit hit = {0, 1};
	struct table *t = table_new();
	struct xt_path path;

	policy(t, NF_ACCEPT);
	finish(t);
	assert_int_equal(xt_replay(t->w, NF_INET_FORWARD, &hit, 1, NF_ACCEPT, &path),
			 XT_REPLAY_NONE);
	assert_int_equal(xt_replay(t->w, 7, &hit, 1, NF_ACCEPT, &path), XT_REPLAY_NONE);
	hit.node = 1u << 31;
	assert_int_equal(xt_replay(t->w, NF_INET_LOCAL_IN, &hit, 1, NF_ACCEPT, &path),
			 XT_REPLAY_NONE);
	hit = (struct xt_hit){0, UINT32_MAX};
	assert_int_equal(xt_replay(t->w, NF_INET_LOCAL_IN, &hit, 1, NF_ACCEPT, &path),
			 XT_REPLAY_NONE);
	table_free(t);
}

/* An entry that matches everything is never passed by. */
static void test_sure(void **state)
{
	struct table *t = table_new();

	rule(t, true, EXTENSION);   /* 0 */
	rule(t, false, EXTENSION);  /* 1: always */
	rule(t, true, NF_DROP);	    /* 2 */
	policy(t, NF_ACCEPT);	    /* 3 */
	finish(t);
	assert_int_equal(t->w->nodes[0].sure, 1);
	assert_int_equal(t->w->nodes[2].sure, 3);
	expect(t, "0101", NF_ACCEPT, XT_REPLAY_ONE, "1 3");
	expect(t, "0110", NF_DROP, XT_REPLAY_ONE, "1 2");
	expect(t, "0001", NF_ACCEPT, XT_REPLAY_NONE, NULL);
	expect(t, "1001", NF_ACCEPT, XT_REPLAY_NONE, NULL);
	table_free(t);
}

static struct table *jumping(void)
{
	struct table *t = table_new();

	rule(t, true, JUMP + 0);   /* 0 */
	rule(t, true, GOTO + 1);   /* 1 */
	rule(t, true, XT_RETURN);  /* 2 */
	rule(t, true, NF_ACCEPT);  /* 3 */
	policy(t, NF_DROP);	   /* 4 */
	chain(t, 0);		   /* 5 */
	rule(t, true, JUMP + 1);   /* 6 */
	rule(t, true, GOTO + 1);   /* 7 */
	rule(t, false, XT_RETURN); /* 8 */
	chain(t, 1);		   /* 9 */
	rule(t, true, EXTENSION);  /* 10 */
	rule(t, false, XT_RETURN); /* 11 */
	finish(t);
	return t;
}

static void test_jumps(void **state)
{
	struct table *t = jumping();

	/*          0123456789ab */
	expect(t, "10001...1...", NF_DROP, XT_REPLAY_ONE, "0 8 4");
	expect(t, "10010...1...", NF_ACCEPT, XT_REPLAY_ONE, "0 8 3");
	expect(t, "10101...1...", NF_DROP, XT_REPLAY_ONE, "0 8 2 4");
	/* a jump within a jump comes back */
	expect(t, "10010.1.1..1", NF_ACCEPT, XT_REPLAY_ONE, "0 6 11 8 3");
	/* a goto within a jump comes back to the chain before */
	expect(t, "10010..1...1", NF_ACCEPT, XT_REPLAY_ONE, "0 7 11 3");
	/* a goto of the base chain leads to the policy: there is nowhere to come back to */
	expect(t, "01001......1", NF_DROP, XT_REPLAY_ONE, "1 11 4");
	expect(t, "01010......1", NF_ACCEPT, XT_REPLAY_NONE, NULL);
	/* the same chain twice: its end counted twice */
	expect(t, "10010.11...2", NF_ACCEPT, XT_REPLAY_ONE, "0 6 11 7 11 3");
	assert_int_equal(xt_walk_number(t->w, 8), 3);
	assert_string_equal(t->w->chains[t->w->nodes[10].chain].chain->name, "C1");
	table_free(t);
}

/* Visited three times, a rule of the chain counted once: when? */
static void test_ambiguous(void **state)
{
	struct table *t = jumping();

	expect(t, "11001.1...13", NF_DROP, XT_REPLAY_NONE, NULL);
	expect(t, "11001.1.1.12", NF_DROP, XT_REPLAY_AMBIGUOUS, NULL);
	/* each time: no choice */
	expect(t, "11001.1.1.22", NF_DROP, XT_REPLAY_ONE, "0 6 10 11 8 1 10 11 4");
	table_free(t);
}

/* A choice that the rest of the way refutes is none. */
static void test_choice_refuted(void **state)
{
	struct table *t = table_new();

	rule(t, true, JUMP + 0); /* 0 */
	rule(t, true, JUMP + 0); /* 1 */
	policy(t, NF_ACCEPT);	 /* 2 */
	chain(t, 0);		 /* 3 */
	rule(t, true, NF_DROP);	 /* 4 */
	rule(t, false, XT_RETURN);
	finish(t);
	/* dropped the second time: it would not have come there again */
	expect(t, "110.11", NF_DROP, XT_REPLAY_ONE, "0 5 1 4");
	expect(t, "100.1.", NF_DROP, XT_REPLAY_ONE, "0 4");
	table_free(t);
}

/* Choices without number come to an end. */
static void test_endless(void **state)
{
	struct table *t = table_new();
	struct xt_hit hits[64];
	struct xt_path path;
	enum xt_replay_result rc;
	int n = 0;

	for (int i = 0; i < 20; i++)
		rule(t, true, JUMP + 0);
	policy(t, NF_ACCEPT); /* 20 */
	chain(t, 0);	      /* 21 */
	for (int i = 0; i < 20; i++)
		rule(t, true, EXTENSION);
	rule(t, false, XT_RETURN);
	finish(t);
	for (int i = 0; i < 20; i++)
		hits[n++] = (struct xt_hit){i, 1};
	for (int i = 0; i < 20; i++)
		hits[n++] = (struct xt_hit){22 + i, 10};
	hits[n++] = (struct xt_hit){42, 20};
	hits[n++] = (struct xt_hit){20, 1};
	rc = xt_replay(t->w, NF_INET_LOCAL_IN, hits, n, NF_ACCEPT, &path);
	assert_int_equal(rc, XT_REPLAY_AMBIGUOUS);
	free(path.nodes);
	/* No way has it: that is found out, or given up. */
	hits[n - 2].times = 19;
	rc = xt_replay(t->w, NF_INET_LOCAL_IN, hits, n, NF_ACCEPT, &path);
	assert_int_equal(rc, XT_REPLAY_NONE);
	free(path.nodes);
	table_free(t);
}

/* --- any table, any packet --- */

struct walked {
	uint32_t nodes[512];
	size_t n;
	uint32_t verdict;
};

/* As ipt_do_table() goes; what a match says is a coin's word, each time anew. */
static bool walk(const struct table *t, struct walked *k)
{
	const struct xt_walk *w = t->w;
	uint32_t at = w->entry[NF_INET_LOCAL_IN], stack[64];
	size_t depth = 0;

	for (k->n = 0; k->n < 500;) {
		const struct xt_node *n = &w->nodes[at];

		if (n->sure != at && rand() % 3) {
			at++;
			continue;
		}
		k->nodes[k->n++] = at;
		switch (n->kind) {
		case XT_KIND_VERDICT:
			k->verdict = n->verdict;
			return true;
		case XT_KIND_RETURN:
			at = depth ? stack[--depth] : w->underflow[NF_INET_LOCAL_IN];
			break;
		case XT_KIND_JUMP:
			if (depth == 60)
				return false;
			stack[depth++] = at + 1;
			at = n->target;
			break;
		case XT_KIND_GOTO:
			at = n->target;
			break;
		case XT_KIND_TARGET:
			if (!(rand() % 8)) {
				k->verdict = NF_DROP;
				return true;
			}
			at++;
			break;
		default:
			at++;
		}
	}
	return false;
}

static int any_target(int from_chain, int n_chains)
{
	int what = rand() % 8;

	/* No loops: jumps lead to later chains only. */
	if (what < 3 && from_chain + 1 < n_chains)
		return (what ? JUMP : GOTO) + from_chain + 1 + rand() % (n_chains - from_chain - 1);
	return what == 3 ? NF_DROP : what == 4 ? XT_RETURN : what == 5 ? NOTHING : EXTENSION;
}

static struct table *any_table(void)
{
	int n_chains = rand() % 5;
	struct table *t = table_new();

	for (int i = rand() % 8; i > 0; i--)
		rule(t, rand() % 8, any_target(-1, n_chains));
	policy(t, rand() % 2 ? NF_ACCEPT : NF_DROP);
	for (int c = 0; c < n_chains; c++) {
		chain(t, c);
		for (int i = rand() % 6; i > 0; i--)
			rule(t, rand() % 8, any_target(c, n_chains));
		rule(t, false, XT_RETURN);
	}
	finish(t);
	return t;
}

static size_t count(const struct walked *k, struct xt_hit *hits)
{
	size_t n = 0, i;

	/* From the last to the first: their order tells nothing. */
	for (size_t j = k->n; j-- > 0;) {
		for (i = 0; i < n && hits[i].node != k->nodes[j]; i++)
			;
		if (i == n)
			hits[n++] = (struct xt_hit){k->nodes[j], 0};
		hits[i].times++;
	}
	return n;
}

static void test_any(void **state)
{
	unsigned int seed = time(NULL), one = 0, ambiguous = 0;
	struct xt_hit hits[512];
	struct xt_path path;
	struct walked k;

	print_message("seed %u\n", seed);
	srand(seed);
	for (int i = 0; i < 3000; i++) {
		struct table *t = any_table();

		for (int p = 0; p < 10; p++) {
			enum xt_replay_result rc;

			if (!walk(t, &k))
				continue;
			rc = xt_replay(t->w, NF_INET_LOCAL_IN, hits, count(&k, hits), k.verdict,
				       &path);
			assert_true(rc == XT_REPLAY_ONE || rc == XT_REPLAY_AMBIGUOUS);
			if (rc == XT_REPLAY_ONE) {
				assert_int_equal(path.n, k.n);
				assert_memory_equal(path.nodes, k.nodes, k.n * sizeof(*k.nodes));
			}
			one += rc == XT_REPLAY_ONE;
			ambiguous += rc == XT_REPLAY_AMBIGUOUS;
			free(path.nodes);
		}
		table_free(t);
	}
	print_message("%u exact, %u ambiguous\n", one, ambiguous);
	assert_true(one > 100 * ambiguous / 4);
}

/* --- nodes --- */

static uint32_t addr(const char *s)
{
	return inet_addr(s);
}

/* Where a packet to dst looks in a run, as the program does it (walk_one()). */
static size_t looks(const struct nfp_xt_node *nodes, uint32_t at, uint32_t dst, uint32_t *found)
{
	const uint32_t a[4] = {dst};
	uint32_t end = at + nodes[at].run;
	size_t n = 0;

	at = nodes[at + nfp_xt_bucket(a, nodes[at].dmask, nodes[at].run)].head;
	for (; at != end; at = nodes[at].next) {
		assert_true(at < end);
		found[n++] = at;
	}
	return n;
}

static void test_runs(void **state)
{
	struct table *t = table_new();
	struct nfp_xt_node *nodes;
	uint32_t found[400];
	size_t n, all = 0;

	rule(t, true, EXTENSION);
	for (uint32_t i = 0; i < 300; i++) {
		struct ipt_entry *e = rule(t, true, NF_DROP);

		/* each address three times */
		e->ip.dst.s_addr = htonl(0x0a000000 + i / 3);
		e->ip.dmsk.s_addr = ~0u;
	}
	rule(t, true, EXTENSION);
	for (uint32_t i = 0; i < RAND_MAX && i < 20; i++) {
		struct ipt_entry *e = rule(t, true, NF_DROP);

		e->ip.src.s_addr = htonl(0x0a000000 + (i << 8));
		e->ip.smsk.s_addr = htonl(0xffffff00);
	}
	policy(t, NF_ACCEPT);
	finish(t);
	nodes = legacy_nodes(t->w, &n);
	assert_non_null(nodes);
	assert_int_equal(n, t->w->n);
	assert_int_equal(nodes[0].run, 0);
	assert_int_equal(nodes[0].next, 1);
	assert_int_equal(nodes[1].run, 300);
	assert_int_equal(nodes[301].run, 0);
	assert_int_equal(nodes[302].run, 20);
	assert_true(nodes[302].flags & NFP_XT_BY_SRC);
	for (uint32_t i = 0; i < 100; i++) {
		size_t have = looks(nodes, 1, htonl(0x0a000000 + i), found), equal = 0;

		all += have;
		for (size_t k = 0; k < have; k++) {
			assert_true(!k || found[k] > found[k - 1]); /* in the table's order */
			equal += nodes[found[k]].dst[0] == htonl(0x0a000000 + i);
		}
		assert_int_equal(equal, 3);
	}
	/* Three of its own, and few others. */
	assert_true(all < 100 * 12);
	assert_true(looks(nodes, 1, addr("192.0.2.1"), found) < 30);
	free(nodes);
	table_free(t);
}

static void test_devices(void **state)
{
	static const char *const names[] = {"eth0", "eth", "lan", "eth0"};
	struct table *t = table_new();
	struct nfp_xt_node *nodes;
	size_t n;

	for (int i = 0; i < 4; i++) {
		struct ipt_entry *e = rule(t, false, NF_DROP);

		strcpy(e->ip.iniface, names[i]);
		memset(e->ip.iniface_mask, 0xff, strlen(names[i]) + (i != 1));
	}
	rule(t, false, NF_DROP)->ip.invflags = IPT_INV_VIA_OUT; /* never matches */
	policy(t, NF_ACCEPT);
	finish(t);
	nodes = legacy_nodes(t->w, &n);
	assert_int_equal(n, t->w->n + 4);
	assert_int_equal(nodes[0].in, nodes[3].in);
	assert_int_not_equal(nodes[0].in, nodes[1].in);
	assert_true(nodes[0].in >= t->w->n && nodes[0].out == 0);
	assert_string_equal((char *)nodes[nodes[0].in].src, "eth0");
	assert_int_equal(((uint8_t *)nodes[nodes[1].in].smask)[3], 0);
	assert_true(nodes[4].out);
	assert_true(nodes[0].flags & NFP_XT_PLAIN);
	assert_int_equal(nodes[0].counters, offsetof(struct ipt_entry, counters));
	assert_int_equal(nodes[1].counters - nodes[0].counters, t->w->nodes[1].offset);
	free(nodes);
	table_free(t);
}

static void test_ports(void **state)
{
	struct table *t = table_new();
	struct ipt_entry *e = rule(t, true, NF_DROP);
	struct xt_udp *udp = (void *)((struct xt_entry_match *)(e + 1))->data;
	struct nfp_xt_node *nodes;
	size_t n;

	udp->spts[1] = 0xffff;
	udp->dpts[0] = udp->dpts[1] = 53;
	udp->invflags = XT_UDP_INV_DSTPT;
	e = rule(t, true, NF_DROP);
	((struct xt_entry_match *)(e + 1))->u.user.revision = 1; /* of which nothing is known */
	e = rule(t, true, NF_DROP);
	strcpy(((struct xt_entry_match *)(e + 1))->u.user.name, "tcpmss");
	policy(t, NF_ACCEPT);
	finish(t);
	nodes = legacy_nodes(t->w, &n);
	assert_int_equal(nodes[0].flags, NFP_XT_PORTS | NFP_XT_INV_DPORT);
	assert_int_equal(nodes[0].sport[0], 0);
	assert_int_equal(nodes[0].sport[1], 0xffff);
	assert_int_equal(nodes[0].dport[0], 53);
	assert_int_equal(nodes[1].flags, 0);
	assert_int_equal(nodes[2].flags, 0);
	assert_int_equal(nodes[3].flags, NFP_XT_PLAIN);
	free(nodes);
	table_free(t);
}

/* What the kernel would not have taken. */
static void test_broken(void **state)
{
	struct table *t = table_new();
	struct rs_table *rt;

	rule(t, true, EXTENSION);
	policy(t, NF_ACCEPT);
	finish(t);
	rt = t->rs->tables[0];
	xt_walk_free(t->w);
	/* a jump into the middle of an entry */
	standard((void *)(t->data + t->underflow[NF_INET_LOCAL_IN]), 8);
	t->w = xt_walk_new(rt);
	assert_null(t->w);
	/* a base chain that ends without a rule for all packets */
	standard((void *)(t->data + t->underflow[NF_INET_LOCAL_IN]), -NF_ACCEPT - 1);
	((struct ipt_entry *)(t->data + t->underflow[NF_INET_LOCAL_IN]))->ip.proto = 17;
	t->w = xt_walk_new(rt);
	assert_null(t->w);
	((struct ipt_entry *)(t->data + t->underflow[NF_INET_LOCAL_IN]))->ip.proto = 0;
	rt->blob_size -= 8;
	assert_null(xt_walk_new(rt));
	table_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_straight),  cmocka_unit_test(test_other_hook),
		cmocka_unit_test(test_sure),	  cmocka_unit_test(test_jumps),
		cmocka_unit_test(test_ambiguous), cmocka_unit_test(test_choice_refuted),
		cmocka_unit_test(test_endless),	  cmocka_unit_test(test_any),
		cmocka_unit_test(test_runs),	  cmocka_unit_test(test_devices),
		cmocka_unit_test(test_ports),	  cmocka_unit_test(test_broken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
