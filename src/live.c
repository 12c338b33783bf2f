// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/live.h"

#include <netinet/in.h>
#include <net/ethernet.h>
#include <linux/netfilter.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "src/packet.h"

static unsigned int mix(uint64_t v)
{
	v *= 0x9e3779b97f4a7c15ULL;
	return (v >> 32) % LIVE_BUCKETS;
}

/* Sure ids have a space of their own, which no namespace shares. */
static unsigned int id_space(bool sure, unsigned int ns)
{
	return sure ? UINT_MAX : ns;
}

static struct live_list *id_bucket(struct live_table *t, unsigned int ns, uint32_t id)
{
	return &t->by_id[mix((uint64_t)ns << 32 | id)];
}

static struct live_list *header_bucket(struct live_table *t, unsigned int ns,
				       const struct packet *p)
{
	uint64_t h = (uint64_t)ns << 40 | (uint64_t)p->ip_id << 16 | p->proto;
	uint64_t a[4];

	memcpy(a, p->src.addr, 16);
	memcpy(a + 2, p->dst.addr, 16);
	for (int i = 0; i < 4; i++)
		h = (h ^ a[i]) * 0xff51afd7ed558ccdULL;
	h ^= (uint64_t)p->src.port << 16 | p->dst.port;
	return &t->by_headers[mix(h ^ p->tcp_seq)];
}

/* --- packets whose headers do not show all that they are --- */

bool packet_is_piece(const struct packet *p)
{
	return p->fragment || p->more_frags ||
	       (p->family == AF_INET6 && p->proto == IPPROTO_FRAGMENT);
}

/*
 * nft's trace gives 40 bytes of network header: of an IPv6 packet with extension headers it shows
 * the first one's number, and neither protocol nor ports.
 */
bool packet_is_hidden(const struct packet *p)
{
	static const uint8_t extensions[] = {IPPROTO_HOPOPTS, IPPROTO_ROUTING, IPPROTO_DSTOPTS,
					     IPPROTO_AH, IPPROTO_MH};

	if (p->family != AF_INET6)
		return false;
	for (size_t i = 0; i < sizeof(extensions); i++)
		if (p->proto == extensions[i])
			return true;
	return false;
}

/* nft_set_pktinfo_ipv6_validate() finds no transport header in a later fragment, and the trace then
 * leaves the network header out. */
bool packet_is_blank(const struct packet *p)
{
	return !p->has_addrs && (p->ethertype == ETHERTYPE_IPV6 || p->ethertype == ETHERTYPE_IP);
}

bool packet_is_known_piece(const struct packet *p)
{
	return p->fragment || p->more_frags;
}

static bool is_odd(const struct packet *p)
{
	return packet_is_piece(p) || packet_is_hidden(p) || packet_is_blank(p);
}

static void set_odd(struct live_table *t, struct live *l, bool odd)
{
	if (l->odd == odd)
		return;
	l->odd = odd;
	if (odd)
		LIST_INSERT_HEAD(&t->odd, l, by_oddity);
	else
		LIST_REMOVE(l, by_oddity);
}

bool live_completes(const struct live *l, const struct packet *p)
{
	size_t n = p->family == AF_INET6 ? 16 : 4;

	if (packet_is_known_piece(&l->now) && packet_is_known_piece(p) &&
	    !packet_same_piece(&l->now, p))
		return false;
	if (packet_is_blank(&l->now))
		return p->family == (l->now.ethertype == ETHERTYPE_IPV6 ? AF_INET6 : AF_INET);
	return p->family == l->now.family && !memcmp(p->src.addr, l->now.src.addr, n) &&
	       !memcmp(p->dst.addr, l->now.dst.addr, n) &&
	       (p->family == AF_INET6 || (p->ip_id == l->now.ip_id && p->proto == l->now.proto));
}

/* --- coming and going --- */

/* Nobody looks for one by its headers whose id is sure. */
static void list_headers(struct live_table *t, struct live *l)
{
	if (!l->sure)
		LIST_INSERT_HEAD(header_bucket(t, l->ns, &l->now), l, by_headers);
}

static void unlist_headers(struct live *l)
{
	if (!l->sure)
		LIST_REMOVE(l, by_headers);
}

void live_init(struct live_table *t)
{
	memset(t, 0, sizeof(*t));
	TAILQ_INIT(&t->live);
	TAILQ_INIT(&t->remembered);
}

void live_free(struct live_table *t)
{
	spare_free(&t->spare);
}

struct live *live_new(struct live_table *t)
{
	struct live *l = spare_take(&t->spare, sizeof(*l));

	if (l)
		memset(l, 0, sizeof(*l));
	return l;
}

