// SPDX-License-Identifier: GPL-2.0-or-later
#include "route/netconf.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <linux/if_link.h>
#include <linux/netconf.h>
#include <linux/rtnetlink.h>

#include <libmnl/libmnl.h>

#include "src/fd.h"
#include "src/netns.h"

enum {
	CACHED = 64, /* links; the next one replaces the oldest */
	BUFFER = 32768,
	ANSWER_SECONDS = 5,
};

struct link {
	uint32_t ifindex;
	char name[NETCONF_NAME_LEN];
	bool bridge;
};

struct netconf {
	struct mnl_socket *ask, *changes;
	uint32_t seq;
	struct link links[CACHED];
	unsigned int n_links, next_link;
	char buf[BUFFER];
};

/* The answer to one request: what its callback finds. */
struct answer {
	bool found;
	struct link link;
	int rp_filter, forwarding; /* -1: not said */
};

static int open_sockets(struct netconf *nc)
{
	struct timeval tv = {.tv_sec = ANSWER_SECONDS};
	int group = RTNLGRP_LINK;

	nc->ask = fd_high_mnl(NETLINK_ROUTE, SOCK_CLOEXEC);
	nc->changes = fd_high_mnl(NETLINK_ROUTE, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (!nc->ask || !nc->changes || mnl_socket_bind(nc->ask, 0, MNL_SOCKET_AUTOPID) ||
	    mnl_socket_bind(nc->changes, 0, MNL_SOCKET_AUTOPID) ||
	    mnl_socket_setsockopt(nc->changes, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)) ||
	    setsockopt(mnl_socket_get_fd(nc->ask), SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)))
		return -errno;
	return 0;
}

struct netconf *netconf_open(int netns_fd, struct error *err)
{
	struct netconf *nc = calloc(1, sizeof(*nc));
	int token, rc;

	if (!nc) {
		fail(err, -ENOMEM, "out of memory");
		return NULL;
	}
	token = netns_enter(netns_fd);
	if (token < 0) {
		fail(err, token, "cannot enter the network namespace to ask for its interfaces: %s",
		     strerror(-token));
		free(nc);
		return NULL;
	}
	rc = open_sockets(nc);
	netns_leave(token);
	if (rc) {
		fail(err, rc, "cannot open a routing netlink socket: %s", strerror(-rc));
		netconf_close(nc);
		return NULL;
	}
	return nc;
}

void netconf_close(struct netconf *nc)
{
	if (!nc)
		return;
	if (nc->ask)
		mnl_socket_close(nc->ask);
	if (nc->changes)
		mnl_socket_close(nc->changes);
	free(nc);
}

/* Sends the request and feeds what answers it to cb, until the kernel's final word on it. */
static int request(struct netconf *nc, struct nlmsghdr *nlh, mnl_cb_t cb, void *data)
{
	uint32_t port = mnl_socket_get_portid(nc->ask);
	ssize_t n;
	int rc;

	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	nlh->nlmsg_seq = ++nc->seq;
	if (mnl_socket_sendto(nc->ask, nlh, nlh->nlmsg_len) < 0)
		return -errno;
	for (;;) {
		n = mnl_socket_recvfrom(nc->ask, nc->buf, sizeof(nc->buf));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN ? -ETIMEDOUT : -errno;
		rc = mnl_cb_run(nc->buf, n, nc->seq, port, cb, data);
		/* The rest of an answer that was given up earlier. */
		if (rc < 0 && errno == EPROTO)
			continue;
		if (rc < 0)
			return -errno;
		if (rc == MNL_CB_STOP)
			return 0;
	}
}

static int on_netconf(const struct nlmsghdr *nlh, void *data)
{
	struct answer *a = data;
	const struct nlattr *attr;

	if (nlh->nlmsg_type != RTM_NEWNETCONF ||
	    mnl_nlmsg_get_payload_len(nlh) < sizeof(struct netconfmsg))
		return MNL_CB_OK;
	mnl_attr_for_each(attr, nlh, sizeof(struct netconfmsg)) {
		if (mnl_attr_validate(attr, MNL_TYPE_U32) < 0)
			continue;
		if (mnl_attr_get_type(attr) == NETCONFA_RP_FILTER)
			a->rp_filter = mnl_attr_get_u32(attr);
		else if (mnl_attr_get_type(attr) == NETCONFA_FORWARDING)
			a->forwarding = mnl_attr_get_u32(attr);
	}
	a->found = true;
	return MNL_CB_OK;
}

static int get_netconf(struct netconf *nc, int family, int32_t ifindex, struct answer *a)
{
	char buf[MNL_NLMSG_HDRLEN + 64];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct netconfmsg *ncm;
	int rc;

	nlh->nlmsg_type = RTM_GETNETCONF;
	ncm = mnl_nlmsg_put_extra_header(nlh, sizeof(*ncm));
	ncm->ncm_family = family;
	mnl_attr_put_u32(nlh, NETCONFA_IFINDEX, ifindex);
	*a = (struct answer){.rp_filter = -1, .forwarding = -1};
	rc = request(nc, nlh, on_netconf, a);
	/* What inet_netconf_get_devconf() says of an interface that is not there. */
	if (rc == -EINVAL)
		return -ENODEV;
	if (rc)
		return rc;
	return a->found ? 0 : -ENODEV;
}

