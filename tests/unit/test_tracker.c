// SPDX-License-Identifier: GPL-2.0-or-later
/* Events by hand, as the netlink engine says them, and the paths that come of them. */
#include <net/ethernet.h>

#include "tests/unit/tracker_bench.h"

static struct event event(struct bench *b, enum event_type type)
{
	b->now += 1000;
	return (struct event){.type = type,
			      .ns = b->ns,
			      .cpu = b->cpu,
			      .hook = HOOK_NONE,
			      .family = NFPROTO_INET,
			      .after_ns = b->now - 500,
			      .before_ns = b->now};
}

/* 10.0.0.SRC:1000 to 10.0.0.DST:80 by UDP. */
static struct packet udp(uint8_t src, uint8_t dst)
{
	return (struct packet){.family = AF_INET,
			       .proto = IPPROTO_UDP,
			       .has_addrs = true,
			       .has_ports = true,
			       .len = 60,
			       .ip_id = 7,
			       .src = {.addr = {10, 0, 0, src}, .port = 1000},
			       .dst = {.addr = {10, 0, 0, dst}, .port = 80}};
}

static struct packet tagged(struct packet p, uint16_t ip_id)
{
	p.ip_id = ip_id;
	return p;
}

static struct packet on(struct packet p, const char *iif, const char *oif)
{
	strcpy(p.iif, iif);
	strcpy(p.oif, oif);
	return p;
}

static void enter(struct bench *b, uint32_t id, uint8_t hook, struct packet p, bool selected)
{
	struct event e = event(b, EVENT_ENTER);

	e.has_id = true;
	e.id = id;
	e.hook = hook;
	e.packet = &p;
	e.enter.selected = selected;
	tracker_event(b->t, &e);
}

static void leave(struct bench *b, uint32_t id, uint8_t hook, struct packet p)
{
	struct event e = event(b, EVENT_LEAVE);

	e.has_id = true;
	e.id = id;
	e.hook = hook;
	e.packet = &p;
	tracker_event(b->t, &e);
}

static void nft_said(struct bench *b, enum event_type type, uint32_t id, const char *chain,
		     uint64_t handle, enum verdict v)
{
	struct event e = event(b, type);

	e.has_id = true;
	e.id = id;
	e.rule.table = "filter";
	e.rule.chain = chain;
	e.rule.handle = handle;
	e.rule.verdict = v;
	tracker_event(b->t, &e);
}

static void rule(struct bench *b, uint32_t id, const char *chain, uint64_t handle, enum verdict v)
{
	nft_said(b, EVENT_RULE, id, chain, handle, v);
}

static void line(struct bench *b, uint8_t hook, struct packet p, const char *chain, uint32_t number)
{
	struct event e = event(b, EVENT_RULE);

	e.family = NFPROTO_IPV4;
	e.hook = hook;
	e.packet = &p;
	e.rule.legacy = true;
	e.rule.table = "filter";
	e.rule.chain = chain;
	e.rule.number = number;
	tracker_event(b->t, &e);
}

static struct event route_event(struct bench *b, uint8_t src, uint8_t dst, bool input)
{
	struct event e = event(b, EVENT_ROUTE);

	e.route.family = AF_INET;
	memcpy(e.route.src, (uint8_t[]){10, 0, 0, src}, 4);
	memcpy(e.route.dst, (uint8_t[]){10, 0, 0, dst}, 4);
	e.route.input = input;
	e.route.table = 254;
	e.route.type = 1;
	e.route.plen = -1;
	e.route.dev = "eth1";
	return e;
}

static void route(struct bench *b, uint8_t src, uint8_t dst, bool input)
{
	struct event e = route_event(b, src, dst, input);

	tracker_event(b->t, &e);
}

static void route_fails(struct bench *b, uint8_t src, uint8_t dst, bool input, int error)
{
	struct event e = route_event(b, src, dst, input);

	e.route.error = error;
	e.route.dev = NULL;
	tracker_event(b->t, &e);
}

static void drop(struct bench *b, struct packet p)
{
	struct event e = event(b, EVENT_DROP);

	e.packet = &p;
	e.drop.reason = "NETFILTER_DROP";
	e.drop.location = "nft_do_chain";
	tracker_event(b->t, &e);
}

static void lost(struct bench *b, uint64_t count)
{
	struct event e = event(b, EVENT_LOST);

	e.lost.count = count;
	tracker_event(b->t, &e);
}

static void end(struct bench *b)
{
	tracker_flush(b->t, b->now, true);
}

static void pass_ms(struct bench *b, unsigned int ms)
{
	b->now += (uint64_t)ms * MS;
	tracker_flush(b->t, b->now, false);
}

/* A forwarded or delivered packet up to its routing decision. */
static void arrive(struct bench *b, uint32_t id, struct packet p)
{
	enter(b, id, NF_INET_PRE_ROUTING, p, true);
	leave(b, id, NF_INET_PRE_ROUTING, p);
}

static unsigned int count(const struct path *p, enum step_type type)
{
	unsigned int n = 0;

	for (size_t i = 0; i < p->n_steps; i++)
		n += p->steps[i].type == type;
	return n;
}

static void check_types(const struct path *p, const enum step_type *types, size_t n)
{
	assert_int_equal(p->n_steps, n);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(p->steps[i].type, types[i]);
}

#define TYPES(p, ...)                                                                              \
	check_types(p, (const enum step_type[]){__VA_ARGS__},                                      \
		    sizeof((const enum step_type[]){__VA_ARGS__}) / sizeof(enum step_type))

