// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/bpf_events.h"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter_arp.h>
#include <linux/netfilter/nf_tables.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "src/packet.h"
#include "src/raw_events.h"
#include "src/spare.h"

/* The name behind an address, in one generation. */
struct chain_name {
	LIST_ENTRY(chain_name) next;
	uint64_t chain, gen;
	uint8_t family;
	char *table, *name;
};

/* A visit whose end is still to come: the chains that the walk came from, and the keys of its
 * verdict maps. */
struct walk_state {
	LIST_ENTRY(walk_state) next;
	uint32_t id;
	uint64_t base;
	unsigned int depth, n_keys;
	uint64_t chains[NFP_STACK + 1];
	struct nfp_key *keys; /* oldest first */
	/* It was dropped, and its memory freed, before the walk came to its end (NF_DROP_REASON()). */
	bool dropped;
	struct nfp_skb drop;
};

LIST_HEAD(chain_names, chain_name);
LIST_HEAD(walk_states, walk_state);

enum { BUCKETS = 1 << 12 };

struct bpf_events {
	const struct engine_config *config;
	struct kernel_names *names;
	struct chain_names chains[BUCKETS];
	struct walk_states walks[BUCKETS];
	struct spare spare_walks;
	uint64_t gen; /* the newest */
	void (*sink)(void *ctx, const struct event *ev);
	void *ctx;
};

static unsigned int bucket(uint64_t v)
{
	return (v * 0x9e3779b97f4a7c15ULL) >> 52;
}

/* --- chains --- */

static const struct chain_name *chain_of(struct bpf_events *b, uint64_t chain, uint64_t gen)
{
	struct chain_name *c;

	LIST_FOREACH(c, &b->chains[bucket(chain)], next)
		if (c->chain == chain && c->gen == gen)
			return c;
	return NULL;
}

static void chain_free(struct chain_name *c)
{
	LIST_REMOVE(c, next);
	free(c->table);
	free(c->name);
	free(c);
}

/* Walks of the generation before may still end. */
static void forget_chains(struct bpf_events *b)
{
	enum { KEPT = 8 };
	struct chain_name *c, *after;

	for (int i = 0; i < BUCKETS; i++) {
		for (c = LIST_FIRST(&b->chains[i]); c; c = after) {
			after = LIST_NEXT(c, next);
			if (c->gen + KEPT < b->gen)
				chain_free(c);
		}
	}
}

static void on_chain(struct bpf_events *b, const struct nfp_chain *r)
{
	struct chain_name *c;

	if (r->gen > b->gen) {
		bool many = r->gen / 64 != b->gen / 64;

		b->gen = r->gen;
		if (many)
			forget_chains(b);
	}
	if (chain_of(b, r->chain, r->gen) || !(c = calloc(1, sizeof(*c))))
		return;
	c->chain = r->chain;
	c->gen = r->gen;
	c->family = r->family;
	c->table = strndup(r->table, sizeof(r->table));
	c->name = strndup(r->name, sizeof(r->name));
	LIST_INSERT_HEAD(&b->chains[bucket(r->chain)], c, next);
	if (!c->table || !c->name)
		chain_free(c);
}

/* --- walks --- */

static struct walk_state *walk_of(struct bpf_events *b, uint32_t id)
{
	struct walk_state *w;

	LIST_FOREACH(w, &b->walks[bucket(id)], next)
		if (w->id == id)
			return w;
	w = spare_take(&b->spare_walks, sizeof(*w));
	if (!w)
		return NULL;
	w->id = id;
	w->base = w->chains[0] = 0; /* the others are set as the walk comes there */
	w->depth = w->n_keys = 0;
	w->keys = NULL;
	w->dropped = false;
	LIST_INSERT_HEAD(&b->walks[bucket(id)], w, next);
	return w;
}

static void walk_free(struct bpf_events *b, struct walk_state *w)
{
	LIST_REMOVE(w, next);
	free(w->keys);
	spare_give(&b->spare_walks, w);
}

static void on_key(struct bpf_events *b, const struct nfp_key *k)
{
	struct walk_state *w = walk_of(b, k->id);
	struct nfp_key *bigger = w ? realloc(w->keys, (w->n_keys + 1) * sizeof(*k)) : NULL;

	if (!bigger)
		return;
	w->keys = bigger;
	w->keys[w->n_keys++] = *k;
}

static bool take_key(struct walk_state *w, struct nfp_key *k)
{
	if (!w->n_keys)
		return false;
	*k = w->keys[0];
	memmove(&w->keys[0], &w->keys[1], --w->n_keys * sizeof(*k));
	return true;
}

/* --- events --- */

static void emit(struct bpf_events *b, const struct event *ev)
{
	b->sink(b->ctx, ev);
}

