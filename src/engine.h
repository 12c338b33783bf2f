/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What turns the kernel's doings into events. One struct engine_ops an engine, all of them in the
 * table of engine.c. */
#ifndef NFPATH_ENGINE_H
#define NFPATH_ENGINE_H

#include <poll.h>

#include "src/cgroup.h"
#include "src/event.h"
#include "src/filter.h"
#include "src/view.h"

/* Raw tracepoints beside the engine: what to do without, though the host may have it. */
enum raw_tp_use {
	RAW_TP_ALL,
	RAW_TP_DROPS, /* without the moments at which messages are queued, and what depends on them
		       */
	RAW_TP_OFF,
};

struct engine_config {
	const struct filter *filter;
	const struct cgroup_name *cgroup; /* only packets of its sockets; NULL: any */
	const struct view *views;	  /* stay where they are */
	const unsigned int *n_views;	  /* grows when find_view() opens one */
	/*
	 * The index of the view of this namespace, which is opened if it can be found; -1: it
	 * cannot. May be asked for every packet: what was not found is not looked for again for a
	 * while.
	 */
	int (*find_view)(void *ctx, uint32_t inum);
	void *find_ctx;
	const struct netns_set *begin; /* packets may begin in these; NULL: anywhere */
	size_t rcvbuf;		       /* bytes for each trace socket; 0: the engine's own choice */
	enum raw_tp_use raw_tp;
	unsigned int lose_one_of; /* of the records of kernel programs, for tests; 0: none */
	bool stacks;		  /* of drops */
	bool all_drops;		  /* drops of packets that it does not follow are wanted, too */

	void (*warn)(void *ctx, const char *sentence);
	void *warn_ctx;
};

struct engine;

struct engine_ops {
	const char *name;
	/* Could it work here? 0, or a negative errno with the reason. Changes nothing. */
	int (*probe)(struct error *why);
	/* On return no packet can be missed any more. config is borrowed until close. NULL on
	 * failure. */
	struct engine *(*open)(const struct engine_config *config, struct error *err);
	void (*close)(struct engine *e);
	/* Fills up to max entries and returns how many there are. */
	unsigned int (*fds)(const struct engine *e, struct pollfd *fds, unsigned int max);
	/* Delivers what the kernel has said, without waiting. 0 or a negative errno. */
	int (*read)(struct engine *e, void (*sink)(void *ctx, const struct event *ev), void *ctx,
		    struct error *err);
	/* CLOCK_MONOTONIC, ns: all that happened before has been delivered. */
	uint64_t (*synced)(const struct engine *e);
	/* Nothing is under way, and what comes makes one of the descriptors readable: no need to
	 * look before. */
	bool (*idle)(const struct engine *e);
	/* The last read took all that it takes at a time: there is more. */
	bool (*behind)(const struct engine *e);
	/* The ruleset of this view was read anew. */
	void (*rules_changed)(struct engine *e, unsigned int view);
	/* Why rules that this view has are not heard of, or were not yet at after_ns, when a packet
	 * came that met one of these rulesets: its path lacks them; NULL: all are. */
	const char *(*missing)(const struct engine *e, unsigned int view,
			       const struct rules_answer *rules, uint64_t after_ns);
	/* What it cannot see on this host, one sentence; NULL: nothing that matters. */
	const char *(*blind)(const struct engine *e);
};

/* name: "auto" or an engine's. NULL with the reason in err when there is none that works. why gets
 * one sentence on the choice. */
const struct engine_ops *engine_choose(const char *name, struct error *why, struct error *err);

extern const struct engine_ops engine_bpf;
extern const struct engine_ops engine_netlink;

#endif
