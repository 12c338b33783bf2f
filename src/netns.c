// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/netns.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/container.h"
#include "src/fd.h"

/* Where `ip netns` keeps its names. The second is the first on most systems; each inum is taken
 * once anyway. */
static const char *const run_dirs[] = {"/run/netns", "/var/run/netns"};

#define N_RUN_DIRS (sizeof(run_dirs) / sizeof(run_dirs[0]))

/* How a namespace file was found, for its name and for sentences about it. */
struct origin {
	const char *arg; /* what the user typed */
	const char *path;
	const char *fallback; /* name when it is neither pid 1's nor a named one, nor … */
	const char *pid; /* … the container that this process is in; NULL: none is known */
};

static uint64_t inum_of(const char *path)
{
	struct stat st;

	return stat(path, &st) ? 0 : st.st_ino;
}

static bool set_has(const struct netns_set *set, uint64_t inum)
{
	for (unsigned int i = 0; i < set->n; i++)
		if (set->v[i].inum == inum)
			return true;
	return false;
}

/*
 * Where pid 1 may not be read (a sandbox that holds capabilities back), the number tells: since
 * Linux 6.18 that of the initial namespace is fixed (NET_NS_INIT_INO, include/uapi/linux/nsfs.h),
 * below all that are given out (PROC_DYNAMIC_FIRST).
 */
static bool is_host(uint64_t inum)
{
	const uint64_t initial = 0xeffffff9, host = inum_of("/proc/1/ns/net");

	return inum == (host ? host : initial);
}

/* The name under /run/netns of a namespace, into name. */
static bool find_run_name(uint64_t inum, char *name, size_t size)
{
	char path[PATH_MAX];
	bool found = false;
	struct dirent *e;
	DIR *d;

	for (unsigned int i = 0; i < N_RUN_DIRS && !found; i++) {
		d = opendir(run_dirs[i]);
		if (!d)
			continue;
		while (!found && (e = readdir(d))) {
			snprintf(path, sizeof(path), "%s/%s", run_dirs[i], e->d_name);
			found = e->d_name[0] != '.' && inum_of(path) == inum;
			if (found)
				snprintf(name, size, "%s", e->d_name);
		}
		closedir(d);
	}
	return found;
}

static void set_name(struct netns *ns, const char *fallback, const char *pid)
{
	if (is_host(ns->inum))
		snprintf(ns->name, sizeof(ns->name), "host");
	else if (!find_run_name(ns->inum, ns->name, sizeof(ns->name)) &&
		 !(pid && container_of_netns(pid, ns->inum, ns->name, sizeof(ns->name))))
		snprintf(ns->name, sizeof(ns->name), "%s", fallback);
}

static int set_append(struct netns_set *set, int fd, uint64_t inum, const char *fallback,
		      const char *pid, struct error *err)
{
	struct netns *v = reallocarray(set->v, set->n + 1, sizeof(*v));

	if (!v)
		return fail(err, -ENOMEM, "--netns: out of memory");
	set->v = v;
	v += set->n++;
	*v = (struct netns){.fd = fd_high(fd), .inum = inum};
	set_name(v, fallback, pid);
	return 0;
}

static int fail_open(const struct origin *o, int rc, struct error *err)
{
	if (rc == -EPERM || rc == -EACCES)
		return fail(err, -EPERM,
			    "--netns: not allowed to open '%s' (%s); run nfpath as root (it takes "
			    "CAP_SYS_ADMIN and CAP_SYS_PTRACE)",
			    o->arg, o->path);
	return fail(err, rc, "--netns: cannot open '%s' (%s): %s", o->arg, o->path, strerror(-rc));
}

/* Opens the file and adds what it is, unless the set has it. A name whose namespace is gone is a
 * plain file. */
