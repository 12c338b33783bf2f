// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/session.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "src/annotate.h"
#include "src/clock.h"
#include "src/conclude.h"
#include "src/connections.h"
#include "src/diagnosis.h"
#include "src/hook_verdict.h"
#include "src/local.h"
#include "src/replies.h"
#include "src/resolve.h"
#include "src/unheard.h"
#include "src/views.h"
#include "src/walk.h"

/* Rules of so many namespaces are looked up for one path. */
enum { PLACES_MAX = 8 };

struct session {
	const struct session_config *config;
	struct engine_config engine_config;
	struct engine *engine;
	struct tracker *tracker;
	struct local *local;
	struct diagnosis *diagnosis;
	struct views *views; /* the first ones as config->netns has them */
};

/* What the steps of an exact path cannot all be. */
static void doubt_walk(struct path *p, const struct path_rules *rules)
{
	if (p->certainty != CERTAIN_EXACT || p->alone)
		return;
	for (size_t i = 0; i < rules->n; i++)
		if (!rules->at[i].complete)
			path_doubt(p, CERTAIN_NOT, rules->at[i].because);
	if (p->certainty != CERTAIN_EXACT)
		return;
	if (!walk_is_possible(p, rules))
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

/* Where it was, and which rules were in force there then. */
static void look_up_places(struct session *s, struct path *p, struct rules_answer *at)
{
	const struct view *views = views_all(s->views);
	bool legacy = resolve_has_legacy(p);

	for (size_t i = 0; i < p->n_places; i++) {
		struct path_place *place = &p->places[i];
		struct rules_answer a;
		const char *missing;

		rules_at(views[place->ns].rules, p->after_ns, p->before_ns, legacy, &a);
		if (i < PLACES_MAX)
			at[i] = a;
		missing = s->config->engine->missing(s->engine, place->ns, &a, p->after_ns);
		place->netns.inum = views[place->ns].ns->inum;
		place->netns.name = views[place->ns].ns->name;
		if (missing && !p->alone) {
			p->unseen = missing;
			path_doubt(p, CERTAIN_NOT, "not all of its rules can be seen");
		}
	}
	if (p->n_places > PLACES_MAX)
		path_doubt(p, CERTAIN_NOT,
			   "it went through more than 8 network namespaces: the rules of the "
			   "others are not named");
}

static void on_path(void *ctx, struct path *p)
{
	struct session *s = ctx;
	struct view *views = views_all(s->views);
	struct rules_answer at[PLACES_MAX];
	struct path_rules rules = {at, p->n_places < PLACES_MAX ? p->n_places : PLACES_MAX};

	p->engine = s->config->engine->name;
	look_up_places(s, p, at);
	unheard_doubt(p, views);
	resolve(p, &rules);
	doubt_walk(p, &rules);
	annotate_routing(p, views);
	conclude(p, s->config->engine->blind(s->engine));
	annotate(p, views, &rules);
	blame_hook(p, views, &rules);
	connections_annotate(p, views, &rules);
	replies_annotate(s->config->filter, p);
	local_annotate(s->local, p, views);
	diagnose(s->diagnosis, p, views, *views_n(s->views));
	s->config->path(s->config->ctx, p);
	path_free(p);
}

static void on_event(void *ctx, const struct event *ev)
{
	struct session *s = ctx;

	if (ev->ns != EVENT_NS_UNKNOWN && (ev->type <= EVENT_RETURN ? ev->rule.legacy
					   : ev->type == EVENT_LOST && ev->lost.legacy))
		views_all(s->views)[ev->ns].legacy_heard_ns = ev->before_ns;
	tracker_event(s->tracker, ev);
}

/* Of a function that says by NULL that it failed. */
static int why(const struct error *err)
{
	return err->rc < 0 ? err->rc : -EIO;
}

void session_close(struct session *s)
{
	if (!s)
		return;
	if (s->engine)
		s->config->engine->close(s->engine);
	tracker_close(s->tracker);
	local_close(s->local);
	diagnosis_close(s->diagnosis);
	views_close(s->views);
	free(s);
}

struct session *session_open(const struct session_config *config, int *rc, struct error *err)
{
	struct session *s = calloc(1, sizeof(*s));

	*rc = fail(err, -ENOMEM, "out of memory");
	if (!s)
		return NULL;
	s->config = config;
	s->views = views_open(config->warn, config->ctx);
	s->tracker = tracker_open(config->filter, on_path, s);
	s->local = local_open();
	s->diagnosis = diagnosis_open();
	if (!s->views || !s->tracker || !s->local || !s->diagnosis)
		goto failed;
	tracker_take_all_drops(s->tracker, config->all_drops);
	for (unsigned int i = 0; i < config->netns->n; i++) {
		*rc = views_add(s->views, &config->netns->v[i], err);
		if (*rc)
			goto failed;
	}
	s->engine_config = (struct engine_config){
		.filter = config->filter,
		.cgroup = config->cgroup,
		.views = views_all(s->views),
		.n_views = views_n(s->views),
		.find_view = views_find,
		.find_ctx = s->views,
		.begin = config->begin,
		.rcvbuf = config->rcvbuf,
		.raw_tp = config->raw_tp,
		.lose_one_of = config->lose_one_of,
		.stacks = config->stacks,
		/* Which process a drop was for is not known. */
		.all_drops = config->all_drops && !config->cgroup,
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

	for (unsigned int i = 0; i < *views_n(s->views); i++) {
		const struct view *view = &views_all(s->views)[i];
		struct rules *r = view->rules;
		bool legacy = view->legacy_heard_ns > rules_legacy_checked(r);
		struct error err = {0};

		/* A failure leaves the paths from now on uncertain, and they say so. */
		if (rules_sync(r, legacy, &err) == 1)
			s->config->engine->rules_changed(s->engine, i);
		if (legacy && view->legacy_heard_ns > rules_legacy_checked(r) &&
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

bool session_idle(const struct session *s)
{
	return s->config->engine->idle(s->engine) && tracker_idle(s->tracker);
}

bool session_behind(const struct session *s)
{
	return s->config->engine->behind(s->engine);
}

uint64_t session_synced(const struct session *s)
{
	return s->config->engine->synced(s->engine);
}

const char *session_blind(const struct session *s)
{
	return s->config->engine->blind(s->engine);
}

const struct tracker_stats *session_stats(const struct session *s)
{
	return tracker_stats(s->tracker);
}

unsigned int session_rules_changes(const struct session *s)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < *views_n(s->views); i++)
		n += rules_changes(views_all(s->views)[i].rules);
	return n;
}
