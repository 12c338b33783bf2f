/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What one network namespace says of its interfaces: names, numbers, rp_filter, forwarding. By
 * rtnetlink. */
#ifndef NFPATH_ROUTE_NETCONF_H
#define NFPATH_ROUTE_NETCONF_H

#include <stdbool.h>
#include <stdint.h>

#include "src/error.h"

struct netconf;

enum { NETCONF_NAME_LEN = 16 }; /* IFNAMSIZ */

/* In the namespace of netns_fd, which is borrowed for the call. NULL: err has the sentence. */
struct netconf *netconf_open(int netns_fd, struct error *err);
void netconf_close(struct netconf *nc);

/* net.ipv4.conf.{all,DEV}.rp_filter as they are now. 0, -ENODEV (no such interface, or no IPv4 on
 * it) or another negative errno. */
int netconf_rp_filter(struct netconf *nc, uint32_t ifindex, int *all, int *dev);

/* Whether packets of family (AF_INET, AF_INET6) that arrive by ifindex may be forwarded: 0, 1 or a
 * negative errno. */
int netconf_forwarding(struct netconf *nc, int family, uint32_t ifindex);

/* The last change of this family's routing (AF_UNSPEC: of either) was before this time,
 * CLOCK_MONOTONIC; 0: there was none since netconf_open(). Changes of sysctls that rtnetlink does not tell are none. */
uint64_t netconf_changed(struct netconf *nc, int family);
/* The same, but of later changes than at_ns perhaps not: no system call if those before are known. */
uint64_t netconf_changed_by(struct netconf *nc, int family, uint64_t at_ns);

/* From a cache that is dropped whenever any interface of the namespace changes. 0 or a negative
 * errno (-ENODEV). */
int netconf_ifname(struct netconf *nc, uint32_t ifindex, char name[NETCONF_NAME_LEN]);
/* From the same cache, as it was when a name was last asked for; false also when there is no such
 * interface. */
bool netconf_is_bridge(struct netconf *nc, uint32_t ifindex);
/* The number (> 0) or a negative errno (-ENODEV; -EINVAL: no interface can have such a name). */
int netconf_ifindex(struct netconf *nc, const char *name);

#endif
