// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Packets whose id is theirs alone: the engine knows each skb from its first hook to its end, so
 * nothing is guessed from headers. They are followed through NAT, loopback, bridges and tunnels, and
 * from one namespace to the next.
 */
#include <linux/netfilter.h>
#include <string.h>

#include "src/packet.h"
#include "src/tracker_parts.h"

static struct live *find_living(struct tracker *t, const struct event *ev)
{
	struct live *l = live_find_id(&t->table, ev);

	return l && !l->done ? l : NULL;
}

/* Its path was handed out, and there is more: that is a path of its own, which has the id from now
 * on. */
static struct live *go_on(struct tracker *t, const struct event *ev, struct live *before)
{
	live_lose_id(before);
	return tracker_begin_again(t, ev, before);
}

void tracker_sure_move(struct tracker *t, struct live *l, const struct event *ev)
{
	const char *iif = ev->packet ? ev->packet->iif : "";
	size_t known = l->path->n_places;
	struct path_place *place;

	live_set_ns(&t->table, l, ev->ns);
	l->ct_state = CT_NONE; /* each namespace tracks its own connections */
	place = path_move(l->path, ev->ns);
	if (!place)
		return;
	if (l->path->n_places > known)
		memcpy(place->iif, iif, strlen(iif) + 1);
	else if (strcmp(place->iif, iif) != 0)
		*place->iif = '\0';
}

static void set_copy(struct tracker *t, struct live *l, uint32_t copy_of)
{
	struct live *original = live_find_sure(&t->table, copy_of);

	l->path->is_copy = true;
	/* The kernel numbers copies only of packets that it selected. */
	l->matched = !original || original->matched;
	l->is_reply = original && original->is_reply;
	/* One that came after its copy is none. */
	l->copy_of = original && original != l ? copy_of : 0;
}

bool tracker_sure_waits(struct tracker *t, const struct live *l)
{
	const struct live *original = l->copy_of ? live_find_sure(&t->table, l->copy_of) : NULL;

	return original && !original->done;
}

static struct live *begin(struct tracker *t, const struct event *ev)
{
	struct live *l = tracker_begin(t, ev, ev->packet);

	if (!l)
		return NULL;
	if (ev->enter.copy_of)
		set_copy(t, l, ev->enter.copy_of);
	if (ev->hook == NF_INET_LOCAL_OUT)
		tracker_claim_routes(t, l, ev);
	return l;
}

/* Followed for so long that its path is handed out and forgotten; or its memory is another packet's, and
 * the end of the one before was left out. */
static struct live *begin_late(struct tracker *t, const struct event *ev)
{
	struct live *l = tracker_begin(t, ev, ev->packet);

	if (l)
		path_doubt(l->path, CERTAIN_NOT,
			   "it was followed before, and what it did then is not known any more");
	return l;
}

/* No step can be named there, and the last known namespace has nothing to do with it. */
void tracker_sure_elsewhere(struct tracker *t, const struct event *ev)
{
	struct live *l = find_living(t, ev);

	if (!l) {
		t->stats.foreign++;
		return;
	}
	tracker_heard(t, l, ev);
	path_doubt(l->path, CERTAIN_NOT,
		   "it was in a network namespace that cannot be opened: what its rules did there "
		   "is not shown");
	if (ev->packet && ev->packet->has_addrs)
		live_set_headers(&t->table, l, ev->packet);
	if (ev->type == EVENT_ENTER || ev->type == EVENT_LEAVE) {
		l->path->last_hook = ev->hook;
		l->path->left_last = ev->type == EVENT_LEAVE;
	}
}

static bool may_begin(const struct event *ev)
{
	return ev->packet && (ev->enter.selected || ev->enter.copy_of);
}

void tracker_sure_enter(struct tracker *t, const struct event *ev)
{
	struct live *l = live_find_id(&t->table, ev);

	if (l && l->done)
		l = go_on(t, ev, l);
	else if (!l && may_begin(ev))
		l = begin(t, ev);
	else if (!l && ev->packet)
		l = begin_late(t, ev);
	if (!l) {
		t->stats.foreign++;
		return;
	}
	tracker_heard(t, l, ev);
	tracker_see_headers(t, l, ev);
	tracker_at_hook(l, ev, false);
	tracker_see_conntrack(l, ev);
	/* Whoever had taken it has sent it on: a queue, or a rule that hands it to another device. */
	l->queued = false;
	l->ended = l->gone || l->dropped;
}

struct live *tracker_sure_owner(struct tracker *t, const struct event *ev)
{
	struct live *l = live_find_id(&t->table, ev);

	if (l && l->done)
		l = go_on(t, ev, l);
	if (!l)
		t->stats.foreign++;
	return l;
}

void tracker_sure_drop(struct tracker *t, const struct event *ev)
{
	struct live *l = find_living(t, ev);

	if (!l) {
		tracker_drop_alone(t, ev, live_find_id(&t->table, ev));
		return;
	}
	tracker_heard(t, l, ev);
	/* NAT may have changed it in the hook that it did not leave. */
	if (!l->path->left_last)
		tracker_see_headers(t, l, ev);
	tracker_add_drop(l, ev);
	l->ended = l->dropped = true;
	l->puzzling = tracker_is_puzzling(ev);
	l->queued = false;
}

/* A device that has no room is asked again. */
static bool is_repeated(const struct path *p, const char *dev)
{
	const struct step *last = p->n_steps ? &p->steps[p->n_steps - 1] : NULL;

	return last && last->type == STEP_TRANSMIT && last->ns == path_here(p)->ns && dev &&
	       last->transmit.dev && !strcmp(last->transmit.dev, dev);
}

void tracker_sure_transmit(struct tracker *t, const struct event *ev)
{
	struct live *l = find_living(t, ev);
	struct step *s;

	if (!l)
		return;
	tracker_heard(t, l, ev);
	if (is_repeated(l->path, ev->transmit.dev))
		return;
	s = path_add(l->path, STEP_TRANSMIT, packet_nfproto(&l->now), HOOK_NONE);
	if (s)
		s->transmit.dev = path_str(l->path, ev->transmit.dev);
}

void tracker_sure_lost(struct tracker *t, const struct event *ev)
{
	struct live *l = find_living(t, ev);

	t->stats.lost += ev->lost.count;
	if (!l)
		return;
	l->path->lost += ev->lost.count;
	if (ev->lost.because)
		path_doubt(l->path, ev->lost.certainty, path_str(l->path, ev->lost.because));
	else
		path_doubt(l->path, CERTAIN_NOT, tracker_lost_text);
}

void tracker_sure_gone(struct tracker *t, const struct event *ev)
{
	struct live *l = find_living(t, ev);

	if (!l)
		return;
	tracker_heard(t, l, ev);
	l->ended = l->gone = true;
	l->queued = false;
}
