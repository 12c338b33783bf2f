// SPDX-License-Identifier: GPL-2.0-or-later
#include "route/netconf.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <linux/netconf.h>
#include <linux/rtnetlink.h>

#include "route/device.h"
#include "route/rtnl.h"
#include "route/watch.h"

enum { CACHED = 64 }; /* links; the next one replaces the oldest */

struct link {
	uint32_t ifindex;
	char name[NETCONF_NAME_LEN];
	bool bridge;
};

struct netconf {
	struct rtnl *ask;
	struct route_watch *watch;
	struct link links[CACHED];
	unsigned int n_links, next_link;
	uint64_t read_ns; /* CLOCK_MONOTONIC: all changes before that are known */
};

/* The answer to one request: what its callback finds. */
struct answer {
	bool found;
	int rp_filter, forwarding; /* -1: not said */
};

struct netconf *netconf_open(int netns_fd, struct error *err)
{
	struct netconf *nc = calloc(1, sizeof(*nc));

	if (!nc) {
		fail(err, -ENOMEM, "out of memory");
		return NULL;
	}
	nc->ask = rtnl_open(netns_fd, err);
	nc->watch = nc->ask ? route_watch_open(netns_fd, err) : NULL;
	if (!nc->watch) {
		netconf_close(nc);
		return NULL;
	}
	return nc;
}

void netconf_close(struct netconf *nc)
{
	if (!nc)
		return;
	rtnl_close(nc->ask);
	route_watch_close(nc->watch);
	free(nc);
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
	char buf[RTNL_REQUEST_MAX];
	struct nlmsghdr *nlh = rtnl_begin(buf, RTM_GETNETCONF, sizeof(struct netconfmsg));
	int rc;

	((struct netconfmsg *)mnl_nlmsg_get_payload(nlh))->ncm_family = family;
	mnl_attr_put_u32(nlh, NETCONFA_IFINDEX, ifindex);
	*a = (struct answer){.rp_filter = -1, .forwarding = -1};
	rc = rtnl_ask(nc->ask, nlh, on_netconf, a);
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

/* Forgets all links if any has changed since. */
static void notice_changes(struct netconf *nc)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	nc->read_ns = (uint64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
	if (route_watch_read(nc->watch))
		nc->n_links = nc->next_link = 0;
}

static uint64_t last_change(const struct netconf *nc, int family)
{
	uint64_t changed, changed6;

	changed = route_watch_changed(nc->watch, AF_INET);
	changed6 = route_watch_changed(nc->watch, AF_INET6);
	if (family == AF_UNSPEC)
		return changed > changed6 ? changed : changed6;
	return family == AF_INET6 ? changed6 : changed;
}

uint64_t netconf_changed(struct netconf *nc, int family)
{
	notice_changes(nc);
	return last_change(nc, family);
}

uint64_t netconf_changed_by(struct netconf *nc, int family, uint64_t at_ns)
{
	if (!at_ns || nc->read_ns <= at_ns)
		notice_changes(nc);
	return last_change(nc, family);
}

/* By number, or by name if that is not NULL. */
static int get_link(struct netconf *nc, uint32_t ifindex, const char *name, struct link *out)
{
	struct route_device dev;
	int rc = route_device_get(nc->ask, ifindex, name, &dev);

	if (rc)
		return rc;
	*out = (struct link){.ifindex = dev.ifindex, .bridge = !strcmp(dev.kind, "bridge")};
	memcpy(out->name, dev.name, sizeof(out->name));
	nc->links[nc->next_link] = *out;
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
