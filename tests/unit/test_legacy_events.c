// SPDX-License-Identifier: GPL-2.0-or-later
/* What of a traversal's counts is the packet's own, and when that cannot be said. */
#include "src/legacy_events.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h> /* behind src/error.h: it has a macro fail() */

#include <stdlib.h>

#include "tests/unit/xt_table.h"

enum { SERIAL = 7, ID = 42, NETNS = 1000 };

static struct legacy_table known;

/* In place of the one that asks the kernel. */
const struct legacy_table *legacy_tables_find(const struct legacy_tables *lt, uint32_t serial)
{
	return serial == known.serial ? &known : NULL;
}

static int find_view(void *ctx, uint32_t inum)
{
	return inum == NETNS ? 3 : -1;
}

struct heard {
	char text[512];
	enum certainty certainty;
	const struct event *any;
};

static void sink(void *ctx, const struct event *ev)
{
	struct heard *h = ctx;
	size_t n = strlen(h->text);

	assert_true(ev->has_id && ev->sure_id);
	assert_int_equal(ev->id, ID);
	assert_int_equal(ev->ns, 3);
	if (ev->type == EVENT_LOST) {
		assert_true(ev->lost.legacy);
		assert_int_equal(ev->lost.count, 0);
		h->certainty = ev->lost.certainty;
		snprintf(h->text + n, sizeof(h->text) - n, "%s? %s", n ? " " : "",
			 ev->lost.because);
		return;
	}
	assert_true(ev->rule.legacy);
	snprintf(h->text + n, sizeof(h->text) - n, "%s%s:%u:%s", n ? " " : "", ev->rule.chain,
		 ev->rule.number, verdict_name(ev->rule.verdict));
}

static const struct engine_config config = {.find_view = find_view};
static struct legacy_events *le;
static struct table *t;

/* INPUT: 0 LOG, 1 jump C0, 2 REJECT, 3 policy; C0: 5 LOG, 6 end */
static int setup(void **state)
{
	t = table_new();
	rule(t, true, EXTENSION);
	rule(t, true, JUMP + 0);
	rule(t, true, EXTENSION);
	policy(t, NF_ACCEPT);
	chain(t, 0);
	rule(t, true, EXTENSION);
	rule(t, false, XT_RETURN);
	finish(t);
	known = (struct legacy_table){.serial = SERIAL, .walk = t->w};
	le = legacy_events_open(&config, NULL);
	return le ? 0 : -1;
}

static int teardown(void **state)
{
	legacy_events_close(le);
	table_free(t);
	return 0;
}

/* A traversal that nothing disturbed: nodes that counted, a digit each. */
static struct nfp_xt_visit visit(uint32_t id, const char *counts, uint32_t verdict)
{
	struct nfp_xt_visit v = {.ev = {.type = NFP_XT, .netns = NETNS, .cpu = 1},
				 .id = id,
				 .serial = SERIAL,
				 .verdict = verdict,
				 .cpu = 1,
				 .first = 10,
				 .last = 10,
				 .recseq = {100, 102},
				 .pf = NFPROTO_IPV4,
				 .hook = NF_INET_LOCAL_IN,
				 .table = "filter"};

	for (uint32_t i = 0; counts[i]; i++)
		if (counts[i] != '.')
			v.hits[v.n++] = (struct nfp_xt_hit){i, counts[i] - '0'};
	return v;
}

static bool record(const struct nfp_xt_visit *v, struct heard *h)
{
	memset(h, 0, sizeof(*h));
	return legacy_events_record(le, v,
				    offsetof(struct nfp_xt_visit, hits) +
					    v->n * sizeof(v->hits[0]),
				    sink, h);
}

static void expect(const struct nfp_xt_visit *v, const char *want)
{
	struct heard h;

	record(v, &h);
	assert_string_equal(h.text, want);
}

#define DISTURBED "? other packets counted in table filter of iptables-legacy at the same time"

static void test_alone(void **state)
{
	struct nfp_xt_visit v = visit(ID, "1..1", NF_ACCEPT);

	expect(&v, "INPUT:1:continue INPUT:4:accept");
	v = visit(ID, ".111.11", NF_ACCEPT);
	expect(&v, "INPUT:2:jump C0:1:continue C0:2:return INPUT:3:continue INPUT:4:accept");
	v = visit(ID, "..1", NF_DROP);
	expect(&v, "INPUT:3:drop");
	/* nested itself: the outer one has counted */
	v.recseq[0] = v.recseq[1] = 101;
	expect(&v, "INPUT:3:drop");
}

