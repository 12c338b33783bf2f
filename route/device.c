// SPDX-License-Identifier: GPL-2.0-or-later
#include "route/device.h"

#include <errno.h>
#include <net/if.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>

#include "src/netns.h"

static int on_vrf(const struct nlattr *attr, void *data)
{
	struct route_device *dev = data;

	if (mnl_attr_get_type(attr) == IFLA_VRF_TABLE && mnl_attr_validate(attr, MNL_TYPE_U32) >= 0)
		dev->vrf_table = mnl_attr_get_u32(attr);
	return MNL_CB_OK;
}

static void parse_info(const struct nlattr *info, struct route_device *dev)
{
	const struct nlattr *attr, *detail = NULL;

	mnl_attr_for_each_nested(attr, info) {
		if (mnl_attr_get_type(attr) == IFLA_INFO_DATA)
			detail = attr;
		if (mnl_attr_get_type(attr) == IFLA_INFO_KIND &&
		    mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) >= 0)
			snprintf(dev->kind, sizeof(dev->kind), "%s", mnl_attr_get_str(attr));
	}
	dev->vrf = !strcmp(dev->kind, "vrf");
	if (dev->vrf && detail)
		mnl_attr_parse_nested(detail, on_vrf, dev);
}

static bool parse(const struct nlmsghdr *nlh, struct route_device *dev)
{
	const struct ifinfomsg *ifi = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *attr;

	if (nlh->nlmsg_type != RTM_NEWLINK || mnl_nlmsg_get_payload_len(nlh) < sizeof(*ifi))
		return false;
	*dev = (struct route_device){.ifindex = ifi->ifi_index,
				     .up = ifi->ifi_flags & IFF_UP,
				     .loopback = ifi->ifi_flags & IFF_LOOPBACK};
	mnl_attr_for_each(attr, nlh, sizeof(*ifi)) {
		if (mnl_attr_get_type(attr) == IFLA_IFNAME &&
		    mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) >= 0)
			snprintf(dev->name, sizeof(dev->name), "%s", mnl_attr_get_str(attr));
		else if (mnl_attr_get_type(attr) == IFLA_MASTER)
			dev->master = mnl_attr_get_u32(attr);
		else if (mnl_attr_get_type(attr) == IFLA_GROUP)
			dev->group = mnl_attr_get_u32(attr);
		else if (mnl_attr_get_type(attr) == IFLA_LINKINFO)
			parse_info(attr, dev);
	}
	return true;
}

static int on_one(const struct nlmsghdr *nlh, void *data)
{
	parse(nlh, data);
	return MNL_CB_OK;
}

