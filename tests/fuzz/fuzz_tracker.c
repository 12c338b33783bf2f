// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * From events to printed paths: tracker, resolve, conclude and both renderers, whatever the order
 * in which an engine says what. Input: a byte that chooses the filter, then events of nine bytes
 * each.
 */
#include <netinet/in.h> /* before linux/netfilter.h, which takes the kernel's copy */
#include <linux/netfilter.h>
#include <sys/socket.h>

#include "netfilter/xt_blob.h"
#include "src/conclude.h"
#include "src/render.h"
#include "src/resolve.h"
#include "src/tracker.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/messages.h"

static const char *const tables[] = {"filter", "nat", "gone"};
static const char *const chains[] = {"INPUT", "OUTPUT", "web", "input", "gone"};

/* One nft table and one of iptables-legacy; `more`: with a rule in front. */
static struct ruleset *make_ruleset(bool more)
{
	struct ruleset *rs = ruleset_new();
	struct rs_table *t = ruleset_add_table(rs, BACKEND_NFT, NFPROTO_INET, "filter");
	struct rs_chain *c = rs_table_add_chain(rs, t, "input");
	struct msg_blob b;

	t->handle = 7;
	c->base = true;
	c->hook = NF_INET_LOCAL_IN;
	c->type = strdup("filter");
	c->n_rules = 3;
	c->handles = calloc(3, sizeof(*c->handles));
	for (int i = 0; i < 3; i++)
		c->handles[i] = more ? i + 2 : i + 3;
	msg_filter_table(&b, NFPROTO_IPV4);
	t = ruleset_add_table(rs, BACKEND_IPTABLES_LEGACY, NFPROTO_IPV4, "filter");
	t->blob = malloc(b.len);
	memcpy(t->blob, b.bytes, b.len);
	t->blob_size = b.len;
	t->valid_hooks = b.valid_hooks;
	memcpy(t->hook_entry, b.hook_entry, sizeof(t->hook_entry));
	memcpy(t->underflow, b.underflow, sizeof(t->underflow));
	check(!xt_blob_parse(rs, t));
	return rs;
}

struct run {
	struct rules_answer answer;
	uint64_t paths;
	FILE *out;
};

static void done(void *ctx, struct path *p)
{
	struct render r = {.verbose = true};
	struct run *run = ctx;

	check(p->id == ++run->paths);
	run->answer.n = p->id % 2 + 1;
	run->answer.complete = p->id % 3;
	p->engine = "netlink";
	resolve(p, &(struct path_rules){&run->answer, 1});
	conclude(p, p->id % 2 ? "something" : NULL);
	check(p->decided_by >= -1 && p->decided_by < (int)p->n_steps);
	check((p->certainty == CERTAIN_EXACT) == !p->because);
	check(p->after_ns <= p->before_ns);
	r.out = run->out;
	check(!render_text.path(&r, p));
	check(!render_json.path(&r, p));
	check(!render_flush(&r));
	render_free(&r);
	path_free(p);
}

static void make_packet(struct packet *p, uint8_t how)
{
	memset(p, 0, sizeof(*p));
	p->family = how & 0x40 ? AF_INET6 : AF_INET;
	p->proto = how & 1 ? IPPROTO_UDP : IPPROTO_TCP;
	p->has_addrs = true;
	p->fragment = how & 2;
	p->more_frags = how & 4;
	p->has_ports = !p->fragment;
	p->src.addr[3] = 1;
	p->dst.addr[3] = how & 8 ? 2 : 3;
	p->src.port = p->has_ports ? 1000 : 0;
	p->dst.port = p->has_ports ? how & 16 ? 80 : 443 : 0;
	p->ip_id = how >> 5 & 1;
	p->len = 60;
	if (how & 0x80)
		strcpy(how & 1 ? p->oif : p->iif, "lo");
}

