// SPDX-License-Identifier: GPL-2.0-or-later
#include <netinet/in.h> /* before linux/netfilter.h, which takes the kernel's copy */
#include <linux/netfilter.h>
#include <string.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "src/conclude.h"

#include <cmocka.h> /* last: it has a macro fail() */

enum {
	PRE = NF_INET_PRE_ROUTING,
	IN = NF_INET_LOCAL_IN,
	FWD = NF_INET_FORWARD,
	OUT = NF_INET_LOCAL_OUT,
	POST = NF_INET_POST_ROUTING,
	MAX_STEPS = 5,
};

struct short_step {
	enum step_type type;
	uint8_t hook;
	enum verdict verdict;
	bool odd; /* rule: of a nat chain; route: it failed; rp_filter: it failed */
};

struct row {
	const char *name;
	struct short_step steps[MAX_STEPS];
	unsigned int n;
	uint8_t last_hook;
	bool left;
	uint32_t passed;
	enum path_verdict verdict;
	int decided_by;
	bool says_blind;
};

#define RULE(hook, v)                                                                              \
	{                                                                                          \
		STEP_RULE, hook, VERDICT_##v, false                                                \
	}
#define NAT_RULE(hook, v)                                                                          \
	{                                                                                          \
		STEP_RULE, hook, VERDICT_##v, true                                                 \
	}
#define POLICY(hook, v)                                                                            \
	{                                                                                          \
		STEP_POLICY, hook, VERDICT_##v, false                                              \
	}
#define RETURN(hook)                                                                               \
	{                                                                                          \
		STEP_RETURN, hook, VERDICT_RETURN, false                                           \
	}
#define KERNEL_DROP                                                                                \
	{                                                                                          \
		STEP_DROP, HOOK_NONE, VERDICT_UNKNOWN, false                                       \
	}
#define ROUTE(fails)                                                                               \
	{                                                                                          \
		STEP_ROUTE, HOOK_NONE, VERDICT_UNKNOWN, fails                                      \
	}
#define RPF(fails)                                                                                 \
	{                                                                                          \
		STEP_RP_FILTER, HOOK_NONE, VERDICT_UNKNOWN, fails                                  \
	}
#define BIT(hook) (1u << (hook))

