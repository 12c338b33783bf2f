// SPDX-License-Identifier: GPL-2.0-or-later
/* What a rule of iptables looks for and does, from either backend. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "netfilter/explain_facts.h"
#include "netfilter/xt_rule.h"

#include <linux/netfilter/nf_nat.h>
#include <linux/netfilter/xt_addrtype.h>
#include <linux/netfilter/xt_conntrack.h>
#include <linux/netfilter/xt_mark.h>
#include <linux/netfilter/xt_multiport.h>
#include <linux/netfilter/xt_recent.h>
#include <linux/netfilter/xt_sctp.h>
#include <linux/netfilter/xt_statistic.h>
#include <linux/netfilter/xt_tcpudp.h>

struct reading {
	struct facts *f;
	struct fact_rule *r;
	const struct xt_rule *x;
	struct fact_list l;
};

/* --- what every rule has --- */

static void on_iface(struct reading *rd, uint8_t key, const char *name, const uint8_t *mask,
		     bool inv)
{
	if (mask[0] || inv)
		fact_add_masked(&rd->l, key, inv, name, mask, IFNAMSIZ);
}

static void on_proto(struct reading *rd, uint16_t proto, bool inv)
{
	uint8_t number = proto;

	if (proto)
		fact_add_masked(&rd->l, KEY_PROTO, inv, &number, NULL, 1);
}

static void read_head(struct reading *rd)
{
	const struct ip6t_ip6 *v6 = &rd->x->ip.v6;
	const struct ipt_ip *v4 = &rd->x->ip.v4;
	struct fact_list *l = &rd->l;

	if (rd->x->family == NFPROTO_IPV6) {
		fact_add_masked(l, KEY_SADDR, v6->invflags & IP6T_INV_SRCIP, &v6->src, &v6->smsk,
				16);
		fact_add_masked(l, KEY_DADDR, v6->invflags & IP6T_INV_DSTIP, &v6->dst, &v6->dmsk,
				16);
		on_iface(rd, KEY_IIF, v6->iniface, v6->iniface_mask,
			 v6->invflags & IP6T_INV_VIA_IN);
		on_iface(rd, KEY_OIF, v6->outiface, v6->outiface_mask,
			 v6->invflags & IP6T_INV_VIA_OUT);
		on_proto(rd, v6->proto, v6->invflags & XT_INV_PROTO);
		return;
	}
	fact_add_masked(l, KEY_SADDR, v4->invflags & IPT_INV_SRCIP, &v4->src, &v4->smsk, 4);
	fact_add_masked(l, KEY_DADDR, v4->invflags & IPT_INV_DSTIP, &v4->dst, &v4->dmsk, 4);
	on_iface(rd, KEY_IIF, v4->iniface, v4->iniface_mask, v4->invflags & IPT_INV_VIA_IN);
	on_iface(rd, KEY_OIF, v4->outiface, v4->outiface_mask, v4->invflags & IPT_INV_VIA_OUT);
	on_proto(rd, v4->proto, v4->invflags & XT_INV_PROTO);
	if (v4->flags & IPT_F_FRAG && !(v4->invflags & IPT_INV_FRAG))
		fact_add_other(rd->f, l, "a later fragment");
}

/* --- matches --- */

static void on_ports(struct reading *rd, uint8_t key, const uint16_t ports[2], bool inv)
{
	const uint16_t lo = htons(ports[0]), hi = htons(ports[1]);

	if (ports[0] || ports[1] != UINT16_MAX || inv)
		fact_add_range(&rd->l, key, inv, &lo, &hi, 2);
}

static bool on_tcp(struct reading *rd, const void *data)
{
	const struct xt_tcp *t = data;

	on_ports(rd, KEY_SPORT, t->spts, t->invflags & XT_TCP_INV_SRCPT);
	on_ports(rd, KEY_DPORT, t->dpts, t->invflags & XT_TCP_INV_DSTPT);
	if (t->flg_mask)
		fact_add_other(rd->f, &rd->l, "tcp flags");
	if (t->option)
		fact_add_other(rd->f, &rd->l, "tcp option");
	return true;
}

static bool on_udp(struct reading *rd, const void *data)
{
	const struct xt_udp *u = data;

	on_ports(rd, KEY_SPORT, u->spts, u->invflags & XT_UDP_INV_SRCPT);
	on_ports(rd, KEY_DPORT, u->dpts, u->invflags & XT_UDP_INV_DSTPT);
	return true;
}

