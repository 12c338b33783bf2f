/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From a datagram of the trace socket to events. */
#ifndef NFPATH_NL_EVENTS_H
#define NFPATH_NL_EVENTS_H

#include "src/channel.h"
#include "src/event.h"
#include "src/view.h"

enum { NL_NAMES_KEPT = 8 };

struct nl_source {
	unsigned int ns; /* index of the view */
	const struct view *view;
	const char *own_table;
	uint32_t nflog_seq; /* that is expected next */
	bool nflog_seen;
	bool says_ct; /* the kernel's messages have the state of conntrack */
	uint64_t undecoded; /* datagrams that made no sense */
	struct {
		uint32_t index;
		char name[IFNAME_MAX];
	} names[NL_NAMES_KEPT]; /* of interfaces, asked for since nl_begin() */
	unsigned int n_names;
};

/* Do the messages of this kernel have the state of conntrack (Linux 6.16)? */
bool nl_says_ct(void);

/* A round of datagrams begins: the names of interfaces may have changed since the last one. */
void nl_begin(struct nl_source *s);

/*
 * Says what d says. cpu: where it was queued, -1 if not known; at_ns: when exactly,
 * CLOCK_MONOTONIC, 0 if not known. A gap in the numbers of nfnetlink_log becomes an EVENT_LOST of
 * its own.
 */
void nl_events(struct nl_source *s, const struct datagram *d, int cpu, uint64_t at_ns,
	       void (*sink)(void *ctx, const struct event *ev), void *ctx);

#endif
