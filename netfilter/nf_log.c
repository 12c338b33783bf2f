// SPDX-License-Identifier: GPL-2.0-or-later
#include "netfilter/nf_log.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/netfilter.h>
#include <linux/netlink.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/error.h"
#include "src/netns.h"

static const char state_dir[] = "/run/nfpath";
static const uint8_t families[] = {NFPROTO_IPV4, NFPROTO_IPV6};

enum { N_FAMILIES = sizeof(families), LOGGER_MAX = 64 };

struct saved {
	int pid;
	unsigned long long
		start; /* of the process, clock ticks after boot: a pid alone comes back */
	char logger[N_FAMILIES][LOGGER_MAX];
};

static void sysctl_path(char *path, size_t size, uint8_t family)
{
	snprintf(path, size, "/proc/sys/net/netfilter/nf_log/%u", family);
}

/* Of the calling thread's namespace. */
static int logger_get(uint8_t family, char *name)
{
	char path[64];
	FILE *f;
	int rc = -EIO;

	sysctl_path(path, sizeof(path), family);
	f = fopen(path, "re");
	if (!f)
		return -errno;
	if (fgets(name, LOGGER_MAX, f)) {
		name[strcspn(name, "\n")] = 0;
		rc = 0;
	}
	fclose(f);
	return rc;
}

static int logger_set(uint8_t family, const char *name)
{
	char path[64];
	int fd, rc = 0;

	sysctl_path(path, sizeof(path), family);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (write(fd, name, strlen(name)) < 0)
		rc = -errno;
	close(fd);
	return rc;
}

/* Field 22 of /proc/PID/stat; 0: no such process. comm may hold anything, so count from the last
 * parenthesis. */
static unsigned long long start_time(int pid)
{
	char path[64], line[1024], *p;
	unsigned long long start = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	f = fopen(path, "re");
	if (!f)
		return 0;
	p = fgets(line, sizeof(line), f) ? strrchr(line, ')') : NULL;
	fclose(f);
	for (int i = 2; p && i < 22; i++)
		p = strchr(p + 1, ' ');
	if (p)
		start = strtoull(p, NULL, 10);
	return start;
}

static void state_path(char *path, size_t size, uint64_t inum)
{
	snprintf(path, size, "%s/nf_log.%" PRIu64, state_dir, inum);
}

static int state_write(uint64_t inum, const struct saved *s)
{
	char path[PATH_MAX], temp[PATH_MAX + 8];
	FILE *f;
	int rc = 0;

	if (mkdir(state_dir, 0755) && errno != EEXIST)
		return -errno;
	state_path(path, sizeof(path), inum);
	snprintf(temp, sizeof(temp), "%s.new", path);
	f = fopen(temp, "we");
	if (!f)
		return -errno;
	fprintf(f, "%d %llu\n", s->pid, s->start);
	for (int i = 0; i < N_FAMILIES; i++)
		fprintf(f, "%s\n", s->logger[i]);
	if (fclose(f) || rename(temp, path))
		rc = -errno;
	return rc;
}

static int state_read(uint64_t inum, struct saved *s)
{
	char path[PATH_MAX], line[LOGGER_MAX];
	int rc = -EBADMSG;
	FILE *f;

	state_path(path, sizeof(path), inum);
	f = fopen(path, "re");
	if (!f)
		return -errno;
	if (!fgets(line, sizeof(line), f) || sscanf(line, "%d %llu", &s->pid, &s->start) != 2)
		goto out;
	for (int i = 0; i < N_FAMILIES; i++) {
		if (!fgets(s->logger[i], LOGGER_MAX, f))
			goto out;
		s->logger[i][strcspn(s->logger[i], "\n")] = 0;
	}
	rc = 0;
out:
	fclose(f);
	return rc;
}

int nf_log_remember(int netns_fd, uint64_t inum, struct error *err)
{
	struct saved s = {.pid = getpid(), .start = start_time(getpid())};
	int token, rc = 0, write_failed = 0;

	token = netns_enter(netns_fd);
	if (token < 0)
		return fail(err, token, "cannot enter a network namespace: %s", strerror(-token));
	for (int i = 0; !rc && i < N_FAMILIES; i++)
		rc = logger_get(families[i], s.logger[i]);
	/* What cannot be put back must not be changed: in containers /proc/sys is often read-only.
	 * Setting what is set changes nothing. */
	for (int i = 0; !rc && i < N_FAMILIES; i++) {
		rc = logger_set(families[i], s.logger[i]);
		write_failed = rc;
	}
	netns_leave(token);
	if (write_failed)
		return fail(err, rc,
			    "net.netfilter.nf_log, which has to be put back afterwards, cannot be "
			    "written: %s; make /proc/sys writable",
			    strerror(-rc));
	if (rc)
		return fail(err, rc, "cannot read net.netfilter.nf_log: %s", strerror(-rc));
	rc = state_write(inum, &s);
	if (rc)
		return fail(err, rc, "cannot write %s, where the logger to restore is kept: %s",
			    state_dir, strerror(-rc));
	return 0;
}