static const struct row rows[] = {
	{"a rule dropped it",
	 {RULE(IN, CONTINUE), RULE(IN, DROP)},
	 2,
	 PRE,
	 true,
	 BIT(PRE),
	 PATH_DROPPED,
	 1,
	 false},
	{"a policy dropped it",
	 {RULE(FWD, CONTINUE), POLICY(FWD, DROP)},
	 2,
	 PRE,
	 true,
	 BIT(PRE),
	 PATH_DROPPED,
	 1,
	 false},
	{"the kernel's reason does not take the blame from the rule",
	 {RULE(IN, DROP), KERNEL_DROP},
	 2,
	 PRE,
	 true,
	 BIT(PRE),
	 PATH_DROPPED,
	 0,
	 false},
	{"rp_filter",
	 {ROUTE(false), RPF(true), KERNEL_DROP},
	 3,
	 PRE,
	 true,
	 BIT(PRE),
	 PATH_DROPPED,
	 1,
	 false},
	{"rp_filter passed, the route failed",
	 {RPF(false), ROUTE(true), KERNEL_DROP},
	 3,
	 PRE,
	 true,
	 BIT(PRE),
	 PATH_DROPPED,
	 1,
	 false},
	{"no rule and no route to blame",
	 {RULE(IN, ACCEPT), ROUTE(false), KERNEL_DROP},
	 3,
	 IN,
	 true,
	 BIT(PRE) | BIT(IN),
	 PATH_DROPPED,
	 2,
	 true},
	{"delivered",
	 {RULE(PRE, ACCEPT), RULE(IN, ACCEPT)},
	 2,
	 IN,
	 true,
	 BIT(PRE) | BIT(IN),
	 PATH_ACCEPTED,
	 1,
	 false},
	{"delivered, the last filter of input counts",
	 {RULE(IN, ACCEPT), POLICY(IN, ACCEPT)},
	 2,
	 IN,
	 true,
	 BIT(PRE) | BIT(IN),
	 PATH_ACCEPTED,
	 1,
	 false},
	{"delivered, nat chains do not decide",
	 {RULE(IN, ACCEPT), NAT_RULE(IN, ACCEPT)},
	 2,
	 IN,
	 true,
	 BIT(PRE) | BIT(IN),
	 PATH_ACCEPTED,
	 0,
	 false},
	{"delivered, only a nat chain spoke",
	 {NAT_RULE(PRE, ACCEPT)},
	 1,
	 IN,
	 true,
	 BIT(PRE) | BIT(IN),
	 PATH_ACCEPTED,
	 0,
	 false},
	{"delivered, accepted earlier",
	 {RULE(PRE, ACCEPT), RETURN(IN)},
	 2,
	 IN,
	 true,
	 BIT(PRE) | BIT(IN),
	 PATH_ACCEPTED,
	 0,
	 false},
	{"delivered without a rule",
	 {ROUTE(false)},
	 1,
	 IN,
	 true,
	 BIT(PRE) | BIT(IN),
	 PATH_ACCEPTED,
	 -1,
	 false},
	{"forwarded",
	 {RULE(PRE, ACCEPT), RULE(FWD, ACCEPT), RULE(POST, ACCEPT)},
	 3,
	 POST,
	 true,
	 BIT(PRE) | BIT(FWD) | BIT(POST),
	 PATH_FORWARDED,
	 1,
	 false},
	{"sent",
	 {RULE(OUT, ACCEPT), NAT_RULE(POST, ACCEPT)},
	 2,
	 POST,
	 true,
	 BIT(OUT) | BIT(POST),
	 PATH_TRANSMITTED,
	 0,
	 false},
	{"sent without a rule",
	 {RULE(OUT, CONTINUE)},
	 1,
	 POST,
	 true,
	 BIT(OUT) | BIT(POST),
	 PATH_TRANSMITTED,
	 -1,
	 false},
	{"dropped behind the last hook of IP",
	 {RULE(OUT, ACCEPT), RULE(OUT, DROP)},
	 2,
	 POST,
	 true,
	 BIT(OUT) | BIT(POST),
	 PATH_DROPPED,
	 1,
	 false},
	{"queued", {RULE(IN, QUEUE)}, 1, PRE, true, BIT(PRE), PATH_QUEUED, 0, false},
	{"queued and back",
	 {RULE(IN, QUEUE), RULE(IN, ACCEPT)},
	 2,
	 IN,
	 true,
	 BIT(PRE) | BIT(IN),
	 PATH_ACCEPTED,
	 1,
	 false},
	{"queued, back, and through",
	 {RULE(IN, QUEUE)},
	 1,
	 IN,
	 true,
	 BIT(PRE) | BIT(IN),
	 PATH_ACCEPTED,
	 -1,
	 false},
	{"stolen", {RULE(PRE, STOLEN)}, 1, PRE, false, 0, PATH_STOLEN, 0, false},
	{"its end is not known",
	 {RULE(PRE, ACCEPT)},
	 1,
	 PRE,
	 true,
	 BIT(PRE),
	 PATH_UNKNOWN,
	 -1,
	 true},
	{"nothing is known", {{0}}, 0, HOOK_NONE, false, 0, PATH_UNKNOWN, -1, true},
	{"a returning rule is no verdict",
	 {RULE(IN, RETURN)},
	 1,
	 PRE,
	 true,
	 BIT(PRE),
	 PATH_UNKNOWN,
	 -1,
	 true},
};

static struct path *make(const struct row *r)
{
	struct path *p = path_new();

	for (unsigned int i = 0; i < r->n; i++) {
		struct step *s = path_add(p, r->steps[i].type, NFPROTO_IPV4, r->steps[i].hook);

		s->verdict = r->steps[i].verdict;
		if (s->type == STEP_RULE)
			s->rule.nat_chain = r->steps[i].odd;
		else if (s->type == STEP_ROUTE)
			s->route.error = r->steps[i].odd ? -113 : 0;
		else if (s->type == STEP_RP_FILTER)
			s->rpf.pass = !r->steps[i].odd;
	}
	p->last_hook = r->last_hook;
	p->left_last = r->left;
	p->places[0].passed = r->passed;
	return p;
}

static void test_table(void **state)
{
	static const char blind[] = "it could not see that";

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct path *p = make(&rows[i]);

		conclude(p, blind);
		if (p->verdict != rows[i].verdict || p->decided_by != rows[i].decided_by ||
		    !!p->unseen != rows[i].says_blind)
			fail_msg("%s: %s by step %d%s", rows[i].name, path_verdict_name(p->verdict),
				 p->decided_by, p->unseen ? ", not all seen" : "");
		path_free(p);
	}
}

static void test_nothing_was_hidden(void **state)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct path *p = make(&rows[i]);
		bool sent;

		conclude(p, NULL);
		sent = p->verdict == PATH_FORWARDED || p->verdict == PATH_TRANSMITTED;
		/* Where all can be seen, it is said that no device was seen to take it. */
		if (sent)
			assert_non_null(strstr(p->unseen, "device"));
		else
			assert_null(p->unseen);
		assert_int_equal(p->verdict, rows[i].verdict);
		path_free(p);
	}
}

