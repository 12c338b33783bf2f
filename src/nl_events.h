/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From a datagram of the trace socket to events. */
#ifndef NFPATH_NL_EVENTS_H
#define NFPATH_NL_EVENTS_H

#include "src/channel.h"
#include "src/event.h"
#include "src/view.h"

struct nl_source {
	unsigned int ns; /* index of the view */
	const struct view *view;
	const char *own_table;
	uint32_t nflog_seq; /* that is expected next */
	bool nflog_seen;
	uint64_t undecoded; /* datagrams that made no sense */
};

/*
 * Says what d says. cpu: where it was queued, -1 if not known; at_ns: when exactly,
 * CLOCK_MONOTONIC, 0 if not known. A gap in the numbers of nfnetlink_log becomes an EVENT_LOST of
 * its own.
 */
void nl_events(struct nl_source *s, const struct datagram *d, int cpu, uint64_t at_ns,
	       void (*sink)(void *ctx, const struct event *ev), void *ctx);

#endif
