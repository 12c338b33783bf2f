// SPDX-License-Identifier: GPL-2.0-or-later
/* Steps as the tracker leaves them, against rulesets made by hand. */
#include <netinet/in.h> /* before linux/netfilter.h, which takes the kernel's copy */
#include <linux/netfilter.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "netfilter/xt_blob.h"
#include "src/resolve.h"
#include "src/walk.h"
#include "tests/unit/messages.h"

#include <cmocka.h> /* last: it has a macro fail() */

struct bench {
	struct ruleset *one, *two; /* alike at first */
	struct path *p;
};

static struct rs_chain *add_chain(struct ruleset *rs, struct rs_table *t, const char *name,
				  const uint64_t *handles, uint32_t n)
{
	struct rs_chain *c = rs_table_add_chain(rs, t, name);

	assert_non_null(c);
	c->handles = calloc(n, sizeof(*handles));
	memcpy(c->handles, handles, n * sizeof(*handles));
	c->n_rules = n;
	return c;
}

static void at_hook(struct rs_chain *c, uint8_t hook, int32_t priority, const char *type)
{
	c->base = true;
	c->hook = hook;
	c->priority = priority;
	c->policy = VERDICT_ACCEPT;
	c->type = strdup(type);
}

static void add_legacy(struct ruleset *rs)
{
	struct rs_table *t = ruleset_add_table(rs, BACKEND_IPTABLES_LEGACY, NFPROTO_IPV4, "filter");
	struct msg_blob b;

	msg_filter_table(&b, NFPROTO_IPV4);
	t->blob = malloc(b.len);
	memcpy(t->blob, b.bytes, b.len);
	t->blob_size = b.len;
	t->valid_hooks = b.valid_hooks;
	memcpy(t->hook_entry, b.hook_entry, sizeof(t->hook_entry));
	memcpy(t->underflow, b.underflow, sizeof(t->underflow));
	assert_int_equal(xt_blob_parse(rs, t), 0);
}

static struct ruleset *make(void)
{
	struct ruleset *rs = ruleset_new();
	struct rs_table *t = ruleset_add_table(rs, BACKEND_NFT, NFPROTO_INET, "filter");

	t->handle = 7;
	at_hook(add_chain(rs, t, "first", (const uint64_t[]){2}, 1), NF_INET_PRE_ROUTING, -300,
		"filter");
	at_hook(add_chain(rs, t, "middle", (const uint64_t[]){4}, 1), NF_INET_PRE_ROUTING, -150,
		"filter");
	at_hook(add_chain(rs, t, "input", (const uint64_t[]){30, 5, 9}, 3), NF_INET_LOCAL_IN, 10,
		"filter");
	add_chain(rs, t, "web", (const uint64_t[]){20, 21}, 2);
	at_hook(add_chain(rs, t, "translate", (const uint64_t[]){40}, 1), NF_INET_PRE_ROUTING, -99,
		"nat");
	t = ruleset_add_table(rs, BACKEND_NFT, NFPROTO_IPV4, "nat");
	t->handle = 8;
	at_hook(add_chain(rs, t, "PREROUTING", (const uint64_t[]){6}, 1), NF_INET_PRE_ROUTING, -100,
		"nat");
	add_legacy(rs);
	ruleset_classify(rs);
	return rs;
}

static int set_up(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));

	b->one = make();
	b->two = make();
	b->p = path_new();
	b->p->last_hook = HOOK_NONE;
	*state = b;
	return 0;
}

static int tear_down(void **state)
{
	struct bench *b = *state;

	path_free(b->p);
	ruleset_put(b->one);
	ruleset_put(b->two);
	free(b);
	return 0;
}

static void nft(struct bench *b, enum step_type type, const char *chain, uint64_t handle,
		enum verdict v)
{
	struct step *s = path_add(b->p, type, NFPROTO_INET, HOOK_NONE);

	s->backend = BACKEND_NFT;
	s->verdict = v;
	s->rule.table = "filter";
	s->rule.chain = chain;
	s->rule.handle = handle;
}

static void legacy(struct bench *b, enum step_type type, uint8_t hook, const char *chain,
		   uint32_t number)
{
	struct step *s = path_add(b->p, type, NFPROTO_IPV4, hook);

	s->backend = BACKEND_IPTABLES_LEGACY;
	s->verdict = VERDICT_UNKNOWN;
	s->rule.table = "filter";
	s->rule.chain = chain;
	s->rule.number = number;
}

