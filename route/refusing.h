/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which routes refuse an address. The kernel's answer names none. */
#ifndef NFPATH_ROUTE_REFUSING_H
#define NFPATH_ROUTE_REFUSING_H

#include "route/learn.h"

enum { ERROR_ROUTES = 64 }; /* routes that refuse one address: more than one a table is rare */

struct error_routes {
	const struct route_flow *flow;
	struct fib_route v[ERROR_ROUTES]; /* the most exact of each table */
	unsigned int n;
};

/*
 * The answer was an error: which route refuses? Those of its type that cover the address, one a
 * table at most. A longer route that leads somewhere would have been the answer; a longer one that
 * throws can have been come to only if something else refused then.
 */
int refusing_routes(const struct route_sources *by, const struct route_facts *f, int error,
		    struct error_routes *refuse, struct error_routes *throws);

/* That of this table; NULL: none. */
const struct fib_route *refusing_route(const struct error_routes *e, uint32_t table);

/* Is there a policy rule that is not about a table? */
bool policy_rules_refuse(const struct route_facts *f);

#endif
