/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which container a process is in: by its cgroup, which every runtime names after the container's id. No daemon is asked; a name comes
 * from the files that the runtime keeps. */
#ifndef NFPATH_CONTAINER_H
#define NFPATH_CONTAINER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CONTAINER_ID = 64, CONTAINER_ID_SHOWN = 12 };

struct container {
	const char *runtime; /* "docker", "podman", …; "container": some runtime; static */
	char id[CONTAINER_ID + 1]; /* hexadecimal; empty: this runtime gives none */
	char name[256]; /* hostile; empty: not known */
};

/* From the text of /proc/PID/cgroup. False: it is in none. A runtime without ids has the name there. */
bool container_of_cgroup(const char *text, struct container *c);

/* Looks up the name of c->id below the directory root ("" for /). False: nobody has written it down. */
bool container_find_name(struct container *c, const char *root);

/* proc_pid: the opened directory /proc/PID. */
bool container_of_process(int proc_pid, struct container *c);

/* "web (docker 0123456789ab)", "docker 0123456789ab", "lxc web". */
void container_text(const struct container *c, char *text, size_t size);

/* The same of the container that the process pid is in, whose network namespace must have this number. */
bool container_of_netns(const char *pid, uint64_t inum, char *text, size_t size);

#endif
