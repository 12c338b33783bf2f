// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <libmnl/libmnl.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>

enum { LOW_NEEDED = 4 }; /* at a time: its socket, and files that it opens meanwhile */

int fd_high(int fd)
{
	int high = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, FD_SETSIZE);

	if (high < 0)
		return fd;
	close(fd);
	return high;
}

struct mnl_socket *fd_high_mnl(int bus, int flags)
{
	int fd = fd_high(socket(AF_NETLINK, SOCK_RAW | flags, bus));
	struct mnl_socket *nl = fd < 0 ? NULL : mnl_socket_fdopen(fd);

	if (fd >= 0 && !nl)
		close(fd);
	return nl;
}

int fd_low_is_free(void)
{
	int fds[LOW_NEEDED], n, rc = 0;

	for (n = 0; n < LOW_NEEDED; n++) {
		fds[n] = open("/", O_PATH | O_CLOEXEC);
		if (fds[n] < 0)
			break;
		if (fds[n] >= FD_SETSIZE)
			rc = -EMFILE;
	}
	if (n < LOW_NEEDED)
		rc = -EMFILE;
	while (n)
		close(fds[--n]);
	return rc;
}
