// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <linux/magic.h>
#include <time.h>
#include <unistd.h>

enum { REMOVE_TRIES = 40 };

/* libnftables looks a cgroup up below this path, and nowhere else. */
static const char sysfs[] = "/sys/fs/cgroup";

struct cgroup {
	char mount[64];
	char dir[128];
	char relative[96];
	struct cgroup_name name;
};

/* cgroup2 alone, or beside the controllers of v1 in "unified". */
const char *cgroup_mount(void)
{
	static const char *const places[] = {"/sys/fs/cgroup", "/sys/fs/cgroup/unified"};
	struct statfs fs;

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		if (!statfs(places[i], &fs) && fs.f_type == CGROUP2_SUPER_MAGIC)
			return places[i];
	return NULL;
}

static int write_pid(const char *dir, int pid)
{
	char path[PATH_MAX], text[16];
	int fd, rc = 0;

	snprintf(path, sizeof(path), "%s/cgroup.procs", dir);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	snprintf(text, sizeof(text), "%d", pid);
	if (write(fd, text, strlen(text)) < 0)
		rc = -errno;
	close(fd);
	return rc;
}

static void move_all(const char *mount, const char *dir)
{
	char path[PATH_MAX];
	FILE *f;
	int pid;

	snprintf(path, sizeof(path), "%s/cgroup.procs", dir);
	f = fopen(path, "re");
	while (f && fscanf(f, "%d", &pid) == 1)
		write_pid(mount, pid);
	if (f)
		fclose(f);
}

/* A process that forks or exits right now keeps it busy a little longer. */
static void remove_dir(const char *mount, const char *dir)
{
	const struct timespec pause = {.tv_nsec = 5 * 1000 * 1000};

	for (int i = 0; i < REMOVE_TRIES; i++) {
		move_all(mount, dir);
		if (!rmdir(dir) || errno != EBUSY)
			return;
		nanosleep(&pause, NULL);
	}
}

static void remove_stale(const char *mount)
{
	struct dirent *e;
	DIR *d = opendir(mount);

	while (d && (e = readdir(d))) {
		char path[PATH_MAX];
		int pid;

		if (sscanf(e->d_name, "nfpath_%d", &pid) != 1 || pid <= 0 || !kill(pid, 0) ||
		    errno != ESRCH)
			continue;
		snprintf(path, sizeof(path), "%s/%s", mount, e->d_name);
		remove_dir(mount, path);
	}
	if (d)
		closedir(d);
}

struct cgroup *cgroup_open(struct error *err)
{
	const char *mount = cgroup_mount();
	struct cgroup *c;
	struct stat st;

	if (!mount) {
		fail(err, -EOPNOTSUPP,
		     "-- COMMAND needs cgroup v2, which is not mounted on %s here; trace by --src, "
		     "--dport … instead",
		     sysfs);
		return NULL;
	}
	remove_stale(mount);
	c = calloc(1, sizeof(*c));
	if (!c) {
		fail(err, -ENOMEM, "out of memory");
		return NULL;
	}
	snprintf(c->mount, sizeof(c->mount), "%s", mount);
	snprintf(c->dir, sizeof(c->dir), "%s/nfpath_%d", mount, getpid());
	snprintf(c->relative, sizeof(c->relative), "%s", c->dir + strlen(sysfs) + 1);
	if (mkdir(c->dir, 0755) || stat(c->dir, &st)) {
		fail(err, -errno, "cannot make the cgroup %s for the command: %s", c->dir,
		     strerror(errno));
		free(c);
		return NULL;
	}
	c->name = (struct cgroup_name){c->relative, 1, c->dir, st.st_ino};
	return c;
}

void cgroup_close(struct cgroup *c)
{
	if (!c)
		return;
	remove_dir(c->mount, c->dir);
	free(c);
}

const struct cgroup_name *cgroup_name(const struct cgroup *c)
{
	return &c->name;
}

int cgroup_enter(const struct cgroup *c)
{
	return write_pid(c->dir, getpid());
}
