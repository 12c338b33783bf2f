/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which packet, in what order: groups events into paths. It alone knows how a packet is recognised
 * from one event to the next.
 *
 * A packet begins with the EVENT_ENTER that selected it. From then on its id names it while it
 * lives (the kernel reuses ids, and a new one is given when loopback hands the same packet in
 * again: then equal headers join the two halves). iptables-legacy lines carry no id: they belong to
 * the packet with the same headers that is in that hook, on that CPU where the CPU is known. Where
 * several packets fit equally well, each of them says that it is not certain.
 *
 * An engine may know better: with a sure id, an event belongs to the packet with that id, in every
 * namespace and under any headers.
 */
#ifndef NFPATH_TRACKER_H
#define NFPATH_TRACKER_H

#include "src/event.h"
#include "src/filter.h"

struct tracker;

struct tracker_stats {
	uint64_t packets; /* that the filter took */
	uint64_t lost;	  /* events that the engine reported as lost */
	uint64_t foreign; /* events of packets that were not ours: somebody else traces too */
	uint64_t stray;	  /* iptables-legacy lines that fitted no packet of ours */
};

/* done is given each finished path and owns it from then on. filter is borrowed. NULL: out of
 * memory. */
struct tracker *tracker_open(const struct filter *filter, void (*done)(void *ctx, struct path *p),
			     void *ctx);
void tracker_close(struct tracker *t);

/* Drops of packets that no path is of make paths of their own, with nothing but the drop. */
void tracker_take_all_drops(struct tracker *t, bool take);

void tracker_event(struct tracker *t, const struct event *ev);

/*
 * Hands out the paths that nothing more is to be expected of: quiet for a while, counted back from
 * synced_ns (CLOCK_MONOTONIC), the moment up to which everything that the kernel said has been
 * delivered here. all: every one, for the end of a trace.
 */
void tracker_flush(struct tracker *t, uint64_t synced_ns, bool all);

/* No packet is under way, and none is remembered. */
bool tracker_idle(const struct tracker *t);

const struct tracker_stats *tracker_stats(const struct tracker *t);

#endif
