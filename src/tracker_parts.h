/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between the parts of the tracker: who a packet is (tracker.c), what its headers and its
 * connection tell (tracker_headers.c), and which route lookups are its own (tracker_route.c). */
#ifndef NFPATH_TRACKER_PARTS_H
#define NFPATH_TRACKER_PARTS_H

#include "src/live.h"
#include "src/tracker.h"

enum { ROUTES_KEPT = 8 };

/* A lookup that no packet has claimed yet. */
struct kept_route {
	struct event ev;
	char dev[IFNAME_MAX];
};

struct tracker {
	const struct filter *filter;
	void (*done)(void *ctx, struct path *p);
	void *ctx;
	struct live_table table;
	struct kept_route routes[ROUTES_KEPT];
	unsigned int next_route;
	uint64_t last_time_ns; /* CLOCK_REALTIME that was given to a packet */
	struct tracker_stats stats;
};

/* l was heard of by this event: its times, its CPU, its place in the order. */
void tracker_heard(struct tracker *t, struct live *l, const struct event *ev);

/* Takes over the headers of the event, if it has any, and adds the NAT that they show. */
void tracker_see_headers(struct tracker *t, struct live *l, const struct event *ev);
void tracker_see_conntrack(struct live *l, const struct event *ev);

/* EVENT_ROUTE: gives the lookup to its packet, or keeps it for one that is still to come. */
void tracker_on_route(struct tracker *t, const struct event *ev);
/* A packet of our own making was routed just before its first hook, of which ev tells. */
void tracker_claim_routes(struct tracker *t, struct live *l, const struct event *ev);

#endif
