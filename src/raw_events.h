/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From a raw tracepoint's record to an event. */
#ifndef NFPATH_RAW_EVENTS_H
#define NFPATH_RAW_EVENTS_H

#include "src/event.h"
#include "src/kernel_names.h"
#include "src/raw_tp.h"
#include "src/view.h"

/*
 * Makes *ev of a record that is not NFP_MESSAGE; *p takes the headers, text (of size bytes) a name
 * that *ev points to. last_ns: the view in which this CPU was seen last, for records that name no
 * namespace; -1: none. False: it concerns none of the views.
 */
bool raw_event(const struct nfp_event *rec, const struct view *views, unsigned int n_views,
	       int last_ns, struct event *ev, struct packet *p, struct kernel_names *names,
	       char *text, size_t size);

/* What such a record says of a route, into ev->route. */
void raw_route(const struct nfp_fib *f, struct event *ev);

#endif
