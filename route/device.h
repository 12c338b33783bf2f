/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What routing asks of a device: by rtnetlink; its settings: from /proc/sys/net. */
#ifndef NFPATH_ROUTE_DEVICE_H
#define NFPATH_ROUTE_DEVICE_H

#include "route/rtnl.h"
#include "route/rule.h"

struct route_device {
	uint32_t ifindex;
	char name[ROUTE_NAME];
	bool up, loopback, vrf;
	uint32_t master, group, vrf_table;
	char kind[16]; /* "wireguard", "bridge"; empty: hardware, or not told */
};

/* net.ipv4.conf.*: -1: not known. */
struct route_settings {
	int rp_filter, src_valid_mark, accept_local, route_localnet, forwarding, log_martians,
		send_redirects, bc_forwarding, mc_forwarding, ignore_linkdown;
	int disable_ipv6, force_forwarding; /* net.ipv6.conf.* */
};

/* By number, or by name if that is not NULL. 0 or a negative errno (-ENODEV). */
int route_device_get(struct rtnl *r, uint32_t ifindex, const char *name, struct route_device *dev);

/* All of them; *devices is the caller's to free, also when it fails. */
int route_devices_read(struct rtnl *r, struct route_device **devices, size_t *n);

/* Of dev ("all", "default" or a name) for family, in the namespace of netns_fd. What cannot be read
 * is -1. 0 or a negative errno: the namespace cannot be entered. */
int route_settings_read(int netns_fd, uint8_t family, const char *dev, struct route_settings *s);

/* Has any socket of this namespace joined the group on the device? -1: not known. */
int route_group_joined(int netns_fd, uint8_t family, const char *dev, const uint8_t *group);

#endif
