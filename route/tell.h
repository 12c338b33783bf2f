/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tells the policy rule and the prefix of a routing decision that the kernel was seen to make. What it
 * asks for is remembered until route_teller_forget(): who knows when routing has changed must call it.
 */
#ifndef NFPATH_ROUTE_TELL_H
#define NFPATH_ROUTE_TELL_H

#include "route/replay.h"

struct route_teller;
struct fib_reader; /* route/learn.h */

/* The kernel's own words on a decision. */
struct route_seen {
	struct route_flow flow;
	const struct seen_table *v;
	unsigned int n;
	bool whole;	/* else the first ones may be missing */
	int plen, type; /* of the route that was found; -1 and 0: not said */
	const char *dev;
	bool has_gateway;
	uint8_t gateway[ROUTE_ADDR];
};

struct route_told {
	enum replay_end end;
	uint32_t pref, table; /* of REPLAY_TABLE and REPLAY_REFUSED; only the former has a table */
	uint8_t action;	      /* FR_ACT_* of the rule that refuses */
	int plen, type;	      /* -1 and 0: not known */
	const char *untold;   /* why something of it is not known; NULL: all is */
};

/* Both are borrowed for as long as the teller lives. reader: of tables that are slow to go through; NULL:
 * none. NULL: out of memory. */
struct route_teller *route_teller_open(int netns_fd, const struct fib_reader *reader);
void route_teller_close(struct route_teller *t);

void route_teller_forget(struct route_teller *t);

/* Was the kernel asked for it? Else it was all remembered. */
bool route_tell(struct route_teller *t, const struct route_seen *seen, struct route_told *told);

#endif
