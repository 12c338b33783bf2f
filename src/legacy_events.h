/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From traversals of tables of iptables-legacy, of which it is recorded which rules counted
 * meanwhile, to the rules that the packet hit, in their order; or to a doubt.
 */
#ifndef NFPATH_LEGACY_EVENTS_H
#define NFPATH_LEGACY_EVENTS_H

#include <stddef.h>

#include "bpf/event.h"
#include "src/engine.h"
#include "src/legacy_tables.h"

struct legacy_events;

/* Both are borrowed. NULL: out of memory. */
struct legacy_events *legacy_events_open(const struct engine_config *config,
					 const struct legacy_tables *tables);
void legacy_events_close(struct legacy_events *le);

/* One record; the events that it makes go to sink. False: the rules that the table had then are not
 * known. */
bool legacy_events_record(struct legacy_events *le, const struct nfp_xt_visit *v, size_t size,
			  void (*sink)(void *ctx, const struct event *ev), void *ctx);

#endif
