#ifndef NFPATH_ROUTE_NETCONF_H
#define NFPATH_ROUTE_NETCONF_H
#include <stdint.h>
#include "src/error.h"
struct netconf;
struct netconf *netconf_open(int netns_fd, struct error *err);
void netconf_close(struct netconf *nc);
int netconf_rp_filter(struct netconf *nc, int ifindex, int *all, int *dev);
int netconf_ifname(struct netconf *nc, int ifindex, char *name);
int netconf_ifindex(struct netconf *nc, const char *name);
#endif
