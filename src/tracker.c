// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/tracker.h"

#include <errno.h>
#include <linux/netfilter.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "src/handover.h"
#include "src/live.h"
#include "src/packet.h"

enum { ROUTES_KEPT = 8 };

/* Quiet for so long, a packet has gone where we cannot see it. A traversal takes microseconds; a
 * preempted one more. */
static const uint64_t quiet_ns = 150 * 1000 * 1000;
/* After a verdict that ends it: only the drop reason may still come. */
static const uint64_t quiet_ended_ns = 10 * 1000 * 1000;
/* In a queue, a program decides when it goes on. */
static const uint64_t quiet_queued_ns = 2000ULL * 1000 * 1000;
/* A path that was handed out is remembered: what comes later for it must not look like another
 * packet. */
static const uint64_t remember_ns = 3000ULL * 1000 * 1000;
/* A route lookup comes right before the output hook that uses it. */
static const uint64_t route_before_output_ns = 1000 * 1000;

/* A lookup that no packet has claimed yet. */
struct kept_route {
	struct event ev;
	char dev[IFNAME_MAX];
};

struct tracker {
	const struct filter *filter;
	void (*done)(void *ctx, struct path *p);
	void *ctx;
	struct live_table table;
	struct kept_route routes[ROUTES_KEPT];
	unsigned int next_route;
	struct tracker_stats stats;
};

struct tracker *tracker_open(const struct filter *filter, void (*done)(void *ctx, struct path *p),
			     void *ctx)
{
	struct tracker *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->filter = filter;
	t->done = done;
	t->ctx = ctx;
	live_init(&t->table);
	return t;
}

void tracker_close(struct tracker *t)
{
	struct live *l;

	if (!t)
		return;
	while ((l = TAILQ_FIRST(&t->table.live)) || (l = TAILQ_FIRST(&t->table.remembered)))
		live_forget(&t->table, l);
	free(t);
}

const struct tracker_stats *tracker_stats(const struct tracker *t)
{
	return &t->stats;
}

/* Is the path what was asked for? An oif is known only at the end of a path. */
static bool wanted(const struct tracker *t, const struct live *l)
{
	return l->matched && (!*t->filter->oif || !strcmp(t->filter->oif, l->path->packet.oif));
}

static void hand_out(struct tracker *t, struct live *l)
{
	struct path *p = l->path;
	bool take = wanted(t, l);

	live_finish(&t->table, l);
	if (!take) {
		path_free(p);
		return;
	}
	p->id = l->path_id = ++t->stats.packets;
	t->done(t->ctx, p);
}

static uint64_t patience(const struct live *l)
{
	if (l->queued)
		return quiet_queued_ns;
	return l->ended ? quiet_ended_ns : quiet_ns;
}

void tracker_flush(struct tracker *t, uint64_t synced_ns, bool all)
{
	struct live *l, *next;

	for (l = TAILQ_FIRST(&t->table.live); l; l = next) {
		next = TAILQ_NEXT(l, order);
		if (all || l->heard_ns + patience(l) <= synced_ns)
			hand_out(t, l);
		else if (l->heard_ns + quiet_ended_ns > synced_ns)
			break; /* and so are all after it */
	}
	while ((l = TAILQ_FIRST(&t->table.remembered)) &&
	       (all || l->heard_ns + remember_ns <= synced_ns))
		live_forget(&t->table, l);
}

static uint64_t realtime_of(uint64_t monotonic_ns)
{
	struct timespec real, mono;

	clock_gettime(CLOCK_REALTIME, &real);
	clock_gettime(CLOCK_MONOTONIC, &mono);
	return (uint64_t)real.tv_sec * 1000000000 + real.tv_nsec -
	       ((uint64_t)mono.tv_sec * 1000000000 + mono.tv_nsec - monotonic_ns);
}

static struct live *begin(struct tracker *t, const struct event *ev)
{
	struct live *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	l->path = path_new();
	if (!l->path) {
		free(l);
		return NULL;
	}
	l->ns = ev->ns;
	l->id = ev->id;
	l->cpu = ev->cpu;
	l->now = *ev->packet;
	l->heard_ns = ev->before_ns;
	/* The kernel looked past the headers that it shows us. */
	l->matched = packet_is_hidden(ev->packet) || filter_match(t->filter, ev->packet);
	l->path->packet = *ev->packet;
	l->path->ns = ev->ns;
	l->path->after_ns = ev->after_ns;
	l->path->before_ns = ev->before_ns;
	l->path->time_ns = realtime_of(ev->before_ns);
	l->path->last_hook = HOOK_NONE;
	live_add(&t->table, l);
	return l;
}