static void conntrack(struct bench *b, uint8_t hook, enum ct_state ct)
{
	path_add(b->p, STEP_CONNTRACK, NFPROTO_INET, hook)->ct.state = ct;
}

static const struct step *step(const struct bench *b, size_t i)
{
	assert_true(i < b->p->n_steps);
	return &b->p->steps[i];
}

static void run(struct bench *b)
{
	const struct rules_answer a = {.rs = {b->one}, .n = 1, .complete = true};

	resolve(b->p, &(struct path_rules){&a, 1});
}

static void run_with_two(struct bench *b)
{
	const struct rules_answer a = {.rs = {b->one, b->two}, .n = 2, .complete = true};

	resolve(b->p, &(struct path_rules){&a, 1});
}

static void check_unnamed(const struct bench *b, size_t i)
{
	assert_int_equal(b->p->certainty, CERTAIN_NOT);
	assert_non_null(b->p->because);
	assert_non_null(step(b, i)->rule.no_text);
}

/* --- nft --- */

static void test_numbers_and_hooks(void **state)
{
	struct bench *b = *state;

	nft(b, STEP_RULE, "input", 5, VERDICT_JUMP);
	nft(b, STEP_RULE, "web", 21, VERDICT_CONTINUE);
	nft(b, STEP_RETURN, "web", 0, VERDICT_RETURN);
	nft(b, STEP_RULE, "input", 9, VERDICT_CONTINUE);
	nft(b, STEP_POLICY, "input", 0, VERDICT_ACCEPT);
	run(b);
	assert_int_equal(step(b, 0)->rule.number, 2);
	assert_int_equal(step(b, 1)->rule.number, 2);
	assert_int_equal(step(b, 2)->rule.number, 0);
	assert_int_equal(step(b, 3)->rule.number, 3);
	assert_int_equal(step(b, 4)->rule.number, 0);
	for (size_t i = 0; i < 5; i++) {
		assert_int_equal(step(b, i)->hook, NF_INET_LOCAL_IN);
		assert_int_equal(step(b, i)->rule.priority, 10);
		assert_int_equal(step(b, i)->backend, BACKEND_NFT);
		assert_false(step(b, i)->rule.nat_chain);
		assert_null(step(b, i)->rule.no_text);
	}
	assert_int_equal(b->p->certainty, CERTAIN_EXACT);
	assert_false(resolve_has_legacy(b->p));
}

static void test_table_of_iptables_nft(void **state)
{
	struct bench *b = *state;
	struct step *s = path_add(b->p, STEP_RULE, NFPROTO_IPV4, HOOK_NONE);

	s->rule.table = "nat";
	s->rule.chain = "PREROUTING";
	s->rule.handle = 6;
	run(b);
	assert_int_equal(step(b, 0)->backend, BACKEND_IPTABLES_NFT);
	assert_int_equal(step(b, 0)->rule.number, 1);
	assert_int_equal(step(b, 0)->hook, NF_INET_PRE_ROUTING);
	assert_true(step(b, 0)->rule.nat_chain);
}

/* A chain that is no base chain has no type of its own. */
static void test_type_of_chains_that_are_called(void **state)
{
	struct bench *b = *state;

	nft(b, STEP_RULE, "translate", 40, VERDICT_JUMP);
	nft(b, STEP_RULE, "web", 20, VERDICT_ACCEPT);
	nft(b, STEP_RULE, "input", 30, VERDICT_JUMP);
	nft(b, STEP_RULE, "web", 20, VERDICT_ACCEPT);
	run(b);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(step(b, i)->rule.nat_chain, i < 2);
}

static void test_what_the_ruleset_does_not_have(void **state)
{
	struct bench *b = *state;

	nft(b, STEP_RULE, "input", 77, VERDICT_DROP);
	nft(b, STEP_RULE, "gone", 1, VERDICT_DROP);
	nft(b, STEP_RULE, "input", 5, VERDICT_ACCEPT);
	run(b);
	check_unnamed(b, 0);
	check_unnamed(b, 1);
	assert_int_equal(step(b, 0)->rule.number, 0);
	assert_int_equal(step(b, 0)->rule.handle, 77); /* the kernel's word stays */
	assert_int_equal(step(b, 0)->verdict, VERDICT_DROP);
	assert_int_equal(step(b, 2)->rule.number, 2); /* the others keep their names */
	assert_null(step(b, 2)->rule.no_text);
}

