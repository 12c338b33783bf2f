/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a routing decision rests on, as values. route/collect.c asks the kernel for them,
 * route/decide.c decides over them and asks nobody.
 */
#ifndef NFPATH_ROUTE_FACTS_H
#define NFPATH_ROUTE_FACTS_H

#include "route/device.h"
#include "route/fib.h"
#include "route/rule.h"

/* What one table answers for one address (and device, where one is asked for). */
struct fib_fact {
	uint32_t table, oif;
	uint8_t addr[ROUTE_ADDR];
	bool found;
	bool maybe_throw; /* not found, or a route of type throw was: for a decision it is the same */
	struct fib_route route;
};

struct route_facts {
	uint8_t family;
	struct policy_rule *rules; /* in the order of the kernel */
	size_t n_rules;
	/*
	 * A rule was added or removed at some time (fib4_has_custom_rules()). Until then the tables
	 * local and main are one (fib_trie_alias()), and nobody looks at the rules.
	 */
	bool custom_rules;
	bool custom_local;	     /* there are routes of type local that somebody added */
	struct route_device arrival; /* by which the packet comes … */
	struct route_device in; /* … and what routing takes for that: its VRF, if it is in one */
	struct route_settings all, dev; /* of net.ipv4.conf, of `in` */
	struct route_settings all6, dev6;
	bool no_inet;		     /* `in` has no settings of this family */
	bool no_addr;		     /* `in` has no IPv4 address */
	bool src_is_own, dst_is_own; /* the addresses of the packet: configured on some device */
	uint8_t own_src[ROUTE_ADDR], own_dst[ROUTE_ADDR]; /* these addresses */
	uint32_t
		*localnet; /* owned; devices with route_localnet, when this host sends from 127/8 */
	size_t n_localnet;
	int group_joined;	/* the destination, a multicast group; -1: not known */
	struct fib_fact **fibs; /* owned; their addresses stay */
	size_t n_fibs;
	const struct fib_fact
		*instead; /* borrowed; goes before fibs: what if there were this route */
};

/* NULL: not known yet. */
const struct fib_fact *route_facts_fib(const struct route_facts *f, uint32_t table,
				       const struct route_flow *flow);

#endif