static const char lost_text[] = "events were lost while it was in flight: steps may be missing";

static void heard(struct tracker *t, struct live *l, const struct event *ev)
{
	struct path *p = l->path;

	if (l->outlived_loss && ev->has_id)
		path_doubt(p, CERTAIN_NOT, lost_text);

	l->heard_ns = ev->before_ns;
	/* What the rules did, not what became of it later: a socket may be closed much later. */
	if (ev->type <= EVENT_LEAVE && ev->before_ns > p->before_ns)
		p->before_ns = ev->before_ns;
	if (ev->after_ns < p->after_ns)
		p->after_ns = ev->after_ns;
	if (ev->cpu >= 0)
		l->cpu = ev->cpu;
	live_touch(&t->table, l);
}

static bool same_endpoint(const struct endpoint *a, const struct endpoint *b)
{
	return a->port == b->port && !memcmp(a->addr, b->addr, ADDR_MAX);
}

static uint8_t nfproto_of(const struct packet *p)
{
	return p->family == AF_INET6 ? NFPROTO_IPV6 : NFPROTO_IPV4;
}

static void add_nat(struct path *p, const struct packet *now, uint8_t hook, bool dnat,
		    const struct endpoint *src)
{
	struct step *s = path_add(p, STEP_NAT, nfproto_of(now), hook);

	if (!s)
		return;
	s->nat.dnat = dnat;
	s->nat.snat = !dnat;
	s->nat.src = *src;
	s->nat.dst = now->dst;
	s->nat.has_ports = now->has_ports;
}

/*
 * Defragmentation made one packet of several: it goes on as the one that came last
 * (inet_frag_reasm_prepare()). The others have no way of their own any more; those that met no rule
 * before are not worth a word.
 */
static void swallow_pieces(struct tracker *t, struct live *last, const struct packet *whole)
{
	size_t n = whole->family == AF_INET6 ? 16 : 4;
	struct live *l;

	LIST_FOREACH(l, &t->table.odd, by_oddity)
	{
		bool blank = packet_is_blank(&l->now);

		if (l == last || l->ns != last->ns || l->ended ||
		    !live_completes(l, blank ? whole : &l->now) ||
		    (!blank && (!packet_is_piece(&l->now) || l->now.ip_id != whole->ip_id ||
				memcmp(l->now.src.addr, whole->src.addr, n))))
			continue;
		/* NAT at prerouting leaves the source alone; what the destination was, the first
		 * fragment tells. */
		if (!blank && packet_is_blank(&last->now)) {
			last->now = l->now;
			last->path->packet = l->now;
		}
		if (!l->path->n_steps)
			l->matched = false;
		path_doubt(l->path, CERTAIN_NOT,
			   "it was a fragment, and went on as part of the whole packet");
		l->ended = true;
	}
}

static bool same_addrs(const struct packet *a, const struct packet *b)
{
	return !memcmp(a->src.addr, b->src.addr, ADDR_MAX) &&
	       !memcmp(a->dst.addr, b->dst.addr, ADDR_MAX);
}

/* An odd packet is seen whole: now it has its protocol and ports, and the filter can decide. */
static void become_whole(struct tracker *t, struct live *l, const struct packet *now)
{
	struct packet *shown = &l->path->packet;
	struct packet whole = *now;

	if (packet_is_piece(&l->now) || packet_is_blank(&l->now))
		swallow_pieces(t, l, now);
	memcpy(whole.iif, shown->iif, sizeof(whole.iif));
	memcpy(whole.oif, shown->oif, sizeof(whole.oif));
	l->matched |= filter_match(t->filter, &whole);
	/* What NAT made of it is not what it was first seen as. */
	if (packet_is_blank(&l->now) || same_addrs(&l->now, now))
		*shown = whole;
}

/* What changed since its headers were last seen is NAT, and it came before this event. */
static void see_nat(struct live *l, const struct packet *now, uint8_t hook)
{
	bool comparable = l->now.has_ports == now->has_ports;

	if (comparable ? !same_endpoint(&l->now.dst, &now->dst)
		       : memcmp(l->now.dst.addr, now->dst.addr, ADDR_MAX))
		add_nat(l->path, now, hook, true, comparable ? &l->now.src : &now->src);
	if (comparable ? !same_endpoint(&l->now.src, &now->src)
		       : memcmp(l->now.src.addr, now->src.addr, ADDR_MAX))
		add_nat(l->path, now, hook, false, &now->src);
}

