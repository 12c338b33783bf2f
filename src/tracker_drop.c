// SPDX-License-Identifier: GPL-2.0-or-later
/* Drops of packets that no path is under way of: no hook had them, or their path was handed out
 * already. */
#include <stdio.h>
#include <string.h>

#include "src/packet.h"
#include "src/tracker_parts.h"

void tracker_take_all_drops(struct tracker *t, bool take)
{
	t->all_drops = take;
}

void tracker_add_drop(struct live *l, const struct event *ev)
{
	struct step *s = path_add(l->path, STEP_DROP, packet_nfproto(&l->now), HOOK_NONE);

	if (!s)
		return;
	s->drop.reason = path_str(l->path, ev->drop.reason);
	s->drop.location = path_str(l->path, ev->drop.location);
	s->drop.stack = path_str(l->path, ev->drop.stack);
	s->drop.oif = path_str(l->path, ev->drop.oif);
}

/*
 * Where kfree_skb() is no drop of a packet on its way. A question to routing is asked with a made up
 * packet. Fragments hang on the packet that they were put together to, which is told itself. And what a
 * closed socket had not read may have come by a device that is gone, so its namespace is not known.
 */
static bool is_none(const char *location)
{
	static const char *const functions[] = {
		"inet_rtm_getroute",	"inet6_rtm_getroute",	  "skb_release_data",
		"udp_destruct_common",	"udp_destruct_sock",	  "udpv6_destruct_sock",
		"skb_queue_purge",	"skb_queue_purge_reason", "__skb_queue_purge_reason",
		"sk_stream_kill_queues", "skb_rbtree_purge",
	};
	size_t len = location ? strcspn(location, "+") : 0;

	for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++)
		if (strlen(functions[i]) == len && !strncmp(location, functions[i], len))
			return true;
	return false;
}

static void name_device(char *to, const char *name)
{
	if (name)
		snprintf(to, IFNAME_MAX, "%s", name);
}

void tracker_drop_alone(struct tracker *t, const struct event *ev, const struct live *before)
{
	/* Nobody is to find it again, by whatever id or headers. */
	static const struct packet nothing;
	struct event at = *ev;
	struct packet *packet;
	struct live *l;

	if (!t->all_drops || !ev->packet || ev->ns == EVENT_NS_UNKNOWN || is_none(ev->drop.location))
		return;
	at.has_id = at.sure_id = true;
	at.id = 0;
	at.cpu = -1;
	l = tracker_begin(t, &at, &nothing);
	if (!l)
		return;
	live_lose_id(l);
	packet = &l->path->packet;
	*packet = *ev->packet;
	name_device(packet->iif, ev->drop.iif);
	name_device(packet->oif, ev->drop.oif);
	memcpy(l->path->places[0].iif, packet->iif, IFNAME_MAX);
	l->matched = before ? before->matched : filter_match(t->filter, packet);
	l->is_reply = before && before->is_reply;
	l->now.family = packet->family;
	l->ended = l->dropped = true;
	l->path->alone = true;
	tracker_add_drop(l, ev);
}