/* --- one packet --- */

static void test_a_packet_that_is_delivered(void **state)
{
	struct packet p = on(udp(1, 2), "eth0", "");
	struct bench *b = *state;
	const struct path *path;

	arrive(b, 5, p);
	route(b, 1, 2, true);
	rule(b, 5, "input", 9, VERDICT_JUMP);
	rule(b, 5, "web", 12, VERDICT_ACCEPT);
	leave(b, 5, NF_INET_LOCAL_IN, p);
	pass_ms(b, 149);
	assert_int_equal(b->n, 0);
	pass_ms(b, 2);
	assert_int_equal(b->n, 1);
	path = b->paths[0];
	TYPES(path, STEP_ROUTE, STEP_RULE, STEP_RULE);
	assert_int_equal(path->id, 1);
	assert_int_equal(path->certainty, CERTAIN_EXACT);
	assert_int_equal(path_here(path)->passed, 1 << NF_INET_PRE_ROUTING | 1 << NF_INET_LOCAL_IN);
	assert_int_equal(path->last_hook, NF_INET_LOCAL_IN);
	assert_true(path->left_last);
	assert_true(path->after_ns < path->before_ns);
	assert_string_equal(path->steps[0].route.dev, "eth1");
	assert_true(path->steps[0].route.input);
	assert_string_equal(path->steps[1].rule.chain, "input");
	assert_int_equal(path->steps[1].rule.handle, 9);
	assert_int_equal(path->steps[2].verdict, VERDICT_ACCEPT);
	assert_int_equal(tracker_stats(b->t)->packets, 1);
	assert_int_equal(tracker_stats(b->t)->foreign, 0);
}

static void test_base_chain_ends_once(void **state)
{
	struct bench *b = *state;

	arrive(b, 5, udp(1, 2));
	nft_said(b, EVENT_RETURN, 5, "web", 0, VERDICT_RETURN);
	nft_said(b, EVENT_RETURN, 5, "input", 0, VERDICT_RETURN);
	nft_said(b, EVENT_POLICY, 5, "input", 0, VERDICT_ACCEPT);
	nft_said(b, EVENT_POLICY, 5, "late", 0, VERDICT_ACCEPT);
	end(b);
	TYPES(b->paths[0], STEP_RETURN, STEP_POLICY, STEP_POLICY);
	assert_int_equal(b->paths[0]->steps[1].verdict, VERDICT_ACCEPT);
	assert_string_equal(b->paths[0]->steps[2].rule.chain, "late");
}

static void test_strangers_are_counted_and_not_shown(void **state)
{
	struct bench *b = *state;

	rule(b, 77, "input", 1, VERDICT_DROP);
	leave(b, 77, NF_INET_LOCAL_IN, udp(1, 2));
	enter(b, 78, NF_INET_PRE_ROUTING, udp(1, 2), false);
	line(b, NF_INET_LOCAL_IN, udp(1, 2), "INPUT", 1);
	drop(b, udp(1, 2));
	end(b);
	assert_int_equal(b->n, 0);
	assert_int_equal(tracker_stats(b->t)->foreign, 3);
	assert_int_equal(tracker_stats(b->t)->stray, 1);
}

static void test_conntrack_is_said_when_it_changes(void **state)
{
	struct packet p = udp(1, 2);
	struct bench *b = *state;
	struct event e;

	enter(b, 5, NF_INET_PRE_ROUTING, p, true);
	for (int i = 0; i < 4; i++) {
		e = event(b, EVENT_PASS);
		e.has_id = true;
		e.id = 5;
		e.packet = &p;
		e.ct_state = i < 2 ? CT_NEW : i == 2 ? CT_NONE : CT_ESTABLISHED;
		e.ct_id = 42;
		tracker_event(b->t, &e);
	}
	end(b);
	TYPES(b->paths[0], STEP_CONNTRACK, STEP_CONNTRACK);
	assert_int_equal(b->paths[0]->steps[0].ct.state, CT_NEW);
	assert_int_equal(b->paths[0]->steps[0].ct.id, 42);
	assert_int_equal(b->paths[0]->steps[0].hook, NF_INET_PRE_ROUTING);
	assert_int_equal(b->paths[0]->steps[1].ct.state, CT_ESTABLISHED);
	assert_false(b->paths[0]->left_last);
}

static void test_nat_is_what_changed(void **state)
{
	struct packet p = on(udp(1, 2), "eth0", ""), d = on(udp(1, 3), "eth0", ""), s;
	struct bench *b = *state;
	const struct step *n;

	d.dst.port = 8080;
	enter(b, 5, NF_INET_PRE_ROUTING, p, true);
	leave(b, 5, NF_INET_PRE_ROUTING, d);
	s = on(d, "", "eth1");
	leave(b, 5, NF_INET_FORWARD, s);
	s.src.addr[3] = 9;
	leave(b, 5, NF_INET_POST_ROUTING, s);
	end(b);
	TYPES(b->paths[0], STEP_NAT, STEP_NAT);
	n = &b->paths[0]->steps[0];
	assert_true(n->nat.dnat && !n->nat.snat && n->nat.has_ports);
	assert_int_equal(n->hook, NF_INET_PRE_ROUTING);
	assert_int_equal(n->nat.dst.addr[3], 3);
	assert_int_equal(n->nat.dst.port, 8080);
	assert_int_equal(n->nat.src.addr[3], 1);
	n = &b->paths[0]->steps[1];
	assert_true(n->nat.snat && !n->nat.dnat);
	assert_int_equal(n->hook, NF_INET_POST_ROUTING);
	assert_int_equal(n->nat.src.addr[3], 9);
	assert_int_equal(n->nat.dst.addr[3], 3);
	/* As it was first seen, but for the way it went out. */
	assert_int_equal(b->paths[0]->packet.dst.addr[3], 2);
	assert_string_equal(b->paths[0]->packet.iif, "eth0");
	assert_string_equal(b->paths[0]->packet.oif, "eth1");
}

