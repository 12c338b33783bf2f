// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/tracker.h"

#include <errno.h>
#include <linux/netfilter.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "src/handover.h"
#include "src/packet.h"
#include "src/tracker_parts.h"

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
	live_free(&t->table);
	free(t);
}

bool tracker_idle(const struct tracker *t)
{
	return TAILQ_EMPTY(&t->table.live) && TAILQ_EMPTY(&t->table.remembered);
}

const struct tracker_stats *tracker_stats(const struct tracker *t)
{
	return &t->stats;
}

/* Is the path what was asked for? An oif is known only at the end of a path. */
static bool wanted(const struct tracker *t, const struct live *l)
{
	return l->matched && (l->is_reply ? tracker_answers(t, l->path)
					  : filter_match_end(t->filter, &l->path->packet));
}

static uint64_t path_of_original(struct tracker *t, const struct live *l)
{
	const struct live *original = l->copy_of ? live_find_sure(&t->table, l->copy_of) : NULL;

	return original ? original->path_id : 0;
}

static void hand_out(struct tracker *t, struct live *l)
{
	struct path *p = l->path;
	bool take = wanted(t, l);

	p->copy_of = path_of_original(t, l);
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
	return l->ended && !l->puzzling ? quiet_ended_ns : quiet_ns;
}

/* Returns how many copies stay for their originals. */
static unsigned int hand_out_quiet(struct tracker *t, uint64_t synced_ns, bool all)
{
	struct live *l, *next;
	unsigned int waiting = 0;

	for (l = TAILQ_FIRST(&t->table.live); l; l = next) {
		next = TAILQ_NEXT(l, order);
		if (all || l->heard_ns + patience(l) <= synced_ns) {
			if (tracker_sure_waits(t, l))
				waiting++;
			else
				hand_out(t, l);
		} else if (l->heard_ns + quiet_ended_ns > synced_ns) {
			break; /* and so are all after it */
		}
	}
	return waiting;
}

void tracker_flush(struct tracker *t, uint64_t synced_ns, bool all)
{
	struct live *l;

	/* An original is older than its copy: each round has at least one of them. */
	while (hand_out_quiet(t, synced_ns, all) && all)
		;
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

/* Packets that were read in one go are told apart by a nanosecond: a later one has a later time. */
static uint64_t begin_time(struct tracker *t, const struct event *ev)
{
	uint64_t time_ns = realtime_of(ev->before_ns);

	if (time_ns <= t->last_time_ns && t->last_time_ns - time_ns < quiet_ns)
		time_ns = t->last_time_ns + 1;
	t->last_time_ns = time_ns;
	return time_ns;
}

struct live *tracker_begin(struct tracker *t, const struct event *ev, const struct packet *now)
{
	struct live *l = live_new(&t->table);

	if (!l)
		return NULL;
	l->path = path_new();
	if (!l->path) {
		live_drop(&t->table, l);
		return NULL;
	}
	l->ns = ev->ns;
	l->id = ev->id;
	l->sure = ev->has_id && ev->sure_id;
	l->cpu = ev->cpu;
	l->now = *now;
	l->heard_ns = ev->before_ns;
	/* The kernel looked past the headers that it shows us. */
	l->is_reply = ev->type == EVENT_ENTER && ev->enter.is_reply;
	l->matched = l->is_reply || (packet_is_hidden(now) ? filter_match_outer(t->filter, now)
							   : filter_match(t->filter, now));
	l->path->packet = *now;
	l->path->places[0].ns = ev->ns;
	memcpy(l->path->places[0].iif, now->iif, sizeof(now->iif));
	l->path->after_ns = ev->after_ns;
	l->path->before_ns = l->path->heard_ns = ev->before_ns;
	l->path->time_ns = begin_time(t, ev);
	l->path->last_hook = HOOK_NONE;
	live_add(&t->table, l);
	return l;
}

const char tracker_lost_text[] = "events were lost while it was in flight: steps may be missing";

void tracker_heard(struct tracker *t, struct live *l, const struct event *ev)
{
	struct path *p = l->path;

	if (l->outlived_loss && ev->has_id && ev->type != EVENT_GONE)
		path_doubt(p, CERTAIN_NOT, tracker_lost_text);
	/* Where it was at a hook last is what the kernel knows when its memory is freed. */
	if (l->sure && ev->has_id && ev->type != EVENT_GONE && ev->ns != l->ns &&
	    ev->ns != EVENT_NS_UNKNOWN)
		tracker_sure_move(t, l, ev);

	if (ev->before_ns > l->heard_ns)
		l->heard_ns = p->heard_ns = ev->before_ns;
	/* What the rules did, not what became of it later: a socket may be closed much later. */
	if (ev->type <= EVENT_LEAVE && ev->before_ns > p->before_ns)
		p->before_ns = ev->before_ns;
	if (ev->after_ns < p->after_ns)
		p->after_ns = ev->after_ns;
	if (ev->cpu >= 0)
		l->cpu = ev->cpu;
	live_touch(&t->table, l);
}

void tracker_at_hook(struct live *l, const struct event *ev, bool left)
{
	struct path *p = l->path;

	l->family = ev->family;
	l->ruled = false;
	l->routed = ROUTED_NOT;
	p->last_hook = ev->hook;
	p->last_family = ev->family;
	p->left_last = left;
	p->visit += l->sure && !left;
	if (left && ev->hook < 32)
		*(ev->family == NFPROTO_BRIDGE ? &path_here(p)->bridge_passed
					       : &path_here(p)->passed) |= 1u << ev->hook;
}

/* A packet of ours that goes on with the id of this event. */
static struct live *take_over(struct tracker *t, const struct event *ev)
{
	struct live *l = ev->has_id ? handover_find(&t->table, ev) : NULL;

	if (l)
		live_set_id(&t->table, l, ev->id);
	return l;
}

static bool came_back(const struct live *l, const struct event *ev)
{
	return ev->hook == NF_INET_PRE_ROUTING && l->path->left_last &&
	       l->path->last_hook == NF_INET_POST_ROUTING;
}

static void on_enter(struct tracker *t, const struct event *ev)
{
	struct live *l = ev->has_id ? live_find_id(&t->table, ev) : NULL;
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
		l = tracker_begin(t, ev, ev->packet);
		fresh = true;
	}
	if (!l) {
		t->stats.foreign++;
		return;
	}
	if (fresh && ev->hook == NF_INET_LOCAL_OUT)
		tracker_claim_routes(t, l, ev);
	if (came_back(l, ev))
		l->looped_at = l->path->n_steps;
	tracker_heard(t, l, ev);
	tracker_see_headers(t, l, ev);
	tracker_at_hook(l, ev, false);
	tracker_see_conntrack(l, ev);
}

