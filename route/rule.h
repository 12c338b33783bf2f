/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Policy rules (`ip rule`): as the kernel tells them, and whether one matches. */
#ifndef NFPATH_ROUTE_RULE_H
#define NFPATH_ROUTE_RULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <linux/netlink.h>

enum {
	ROUTE_ADDR = 16,    /* bytes; IPv4 uses the first four */
	ROUTE_NAME = 16,    /* IFNAMSIZ */
	ROUTE_TOS_BITS = 0x1c, /* IPTOS_RT_MASK: what a TOS is compared in */
	ROUTE_LOOPBACK = 1, /* LOOPBACK_IFINDEX: iif of what this host sends, and of many a reverse
			       lookup */
};

/* What the kernel looks a route up by: struct flowi4, flowi6. */
struct route_flow {
	uint8_t family; /* AF_INET, AF_INET6 */
	uint8_t dst[ROUTE_ADDR], src[ROUTE_ADDR];
	bool has_src;		 /* false: 0.0.0.0, :: */
	uint32_t iif, oif;	 /* oif 0: any */
	uint32_t vrf, vrf_table; /* the VRF device that iif or oif belongs to; 0: none */
	uint32_t mark, uid;
	uint8_t tos, proto;
	uint16_t sport, dport;
};

struct port_range {
	uint16_t lo, hi; /* both 0: any */
};

struct policy_rule {
	uint32_t pref;
	uint8_t action;		 /* FR_ACT_* */
	uint32_t table, target;	 /* of FR_ACT_TO_TBL; pref that FR_ACT_GOTO goes to */
	bool invert, unresolved; /* "not"; a goto without target */
	bool l3mdev;
	uint8_t src[ROUTE_ADDR], dst[ROUTE_ADDR], src_len, dst_len;
	char iif[ROUTE_NAME], oif[ROUTE_NAME]; /* empty: any */
	uint32_t iifindex, oifindex; /* by who knows the devices; UINT32_MAX: there is none */
	uint32_t mark, mask;
	uint8_t tos, dscp,
		dscp_mask; /* "tos" compares 0x1c of it, "dscp" its mask (0xff: not given) */
	uint8_t proto;
	struct port_range sport, dport;
	uint16_t sport_mask, dport_mask; /* 0: the range counts, else lo under the mask */
	bool has_uid;
	uint32_t uid_lo, uid_hi;
	int32_t suppress_plen, suppress_group; /* -1: none */
	bool realms;
	bool unknown; /* has a selector that we do not know */
	bool without; /* what if it were not there; the kernel has it all the same */
};

/* RTM_NEWRULE. False: not one of this family. */
bool policy_rule_parse(const struct nlmsghdr *nlh, uint8_t family, struct policy_rule *r);

/* fib_rule_match(). What it does not know of a rule (unknown) is not compared. */
bool policy_rule_matches(const struct policy_rule *r, const struct route_flow *flow);

/*
 * fib_rule_requires_fldissect(): whether the kernel looks at protocol and ports of what arrives at
 * all. It does so only where a rule asks for them.
 */
bool policy_rules_dissect(const struct policy_rule *rules, size_t n);

/* Whether these are what a namespace has from its beginning. */
bool policy_rules_default(const struct policy_rule *rules, size_t n, uint8_t family);

/* "from 10.0.0.0/8 fwmark 0x1", "from all": the selectors as `ip rule` prints them. */
void policy_rule_selectors(const struct policy_rule *r, uint8_t family, char *buf, size_t size);
/* "lookup main", "unreachable", "goto 100". */
void policy_rule_action(const struct policy_rule *r, char *buf, size_t size);

/* "main", "local", "default" or the number. */
const char *route_table_name(uint32_t table, char *buf, size_t size);

/* Does addr/len contain a? */
bool route_prefix_has(const uint8_t *prefix, unsigned int len, const uint8_t *a);

#endif