static void see_headers(struct tracker *t, struct live *l, const struct event *ev, uint8_t hook)
{
	const struct packet *now = ev->packet;
	bool hidden = packet_is_hidden(&l->now);

	if (!now || !now->has_addrs)
		return;
	if (*now->oif && !*l->path->packet.oif)
		strcpy(l->path->packet.oif, now->oif);
	if (l->odd && !packet_is_piece(now) && !packet_is_hidden(now)) {
		become_whole(t, l, now);
		if (hidden) /* nft goes on showing it as before */
			return;
	}
	if (l->now.has_addrs && l->now.family == now->family)
		see_nat(l, now, hook);
	live_set_headers(&t->table, l, now);
}

static void see_conntrack(struct live *l, const struct event *ev)
{
	struct step *s;

	if (ev->ct_state == CT_NONE || ev->ct_state == l->ct_state)
		return;
	l->ct_state = ev->ct_state;
	s = path_add(l->path, STEP_CONNTRACK, ev->family, l->path->last_hook);
	if (!s)
		return;
	s->ct.state = ev->ct_state;
	s->ct.id = ev->ct_id;
	s->ct.reply = ev->ct_reply;
}

static void enter_hook(struct live *l, const struct event *ev, bool left)
{
	struct path *p = l->path;

	l->family = ev->family;
	l->ruled = false;
	l->routed = ROUTED_NOT;
	p->last_hook = ev->hook;
	p->left_last = left;
	if (left && ev->hook < 32)
		*(ev->family == NFPROTO_BRIDGE ? &p->bridge_passed : &p->passed) |= 1u << ev->hook;
}

/* Do these two lookups belong to one decision? The first tables that had no answer are not worth a
 * step of their own. */
static bool continues_decision(const struct step *last, bool input, bool reverse)
{
	if (reverse)
		return last->type == STEP_RP_FILTER && !last->rpf.reverse_dev;
	return last->type == STEP_ROUTE && last->route.input == input && last->route.error;
}

static void add_route(struct live *l, const struct event *ev, bool reverse)
{
	struct path *p = l->path;
	uint8_t family = ev->route.family == AF_INET6 ? NFPROTO_IPV6 : NFPROTO_IPV4;
	struct step *s = p->n_steps ? &p->steps[p->n_steps - 1] : NULL;
	char text[64];

	if (!s || !continues_decision(s, ev->route.input, reverse))
		s = path_add(p, reverse ? STEP_RP_FILTER : STEP_ROUTE, family, HOOK_NONE);
	if (!s)
		return;
	if (reverse) {
		s->rpf.mode = s->rpf.all = s->rpf.dev_mode = -1;
		s->rpf.pass = true;
		s->rpf.iif = path_str(p, l->now.iif);
		s->rpf.reverse_dev = ev->route.error ? NULL : path_str(p, ev->route.dev);
		s->rpf.reverse_type = ev->route.error ? 0 : ev->route.type;
		return;
	}
	s->route.input = ev->route.input;
	s->route.error = ev->route.error;
	s->route.table = ev->route.table;
	s->route.rule = -1;
	s->route.dev = ev->route.error ? NULL : path_str(p, ev->route.dev);
	if (ev->route.has_gateway && !ev->route.error)
		s->route.gateway = path_str(
			p, addr_text(text, sizeof(text), ev->route.family, ev->route.gateway));
	s->route.type = ev->route.type;
	s->route.plen = ev->route.plen;
}

enum flow_fit { FLOW_OTHER, FLOW_FORWARD, FLOW_REVERSE };

static enum flow_fit flow_fits(const struct packet *p, const struct event *ev)
{
	static const uint8_t any[ADDR_MAX];
	size_t n = ev->route.family == AF_INET6 ? 16 : 4;
	bool src_any = !memcmp(ev->route.src, any, n);

	if (p->family != ev->route.family || !p->has_addrs)
		return FLOW_OTHER;
	if (!memcmp(p->dst.addr, ev->route.dst, n) &&
	    (!memcmp(p->src.addr, ev->route.src, n) || src_any))
		return FLOW_FORWARD;
	if (!memcmp(p->src.addr, ev->route.dst, n) &&
	    (!memcmp(p->dst.addr, ev->route.src, n) || src_any))
		return FLOW_REVERSE;
	return FLOW_OTHER;
}

/*
 * Past prerouting comes the routing decision of what arrived; in output, a changed packet is routed
 * again. Lookups at other times are those of another packet, such as the answer that this one
 * provokes.
 */
