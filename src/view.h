/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One network namespace as a trace sees it: where it is, its rules over time, its interfaces and
 * routing settings. */
#ifndef NFPATH_VIEW_H
#define NFPATH_VIEW_H

#include "netfilter/conntrack.h"
#include "route/netconf.h"
#include "route/tell.h"
#include "src/hook_view.h"
#include "src/netns.h"
#include "src/rules.h"
#include "src/sockets.h"

struct view {
	const struct netns *ns;
	struct netns_set found; /* where ns is when it was found in the course of the trace */
	struct rules *rules;
	struct netconf *netconf;
	struct route_teller *teller; /* of its routing decisions; NULL: there was none yet */
	struct fib_reader *fib_reader; /* what that reads large tables by; NULL likewise */
	uint64_t told_ns;	     /* CLOCK_MONOTONIC: all that it remembers was read after this */
	struct conntrack *conntrack;
	struct hook_view *hooks;
	struct sockets *sockets;
	uint64_t legacy_heard_ns; /* CLOCK_MONOTONIC: the last line of iptables-legacy */
};

#endif
