// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/host_bridges.h"

#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h> /* before linux/netfilter.h, which takes the kernel's copy */
#include <linux/ethtool.h>
#include <linux/netfilter.h>
#include <linux/sockios.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "src/netns.h"

/* By the name of its driver (br_getinfo()), which everybody may ask for. */
static bool is_bridge(int fd, const char *name)
{
	struct ethtool_drvinfo info = {.cmd = ETHTOOL_GDRVINFO};
	struct ifreq ifr = {.ifr_data = (void *)&info};

	strncpy(ifr.ifr_name, name, sizeof(ifr.ifr_name) - 1);
	return !ioctl(fd, SIOCETHTOOL, &ifr) && !strcmp(info.driver, "bridge");
}

static bool bytes_of(const struct sockaddr *sa, uint8_t *out)
{
	if (sa && sa->sa_family == AF_INET)
		memcpy(out, &((const struct sockaddr_in *)sa)->sin_addr, 4);
	else if (sa && sa->sa_family == AF_INET6)
		memcpy(out, &((const struct sockaddr_in6 *)sa)->sin6_addr, 16);
	else
		return false;
	return true;
}

static void add(struct host_bridges *b, const struct ifaddrs *a)
{
	struct bridge_network net = {0}, *bigger;

	if (!bytes_of(a->ifa_addr, net.addr) || !bytes_of(a->ifa_netmask, net.mask))
		return;
	net.family = a->ifa_addr->sa_family == AF_INET ? NFPROTO_IPV4 : NFPROTO_IPV6;
	/* Every bridge has such an address. */
	if (net.family == NFPROTO_IPV6 && IN6_IS_ADDR_LINKLOCAL((struct in6_addr *)net.addr))
		return;
	strncpy(net.name, a->ifa_name, sizeof(net.name) - 1);
	bigger = realloc(b->v, (b->n + 1) * sizeof(*bigger));
	if (!bigger)
		return; /* one bridge less */
	b->v = bigger;
	b->v[b->n++] = net;
}

void host_bridges_read(struct host_bridges *b, int netns_fd)
{
	struct ifaddrs *list = NULL;
	int token = netns_enter(netns_fd), fd;

	memset(b, 0, sizeof(*b));
	if (token < 0)
		return;
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (getifaddrs(&list))
		list = NULL;
	netns_leave(token);
	for (const struct ifaddrs *a = list; a && fd >= 0; a = a->ifa_next)
		if (a->ifa_addr && is_bridge(fd, a->ifa_name))
			add(b, a);
	freeifaddrs(list);
	if (fd >= 0)
		close(fd);
}

void host_bridges_free(struct host_bridges *b)
{
	free(b->v);
	memset(b, 0, sizeof(*b));
}

static bool in_network(const struct bridge_network *net, const uint8_t *addr)
{
	for (int i = 0; i < (net->family == NFPROTO_IPV4 ? 4 : 16); i++)
		if ((net->addr[i] ^ addr[i]) & net->mask[i])
			return false;
	return true;
}

const char *host_bridges_of(const struct host_bridges *b, uint8_t family, const uint8_t *addr)
{
	const char *name = NULL;

	for (size_t i = 0; i < b->n; i++) {
		if (b->v[i].family != family || !in_network(&b->v[i], addr))
			continue;
		if (name && strcmp(name, b->v[i].name) != 0)
			return NULL;
		name = b->v[i].name;
	}
	return name;
}