static bool on_sctp(struct reading *rd, const void *data)
{
	const struct xt_sctp_info *s = data;

	if (s->flags & XT_SCTP_SRC_PORTS)
		on_ports(rd, KEY_SPORT, s->spts, s->invflags & XT_SCTP_SRC_PORTS);
	if (s->flags & XT_SCTP_DEST_PORTS)
		on_ports(rd, KEY_DPORT, s->dpts, s->invflags & XT_SCTP_DEST_PORTS);
	return !(s->flags & XT_SCTP_CHUNK_TYPES);
}

/* A set of its own, of one key. */
static bool on_multiport(struct reading *rd, const void *data)
{
	const struct xt_multiport_v1 *m = data;
	struct fact_set *set = facts_alloc(rd->f, sizeof(*set));
	struct fact_elem *e = facts_alloc(rd->f, XT_MULTI_PORTS * sizeof(*e));
	uint16_t *ports = facts_alloc(rd->f, sizeof(m->ports));
	struct fact *fact;

	if (m->flags == XT_MULTIPORT_EITHER || m->count > XT_MULTI_PORTS || !set || !e || !ports)
		return false;
	for (unsigned int i = 0; i < m->count; i++, set->n++) {
		bool range = m->pflags[i] && i + 1 < m->count;

		ports[i] = htons(m->ports[i]);
		e[set->n].key = e[set->n].end = (uint8_t *)&ports[i];
		if (!range)
			continue;
		ports[i + 1] = htons(m->ports[i + 1]);
		e[set->n].end = (uint8_t *)&ports[++i];
	}
	set->name = "ports";
	set->klen = 2;
	set->elems = e;
	fact = fact_add(&rd->l, KEY_OTHER, FACT_IN_SET, m->invert);
	fact->set = set;
	fact->n_keys = 1;
	fact->keys[0] = m->flags == XT_MULTIPORT_SOURCE ? KEY_SPORT : KEY_DPORT;
	return true;
}

static bool on_comment(struct reading *rd, const void *data)
{
	if (!rd->r->comment)
		rd->r->comment = facts_strdup(rd->f, data);
	return true;
}

static const double all_random = 1u << 31;

static bool on_statistic(struct reading *rd, const void *data)
{
	const struct xt_statistic_info *s = data;
	struct fact *fact;

	if (s->mode != XT_STATISTIC_MODE_RANDOM &&
	    (s->mode != XT_STATISTIC_MODE_NTH || s->u.nth.every == UINT32_MAX))
		return false;
	fact = fact_add(&rd->l, KEY_OTHER, FACT_CHANCE, s->flags & XT_STATISTIC_INVERT);
	/* statistic_mt(): 31 random bits are below the probability, which may have 32. */
	if (s->mode == XT_STATISTIC_MODE_RANDOM)
		fact->chance = s->u.random.probability < all_random
				       ? s->u.random.probability / all_random
				       : 1;
	else
		fact->chance = 1.0 / (s->u.nth.every + 1.0);
	return true;
}

static bool on_addrtype(struct reading *rd, const void *data)
{
	const struct xt_addrtype_info_v1 *a = data;

	if (a->source)
		fact_add_bits(&rd->l, KEY_STYPE, a->flags & XT_ADDRTYPE_INVERT_SOURCE, a->source);
	if (a->dest)
		fact_add_bits(&rd->l, KEY_DTYPE, a->flags & XT_ADDRTYPE_INVERT_DEST, a->dest);
	return !(a->flags & (XT_ADDRTYPE_LIMIT_IFACE_IN | XT_ADDRTYPE_LIMIT_IFACE_OUT));
}

/* The states INVALID, ESTABLISHED, RELATED, NEW have the bits that NF_CT_STATE_BIT() gives them. */
static bool on_conntrack(struct reading *rd, const void *data)
{
	const struct xt_conntrack_mtinfo3 *c = data;
	const uint16_t flags = c->match_flags & ~XT_CONNTRACK_STATE_ALIAS;

	/* What else is in the mask is not a state: whether NAT has been done. */
	if (flags != XT_CONNTRACK_STATE || c->state_mask & ~15)
		return false;
	fact_add_bits(&rd->l, KEY_CT_STATE, c->invert_flags & XT_CONNTRACK_STATE, c->state_mask);
	return true;
}

static bool on_state(struct reading *rd, const void *data)
{
	fact_add_bits(&rd->l, KEY_CT_STATE, false, *(const uint32_t *)data & 15);
	return true;
}

