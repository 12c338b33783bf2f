// SPDX-License-Identifier: GPL-2.0-or-later
#include "route/watch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <linux/rtnetlink.h>

#include "route/rtnl.h"

enum { BUFFER = 32768 };

struct route_watch {
	struct mnl_socket *nl;
	bool links;
	uint64_t changed[2]; /* IPv4, IPv6 */
	char buf[BUFFER];
};

/* Those that a kernel does not have, nobody tells: next hops have objects since Linux 5.3. */
static const int groups[] = {
	RTNLGRP_LINK,	     RTNLGRP_NEXTHOP,	  RTNLGRP_IPV4_IFADDR,	RTNLGRP_IPV6_IFADDR,
	RTNLGRP_IPV4_ROUTE,  RTNLGRP_IPV6_ROUTE,  RTNLGRP_IPV4_RULE,	RTNLGRP_IPV6_RULE,
	RTNLGRP_IPV4_NETCONF, RTNLGRP_IPV6_NETCONF,
};

static uint64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

struct route_watch *route_watch_open(int netns_fd, struct error *err)
{
	struct route_watch *w = calloc(1, sizeof(*w));
	int fd;

	if (!w) {
		fail(err, -ENOMEM, "out of memory");
		return NULL;
	}
	w->nl = rtnl_socket(netns_fd, NETLINK_ROUTE, SOCK_NONBLOCK, err);
	if (!w->nl) {
		free(w);
		return NULL;
	}
	fd = mnl_socket_get_fd(w->nl);
	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
		if (setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &groups[i],
			       sizeof(groups[i])) &&
		    groups[i] != RTNLGRP_NEXTHOP) {
			fail(err, -errno, "cannot watch for changes of routes: %s",
			     strerror(errno));
			route_watch_close(w);
			return NULL;
		}
	}
	return w;
}

void route_watch_close(struct route_watch *w)
{
	if (!w)
		return;
	if (w->nl)
		mnl_socket_close(w->nl);
	free(w);
}

/* Each of these messages begins with its family; those of devices have none. */
static int on_change(const struct nlmsghdr *nlh, void *data)
{
	const uint8_t *family = mnl_nlmsg_get_payload(nlh);
	struct route_watch *w = data;
	uint64_t t = now();

	if (!mnl_nlmsg_get_payload_len(nlh))
		return MNL_CB_OK;
	if (*family != AF_INET6)
		w->changed[0] = t;
	if (*family != AF_INET)
		w->changed[1] = t;
	w->links |= nlh->nlmsg_type == RTM_NEWLINK || nlh->nlmsg_type == RTM_DELLINK;
	return MNL_CB_OK;
}

bool route_watch_read(struct route_watch *w)
{
	ssize_t n;

	w->links = false;
	do {
		n = mnl_socket_recvfrom(w->nl, w->buf, sizeof(w->buf));
		if (n >= 0)
			mnl_cb_run(w->buf, n, 0, 0, on_change, w);
		/* The news did not fit into the socket: anything may have changed. */
		if (n < 0 && errno == ENOBUFS) {
			w->changed[0] = w->changed[1] = now();
			w->links = true;
		}
	} while (n >= 0 || errno == ENOBUFS || errno == EINTR);
	return w->links;
}

uint64_t route_watch_changed(const struct route_watch *w, uint8_t family)
{
	return w->changed[family == AF_INET6];
}
