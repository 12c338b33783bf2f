// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/nl_events.h"

#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_log.h>
#include <stdio.h>
#include <string.h>

#include "netfilter/nflog.h"
#include "netfilter/trace_msg.h"
#include "src/observers.h"
#include "src/packet.h"

typedef void (*event_sink)(void *ctx, const struct event *ev);

/* NF_CT_STATE_BIT() and friends of include/uapi/linux/netfilter/nf_conntrack_common.h. */
static enum ct_state ct_state_of(uint32_t bits)
{
	static const struct {
		uint32_t bit;
		enum ct_state state;
	} states[] = {{1 << 0, CT_INVALID},
		      {1 << 1, CT_ESTABLISHED},
		      {1 << 2, CT_RELATED},
		      {1 << 3, CT_NEW},
		      {1 << 6, CT_UNTRACKED}};

	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++)
		if (bits & states[i].bit)
			return states[i].state;
	return CT_NONE;
}

/* The kernel's type information is the only place that tells without a packet. */
static bool file_names(const char *path, const char *name)
{
	enum { BLOCK = 1 << 16, OVERLAP = 64 };
	static char buf[OVERLAP + BLOCK];
	FILE *f = fopen(path, "re");
	size_t kept = 0, n;
	bool found = false;

	while (f && !found && (n = fread(buf + kept, 1, BLOCK, f))) {
		found = memmem(buf, kept + n, name, strlen(name) + 1);
		memmove(buf, buf + (kept + n > OVERLAP ? kept + n - OVERLAP : 0), OVERLAP);
		kept = kept + n > OVERLAP ? OVERLAP : kept + n;
	}
	if (f)
		fclose(f);
	return found;
}

bool nl_says_ct(void)
{
	static const char name[] = "NFTA_TRACE_CT_STATE";

	return file_names("/sys/kernel/btf/nf_tables", name) || file_names("/sys/kernel/btf/vmlinux", name);
}

void nl_begin(struct nl_source *s)
{
	s->n_names = 0;
}

/* Asking netconf costs a system call, and there may be a hundred messages a packet. */
static void name_interface(struct nl_source *s, uint32_t index, char name[IFNAME_MAX])
{
	*name = 0;
	if (!index)
		return;
	for (unsigned int i = 0; i < s->n_names; i++) {
		if (s->names[i].index == index) {
			memcpy(name, s->names[i].name, IFNAME_MAX);
			return;
		}
	}
	netconf_ifname(s->view->netconf, index, name);
	if (s->n_names == NL_NAMES_KEPT)
		return;
	s->names[s->n_names].index = index;
	memcpy(s->names[s->n_names++].name, name, IFNAME_MAX);
}

static void set_interfaces(struct nl_source *s, struct packet *p, uint32_t iif, uint32_t oif)
{
	name_interface(s, iif, p->iif);
	name_interface(s, oif, p->oif);
}

static bool headers_of(struct nl_source *s, struct packet *p, const struct trace_msg *m)
{
	if (!m->nh.p && !m->ll.p)
		return false;
	memset(p, 0, sizeof(*p));
	p->mark = m->mark;
	set_interfaces(s, p, m->iif, m->oif);
	if (packet_parse(p, m->ll.p, m->ll.len, m->nh.p, m->nh.len, m->th.p, m->th.len))
		return false;
	/*
	 * In the hooks of IP it is IP, whatever the link-layer header says: copies that TEE and dup
	 * send have room for one, with anything in it (pskb_copy()).
	 */
	if (!p->family && m->nh.p && (m->nfproto == NFPROTO_IPV4 || m->nfproto == NFPROTO_IPV6))
		return !packet_parse(p, NULL, 0, m->nh.p, m->nh.len, m->th.p, m->th.len);
	return true;
}

/* Of our own table: where the packet is. */
static bool observed(struct event *ev, const struct trace_msg *m)
{
	static const enum event_type types[] = {[OBSERVER_ENTER] = EVENT_ENTER,
						[OBSERVER_PASS] = EVENT_PASS,
						[OBSERVER_REPLY] = EVENT_ENTER,
						[OBSERVER_LEARN] = EVENT_PASS,
						[OBSERVER_LEAVE] = EVENT_LEAVE};
	struct observer o = observer_of(m->family, m->chain);

	/* The first message of a visit carries the headers: the marking rule's, else the end of the
	 * chain. The policy adds nothing. */
	if (o.kind == OBSERVER_NONE || o.kind == OBSERVER_ASK || m->kind == TRACE_POLICY ||
	    (o.kind == OBSERVER_LEARN && m->kind != TRACE_RULE))
		return false;
	ev->type = types[o.kind];
	ev->hook = o.hook;
	ev->enter.selected = m->kind == TRACE_RULE;
	ev->enter.is_reply = o.kind == OBSERVER_REPLY;
	ev->finds_replies = o.kind == OBSERVER_LEARN;
	return true;
}