static void test_reason_after_the_verdict(void **state)
{
	struct bench *b = *state;

	arrive(b, 5, udp(1, 2));
	rule(b, 5, "input", 9, VERDICT_DROP);
	drop(b, udp(1, 2));
	pass_ms(b, 9);
	assert_int_equal(b->n, 0);
	pass_ms(b, 2);
	assert_int_equal(b->n, 1);
	TYPES(b->paths[0], STEP_RULE, STEP_DROP);
	assert_string_equal(b->paths[0]->steps[1].drop.reason, "NETFILTER_DROP");
	assert_string_equal(b->paths[0]->steps[1].drop.location, "nft_do_chain");
	assert_int_equal(b->paths[0]->certainty, CERTAIN_EXACT);
}

static void test_a_queue_takes_its_time(void **state)
{
	struct bench *b = *state;

	arrive(b, 5, udp(1, 2));
	rule(b, 5, "input", 9, VERDICT_QUEUE);
	pass_ms(b, 1500);
	assert_int_equal(b->n, 0);
	rule(b, 5, "input", 10, VERDICT_ACCEPT);
	pass_ms(b, 151);
	assert_int_equal(b->n, 1);
	TYPES(b->paths[0], STEP_RULE, STEP_RULE);
	assert_int_equal(b->paths[0]->certainty, CERTAIN_EXACT);
}

static void test_transmitted(void **state)
{
	struct packet p = on(udp(1, 2), "", "eth1");
	struct bench *b = *state;
	struct event e;

	enter(b, 5, NF_INET_LOCAL_OUT, p, true);
	leave(b, 5, NF_INET_LOCAL_OUT, p);
	leave(b, 5, NF_INET_POST_ROUTING, p);
	e = event(b, EVENT_TRANSMIT);
	e.packet = &p;
	e.transmit.dev = "eth1";
	tracker_event(b->t, &e);
	end(b);
	TYPES(b->paths[0], STEP_TRANSMIT);
	assert_string_equal(b->paths[0]->steps[0].transmit.dev, "eth1");
}

/* --- which packet --- */

static void test_an_id_that_is_used_again(void **state)
{
	struct bench *b = *state;

	arrive(b, 5, tagged(udp(1, 2), 1));
	rule(b, 5, "input", 9, VERDICT_ACCEPT);
	arrive(b, 5, tagged(udp(1, 2), 2));
	rule(b, 5, "input", 10, VERDICT_DROP);
	end(b);
	assert_int_equal(b->n, 2);
	assert_int_equal(b->paths[0]->packet.ip_id, 1);
	TYPES(b->paths[0], STEP_RULE);
	assert_int_equal(b->paths[0]->steps[0].rule.handle, 9);
	assert_int_equal(b->paths[1]->packet.ip_id, 2);
	TYPES(b->paths[1], STEP_RULE);
	assert_int_equal(b->paths[1]->steps[0].rule.handle, 10);
	assert_int_equal(b->paths[0]->certainty, CERTAIN_EXACT);
	assert_int_equal(b->paths[1]->certainty, CERTAIN_EXACT);
}

/* Even with the same headers: a retransmission that got the same memory. */
static void test_an_id_that_is_used_again_by_an_equal(void **state)
{
	struct bench *b = *state;

	arrive(b, 5, udp(1, 2));
	leave(b, 5, NF_INET_LOCAL_IN, udp(1, 2));
	arrive(b, 5, udp(1, 2));
	leave(b, 5, NF_INET_LOCAL_IN, udp(1, 2));
	end(b);
	assert_int_equal(b->n, 2);
}

static void test_same_id_in_two_namespaces(void **state)
{
	struct bench *b = *state;

	arrive(b, 5, udp(1, 2));
	b->ns = 1;
	arrive(b, 5, udp(1, 2));
	rule(b, 5, "forward", 9, VERDICT_ACCEPT);
	end(b);
	assert_int_equal(b->n, 2);
	assert_int_equal(b->paths[0]->places[0].ns, 0);
	assert_int_equal(b->paths[0]->n_steps, 0);
	assert_int_equal(b->paths[1]->places[0].ns, 1);
	assert_int_equal(b->paths[1]->n_steps, 1);
}

static void send_on_loopback(struct bench *b, uint32_t id, struct packet p)
{
	enter(b, id, NF_INET_LOCAL_OUT, on(p, "", "lo"), true);
	leave(b, id, NF_INET_LOCAL_OUT, on(p, "", "lo"));
	leave(b, id, NF_INET_POST_ROUTING, on(p, "", "lo"));
}

