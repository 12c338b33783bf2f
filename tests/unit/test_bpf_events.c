// SPDX-License-Identifier: GPL-2.0-or-later
/* What the records of the bpf engine's programs say: walks with their chains, policies, ends of hooks, what was sent. */
#include "src/bpf_events.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h> /* behind src/error.h: it has a macro fail() */

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <stdio.h>
#include <string.h>

enum { ID = 42, NETNS = 1000, GEN = 5 };
enum { BASE = 0x100, WEB = 0x200, UNTOLD = 0x300 }; /* addresses of chains */

static int find_view(void *ctx, uint32_t inum)
{
	return inum == NETNS ? 0 : -1;
}

static const struct engine_config config = {.find_view = find_view};
static struct bpf_events *b;
static char heard[1024];

static void say(const char *fmt, ...)
{
	size_t n = strlen(heard);
	va_list ap;

	if (n)
		heard[n++] = ' ';
	va_start(ap, fmt);
	vsnprintf(heard + n, sizeof(heard) - n, fmt, ap);
	va_end(ap);
}

static void sink(void *ctx, const struct event *ev)
{
	assert_true(ev->has_id && ev->sure_id);
	assert_int_equal(ev->id, ID);
	assert_int_equal(ev->ns, 0);
	switch (ev->type) {
	case EVENT_RULE:
		say("%s:%s:%u:%s%s%s", ev->rule.table, ev->rule.chain, (unsigned int)ev->rule.handle,
		    verdict_name(ev->rule.verdict), ev->rule.target ? ">" : "",
		    ev->rule.target ?: "");
		return;
	case EVENT_POLICY:
		say("%s:policy:%s", ev->rule.chain, verdict_name(ev->rule.verdict));
		return;
	case EVENT_RETURN:
		say("%s:end", ev->rule.chain);
		return;
	case EVENT_LEAVE:
		say("leave:%u%s%s", ev->hook, ev->ct_state == CT_NEW ? ":new" : "",
		    ev->finds_replies ? ":learned" : "");
		return;
	case EVENT_TRANSMIT:
		say("sent:%s", ev->transmit.dev);
		return;
	case EVENT_LOST:
		say("?");
		return;
	case EVENT_GONE:
		say("gone");
		return;
	default:
		say("%d", ev->type);
	}
}

static void record(const void *r, size_t size)
{
	bpf_events_record(b, r, size, sink, NULL);
}

static void tell_chain(uint64_t chain, const char *name)
{
	struct nfp_chain c = {.ev = {.type = NFP_CHAIN, .netns = NETNS},
			      .chain = chain,
			      .gen = GEN,
			      .family = NFPROTO_INET,
			      .table = "t"};

	snprintf(c.name, sizeof(c.name), "%s", name);
	record(&c, sizeof(c));
}

static int setup(void **state)
{
	b = bpf_events_open(&config, NULL);
	heard[0] = 0;
	if (!b)
		return -1;
	tell_chain(BASE, "in");
	tell_chain(WEB, "web");
	return 0;
}

static int teardown(void **state)
{
	bpf_events_close(b);
	return 0;
}

static struct nfp_visit visit(uint8_t flags, int32_t verdict, uint8_t policy)
{
	return (struct nfp_visit){.ev = {.type = NFP_VISIT, .netns = NETNS},
				  .base = BASE,
				  .gen = GEN,
				  .id = ID,
				  .verdict = verdict,
				  .pf = NFPROTO_IPV4,
				  .hook = NF_INET_LOCAL_IN,
				  .flags = flags,
				  .policy = policy,
				  .ct = NFP_CT_NONE};
}

static void add(struct nfp_visit *v, uint64_t chain, uint64_t handle, int32_t verdict, uint64_t target)
{
	v->steps[v->n++] = (struct nfp_step){
		.chain = chain, .handle = handle, .verdict = verdict, .target = target};
}

static void expect(const struct nfp_visit *v, const char *want)
{
	heard[0] = 0;
	record(v, offsetof(struct nfp_visit, steps) + v->n * sizeof(v->steps[0]));
	assert_string_equal(heard, want);
}

static void a_rule_decides(void **state)
{
	struct nfp_visit v = visit(0, NF_DROP, NF_ACCEPT);

	add(&v, BASE, 4, NFT_CONTINUE, 0);
	add(&v, BASE, 7, NF_DROP, 0);
	expect(&v, "t:in:4:continue t:in:7:drop");
}

