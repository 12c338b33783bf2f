/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between the parts of the tracker: who a packet is (tracker.c), the same where its id is sure
 * (tracker_sure.c), what its headers and its connection tell (tracker_headers.c), and which route
 * lookups are its own (tracker_route.c). */
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
	bool all_drops;	       /* of packets without a path, too */
	uint64_t last_time_ns; /* CLOCK_REALTIME that was given to a packet */
	struct tracker_stats stats;
};

extern const char tracker_lost_text[];

/* A new packet with these headers. NULL: out of memory. */
struct live *tracker_begin(struct tracker *t, const struct event *ev, const struct packet *now);
/* One that goes on after the path of `before` was handed out. NULL: out of memory. */
struct live *tracker_begin_again(struct tracker *t, const struct event *ev,
				 const struct live *before);
/* It entered or left a hook. */
void tracker_at_hook(struct live *l, const struct event *ev, bool left);

bool tracker_is_puzzling(const struct event *ev);
/* The step of an EVENT_DROP. */
void tracker_add_drop(struct live *l, const struct event *ev);
/* EVENT_DROP of a packet that no path is under way of. before: its path that was handed out already,
 * if that is known. */
void tracker_drop_alone(struct tracker *t, const struct event *ev, const struct live *before);

/* l was heard of by this event: its times, its CPU, its place in the order. */
void tracker_heard(struct tracker *t, struct live *l, const struct event *ev);

/* Takes over the headers of the event, if it has any, and adds the NAT that they show. */
void tracker_see_headers(struct tracker *t, struct live *l, const struct event *ev);
void tracker_see_conntrack(struct live *l, const struct event *ev);
/* Of a path that was selected as a reply: does it answer what the filter asks for? */
bool tracker_answers(const struct tracker *t, const struct path *p);

/* EVENT_ROUTE: gives the lookup to its packet, or keeps it for one that is still to come. */
void tracker_on_route(struct tracker *t, const struct event *ev);
/* A packet of our own making was routed just before its first hook, of which ev tells. */
void tracker_claim_routes(struct tracker *t, struct live *l, const struct event *ev);

/* Events with a sure id: the packet is the one with that id, whatever its headers are and wherever
 * it is. */
/* In a namespace that has no view. */
void tracker_sure_elsewhere(struct tracker *t, const struct event *ev);
void tracker_sure_enter(struct tracker *t, const struct event *ev);
void tracker_sure_drop(struct tracker *t, const struct event *ev);
void tracker_sure_transmit(struct tracker *t, const struct event *ev);
void tracker_sure_lost(struct tracker *t, const struct event *ev);
void tracker_sure_gone(struct tracker *t, const struct event *ev);
/* Of EVENT_RULE, POLICY and RETURN; NULL: not ours. */
struct live *tracker_sure_owner(struct tracker *t, const struct event *ev);
/* Takes l, of which ev tells, to the namespace of ev. */
void tracker_sure_move(struct tracker *t, struct live *l, const struct event *ev);
/* Is this a copy whose original is not handed out yet? Its id is to be said. */
bool tracker_sure_waits(struct tracker *t, const struct live *l);

#endif
