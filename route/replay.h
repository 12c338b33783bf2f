/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A decision that the kernel has been seen to make, table by table: which policy rule made it ask the
 * last of them. The kernel does not say; but each table that exists and is asked is seen, so only one
 * way through the rules fits.
 */
#ifndef NFPATH_ROUTE_REPLAY_H
#define NFPATH_ROUTE_REPLAY_H

#include "route/rule.h"

struct seen_table {
	uint32_t table;
	int error; /* 0: it had a route; -EAGAIN: none */
};

struct seen_lookup {
	const struct seen_table *v; /* in their order */
	unsigned int n;
	bool whole; /* else the first ones may be missing */
	int plen; /* of the route that the last one had; -1: not known */
};

enum replay_end {
	REPLAY_UNKNOWN,
	REPLAY_TABLE,	/* a rule, with the last table */
	REPLAY_REFUSED, /* a rule that refuses, after the last table */
	REPLAY_NONE,	/* no rule: none of the tables had a route that is wanted */
};

/* *rule: the index of the rule; where there is none, it is left alone. */
enum replay_end route_replay(const struct policy_rule *rules, size_t n_rules,
			     const struct route_flow *flow, const struct seen_lookup *seen,
			     size_t *rule);

#endif
