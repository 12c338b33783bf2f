/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What would let a packet pass that routing refused. */
#ifndef NFPATH_ADVICE_H
#define NFPATH_ADVICE_H

#include "src/path.h"
#include "src/view.h"

/*
 * Sets p->refused, p->refusal and p->fix of a dropped packet, by the routing decision made again over
 * what is set now (route/decide.h): only where nothing of routing has changed since, and that decision
 * refuses the packet too, for what the kernel said. Of a flood of different packets only some are
 * advised, so that reading keeps up. views: of the trace, by the ns of a place.
 */
void advise(struct path *p, struct view *views);

/*
 * Of a request of ARP that came as far as arp_process(): whether routing refuses packets from who asks,
 * so that there is no answer. The kernel frees such a request like any other. Before conclude().
 */
void advise_arp(struct path *p, struct view *views);

#endif