static bool is_routed_now(const struct live *l)
{
	const struct path *p = l->path;

	if (l->ended)
		return false;
	return p->left_last ? p->last_hook == NF_INET_PRE_ROUTING && !l->ruled
			    : p->last_hook == NF_INET_LOCAL_OUT;
}

/*
 * Arrived packets: lookups for the way on, table after table until one has an answer, then for the
 * way back (fib_validate_source()). What comes after that is done for the ICMP error that the
 * packet provokes (icmp_route_lookup()), which looks all of it up again.
 */
static bool is_its_lookup(struct live *l, const struct event *ev, enum flow_fit fit)
{
	if (fit == FLOW_OTHER || !is_routed_now(l))
		return false;
	if (!l->path->left_last)
		return fit == FLOW_FORWARD && !ev->route.input;
	if (fit == FLOW_FORWARD) {
		if (!ev->route.input || l->routed != ROUTED_NOT)
			return false;
		if (ev->route.error != -EAGAIN)
			l->routed = ev->route.error ? ROUTED_OVER : ROUTED_ON;
		return true;
	}
	if (l->routed != ROUTED_ON)
		return false;
	if (ev->route.error != -EAGAIN)
		l->routed = ROUTED_OVER;
	return true;
}

static void on_route(struct tracker *t, const struct event *ev)
{
	struct kept_route *kept;
	struct live *l;

	/* The packet that this CPU was last busy with, if the flow is its own. */
	TAILQ_FOREACH_REVERSE(l, &t->table.live, live_tailq, order)
	{
		enum flow_fit fit;

		if (l->cpu != ev->cpu || ev->cpu < 0)
			continue;
		fit = flow_fits(&l->now, ev);
		if (!is_its_lookup(l, ev, fit))
			break;
		heard(t, l, ev);
		add_route(l, ev, fit == FLOW_REVERSE);
		return;
	}
	kept = &t->routes[t->next_route++ % ROUTES_KEPT];
	kept->ev = *ev;
	if (ev->route.dev) {
		snprintf(kept->dev, sizeof(kept->dev), "%s", ev->route.dev);
		kept->ev.route.dev = kept->dev;
	}
}

/* A packet of our own making was routed just before its first hook. */
static void claim_routes(struct tracker *t, struct live *l, const struct event *ev)
{
	/* The youngest that found a way: earlier ones chose a source address, or asked tables that
	 * had no answer. */
	for (unsigned int i = ROUTES_KEPT; i-- > 0;) {
		struct kept_route *k = &t->routes[(t->next_route + i) % ROUTES_KEPT];

		if (k->ev.type != EVENT_ROUTE || k->ev.cpu != ev->cpu || ev->cpu < 0 ||
		    k->ev.route.input || k->ev.route.error ||
		    k->ev.before_ns + route_before_output_ns < ev->before_ns ||
		    flow_fits(&l->now, &k->ev) != FLOW_FORWARD)
			continue;
		add_route(l, &k->ev, false);
		k->ev.type = EVENT_LOST; /* taken */
		return;
	}
}

/* A packet of ours that goes on with the id of this event. */
static struct live *take_over(struct tracker *t, const struct event *ev)
{
	struct live *l = ev->has_id ? handover_find(&t->table, ev) : NULL;

	if (l)
		live_set_id(&t->table, l, ev->id);
	return l;
}

static void on_enter(struct tracker *t, const struct event *ev)
{
	struct live *l = ev->has_id ? live_find_id(&t->table, ev->ns, ev->id) : NULL;
	bool fresh = false;

	if (!ev->packet)
		return;
	if (l && !handover_goes_on(l, ev)) {
		/* Its memory was given to another packet: the old one is over. */
		live_lose_id(l);
		l->ended = true;
		l = NULL;
	}
	if (!l)
		l = take_over(t, ev);
	if (!l && ev->enter.selected) {
		l = begin(t, ev);
		fresh = true;
	}
	if (!l) {
		t->stats.foreign++;
		return;
	}
	if (fresh && ev->hook == NF_INET_LOCAL_OUT)
		claim_routes(t, l, ev);
	heard(t, l, ev);
	see_headers(t, l, ev, ev->hook);
	enter_hook(l, ev, false);
	see_conntrack(l, ev);
}

/*
 * The packet of ours that has this id, if the event is about it: a user's rule may trace packets
 * that we did not select, in memory that one of ours had before. Between hooks nothing changes
 * the headers.
 */
