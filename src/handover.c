// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/handover.h"

#include <linux/netfilter.h>
#include <string.h>

#include "src/packet.h"

enum way {
	WAY_NONE,
	WAY_CALL,  /* the next function called: on the same CPU, before anything else there */
	WAY_QUEUE, /* through the queue of received packets of a CPU: in order */
};

static bool left(const struct live *l, uint8_t hook)
{
	return l->path->left_last && l->path->last_hook == hook;
}

static bool enters(const struct event *ev, uint8_t hook)
{
	return ev->type == EVENT_ENTER && ev->hook == hook;
}

/* br_netfilter calls the hooks of IP from within those of the bridge. */
static bool is_nested(const struct live *l, const struct event *ev)
{
	return l->family == NFPROTO_BRIDGE && ev->family != NFPROTO_BRIDGE && !l->path->left_last;
}

/*
 * br_pass_frame_up(): from a port to the bridge device itself. Where br_netfilter has run
 * prerouting already, ip_sabotage_in() leaves it out, and input or forward is what comes next;
 * what a bridge floods meanwhile has it on both sides.
 */
static bool goes_up(const struct live *l, const struct event *ev)
{
	const struct packet *p = ev->packet;

	if (ev->family == NFPROTO_BRIDGE || !ev->iif_is_bridge)
		return false;
	if (l->family == NFPROTO_BRIDGE)
		return left(l, NF_INET_LOCAL_IN) &&
		       (ev->type != EVENT_ENTER || ev->hook != NF_INET_LOCAL_OUT);
	return left(l, NF_INET_PRE_ROUTING) && ev->type != EVENT_ENTER &&
	       strcmp(p->iif, p->oif) != 0;
}

/* br_dev_xmit(): from the bridge device to its ports. */
static bool goes_down(const struct live *l, const struct event *ev)
{
	return l->family != NFPROTO_BRIDGE && left(l, NF_INET_POST_ROUTING) &&
	       ev->family == NFPROTO_BRIDGE && enters(ev, NF_INET_LOCAL_OUT);
}

static bool left_ingress(const struct live *l, const struct event *ev)
{
	return l->path->last_hook == NF_INET_INGRESS && enters(ev, NF_INET_PRE_ROUTING);
}

static bool loops(const struct live *l, const struct event *ev)
{
	return left(l, NF_INET_POST_ROUTING) && enters(ev, NF_INET_PRE_ROUTING) &&
	       *ev->packet->iif && !strcmp(l->now.oif, ev->packet->iif);
}

bool handover_goes_on(const struct live *l, const struct event *ev)
{
	if (l->done || l->ended || !packet_same(&l->now, ev->packet, true))
		return false;
	return l->path->last_hook == HOOK_NONE || is_nested(l, ev) || goes_up(l, ev) ||
	       goes_down(l, ev) || left_ingress(l, ev);
}

static enum way way_of(const struct live *l, const struct event *ev)
{
	if (l->ended)
		return WAY_NONE;
	if (loops(l, ev))
		return WAY_QUEUE;
	return goes_up(l, ev) || goes_down(l, ev) || left_ingress(l, ev) ? WAY_CALL : WAY_NONE;
}

struct choice {
	struct live *best;
	unsigned int n;
	bool on_cpu;  /* best was last heard of on the CPU of the event */
	bool one_cpu; /* all of them were heard of on one CPU */
};

static bool is_better(const struct choice *c, const struct live *l, enum way way, bool on_cpu)
{
	if (!c->best)
		return true;
	if (way == WAY_CALL && on_cpu != c->on_cpu)
		return on_cpu;
	return way == WAY_CALL ? l->heard_ns > c->best->heard_ns : l->heard_ns < c->best->heard_ns;
}

static void consider(struct choice *c, struct live *l, enum way way, const struct event *ev)
{
	bool on_cpu = ev->cpu >= 0 && l->cpu == ev->cpu;

	c->one_cpu = l->cpu >= 0 && (!c->best || (c->one_cpu && c->best->cpu == l->cpu));
	c->n++;
	if (!is_better(c, l, way, on_cpu))
		return;
	c->best = l;
	c->on_cpu = on_cpu;
}

struct live *handover_find(struct live_table *t, const struct event *ev)
{
	struct choice c = {0};
	enum way way = WAY_NONE;
	struct live *l = NULL;

	if (!ev->packet)
		return NULL;
	while ((l = live_next_same(t, ev->ns, ev->packet, l))) {
		enum way w = way_of(l, ev);

		if (w != WAY_NONE)
			consider(&c, l, way = w, ev);
	}
	if (c.n < 2 || (way == WAY_CALL ? c.on_cpu : c.one_cpu))
		return c.best;
	while ((l = live_next_same(t, ev->ns, ev->packet, l)))
		if (way_of(l, ev) != WAY_NONE)
			path_doubt(l->path, CERTAIN_NOT,
				   "several packets with the same headers were at the same place");
	return c.best;
}
