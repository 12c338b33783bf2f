// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/raw_events.h"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "route/query.h"
#include "src/packet.h"

static int view_of(const struct view *views, unsigned int n, uint32_t inum)
{
	for (unsigned int i = 0; i < n; i++)
		if (views[i].ns->inum == inum)
			return (int)i;
	return -1;
}

/* nfpath asks the kernel for routes of packets that it has seen; what it sends itself is not traced. */
static bool is_own_question(const struct nfp_fib *f)
{
	static uint32_t self; /* asked for once: there is a lookup a packet */

	if (!self)
		self = getpid();
	/* Of IPv4 it asks as for what this host sends, of IPv6 as for what arrives. */
	return (f->iif <= ROUTE_LOOPBACK || f->family == AF_INET6) && f->ev.pid == self &&
	       route_query_made(f->ev.ktime, f->dst);
}

void raw_route(const struct nfp_fib *f, struct event *ev)
{
	ev->type = EVENT_ROUTE;
	ev->route.carried = false;
	ev->route.family = f->family;
	memcpy(ev->route.src, f->src, sizeof(ev->route.src));
	memcpy(ev->route.dst, f->dst, sizeof(ev->route.dst));
	memcpy(ev->route.gateway, f->gw, sizeof(ev->route.gateway));
	ev->route.has_gateway = f->gw_family == f->family;
	ev->route.dev = f->ifindex ? f->dev : NULL;
	/* LOOPBACK_IFINDEX is what output lookups put there (flowi4_init_output()). */
	ev->route.input = f->iif > 1;
	ev->route.iif = f->iif;
	ev->route.oif = f->oif;
	ev->route.mark = f->mark;
	ev->route.tos = f->tos;
	ev->route.proto = f->proto;
	ev->route.sport = ntohs(f->sport);
	ev->route.dport = ntohs(f->dport);
	ev->route.table = f->table;
	ev->route.error = f->error;
	/*
	 * IPv4's tracepoint does not say the type. fib_check_nh() gives the next hop of a route of
	 * scope host, which only local ones have, the scope nowhere.
	 */
	ev->route.type = f->result						? f->result
			 : f->family == AF_INET && f->scope == RT_SCOPE_NOWHERE ? RTN_LOCAL
										: RTN_UNICAST;
	ev->route.plen = f->prefix_len == NFP_PREFIX_UNKNOWN ? -1 : f->prefix_len;
}

static bool fib_event(const struct nfp_fib *f, struct event *ev)
{
	if (is_own_question(f))
		return false;
	raw_route(f, ev);
	/* A flow without even loopback as its arrival device only asks of what type an address is
	 * (__inet_dev_addr_type()). */
	return (f->family == AF_INET && f->iif) || f->family == AF_INET6;
}

/* Does the header begin as its ethertype says? Where a packet is dropped early, something else may stand
 * there. */
static bool has_header(const struct nfp_skb *s)
{
	uint8_t version = s->header_len ? s->header[0] >> 4 : 0;

	return version == (s->protocol == htons(ETH_P_IP)     ? 4
			   : s->protocol == htons(ETH_P_IPV6) ? 6
							       : 0);
}

/* Nothing was heard of it before: whatever can be told of it. */
static void parse_alone(struct packet *p, const struct nfp_skb *s)
{
	if (!has_header(s) || packet_parse(p, NULL, 0, s->header, s->header_len, NULL, 0))
		memset(p, 0, sizeof(*p));
	p->ethertype = ntohs(s->protocol);
}

/* skb->dev is the device by which it came until it is routed, then the one by which it leaves. */
static void set_devices(struct event *ev, const struct nfp_skb *s, const struct view *v)
{
	static char iif[NETCONF_NAME_LEN];

	if (s->ifindex && s->ifindex == s->iif)
		ev->drop.iif = s->dev;
	else if (s->iif && !netconf_ifname(v->netconf, s->iif, iif))
		ev->drop.iif = iif;
	if (s->ifindex && s->ifindex != s->iif)
		ev->drop.oif = s->dev;
}

static bool skb_event(const struct nfp_skb *s, const struct view *v, struct event *ev,
		      struct packet *p, struct kernel_names *names, char *text, size_t size)
{
	bool alone = s->flags & NFP_SKB_ALONE;

	memset(p, 0, sizeof(*p));
	if (alone)
		parse_alone(p, s);
	else if (packet_parse(p, NULL, 0, s->header, s->header_len, NULL, 0))
		return false;
	p->mark = s->mark;
	ev->packet = p;
	if (s->ev.type == NFP_TRANSMIT) {
		ev->type = EVENT_TRANSMIT;
		ev->transmit.dev = s->dev;
		return true;
	}
	ev->type = EVENT_DROP;
	ev->drop.reason = kernel_drop_reason(names, s->reason);
	kernel_symbol(names, s->location, text, size);
	ev->drop.location = text;
	ev->drop.stack = kernel_stack(names, s->stack);
	ev->drop.alone = alone;
	set_devices(ev, s, v);
	return true;
}

/*
 * A lookup in IPv4 that found nothing names no namespace, for it has no device. One for what is sent may
 * come before anything else is heard of its packet.
 */
static bool is_nowhere(const struct nfp_event *rec, int last_ns)
{
	const struct nfp_fib *f = (const void *)rec;

	return rec->type == NFP_FIB4 && !rec->netns && (last_ns < 0 || f->iif <= ROUTE_LOOPBACK);
}

bool raw_event(const struct nfp_event *rec, const struct view *views, unsigned int n_views,
	       int last_ns, struct event *ev, struct packet *p, struct kernel_names *names,
	       char *text, size_t size)
{
	int ns = rec->netns ? view_of(views, n_views, rec->netns) : last_ns;
	bool nowhere = is_nowhere(rec, last_ns);

	if (ns < 0 && !nowhere)
		return false;
	memset(ev, 0, sizeof(*ev));
	ev->ns = nowhere ? EVENT_NS_UNKNOWN : (unsigned int)ns;
	ev->cpu = (int)rec->cpu;
	ev->hook = HOOK_NONE;
	ev->after_ns = ev->before_ns = rec->ktime;
	switch (rec->type) {
	case NFP_FIB4:
	case NFP_FIB6:
		return fib_event((const void *)rec, ev);
	case NFP_KFREE:
	case NFP_TRANSMIT:
		return skb_event((const void *)rec, &views[ns], ev, p, names, text, size);
	}
	return false;
}
