// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/explain_host.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <linux/netfilter.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/container.h"
#include "src/host_bridges.h"
#include "src/netns.h"

struct known_addr {
	uint8_t family, addr[16];
	char *name; /* NULL: of the namespace itself */
};

struct explain_host {
	struct known_addr *v;
	size_t n, cap;
	uint64_t *seen; /* namespaces that were looked into */
	size_t n_seen, cap_seen;
	struct host_bridges bridges;
};

static void add(struct explain_host *h, const struct sockaddr *sa, const char *name)
{
	struct known_addr *a, *bigger;

	if (!sa || (sa->sa_family != AF_INET && sa->sa_family != AF_INET6))
		return;
	if (h->n == h->cap) {
		bigger = realloc(h->v, (h->cap ? 2 * h->cap : 16) * sizeof(*bigger));
		if (!bigger)
			return; /* one name less */
		h->cap = h->cap ? 2 * h->cap : 16;
		h->v = bigger;
	}
	a = &h->v[h->n];
	memset(a, 0, sizeof(*a));
	a->family = sa->sa_family == AF_INET ? NFPROTO_IPV4 : NFPROTO_IPV6;
	if (sa->sa_family == AF_INET)
		memcpy(a->addr, &((const struct sockaddr_in *)sa)->sin_addr, 4);
	else
		memcpy(a->addr, &((const struct sockaddr_in6 *)sa)->sin6_addr, 16);
	if (name && !(a->name = strdup(name)))
		return;
	h->n++;
}

/* A container's loopback is everybody's. */
static bool is_loopback(const struct sockaddr *sa)
{
	if (sa->sa_family == AF_INET)
		return ntohl(((const struct sockaddr_in *)sa)->sin_addr.s_addr) >> 24 == 127;
	return sa->sa_family == AF_INET6 &&
	       IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)sa)->sin6_addr);
}

static void add_addresses(struct explain_host *h, int netns_fd, const char *name)
{
	struct ifaddrs *list = NULL;
	int token = netns_enter(netns_fd);

	if (token < 0)
		return;
	if (getifaddrs(&list))
		list = NULL;
	netns_leave(token);
	for (const struct ifaddrs *a = list; a; a = a->ifa_next)
		if (a->ifa_addr && !(name && is_loopback(a->ifa_addr)))
			add(h, a->ifa_addr, name);
	freeifaddrs(list);
}

static bool seen_before(struct explain_host *h, uint64_t inum)
{
	uint64_t *bigger;

	for (size_t i = 0; i < h->n_seen; i++)
		if (h->seen[i] == inum)
			return true;
	if (h->n_seen == h->cap_seen) {
		bigger = realloc(h->seen, (h->cap_seen ? 2 * h->cap_seen : 64) * sizeof(*bigger));
		if (!bigger)
			return true;
		h->cap_seen = h->cap_seen ? 2 * h->cap_seen : 64;
		h->seen = bigger;
	}
	h->seen[h->n_seen++] = inum;
	return false;
}

/* HOSTNAME in the environment that a runtime gave: of a pod it is the pod's name. */
static bool host_name(int dir, char *name, size_t size)
{
	static const char key[] = "HOSTNAME=";
	char env[8192];
	int fd = openat(dir, "environ", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, env, sizeof(env) - 1);

	if (fd >= 0)
		close(fd);
	if (n <= 0)
		return false;
	env[n] = 0;
	for (const char *at = env; at < env + n; at += strlen(at) + 1)
		if (!strncmp(at, key, sizeof(key) - 1) && at[sizeof(key) - 1]) {
			snprintf(name, size, "%s", at + sizeof(key) - 1);
			return true;
		}
	return false;
}

static bool name_of(int dir, char *name, size_t size)
{
	struct container c;

	if (!container_of_process(dir, &c))
		return false;
	if (*c.name)
		snprintf(name, size, "%s", c.name);
	else if (!host_name(dir, name, size))
		snprintf(name, size, "container %.*s", CONTAINER_ID_SHOWN, c.id);
	return true;
}

/* One process of each namespace that is not ours says whose it is. */
static void look_into(struct explain_host *h, const char *pid)
{
	char path[64], name[256];
	struct stat st;
	int dir, ns;

	snprintf(path, sizeof(path), "/proc/%.20s", pid);
	dir = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return;
	if (!fstatat(dir, "ns/net", &st, 0) && !seen_before(h, st.st_ino) &&
	    name_of(dir, name, sizeof(name))) {
		ns = openat(dir, "ns/net", O_RDONLY | O_CLOEXEC);
		if (ns >= 0) {
			add_addresses(h, ns, name);
			close(ns);
		}
	}
	close(dir);
}

struct explain_host *explain_host_open(int netns_fd)
{
	struct explain_host *h = calloc(1, sizeof(*h));
	const struct dirent *e;
	struct stat st;
	DIR *proc;

	if (!h)
		return NULL;
	add_addresses(h, netns_fd, NULL);
	host_bridges_read(&h->bridges, netns_fd);
	if (!fstat(netns_fd, &st))
		seen_before(h, st.st_ino);
	/* Of the host's own processes none is a container in a namespace of its own. */
	if (!stat("/proc/1/ns/net", &st))
		seen_before(h, st.st_ino);
	proc = opendir("/proc");
	while (proc && (e = readdir(proc)))
		if (*e->d_name >= '1' && *e->d_name <= '9')
			look_into(h, e->d_name);
	if (proc)
		closedir(proc);
	return h;
}

void explain_host_close(struct explain_host *h)
{
	if (!h)
		return;
	for (size_t i = 0; i < h->n; i++)
		free(h->v[i].name);
	free(h->v);
	free(h->seen);
	host_bridges_free(&h->bridges);
	free(h);
}

static const struct known_addr *find(const struct explain_host *h, uint8_t family,
				     const uint8_t *addr, bool own)
{
	for (size_t i = 0; i < h->n; i++)
		if (!h->v[i].name == own && h->v[i].family == family &&
		    !memcmp(h->v[i].addr, addr, family == NFPROTO_IPV6 ? 16 : 4))
			return &h->v[i];
	return NULL;
}

bool explain_host_has(const struct explain_host *h, uint8_t family, const uint8_t *addr)
{
	return (family == NFPROTO_IPV4 && addr[0] == 127) || find(h, family, addr, true);
}

const char *explain_host_name(const struct explain_host *h, uint8_t family, const uint8_t *addr)
{
	const struct known_addr *a = find(h, family, addr, false);

	return a ? a->name : NULL;
}

const char *explain_host_bridge(const struct explain_host *h, uint8_t family, const uint8_t *addr)
{
	return host_bridges_of(&h->bridges, family, addr);
}