static void test_loopback_joins_both_halves(void **state)
{
	struct packet p = udp(1, 1);
	struct bench *b = *state;

	send_on_loopback(b, 5, p);
	enter(b, 6, NF_INET_PRE_ROUTING, on(p, "lo", ""), false);
	leave(b, 6, NF_INET_PRE_ROUTING, on(p, "lo", ""));
	rule(b, 6, "input", 9, VERDICT_ACCEPT);
	leave(b, 6, NF_INET_LOCAL_IN, on(p, "lo", ""));
	end(b);
	assert_int_equal(b->n, 1);
	TYPES(b->paths[0], STEP_RULE);
	assert_int_equal(b->paths[0]->certainty, CERTAIN_EXACT);
	assert_int_equal(b->paths[0]->last_hook, NF_INET_LOCAL_IN);
	assert_int_equal(path_here(b->paths[0])->passed, 1 << NF_INET_LOCAL_OUT | 1 << NF_INET_POST_ROUTING |
						      1 << NF_INET_PRE_ROUTING |
						      1 << NF_INET_LOCAL_IN);
}

static void equals_on_loopback(struct bench *b, enum certainty expected)
{
	struct packet p = udp(1, 1);

	send_on_loopback(b, 5, p);
	send_on_loopback(b, 6, p);
	enter(b, 7, NF_INET_PRE_ROUTING, on(p, "lo", ""), false);
	rule(b, 7, "input", 9, VERDICT_ACCEPT);
	enter(b, 8, NF_INET_PRE_ROUTING, on(p, "lo", ""), false);
	rule(b, 8, "input", 10, VERDICT_DROP);
	end(b);
	assert_int_equal(b->n, 2);
	for (int i = 0; i < 2; i++) {
		TYPES(b->paths[i], STEP_RULE);
		assert_int_equal(b->paths[i]->certainty, expected);
	}
}

/* A CPU takes what it queued in order. */
static void test_loopback_with_equals_on_one_cpu(void **state)
{
	equals_on_loopback(*state, CERTAIN_EXACT);
}

static void test_loopback_with_equals_on_unknown_cpus(void **state)
{
	struct bench *b = *state;

	b->cpu = -1;
	equals_on_loopback(b, CERTAIN_NOT);
}

static void test_what_comes_back_from_elsewhere_is_another_packet(void **state)
{
	struct packet p = udp(1, 1);
	struct bench *b = *state;

	enter(b, 5, NF_INET_LOCAL_OUT, on(p, "", "eth0"), true);
	leave(b, 5, NF_INET_POST_ROUTING, on(p, "", "eth0"));
	enter(b, 6, NF_INET_PRE_ROUTING, on(p, "eth1", ""), true);
	enter(b, 7, NF_INET_PRE_ROUTING, on(p, "lo", ""), true);
	end(b);
	assert_int_equal(b->n, 3);
	for (unsigned int i = 0; i < 3; i++)
		assert_int_equal(b->paths[i]->certainty, CERTAIN_EXACT);
}

static void test_bridge_goes_on_into_ip(void **state)
{
	struct packet p = udp(1, 2);
	struct bench *b = *state;
	struct event e = event(b, EVENT_ENTER);

	e.has_id = true;
	e.id = 5;
	e.hook = NF_INET_PRE_ROUTING;
	e.family = NFPROTO_BRIDGE;
	e.packet = &p;
	e.enter.selected = true;
	tracker_event(b->t, &e);
	enter(b, 5, NF_INET_PRE_ROUTING, p, false);
	rule(b, 5, "forward", 9, VERDICT_ACCEPT);
	end(b);
	assert_int_equal(b->n, 1);
	TYPES(b->paths[0], STEP_RULE);
}

static void test_a_packet_that_comes_back_after_it_was_printed(void **state)
{
	struct packet p = udp(1, 2);
	struct bench *b = *state;
	struct event e;

	arrive(b, 5, p);
	pass_ms(b, 200);
	assert_int_equal(b->n, 1);
	e = event(b, EVENT_RULE);
	e.has_id = true;
	e.id = 5;
	e.packet = &p;
	e.rule.table = "filter";
	e.rule.chain = "input";
	e.rule.handle = 3;
	e.rule.verdict = VERDICT_ACCEPT;
	tracker_event(b->t, &e);
	rule(b, 5, "input", 4, VERDICT_ACCEPT);
	end(b);
	assert_int_equal(b->n, 2);
	TYPES(b->paths[1], STEP_RULE, STEP_RULE);
	assert_int_equal(b->paths[1]->certainty, CERTAIN_NOT);
	assert_non_null(strstr(b->paths[1]->because, "#1"));
	/* Forgotten after three seconds: a stranger then. */
	pass_ms(b, 4000);
	tracker_event(b->t, &e);
	assert_int_equal(tracker_stats(b->t)->foreign, 1);
}

static void test_a_copy_says_whose(void **state)
{
	struct packet p = udp(1, 2);
	struct bench *b = *state;
	struct event e;

	arrive(b, 5, p);
	e = event(b, EVENT_RULE);
	e.has_id = true;
	e.id = 6;
	e.packet = &p;
	e.rule.table = "filter";
	e.rule.chain = "forward";
	e.rule.verdict = VERDICT_DROP;
	tracker_event(b->t, &e);
	end(b);
	assert_int_equal(b->n, 2);
	assert_int_equal(b->paths[0]->certainty, CERTAIN_EXACT);
	assert_int_equal(b->paths[1]->certainty, CERTAIN_NOT);
	assert_non_null(strstr(b->paths[1]->because, "copy"));
}

/* --- lines of iptables-legacy --- */