void live_drop(struct live_table *t, struct live *l)
{
	spare_give(&t->spare, l);
}

void live_add(struct live_table *t, struct live *l)
{
	LIST_INSERT_HEAD(id_bucket(t, id_space(l->sure, l->ns), l->id), l, by_id);
	list_headers(t, l);
	TAILQ_INSERT_TAIL(&t->live, l, order);
	set_odd(t, l, is_odd(&l->now));
}

void live_finish(struct live_table *t, struct live *l)
{
	set_odd(t, l, false);
	TAILQ_REMOVE(&t->live, l, order);
	TAILQ_INSERT_TAIL(&t->remembered, l, order);
	l->path = NULL;
	l->done = true;
}

void live_forget(struct live_table *t, struct live *l)
{
	set_odd(t, l, false);
	live_lose_id(l);
	unlist_headers(l);
	if (l->done)
		TAILQ_REMOVE(&t->remembered, l, order);
	else
		TAILQ_REMOVE(&t->live, l, order);
	path_free(l->path);
	live_drop(t, l);
}

void live_touch(struct live_table *t, struct live *l)
{
	if (TAILQ_NEXT(l, order)) {
		TAILQ_REMOVE(&t->live, l, order);
		TAILQ_INSERT_TAIL(&t->live, l, order);
	}
	unlist_headers(l);
	list_headers(t, l);
}

void live_lose_id(struct live *l)
{
	if (!l->no_id)
		LIST_REMOVE(l, by_id);
	l->no_id = true;
}

void live_set_id(struct live_table *t, struct live *l, uint32_t id)
{
	live_lose_id(l);
	l->id = id;
	l->no_id = false;
	LIST_INSERT_HEAD(id_bucket(t, id_space(l->sure, l->ns), id), l, by_id);
}

void live_set_headers(struct live_table *t, struct live *l, const struct packet *now)
{
	unlist_headers(l);
	l->now = *now;
	set_odd(t, l, is_odd(now));
	list_headers(t, l);
}

void live_set_ns(struct live_table *t, struct live *l, unsigned int ns)
{
	unlist_headers(l);
	l->ns = ns;
	list_headers(t, l);
}

/* --- finding --- */

static struct live *find_id(struct live_table *t, bool sure, unsigned int ns, uint32_t id)
{
	struct live *l;

	LIST_FOREACH(l, id_bucket(t, id_space(sure, ns), id), by_id)
		if (l->id == id && l->sure == sure && (sure || l->ns == ns))
			return l;
	return NULL;
}

struct live *live_find_id(struct live_table *t, const struct event *ev)
{
	return find_id(t, ev->sure_id, ev->ns, ev->id);
}

struct live *live_find_sure(struct live_table *t, uint32_t id)
{
	return find_id(t, true, 0, id);
}

/* Could a packet that was last heard of there be in this hook now, without having been seen to
 * enter it? */
static bool may_be_in(const struct live *l, uint8_t hook)
{
	const struct path *p = l->path;

	if (hook == HOOK_NONE || p->last_hook == HOOK_NONE || p->last_hook >= NF_INET_NUMHOOKS)
		return true;
	if (!p->left_last)
		return p->last_hook == hook;
	switch (p->last_hook) {
	case NF_INET_PRE_ROUTING:
		return hook == NF_INET_LOCAL_IN || hook == NF_INET_FORWARD;
	case NF_INET_FORWARD:
	case NF_INET_LOCAL_OUT:
		return hook == NF_INET_POST_ROUTING;
	case NF_INET_LOCAL_IN: /* of a bridge, whose device then receives it */
		return l->family == NFPROTO_BRIDGE &&
		       (hook == NF_INET_LOCAL_IN || hook == NF_INET_FORWARD);
	case NF_INET_POST_ROUTING: /* br_nf_post_routing() is last in the bridge's */
		return l->family == NFPROTO_BRIDGE && hook == NF_INET_POST_ROUTING;
	}
	return false;
}

static bool fits(const struct live *l, const struct event *ev, uint8_t hook)
{
	return !l->done && l->ns == ev->ns && !l->dropped && (hook == HOOK_NONE || !l->ended) &&
	       packet_same(&l->now, ev->packet, true) && may_be_in(l, hook);
}

/* Its way is over, as far as it shows: what still comes belongs to a younger one. */
static bool is_over(const struct live *l)
{
	return l->ended || (l->path->left_last && (l->path->last_hook == NF_INET_LOCAL_IN ||
						   l->path->last_hook == NF_INET_POST_ROUTING));
}

/*
 * Could the event be about l as well as about best? On one CPU too: packets that were received
 * together pass prerouting one after the other before the first of them goes on (NF_HOOK_LIST()),
 * and a sender may be preempted between two hooks.
 */
