/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which process has a socket: by the descriptors of all that we may look into. */
#ifndef NFPATH_PROCESSES_H
#define NFPATH_PROCESSES_H

#include <stdbool.h>
#include <stdint.h>

struct processes;

enum { COMM_MAX = 16 };

struct process {
	int32_t pid;
	char comm[COMM_MAX]; /* as /proc/PID/comm has it; hostile */
};

/* NULL: out of memory. */
struct processes *processes_open(void);
void processes_close(struct processes *p);

/*
 * The process with the lowest pid of those that have the socket of this inode open now. Looking
 * through all of them takes at most a twentieth of the time; meanwhile new ones are not found.
 */
bool processes_find(struct processes *p, uint32_t inode, struct process *out);

#endif