static void test_lines_go_by_headers(void **state)
{
	struct bench *b = *state;

	b->cpu = -1;
	arrive(b, 5, udp(1, 2));
	arrive(b, 6, udp(3, 2));
	arrive(b, 7, tagged(udp(1, 2), 8));
	line(b, NF_INET_LOCAL_IN, udp(1, 2), "INPUT", 1);
	line(b, NF_INET_LOCAL_IN, udp(3, 2), "INPUT", 2);
	line(b, NF_INET_LOCAL_IN, tagged(udp(1, 2), 8), "INPUT", 3);
	line(b, NF_INET_LOCAL_IN, tagged(udp(9, 9), 9), "INPUT", 4);
	end(b);
	assert_int_equal(b->n, 3);
	for (unsigned int i = 0; i < 3; i++) {
		TYPES(b->paths[i], STEP_RULE);
		assert_int_equal(b->paths[i]->steps[0].backend, BACKEND_IPTABLES_LEGACY);
		assert_int_equal(b->paths[i]->steps[0].verdict, VERDICT_UNKNOWN);
		assert_int_equal(b->paths[i]->certainty, CERTAIN_EXACT);
	}
	assert_int_equal(b->paths[0]->steps[0].rule.number, 1);
	assert_int_equal(b->paths[1]->steps[0].rule.number, 2);
	assert_int_equal(b->paths[2]->steps[0].rule.number, 3);
	assert_int_equal(tracker_stats(b->t)->stray, 1);
}

static void test_lines_go_by_cpu_among_equals(void **state)
{
	struct bench *b = *state;

	for (int cpu = 0; cpu < 3; cpu++) {
		b->cpu = cpu;
		arrive(b, 5 + cpu, udp(1, 2));
	}
	b->cpu = 1;
	line(b, NF_INET_LOCAL_IN, udp(1, 2), "INPUT", 2);
	b->cpu = 0;
	line(b, NF_INET_LOCAL_IN, udp(1, 2), "INPUT", 1);
	/* By id each shows which CPU it was on. */
	for (int cpu = 0; cpu < 3; cpu++) {
		b->cpu = cpu;
		rule(b, 5 + cpu, "input", 100 + cpu, VERDICT_ACCEPT);
	}
	end(b);
	assert_int_equal(b->n, 3);
	for (unsigned int i = 0; i < 3; i++) {
		const struct path *p = b->paths[i];
		const struct step *last = &p->steps[p->n_steps - 1];

		assert_int_equal(p->certainty, CERTAIN_EXACT);
		assert_int_equal(last->rule.handle, 100 + i);
		assert_int_equal(p->n_steps, i < 2 ? 2 : 1);
		if (i < 2)
			assert_int_equal(p->steps[0].rule.number, i + 1);
	}
}

static void test_lines_of_equals_on_unknown_cpus(void **state)
{
	struct bench *b = *state;

	b->cpu = -1;
	arrive(b, 5, udp(1, 2));
	arrive(b, 6, udp(1, 2));
	arrive(b, 7, udp(1, 2));
	leave(b, 7, NF_INET_LOCAL_IN, udp(1, 2)); /* past the hook */
	arrive(b, 8, udp(1, 3));
	line(b, NF_INET_LOCAL_IN, udp(1, 2), "INPUT", 1);
	end(b);
	assert_int_equal(b->n, 4);
	/* Either has a line too many or too few. */
	assert_int_equal(count(b->paths[0], STEP_RULE) + count(b->paths[1], STEP_RULE) +
				 count(b->paths[2], STEP_RULE) + count(b->paths[3], STEP_RULE),
			 1);
	for (unsigned int i = 0; i < 4; i++) {
		bool could = b->paths[i]->packet.dst.addr[3] == 2 &&
			     b->paths[i]->last_hook == NF_INET_PRE_ROUTING;

		assert_int_equal(b->paths[i]->certainty, could ? CERTAIN_NOT : CERTAIN_EXACT);
	}
}

static void test_a_line_that_fits_none_may_be_missing(void **state)
{
	struct bench *b = *state;

	arrive(b, 5, udp(1, 2));
	line(b, NF_INET_POST_ROUTING, udp(1, 2), "POSTROUTING", 1);
	end(b);
	assert_int_equal(b->paths[0]->n_steps, 0);
	assert_int_equal(b->paths[0]->certainty, CERTAIN_NOT);
	assert_int_equal(tracker_stats(b->t)->stray, 1);
}

/* One is gone already: it can have neither line nor reason any more. */
static void test_what_ended_is_no_equal(void **state)
{
	struct bench *b = *state;

	b->cpu = -1;
	arrive(b, 5, udp(1, 2));
	rule(b, 5, "input", 9, VERDICT_DROP);
	arrive(b, 6, udp(1, 2));
	line(b, NF_INET_LOCAL_IN, udp(1, 2), "INPUT", 1);
	end(b);
	assert_int_equal(b->n, 2);
	for (unsigned int i = 0; i < 2; i++) {
		TYPES(b->paths[i], STEP_RULE);
		assert_int_equal(b->paths[i]->certainty, CERTAIN_EXACT);
	}
}

static void test_a_reason_is_given_once(void **state)
{
	struct bench *b = *state;

	b->cpu = -1;
	arrive(b, 5, udp(1, 2));
	drop(b, udp(1, 2));
	arrive(b, 6, udp(1, 2));
	drop(b, udp(1, 2));
	end(b);
	assert_int_equal(b->n, 2);
	for (unsigned int i = 0; i < 2; i++) {
		TYPES(b->paths[i], STEP_DROP);
		assert_int_equal(b->paths[i]->certainty, CERTAIN_EXACT);
	}
}