/* --- several rulesets --- */

static void test_rulesets_that_agree(void **state)
{
	struct bench *b = *state;

	nft(b, STEP_RULE, "input", 5, VERDICT_ACCEPT);
	run_with_two(b);
	assert_int_equal(step(b, 0)->rule.number, 2);
	assert_int_equal(b->p->certainty, CERTAIN_EXACT);
}

static void test_rulesets_that_number_differently(void **state)
{
	struct bench *b = *state;
	struct rs_chain *c = ruleset_chain(b->two, false, NFPROTO_INET, "filter", "input");

	c->handles[0] = 5;
	c->handles[1] = 30;
	nft(b, STEP_RULE, "input", 9, VERDICT_CONTINUE);
	nft(b, STEP_RULE, "input", 5, VERDICT_ACCEPT);
	run_with_two(b);
	assert_int_equal(step(b, 0)->rule.number, 3); /* at the same place in both */
	assert_null(step(b, 0)->rule.no_text);
	assert_int_equal(step(b, 1)->rule.number, 0);
	check_unnamed(b, 1);
}

static void test_a_table_that_was_made_anew(void **state)
{
	struct bench *b = *state;

	ruleset_table(b->two, false, NFPROTO_INET, "filter")->handle = 70;
	nft(b, STEP_RULE, "input", 5, VERDICT_ACCEPT);
	run_with_two(b);
	check_unnamed(b, 0);
}

static void test_a_ruleset_that_nobody_saw(void **state)
{
	struct bench *b = *state;
	struct rules_answer a = {.rs = {b->one}, .n = 1, .complete = false};

	nft(b, STEP_RULE, "input", 5, VERDICT_ACCEPT);
	resolve(b->p, &(struct path_rules){&a, 1});
	check_unnamed(b, 0);
	assert_int_equal(step(b, 0)->rule.number, 0);
}

/* Numbers of iptables-legacy name a rule in one ruleset only, even where both look alike. */
static void test_legacy_in_one_of_two(void **state)
{
	struct bench *b = *state;

	legacy(b, STEP_RULE, NF_INET_LOCAL_IN, "INPUT", 3);
	assert_true(resolve_has_legacy(b->p));
	run_with_two(b);
	check_unnamed(b, 0);
	assert_int_equal(step(b, 0)->rule.number, 3); /* the kernel's word stays */
	assert_int_equal(step(b, 0)->verdict, VERDICT_UNKNOWN);
}

/* --- iptables-legacy --- */

static void test_legacy_rules_by_number(void **state)
{
	struct bench *b = *state;

	legacy(b, STEP_RULE, NF_INET_LOCAL_IN, "INPUT", 1);
	legacy(b, STEP_RULE, NF_INET_LOCAL_IN, "web", 1);
	legacy(b, STEP_RULE, NF_INET_LOCAL_IN, "INPUT", 3);
	run(b);
	ruleset_put(b->one); /* the path outlives it */
	b->one = NULL;
	assert_int_equal(step(b, 0)->verdict, VERDICT_JUMP);
	assert_string_equal(step(b, 0)->rule.target, "web");
	assert_int_equal(step(b, 0)->rule.number, 1);
	assert_int_equal(step(b, 1)->verdict, VERDICT_RETURN);
	assert_int_equal(step(b, 1)->hook, NF_INET_LOCAL_IN);
	assert_int_equal(step(b, 2)->verdict, VERDICT_DROP);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(step(b, i)->type, STEP_RULE);
		assert_false(step(b, i)->rule.verdict_inferred);
	}
	assert_int_equal(b->p->certainty, CERTAIN_EXACT);
}

/* The kernel calls an unconditional last ACCEPT a policy, and the end of a chain too: the number
 * tells. */