/* What its type alone has is left to whoever sets the type. */
static void begin_event(struct bpf_events *b, struct event *ev, const struct nfp_event *rec,
			uint32_t id)
{
	int ns = b->config->find_view(b->config->find_ctx, rec->netns);

	memset(ev, 0, offsetof(struct event, rule));
	ev->ns = ns < 0 ? EVENT_NS_UNKNOWN : (unsigned int)ns;
	ev->has_id = ev->sure_id = true;
	ev->id = id;
	ev->cpu = (int)rec->cpu;
	ev->hook = HOOK_NONE;
	ev->after_ns = ev->before_ns = rec->ktime;
}

/* enum ip_conntrack_info: the state, and 3 more for the other direction; 7: IP_CT_UNTRACKED. */
static void set_conntrack(struct event *ev, uint8_t ct)
{
	static const enum ct_state states[] = {CT_ESTABLISHED, CT_RELATED, CT_NEW, CT_ESTABLISHED,
					       CT_RELATED, CT_NONE, CT_NONE, CT_UNTRACKED};

	if (ct >= sizeof(states) / sizeof(states[0]))
		return;
	ev->ct_state = states[ct];
	ev->ct_reply = ct == 3 || ct == 4;
}

static bool parse(struct packet *p, const struct nfp_sight *s)
{
	/* Bridges and devices show the frame, the hooks of IP what is in it. */
	bool ip = s->pf == NFPROTO_IPV4 || s->pf == NFPROTO_IPV6;
	const uint8_t *ll = s->ll_len ? s->ll : NULL;

	memset(p, 0, sizeof(*p));
	p->mark = s->mark;
	memcpy(p->iif, s->in, sizeof(p->iif) - 1);
	memcpy(p->oif, s->out, sizeof(p->oif) - 1);
	if (packet_parse(p, ll, s->ll_len, s->header_len ? s->header : NULL, s->header_len, NULL, 0))
		return false;
	if (!p->family && ip)
		return !packet_parse(p, NULL, 0, s->header, s->header_len, NULL, 0);
	if (!p->ethertype && !ip)
		p->ethertype = ntohs(s->protocol);
	return true;
}

/* ARP has numbers of its own for its hooks; past output, it is sent. */
static uint8_t hook_of(const struct nfp_sight *s)
{
	if (s->pf != NFPROTO_ARP)
		return s->hook;
	if (s->hook == NF_ARP_OUT)
		return s->what == NFP_ENTER ? NF_INET_LOCAL_OUT : NF_INET_POST_ROUTING;
	return s->hook == NF_ARP_IN ? NF_INET_LOCAL_IN : NF_INET_FORWARD;
}

/* Some of its rules cannot be told. */
static void doubt(struct bpf_events *b, const struct event *of, uint64_t lost)
{
	struct event ev = *of;

	ev.type = EVENT_LOST;
	memset(&ev.lost, 0, sizeof(ev.lost));
	ev.lost.count = lost;
	ev.lost.after_post = true;
	emit(b, &ev);
}

static void on_sight(struct bpf_events *b, const struct nfp_sight *s, size_t size)
{
	struct packet p;
	struct event ev;

	begin_event(b, &ev, &s->ev, s->id);
	ev.type = s->what == NFP_ENTER ? EVENT_ENTER : EVENT_LEAVE;
	ev.family = s->pf;
	ev.hook = hook_of(s);
	ev.ct_known = true;
	set_conntrack(&ev, s->ct);
	if (s->flags & NFP_SIGHT_FULL && size >= sizeof(*s) && parse(&p, s))
		ev.packet = &p;
	if (s->what == NFP_ENTER) {
		ev.enter.selected = s->flags & NFP_SIGHT_BEGINS;
		ev.enter.is_reply = s->flags & NFP_SIGHT_REPLY;
		ev.enter.copy_of = s->copy_of;
	}
	ev.finds_replies = s->flags & NFP_SIGHT_LEARNED;
	emit(b, &ev);
	/* Which program was left out, and whether it would have told something, nobody knows. */
	if (s->flags & NFP_SIGHT_NESTED)
		doubt(b, &ev, 0);
}

static void set_rule(struct event *ev, enum event_type type, const struct chain_name *c,
		     enum verdict verdict)
{
	ev->type = type;
	ev->family = c->family;
	memset(&ev->rule, 0, sizeof(ev->rule));
	ev->rule.table = c->table;
	ev->rule.chain = c->name;
	ev->rule.verdict = verdict;
}

static void end_chain(struct bpf_events *b, struct event *ev, const struct nfp_visit *v,
		      uint64_t chain)
{
	const struct chain_name *c = chain_of(b, chain, v->gen);

	if (!c)
		return;
	set_rule(ev, EVENT_RETURN, c, VERDICT_RETURN);
	emit(b, ev);
}