static bool on_mark(struct reading *rd, const void *data)
{
	const struct xt_mark_mtinfo1 *m = data;

	fact_add_masked(&rd->l, KEY_MARK, m->invert, &m->mark, &m->mask, 4);
	return !(m->mark & ~m->mask);
}

static bool on_recent(struct reading *rd, const void *data)
{
	const struct xt_recent_mtinfo *m = data;
	struct fact *fact;

	if (m->check_set & XT_RECENT_SET) {
		rd->r->act = ACT_REMEMBER;
		return true;
	}
	if (!(m->check_set & (XT_RECENT_CHECK | XT_RECENT_UPDATE)) || m->hit_count > 1)
		return false;
	fact = fact_add(&rd->l, KEY_OTHER, FACT_REMEMBERED, m->invert);
	fact->seconds = m->seconds;
	return true;
}

/* Those of which we understand every revision from min_rev to max_rev. */
static const struct {
	const char *name;
	uint8_t min_rev, max_rev;
	uint32_t size;					    /* that the function reads */
	bool (*read)(struct reading *rd, const void *data); /* false: there is more to it */
} matches[] = {
	{"comment", 0, 0, 1, on_comment},
	{"tcp", 0, 0, sizeof(struct xt_tcp), on_tcp},
	{"udp", 0, 0, sizeof(struct xt_udp), on_udp},
	{"sctp", 0, 0, sizeof(struct xt_sctp_info), on_sctp},
	{"multiport", 1, 1, sizeof(struct xt_multiport_v1), on_multiport},
	{"statistic", 0, 0, offsetof(struct xt_statistic_info, master), on_statistic},
	{"addrtype", 1, 1, sizeof(struct xt_addrtype_info_v1), on_addrtype},
	{"conntrack", 3, 3, sizeof(struct xt_conntrack_mtinfo3), on_conntrack},
	{"state", 0, 0, 4, on_state},
	{"mark", 1, 1, sizeof(struct xt_mark_mtinfo1), on_mark},
	{"recent", 0, 1, sizeof(struct xt_recent_mtinfo), on_recent},
};

static void read_match(struct reading *rd, const struct xt_entry_match *m)
{
	size_t len = m->u.match_size - sizeof(*m);

	for (size_t i = 0; i < sizeof(matches) / sizeof(matches[0]); i++)
		if (!strcmp(m->u.user.name, matches[i].name) &&
		    m->u.user.revision >= matches[i].min_rev &&
		    m->u.user.revision <= matches[i].max_rev && len >= matches[i].size) {
			if (!matches[i].read(rd, m->data))
				fact_add_other(rd->f, &rd->l, m->u.user.name);
			return;
		}
	fact_add_other(rd->f, &rd->l, m->u.user.name);
}

/* --- targets --- */

static bool nat_range(struct reading *rd, const void *min, const void *max, uint16_t port_min,
		      uint16_t port_max, unsigned int flags)
{
	struct fact_nat *nat = facts_alloc(rd->f, sizeof(*nat));
	uint8_t *addrs = facts_alloc(rd->f, 32), len = rd->x->family == NFPROTO_IPV6 ? 16 : 4;

	if (!nat || !addrs || flags & NF_NAT_RANGE_NETMAP)
		return false;
	nat->family = rd->x->family;
	if (flags & NF_NAT_RANGE_MAP_IPS) {
		nat->min = memcpy(addrs, min, len);
		nat->max = memcpy(addrs + 16, max, len);
	}
	if (flags & NF_NAT_RANGE_PROTO_SPECIFIED) {
		nat->port_min = ntohs(port_min);
		nat->port_max = ntohs(port_max);
	}
	rd->r->nat = nat;
	return true;
}

static bool on_nat_v4(struct reading *rd, const void *data)
{
	const struct nf_nat_ipv4_multi_range_compat *mr = data;
	const struct nf_nat_ipv4_range *g = mr->range;

	return mr->rangesize == 1 &&
	       nat_range(rd, &g->min_ip, &g->max_ip, g->min.all, g->max.all, g->flags);
}

static bool on_nat(struct reading *rd, const void *data)
{
	const struct nf_nat_range *g = data;

	return nat_range(rd, &g->min_addr, &g->max_addr, g->min_proto.all, g->max_proto.all,
			 g->flags);
}

static bool on_set_mark(struct reading *rd, const void *data)
{
	const struct xt_mark_tginfo2 *m = data;

	rd->r->marks = true;
	rd->r->mark_mask = m->mask;
	rd->r->mark_value = m->mark;
	rd->r->verdict = VERDICT_CONTINUE;
	return true;
}

