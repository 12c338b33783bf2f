/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Asks the kernel for the facts of one decision, and for what one lookup needs when the decision
 * wants to know it. Routes are asked for one at a time; a table is read as a whole only where
 * no question leads the kernel into it.
 */
#ifndef NFPATH_ROUTE_COLLECT_H
#define NFPATH_ROUTE_COLLECT_H

#include "route/decide.h"

struct route_collector;
struct fib_reader; /* route/learn.h */

/* netns_fd is borrowed for as long as the collector lives. NULL: err has the sentence. */
struct route_collector *route_collector_open(int netns_fd, struct error *err);
void route_collector_close(struct route_collector *c);

/* Routes that refuse, and what a table answers that no question leads to, are read by this one where
 * it can; borrowed. Else the kernel goes through the whole table for them. */
void route_collector_read_by(struct route_collector *c, const struct fib_reader *reader);

/* The socket that it asks by, and the namespace; both stay its own. */
struct rtnl *route_collector_rtnl(struct route_collector *c);
int route_collector_netns(const struct route_collector *c);

/* The number of a device. 0 and a sentence: there is none of this name. */
int route_collector_device(struct route_collector *c, const char *name, uint32_t *ifindex,
			   struct error *err);

/* What must be known of any decision about flow, into *f, which route_facts_free() frees. Sets
 * flow->vrf too. 0 or a negative errno and a sentence. */
int route_collect(struct route_collector *c, struct route_flow *flow, struct route_facts *f,
		  struct error *err);
void route_facts_free(struct route_facts *f);

/* Decides, and asks for what the decision lacks until it lacks nothing. 0 or a negative errno. */
int route_collect_and_decide(struct route_collector *c, struct route_facts *f,
			     const struct route_flow *flow, struct route_decision *d,
			     struct error *err);

/* Tables that had to be read as a whole, so far. */
unsigned int route_collector_dumps(const struct route_collector *c);

/* What the kernel itself says to the whole question (RTM_GETROUTE). */
struct route_answer {
	bool asked;
	const char *why_not;	/* when it was not asked */
	int error;		/* 0 or what it refused with, negative */
	struct fib_route route; /* of error 0 */
};

/* Asks where that leaves no trace: what arrives and is refused is logged by log_martians. */
void route_ask(struct route_collector *c, const struct route_facts *f,
	       const struct route_flow *flow, const struct route_decision *d,
	       struct route_answer *a);

#endif
