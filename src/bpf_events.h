/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From the records of the bpf engine's programs to events. */
#ifndef NFPATH_BPF_EVENTS_H
#define NFPATH_BPF_EVENTS_H

#include <stddef.h>

#include "bpf/event.h"
#include "src/engine.h"
#include "src/kernel_names.h"

struct bpf_events;

/* config and names are borrowed. NULL: out of memory. */
struct bpf_events *bpf_events_open(const struct engine_config *config, struct kernel_names *names);
void bpf_events_close(struct bpf_events *b);

/* One record; the events that it makes go to sink. */
void bpf_events_record(struct bpf_events *b, const struct nfp_event *rec, size_t size,
		       void (*sink)(void *ctx, const struct event *ev), void *ctx);

/* The traversal of a table that is not nf_tables' is told: what freed the packet in it comes now. */
void bpf_events_traversed(struct bpf_events *b, uint32_t id,
			  void (*sink)(void *ctx, const struct event *ev), void *ctx);

#endif