static void test_legacy_ends_by_number(void **state)
{
	struct bench *b = *state;

	legacy(b, STEP_POLICY, NF_INET_LOCAL_IN, "INPUT", 4);
	legacy(b, STEP_POLICY, NF_INET_FORWARD, "FORWARD", 1);
	legacy(b, STEP_RETURN, NF_INET_LOCAL_OUT, "web", 3);
	legacy(b, STEP_RETURN, NF_INET_LOCAL_OUT, "web", 1);
	legacy(b, STEP_POLICY, NF_INET_LOCAL_OUT, "web", 2);
	run(b);
	assert_int_equal(step(b, 0)->type, STEP_POLICY);
	assert_int_equal(step(b, 0)->verdict, VERDICT_ACCEPT);
	assert_int_equal(step(b, 0)->rule.number, 0);
	assert_int_equal(step(b, 1)->type, STEP_POLICY);
	assert_int_equal(step(b, 1)->verdict, VERDICT_DROP);
	assert_int_equal(step(b, 2)->type, STEP_RETURN);
	assert_int_equal(step(b, 2)->verdict, VERDICT_RETURN);
	assert_int_equal(step(b, 2)->rule.number, 0);
	assert_int_equal(step(b, 3)->type, STEP_RULE);
	assert_int_equal(step(b, 3)->rule.number, 1);
	assert_int_equal(step(b, 4)->type, STEP_RULE);
	assert_int_equal(step(b, 4)->verdict, VERDICT_ACCEPT);
	assert_int_equal(b->p->certainty, CERTAIN_EXACT);
}

static void test_legacy_numbers_that_no_rule_has(void **state)
{
	struct bench *b = *state;

	legacy(b, STEP_RULE, NF_INET_LOCAL_IN, "INPUT", 5);
	legacy(b, STEP_RULE, NF_INET_LOCAL_IN, "INPUT", 0);
	legacy(b, STEP_RULE, NF_INET_LOCAL_IN, "INPUT", UINT32_MAX);
	run(b);
	for (size_t i = 0; i < 3; i++)
		check_unnamed(b, i);
}

static void test_a_log_goes_on(void **state)
{
	struct bench *b = *state;

	legacy(b, STEP_RULE, NF_INET_LOCAL_IN, "INPUT", 2);
	legacy(b, STEP_RULE, NF_INET_LOCAL_IN, "INPUT", 3);
	run(b);
	assert_int_equal(step(b, 0)->verdict, VERDICT_CONTINUE);
	assert_true(step(b, 0)->rule.verdict_inferred);
	assert_string_equal(step(b, 0)->rule.target, "LOG");
}

static void test_an_extension_that_let_it_pass(void **state)
{
	struct bench *b = *state;

	legacy(b, STEP_RULE, NF_INET_LOCAL_IN, "INPUT", 2);
	nft(b, STEP_RULE, "input", 5, VERDICT_ACCEPT); /* another table of the same hook */
	run(b);
	assert_int_equal(step(b, 0)->verdict, VERDICT_ACCEPT);
	assert_true(step(b, 0)->rule.verdict_inferred);
}

static void test_an_extension_behind_which_the_hook_was_left(void **state)
{
	struct bench *b = *state;

	legacy(b, STEP_RULE, NF_INET_LOCAL_IN, "INPUT", 2);
	b->p->last_hook = NF_INET_LOCAL_IN;
	b->p->left_last = true;
	b->p->places[0].passed = 1 << NF_INET_LOCAL_IN;
	run(b);
	assert_int_equal(step(b, 0)->verdict, VERDICT_ACCEPT);
}

static void test_an_extension_that_ended_it(void **state)
{
	struct bench *b = *state;

	legacy(b, STEP_RULE, NF_INET_LOCAL_OUT, "OUTPUT", 1);
	run(b);
	assert_string_equal(step(b, 0)->rule.target, "REJECT");
	assert_int_equal(step(b, 0)->verdict, VERDICT_DROP);
	assert_true(step(b, 0)->rule.verdict_inferred);
}

static void test_an_extension_of_which_nothing_is_known(void **state)
{
	struct bench *b = *state;

	legacy(b, STEP_RULE, NF_INET_LOCAL_IN, "INPUT", 2); /* LOG, and then nothing */
	run(b);
	assert_int_equal(step(b, 0)->verdict, VERDICT_UNKNOWN);
}

/* --- order --- */

