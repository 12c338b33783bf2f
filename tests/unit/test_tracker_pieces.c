// SPDX-License-Identifier: GPL-2.0-or-later
/* Fragments of IPv6 as the netlink engine sees them: nft's trace shows of the first one neither
 * protocol nor place, and of later ones nothing; lines of iptables-legacy show all, but no id. */
#include <net/ethernet.h>

#include "tests/unit/tracker_bench.h"

static struct packet to(uint8_t dst, uint8_t proto)
{
	return (struct packet){.family = AF_INET6,
			       .proto = proto,
			       .ethertype = ETHERTYPE_IPV6,
			       .has_addrs = true,
			       .len = 848,
			       .src = {.addr = {0xfd, [15] = 1}},
			       .dst = {.addr = {0xfd, [15] = dst}}};
}

static struct packet first_by_nft(uint8_t dst)
{
	return to(dst, IPPROTO_FRAGMENT);
}

static struct packet later_by_nft(void)
{
	return (struct packet){.ethertype = ETHERTYPE_IPV6};
}

static struct packet by_line(uint8_t dst, uint32_t datagram, uint16_t off)
{
	struct packet p = to(dst, IPPROTO_UDP);

	p.more_frags = true;
	p.fragment = off > 0;
	p.frag_off = off;
	p.frag_id = datagram;
	p.has_ports = !off;
	p.src.port = off ? 0 : 1000;
	p.dst.port = off ? 0 : 80;
	return p;
}

static void tell(struct bench *b, struct event e, uint8_t hook, uint32_t id, struct packet p)
{
	b->now += 1000;
	e.cpu = b->cpu;
	e.hook = hook;
	e.after_ns = b->now - 500;
	e.before_ns = b->now;
	e.has_id = id != 0;
	e.id = id;
	e.packet = &p;
	tracker_event(b->t, &e);
}

static void enter(struct bench *b, uint32_t id, struct packet p)
{
	struct event e = {.type = EVENT_ENTER, .family = NFPROTO_INET, .enter.selected = true};

	tell(b, e, NF_INET_PRE_ROUTING, id, p);
}

static void leave(struct bench *b, uint32_t id, struct packet p)
{
	struct event e = {.type = EVENT_LEAVE, .family = NFPROTO_INET};

	tell(b, e, NF_INET_PRE_ROUTING, id, p);
}

static void line(struct bench *b, uint8_t hook, struct packet p, uint32_t number)
{
	struct event e = {.type = EVENT_RULE, .family = NFPROTO_IPV6};

	e.rule.legacy = true;
	e.rule.table = "mangle";
	e.rule.chain = "PREROUTING";
	e.rule.number = number;
	tell(b, e, hook, 0, p);
}

static void end(struct bench *b)
{
	tracker_flush(b->t, b->now, true);
}

/* Which rule packet i has; 0: none. */
static uint32_t rule_of(const struct bench *b, unsigned int i)
{
	const struct path *p = b->paths[i];

	assert_true(p->n_steps <= 1);
	return p->n_steps ? p->steps[0].rule.number : 0;
}

static void assert_exact(const struct bench *b, unsigned int n)
{
	assert_int_equal(b->n, n);
	for (unsigned int i = 0; i < n; i++)
		assert_int_equal(b->paths[i]->certainty, CERTAIN_EXACT);
}

static void test_a_line_shows_what_it_is(void **state)
{
	struct packet blank = later_by_nft();
	struct bench *b = *state;

	strcpy(blank.iif, "eth0");
	blank.mark = 5;
	enter(b, 5, first_by_nft(2));
	line(b, NF_INET_PRE_ROUTING, by_line(2, 77, 0), 1);
	leave(b, 5, first_by_nft(2)); /* shows less again */
	enter(b, 6, blank);
	line(b, NF_INET_PRE_ROUTING, by_line(2, 77, 800), 2);
	leave(b, 6, later_by_nft());
	/* Both are known now, so neither takes the other's. */
	line(b, NF_INET_LOCAL_IN, by_line(2, 77, 1600), 9);
	end(b);
	assert_exact(b, 2);
	assert_int_equal(rule_of(b, 0), 1);
	assert_true(b->paths[0]->packet.has_ports && b->paths[0]->packet.more_frags);
	assert_int_equal(b->paths[0]->packet.proto, IPPROTO_UDP);
	assert_int_equal(rule_of(b, 1), 2);
	assert_true(b->paths[1]->packet.has_addrs && b->paths[1]->packet.fragment);
	assert_int_equal(b->paths[1]->packet.dst.addr[15], 2);
	assert_string_equal(b->paths[1]->packet.iif, "eth0");
	assert_int_equal(b->paths[1]->packet.mark, 5);
	assert_int_equal(tracker_stats(b->t)->stray, 1);
}

