// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/lock_watch.h"

#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

/* The directory, since the lock file is made by the first iptables-legacy command. */
static const char lock_dir[] = "/run", lock_name[] = "xtables.lock";

struct lock_watch {
	int fd; /* -1: none to be had */
	uint64_t uses;
};

struct lock_watch *lock_watch_open(void)
{
	struct lock_watch *w = calloc(1, sizeof(*w));

	if (!w)
		return NULL;
	w->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (w->fd >= 0 && inotify_add_watch(w->fd, lock_dir, IN_OPEN | IN_CLOSE | IN_CREATE) < 0) {
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
				   (ev->len && !strcmp(ev->name, lock_name));
			p += sizeof(*ev) + ev->len;
		}
	}
	return w->uses;
}
