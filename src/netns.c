// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/netns.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <unistd.h>

int netns_enter(int fd)
{
	int token = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);

	if (token < 0)
		return -errno;
	if (setns(fd, CLONE_NEWNET)) {
		int rc = -errno;

		close(token);
		return rc;
	}
	return token;
}

void netns_leave(int token)
{
	if (setns(token, CLONE_NEWNET))
		abort();
	close(token);
}