/* The end of a chain makes no noise: it is where the walk is found in a chain that it came from. */
static void leave_chains(struct bpf_events *b, struct walk_state *w, struct event *ev,
			 const struct nfp_visit *v, uint64_t until)
{
	while (w->depth && w->chains[w->depth] != until)
		end_chain(b, ev, v, w->chains[w->depth--]);
}

static void follow(struct walk_state *w, const struct nfp_step *s)
{
	if (s->verdict == NFT_JUMP && w->depth < NFP_STACK)
		w->depth++;
	if (s->verdict == NFT_JUMP || s->verdict == NFT_GOTO)
		w->chains[w->depth] = s->target;
	else if (s->verdict == NFT_RETURN && w->depth)
		w->depth--;
	else if (s->verdict == NFT_RETURN)
		w->chains[0] = 0; /* the rule said it: nothing ends in silence before the policy */
}

static bool on_step(struct bpf_events *b, struct walk_state *w, struct event *ev,
		    const struct nfp_visit *v, const struct nfp_step *s)
{
	const struct chain_name *c = chain_of(b, s->chain, v->gen);
	const struct chain_name *target = s->target ? chain_of(b, s->target, v->gen) : NULL;
	struct nfp_key key;
	char text[SET_KEY_TEXT];

	if (!c || (s->target && !target))
		return false;
	leave_chains(b, w, ev, v, s->chain);
	set_rule(ev, EVENT_RULE, c, verdict_of_nft(s->verdict));
	ev->rule.handle = s->handle;
	ev->rule.target = target ? target->name : NULL;
	if (s->keyed && take_key(w, &key))
		ev->rule.element = ev->ns == EVENT_NS_UNKNOWN
					   ? NULL
					   : set_key_text(text, rules_sets(b->config->views[ev->ns].rules),
							  c->family, c->table, key.set, key.key,
							  key.len);
	emit(b, ev);
	follow(w, s);
	return true;
}

static void on_policy(struct bpf_events *b, struct walk_state *w, struct event *ev,
		      const struct nfp_visit *v)
{
	const struct chain_name *c = chain_of(b, v->base, v->gen);

	leave_chains(b, w, ev, v, v->base);
	/* The one that the base chain went to, in its place. */
	if (w->chains[0] && w->chains[0] != v->base)
		end_chain(b, ev, v, w->chains[0]);
	w->chains[0] = v->base;
	if (!c)
		return;
	set_rule(ev, EVENT_POLICY, c, verdict_of_nft(v->policy));
	emit(b, ev);
}

/* Drops and lookups, as the netlink engine has them too. */
static void on_raw(struct bpf_events *b, const struct nfp_event *rec)
{
	const struct nfp_skb *s = (const void *)rec;
	struct packet p;
	struct event ev;
	char text[256];
	int ns = rec->netns ? b->config->find_view(b->config->find_ctx, rec->netns) : -1;
	bool by_skb = rec->type == NFP_KFREE;

	if (!raw_event(rec, b->config->views, *b->config->n_views, by_skb && ns < 0 ? 0 : ns, &ev, &p,
		       b->names, text, sizeof(text)))
		return;
	if (by_skb && ns < 0 && s->flags & NFP_SKB_ALONE)
		return; /* in a namespace that cannot be named */
	if (by_skb && !(s->flags & NFP_SKB_ALONE)) {
		ev.has_id = ev.sure_id = true;
		ev.id = s->id;
		if (ns < 0)
			ev.ns = EVENT_NS_UNKNOWN;
	}
	emit(b, &ev);
}

static void on_sent(struct bpf_events *b, const struct nfp_sent *s)
{
	struct event ev;

	begin_event(b, &ev, &s->ev, s->id);
	ev.type = EVENT_TRANSMIT;
	ev.transmit.dev = s->dev;
	emit(b, &ev);
}

static void on_gone(struct bpf_events *b, const struct nfp_gone *g)
{
	struct event ev;

	begin_event(b, &ev, &g->ev, g->id);
	if (g->unsure) {
		doubt(b, &ev, 0);
		bpf_events_traversed(b, g->id, b->sink, b->ctx);
	}
	ev.type = EVENT_GONE;
	emit(b, &ev);
}

/* Does what the function returned agree with what its last rule, or the policy, said? */
static bool agrees(const struct nfp_visit *v, bool by_policy, int32_t last)
{
	int32_t said = by_policy ? v->policy : last;

	return (said == NF_ACCEPT) == (v->verdict == NF_ACCEPT);
}

static void end_walk(struct bpf_events *b, struct walk_state *w)
{
	if (w->dropped)
		on_raw(b, &w->drop.ev);
	walk_free(b, w);
}