int route_device_get(struct rtnl *r, uint32_t ifindex, const char *name, struct route_device *dev)
{
	char buf[RTNL_REQUEST_MAX];
	struct nlmsghdr *nlh = rtnl_begin(buf, RTM_GETLINK, sizeof(struct ifinfomsg));
	int rc;

	((struct ifinfomsg *)mnl_nlmsg_get_payload(nlh))->ifi_index = ifindex;
	if (name)
		mnl_attr_put_strz(nlh, IFLA_IFNAME, name);
	mnl_attr_put_u32(nlh, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
	*dev = (struct route_device){0};
	rc = rtnl_ask(r, nlh, on_one, dev);
	return rc ? rc : dev->ifindex ? 0 : -ENODEV;
}

struct devices {
	struct route_device *v;
	size_t n;
};

static void begin_devices(void *data)
{
	((struct devices *)data)->n = 0;
}

static int on_device(const struct nlmsghdr *nlh, void *data)
{
	struct devices *ds = data;
	struct route_device dev, *v;

	if (!parse(nlh, &dev))
		return MNL_CB_OK;
	v = reallocarray(ds->v, ds->n + 1, sizeof(*v));
	if (!v) {
		errno = ENOMEM;
		return MNL_CB_ERROR;
	}
	ds->v = v;
	v[ds->n++] = dev;
	return MNL_CB_OK;
}

int route_devices_read(struct rtnl *r, struct route_device **devices, size_t *n)
{
	char buf[RTNL_REQUEST_MAX];
	struct nlmsghdr *nlh = rtnl_begin(buf, RTM_GETLINK, sizeof(struct ifinfomsg));
	struct devices ds = {0};
	int rc;

	mnl_attr_put_u32(nlh, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
	rc = rtnl_dump(r, nlh, begin_devices, on_device, &ds);
	*devices = ds.v;
	*n = ds.n;
	return rc;
}

static int read_setting(const char *family, const char *dev, const char *name)
{
	char path[160];
	int value = -1;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/sys/net/%s/conf/%s/%s", family, dev, name);
	f = fopen(path, "re");
	if (!f)
		return -1;
	if (fscanf(f, "%d", &value) != 1)
		value = -1;
	fclose(f);
	return value;
}

static const struct {
	const char *name;
	size_t offset;
} settings4[] =
	{
		{"rp_filter", offsetof(struct route_settings, rp_filter)},
		{"src_valid_mark", offsetof(struct route_settings, src_valid_mark)},
		{"accept_local", offsetof(struct route_settings, accept_local)},
		{"route_localnet", offsetof(struct route_settings, route_localnet)},
		{"forwarding", offsetof(struct route_settings, forwarding)},
		{"log_martians", offsetof(struct route_settings, log_martians)},
		{"send_redirects", offsetof(struct route_settings, send_redirects)},
		{"bc_forwarding", offsetof(struct route_settings, bc_forwarding)},
		{"mc_forwarding", offsetof(struct route_settings, mc_forwarding)},
		{"ignore_routes_with_linkdown", offsetof(struct route_settings, ignore_linkdown)},
		{NULL, 0},
},
  settings6[] = {
	  {"forwarding", offsetof(struct route_settings, forwarding)},
	  {"disable_ipv6", offsetof(struct route_settings, disable_ipv6)},
	  {"force_forwarding", offsetof(struct route_settings, force_forwarding)},
	  {"ignore_routes_with_linkdown", offsetof(struct route_settings, ignore_linkdown)},
	  {NULL, 0},
};

int route_settings_read(int netns_fd, uint8_t family, const char *dev, struct route_settings *s)
{
	const __typeof__(settings4[0]) *row = family == AF_INET ? settings4 : settings6;
	int token = netns_enter(netns_fd);

	memset(s, 0xff, sizeof(*s));
	if (token < 0)
		return token;
	/* /proc/sys/net shows the namespace of who opens it. */
	for (; row->name; row++)
		*(int *)((char *)s + row->offset) =
			read_setting(family == AF_INET ? "ipv4" : "ipv6", dev, row->name);
	netns_leave(token);
	return 0;
}

/* Lines of /proc/net/igmp: a device in one, its groups below, as the number is in memory. */
static int find_group4(FILE *f, const char *dev, const uint8_t *group)
{
	char line[256], name[64];
	bool ours = false;
	uint32_t number, found;

	memcpy(&number, group, sizeof(number));
	while (fgets(line, sizeof(line), f)) {
		if (line[0] != '\t' && line[0] != ' ')
			ours = sscanf(line, "%*d %63s", name) == 1 && !strcmp(name, dev);
		else if (ours && sscanf(line, "%x", &found) == 1 && found == number)
			return 1;
	}
	return 0;
}

/* Lines of /proc/net/igmp6: number and name of a device, and 32 hexadecimal digits. */
static int find_group6(FILE *f, const char *dev, const uint8_t *group)
{
	char line[256], name[64], digits[33], want[33];

	for (unsigned int i = 0; i < 16; i++)
		sprintf(want + 2 * i, "%02x", group[i]);
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "%*d %63s %32s", name, digits) == 2 && !strcmp(name, dev) &&
		    !strcmp(digits, want))
			return 1;
	return 0;
}

int route_group_joined(int netns_fd, uint8_t family, const char *dev, const uint8_t *group)
{
	int token = netns_enter(netns_fd), rc = -1;
	FILE *f;

	if (token < 0)
		return -1;
	f = fopen(family == AF_INET ? "/proc/thread-self/net/igmp" : "/proc/thread-self/net/igmp6",
		  "re");
	netns_leave(token);
	if (f) {
		rc = (family == AF_INET ? find_group4 : find_group6)(f, dev, group);
		fclose(f);
	}
	return rc;
}
