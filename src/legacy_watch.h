/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * iptables-legacy within the bpf engine: its programs come when a ruleset has such tables; tables
 * are tied to their snapshots when they are new; records become events.
 */
#ifndef NFPATH_LEGACY_WATCH_H
#define NFPATH_LEGACY_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/event.h"
#include "src/engine.h"
#include "src/programs.h"

struct legacy_watch;

/* Both are borrowed. Attaches nothing yet. NULL: out of memory. */
struct legacy_watch *legacy_watch_open(const struct engine_config *config, struct programs *p);
void legacy_watch_close(struct legacy_watch *lw);

/* The ruleset of this view is new: legacy_watch_sync() looks at it. */
void legacy_watch_changed(struct legacy_watch *lw, unsigned int view);

/* Attaches and ties what is to be. Before the first packet, and then whenever records were read. */
void legacy_watch_sync(struct legacy_watch *lw, uint64_t now);

/* All records up to this moment were handed over: what was tied and not replaced is in force. */
void legacy_watch_synced(struct legacy_watch *lw, uint64_t synced_ns);

/* Is it a record of ours? Then its events go to sink. */
bool legacy_watch_record(struct legacy_watch *lw, const struct nfp_event *ev, size_t size,
			 void (*sink)(void *ctx, const struct event *ev), void *ctx);

/* Why rules of iptables-legacy of these rulesets are not heard of, or were not at after_ns; NULL:
 * they are, or there are none. */
const char *legacy_watch_missing(const struct legacy_watch *lw, const struct rules_answer *rules,
				 uint64_t after_ns);

#endif