static struct live *find_by_id(struct tracker *t, const struct event *ev)
{
	struct live *l = live_find_id(&t->table, ev->ns, ev->id);

	if (!l || l->done || l->odd || !ev->packet || !l->path->left_last ||
	    packet_same(&l->now, ev->packet, false))
		return l;
	live_lose_id(l);
	l->ended = true;
	return NULL;
}

static void on_leave(struct tracker *t, const struct event *ev)
{
	struct live *l = ev->has_id ? find_by_id(t, ev) : NULL;

	if (!l)
		l = take_over(t, ev);
	if (!l || l->done) {
		t->stats.foreign++;
		return;
	}
	heard(t, l, ev);
	see_conntrack(l, ev);
	see_headers(t, l, ev, ev->hook);
	if (ev->type == EVENT_LEAVE)
		enter_hook(l, ev, true);
}

/* A copy of a packet of ours (flooded by a bridge, sent to several by multicast) carries its mark
 * but has an id of its own. */
static struct live *find_original(struct tracker *t, const struct event *ev)
{
	return ev->packet ? live_find_any(&t->table, ev) : NULL;
}

static struct live *begin_late(struct tracker *t, const struct event *ev, const struct live *before)
{
	struct live *l = begin(t, ev);

	if (!l)
		return NULL;
	l->matched = before->matched;
	if (before->done)
		path_doubt(l->path, CERTAIN_NOT,
			   path_strf(l->path,
				     "goes on where packet #%llu was left: it came back after that "
				     "was printed",
				     (unsigned long long)before->path_id));
	else
		path_doubt(l->path, CERTAIN_NOT,
			   "a copy of another packet: its path before the copy is that packet's");
	return l;
}

/* A line that fits no packet may be missing from one whose headers were changed by other means than
 * NAT. */
static void doubt_alike(struct tracker *t, const struct event *ev)
{
	struct live *l;

	TAILQ_FOREACH(l, &t->table.live, order)
	if (ev->packet && l->ns == ev->ns && !l->ended && packet_same(&l->now, ev->packet, false))
		path_doubt(l->path, CERTAIN_NOT,
			   "a line of iptables-legacy fitted no packet, and may be its");
}

static struct live *owner_of(struct tracker *t, const struct event *ev)
{
	struct live *l, *before;

	if (ev->has_id) {
		l = find_by_id(t, ev);
		if (!l)
			l = take_over(t, ev);
		if (l && !l->done)
			return l;
		before = find_original(t, ev);
		if (before) {
			l = begin_late(t, ev, before);
			if (l)
				return l;
		}
		t->stats.foreign++;
		return NULL;
	}
	l = ev->packet ? live_find_headers(&t->table, ev, ev->hook,
					   "several packets with the same headers were in the same "
					   "hook")
		       : NULL;
	if (!l && ev->packet)
		l = live_find_odd(&t->table, ev, ev->hook);
	if (!l) {
		doubt_alike(t, ev);
		t->stats.stray++;
		return NULL;
	}
	return l;
}

/*
 * nft says the end of a base chain twice: as the end of a chain and as its policy. One step is made
 * of it.
 */
static struct step *end_of_base_chain(struct path *p, const struct event *ev)
{
	struct step *last = p->n_steps ? &p->steps[p->n_steps - 1] : NULL;

	if (ev->type != EVENT_POLICY || !last || last->type != STEP_RETURN ||
	    last->family != ev->family || strcmp(last->rule.table, ev->rule.table) ||
	    strcmp(last->rule.chain, ev->rule.chain))
		return NULL;
	last->type = STEP_POLICY;
	return last;
}

static void on_rule(struct tracker *t, const struct event *ev)
{
	static const enum step_type types[] = {[EVENT_RULE] = STEP_RULE,
					       [EVENT_POLICY] = STEP_POLICY,
					       [EVENT_RETURN] = STEP_RETURN};
	struct live *l = owner_of(t, ev);
	struct step *s;

	if (!l)
		return;
	heard(t, l, ev);
	see_conntrack(l, ev);
	see_headers(t, l, ev, ev->hook);
	s = end_of_base_chain(l->path, ev);
	if (!s)
		s = path_add(l->path, types[ev->type], ev->family, ev->hook);
	if (!s)
		return;
	s->backend = ev->rule.legacy ? BACKEND_IPTABLES_LEGACY : BACKEND_NFT;
	s->verdict = ev->rule.verdict;
	s->rule.table = path_str(l->path, ev->rule.table);
	s->rule.chain = path_str(l->path, ev->rule.chain);
	s->rule.target = path_str(l->path, ev->rule.target);
	s->rule.handle = ev->rule.handle;
	s->rule.number = ev->rule.number;
	l->ruled = true;
	l->queued = s->verdict == VERDICT_QUEUE;
	l->ended = s->verdict == VERDICT_DROP || s->verdict == VERDICT_STOLEN;
}