/*
 * The packet of ours that has this id, if the event is about it: a user's rule may trace packets
 * that we did not select, in memory that one of ours had before. Between hooks nothing changes
 * the headers.
 */
static struct live *find_by_id(struct tracker *t, const struct event *ev)
{
	struct live *l = live_find_id(&t->table, ev);

	if (!l || l->sure || l->done || l->odd || !ev->packet || !l->path->left_last ||
	    packet_same(&l->now, ev->packet, false))
		return l;
	live_lose_id(l);
	l->ended = true;
	return NULL;
}

static void on_leave(struct tracker *t, const struct event *ev)
{
	struct live *l = ev->has_id ? find_by_id(t, ev) : NULL;

	if (!l && !ev->sure_id)
		l = take_over(t, ev);
	if (!l || l->done) {
		t->stats.foreign++;
		return;
	}
	tracker_heard(t, l, ev);
	tracker_see_conntrack(l, ev);
	tracker_see_headers(t, l, ev);
	l->path->finds_replies |= ev->finds_replies;
	if (ev->type == EVENT_LEAVE)
		tracker_at_hook(l, ev, true);
	/* Out of its queue. */
	if (l->sure)
		l->queued = false;
}

/* A copy of a packet of ours (flooded by a bridge, sent to several by multicast) carries its mark
 * but has an id of its own. */
static struct live *find_original(struct tracker *t, const struct event *ev)
{
	return ev->packet ? live_find_any(&t->table, ev) : NULL;
}

struct live *tracker_begin_again(struct tracker *t, const struct event *ev,
				 const struct live *before)
{
	struct event at = *ev;
	struct live *l;

	if (at.ns == EVENT_NS_UNKNOWN)
		at.ns = before->ns;
	l = tracker_begin(t, &at, ev->packet ? ev->packet : &before->now);
	if (!l)
		return NULL;
	l->matched = before->matched;
	l->is_reply = before->is_reply;
	path_doubt(l->path, CERTAIN_NOT,
		   path_strf(l->path,
			     "goes on where packet #%llu was left: it came back after that was "
			     "printed",
			     (unsigned long long)before->path_id));
	return l;
}

static struct live *begin_late(struct tracker *t, const struct event *ev, const struct live *before)
{
	struct live *l;

	if (before->done)
		return tracker_begin_again(t, ev, before);
	l = tracker_begin(t, ev, ev->packet);
	if (!l)
		return NULL;
	l->matched = before->matched;
	l->is_reply = before->is_reply;
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
		if (ev->packet && l->ns == ev->ns && !l->ended &&
		    packet_same(&l->now, ev->packet, false))
			path_doubt(l->path, CERTAIN_NOT,
				   "a line of iptables-legacy fitted no packet, and may be its");
}

static struct live *owner_of(struct tracker *t, const struct event *ev)
{
	struct live *l, *before;

	if (ev->has_id && ev->sure_id)
		return tracker_sure_owner(t, ev);
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
		l = live_find_odd(&t->table, ev, ev->hook,
				  "a line of iptables-legacy fitted several packets whose headers "
				  "the kernel's trace does not show");
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
	    last->family != ev->family || last->ns != path_here(p)->ns || strcmp(last->rule.table, ev->rule.table) ||
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
	tracker_heard(t, l, ev);
	tracker_see_conntrack(l, ev);
	tracker_see_headers(t, l, ev);
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
	s->rule.element = path_str(l->path, ev->rule.element);
	if (ev->rule.unresolved)
		path_doubt(l->path, CERTAIN_NOT, "a rule was replaced while the packet was at it");
	l->ruled = true;
	l->queued = s->verdict == VERDICT_QUEUE && !l->gone;
	l->ended = s->verdict == VERDICT_DROP || s->verdict == VERDICT_STOLEN || l->gone;
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

