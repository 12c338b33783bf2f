// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/session.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "src/annotate.h"
#include "src/clock.h"
#include "src/conclude.h"
#include "src/resolve.h"
#include "src/walk.h"

struct session {
	const struct session_config *config;
	struct engine_config engine_config;
	struct engine *engine;
	struct tracker *tracker;
	struct view *views; /* one a namespace, as config->netns has them */
	struct lock_watch *lock;
	uint64_t *legacy_heard_ns; /* by view: the last line of iptables-legacy */
};

/* What the steps of an exact path cannot all be. */
static void doubt_walk(struct path *p, const struct rules_answer *rules)
{
	if (p->certainty != CERTAIN_EXACT)
		return;
	if (!rules->complete)
		path_doubt(p, CERTAIN_NOT, "the ruleset changed while it was under way");
	else if (!walk_is_possible(p, rules))
		path_doubt(
			p, CERTAIN_NOT,
			"its rules make no way through their chains: a step is missing, or one is "
			"another packet's");
	else if (!walk_is_complete(p, rules))
		path_doubt(
			p, CERTAIN_NOT,
			"a chain of a hook that it passed says nothing of it: it cannot be traced, "
			"or its steps are missing");
}

static void on_path(void *ctx, struct path *p)
{
	struct session *s = ctx;
	const struct view *v = &s->views[p->ns];
	struct rules_answer rules;
	const char *missing;
	p->engine = s->config->engine->name;
	p->netns.inum = v->ns->inum;
	p->netns.name = v->ns->name;
	missing = s->config->engine->missing(s->engine, p->ns);
	if (missing) {
		p->unseen = missing;
		path_doubt(p, CERTAIN_NOT, "not all of its rules can be seen");
	}
	rules_at(v->rules, p->after_ns, p->before_ns, resolve_has_legacy(p), &rules);
	resolve(p, &rules);
	doubt_walk(p, &rules);
	annotate_routing(p, v);
	conclude(p, s->config->engine->blind(s->engine));
	annotate(p, v, &rules);
	s->config->path(s->config->ctx, p);
	path_free(p);
}

static void on_event(void *ctx, const struct event *ev)
{
	struct session *s = ctx;

	if (ev->type <= EVENT_RETURN && ev->rule.legacy)
		s->legacy_heard_ns[ev->ns] = ev->before_ns;
	tracker_event(s->tracker, ev);
}

/* Of a function that says by NULL that it failed. */
static int why(const struct error *err)
{
	return err->rc < 0 ? err->rc : -EIO;
}

static int view_open(struct view *v, const struct netns *ns, struct lock_watch *lock,
		     struct error *err)
{
	v->ns = ns;
	v->netconf = netconf_open(ns->fd, err);
	v->rules = v->netconf ? rules_open(ns, lock, err) : NULL;
	return v->rules ? 0 : why(err);
}

void session_close(struct session *s)
{
	if (!s)
		return;
	if (s->engine)
		s->config->engine->close(s->engine);
	tracker_close(s->tracker);
	for (unsigned int i = 0; s->views && i < s->config->netns->n; i++) {
		rules_close(s->views[i].rules);
		netconf_close(s->views[i].netconf);
	}
	lock_watch_close(s->lock);
	free(s->views);
	free(s->legacy_heard_ns);
	free(s);
}

struct session *session_open(const struct session_config *config, int *rc, struct error *err)
{
	struct session *s = calloc(1, sizeof(*s));
	unsigned int n = config->netns->n;

	*rc = fail(err, -ENOMEM, "out of memory");
	if (!s)
		return NULL;
	s->config = config;
	s->views = calloc(n, sizeof(*s->views));
	s->legacy_heard_ns = calloc(n, sizeof(*s->legacy_heard_ns));
	s->lock = lock_watch_open();
	s->tracker = tracker_open(config->filter, on_path, s);
	if (!s->views || !s->legacy_heard_ns || !s->lock || !s->tracker)
		goto failed;
	for (unsigned int i = 0; i < n; i++) {
		*rc = view_open(&s->views[i], &config->netns->v[i], s->lock, err);
		if (*rc)
			goto failed;
	}
	s->engine_config = (struct engine_config){
		.filter = config->filter,
		.cgroup = config->cgroup,
		.views = s->views,
		.n_views = n,
		.rcvbuf = config->rcvbuf,
		.raw_tp = config->raw_tp,

		.warn = config->warn,
		.warn_ctx = config->ctx,
	};
	s->engine = config->engine->open(&s->engine_config, err);
	*rc = s->engine ? 0 : why(err);
	if (s->engine)
		return s;
failed:
	session_close(s);
	return NULL;
}

unsigned int session_fds(const struct session *s, struct pollfd *fds, unsigned int max)
{
	return s->config->engine->fds(s->engine, fds, max);
}

/* Are the rules still those that we know? Returns up to when that is answered for all that was
 * heard, CLOCK_MONOTONIC. */
static uint64_t sync_rules(struct session *s)
{
	uint64_t synced = s->config->engine->synced(s->engine);

	for (unsigned int i = 0; i < s->config->netns->n; i++) {
		struct rules *r = s->views[i].rules;
		bool legacy = s->legacy_heard_ns[i] > rules_legacy_checked(r);
		struct error err = {0};

		/* A failure leaves the paths from now on uncertain, and they say so. */
		if (rules_sync(r, legacy, &err) == 1)
			s->config->engine->rules_changed(s->engine, i);
		if (legacy && s->legacy_heard_ns[i] > rules_legacy_checked(r) &&
		    rules_legacy_checked(r) < synced)
			synced = rules_legacy_checked(r);
	}
	return synced;
}

int session_step(struct session *s, bool all, struct error *err)
{
	int rc = s->config->engine->read(s->engine, on_event, s, err);
	uint64_t synced;

	if (rc)
		return rc;
	synced = sync_rules(s);
	tracker_flush(s->tracker, synced, all);
	return 0;
}

uint64_t session_synced(const struct session *s)
{
	return s->config->engine->synced(s->engine);
}

const struct tracker_stats *session_stats(const struct session *s)
{
	return tracker_stats(s->tracker);
}

unsigned int session_rules_changes(const struct session *s)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < s->config->netns->n; i++)
		n += rules_changes(s->views[i].rules);
	return n;
}