/* NAT gave it other headers in the middle of a hook and could not let it go on (no route there):
 * the one that this CPU is busy with. */
static struct live *find_changed(struct tracker *t, const struct event *ev)
{
	struct live *l;

	TAILQ_FOREACH_REVERSE(l, &t->table.live, live_tailq, order)
	if (l->cpu == ev->cpu && l->ns == ev->ns)
		return ev->cpu >= 0 && !l->ended && !l->path->left_last &&
				       packet_same(&l->now, ev->packet, false)
			       ? l
			       : NULL;
	return NULL;
}

static void on_drop(struct tracker *t, const struct event *ev)
{
	struct live *l;
	struct step *s;

	l = ev->packet ? live_find_headers(&t->table, ev, HOOK_NONE,
					   "several packets with the same headers were in flight "
					   "when one was dropped")
		       : NULL;
	if (!l && ev->packet && (l = find_changed(t, ev)))
		see_headers(t, l, ev, l->path->last_hook);
	if (!l)
		return; /* traced by somebody else, or a copy */
	heard(t, l, ev);
	s = path_add(l->path, STEP_DROP, nfproto_of(ev->packet), HOOK_NONE);
	if (!s)
		return;
	s->drop.reason = path_str(l->path, ev->drop.reason);
	s->drop.location = path_str(l->path, ev->drop.location);
	l->ended = l->dropped = true;
}

/* Was it handed to this device already? The same one twice is a copy's. */
static bool was_transmitted(const struct path *p, const char *dev)
{
	for (size_t i = 0; i < p->n_steps; i++)
		if (p->steps[i].type == STEP_TRANSMIT && p->steps[i].transmit.dev && dev &&
		    !strcmp(p->steps[i].transmit.dev, dev))
			return true;
	return false;
}

static void on_transmit(struct tracker *t, const struct event *ev)
{
	struct live *l;
	struct step *s;

	l = ev->packet ? live_find_headers(&t->table, ev, HOOK_NONE, NULL) : NULL;
	/* Copies are sent before their original gets there, and later when a neighbour is looked
	 * for. */
	if (!l || !l->path->left_last || l->path->last_hook != NF_INET_POST_ROUTING ||
	    was_transmitted(l->path, ev->transmit.dev))
		return;
	heard(t, l, ev);
	s = path_add(l->path, STEP_TRANSMIT, nfproto_of(ev->packet), HOOK_NONE);
	if (s)
		s->transmit.dev = path_str(l->path, ev->transmit.dev);
}

/* Nothing more can come that would matter: what was lost came later. */
static bool is_complete(const struct live *l, bool after_post)
{
	const struct path *p = l->path;

	if (l->ended)
		return true;
	if (!p->left_last || l->family == NFPROTO_BRIDGE)
		return false;
	return p->last_hook == NF_INET_LOCAL_IN || (p->last_hook == NF_INET_POST_ROUTING &&
						    !after_post && strcmp(l->now.oif, "lo") != 0);
}

static void on_lost(struct tracker *t, const struct event *ev)
{
	struct live *l;

	t->stats.lost += ev->lost.count;
	TAILQ_FOREACH(l, &t->table.live, order)
	{
		if (l->ns != ev->ns)
			continue;
		if (is_complete(l, ev->lost.after_post)) {
			l->outlived_loss = true;
			continue;
		}
		l->path->lost += ev->lost.count;
		path_doubt(l->path, CERTAIN_NOT, lost_text);
	}
}

void tracker_event(struct tracker *t, const struct event *ev)
{
	static void (*const handlers[])(struct tracker *, const struct event *) = {
		[EVENT_RULE] = on_rule,	  [EVENT_POLICY] = on_rule, [EVENT_RETURN] = on_rule,
		[EVENT_ENTER] = on_enter, [EVENT_LEAVE] = on_leave, [EVENT_PASS] = on_leave,
		[EVENT_ROUTE] = on_route, [EVENT_DROP] = on_drop,   [EVENT_TRANSMIT] = on_transmit,
		[EVENT_LOST] = on_lost,
	};

	handlers[ev->type](t, ev);
}
