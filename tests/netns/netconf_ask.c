// SPDX-License-Identifier: GPL-2.0-or-later
/* netconf_ask NETNS: answers, one line each, "rp N", "fwd4 N", "fwd6 N", "name N", "index NAME"
 * from stdin by route/netconf. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "route/netconf.h"

static void answer(struct netconf *nc, const char *what, const char *arg)
{
	char name[NETCONF_NAME_LEN] = "";
	int rc, all = -1, dev = -1;

	if (!strcmp(what, "rp")) {
		rc = netconf_rp_filter(nc, strtoul(arg, NULL, 10), &all, &dev);
		printf("%d %d %d\n", rc, all, dev);
	} else if (!strcmp(what, "fwd4")) {
		printf("%d\n", netconf_forwarding(nc, AF_INET, strtoul(arg, NULL, 10)));
	} else if (!strcmp(what, "fwd6")) {
		printf("%d\n", netconf_forwarding(nc, AF_INET6, strtoul(arg, NULL, 10)));
	} else if (!strcmp(what, "name")) {
		rc = netconf_ifname(nc, strtoul(arg, NULL, 10), name);
		printf("%d %s\n", rc, name);
	} else if (!strcmp(what, "index")) {
		printf("%d\n", netconf_ifindex(nc, arg));
	} else {
		printf("?\n");
	}
	fflush(stdout);
}

int main(int argc, char **argv)
{
	char line[256], what[32], arg[200];
	struct error err = {};
	struct netconf *nc;
	int fd;

	fd = argc == 2 ? open(argv[1], O_RDONLY | O_CLOEXEC) : -1;
	nc = netconf_open(fd, &err);
	if (!nc) {
		printf("%s\n", err.text);
		return 1;
	}
	close(fd);
	while (fgets(line, sizeof(line), stdin))
		if (sscanf(line, "%31s %199s", what, arg) == 2)
			answer(nc, what, arg);
	netconf_close(nc);
	return 0;
}
