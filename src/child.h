/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The COMMAND of `nfpath trace … -- COMMAND`: starts inside its cgroup and namespace, and ends with
 * us at the latest. */
#ifndef NFPATH_CHILD_H
#define NFPATH_CHILD_H

#include <sys/types.h>

#include "src/cgroup.h"
#include "src/netns.h"

/*
 * Runs argv (found in PATH) with its standard output on our standard error, since ours carries
 * results only. ns NULL: in our own namespace. Returns its pid, or a negative errno with a sentence
 * when it could not be executed. No descriptor of ours reaches it.
 */
pid_t child_start(char **argv, const struct cgroup *cgroup, const struct netns *ns,
		  struct error *err);

/* Asks it to end and waits a moment for that. */
void child_end(pid_t pid);

#endif
