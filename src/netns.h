/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Network namespaces: finding them, and standing in one for as long as it takes to open a socket
 * there. */
#ifndef NFPATH_NETNS_H
#define NFPATH_NETNS_H

#include <stdbool.h>
#include <stdint.h>

#include "src/error.h"

struct netns {
	int fd;		/* owned, O_CLOEXEC */
	uint64_t inum;	/* of nsfs */
	char name[256]; /* "host" (that of pid 1), the name under /run/netns, the container ("web
			   (docker 0123456789ab)"), "pid N" or the path; never empty; hostile */
};

struct netns_set {
	struct netns *v;
	unsigned int n;
};

/*
 * Adds the namespace that arg names: NAME (of /run/netns), PID (a name of the same digits goes
 * first), PATH (has a '/'), "self" or "all" (those of every process and every name). Each namespace
 * once. 0, -ENOENT, -EPERM, -EINVAL … with a sentence. "all" may give 0 and a sentence, a warning:
 * some processes may not be looked into; else the sentence is empty then.
 */
int netns_add(struct netns_set *set, const char *arg, struct error *err);

/* Adds the same as ns, which stays its owner's. 0, also when the set has it, or a negative errno. */
int netns_add_copy(struct netns_set *set, const struct netns *ns, struct error *err);

/* Adds the namespace with this number. 0, also when the set has it; -ENOENT: no name under
 * /run/netns and no process that we may look into has it. */
int netns_find(struct netns_set *set, uint64_t inum);

void netns_set_free(struct netns_set *set);

/*
 * Enters the namespace of fd with the calling thread; returns a token to give to netns_leave(),
 * which must follow before anything else runs, or a negative errno. nfpath is single-threaded.
 * netns_leave() aborts when it cannot go back: acting on in the wrong place is worse.
 */
int netns_enter(int fd);
void netns_leave(int token);

#endif