static void test_drop_among_equals_on_unknown_cpus(void **state)
{
	struct bench *b = *state;

	b->cpu = -1;
	arrive(b, 5, udp(1, 2));
	arrive(b, 6, udp(1, 2));
	drop(b, udp(1, 2));
	end(b);
	assert_int_equal(count(b->paths[0], STEP_DROP) + count(b->paths[1], STEP_DROP), 1);
	assert_int_equal(b->paths[0]->certainty, CERTAIN_NOT);
	assert_int_equal(b->paths[1]->certainty, CERTAIN_NOT);
}

/* --- drops without a path --- */

static struct event alone(struct bench *b, const struct packet *p)
{
	struct event e = event(b, EVENT_DROP);

	e.packet = p;
	e.drop.reason = "OTHERHOST";
	e.drop.location = "ip_rcv_core+0x22c";
	e.drop.iif = "eth0";
	e.drop.alone = true;
	return e;
}

static void test_a_drop_alone_is_a_path_where_all_are_wanted(void **state)
{
	struct bench *b = *state;
	struct packet p = udp(1, 2);
	struct event e = alone(b, &p);

	tracker_event(b->t, &e);
	end(b);
	assert_int_equal(b->n, 0);
	tracker_take_all_drops(b->t, true);
	arrive(b, 5, udp(1, 2)); /* the same headers: another packet all the same */
	e = alone(b, &p);
	tracker_event(b->t, &e);
	end(b);
	assert_int_equal(b->n, 2);
	assert_int_equal(count(b->paths[0], STEP_DROP) + count(b->paths[1], STEP_DROP), 1);
	assert_int_equal(b->paths[0]->alone + b->paths[1]->alone, 1);
	for (unsigned int i = 0; i < 2; i++) {
		assert_int_equal(b->paths[i]->certainty, CERTAIN_EXACT);
		if (b->paths[i]->alone)
			assert_string_equal(b->paths[i]->packet.iif, "eth0");
	}
}

static void test_the_filter_is_asked_of_a_drop_alone(void **state)
{
	struct bench *b = *state;
	struct packet p = udp(1, 2), bare = {.ethertype = 0x88cc};
	struct event e;

	tracker_take_all_drops(b->t, true);
	b->filter.has_proto = true;
	b->filter.proto = IPPROTO_TCP;
	e = alone(b, &p);
	tracker_event(b->t, &e);
	e = alone(b, &bare);
	tracker_event(b->t, &e);
	end(b);
	assert_int_equal(b->n, 0);
	b->filter.proto = IPPROTO_UDP;
	e = alone(b, &p);
	tracker_event(b->t, &e);
	end(b);
	assert_int_equal(b->n, 1);
}

static void test_a_drop_after_the_path_was_handed_out(void **state)
{
	struct bench *b = *state;

	tracker_take_all_drops(b->t, true);
	arrive(b, 5, udp(1, 2));
	leave(b, 5, NF_INET_LOCAL_IN, udp(1, 2));
	b->now += 1000 * MS;
	tracker_flush(b->t, b->now, false);
	assert_int_equal(b->n, 1);
	drop(b, udp(1, 2));
	end(b);
	assert_int_equal(b->n, 2);
	assert_true(b->paths[1]->alone);
	TYPES(b->paths[1], STEP_DROP);
}

static void test_what_is_no_drop(void **state)
{
	static const char *const locations[] = {"inet_rtm_getroute+0x495", "skb_release_data+0x163",
						"udp_destruct_common+0xb9", "inet6_rtm_getroute"};
	struct bench *b = *state;
	struct packet p = udp(1, 2);

	tracker_take_all_drops(b->t, true);
	for (size_t i = 0; i < sizeof(locations) / sizeof(locations[0]); i++) {
		struct event e = alone(b, &p);

		e.drop.location = locations[i];
		tracker_event(b->t, &e);
	}
	end(b);
	assert_int_equal(b->n, 0);
}

/* --- lost events --- */

static void test_loss_touches_what_is_in_flight(void **state)
{
	struct bench *b = *state;

	arrive(b, 4, udp(1, 4));
	leave(b, 4, NF_INET_LOCAL_IN, udp(1, 4)); /* complete */
	arrive(b, 5, udp(1, 5));
	b->ns = 1;
	arrive(b, 6, udp(1, 6)); /* another namespace */
	b->ns = 0;
	arrive(b, 7, udp(1, 7));
	rule(b, 7, "input", 1, VERDICT_DROP); /* complete too */
	lost(b, 3);
	lost(b, 1);
	arrive(b, 8, udp(1, 8)); /* later */
	end(b);
	assert_int_equal(b->n, 5);
	for (unsigned int i = 0; i < 5; i++) {
		bool hit = b->paths[i]->packet.dst.addr[3] == 5;

		assert_int_equal(b->paths[i]->lost, hit ? 4 : 0);
		assert_int_equal(b->paths[i]->certainty, hit ? CERTAIN_NOT : CERTAIN_EXACT);
	}
	assert_int_equal(tracker_stats(b->t)->lost, 4);
}

/* --- routes --- */

static void test_both_lookups_of_what_arrived(void **state)
{
	struct bench *b = *state;
	const struct path *p;

	arrive(b, 5, on(udp(1, 2), "eth0", ""));
	route_fails(b, 1, 2, true, -11); /* this table has no answer, the next one does */
	route(b, 1, 2, true);
	route(b, 2, 1, true);
	end(b);
	p = b->paths[0];
	TYPES(p, STEP_ROUTE, STEP_RP_FILTER);
	assert_int_equal(p->steps[0].route.error, 0);
	assert_string_equal(p->steps[0].route.dev, "eth1");
	assert_string_equal(p->steps[1].rpf.iif, "eth0");
	assert_string_equal(p->steps[1].rpf.reverse_dev, "eth1");
}