	if (ev->drop.alone) {
		tracker_drop_alone(t, ev, NULL);
		return;
	}
	l = ev->packet ? live_find_headers(&t->table, ev, HOOK_NONE,
					   "several packets with the same headers were in flight "
					   "when one was dropped")
		       : NULL;
	if (!l && ev->packet && (l = find_changed(t, ev)))
		tracker_see_headers(t, l, ev);
	if (!l) {
		/*
		 * Traced by somebody else, a copy, or of a path that was handed out. Or it is one whose
		 * headers do not show all that it is: by which rule that was dropped its path tells.
		 */
		if (ev->packet && !live_has_odd(&t->table, ev))
			tracker_drop_alone(t, ev, live_find_any(&t->table, ev));
		return;
	}
	tracker_heard(t, l, ev);
	tracker_add_drop(l, ev);
	l->ended = l->dropped = true;
	l->puzzling = tracker_is_puzzling(ev);
}

/* Nobody waits for it: its like, from elsewhere, may be waited for (src/diagnosis.c). */
bool tracker_is_puzzling(const struct event *ev)
{
	return ev->drop.reason && !strcmp(ev->drop.reason, "NO_SOCKET");
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
	bool late;

	l = ev->packet ? live_find_headers(&t->table, ev, HOOK_NONE, NULL) : NULL;
	if (!l || was_transmitted(l->path, ev->transmit.dev))
		return;
	/* Where records wait for messages (Linux before 6.3), loopback was faster: sent it was
	 * before that. */
	late = l->looped_at && !strcmp(ev->transmit.dev, l->path->packet.oif);
	/* Copies are sent before their original gets there, and later when a neighbour is looked
	 * for. */
	if (!late && (!l->path->left_last || l->path->last_hook != NF_INET_POST_ROUTING))
		return;
	tracker_heard(t, l, ev);
	s = path_insert(l->path, late ? l->looped_at : l->path->n_steps, STEP_TRANSMIT,
			packet_nfproto(ev->packet), HOOK_NONE);
	if (s)
		s->transmit.dev = path_str(l->path, ev->transmit.dev);
}

/* Nothing more can come that would matter: what was lost came later. */
static bool is_complete(const struct live *l, bool after_post)
{
	const struct path *p = l->path;

	if (l->ended)
		return true;
	/* Followed on, from namespace to namespace: what was lost may be the rest of its way. */
	if (l->sure || !p->left_last || l->family == NFPROTO_BRIDGE)
		return false;
	return p->last_hook == NF_INET_LOCAL_IN || (p->last_hook == NF_INET_POST_ROUTING &&
						    !after_post && strcmp(l->now.oif, "lo") != 0);
}

static void on_lost(struct tracker *t, const struct event *ev)
{
	struct live *l;

	t->stats.lost += ev->lost.count;
	if (ev->lost.whole)
		return;
	TAILQ_FOREACH(l, &t->table.live, order) {
		if (l->ns != ev->ns && ev->ns != EVENT_NS_UNKNOWN)
			continue;
		/* after_ns, if told: something of its own may be among it up to then. */
		if (is_complete(l, ev->lost.after_post) &&
		    (!ev->after_ns || l->heard_ns < ev->after_ns)) {
			l->outlived_loss = true;
			continue;
		}
		l->path->lost += ev->lost.count;
		path_doubt(l->path, CERTAIN_NOT, tracker_lost_text);
	}
}

void tracker_event(struct tracker *t, const struct event *ev)
{
	static const struct {
		void (*by_look)(struct tracker *, const struct event *);
		void (*by_id)(struct tracker *, const struct event *);
	} handlers[] = {
		[EVENT_RULE] = {on_rule, on_rule},
		[EVENT_POLICY] = {on_rule, on_rule},
		[EVENT_RETURN] = {on_rule, on_rule},
		[EVENT_ENTER] = {on_enter, tracker_sure_enter},
		[EVENT_PASS] = {on_leave, on_leave},
		[EVENT_LEAVE] = {on_leave, on_leave},
		[EVENT_ROUTE] = {tracker_on_route, tracker_on_route},
		[EVENT_DROP] = {on_drop, tracker_sure_drop},
		[EVENT_TRANSMIT] = {on_transmit, tracker_sure_transmit},
		[EVENT_LOST] = {on_lost, tracker_sure_lost},
		[EVENT_GONE] = {NULL, tracker_sure_gone}, /* only who knows it by its id can say */
	};
	bool sure = ev->has_id && ev->sure_id;

	if (sure && ev->ns == EVENT_NS_UNKNOWN && ev->type <= EVENT_LEAVE)
		tracker_sure_elsewhere(t, ev);
	else if (sure)
		handlers[ev->type].by_id(t, ev);
	else if (handlers[ev->type].by_look)
		handlers[ev->type].by_look(t, ev);
}
