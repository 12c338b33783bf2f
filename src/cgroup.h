/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A cgroup (v2) of our own, by which the packets of one command's sockets are told from all others.
 */
#ifndef NFPATH_CGROUP_H
#define NFPATH_CGROUP_H

#include <stdint.h>

#include "src/error.h"

/* How nft names it, and how the kernel does. */
struct cgroup_name {
	const char *path; /* below /sys/fs/cgroup */
	int level;	  /* depth in the hierarchy; the root is 0 */
	const char *dir;
	uint64_t id;
};

struct cgroup;

/* Where cgroup v2 is mounted, at or below /sys/fs/cgroup; NULL: nowhere there. */
const char *cgroup_mount(void);

/* Makes it, and removes those that dead nfpaths left. NULL on failure, err says why. */
struct cgroup *cgroup_open(struct error *err);
/* Moves what still runs in it to the root and removes it. */
void cgroup_close(struct cgroup *c);

const struct cgroup_name *cgroup_name(const struct cgroup *c);

/* Puts the calling process in. 0 or a negative errno. */
int cgroup_enter(const struct cgroup *c);

#endif