static void test_a_filter_decides_when_it_is_shown(void **state)
{
	struct bench *b = *state;

	b->filter.has_proto = true;
	b->filter.proto = IPPROTO_UDP;
	enter(b, 5, later_by_nft());
	line(b, NF_INET_PRE_ROUTING, by_line(2, 77, 800), 1);
	leave(b, 5, later_by_nft());
	enter(b, 6, later_by_nft());
	leave(b, 6, later_by_nft());
	end(b);
	assert_exact(b, 1);
	assert_int_equal(rule_of(b, 0), 1);
}

static void test_lines_go_by_cpu(void **state)
{
	struct bench *b = *state;

	enter(b, 5, later_by_nft());
	b->cpu = 1;
	enter(b, 6, later_by_nft()); /* heard of last */
	b->cpu = 0;
	line(b, NF_INET_PRE_ROUTING, by_line(2, 77, 800), 1);
	b->cpu = 1;
	line(b, NF_INET_PRE_ROUTING, by_line(2, 78, 800), 2);
	end(b);
	assert_exact(b, 2);
	assert_int_equal(rule_of(b, 0), 1);
	assert_int_equal(rule_of(b, 1), 2);
}

static void test_lines_of_unknown_cpus(void **state)
{
	struct bench *b = *state;

	b->cpu = -1;
	enter(b, 5, later_by_nft());
	enter(b, 6, later_by_nft());
	line(b, NF_INET_PRE_ROUTING, by_line(2, 77, 800), 1);
	end(b);
	assert_int_equal(b->n, 2);
	for (unsigned int i = 0; i < 2; i++)
		assert_int_equal(b->paths[i]->certainty, CERTAIN_NOT);
}

/* Received together: they pass prerouting one after the other before the first goes on. */
static void test_lines_of_those_that_wait_for_the_next_hook(void **state)
{
	struct bench *b = *state;

	for (uint32_t id = 5; id < 7; id++) {
		enter(b, id, later_by_nft());
		leave(b, id, later_by_nft());
	}
	line(b, NF_INET_LOCAL_IN, by_line(2, 77, 800), 1);
	end(b);
	assert_int_equal(b->n, 2);
	for (unsigned int i = 0; i < 2; i++)
		assert_int_equal(b->paths[i]->certainty, CERTAIN_NOT);
}

/* iptables-legacy does not say that it dropped; what it dropped has no more lines. */
static void test_one_that_was_dropped_takes_nothing(void **state)
{
	struct bench *b = *state;

	for (uint32_t id = 5; id < 8; id++) {
		enter(b, id, later_by_nft());
		line(b, NF_INET_PRE_ROUTING, by_line(2, 77, 800 * (id - 4)), id);
	}
	end(b);
	assert_exact(b, 3);
	for (unsigned int i = 0; i < 3; i++)
		assert_int_equal(rule_of(b, i), 5 + i);
}

/* Its pieces wait where defragmentation took them; it goes on as the one that came last. */
static void test_a_whole_is_the_one_that_came_last(void **state)
{
	struct packet whole = to(2, IPPROTO_UDP);
	struct bench *b = *state;

	enter(b, 5, first_by_nft(2));
	enter(b, 6, later_by_nft());
	enter(b, 7, later_by_nft());
	line(b, NF_INET_PRE_ROUTING, whole, 1);
	leave(b, 7, whole);
	end(b);
	assert_int_equal(b->n, 1);
	assert_exact(b, 1);
	assert_int_equal(rule_of(b, 0), 1);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_line_shows_what_it_is),
		TEST(test_a_filter_decides_when_it_is_shown),
		TEST(test_lines_go_by_cpu),
		TEST(test_lines_of_unknown_cpus),
		TEST(test_lines_of_those_that_wait_for_the_next_hook),
		TEST(test_one_that_was_dropped_takes_nothing),
		TEST(test_a_whole_is_the_one_that_came_last),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