static int add_file(struct netns_set *set, const struct origin *o, struct error *err)
{
	int fd = open(o->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;
	int rc = 0;

	if (fd < 0)
		return fail_open(o, -errno, err);
	if (ioctl(fd, NS_GET_NSTYPE) != CLONE_NEWNET) {
		rc = fail(
			err, -EINVAL,
			"--netns: '%s' (%s) is not a network namespace; `ip netns list` shows the "
			"named ones, or give a PID or a path like /proc/PID/ns/net",
			o->arg, o->path);
		goto out;
	}
	if (fstat(fd, &st)) {
		rc = fail_open(o, -errno, err);
		goto out;
	}
	if (set_has(set, st.st_ino))
		goto out;
	rc = set_append(set, fd, st.st_ino, o->fallback, o->pid, err);
	if (!rc)
		return 0;
out:
	close(fd);
	return rc;
}

static int add_pid(struct netns_set *set, const char *arg, const char *pid, struct error *err)
{
	char path[64], name[64];
	struct origin o = {arg, path, name, pid};

	snprintf(path, sizeof(path), "/proc/%.20s/ns/net", pid);
	snprintf(name, sizeof(name), "pid %.20s", pid);
	return add_file(set, &o, err);
}

static bool is_number(const char *s)
{
	return *s && s[strspn(s, "0123456789")] == '\0';
}

/* A name under /run/netns goes before a PID of the same digits: the name is what `ip netns` would
 * take. */
static int add_name(struct netns_set *set, const char *arg, struct error *err)
{
	char path[PATH_MAX];
	struct origin o = {arg, path, arg, NULL};

	for (unsigned int i = 0; i < N_RUN_DIRS; i++) {
		int n = snprintf(path, sizeof(path), "%s/%s", run_dirs[i], arg);

		if (n < (int)sizeof(path) && (!access(path, F_OK) || errno == EACCES))
			return add_file(set, &o, err);
	}
	if (!is_number(arg))
		return fail(
			err, -ENOENT,
			"--netns: there is no network namespace '%s'; `ip netns list` shows the "
			"named ones, or give a PID or a path",
			arg);
	snprintf(path, sizeof(path), "/proc/%.20s", arg);
	if (strlen(arg) > 20 || access(path, F_OK))
		return fail(
			err, -ENOENT,
			"--netns: there is neither a network namespace named '%s' nor a process "
			"with this PID; `ip netns list` shows the named ones",
			arg);
	return add_pid(set, arg, arg, err);
}

static int add_path(struct netns_set *set, const char *arg, struct error *err)
{
	struct origin o = {arg, arg, arg, NULL};

	if (access(arg, F_OK) && errno == ENOENT)
		return fail(
			err, -ENOENT,
			"--netns: there is no file '%s'; give a path like /proc/PID/ns/net, a PID, "
			"or a name that `ip netns list` shows",
			arg);
	return add_file(set, &o, err);
}

/* Files under /run/netns that are no namespaces are left-overs: `ip netns list` shows them, nothing
 * can be in them. */
static int add_all_named(struct netns_set *set, struct error *err)
{
	char path[PATH_MAX];
	struct origin o = {"all", path, "all", NULL};
	struct dirent *e;
	int rc = 0;
	DIR *d;

	for (unsigned int i = 0; i < N_RUN_DIRS && !rc; i++) {
		d = opendir(run_dirs[i]);
		if (!d)
			continue;
		while (!rc && (e = readdir(d))) {
			if (e->d_name[0] == '.')
				continue;
			snprintf(path, sizeof(path), "%s/%s", run_dirs[i], e->d_name);
			rc = add_file(set, &o, err);
			if (rc == -EINVAL || rc == -ENOENT)
				rc = 0;
		}
		closedir(d);
	}
	return rc;
}

/*
 * One stat a process; a file is opened only for a namespace not seen before. Processes that may not
 * be looked into are counted in *refused.
 */
static int add_all_processes(struct netns_set *set, unsigned int *refused, struct error *err)
{
	char path[PATH_MAX];
	DIR *d = opendir("/proc");
	struct dirent *e;
	struct stat st;
	int rc = 0;

	if (!d)
		return fail(err, -errno, "--netns: cannot read /proc: %s", strerror(errno));
	while (!rc && (e = readdir(d))) {
		if (!is_number(e->d_name))
			continue;
		snprintf(path, sizeof(path), "/proc/%s/ns/net", e->d_name);
		if (!stat(path, &st) && set_has(set, st.st_ino))
			continue;
		rc = add_pid(set, "all", e->d_name, err);
		*refused += rc == -EPERM;
		/* Gone meanwhile, or a zombie, which has no namespace any more (ns_get_path()). */
		if (rc == -EPERM || rc == -ENOENT || rc == -ESRCH)
			rc = 0;
	}
	closedir(d);
	return rc;
}

static int add_all(struct netns_set *set, struct error *err)
{
	unsigned int refused = 0;
	struct error ignored;
	int rc;

	/* First, so that the set begins with the host's; our own is there even where /proc hides
	 * others. */
	add_pid(set, "all", "1", &ignored);
	rc = netns_add(set, "self", err);
	if (!rc)
		rc = add_all_named(set, err);
	if (!rc)
		rc = add_all_processes(set, &refused, err);
	if (rc)
		return rc;
	if (refused)
		return fail(
			err, 0,
			"--netns: 'all' may be incomplete: %u processes did not let their network "
			"namespace be read; run nfpath as root (it takes CAP_SYS_PTRACE)",
			refused);
	if (err)
		err->text[0] = '\0';
	return 0;
}

int netns_add_copy(struct netns_set *set, const struct netns *ns, struct error *err)
{
	int fd;

	if (set_has(set, ns->inum))
		return 0;
	fd = fcntl(ns->fd, F_DUPFD_CLOEXEC, 0);
	if (fd < 0)
		return fail(err, -errno, "--netns: cannot keep '%s': %s", ns->name, strerror(errno));
	return set_append(set, fd, ns->inum, ns->name, NULL, err);
}

int netns_add(struct netns_set *set, const char *arg, struct error *err)
{
	char self[64];
	struct origin o = {arg, "/proc/self/ns/net", self, NULL};

	if (!*arg)
		return fail(err, -EINVAL,
			    "--netns: '' names nothing; give NAME, PID, PATH, self or all");
	if (!strcmp(arg, "self")) {
		snprintf(self, sizeof(self), "pid %d", (int)getpid());
		return add_file(set, &o, err);
	}
	if (!strcmp(arg, "all"))
		return add_all(set, err);
	if (strchr(arg, '/'))
		return add_path(set, arg, err);
	if (!strcmp(arg, ".") || !strcmp(arg, ".."))
		return fail(err, -EINVAL,
			    "--netns: '%s' is not a name; give NAME, PID, PATH, self or all", arg);
	return add_name(set, arg, err);
}

/* The file may have come to be another one since it was looked at. */
static bool add_if(struct netns_set *set, const struct origin *o, uint64_t inum)
{
	unsigned int n = set->n;
	struct error ignored;

	if (inum_of(o->path) != inum)
		return false;
	add_file(set, o, &ignored);
	if (set_has(set, inum))
		return true;
	while (set->n > n)
		close(set->v[--set->n].fd);
	return false;
}

static bool find_named(struct netns_set *set, uint64_t inum)
{
	char path[PATH_MAX], name[256];
	struct origin o = {name, path, name, NULL};
	bool found = false;
	struct dirent *e;
	DIR *d;

	for (unsigned int i = 0; i < N_RUN_DIRS && !found; i++) {
		d = opendir(run_dirs[i]);
		while (d && !found && (e = readdir(d))) {
			snprintf(path, sizeof(path), "%s/%s", run_dirs[i], e->d_name);
			snprintf(name, sizeof(name), "%s", e->d_name);
			found = e->d_name[0] != '.' && add_if(set, &o, inum);
		}
		if (d)
			closedir(d);
	}
	return found;
}

static bool find_process(struct netns_set *set, uint64_t inum)
{
	DIR *d = opendir("/proc");
	char path[64], name[64];
	struct origin o = {name, path, name, NULL};
	bool found = false;
	struct dirent *e;

	while (d && !found && (e = readdir(d))) {
		if (!is_number(e->d_name))
			continue;
		snprintf(path, sizeof(path), "/proc/%.20s/ns/net", e->d_name);
		snprintf(name, sizeof(name), "pid %.20s", e->d_name);
		o.pid = e->d_name;
		found = add_if(set, &o, inum);
	}
	if (d)
		closedir(d);
	return found;
}

int netns_find(struct netns_set *set, uint64_t inum)
{
	return set_has(set, inum) || find_named(set, inum) || find_process(set, inum) ? 0 : -ENOENT;
}

void netns_set_free(struct netns_set *set)
{
	for (unsigned int i = 0; i < set->n; i++)
		close(set->v[i].fd);
	free(set->v);
	*set = (struct netns_set){0};
}

static bool same_ns(int a, int b)
{
	struct stat sa, sb;

	return !fstat(a, &sa) && !fstat(b, &sb) && sa.st_ino == sb.st_ino && sa.st_dev == sb.st_dev;
}

static int open_own(void)
{
	int fd = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

int netns_enter(int fd)
{
	int rc, own = open_own();

	/* setns() asks for CAP_SYS_ADMIN even to stay where we are. */
	if (own < 0 || same_ns(own, fd))
		return own;
	if (!setns(fd, CLONE_NEWNET))
		return own;
	rc = -errno;
	close(own);
	return rc;
}

void netns_leave(int token)
{
	int now = open_own();

	if ((now < 0 || !same_ns(now, token)) && setns(token, CLONE_NEWNET)) {
		perror("nfpath: cannot go back to its own network namespace");
		abort();
	}
	if (now >= 0)
		close(now);
	close(token);
}
