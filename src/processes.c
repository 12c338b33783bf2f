// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/processes.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "src/clock.h"

struct holder {
	uint32_t inode;
	int32_t pid, fd;
};

struct processes {
	struct holder *v; /* by inode, then by pid */
	size_t n, cap;
	uint64_t next_ns; /* no look before that */
};

struct processes *processes_open(void)
{
	return calloc(1, sizeof(struct processes));
}

void processes_close(struct processes *p)
{
	if (p)
		free(p->v);
	free(p);
}

static void add(struct processes *p, struct holder h)
{
	struct holder *bigger;

	if (p->n == p->cap) {
		bigger = reallocarray(p->v, p->cap ? p->cap * 2 : 256, sizeof(*p->v));
		if (!bigger)
			return;
		p->v = bigger;
		p->cap = p->cap ? p->cap * 2 : 256;
	}
	p->v[p->n++] = h;
}

/* The inode of a link "socket:[123]"; 0: it leads to something else. */
static uint32_t socket_of(int dir, const char *name)
{
	char link[64], end;
	ssize_t n = readlinkat(dir, name, link, sizeof(link) - 1);
	unsigned int inode;

	if (n <= 0)
		return 0;
	link[n] = '\0';
	return sscanf(link, "socket:[%u%c", &inode, &end) == 2 && end == ']' ? inode : 0;
}

static void add_process(struct processes *p, int proc, const char *pid)
{
	char path[300];
	struct dirent *e;
	DIR *d;
	int fd;

	snprintf(path, sizeof(path), "%s/fd", pid);
	fd = openat(proc, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	d = fd >= 0 ? fdopendir(fd) : NULL;
	if (!d) {
		if (fd >= 0)
			close(fd);
		return;
	}
	while ((e = readdir(d))) {
		uint32_t inode = isdigit((unsigned char)*e->d_name) ? socket_of(fd, e->d_name) : 0;

		if (inode)
			add(p, (struct holder){inode, atoi(pid), atoi(e->d_name)});
	}
	closedir(d);
}

static int by_inode(const void *a, const void *b)
{
	const struct holder *x = a, *y = b;

	if (x->inode != y->inode)
		return x->inode < y->inode ? -1 : 1;
	return x->pid < y->pid ? -1 : x->pid > y->pid;
}

static void look_through(struct processes *p)
{
	uint64_t began = clock_ns(), took;
	DIR *proc = opendir("/proc");
	struct dirent *e;

	p->n = 0;
	while (proc && (e = readdir(proc)))
		if (isdigit((unsigned char)*e->d_name))
			add_process(p, dirfd(proc), e->d_name);
	if (proc)
		closedir(proc);
	qsort(p->v, p->n, sizeof(*p->v), by_inode);
	took = clock_ns() - began;
	p->next_ns = began + 20 * took;
}

static const struct holder *known(const struct processes *p, uint32_t inode)
{
	size_t lo = 0, hi = p->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (p->v[mid].inode < inode)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < p->n && p->v[lo].inode == inode ? &p->v[lo] : NULL;
}

/* Is it still so? */
static bool holds(const struct holder *h)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/fd/%d", h->pid, h->fd);
	return socket_of(AT_FDCWD, path) == h->inode;
}

static bool read_comm(int32_t pid, char comm[COMM_MAX])
{
	char path[64];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	n = read(fd, comm, COMM_MAX);
	close(fd);
	if (n <= 0)
		return false;
	/* At its end is a newline, which the name may have inside, too. */
	comm[n - (comm[n - 1] == '\n' || n == COMM_MAX)] = '\0';
	return true;
}

bool processes_find(struct processes *p, uint32_t inode, struct process *out)
{
	const struct holder *h = inode ? known(p, inode) : NULL;

	if (!inode)
		return false;
	if (!h || !holds(h)) {
		if (clock_ns() < p->next_ns)
			return false;
		look_through(p);
		h = known(p, inode);
	}
	if (!h || !read_comm(h->pid, out->comm))
		return false;
	out->pid = h->pid;
	return true;
}