/* Tables of another nfpath are no part of the user's ruleset. */
static bool is_nfpath(const char *table)
{
	return !strncmp(table, "nfpath_", 7) && table[7] &&
	       !table[7 + strspn(table + 7, "0123456789")];
}

static bool ruled(struct event *ev, const struct trace_msg *m)
{
	static const enum event_type types[] = {[TRACE_RULE] = EVENT_RULE,
						[TRACE_END] = EVENT_RETURN,
						[TRACE_POLICY] = EVENT_POLICY};

	if (is_nfpath(m->table))
		return false;
	ev->type = types[m->kind];
	ev->hook = HOOK_NONE;
	ev->rule.legacy = false;
	ev->rule.table = m->table;
	ev->rule.chain = m->chain;
	ev->rule.target = m->target;
	ev->rule.handle = m->handle;
	ev->rule.number = 0;
	ev->rule.verdict = m->kind == TRACE_END ? VERDICT_RETURN : m->verdict;
	return true;
}

static void on_trace(struct nl_source *s, const struct nlmsghdr *nlh, struct event *ev,
		     event_sink sink, void *ctx)
{
	struct trace_msg m;
	struct packet p;

	if (trace_msg_decode(nlh, &m)) {
		s->undecoded++;
		return;
	}
	ev->has_id = true;
	ev->id = m.id;
	ev->family = m.family;
	ev->packet = headers_of(s, &p, &m) ? &p : NULL;
	ev->iif_is_bridge = m.iif && netconf_is_bridge(s->view->netconf, m.iif);
	ev->ct_known = s->says_ct && m.kind == TRACE_END;
	ev->ct_state = ct_state_of(m.ct_state);
	ev->ct_id = m.ct_id;
	ev->ct_reply = m.ct_reply;
	if (!strcmp(m.table, s->own_table) ? observed(ev, &m) : ruled(ev, &m))
		sink(ctx, ev);
}

static void count_nflog(struct nl_source *s, const struct nflog_msg *m, const struct event *ev,
			event_sink sink, void *ctx)
{
	struct event lost = *ev;

	if (!m->has_seq)
		return;
	if (s->nflog_seen && m->seq != s->nflog_seq) {
		lost.type = EVENT_LOST;
		memset(&lost.lost, 0, sizeof(lost.lost));
		lost.lost.count = m->seq - s->nflog_seq;
		lost.lost.after_post =
			true; /* it may be anything: who knows which line is missing */
		sink(ctx, &lost);
	}
	s->nflog_seen = true;
	s->nflog_seq = m->seq + 1;
}

static void on_nflog(struct nl_source *s, const struct nlmsghdr *nlh, struct event *ev,
		     event_sink sink, void *ctx)
{
	static const enum event_type types[] = {[XT_TRACE_RULE] = EVENT_RULE,
						[XT_TRACE_RETURN] = EVENT_RETURN,
						[XT_TRACE_POLICY] = EVENT_POLICY};
	struct nflog_msg m;
	struct packet p = {0};

	if (nflog_msg_decode(nlh, &m)) {
		s->undecoded++;
		return;
	}
	count_nflog(s, &m, ev, sink, ctx);
	if (!m.trace)
		return;
	p.mark = m.mark;
	set_interfaces(s, &p, m.iif, m.oif);
	if (packet_parse(&p, NULL, 0, m.payload.p, m.payload.len, NULL, 0)) {
		s->undecoded++;
		return;
	}
	ev->packet = &p;
	ev->type = types[m.kind];
	ev->family = m.family;
	ev->hook = m.hook;
	ev->rule.legacy = true;
	ev->rule.table = m.table;
	ev->rule.chain = m.chain;
	ev->rule.target = NULL;
	ev->rule.handle = 0;
	ev->rule.number = m.number;
	ev->rule.verdict = VERDICT_UNKNOWN;
	sink(ctx, ev);
}

void nl_events(struct nl_source *s, const struct datagram *d, int cpu, uint64_t at_ns,
	       event_sink sink, void *ctx)
{
	const struct nlmsghdr *nlh = (const void *)d->data;
	int left = (int)d->len;

	for (; mnl_nlmsg_ok(nlh, left); nlh = mnl_nlmsg_next(nlh, &left)) {
		struct event ev = {.ns = s->ns,
				   .cpu = cpu,
				   .hook = HOOK_NONE,
				   .after_ns = at_ns ? at_ns : d->after_ns,
				   .before_ns = at_ns ? at_ns : d->before_ns};

		if (nlh->nlmsg_type == (NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_TRACE))
			on_trace(s, nlh, &ev, sink, ctx);
		else if (nlh->nlmsg_type == (NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_PACKET))
			on_nflog(s, nlh, &ev, sink, ctx);
	}
}
