// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/views.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "src/clock.h"
#include "src/fib_bpf.h"
#include "src/unheard.h"

/* A namespace that is neither named nor has a process: a socket or a descriptor holds it. It may get
 * a name yet. */
static const uint64_t retry_ns = 3000ULL * 1000 * 1000;

enum { INDEX_SIZE = 4 * VIEWS_MAX, MISSING_KEPT = 1024 };

struct views {
	struct view *v; /* VIEWS_MAX, touched as they come */
	unsigned int n;
	unsigned int last;	    /* that was asked for */
	uint16_t index[INDEX_SIZE]; /* by inum: of its view, from 1; 0: free */
	struct {
		uint32_t inum;
		uint64_t until_ns;
	} missing[MISSING_KEPT]; /* by inum: not found */
	struct lock_watch *lock;
	struct hook_reader hook_reader;
	bool full; /* and that was said */
	void (*warn)(void *ctx, const char *sentence);
	void *warn_ctx;
};

struct views *views_open(void (*warn)(void *ctx, const char *sentence), void *ctx)
{
	struct views *v = calloc(1, sizeof(*v));

	if (!v)
		return NULL;
	v->warn = warn;
	v->warn_ctx = ctx;
	v->v = calloc(VIEWS_MAX, sizeof(*v->v));
	v->lock = lock_watch_open();
	if (v->v && v->lock)
		return v;
	views_close(v);
	return NULL;
}

static void view_close(struct view *view)
{
	rules_close(view->rules);
	netconf_close(view->netconf);
	route_teller_close(view->teller);
	fib_bpf_free(view->fib_reader);
	conntrack_close(view->conntrack);
	hook_view_close(view->hooks);
	sockets_close(view->sockets);
	netns_set_free(&view->found);
	*view = (struct view){0};
}

void views_close(struct views *v)
{
	if (!v)
		return;
	for (unsigned int i = 0; i < v->n; i++)
		view_close(&v->v[i]);
	lock_watch_close(v->lock);
	hook_reader_close(&v->hook_reader);
	free(v->v);
	free(v);
}

struct view *views_all(struct views *v)
{
	return v->v;
}

const unsigned int *views_n(const struct views *v)
{
	return &v->n;
}

/* Where this number stands, or would. Numbers are unique: each namespace is held open. */
static unsigned int slot_of(const struct views *v, uint64_t inum)
{
	unsigned int i = (uint32_t)inum * 2654435761u % INDEX_SIZE;

	while (v->index[i] && v->v[v->index[i] - 1].ns->inum != inum)
		i = (i + 1) % INDEX_SIZE;
	return i;
}

/* Of a function that says by NULL that it failed. */
static int why(const struct error *err)
{
	return err->rc < 0 ? err->rc : -EIO;
}

int views_add(struct views *v, const struct netns *ns, struct error *err)
{
	struct view *view = &v->v[v->n];
	int rc;

	if (v->n == VIEWS_MAX)
		return fail(err, -E2BIG,
			    "more than %d network namespaces: name fewer of them with --netns",
			    VIEWS_MAX);
	view->ns = ns;
	view->netconf = netconf_open(ns->fd, err);
	view->rules = view->netconf ? rules_open(ns, v->lock, err) : NULL;
	view->conntrack = conntrack_open(ns->fd);
	view->hooks = hook_view_open(ns->fd, &v->hook_reader);
	view->sockets = sockets_open(ns->fd);
	if (!view->rules || !view->conntrack || !view->hooks || !view->sockets) {
		rc = view->rules ? fail(err, -ENOMEM, "out of memory") : why(err);
		view_close(view);
		return rc;
	}
	v->index[slot_of(v, ns->inum)] = v->n + 1;
	v->n++;
	if (v->warn)
		unheard_warn(view, v->warn, v->warn_ctx);
	return 0;
}

static void warn(const struct views *v, const char *sentence)
{
	if (v->warn)
		v->warn(v->warn_ctx, sentence);
}

static int find(struct views *v, uint32_t inum)
{
	struct netns_set found = {0};
	struct error err = {0};
	int rc = netns_find(&found, inum);

	if (rc)
		return rc;
	rc = views_add(v, &found.v[0], &err);
	if (rc) {
		if (rc != -E2BIG || !v->full)
			warn(v, err.text);
		v->full |= rc == -E2BIG;
		netns_set_free(&found);
		return rc;
	}
	v->v[v->n - 1].found = found;
	return 0;
}

int views_find(void *ctx, uint32_t inum)
{
	struct views *v = ctx;
	unsigned int i, m = inum % MISSING_KEPT;

	/* Event after event is of the same one. */
	if (v->last < v->n && v->v[v->last].ns->inum == inum)
		return (int)v->last;
	i = v->index[slot_of(v, inum)];
	if (i) {
		v->last = i - 1;
		return (int)v->last;
	}
	if (v->missing[m].inum == inum && clock_ns() < v->missing[m].until_ns)
		return -1;
	if (!find(v, inum))
		return (int)v->n - 1;
	v->missing[m].inum = inum;
	v->missing[m].until_ns = clock_ns() + retry_ns;
	return -1;
}