int netconf_rp_filter(struct netconf *nc, uint32_t ifindex, int *all, int *dev)
{
	struct answer a;
	int rc = get_netconf(nc, AF_INET, NETCONFA_IFINDEX_ALL, &a);

	if (rc)
		return rc;
	*all = a.rp_filter;
	rc = get_netconf(nc, AF_INET, ifindex, &a);
	if (rc)
		return rc;
	*dev = a.rp_filter;
	return *all < 0 || *dev < 0 ? -EOPNOTSUPP : 0;
}

int netconf_forwarding(struct netconf *nc, int family, uint32_t ifindex)
{
	struct answer a;
	int rc = get_netconf(nc, family, ifindex, &a);

	if (rc)
		return rc;
	return a.forwarding < 0 ? -EOPNOTSUPP : a.forwarding != 0;
}

/* Forgets all links if any has changed since, or if the news of it did not fit into the socket
 * (ENOBUFS). */
static void notice_changes(struct netconf *nc)
{
	ssize_t n;

	do {
		n = mnl_socket_recvfrom(nc->changes, nc->buf, sizeof(nc->buf));
		if (n >= 0 || errno == ENOBUFS)
			nc->n_links = nc->next_link = 0;
	} while (n >= 0 || errno == ENOBUFS || errno == EINTR);
}

static int on_kind(const struct nlattr *attr, void *data)
{
	struct link *link = data;

	if (mnl_attr_get_type(attr) == IFLA_INFO_KIND)
		link->bridge = mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) >= 0 &&
			       !strcmp(mnl_attr_get_str(attr), "bridge");
	return MNL_CB_OK;
}

static int on_link(const struct nlmsghdr *nlh, void *data)
{
	const struct ifinfomsg *ifi = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *attr;
	struct answer *a = data;

	if (nlh->nlmsg_type != RTM_NEWLINK || mnl_nlmsg_get_payload_len(nlh) < sizeof(*ifi))
		return MNL_CB_OK;
	mnl_attr_for_each(attr, nlh, sizeof(*ifi)) {
		if (mnl_attr_get_type(attr) == IFLA_LINKINFO)
			mnl_attr_parse_nested(attr, on_kind, &a->link);
		if (mnl_attr_get_type(attr) != IFLA_IFNAME ||
		    mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) < 0 ||
		    mnl_attr_get_payload_len(attr) > NETCONF_NAME_LEN)
			continue;
		strcpy(a->link.name, mnl_attr_get_str(attr));
		a->link.ifindex = ifi->ifi_index;
		a->found = true;
	}
	return MNL_CB_OK;
}

/* By number, or by name if that is not NULL. */
static int get_link(struct netconf *nc, uint32_t ifindex, const char *name, struct link *out)
{
	char buf[MNL_NLMSG_HDRLEN + 128];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct ifinfomsg *ifi;
	struct answer a = {};
	int rc;

	nlh->nlmsg_type = RTM_GETLINK;
	ifi = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifi));
	ifi->ifi_index = ifindex;
	if (name)
		mnl_attr_put_strz(nlh, IFLA_IFNAME, name);
	mnl_attr_put_u32(nlh, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
	rc = request(nc, nlh, on_link, &a);
	if (rc)
		return rc;
	if (!a.found)
		return -ENODEV;
	*out = a.link;
	nc->links[nc->next_link] = a.link;
	nc->next_link = (nc->next_link + 1) % CACHED;
	if (nc->n_links < CACHED)
		nc->n_links++;
	return 0;
}

static int find_link(struct netconf *nc, uint32_t ifindex, struct link *link)
{
	if (!ifindex || ifindex > INT32_MAX)
		return -ENODEV;
	for (unsigned int i = 0; i < nc->n_links; i++) {
		if (nc->links[i].ifindex == ifindex) {
			*link = nc->links[i];
			return 0;
		}
	}
	return get_link(nc, ifindex, NULL, link);
}

int netconf_ifname(struct netconf *nc, uint32_t ifindex, char name[NETCONF_NAME_LEN])
{
	struct link link;
	int rc;

	notice_changes(nc);
	rc = find_link(nc, ifindex, &link);
	if (!rc)
		memcpy(name, link.name, NETCONF_NAME_LEN);
	return rc;
}

bool netconf_is_bridge(struct netconf *nc, uint32_t ifindex)
{
	struct link link;

	return !find_link(nc, ifindex, &link) && link.bridge;
}

int netconf_ifindex(struct netconf *nc, const char *name)
{
	struct link link;
	unsigned int i;
	int rc;

	if (!*name || strlen(name) >= NETCONF_NAME_LEN)
		return -EINVAL;
	notice_changes(nc);
	for (i = 0; i < nc->n_links; i++)
		if (!strcmp(nc->links[i].name, name))
			return nc->links[i].ifindex;
	rc = get_link(nc, 0, name, &link);
	return rc ? rc : (int)link.ifindex;
}