static void leave_hook(struct bpf_events *b, const struct nfp_visit *v)
{
	struct event ev;

	begin_event(b, &ev, &v->ev, v->id);
	ev.type = EVENT_LEAVE;
	ev.family = v->pf;
	ev.hook = v->hook;
	ev.ct_known = true;
	set_conntrack(&ev, v->ct);
	ev.finds_replies = v->flags & NFP_VISIT_LEARNED;
	emit(b, &ev);
}

static void on_visit(struct bpf_events *b, const struct nfp_visit *v, size_t size)
{
	struct walk_state *w = walk_of(b, v->id);
	bool known = !(v->flags & NFP_VISIT_UNKNOWN);
	int32_t last = NF_DROP;
	struct event ev;

	if (!w || size < offsetof(struct nfp_visit, steps) + v->n * sizeof(v->steps[0]))
		return;
	begin_event(b, &ev, &v->ev, v->id);
	ev.after_ns = v->began;
	if (!(v->flags & NFP_VISIT_NEXT) || w->base != v->base) {
		w->base = w->chains[0] = v->base;
		w->depth = 0;
	}
	for (uint32_t i = 0; i < v->n; i++) {
		known &= on_step(b, w, &ev, v, &v->steps[i]);
		last = v->steps[i].verdict;
	}
	if (!(v->flags & NFP_VISIT_PART)) {
		bool by_policy = v->flags & NFP_VISIT_POLICY;

		if (by_policy && known)
			on_policy(b, w, &ev, v);
		known &= agrees(v, by_policy, last) && (!by_policy || chain_of(b, v->base, v->gen));
	}
	if (!known)
		doubt(b, &ev, 0);
	if (!(v->flags & NFP_VISIT_PART))
		end_walk(b, w);
	if (v->flags & NFP_VISIT_LEFT)
		leave_hook(b, v);
}

static void on_route(struct bpf_events *b, const struct nfp_route *r)
{
	struct event ev;

	begin_event(b, &ev, &r->fib.ev, r->id);
	raw_route(&r->fib, &ev);
	ev.route.input = ev.route.carried = true;
	emit(b, &ev);
}

static bool hold(struct bpf_events *b, const struct nfp_skb *s)
{
	struct walk_state *w = s->in_visit ? walk_of(b, s->id) : NULL;

	if (!w)
		return false;
	w->dropped = true;
	w->drop = *s;
	return true;
}

void bpf_events_traversed(struct bpf_events *b, uint32_t id,
			  void (*sink)(void *ctx, const struct event *ev), void *ctx)
{
	struct walk_state *w;

	b->sink = sink;
	b->ctx = ctx;
	LIST_FOREACH(w, &b->walks[bucket(id)], next) {
		if (w->id == id) {
			end_walk(b, w);
			return;
		}
	}
}

void bpf_events_record(struct bpf_events *b, const struct nfp_event *rec, size_t size,
		       void (*sink)(void *ctx, const struct event *ev), void *ctx)
{
	b->sink = sink;
	b->ctx = ctx;
	switch (rec->type) {
	case NFP_SIGHT:
		if (size >= offsetof(struct nfp_sight, in))
			on_sight(b, (const void *)rec, size);
		break;
	case NFP_VISIT:
		if (size >= offsetof(struct nfp_visit, steps))
			on_visit(b, (const void *)rec, size);
		break;
	case NFP_CHAIN:
		if (size >= sizeof(struct nfp_chain))
			on_chain(b, (const void *)rec);
		break;
	case NFP_KEY:
		if (size >= sizeof(struct nfp_key))
			on_key(b, (const void *)rec);
		break;
	case NFP_GONE:
		if (size >= sizeof(struct nfp_gone))
			on_gone(b, (const void *)rec);
		break;
	case NFP_SENT:
		if (size >= sizeof(struct nfp_sent))
			on_sent(b, (const void *)rec);
		break;
	case NFP_KFREE:
		if (size >= sizeof(struct nfp_skb) && !hold(b, (const void *)rec))
			on_raw(b, rec);
		break;
	case NFP_FIB4:
	case NFP_FIB6:
		if (size >= sizeof(struct nfp_fib))
			on_raw(b, rec);
		break;
	case NFP_ROUTE:
		if (size >= sizeof(struct nfp_route))
			on_route(b, (const void *)rec);
		break;
	}
}

struct bpf_events *bpf_events_open(const struct engine_config *config, struct kernel_names *names)
{
	struct bpf_events *b = calloc(1, sizeof(*b));

	if (!b)
		return NULL;
	b->config = config;
	b->names = names;
	return b;
}

void bpf_events_close(struct bpf_events *b)
{
	struct chain_name *c;
	struct walk_state *w;

	if (!b)
		return;
	for (int i = 0; i < BUCKETS; i++) {
		while ((c = LIST_FIRST(&b->chains[i])))
			chain_free(c);
		while ((w = LIST_FIRST(&b->walks[i])))
			walk_free(b, w);
	}
	spare_free(&b->spare_walks);
	free(b);
}
