// SPDX-License-Identifier: GPL-2.0-or-later
/* Events by hand as the bpf engine says them: each packet has a number of its own. */
#include <linux/rtnetlink.h>

#include "tests/unit/tracker_bench.h"

enum {
	PRE = NF_INET_PRE_ROUTING,
	IN = NF_INET_LOCAL_IN,
	FWD = NF_INET_FORWARD,
	OUT = NF_INET_LOCAL_OUT,
	POST = NF_INET_POST_ROUTING,
};

static struct event event(struct bench *b, enum event_type type, uint32_t id)
{
	b->now += 1000;
	return (struct event){.type = type,
			      .ns = b->ns,
			      .has_id = true,
			      .sure_id = true,
			      .id = id,
			      .cpu = 0,
			      .hook = HOOK_NONE,
			      .family = NFPROTO_IPV4,
			      .after_ns = b->now,
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
			       .src = {.addr = {10, 0, 0, src}, .port = 1000},
			       .dst = {.addr = {10, 0, 0, dst}, .port = 80}};
}

static struct packet on(struct packet p, const char *iif, const char *oif)
{
	strcpy(p.iif, iif);
	strcpy(p.oif, oif);
	return p;
}

static void at(struct bench *b, enum event_type type, uint32_t id, uint8_t hook, struct packet p)
{
	struct event e = event(b, type, id);

	e.hook = hook;
	e.packet = &p;
	if (type == EVENT_ENTER)
		e.enter.selected = true;
	tracker_event(b->t, &e);
}

static void enter(struct bench *b, uint32_t id, uint8_t hook, struct packet p)
{
	at(b, EVENT_ENTER, id, hook, p);
}

static void leave(struct bench *b, uint32_t id, uint8_t hook, struct packet p)
{
	at(b, EVENT_LEAVE, id, hook, p);
}

static void pass(struct bench *b, uint32_t id, uint8_t hook, struct packet p)
{
	enter(b, id, hook, p);
	leave(b, id, hook, p);
}

static void enter_copy(struct bench *b, uint32_t id, uint32_t of, uint8_t hook, struct packet p)
{
	struct event e = event(b, EVENT_ENTER, id);

	e.hook = hook;
	e.packet = &p;
	e.enter.copy_of = of;
	tracker_event(b->t, &e);
}

static struct event rule_event(struct bench *b, uint32_t id, const char *chain, enum verdict v)
{
	struct event e = event(b, EVENT_RULE, id);

	e.rule.table = "filter";
	e.rule.chain = chain;
	e.rule.handle = 9;
	e.rule.verdict = v;
	return e;
}

static void rule(struct bench *b, uint32_t id, const char *chain, enum verdict v)
{
	struct event e = rule_event(b, id, chain, v);

	tracker_event(b->t, &e);
}

static void transmit(struct bench *b, uint32_t id, const char *dev)
{
	struct event e = event(b, EVENT_TRANSMIT, id);

	e.transmit.dev = dev;
	tracker_event(b->t, &e);
}

static void drop(struct bench *b, uint32_t id)
{
	struct event e = event(b, EVENT_DROP, id);

	e.drop.reason = "NO_SOCKET";
	tracker_event(b->t, &e);
}

static void plain(struct bench *b, enum event_type type, uint32_t id)
{
	struct event e = event(b, type, id);

	e.lost.count = type == EVENT_LOST ? 3 : 0;
	tracker_event(b->t, &e);
}