static bool is_rival(const struct live *l, const struct live *best, const struct event *ev)
{
	if (l == best)
		return false;
	return ev->cpu < 0 || best->cpu != ev->cpu || (l->cpu == ev->cpu && !is_over(l));
}

struct live *live_find_headers(struct live_table *t, const struct event *ev, uint8_t hook,
			       const char *because)
{
	struct live *l, *best = NULL;
	bool rivals = false;

	LIST_FOREACH(l, header_bucket(t, ev->ns, ev->packet), by_headers)
		if (fits(l, ev, hook) &&
		    (!best || (ev->cpu >= 0 && l->cpu == ev->cpu && best->cpu != ev->cpu)))
			best = l;
	if (!best)
		return NULL;
	LIST_FOREACH(l, header_bucket(t, ev->ns, ev->packet), by_headers) {
		if (!fits(l, ev, hook) || !is_rival(l, best, ev))
			continue;
		rivals = true;
		if (because)
			path_doubt(l->path, CERTAIN_NOT, because);
	}
	if (rivals && because)
		path_doubt(best->path, CERTAIN_NOT, because);
	return rivals && !because ? NULL : best;
}

static bool fits_odd(const struct live *l, const struct event *ev, uint8_t hook)
{
	return l->ns == ev->ns && live_completes(l, ev->packet) && may_be_in(l, hook);
}

/* On this CPU, not at its end, heard of last: in this order. */
static bool is_better(const struct live *l, const struct live *best, const struct event *ev)
{
	bool here = ev->cpu >= 0 && l->cpu == ev->cpu;
	bool best_here = ev->cpu >= 0 && best->cpu == ev->cpu;

	if (here != best_here)
		return here;
	if (l->ended != best->ended)
		return best->ended;
	return l->heard_ns > best->heard_ns;
}

/*
 * Was l left behind in the hook that best is in? Hooks of what arrives are passed in softirq, where
 * a CPU begins with no packet before it is done with the one before: l waits for the rest of its
 * datagram, or was dropped.
 */
static bool is_left_behind(const struct live *l, const struct live *best, const struct event *ev,
			   uint8_t hook)
{
	return ev->cpu >= 0 && l->cpu == ev->cpu && best->cpu == ev->cpu &&
	       (hook == NF_INET_PRE_ROUTING || hook == NF_INET_LOCAL_IN ||
		hook == NF_INET_FORWARD) &&
	       !l->path->left_last && l->path->last_hook == hook && !best->path->left_last &&
	       best->path->last_hook == hook;
}

/* IPv4 shows which datagram a fragment is of, and only the last that came of it goes on. */
static bool is_odd_rival(const struct live *l, const struct live *best, const struct event *ev,
			 uint8_t hook)
{
	bool sure = best->now.has_addrs && best->now.family == AF_INET;

	return !sure && !l->ended && is_rival(l, best, ev) && !is_left_behind(l, best, ev, hook);
}

struct live *live_find_odd(struct live_table *t, const struct event *ev, uint8_t hook,
			   const char *because)
{
	struct live *l, *best = NULL;
	bool rivals = false;

	LIST_FOREACH(l, &t->odd, by_oddity)
		if (fits_odd(l, ev, hook) && (!best || is_better(l, best, ev)))
			best = l;
	LIST_FOREACH(l, &t->odd, by_oddity) {
		if (!fits_odd(l, ev, hook) || !is_odd_rival(l, best, ev, hook))
			continue;
		rivals = true;
		path_doubt(l->path, CERTAIN_NOT, because);
	}
	if (rivals)
		path_doubt(best->path, CERTAIN_NOT, because);
	return best;
}

bool live_has_odd(const struct live_table *t, const struct event *ev)
{
	const struct live *l;

	LIST_FOREACH(l, &t->odd, by_oddity)
		if (fits_odd(l, ev, HOOK_NONE))
			return true;
	return false;
}

struct live *live_find_any(struct live_table *t, const struct event *ev)
{
	struct live *l;

	LIST_FOREACH(l, header_bucket(t, ev->ns, ev->packet), by_headers)
		if (l->ns == ev->ns && packet_same(&l->now, ev->packet, true))
			return l;
	return NULL;
}

struct live *live_next_same(struct live_table *t, unsigned int ns, const struct packet *p,
			    const struct live *after)
{
	struct live *l = after ? LIST_NEXT(after, by_headers) : LIST_FIRST(header_bucket(t, ns, p));

	while (l && (l->done || l->ns != ns || !packet_same(&l->now, p, true)))
		l = LIST_NEXT(l, by_headers);
	return l;
}