static void test_conntrack_at_its_priority(void **state)
{
	struct bench *b = *state;

	nft(b, STEP_RULE, "first", 2, VERDICT_CONTINUE);
	nft(b, STEP_RULE, "middle", 4, VERDICT_CONTINUE);
	nft(b, STEP_POLICY, "middle", 0, VERDICT_ACCEPT);
	conntrack(b, NF_INET_PRE_ROUTING, CT_NEW);
	nft(b, STEP_RULE, "input", 5, VERDICT_ACCEPT);
	run(b);
	assert_int_equal(step(b, 0)->type, STEP_RULE);
	assert_int_equal(step(b, 1)->type, STEP_CONNTRACK);
	assert_int_equal(step(b, 1)->ct.state, CT_NEW);
	assert_int_equal(step(b, 2)->rule.handle, 4);
	assert_int_equal(step(b, 3)->type, STEP_POLICY);
	assert_int_equal(step(b, 4)->rule.handle, 5);
}

static void test_conntrack_that_stays(void **state)
{
	struct bench *b = *state;

	nft(b, STEP_RULE, "middle", 4, VERDICT_CONTINUE);
	conntrack(b, NF_INET_PRE_ROUTING, CT_UNTRACKED); /* a rule did it, not conntrack */
	nft(b, STEP_RULE, "input", 5, VERDICT_CONTINUE);
	conntrack(b, NF_INET_LOCAL_IN, CT_ESTABLISHED);
	run(b);
	assert_int_equal(step(b, 0)->type, STEP_RULE);
	assert_int_equal(step(b, 1)->type, STEP_CONNTRACK);
	assert_int_equal(step(b, 2)->type, STEP_RULE);
	assert_int_equal(step(b, 3)->type, STEP_CONNTRACK);
}

static void test_no_routes_behind_a_drop(void **state)
{
	struct bench *b = *state;

	path_add(b->p, STEP_ROUTE, NFPROTO_IPV4, HOOK_NONE);
	nft(b, STEP_RULE, "input", 5, VERDICT_DROP);
	path_add(b->p, STEP_ROUTE, NFPROTO_IPV4, HOOK_NONE);
	path_add(b->p, STEP_RP_FILTER, NFPROTO_IPV4, HOOK_NONE);
	path_add(b->p, STEP_DROP, NFPROTO_IPV4, HOOK_NONE);
	run(b);
	assert_int_equal(b->p->n_steps, 3);
	assert_int_equal(step(b, 0)->type, STEP_ROUTE);
	assert_int_equal(step(b, 1)->type, STEP_RULE);
	assert_int_equal(step(b, 2)->type, STEP_DROP);
}

/* --- several namespaces --- */

/* The second ruleset is that of another namespace, with input's rules in another order. */
static struct path_rules rules_of_two(const struct bench *b, struct rules_answer a[2])
{
	struct rs_chain *c = (struct rs_chain *)ruleset_chain(b->two, false, NFPROTO_INET,
							      "filter", "input");

	c->handles[0] = 9;
	c->handles[2] = 30;
	a[0] = (struct rules_answer){.rs = {b->one}, .n = 1, .complete = true};
	a[1] = (struct rules_answer){.rs = {b->two}, .n = 1, .complete = true};
	return (struct path_rules){a, 2};
}

static void test_each_step_by_the_rules_of_its_place(void **state)
{
	struct rules_answer a[2];
	struct bench *b = *state;
	struct path_rules rules = rules_of_two(b, a);

	nft(b, STEP_RULE, "input", 9, VERDICT_JUMP);
	path_move(b->p, 5);
	nft(b, STEP_RULE, "web", 20, VERDICT_ACCEPT); /* the base chain said nothing here */
	nft(b, STEP_RULE, "input", 9, VERDICT_CONTINUE);
	nft(b, STEP_RULE, "web", 20, VERDICT_ACCEPT);
	resolve(b->p, &rules);
	assert_int_equal(step(b, 0)->rule.number, 3);
	assert_int_equal(step(b, 0)->hook, NF_INET_LOCAL_IN);
	assert_int_equal(step(b, 1)->hook, HOOK_NONE);
	assert_int_equal(step(b, 2)->rule.number, 1);
	assert_int_equal(step(b, 3)->hook, NF_INET_LOCAL_IN);
	assert_int_equal(b->p->certainty, CERTAIN_EXACT);
	assert_ptr_equal(resolve_chain(b->p, step(b, 2), &rules),
			 ruleset_chain(b->two, false, NFPROTO_INET, "filter", "input"));
}