static void test_a_device_took_it(void **state)
{
	struct path *p = path_new();

	path_add(p, STEP_TRANSMIT, NFPROTO_IPV4, HOOK_NONE);
	p->last_hook = POST;
	p->left_last = true;
	conclude(p, NULL);
	assert_int_equal(p->verdict, PATH_TRANSMITTED);
	assert_null(p->unseen);
	path_free(p);
}

static void test_what_was_missing_before_stays(void **state)
{
	struct path *p = path_new();

	p->last_hook = HOOK_NONE;
	p->unseen = "rules";
	conclude(p, "routes");
	assert_string_equal(p->unseen, "rules");
	path_free(p);
}

static void test_forwarded_by_a_bridge(void **state)
{
	struct path *p = path_new();

	path_add(p, STEP_RULE, NFPROTO_BRIDGE, FWD)->verdict = VERDICT_ACCEPT;
	p->last_hook = POST;
	p->left_last = true;
	p->places[0].bridge_passed = BIT(PRE) | BIT(FWD) | BIT(POST);
	conclude(p, NULL);
	assert_int_equal(p->verdict, PATH_FORWARDED);
	assert_int_equal(p->decided_by, 0);
	path_free(p);
}

static void test_vanished_inside_a_hook(void **state)
{
	struct path *p = path_new();

	p->last_hook = IN;
	conclude(p, NULL);
	assert_int_equal(p->verdict, PATH_UNKNOWN);
	assert_int_equal(p->certainty, CERTAIN_NOT);
	path_free(p);
}

static struct path *forwarded_into_another(void)
{
	struct path *p = path_new();

	path_add(p, STEP_RULE, NFPROTO_INET, FWD)->verdict = VERDICT_ACCEPT;
	path_add(p, STEP_TRANSMIT, NFPROTO_INET, HOOK_NONE);
	p->places[0].passed = BIT(PRE) | BIT(FWD) | BIT(POST);
	path_move(p, 1)->passed = BIT(PRE) | BIT(IN);
	p->last_hook = IN;
	p->left_last = true;
	return p;
}

static void test_the_last_namespace_has_the_last_word(void **state)
{
	struct path *p = forwarded_into_another();

	conclude(p, NULL);
	assert_int_equal(p->verdict, PATH_ACCEPTED);
	assert_int_equal(p->decided_by, -1); /* no rule of that namespace did */
	path_add(p, STEP_POLICY, NFPROTO_INET, IN)->verdict = VERDICT_ACCEPT;
	conclude(p, NULL);
	assert_int_equal(p->decided_by, 2);
	path_free(p);
}

static void test_sent_by_the_last_namespace(void **state)
{
	struct path *p = forwarded_into_another();

	path_here(p)->passed = BIT(OUT) | BIT(POST);
	p->last_hook = POST;
	conclude(p, NULL);
	assert_int_equal(p->verdict, PATH_TRANSMITTED);
	assert_non_null(p->unseen); /* the device that took it was the other one's */
	path_free(p);
}

static void test_dropped_in_the_last_namespace(void **state)
{
	struct path *p = forwarded_into_another();

	path_add(p, STEP_RULE, NFPROTO_INET, IN)->verdict = VERDICT_DROP;
	path_add(p, STEP_DROP, NFPROTO_INET, HOOK_NONE);
	conclude(p, NULL);
	assert_int_equal(p->verdict, PATH_DROPPED);
	assert_int_equal(p->decided_by, 2);
	path_free(p);
}

/* `fwd` of netdev: stolen from this device for another one. */
static void test_stolen_and_gone_on(void **state)
{
	struct path *p = path_new();

	p->visit = 1;
	path_add(p, STEP_RULE, NFPROTO_NETDEV, PRE)->verdict = VERDICT_STOLEN;
	p->last_hook = PRE;
	conclude(p, NULL);
	assert_int_equal(p->verdict, PATH_STOLEN);
	p->visit = 2;
	p->last_hook = IN;
	p->left_last = true;
	conclude(p, NULL);
	assert_int_equal(p->verdict, PATH_ACCEPTED);
	path_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_nothing_was_hidden),
		cmocka_unit_test(test_a_device_took_it),
		cmocka_unit_test(test_what_was_missing_before_stays),
		cmocka_unit_test(test_forwarded_by_a_bridge),
		cmocka_unit_test(test_vanished_inside_a_hook),
		cmocka_unit_test(test_the_last_namespace_has_the_last_word),
		cmocka_unit_test(test_sent_by_the_last_namespace),
		cmocka_unit_test(test_dropped_in_the_last_namespace),
		cmocka_unit_test(test_stolen_and_gone_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