static void test_no_way_back(void **state)
{
	struct bench *b = *state;

	arrive(b, 5, on(udp(1, 2), "eth0", ""));
	route(b, 1, 2, true);
	route_fails(b, 2, 1, true, -101);
	end(b);
	TYPES(b->paths[0], STEP_ROUTE, STEP_RP_FILTER);
	assert_null(b->paths[0]->steps[1].rpf.reverse_dev);
}

static void test_lookups_of_others_are_not_claimed(void **state)
{
	struct bench *b = *state;

	arrive(b, 5, on(udp(1, 2), "eth0", ""));
	route(b, 1, 9, true); /* another destination */
	b->cpu = 1;
	route(b, 1, 2, true); /* another CPU */
	b->cpu = 0;
	rule(b, 5, "input", 1, VERDICT_DROP);
	route(b, 2, 1, false); /* the answer that a reject sends */
	end(b);
	TYPES(b->paths[0], STEP_RULE);
}

/* iptables-legacy does not say that it rejected: a rule of the next hook had it already. */
static void test_answer_of_a_legacy_reject(void **state)
{
	struct bench *b = *state;

	arrive(b, 5, on(udp(1, 2), "eth0", ""));
	route(b, 1, 2, true);
	line(b, NF_INET_LOCAL_IN, udp(1, 2), "INPUT", 2);
	route(b, 2, 1, false);
	end(b);
	TYPES(b->paths[0], STEP_ROUTE, STEP_RULE);
}

static void test_answer_to_what_was_delivered(void **state)
{
	struct packet answer = udp(2, 1);
	struct bench *b = *state;

	arrive(b, 5, on(udp(1, 2), "eth0", ""));
	route(b, 1, 2, true);
	leave(b, 5, NF_INET_LOCAL_IN, on(udp(1, 2), "eth0", ""));
	route(b, 2, 1, false);
	enter(b, 6, NF_INET_LOCAL_OUT, answer, true);
	end(b);
	assert_int_equal(b->n, 2);
	TYPES(b->paths[0], STEP_ROUTE);
	TYPES(b->paths[1], STEP_ROUTE);
	assert_false(b->paths[1]->steps[0].route.input);
}

static void test_output_is_routed_before_its_hook(void **state)
{
	struct bench *b = *state;

	route_fails(b, 1, 2, false, -11);
	route(b, 1, 2, false);
	enter(b, 5, NF_INET_LOCAL_OUT, udp(1, 2), true);
	enter(b, 6, NF_INET_LOCAL_OUT, tagged(udp(1, 2), 8),
	      true); /* the socket's route is cached */
	end(b);
	assert_int_equal(b->n, 2);
	TYPES(b->paths[0], STEP_ROUTE);
	assert_int_equal(b->paths[0]->steps[0].route.error, 0);
	assert_int_equal(b->paths[1]->n_steps, 0);
}

static void test_a_lookup_long_ago_or_elsewhere_is_not_claimed(void **state)
{
	struct bench *b = *state;

	route(b, 1, 2, false);
	b->now += 2 * MS;
	enter(b, 5, NF_INET_LOCAL_OUT, udp(1, 2), true);
	route(b, 1, 3, false);
	b->cpu = 1;
	enter(b, 6, NF_INET_LOCAL_OUT, udp(1, 3), true);
	route(b, 1, 4, false);
	b->ns = 1;
	enter(b, 7, NF_INET_LOCAL_OUT, udp(1, 4), true);
	end(b);
	assert_int_equal(b->n, 3);
	for (unsigned int i = 0; i < 3; i++)
		assert_int_equal(b->paths[i]->n_steps, 0);
}

static void test_changed_output_is_routed_again(void **state)
{
	struct packet d = udp(1, 3);
	struct bench *b = *state;
	struct event e;

	route(b, 1, 2, false);
	enter(b, 5, NF_INET_LOCAL_OUT, udp(1, 2), true);
	e = event(b, EVENT_PASS);
	e.has_id = true;
	e.id = 5;
	e.hook = NF_INET_LOCAL_OUT;
	e.packet = &d;
	tracker_event(b->t, &e);
	route(b, 1, 3, false);
	leave(b, 5, NF_INET_LOCAL_OUT, d);
	end(b);
	TYPES(b->paths[0], STEP_ROUTE, STEP_NAT, STEP_ROUTE);
}

static void test_prefix_is_of_the_address_that_was_looked_up(void **state)
{
	struct bench *b = *state;
	struct event e;

	enter(b, 5, NF_INET_PRE_ROUTING, udp(1, 2), true);
	leave(b, 5, NF_INET_PRE_ROUTING, udp(1, 0xf3)); /* after DNAT */
	e = route_event(b, 1, 0xf3, true);
	e.route.plen = 28;
	tracker_event(b->t, &e);
	end(b);
	TYPES(b->paths[0], STEP_NAT, STEP_ROUTE);
	assert_string_equal(b->paths[0]->steps[1].route.prefix, "10.0.0.240/28");
}

/* --- filters that the first sight cannot decide --- */

static struct packet piece(bool first)
{
	struct packet p = udp(1, 2);

