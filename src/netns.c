// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/netns.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int netns_enter(int fd)
{
	int rc, token = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);

	if (token < 0)
		return -errno;
	if (setns(fd, CLONE_NEWNET)) {
		rc = -errno;
		close(token);
		return rc;
	}
	return token;
}

void netns_leave(int token)
{
	if (setns(token, CLONE_NEWNET)) {
		perror("nfpath: cannot return to its own network namespace");
		abort();
	}
	close(token);
}