static void test_a_place_whose_rules_came_late(void **state)
{
	struct rules_answer a[2];
	struct bench *b = *state;
	struct path_rules rules = rules_of_two(b, a);

	a[1].complete = false;
	a[1].because = "its ruleset was read only after the packet";
	nft(b, STEP_RULE, "input", 9, VERDICT_ACCEPT);
	path_move(b->p, 5);
	nft(b, STEP_RULE, "input", 9, VERDICT_ACCEPT);
	resolve(b->p, &rules);
	assert_int_equal(step(b, 0)->rule.number, 3);
	assert_null(step(b, 0)->rule.no_text);
	assert_int_equal(step(b, 1)->rule.number, 0);
	assert_string_equal(step(b, 1)->rule.no_text, a[1].because);
	assert_string_equal(b->p->because, a[1].because);
}

static void test_a_place_too_many(void **state)
{
	struct rules_answer a[2];
	struct bench *b = *state;
	struct path_rules rules = rules_of_two(b, a);

	rules.n = 1;
	path_move(b->p, 5);
	nft(b, STEP_RULE, "input", 9, VERDICT_ACCEPT);
	resolve(b->p, &rules);
	check_unnamed(b, 0);
	assert_null(resolve_chain(b->p, step(b, 0), &rules));
}

static void test_a_chain_speaks_where_its_hook_was_passed(void **state)
{
	struct rules_answer a[2];
	struct bench *b = *state;
	struct path_rules rules = rules_of_two(b, a);

	b->p->packet.family = AF_INET6; /* iptables-legacy is IPv4's here */
	nft(b, STEP_POLICY, "input", 0, VERDICT_ACCEPT);
	b->p->places[0].passed = 1 << NF_INET_LOCAL_IN;
	path_move(b->p, 5);
	resolve(b->p, &rules);
	assert_true(walk_is_complete(b->p, &rules));
	path_here(b->p)->passed = 1 << NF_INET_LOCAL_IN;
	assert_false(walk_is_complete(b->p, &rules));
	nft(b, STEP_POLICY, "input", 0, VERDICT_ACCEPT);
	resolve(b->p, &rules);
	assert_true(walk_is_complete(b->p, &rules));
	assert_true(walk_is_possible(b->p, &rules));
}

static void test_the_same_chain_again_in_another_hook(void **state)
{
	const struct rules_answer a = {.n = 1, .complete = true, .rs = {((struct bench *)*state)->one}};
	const struct path_rules rules = {&a, 1};
	struct bench *b = *state;

	b->p->visit = 1;
	nft(b, STEP_POLICY, "input", 0, VERDICT_ACCEPT);
	nft(b, STEP_POLICY, "input", 0, VERDICT_ACCEPT);
	run(b);
	assert_false(walk_is_possible(b->p, &rules));
	b->p->steps[1].visit = 3; /* it came back, out of a tunnel */
	assert_true(walk_is_possible(b->p, &rules));
	b->p->steps[0].verdict = VERDICT_DROP;
	assert_false(walk_is_possible(b->p, &rules));
}

static void test_an_empty_path(void **state)
{
	struct bench *b = *state;

	run(b);
	assert_int_equal(b->p->n_steps, 0);
	assert_int_equal(b->p->certainty, CERTAIN_EXACT);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_numbers_and_hooks),
		TEST(test_table_of_iptables_nft),
		TEST(test_type_of_chains_that_are_called),
		TEST(test_what_the_ruleset_does_not_have),
		TEST(test_rulesets_that_agree),
		TEST(test_rulesets_that_number_differently),
		TEST(test_a_table_that_was_made_anew),
		TEST(test_a_ruleset_that_nobody_saw),
		TEST(test_legacy_in_one_of_two),
		TEST(test_legacy_rules_by_number),
		TEST(test_legacy_ends_by_number),
		TEST(test_legacy_numbers_that_no_rule_has),
		TEST(test_a_log_goes_on),
		TEST(test_an_extension_that_let_it_pass),
		TEST(test_an_extension_behind_which_the_hook_was_left),
		TEST(test_an_extension_that_ended_it),
		TEST(test_an_extension_of_which_nothing_is_known),
		TEST(test_conntrack_at_its_priority),
		TEST(test_conntrack_that_stays),
		TEST(test_no_routes_behind_a_drop),
		TEST(test_each_step_by_the_rules_of_its_place),
		TEST(test_a_place_whose_rules_came_late),
		TEST(test_a_place_too_many),
		TEST(test_a_chain_speaks_where_its_hook_was_passed),
		TEST(test_the_same_chain_again_in_another_hook),
		TEST(test_an_empty_path),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
