/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Single changes to a host's routing, for route/fixes.c. */
#ifndef NFPATH_ROUTE_CHANGES_H
#define NFPATH_ROUTE_CHANGES_H

#include "route/decide.h"

struct attempt {
	struct route_facts *f;
	const struct route_flow *flow;
	const struct route_decision *d; /* as things are */
	struct fib_fact route;		/* for changes that add one */
};

/* Whether it can matter here, the facts with it, what to type, and what else it does. */
struct change {
	bool (*matters)(const struct attempt *a);
	void (*apply)(struct attempt *a);
	void (*command)(const struct attempt *a, char *buf, size_t size);
	void (*effect)(const struct attempt *a, char *buf, size_t size);
	bool adds_route; /* facts have room for one */
};

/* Smallest first. */
extern const struct change route_changes[];
extern const unsigned int route_n_changes;

/* The rule that refused the destination; NULL: none did. */
const struct policy_rule *route_refusing_rule(const struct attempt *a);

#endif