static void test_doubts(void **state)
{
	static const struct {
		uint8_t flag;
		const char *want;
	} flags[] = {
		{NFP_XT_UNKNOWN, "? table filter of iptables-legacy was changed, and not read again yet"},
		{NFP_XT_OVERFLOW, "? more rules of table filter of iptables-legacy may match it than can be watched"},
		{NFP_XT_REPLACING, "? table filter of iptables-legacy was replaced while it was in it"},
		{NFP_XT_MISSED, "? the beginning of its way through table filter of iptables-legacy was missed"},
		{NFP_XT_CHANGED, "? its addresses were changed within table filter of iptables-legacy"},
		{NFP_XT_DISTURBED, DISTURBED},
	};
	struct nfp_xt_visit v;

	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		v = visit(ID, "1..1", NF_ACCEPT);
		v.flags = flags[i].flag;
		expect(&v, flags[i].want);
	}
	v = visit(ID, "1..1", NF_ACCEPT);
	v.ev.cpu = 0;
	expect(&v, "? it went to another CPU while it was in table filter of iptables-legacy");
	/* more, or fewer, traversals than this one */
	for (uint32_t rose = 0; rose < 8; rose++) {
		v = visit(ID, "1..1", NF_ACCEPT);
		v.recseq[1] = v.recseq[0] + rose;
		expect(&v, rose == 2 ? "INPUT:1:continue INPUT:4:accept" : DISTURBED);
	}
	/* counts that are no way */
	v = visit(ID, "1.11", NF_DROP);
	expect(&v, "? what was counted in table filter of iptables-legacy makes no way through it");
	/* one began within that nobody has told of */
	v = visit(ID, "1..1", NF_ACCEPT);
	v.last++;
	expect(&v, DISTURBED);
}

static void test_unknown_rules(void **state)
{
	struct nfp_xt_visit v = visit(ID, "1..1", NF_ACCEPT);
	struct heard h;

	assert_true(record(&v, &h));
	v.serial++;
	assert_false(record(&v, &h));
	assert_int_equal(h.certainty, CERTAIN_NOT);
	v.id = 0;
	assert_false(record(&v, &h));
	assert_string_equal(h.text, "");
}

/* The answer of REJECT, or a copy of TEE: within, and xt_recseq does not rise for it. */
static void test_nested(void **state)
{
	struct nfp_xt_visit inner = visit(0, "1..1", NF_ACCEPT), outer = visit(ID, "1.11", NF_DROP);

	inner.recseq[0] = inner.recseq[1] = 101;
	inner.first = inner.last = 11;
	outer.last = 11;
	expect(&inner, "");
	/* 1.11 less 1..1 */
	expect(&outer, "INPUT:3:drop");
	/* on another CPU, or before: it is no part of it */
	outer.cpu = outer.ev.cpu = 2;
	expect(&outer, DISTURBED);
	outer = visit(ID, "1.11", NF_DROP);
	outer.first = 11;
	outer.last = 12;
	expect(&outer, DISTURBED);
}

/* Rules that could not match the outer packet were not looked at; another table's are others. */
static void test_nested_elsewhere(void **state)
{
	struct nfp_xt_visit inner = visit(0, "1..1", NF_ACCEPT), outer = visit(ID, "..1", NF_DROP);

	inner.recseq[0] = inner.recseq[1] = 101;
	inner.first = inner.last = 11;
	outer.last = 11;
	expect(&inner, "");
	expect(&outer, "INPUT:3:drop");
	outer = visit(ID, "1.1", NF_DROP);
	outer.first = 20;
	outer.last = 21;
	inner.first = inner.last = 21;
	inner.serial = SERIAL + 1;
	expect(&inner, "");
	expect(&outer, "INPUT:1:continue INPUT:3:drop");
	/* of which something is not known */
	inner.serial = SERIAL;
	inner.first = inner.last = 31;
	inner.flags = NFP_XT_OVERFLOW;
	expect(&inner, "");
	outer.first = 30;
	outer.last = 31;
	expect(&outer, DISTURBED);
}

/* An interrupt before bottom halves are off: a traversal of its own, with one within. */
static void test_interrupted(void **state)
{
	struct nfp_xt_visit innermost = visit(0, "...1", NF_ACCEPT), inner = visit(0, "1..1", NF_ACCEPT),
			    outer = visit(ID, "2..2", NF_ACCEPT);

	innermost.recseq[0] = innermost.recseq[1] = 101;
	innermost.first = innermost.last = 12;
	inner = visit(0, "1.11", NF_DROP);
	inner.first = 11;
	inner.last = 12;
	outer = visit(ID, "2.13", NF_ACCEPT);
	outer.last = 12;
	outer.recseq[1] = 104;
	expect(&innermost, "");
	expect(&inner, "");
	/* 2.13 less ...1 less 1.11 */
	expect(&outer, "INPUT:1:continue INPUT:4:accept");
	outer.recseq[1] = 106;
	expect(&outer, DISTURBED);
	/* what it counted is more than there is */
	outer.recseq[1] = 104;
	outer.hits[0].times = 0;
	expect(&outer, DISTURBED);
}

static void test_short_record(void **state)
{
	struct nfp_xt_visit v = visit(ID, "1..1", NF_ACCEPT);
	struct heard h = {0};

	legacy_events_record(le, &v, offsetof(struct nfp_xt_visit, hits) + sizeof(v.hits[0]), sink,
			     &h);
	assert_string_equal(h.text, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_alone, setup, teardown),
		cmocka_unit_test_setup_teardown(test_doubts, setup, teardown),
		cmocka_unit_test_setup_teardown(test_unknown_rules, setup, teardown),
		cmocka_unit_test_setup_teardown(test_nested, setup, teardown),
		cmocka_unit_test_setup_teardown(test_nested_elsewhere, setup, teardown),
		cmocka_unit_test_setup_teardown(test_interrupted, setup, teardown),
		cmocka_unit_test_setup_teardown(test_short_record, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
