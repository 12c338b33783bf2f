// SPDX-License-Identifier: GPL-2.0-or-later
#include "route/rule.h"

#include <arpa/inet.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>

#include <libmnl/libmnl.h>

enum {
	/* Of later headers than those of the build (Linux 6.14, 6.15). */
	RULE_ATTR_DSCP = 25,
	RULE_ATTR_SPORT_MASK = 28,
	RULE_ATTR_DPORT_MASK = 29,
	RULE_ATTR_DSCP_MASK = 30,
	NO_DSCP = 0xff,
	DSCP_BITS = 0xfc,
};

bool route_prefix_has(const uint8_t *prefix, unsigned int len, const uint8_t *a)
{
	unsigned int bytes = len / 8, bits = len % 8;

	if (memcmp(prefix, a, bytes))
		return false;
	return !bits || !((prefix[bytes] ^ a[bytes]) & (0xff00 >> bits) & 0xff);
}

/* Each takes what an attribute says into a field of r. What is too short for it is not known. */
typedef void copy_fn(struct policy_rule *r, void *field, const struct nlattr *attr);

static bool holds(struct policy_rule *r, const struct nlattr *attr, size_t size)
{
	if (mnl_attr_get_payload_len(attr) >= size)
		return true;
	r->unknown = true;
	return false;
}

static void copy_name(struct policy_rule *r, void *field, const struct nlattr *attr)
{
	if (mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) >= 0 &&
	    mnl_attr_get_payload_len(attr) <= ROUTE_NAME)
		strcpy(field, mnl_attr_get_str(attr));
}

static void copy_addr(struct policy_rule *r, void *field, const struct nlattr *attr)
{
	size_t len = mnl_attr_get_payload_len(attr);

	memcpy(field, mnl_attr_get_payload(attr), len < ROUTE_ADDR ? len : ROUTE_ADDR);
}

static void copy_u32(struct policy_rule *r, void *field, const struct nlattr *attr)
{
	if (holds(r, attr, sizeof(uint32_t)))
		*(uint32_t *)field = mnl_attr_get_u32(attr);
}

static void copy_u16(struct policy_rule *r, void *field, const struct nlattr *attr)
{
	if (holds(r, attr, sizeof(uint16_t)))
		*(uint16_t *)field = mnl_attr_get_u16(attr);
}

static void copy_u8(struct policy_rule *r, void *field, const struct nlattr *attr)
{
	if (holds(r, attr, sizeof(uint8_t)))
		*(uint8_t *)field = mnl_attr_get_u8(attr);
}

/* As it stands in the TOS field. */
static void copy_dscp(struct policy_rule *r, void *field, const struct nlattr *attr)
{
	if (holds(r, attr, sizeof(uint8_t)))
		*(uint8_t *)field = mnl_attr_get_u8(attr) << 2;
}

static void copy_flag(struct policy_rule *r, void *field, const struct nlattr *attr)
{
	*(bool *)field = mnl_attr_get_payload_len(attr) && mnl_attr_get_u8(attr);
}

static void set_flag(struct policy_rule *r, void *field, const struct nlattr *attr)
{
	*(bool *)field = true;
}

static void copy_range(struct policy_rule *r, void *field, const struct nlattr *attr)
{
	const struct fib_rule_port_range *range = mnl_attr_get_payload(attr);

	if (holds(r, attr, sizeof(*range)))
		*(struct port_range *)field = (struct port_range){range->start, range->end};
}

static void copy_uids(struct policy_rule *r, void *field, const struct nlattr *attr)
{
	const struct fib_rule_uid_range *range = mnl_attr_get_payload(attr);

	if (!holds(r, attr, sizeof(*range)))
		return;
	r->has_uid = true;
	r->uid_lo = range->start;
	r->uid_hi = range->end;
}

static void ignore(struct policy_rule *r, void *field, const struct nlattr *attr)
{
}

#define FIELD(name) offsetof(struct policy_rule, name)

static const struct {
	copy_fn *copy;
	size_t field;
} attributes[] = {
	[FRA_DST] = {copy_addr, FIELD(dst)},
	[FRA_SRC] = {copy_addr, FIELD(src)},
	[FRA_IIFNAME] = {copy_name, FIELD(iif)},
	[FRA_OIFNAME] = {copy_name, FIELD(oif)},
	[FRA_GOTO] = {copy_u32, FIELD(target)},
	[FRA_PRIORITY] = {copy_u32, FIELD(pref)},
	[FRA_FWMARK] = {copy_u32, FIELD(mark)},
	[FRA_FWMASK] = {copy_u32, FIELD(mask)},
	[FRA_FLOW] = {set_flag, FIELD(realms)},
	[FRA_SUPPRESS_PREFIXLEN] = {copy_u32, FIELD(suppress_plen)},
	[FRA_SUPPRESS_IFGROUP] = {copy_u32, FIELD(suppress_group)},
	[FRA_TABLE] = {copy_u32, FIELD(table)},
	[FRA_L3MDEV] = {copy_flag, FIELD(l3mdev)},
	[FRA_UID_RANGE] = {copy_uids, 0},
	[FRA_IP_PROTO] = {copy_u8, FIELD(proto)},
	[FRA_SPORT_RANGE] = {copy_range, FIELD(sport)},
	[FRA_DPORT_RANGE] = {copy_range, FIELD(dport)},
	[RULE_ATTR_DSCP] = {copy_dscp, FIELD(dscp)},
	[RULE_ATTR_DSCP_MASK] = {copy_dscp, FIELD(dscp_mask)},
	[RULE_ATTR_SPORT_MASK] = {copy_u16, FIELD(sport_mask)},
	[RULE_ATTR_DPORT_MASK] = {copy_u16, FIELD(dport_mask)},
	[FRA_PROTOCOL] = {ignore, 0},
	[FRA_PAD] = {ignore, 0},
};

