/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One running trace: namespaces, engine, tracker and the way from there to finished paths. */
#ifndef NFPATH_SESSION_H
#define NFPATH_SESSION_H

#include "src/engine.h"
#include "src/tracker.h"

struct session;

struct session_config {
	const struct engine_ops *engine;
	const struct filter *filter;
	const struct cgroup_name *cgroup; /* NULL: any packet */
	const struct netns_set *netns; /* looked into from the start; others are when packets come there */
	const struct netns_set *begin; /* packets may begin in these; NULL: anywhere */
	size_t rcvbuf; /* bytes, 0: the engine's choice */
	enum raw_tp_use raw_tp;
	unsigned int lose_one_of;
	bool stacks;	/* of drops: where they come from */
	bool all_drops; /* drops of packets that were not followed, too: as paths with this step alone */

	/* Each path, resolved, concluded and annotated; borrowed during the call. */
	void (*path)(void *ctx, const struct path *p);
	void (*warn)(void *ctx, const char *sentence);
	void *ctx;
};

/* When it returns, no packet that matches can be missed. config is borrowed until close. NULL on
 * failure: *rc a negative errno, err a sentence. */
struct session *session_open(const struct session_config *config, int *rc, struct error *err);
void session_close(struct session *s);

enum { SESSION_FDS_MAX = 1024 };

unsigned int session_fds(const struct session *s, struct pollfd *fds, unsigned int max);

/* Nothing is under way: the next step may wait until one of the descriptors is readable. */
bool session_idle(const struct session *s);
/* There is more already: no need to wait. */
bool session_behind(const struct session *s);

/* Takes what the kernel has said and hands out the paths that are complete. all: the others too,
 * for the end. 0 or a negative errno. */
int session_step(struct session *s, bool all, struct error *err);

/* CLOCK_MONOTONIC, ns: all that the kernel said before has been taken. */
uint64_t session_synced(const struct session *s);

/* What its engine cannot see on this host, a part of a sentence; NULL: nothing that matters. */
const char *session_blind(const struct session *s);

const struct tracker_stats *session_stats(const struct session *s);
unsigned int session_rules_changes(const struct session *s);

#endif
