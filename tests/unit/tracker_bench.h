/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the tests of the tracker begin with: a tracker, its paths, a clock. */
#ifndef NFPATH_TESTS_TRACKER_BENCH_H
#define NFPATH_TESTS_TRACKER_BENCH_H

#include <netinet/in.h> /* before linux/netfilter.h, which takes the kernel's copy */
#include <linux/netfilter.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "src/tracker.h"

#include <cmocka.h> /* last: it has a macro fail() */

enum { PATHS_MAX = 16, MS = 1000000 };

struct bench {
	struct filter filter;
	struct tracker *t;
	struct path *paths[PATHS_MAX];
	unsigned int n;
	uint64_t now; /* ns */
	int cpu;
	unsigned int ns;
};

static void done(void *ctx, struct path *p)
{
	struct bench *b = ctx;

	assert_true(b->n < PATHS_MAX);
	b->paths[b->n++] = p;
}

static int set_up(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));

	*state = b;
	b->now = 1000 * MS;
	b->t = tracker_open(&b->filter, done, b);
	return !b->t;
}

static int tear_down(void **state)
{
	struct bench *b = *state;

	tracker_close(b->t);
	while (b->n)
		path_free(b->paths[--b->n]);
	free(b);
	return 0;
}

#endif