static void parse_attr(struct policy_rule *r, const struct nlattr *attr)
{
	uint16_t type = mnl_attr_get_type(attr);

	if (type < sizeof(attributes) / sizeof(attributes[0]) && attributes[type].copy)
		attributes[type].copy(r, (char *)r + attributes[type].field, attr);
	else
		r->unknown = true;
}

bool policy_rule_parse(const struct nlmsghdr *nlh, uint8_t family, struct policy_rule *r)
{
	const struct fib_rule_hdr *hdr = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *attr;

	if (nlh->nlmsg_type != RTM_NEWRULE || mnl_nlmsg_get_payload_len(nlh) < sizeof(*hdr) ||
	    hdr->family != family)
		return false;
	*r = (struct policy_rule){.action = hdr->action,
				  .table = hdr->table,
				  .src_len = hdr->src_len,
				  .dst_len = hdr->dst_len,
				  .tos = hdr->tos,
				  .dscp = NO_DSCP,
				  .dscp_mask = DSCP_BITS,
				  .invert = hdr->flags & FIB_RULE_INVERT,
				  .unresolved = hdr->flags & FIB_RULE_UNRESOLVED,
				  .suppress_plen = -1,
				  .suppress_group = -1};
	mnl_attr_for_each(attr, nlh, sizeof(*hdr))
		parse_attr(r, attr);
	if (r->src_len > 8 * ROUTE_ADDR || r->dst_len > 8 * ROUTE_ADDR)
		r->unknown = true;
	return true;
}

/* fib_rule_port_match(). */
static bool port_matches(struct port_range r, uint16_t mask, uint16_t port)
{
	if (!r.lo && !r.hi)
		return true;
	return mask ? !((r.lo ^ port) & mask) : port >= r.lo && port <= r.hi;
}

/* fib_rule_match(), fib4_rule_match(), fib6_rule_match(). */
static bool selected(const struct policy_rule *r, const struct route_flow *f)
{
	if (r->iif[0] && r->iifindex != f->iif && (!f->vrf || r->iifindex != f->vrf))
		return false;
	if (r->oif[0] && r->oifindex != f->oif && (!f->vrf || r->oifindex != f->vrf))
		return false;
	if ((r->mark ^ f->mark) & r->mask)
		return false;
	if (r->l3mdev && !f->vrf)
		return false;
	if (r->has_uid && (f->uid < r->uid_lo || f->uid > r->uid_hi))
		return false;
	if (!route_prefix_has(r->dst, r->dst_len, f->dst))
		return false;
	/* fib6_rule_match(): without a source address a rule with a prefix cannot match. In IPv4
	 * 0.0.0.0 is compared like any other. */
	if (f->family == AF_INET6 && r->src_len && !f->has_src)
		return false;
	if (!route_prefix_has(r->src, r->src_len, f->src))
		return false;
	if (r->tos && r->tos != (f->tos & (f->family == AF_INET ? ROUTE_TOS_BITS : DSCP_BITS)))
		return false;
	if (r->dscp != NO_DSCP && ((r->dscp ^ f->tos) & r->dscp_mask))
		return false;
	if (r->proto && r->proto != f->proto)
		return false;
	return port_matches(r->sport, r->sport_mask, f->sport) &&
	       port_matches(r->dport, r->dport_mask, f->dport);
}

bool policy_rule_matches(const struct policy_rule *r, const struct route_flow *flow)
{
	return selected(r, flow) != r->invert;
}

bool policy_rules_dissect(const struct policy_rule *rules, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (rules[i].iifindex != ROUTE_LOOPBACK &&
		    (rules[i].proto || rules[i].sport.hi || rules[i].dport.hi))
			return true;
	return false;
}

/* Without a selector, to this table. */
static bool is_plain(const struct policy_rule *r, uint32_t pref, uint32_t table)
{
	/* A range of all uids is told where none was given. */
	bool uids = r->has_uid && (r->uid_lo || r->uid_hi != UINT32_MAX);

	return r->pref == pref && r->table == table && r->action == FR_ACT_TO_TBL && !r->invert &&
	       !r->src_len && !r->dst_len && !r->iif[0] && !r->oif[0] && !r->mask && !uids &&
	       !r->tos && r->dscp == NO_DSCP && !r->proto && !r->sport.hi && !r->dport.hi &&
	       !r->l3mdev && r->suppress_plen < 0 && r->suppress_group < 0 && !r->unknown;
}