static bool on_nothing(struct reading *rd, const void *data)
{
	return true;
}

/* What follows from a target where it does not decide by itself: it goes on. */
static const struct {
	const char *name;
	uint8_t family, min_rev, max_rev; /* NFPROTO_UNSPEC: both */
	uint32_t size;
	enum fact_act act;
	enum verdict verdict;
	bool (*read)(struct reading *rd, const void *data);
} targets[] = {
	{"DNAT", NFPROTO_IPV4, 0, 0, sizeof(struct nf_nat_ipv4_multi_range_compat), ACT_DNAT,
	 VERDICT_ACCEPT, on_nat_v4},
	{"DNAT", 0, 1, 2, sizeof(struct nf_nat_range), ACT_DNAT, VERDICT_ACCEPT, on_nat},
	{"SNAT", NFPROTO_IPV4, 0, 0, sizeof(struct nf_nat_ipv4_multi_range_compat), ACT_SNAT,
	 VERDICT_ACCEPT, on_nat_v4},
	{"SNAT", 0, 1, 2, sizeof(struct nf_nat_range), ACT_SNAT, VERDICT_ACCEPT, on_nat},
	{"MASQUERADE", 0, 0, 0, 0, ACT_MASQUERADE, VERDICT_ACCEPT, on_nothing},
	{"REDIRECT", NFPROTO_IPV4, 0, 0, sizeof(struct nf_nat_ipv4_multi_range_compat),
	 ACT_REDIRECT, VERDICT_ACCEPT, on_nat_v4},
	{"REDIRECT", NFPROTO_IPV6, 0, 0, sizeof(struct nf_nat_range), ACT_REDIRECT, VERDICT_ACCEPT,
	 on_nat},
	{"MARK", 0, 2, 2, sizeof(struct xt_mark_tginfo2), ACT_NONE, VERDICT_CONTINUE, on_set_mark},
	{"REJECT", 0, 0, 0, 0, ACT_REJECT, VERDICT_DROP, on_nothing},
	{"TPROXY", 0, 0, 1, 0, ACT_TPROXY, VERDICT_ACCEPT, on_nothing},
	{"LOG", 0, 0, 0, 0, ACT_OTHER, VERDICT_CONTINUE, on_nothing},
	{"NFLOG", 0, 0, 0, 0, ACT_OTHER, VERDICT_CONTINUE, on_nothing},
	{"TRACE", 0, 0, 0, 0, ACT_OTHER, VERDICT_CONTINUE, on_nothing},
	{"CT", 0, 0, 2, 0, ACT_OTHER, VERDICT_CONTINUE, on_nothing},
	{"NOTRACK", 0, 0, 0, 0, ACT_OTHER, VERDICT_CONTINUE, on_nothing},
	{"TCPMSS", 0, 0, 0, 0, ACT_OTHER, VERDICT_CONTINUE, on_nothing},
	{"CHECKSUM", 0, 0, 0, 0, ACT_OTHER, VERDICT_CONTINUE, on_nothing},
	{"CONNMARK", 0, 1, 2, 0, ACT_OTHER, VERDICT_CONTINUE, on_nothing},
};

static void read_target(struct reading *rd, const struct xt_entry_target *t)
{
	size_t len = t->u.target_size - sizeof(*t);

	rd->r->act = ACT_OTHER;
	rd->r->verdict = VERDICT_UNKNOWN;
	rd->r->what = facts_strdup(rd->f, t->u.user.name);
	for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++)
		if (!strcmp(t->u.user.name, targets[i].name) &&
		    (!targets[i].family || targets[i].family == rd->x->family) &&
		    t->u.user.revision >= targets[i].min_rev &&
		    t->u.user.revision <= targets[i].max_rev && len >= targets[i].size &&
		    targets[i].read(rd, t->data)) {
			rd->r->act = targets[i].act;
			rd->r->verdict = targets[i].verdict;
			return;
		}
}

int facts_from_xt(struct facts *f, struct fact_rule *r, const struct xt_rule *x)
{
	struct reading rd = {.f = f, .r = r, .x = x};

	r->verdict = x->verdict;
	read_head(&rd);
	for (size_t i = 0; i < x->n_matches; i++)
		read_match(&rd, x->matches[i].m);
	if (x->target)
		read_target(&rd, x->target);
	else if (x->to)
		r->to = facts_chain_named(f, r->chain->rs->table, x->to);
	if (x->to && !r->to)
		r->verdict = VERDICT_UNKNOWN;
	return facts_rule_done(f, r, &rd.l);
}