static void gone(struct bench *b, uint32_t id)
{
	plain(b, EVENT_GONE, id);
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

static void check_types(const struct path *p, const enum step_type *types, size_t n)
{
	assert_int_equal(p->n_steps, n);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(p->steps[i].type, types[i]);
}

#define TYPES(p, ...)                                                                              \
	check_types(p, (const enum step_type[]){__VA_ARGS__},                                      \
		    sizeof((const enum step_type[]){__VA_ARGS__}) / sizeof(enum step_type))

/* --- one number, one packet --- */

static void test_equals_at_once_are_no_equals(void **state)
{
	struct bench *b = *state;

	for (uint32_t id = 1; id <= 2; id++)
		pass(b, id, PRE, udp(1, 2));
	for (uint32_t id = 2; id >= 1; id--)
		enter(b, id, IN, udp(1, 2));
	rule(b, 1, "one", VERDICT_ACCEPT);
	rule(b, 2, "two", VERDICT_DROP);
	drop(b, 2);
	leave(b, 1, IN, udp(1, 2));
	end(b);
	assert_int_equal(b->n, 2);
	for (unsigned int i = 0; i < 2; i++) {
		const struct path *p = b->paths[i];
		bool dropped = p->n_steps == 2;

		assert_int_equal(p->certainty, CERTAIN_EXACT);
		assert_string_equal(p->steps[0].rule.chain, dropped ? "two" : "one");
		assert_true(dropped ? p->steps[1].type == STEP_DROP : p->n_steps == 1);
	}
	assert_int_equal(b->paths[0]->n_steps + b->paths[1]->n_steps, 3);
}

static void test_an_engine_with_both_kinds_of_ids(void **state)
{
	struct packet p = udp(1, 2);
	struct bench *b = *state;
	struct event e;

	pass(b, 5, PRE, p);
	e = event(b, EVENT_ENTER, 5);
	e.sure_id = false;
	e.hook = PRE;
	e.packet = &p;
	e.enter.selected = true;
	tracker_event(b->t, &e);
	rule(b, 5, "input", VERDICT_DROP);
	end(b);
	assert_int_equal(b->n, 2);
	assert_int_equal(b->paths[0]->n_steps + b->paths[1]->n_steps, 1);
}

/* Where it began was lost. */
static void test_what_was_not_seen_to_begin(void **state)
{
	struct packet p = udp(1, 2);
	struct bench *b = *state;
	struct event e = event(b, EVENT_ENTER, 5);

	e.hook = PRE;
	e.packet = &p;
	tracker_event(b->t, &e);
	rule(b, 5, "input", VERDICT_DROP);
	leave(b, 5, PRE, p);
	drop(b, 5);
	transmit(b, 5, "eth0");
	gone(b, 5);
	end(b);
	assert_int_equal(b->n, 1);
	assert_int_equal(b->paths[0]->certainty, CERTAIN_NOT);
}

static void test_nat_in_a_hook(void **state)
{
	struct bench *b = *state;

	enter(b, 5, PRE, udp(1, 2));
	leave(b, 5, PRE, udp(1, 3));
	pass(b, 5, FWD, udp(1, 3));
	enter(b, 5, POST, udp(1, 3));
	leave(b, 5, POST, udp(4, 3));
	transmit(b, 5, "eth1");
	end(b);
	TYPES(b->paths[0], STEP_NAT, STEP_NAT, STEP_TRANSMIT);
	assert_true(b->paths[0]->steps[0].nat.dnat && b->paths[0]->steps[1].nat.snat);
	assert_int_equal(b->paths[0]->certainty, CERTAIN_EXACT);
}

/* It was in a queue for so long, or the end of the packet before was left out. */
static void test_an_id_that_is_forgotten(void **state)
{
	struct packet p = udp(1, 2);
	struct bench *b = *state;
	struct event e;

	pass(b, 5, OUT, p);
	gone(b, 5);
	b->now += 5000ULL * MS;
	tracker_flush(b->t, b->now, false);
	tracker_flush(b->t, b->now, false);
	p.dst.port = 81;
	e = event(b, EVENT_ENTER, 5);
	e.hook = OUT;
	e.packet = &p;
	tracker_event(b->t, &e);
	rule(b, 5, "output", VERDICT_DROP);
	end(b);
	assert_int_equal(b->n, 2);
	assert_int_equal(b->paths[0]->certainty, CERTAIN_EXACT);
	TYPES(b->paths[1], STEP_RULE);
	assert_int_equal(b->paths[1]->packet.dst.port, 81);
	assert_int_equal(b->paths[1]->certainty, CERTAIN_NOT);
	assert_string_equal(b->paths[1]->because, "it was followed before, and what it did then is not known any more");
}

static void test_a_tunnel_is_no_nat(void **state)
{
	struct packet outer = udp(1, 2), inner = udp(8, 9);
	struct bench *b = *state;

	outer.proto = IPPROTO_IPIP;
	outer.has_ports = false;
	outer.src.port = outer.dst.port = 0;
	pass(b, 5, PRE, outer);
	pass(b, 5, IN, outer);
	pass(b, 5, PRE, inner);
	pass(b, 5, PRE, udp(6, 7)); /* UDP in UDP */
	rule(b, 5, "input", VERDICT_ACCEPT);
	end(b);
	TYPES(b->paths[0], STEP_HEADERS, STEP_HEADERS, STEP_RULE);
	assert_int_equal(b->paths[0]->steps[0].headers.proto, IPPROTO_UDP);
	assert_int_equal(b->paths[0]->steps[0].headers.dst.addr[3], 9);
	assert_int_equal(b->paths[0]->packet.proto, IPPROTO_IPIP);
}

static void test_loopback_goes_on(void **state)
{
	struct bench *b = *state;
	const struct path *p;

	pass(b, 5, OUT, on(udp(1, 1), "", "lo"));
	pass(b, 5, POST, on(udp(1, 1), "", "lo"));
	transmit(b, 5, "lo");
	pass(b, 5, PRE, on(udp(1, 1), "lo", ""));
	pass(b, 5, IN, on(udp(1, 1), "lo", ""));
	gone(b, 5);
	end(b);
	assert_int_equal(b->n, 1);
	p = b->paths[0];
	TYPES(p, STEP_TRANSMIT);
	assert_int_equal(path_here(p)->passed, 1 << OUT | 1 << POST | 1 << PRE | 1 << IN);
	assert_int_equal(p->last_hook, IN);
	assert_int_equal(p->visit, 4);
	assert_int_equal(p->steps[0].visit, 2);
	assert_string_equal(p->packet.oif, "lo");
}

/* --- namespaces --- */

static void conntrack(struct bench *b, uint32_t id, uint8_t hook)
{
	struct packet p = udp(1, 2);
	struct event e = event(b, EVENT_PASS, id);

	e.hook = hook;
	e.packet = &p;
	e.ct_state = CT_NEW;
	tracker_event(b->t, &e);
}

static void test_into_a_container(void **state)
{
	struct bench *b = *state;
	const struct path *p;

	pass(b, 5, PRE, on(udp(1, 2), "eth0", ""));
	enter(b, 5, FWD, on(udp(1, 2), "eth0", "veth1"));
	conntrack(b, 5, FWD);
	rule(b, 5, "forward", VERDICT_ACCEPT);
	leave(b, 5, FWD, on(udp(1, 2), "eth0", "veth1"));
	pass(b, 5, POST, on(udp(1, 2), "", "veth1"));
	transmit(b, 5, "veth1");
	b->ns = 3;
	pass(b, 5, PRE, on(udp(1, 2), "eth7", ""));
	enter(b, 5, IN, on(udp(1, 2), "eth7", ""));
	conntrack(b, 5, IN);
	rule(b, 5, "input", VERDICT_ACCEPT);
	leave(b, 5, IN, on(udp(1, 2), "eth7", ""));
	end(b);
	assert_int_equal(b->n, 1);
	p = b->paths[0];
	TYPES(p, STEP_CONNTRACK, STEP_RULE, STEP_TRANSMIT, STEP_CONNTRACK, STEP_RULE);
	assert_int_equal(p->n_places, 2);
	assert_int_equal(p->places[0].ns, 0);
	assert_int_equal(p->places[1].ns, 3);
	assert_string_equal(p->places[1].iif, "eth7");
	assert_int_equal(p->places[0].passed, 1 << PRE | 1 << FWD | 1 << POST);
	assert_int_equal(p->places[1].passed, 1 << PRE | 1 << IN);
	assert_ptr_equal(path_here(p), &p->places[1]);
	assert_int_equal(p->steps[2].ns, 0);
	assert_int_equal(p->steps[3].ns, 3);
	assert_int_equal(p->steps[4].ns, 3);
	assert_string_equal(p->packet.iif, "eth0");
	assert_string_equal(p->packet.oif, "veth1");
	assert_int_equal(p->certainty, CERTAIN_EXACT);
}

static void test_a_device_of_another_namespace_is_no_oif(void **state)
{
	struct bench *b = *state;

	strcpy(b->filter.oif, "eth9");
	pass(b, 5, PRE, udp(1, 2));
	b->ns = 1;
	pass(b, 5, POST, on(udp(1, 2), "", "eth9"));
	end(b);
	assert_int_equal(b->n, 0);
}

/* The end of its memory is told of the namespace in which it was at a hook last. */
static void test_dropped_where_no_hook_is(void **state)
{
	struct bench *b = *state;

	pass(b, 5, NF_INET_PRE_ROUTING, udp(1, 2));
	pass(b, 5, NF_INET_FORWARD, udp(1, 2));
	pass(b, 5, NF_INET_POST_ROUTING, udp(1, 2));
	b->ns = 1;
	drop(b, 5);
	b->ns = 0;
	gone(b, 5);
	end(b);
	assert_int_equal(b->n, 1);
	TYPES(b->paths[0], STEP_DROP);
	assert_int_equal(b->paths[0]->steps[0].ns, 1);
	assert_int_equal(b->paths[0]->places[b->paths[0]->here].ns, 1);
}

static void test_there_and_back(void **state)
{
	struct bench *b = *state;
	const struct path *p;

	pass(b, 5, PRE, on(udp(1, 2), "eth0", ""));
	b->ns = 1;
	pass(b, 5, PRE, on(udp(1, 2), "eth1", ""));
	b->ns = 0;
	pass(b, 5, PRE, on(udp(1, 2), "veth2", ""));
	rule(b, 5, "input", VERDICT_ACCEPT);
	end(b);
	p = b->paths[0];
	assert_int_equal(p->n_places, 2);
	assert_ptr_equal(path_here(p), &p->places[0]);
	assert_int_equal(p->steps[0].ns, 0);
	/* By two devices: neither is told. */
	assert_string_equal(p->places[0].iif, "");
	assert_string_equal(p->places[1].iif, "eth1");
}

static void test_a_namespace_that_cannot_be_opened(void **state)
{
	struct bench *b = *state;
	const struct path *p;

	pass(b, 5, PRE, udp(1, 2));
	b->ns = EVENT_NS_UNKNOWN;
	pass(b, 5, FWD, udp(1, 3));
	rule(b, 5, "forward", VERDICT_ACCEPT);
	drop(b, 5);
	end(b);
	p = b->paths[0];
	TYPES(p, STEP_DROP);
	assert_int_equal(p->n_places, 1);
	assert_int_equal(p->places[0].passed, 1 << PRE);
	assert_int_equal(p->certainty, CERTAIN_NOT);
	assert_non_null(strstr(p->because, "cannot be opened"));
	/* None begins there. */
	rule(b, 6, "forward", VERDICT_ACCEPT);
	pass(b, 7, PRE, udp(1, 2));
	end(b);
	assert_int_equal(b->n, 1);
}

/* --- the end --- */

static void test_gone_is_soon_handed_out(void **state)
{
	struct bench *b = *state;

	pass(b, 5, PRE, udp(1, 2));
	gone(b, 5);
	rule(b, 5, "late", VERDICT_CONTINUE); /* of another CPU */
	pass_ms(b, 9);
	assert_int_equal(b->n, 0);
	pass_ms(b, 2);
	assert_int_equal(b->n, 1);
	TYPES(b->paths[0], STEP_RULE);
	assert_int_equal(b->paths[0]->certainty, CERTAIN_EXACT);
	gone(b, 5);
	drop(b, 5);
	end(b);
	assert_int_equal(b->n, 1);
}

static void test_gone_from_a_queue(void **state)
{
	struct bench *b = *state;

	pass(b, 5, PRE, udp(1, 2));
	rule(b, 5, "input", VERDICT_QUEUE);
	pass_ms(b, 1000);
	assert_int_equal(b->n, 0);
	leave(b, 5, IN, udp(1, 2));
	pass_ms(b, 151); /* out of it, it is as any other */
	assert_int_equal(b->n, 1);
	pass(b, 6, PRE, udp(1, 2));
	rule(b, 6, "input", VERDICT_QUEUE);
	gone(b, 6);
	pass_ms(b, 11);
	assert_int_equal(b->n, 2);
}

static void test_stolen_and_sent_on(void **state)
{
	struct bench *b = *state;

	enter(b, 5, PRE, udp(1, 2));
	rule(b, 5, "ingress", VERDICT_STOLEN);
	b->ns = 1;
	enter(b, 5, PRE, udp(1, 2));
	pass_ms(b, 100);
	assert_int_equal(b->n, 0);
	rule(b, 5, "input", VERDICT_ACCEPT);
	end(b);
	TYPES(b->paths[0], STEP_RULE, STEP_RULE);
}

static void test_more_after_it_was_printed(void **state)
{
	struct bench *b = *state;

	pass(b, 5, PRE, udp(1, 2));
	pass_ms(b, 200);
	assert_int_equal(b->n, 1);
	rule(b, 5, "input", VERDICT_CONTINUE); /* says no headers */
	rule(b, 5, "input", VERDICT_ACCEPT);
	end(b);
	assert_int_equal(b->n, 2);
	TYPES(b->paths[1], STEP_RULE, STEP_RULE);
	assert_int_equal(b->paths[1]->packet.dst.addr[3], 2);
	assert_int_equal(b->paths[1]->certainty, CERTAIN_NOT);
	assert_non_null(strstr(b->paths[1]->because, "packet #1 was left"));
}

static void test_a_device_that_was_busy(void **state)
{
	struct bench *b = *state;

	pass(b, 5, POST, udp(1, 2));
	transmit(b, 5, "vlan7");
	transmit(b, 5, "eth0");
	transmit(b, 5, "eth0");
	b->ns = 1;
	transmit(b, 5, "eth0");
	end(b);
	TYPES(b->paths[0], STEP_TRANSMIT, STEP_TRANSMIT, STEP_TRANSMIT);
	assert_int_equal(b->paths[0]->steps[2].ns, 1);
}

/* --- copies --- */

static void test_a_copy_is_exact_and_says_of_which(void **state)
{
	struct bench *b = *state;

	pass(b, 5, PRE, udp(1, 2));
	enter_copy(b, 6, 5, OUT, udp(1, 9));
	rule(b, 6, "output", VERDICT_ACCEPT);
	gone(b, 6);
	pass_ms(b, 20);
	assert_int_equal(b->n, 0); /* its original has no id yet */
	gone(b, 5);
	pass_ms(b, 20);
	pass_ms(b, 1);
	assert_int_equal(b->n, 2);
	assert_false(b->paths[0]->is_copy);
	assert_int_equal(b->paths[0]->id, 1);
	assert_true(b->paths[1]->is_copy);
	assert_int_equal(b->paths[1]->copy_of, 1);
	assert_int_equal(b->paths[1]->certainty, CERTAIN_EXACT);
	TYPES(b->paths[1], STEP_RULE);
}

static void test_copies_of_copies_at_the_end(void **state)
{
	struct bench *b = *state;

	pass(b, 5, PRE, udp(1, 2));
	enter_copy(b, 6, 5, OUT, udp(1, 9));
	enter_copy(b, 7, 6, OUT, udp(1, 9));
	enter_copy(b, 8, 8, OUT, udp(1, 9)); /* of itself: nonsense */
	leave(b, 5, IN, udp(1, 2));	     /* the last one to be heard of */
	end(b);
	assert_int_equal(b->n, 4);
	for (unsigned int i = 0; i < 4; i++) {
		const struct path *p = b->paths[i];

		assert_int_equal(p->id, i + 1);
		assert_true(!p->copy_of || p->copy_of < p->id);
	}
	assert_int_equal(b->paths[2]->copy_of, b->paths[1]->id);
	assert_int_equal(b->paths[3]->copy_of, b->paths[2]->id);
}

static void test_a_copy_of_what_is_not_known(void **state)
{
	struct bench *b = *state;

	enter_copy(b, 6, 5, OUT, udp(1, 9));
	end(b);
	assert_int_equal(b->n, 1);
	assert_true(b->paths[0]->is_copy);
	assert_int_equal(b->paths[0]->copy_of, 0);
}

static void test_a_copy_of_what_was_not_asked_for(void **state)
{
	struct bench *b = *state;

	b->filter.port.set = true;
	b->filter.port.lo = b->filter.port.hi = 443;
	pass(b, 5, PRE, udp(1, 2));
	enter_copy(b, 6, 5, OUT, udp(1, 9));
	end(b);
	assert_int_equal(b->n, 0);
}

/* --- what is told beside --- */

static void test_element_and_what_was_replaced(void **state)
{
	struct bench *b = *state;
	struct event e;

	pass(b, 5, PRE, udp(1, 2));
	e = rule_event(b, 5, "input", VERDICT_GOTO);
	e.rule.element = "10.0.0.2 . udp . 80";
	tracker_event(b->t, &e);
	pass(b, 6, PRE, udp(1, 2));
	e = rule_event(b, 6, "input", VERDICT_ACCEPT);
	e.rule.unresolved = true;
	tracker_event(b->t, &e);
	end(b);
	assert_string_equal(b->paths[0]->steps[0].rule.element, "10.0.0.2 . udp . 80");
	assert_int_equal(b->paths[0]->certainty, CERTAIN_EXACT);
	assert_null(b->paths[1]->steps[0].rule.element);
	assert_int_equal(b->paths[1]->certainty, CERTAIN_NOT);
	assert_string_equal(b->paths[1]->because,
			    "a rule was replaced while the packet was at it");
}

static void lookup(struct bench *b, bool back)
{
	struct event e = event(b, EVENT_ROUTE, 0);

	e.has_id = e.sure_id = false;
	e.route.family = AF_INET;
	memcpy(e.route.src, (uint8_t[]){10, 0, 0, back ? 2 : 1}, 4);
	memcpy(e.route.dst, (uint8_t[]){10, 0, 0, back ? 1 : 2}, 4);
	e.route.input = true;
	e.route.plen = -1;
	e.route.dev = back ? "eth0" : "eth1";
	e.cpu = 0;
	tracker_event(b->t, &e);
}

static void carried(struct bench *b, uint32_t id, uint8_t family)
{
	struct event e = event(b, EVENT_ROUTE, id);

	e.route.carried = e.route.input = true;
	e.route.family = family;
	e.route.type = RTN_UNICAST;
	e.route.dev = "eth1";
	e.route.plen = 24;
	e.cpu = 3; /* the id tells, not the CPU */
	tracker_event(b->t, &e);
}

static void test_lookups_by_their_cpu(void **state)
{
	struct bench *b = *state;

	pass(b, 5, PRE, on(udp(1, 2), "eth0", ""));
	lookup(b, false);
	lookup(b, true);
	end(b);
	TYPES(b->paths[0], STEP_ROUTE, STEP_RP_FILTER);
}

/* Nothing stands at prerouting: the lookup came before anything was known of the packet. */
static void test_a_route_that_the_packet_carries(void **state)
{
	struct bench *b = *state;
	const struct step *s;

	enter(b, 5, FWD, on(udp(1, 2), "eth0", "eth1"));
	carried(b, 5, AF_INET);
	carried(b, 5, AF_INET); /* once is enough */
	carried(b, 7, AF_INET); /* nobody's */
	leave(b, 5, FWD, on(udp(1, 2), "eth0", "eth1"));
	enter(b, 6, FWD, on(udp(1, 2), "eth0", "eth1"));
	carried(b, 6, AF_INET6); /* not its own */
	leave(b, 6, FWD, on(udp(1, 2), "eth0", "eth1"));
	end(b);
	TYPES(b->paths[0], STEP_ROUTE);
	s = &b->paths[0]->steps[0];
	assert_true(s->route.input);
	assert_int_equal(s->route.table, 0);
	assert_int_equal(s->route.rule, -1);
	assert_string_equal(s->route.dev, "eth1");
	assert_string_equal(s->route.prefix, "10.0.0.0/24");
	assert_non_null(s->route.untold);
	assert_int_equal(b->paths[1]->n_steps, 0);
}

/* Its lookup was seen, and is more than what it carries. */
static void test_a_route_that_was_looked_up(void **state)
{
	struct bench *b = *state;

	pass(b, 5, PRE, on(udp(1, 2), "eth0", ""));
	lookup(b, false);
	enter(b, 5, FWD, on(udp(1, 2), "eth0", "eth1"));
	carried(b, 5, AF_INET);
	leave(b, 5, FWD, on(udp(1, 2), "eth0", "eth1"));
	end(b);
	TYPES(b->paths[0], STEP_ROUTE);
	assert_null(b->paths[0]->steps[0].route.untold);
}

static void test_a_loss_of_one_packet(void **state)
{
	struct bench *b = *state;

	pass(b, 5, PRE, udp(1, 2));
	pass(b, 6, PRE, udp(1, 2));
	plain(b, EVENT_LOST, 5);
	plain(b, EVENT_LOST, 99);
	end(b);
	assert_int_equal(b->paths[0]->certainty, CERTAIN_NOT);
	assert_int_equal(b->paths[0]->lost, 3);
	assert_int_equal(b->paths[1]->certainty, CERTAIN_EXACT);
	assert_int_equal(b->paths[1]->lost, 0);
	assert_int_equal(tracker_stats(b->t)->lost, 6);
}

/* Packets of which nothing was seen: the others miss nothing. */
static void test_a_loss_of_whole_packets(void **state)
{
	struct bench *b = *state;
	struct event e;

	pass(b, 5, PRE, udp(1, 2));
	e = event(b, EVENT_LOST, 0);
	e.has_id = e.sure_id = false;
	e.ns = EVENT_NS_UNKNOWN;
	e.lost.count = 2;
	e.lost.whole = true;
	tracker_event(b->t, &e);
	end(b);
	assert_int_equal(b->paths[0]->certainty, CERTAIN_EXACT);
	assert_int_equal(b->paths[0]->lost, 0);
	assert_int_equal(tracker_stats(b->t)->lost, 2);
}

static void test_a_loss_of_whatever(void **state)
{
	struct bench *b = *state;
	struct event e;

	pass(b, 5, PRE, udp(1, 2));
	b->ns = 1;
	pass(b, 6, POST, on(udp(1, 2), "", "eth0")); /* it may have gone on */
	pass(b, 7, IN, udp(1, 2));
	gone(b, 7);
	e = event(b, EVENT_LOST, 0);
	e.has_id = e.sure_id = false;
	e.ns = EVENT_NS_UNKNOWN;
	e.lost.count = 1;
	tracker_event(b->t, &e);
	end(b);
	assert_int_equal(b->n, 3);
	assert_int_equal(b->paths[0]->certainty, CERTAIN_NOT);
	assert_int_equal(b->paths[1]->certainty, CERTAIN_NOT);
	assert_int_equal(b->paths[2]->certainty, CERTAIN_EXACT);
}

static struct packet ping(uint8_t src, uint8_t dst)
{
	struct packet p = udp(src, dst);

	p.proto = IPPROTO_ICMP;
	p.has_ports = false;
	p.src.port = p.dst.port = 0;
	return p;
}

/* A reply from 10.0.0.9 to the address 10.0.0.4, behind which are those of two; NAT gives it to `to`. The filter asks for 10.0.0.1. */
static void reply(struct bench *b, uint32_t id, uint8_t to, bool dropped, struct packet (*make)(uint8_t src, uint8_t dst))
{
	struct packet p = make(9, 4);
	struct event e = event(b, EVENT_ENTER, id);

	b->filter.conn = b->filter.src.set = true;
	b->filter.src = (struct filter_addr){true, AF_INET, {10, 0, 0, 1}, 32};
	e.hook = PRE;
	e.packet = &p;
	e.enter.selected = e.enter.is_reply = true;
	tracker_event(b->t, &e);
	leave(b, id, PRE, make(9, to));
	enter(b, id, FWD, make(9, to));
	if (dropped) {
		rule(b, id, "forward", VERDICT_DROP);
		drop(b, id);
	} else {
		leave(b, id, FWD, make(9, to));
		pass(b, id, POST, make(9, to));
		transmit(b, id, "eth1");
	}
	gone(b, id);
}

static void test_replies_without_ports(void **state)
{
	struct bench *b = *state;

	reply(b, 1, 1, false, ping);
	reply(b, 2, 2, false, ping); /* somebody else's */
	reply(b, 3, 2, true, ping);  /* who knows what NAT would have made of it yet */
	reply(b, 4, 2, false, udp);  /* selected by its ports */
	end(b);
	assert_int_equal(b->n, 3);
	for (unsigned int i = 0; i < 3; i++)
		assert_int_equal(b->paths[i]->certainty, CERTAIN_EXACT);
	assert_int_equal(b->paths[0]->packet.proto, IPPROTO_ICMP);
	assert_int_equal(b->paths[1]->packet.proto, IPPROTO_ICMP);
	assert_int_equal(b->paths[2]->packet.proto, IPPROTO_UDP);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_equals_at_once_are_no_equals),
		TEST(test_an_engine_with_both_kinds_of_ids),
		TEST(test_what_was_not_seen_to_begin),
		TEST(test_nat_in_a_hook),
		TEST(test_an_id_that_is_forgotten),
		TEST(test_a_tunnel_is_no_nat),
		TEST(test_loopback_goes_on),
		TEST(test_into_a_container),
		TEST(test_a_device_of_another_namespace_is_no_oif),
		TEST(test_dropped_where_no_hook_is),
		TEST(test_there_and_back),
		TEST(test_a_namespace_that_cannot_be_opened),
		TEST(test_gone_is_soon_handed_out),
		TEST(test_gone_from_a_queue),
		TEST(test_stolen_and_sent_on),
		TEST(test_more_after_it_was_printed),
		TEST(test_a_device_that_was_busy),
		TEST(test_a_copy_is_exact_and_says_of_which),
		TEST(test_copies_of_copies_at_the_end),
		TEST(test_a_copy_of_what_is_not_known),
		TEST(test_a_copy_of_what_was_not_asked_for),
		TEST(test_element_and_what_was_replaced),
		TEST(test_lookups_by_their_cpu),
		TEST(test_a_route_that_the_packet_carries),
		TEST(test_a_route_that_was_looked_up),
		TEST(test_a_loss_of_one_packet),
		TEST(test_a_loss_of_whatever),
		TEST(test_a_loss_of_whole_packets),
		TEST(test_replies_without_ports),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
