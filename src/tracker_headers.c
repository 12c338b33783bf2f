// SPDX-License-Identifier: GPL-2.0-or-later
/* What the headers and the connection of a packet tell from one event to the next: NAT, fragments,
 * conntrack. */
#include <netinet/in.h> /* before linux/netfilter.h, which takes the kernel's copy */
#include <linux/netfilter.h>
#include <string.h>
#include <sys/socket.h>

#include "src/packet.h"
#include "src/tracker_parts.h"

static bool same_endpoint(const struct endpoint *a, const struct endpoint *b)
{
	return a->port == b->port && !memcmp(a->addr, b->addr, ADDR_MAX);
}

static void add_nat(struct path *p, const struct packet *now, uint8_t hook, bool dnat,
		    const struct endpoint *src)
{
	struct step *s = path_add(p, STEP_NAT, packet_nfproto(now), hook);

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

	LIST_FOREACH(l, &t->table.odd, by_oddity) {
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

/* A line of iptables-legacy shows a piece's headers, all of them. */
static void become_known(struct tracker *t, struct live *l, const struct packet *now)
{
	struct packet *shown = &l->path->packet;
	struct packet known = *now;

	memcpy(known.iif, shown->iif, sizeof(known.iif));
	memcpy(known.oif, shown->oif, sizeof(known.oif));
	known.mark = shown->mark;
	l->matched |= filter_match(t->filter, &known);
	if (packet_is_blank(shown) || same_addrs(shown, now))
		*shown = known;
}

/* Does nft's trace go on showing less of it than is known? */
static bool shows_less(const struct packet *known, const struct packet *now)
{
	return packet_is_known_piece(known) && now->family == AF_INET6 &&
	       now->proto == IPPROTO_FRAGMENT && same_addrs(known, now);
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

/*
 * Where it is followed on from tunnel to tunnel, what changed between two hooks was put around it
 * or taken off; NAT works inside hooks, and leaves the protocol alone.
 */
static bool may_be_nat(const struct live *l, const struct event *ev)
{
	if (!l->now.has_addrs || l->now.family != ev->packet->family)
		return false;
	return !l->sure || (l->now.proto == ev->packet->proto &&
			    !(ev->type == EVENT_ENTER && l->path->left_last));
}

static void see_tunnel(struct live *l, const struct packet *now)
{
	struct step *s;

	if (l->now.family == now->family && l->now.proto == now->proto &&
	    same_endpoint(&l->now.src, &now->src) && same_endpoint(&l->now.dst, &now->dst))
		return;
	s = path_add(l->path, STEP_HEADERS, packet_nfproto(now), HOOK_NONE);
	if (!s)
		return;
	s->headers.family = now->family;
	s->headers.proto = now->proto;
	s->headers.has_ports = now->has_ports;
	s->headers.src = now->src;
	s->headers.dst = now->dst;
}

void tracker_see_headers(struct tracker *t, struct live *l, const struct event *ev)
{
	const struct packet *now = ev->packet;

	if (!now || !now->has_addrs)
		return;
	/* Only of the namespace where it was first seen: the devices of others are not its own. */
	if (*now->oif && !*l->path->packet.oif && !l->path->here)
		strcpy(l->path->packet.oif, now->oif);
	if (l->odd && !packet_is_piece(now) && !packet_is_hidden(now)) {
		bool hidden = packet_is_hidden(&l->now);

		become_whole(t, l, now);
		if (hidden) /* nft goes on showing it as before */
			return;
	}
	if (shows_less(&l->now, now))
		return;
	if (packet_is_known_piece(now) && l->odd && !packet_is_known_piece(&l->now))
		become_known(t, l, now);
	if (may_be_nat(l, ev))
		see_nat(l, now, ev->hook);
	else if (l->sure && l->now.has_addrs)
		see_tunnel(l, now);
	live_set_headers(&t->table, l, now);
}

/* Past the hooks in which conntrack looks at all packets of IP, it has none: it was not there, or
 * took the packet for invalid (nf_conntrack_in()). Which, connections_annotate() finds out. */
static bool is_left_alone(const struct live *l, const struct event *ev)
{
	return ev->type == EVENT_LEAVE && ev->ct_known && l->ct_state == CT_NONE && l->now.family &&
	       ev->family != NFPROTO_BRIDGE && ev->family != NFPROTO_ARP &&
	       (ev->hook == NF_INET_PRE_ROUTING || ev->hook == NF_INET_LOCAL_OUT);
}

void tracker_see_conntrack(struct live *l, const struct event *ev)
{
	struct step *s;

	if (ev->ct_state == CT_NONE ? !is_left_alone(l, ev) : ev->ct_state == l->ct_state)
		return;
	l->ct_state = ev->ct_state;
	s = path_add(l->path, STEP_CONNTRACK, ev->family, l->path->last_hook);
	if (!s)
		return;
	s->ct.state = ev->ct_state;
	s->ct.id = ev->ct_id;
	s->ct.reply = ev->ct_reply;
}

/*
 * A reply without ports is selected by its addresses, as it comes: what is behind the same address,
 * and asked for by nobody, looks the same then. What NAT has made of it by the end of its way tells.
 */
bool tracker_answers(const struct tracker *t, const struct path *p)
{
	struct path_ends e = path_ends(p);
	struct packet now = p->packet;
	bool changed = false;

	if (now.has_ports)
		return true;
	for (size_t i = 0; i < p->n_steps; i++) {
		const struct step *s = &p->steps[i];

		if (s->type != STEP_HEADERS && s->type != STEP_NAT)
			continue;
		path_ends_pass(&e, s);
		now.src = e.src;
		now.dst = e.dst;
		changed = true;
		if (filter_match_outer(t->filter, &now))
			return true;
	}
	return !changed || (p->last_hook != NF_INET_LOCAL_IN && p->last_hook != NF_INET_POST_ROUTING);
}
