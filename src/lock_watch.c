// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/lock_watch.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

/* As iptables finds it. */
static const char *lock_path(void)
{
	const char *path = getenv("XTABLES_LOCKFILE");

	return path && *path ? path : "/run/xtables.lock";
}

struct lock_watch {
	int fd; /* -1: none to be had */
	char dir[PATH_MAX], name[NAME_MAX + 1];
	uint64_t uses;
};

static void split_path(struct lock_watch *w, const char *path)
{
	const char *slash = strrchr(path, '/');

	snprintf(w->dir, sizeof(w->dir), "%.*s", slash ? (int)(slash - path + 1) : 1,
		 slash ? path : ".");
	snprintf(w->name, sizeof(w->name), "%s", slash ? slash + 1 : path);
}

struct lock_watch *lock_watch_open(void)
{
	struct lock_watch *w = calloc(1, sizeof(*w));

	if (!w)
		return NULL;
	split_path(w, lock_path());
	w->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	/* The directory, since the lock file is made by the first iptables-legacy command. */
	if (w->fd >= 0 && inotify_add_watch(w->fd, w->dir, IN_OPEN | IN_CLOSE | IN_CREATE) < 0) {
		close(w->fd);
		w->fd = -1;
	}
	return w;
}

void lock_watch_close(struct lock_watch *w)
{
	if (w && w->fd >= 0)
		close(w->fd);
	free(w);
}

uint64_t lock_watch_uses(struct lock_watch *w)
{
	char buf[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
	ssize_t n;

	while (w->fd >= 0 && (n = read(w->fd, buf, sizeof(buf))) > 0) {
		for (char *p = buf; p < buf + n;) {
			const struct inotify_event *ev = (const void *)p;

			w->uses += (ev->mask & IN_Q_OVERFLOW) ||
				   (ev->len && !strcmp(ev->name, w->name));
			p += sizeof(*ev) + ev->len;
		}
	}
	return w->uses;
}