int nf_log_restore(int netns_fd, uint64_t inum)
{
	char path[PATH_MAX], now[LOGGER_MAX];
	struct saved s;
	int token, rc, first = 0;

	rc = state_read(inum, &s);
	if (rc)
		return rc;
	token = netns_enter(netns_fd);
	if (token < 0)
		return token;
	for (int i = 0; i < N_FAMILIES; i++) {
		rc = logger_get(families[i], now);
		if (!rc && !strcmp(now, "nfnetlink_log") && strcmp(s.logger[i], now))
			rc = logger_set(families[i], s.logger[i]);
		first = first ? first : rc;
	}
	netns_leave(token);
	state_path(path, sizeof(path), inum);
	if (!first) /* else the next start tries again */
		unlink(path);
	return first;
}

/* Is the process that wrote this still there? */
static bool alive(const struct saved *s)
{
	return s->start && start_time(s->pid) == s->start;
}

int nf_log_repair(void)
{
	struct netns_set all = {0};
	struct dirent *e;
	int repaired = 0;
	DIR *d = opendir(state_dir);

	if (!d)
		return 0;
	while ((e = readdir(d))) {
		char path[PATH_MAX];
		bool found = false;
		struct saved s;
		uint64_t inum;

		if (sscanf(e->d_name, "nf_log.%" SCNu64, &inum) != 1 ||
		    strchr(e->d_name + 7, '.') || state_read(inum, &s) || alive(&s))
			continue;
		if (!all.n)
			netns_add(&all, "all", NULL);
		for (unsigned int i = 0; i < all.n; i++) {
			if (all.v[i].inum != inum)
				continue;
			found = true;
			repaired += !nf_log_restore(all.v[i].fd, inum);
		}
		state_path(path, sizeof(path), inum);
		if (!found) /* the namespace is gone, and its binding with it */
			unlink(path);
	}
	closedir(d);
	netns_set_free(&all);
	return repaired;
}

/* The inode of the netlink socket with this port id; 0: none. Columns of /proc/net/netlink: sk Eth
 * Pid Groups Rmem Wmem Dump Locks Drops Inode. */
static unsigned long socket_inode(uint32_t portid)
{
	char line[256];
	unsigned long inode = 0;
	FILE *f = fopen("/proc/thread-self/net/netlink", "re");

	while (f && fgets(line, sizeof(line), f)) {
		unsigned int proto, pid;
		unsigned long ino;

		if (sscanf(line, "%*s %u %u %*s %*s %*s %*s %*s %*s %lu", &proto, &pid, &ino) ==
			    3 &&
		    proto == NETLINK_NETFILTER && pid == portid)
			inode = ino;
	}
	if (f)
		fclose(f);
	return inode;
}

static bool holds_socket(const char *pid, unsigned long inode)
{
	char path[PATH_MAX], link[64], want[64];
	bool found = false;
	struct dirent *e;
	ssize_t n;
	DIR *d;

	snprintf(want, sizeof(want), "socket:[%lu]", inode);
	snprintf(path, sizeof(path), "/proc/%s/fd", pid);
	d = opendir(path);
	while (d && !found && (e = readdir(d))) {
		n = readlinkat(dirfd(d), e->d_name, link, sizeof(link) - 1);
		if (n > 0) {
			link[n] = 0;
			found = !strcmp(link, want);
		}
	}
	if (d)
		closedir(d);
	return found;
}

static pid_t process_of(unsigned long inode, char *comm)
{
	char path[PATH_MAX];
	struct dirent *e;
	pid_t pid = 0;
	FILE *f;
	DIR *d = opendir("/proc");

	while (d && !pid && (e = readdir(d))) {
		if (e->d_name[0] < '1' || e->d_name[0] > '9' || !holds_socket(e->d_name, inode))
			continue;
		pid = atoi(e->d_name);
		snprintf(path, sizeof(path), "/proc/%d/comm", pid);
		f = fopen(path, "re");
		if (!f || !fgets(comm, 64, f))
			strcpy(comm, "?");
		comm[strcspn(comm, "\n")] = 0;
		if (f)
			fclose(f);
	}
	if (d)
		closedir(d);
	return pid;
}

pid_t nf_log_group_owner(int netns_fd, char *comm, uint32_t *portid)
{
	unsigned long inode = 0;
	char line[256];
	FILE *f;
	int token = netns_enter(netns_fd);

	*portid = 0;
	*comm = 0;
	if (token < 0)
		return 0;
	f = fopen("/proc/thread-self/net/netfilter/nfnetlink_log", "re");
	while (f && fgets(line, sizeof(line), f)) {
		unsigned int group, peer;

		if (sscanf(line, "%u %u", &group, &peer) == 2 && group == 0)
			*portid = peer;
	}
	if (f)
		fclose(f);
	if (*portid)
		inode = socket_inode(*portid);
	netns_leave(token);
	return inode ? process_of(inode, comm) : 0;
}