static void set_details(struct event *e, struct input *in, const struct packet *p)
{
	uint8_t a = take_u8(in), b = take_u8(in);

	switch (e->type) {
	case EVENT_RULE:
	case EVENT_POLICY:
	case EVENT_RETURN:
		e->rule.legacy = !e->has_id;
		e->rule.table = tables[a % 3];
		e->rule.chain = chains[(a >> 2) % 5];
		e->rule.target = a & 0x80 ? "web" : NULL;
		e->rule.handle = b % 8;
		e->rule.number = b % 8;
		e->rule.element = a & 0x40 ? "10.0.0.1 . 80" : NULL;
		e->rule.unresolved = b & 0x80;
		e->rule.verdict = e->rule.legacy ? VERDICT_UNKNOWN : (b >> 3) % (VERDICT_GOTO + 1);
		break;
	case EVENT_ENTER:
		e->enter.selected = a & 1;
		e->enter.copy_of = e->sure_id && a & 2 ? a >> 4 & 3 : 0;
		break;
	case EVENT_ROUTE:
		e->route.family = p->family;
		memcpy(e->route.src, a & 1 ? p->dst.addr : p->src.addr, ADDR_MAX);
		memcpy(e->route.dst, a & 1 ? p->src.addr : p->dst.addr, ADDR_MAX);
		e->route.has_gateway = a & 2;
		e->route.dev = a & 4 ? "eth0" : NULL;
		e->route.input = a & 8;
		e->route.error = a & 16 ? -113 : 0;
		e->route.carried = a & 32 && e->has_id;
		e->route.type = b % 16;
		e->route.plen = (int8_t)b;
		e->route.table = 254;
		break;
	case EVENT_DROP:
		e->drop.reason = a & 1 ? "NETFILTER_DROP" : NULL;
		e->drop.location = a & 2 ? "nft_do_chain" : NULL;
		break;
	case EVENT_TRANSMIT:
		e->transmit.dev = a & 1 ? "eth0" : NULL;
		break;
	case EVENT_LOST:
		e->lost.count = a;
		break;
	case EVENT_LEAVE:
	case EVENT_PASS:
	case EVENT_GONE:
		break;
	}
}

static void feed(struct tracker *t, struct input *in, uint64_t *now)
{
	static const uint8_t families[] = {NFPROTO_IPV4, NFPROTO_INET, NFPROTO_IPV6,
					   NFPROTO_BRIDGE};
	static const uint8_t hooks[] = {0, 1, 2, 3, 4, 5, HOOK_NONE, HOOK_NONE};
	struct event e = {.type = take_u8(in) % (EVENT_GONE + 1)};
	uint8_t how = take_u8(in), id = take_u8(in);
	struct packet p;

	make_packet(&p, take_u8(in));
	*now += (uint64_t)take_u16(in) * 20000;
	e.after_ns = *now;
	e.before_ns = *now + 1000;
	e.has_id = how & 1 || e.type == EVENT_ENTER || e.type == EVENT_PASS || e.type == EVENT_LEAVE;
	e.id = id % 4;
	e.sure_id = e.has_id && id & 4;
	e.ns = e.sure_id && id & 8 && id >> 7 ? EVENT_NS_UNKNOWN : id >> 7;
	e.cpu = (id >> 4) % 3 - 1;
	e.family = families[how >> 1 & 3];
	e.hook = hooks[how >> 3 & 7];
	e.packet = how & 0x40 ? NULL : &p;
	e.ct_state = take_u8(in) % (CT_UNTRACKED + 1);
	set_details(&e, in, &p);
	tracker_event(t, &e);
	if (how & 0x80)
		tracker_flush(t, *now, false);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct ruleset *one, *two;
	static FILE *null;
	struct input in = {data, size};
	struct filter filter = {0};
	uint64_t now = 1000000000;
	struct tracker *t;
	struct run run = {0};
	uint8_t how = take_u8(&in);

	if (!one) {
		one = make_ruleset(false);
		two = make_ruleset(true);
		null = fopen("/dev/null", "w");
		check(null);
	}
	run.answer.rs[0] = one;
	run.answer.rs[1] = how & 4 ? two : one;
	run.out = null;
	filter.port.set = how & 1;
	filter.port.lo = filter.port.hi = 80;
	strcpy(filter.oif, how & 2 ? "lo" : "");
	t = tracker_open(&filter, done, &run);
	check(t);
	while (in.len)
		feed(t, &in, &now);
	if (!(how & 8))
		tracker_flush(t, now, true);
	check(tracker_stats(t)->packets == run.paths);
	tracker_close(t);
	return 0;
}