bool policy_rules_default(const struct policy_rule *rules, size_t n, uint8_t family)
{
	static const struct {
		uint32_t pref, table;
	} rows[] = {{0, RT_TABLE_LOCAL}, {32766, RT_TABLE_MAIN}, {32767, RT_TABLE_DEFAULT}};
	size_t want = family == AF_INET ? 3 : 2; /* fib6_rules_net_init() makes no "default" */

	if (n != want)
		return false;
	for (size_t i = 0; i < n; i++)
		if (!is_plain(&rules[i], rows[i].pref, rows[i].table))
			return false;
	return true;
}

const char *route_table_name(uint32_t table, char *buf, size_t size)
{
	switch (table) {
	case RT_TABLE_LOCAL:
		return "local";
	case RT_TABLE_MAIN:
		return "main";
	case RT_TABLE_DEFAULT:
		return "default";
	}
	snprintf(buf, size, "%u", table);
	return buf;
}

struct line {
	char *buf;
	size_t size, n;
};

__attribute__((format(printf, 2, 3))) static void add(struct line *l, const char *fmt, ...)
{
	va_list ap;
	int n;

	if (l->n >= l->size)
		return;
	va_start(ap, fmt);
	n = vsnprintf(l->buf + l->n, l->size - l->n, fmt, ap);
	va_end(ap);
	l->n += n > 0 ? n : 0;
}

static void add_prefix(struct line *l, const char *word, uint8_t family, const uint8_t *addr,
		       uint8_t len)
{
	char text[INET6_ADDRSTRLEN] = "?";

	inet_ntop(family, addr, text, sizeof(text));
	if (len == (family == AF_INET ? 32 : 128))
		add(l, "%s%s %s", l->n ? " " : "", word, text);
	else
		add(l, "%s%s %s/%u", l->n ? " " : "", word, text, len);
}

static void add_ports(struct line *l, const char *word, struct port_range r, uint16_t mask)
{
	if (mask && mask != UINT16_MAX)
		add(l, " %s %u/0x%x", word, r.lo, mask);
	else if (r.hi && r.lo == r.hi)
		add(l, " %s %u", word, r.lo);
	else if (r.hi)
		add(l, " %s %u-%u", word, r.lo, r.hi);
}

static void add_numbers(struct line *l, const struct policy_rule *r)
{
	if (r->mask == UINT32_MAX)
		add(l, " fwmark 0x%x", r->mark);
	else if (r->mask)
		add(l, " fwmark 0x%x/0x%x", r->mark, r->mask);
	if (r->tos)
		add(l, " tos 0x%02x", r->tos);
	if (r->dscp != NO_DSCP)
		add(l, r->dscp_mask == DSCP_BITS ? " dscp %u" : " dscp %u/0x%x", r->dscp >> 2,
		    r->dscp_mask >> 2);
	if (r->has_uid && (r->uid_lo || r->uid_hi != UINT32_MAX))
		add(l, " uidrange %u-%u", r->uid_lo, r->uid_hi);
	if (r->proto)
		add(l, " ipproto %u", r->proto);
	add_ports(l, "sport", r->sport, r->sport_mask);
	add_ports(l, "dport", r->dport, r->dport_mask);
}

void policy_rule_selectors(const struct policy_rule *r, uint8_t family, char *buf, size_t size)
{
	struct line l = {buf, size, 0};

	buf[0] = '\0';
	if (r->invert)
		add(&l, "not");
	if (r->src_len)
		add_prefix(&l, "from", family, r->src, r->src_len);
	else
		add(&l, "%sfrom all", l.n ? " " : "");
	if (r->dst_len)
		add_prefix(&l, "to", family, r->dst, r->dst_len);
	if (r->iif[0])
		add(&l, " iif %s", r->iif);
	if (r->oif[0])
		add(&l, " oif %s", r->oif);
	add_numbers(&l, r);
	if (r->unknown)
		add(&l, " (and what nfpath does not know)");
}

void policy_rule_action(const struct policy_rule *r, char *buf, size_t size)
{
	static const char *const words[] = {[FR_ACT_NOP] = "nop",
					    [FR_ACT_BLACKHOLE] = "blackhole",
					    [FR_ACT_UNREACHABLE] = "unreachable",
					    [FR_ACT_PROHIBIT] = "prohibit"};
	struct line l = {buf, size, 0};
	char name[16];

	if (r->action == FR_ACT_GOTO)
		add(&l, "goto %u", r->target);
	else if (r->action == FR_ACT_TO_TBL && r->l3mdev)
		add(&l, "lookup the table of the VRF");
	else if (r->action == FR_ACT_TO_TBL)
		add(&l, "lookup %s", route_table_name(r->table, name, sizeof(name)));
	else if (r->action < sizeof(words) / sizeof(words[0]) && words[r->action])
		add(&l, "%s", words[r->action]);
	else
		add(&l, "action %u", r->action);
	if (r->suppress_plen >= 0)
		add(&l, " suppress_prefixlength %d", r->suppress_plen);
	if (r->suppress_group >= 0)
		add(&l, " suppress_ifgroup %d", r->suppress_group);
}