/* The end of a chain makes no noise. */
static void chains_end(void **state)
{
	struct nfp_visit v = visit(NFP_VISIT_POLICY, NF_ACCEPT, NF_ACCEPT);

	add(&v, BASE, 4, NFT_JUMP, WEB);
	add(&v, WEB, 2, NFT_CONTINUE, 0);
	expect(&v, "t:in:4:jump>web t:web:2:continue web:end in:policy:accept");
	v = visit(NFP_VISIT_POLICY, NF_DROP, NF_DROP);
	add(&v, BASE, 4, NFT_JUMP, WEB);
	add(&v, BASE, 5, NFT_CONTINUE, 0);
	expect(&v, "t:in:4:jump>web web:end t:in:5:continue in:policy:drop");
}

/* One record for the end of the walk and of its hook. */
static void walk_and_hook_end(void **state)
{
	struct nfp_visit v = visit(NFP_VISIT_LEFT, NF_ACCEPT, NF_DROP);

	add(&v, BASE, 4, NF_ACCEPT, 0);
	expect(&v, "t:in:4:accept leave:1");
	v.flags |= NFP_VISIT_LEARNED;
	v.ct = 2; /* IP_CT_NEW */
	expect(&v, "t:in:4:accept leave:1:new:learned");
	v = visit(NFP_VISIT_POLICY | NFP_VISIT_LEFT, NF_ACCEPT, NF_ACCEPT);
	expect(&v, "in:policy:accept leave:1");
}

/* What cannot be named, and what does not agree, is said to be uncertain. */
static void doubts(void **state)
{
	struct nfp_visit v = visit(NFP_VISIT_POLICY | NFP_VISIT_LEFT, NF_ACCEPT, NF_DROP);

	expect(&v, "in:policy:drop ? leave:1");
	v = visit(NFP_VISIT_UNKNOWN | NFP_VISIT_POLICY, NF_ACCEPT, NF_ACCEPT);
	expect(&v, "?");
	v = visit(0, NF_ACCEPT, NF_DROP);
	add(&v, UNTOLD, 4, NF_ACCEPT, 0);
	expect(&v, "?");
	v = visit(NFP_VISIT_POLICY, NF_ACCEPT, NF_ACCEPT);
	v.base = UNTOLD;
	expect(&v, "?");
	v = visit(0, NF_ACCEPT, NF_DROP);
	v.gen++;
	add(&v, BASE, 4, NF_ACCEPT, 0);
	expect(&v, "?");
}

/* More steps than a record holds. */
static void parts(void **state)
{
	struct nfp_visit v = visit(NFP_VISIT_PART, 0, NF_ACCEPT);

	add(&v, BASE, 4, NFT_JUMP, WEB);
	expect(&v, "t:in:4:jump>web");
	v = visit(NFP_VISIT_NEXT | NFP_VISIT_POLICY, NF_ACCEPT, NF_ACCEPT);
	add(&v, BASE, 5, NFT_CONTINUE, 0);
	expect(&v, "web:end t:in:5:continue in:policy:accept");
}

static void sent_and_gone(void **state)
{
	struct nfp_sent s = {.ev = {.type = NFP_SENT, .netns = NETNS}, .id = ID, .dev = "eth0"};
	struct nfp_gone g = {.ev = {.type = NFP_GONE, .netns = NETNS}, .id = ID};

	record(&s, sizeof(s) - 1); /* torn */
	record(&s, sizeof(s));
	record(&g, sizeof(g));
	g.unsure = 1;
	record(&g, sizeof(g));
	assert_string_equal(heard, "sent:eth0 gone ? gone");
}

/* It came in an interrupt of one of our programs. */
static void nested(void **state)
{
	struct nfp_sight s = {.ev = {.type = NFP_SIGHT, .netns = NETNS}, .id = ID, .pf = NFPROTO_IPV4, .hook = 1,
			      .what = NFP_LEAVE, .ct = NFP_CT_NONE};

	record(&s, offsetof(struct nfp_sight, in));
	s.flags = NFP_SIGHT_NESTED;
	record(&s, offsetof(struct nfp_sight, in));
	assert_string_equal(heard, "leave:1 leave:1 ?");
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_rule_decides), TEST(chains_end), TEST(walk_and_hook_end),
		TEST(doubts),	      TEST(parts),	TEST(sent_and_gone),
		TEST(nested),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