	p.fragment = !first;
	p.more_frags = first;
	if (!first) {
		p.has_ports = false;
		p.src.port = p.dst.port = 0;
	}
	return p;
}

static void test_a_whole_of_fragments_has_ports(void **state)
{
	struct bench *b = *state;

	b->filter.port.set = true;
	b->filter.port.lo = b->filter.port.hi = 80;
	enter(b, 5, NF_INET_PRE_ROUTING, piece(true), true);
	enter(b, 6, NF_INET_PRE_ROUTING, piece(false), true);
	leave(b, 6, NF_INET_PRE_ROUTING, udp(1, 2));
	rule(b, 6, "input", 9, VERDICT_ACCEPT);
	end(b);
	assert_int_equal(b->n, 1);
	TYPES(b->paths[0], STEP_RULE);
	assert_true(b->paths[0]->packet.has_ports);
	assert_int_equal(b->paths[0]->packet.dst.port, 80);
	assert_false(b->paths[0]->packet.fragment);
	assert_int_equal(b->paths[0]->certainty, CERTAIN_EXACT);
}

static void test_fragments_of_other_ports(void **state)
{
	struct bench *b = *state;

	b->filter.port.set = true;
	b->filter.port.lo = b->filter.port.hi = 81;
	enter(b, 5, NF_INET_PRE_ROUTING, piece(false), true);
	enter(b, 6, NF_INET_PRE_ROUTING, piece(true), true);
	leave(b, 6, NF_INET_PRE_ROUTING, udp(1, 2));
	rule(b, 6, "input", 9, VERDICT_ACCEPT);
	end(b);
	assert_int_equal(b->n, 0);
	assert_int_equal(tracker_stats(b->t)->packets, 0);
}

static void test_oif_is_decided_at_the_end(void **state)
{
	struct bench *b = *state;

	strcpy(b->filter.oif, "eth1");
	arrive(b, 5, on(udp(1, 2), "eth0", ""));
	leave(b, 5, NF_INET_FORWARD, on(udp(1, 2), "eth0", "eth1"));
	arrive(b, 6, on(udp(1, 3), "eth0", ""));
	leave(b, 6, NF_INET_FORWARD, on(udp(1, 3), "eth0", "eth2"));
	arrive(b, 7, on(udp(1, 4), "eth0", ""));
	leave(b, 7, NF_INET_LOCAL_IN, on(udp(1, 4), "eth0", ""));
	end(b);
	assert_int_equal(b->n, 1);
	assert_int_equal(b->paths[0]->packet.dst.addr[3], 2);
	assert_int_equal(b->paths[0]->id, 1);
}

static void test_all_memory_comes_back(void **state)
{
	struct bench *b = *state;

	arrive(b, 5, udp(1, 2));
	rule(b, 5, "input", 1, VERDICT_ACCEPT);
	arrive(b, 6, piece(false));
	pass_ms(b, 200);
	arrive(b, 7, udp(1, 3));
	arrive(b, 7, udp(1, 4));
	/* tear_down() closes it with packets alive and remembered; ASan counts. */
	assert_int_equal(b->n, 2);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_packet_that_is_delivered),
		TEST(test_base_chain_ends_once),
		TEST(test_strangers_are_counted_and_not_shown),
		TEST(test_conntrack_is_said_when_it_changes),
		TEST(test_nat_is_what_changed),
		TEST(test_reason_after_the_verdict),
		TEST(test_a_queue_takes_its_time),
		TEST(test_transmitted),
		TEST(test_an_id_that_is_used_again),
		TEST(test_an_id_that_is_used_again_by_an_equal),
		TEST(test_same_id_in_two_namespaces),
		TEST(test_loopback_joins_both_halves),
		TEST(test_loopback_with_equals_on_one_cpu),
		TEST(test_loopback_with_equals_on_unknown_cpus),
		TEST(test_what_comes_back_from_elsewhere_is_another_packet),
		TEST(test_bridge_goes_on_into_ip),
		TEST(test_a_packet_that_comes_back_after_it_was_printed),
		TEST(test_a_copy_says_whose),
		TEST(test_lines_go_by_headers),
		TEST(test_lines_go_by_cpu_among_equals),
		TEST(test_lines_of_equals_on_unknown_cpus),
		TEST(test_a_line_that_fits_none_may_be_missing),
		TEST(test_what_ended_is_no_equal),
		TEST(test_a_reason_is_given_once),
		TEST(test_drop_among_equals_on_unknown_cpus),
		TEST(test_a_drop_alone_is_a_path_where_all_are_wanted),
		TEST(test_the_filter_is_asked_of_a_drop_alone),
		TEST(test_a_drop_after_the_path_was_handed_out),
		TEST(test_what_is_no_drop),
		TEST(test_loss_touches_what_is_in_flight),
		TEST(test_both_lookups_of_what_arrived),
		TEST(test_no_way_back),
		TEST(test_lookups_of_others_are_not_claimed),
		TEST(test_answer_of_a_legacy_reject),
		TEST(test_answer_to_what_was_delivered),
		TEST(test_output_is_routed_before_its_hook),
		TEST(test_a_lookup_long_ago_or_elsewhere_is_not_claimed),
		TEST(test_changed_output_is_routed_again),
		TEST(test_prefix_is_of_the_address_that_was_looked_up),
		TEST(test_a_whole_of_fragments_has_ports),
		TEST(test_fragments_of_other_ports),
		TEST(test_oif_is_decided_at_the_end),
		TEST(test_all_memory_comes_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
