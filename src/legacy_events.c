// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/legacy_events.h"

#include <linux/netfilter.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Traversals that a later one may have been interrupted by. */
enum { KEPT = 32, CPUS_MAX = NFP_XT_CPUS };

struct recent {
	struct nfp_xt_visit v[KEPT];
	unsigned int next;
};

struct legacy_events {
	const struct engine_config *config;
	const struct legacy_tables *tables;
	struct recent *recent[CPUS_MAX];
	void (*sink)(void *ctx, const struct event *ev);
	void *ctx;
};

struct legacy_events *legacy_events_open(const struct engine_config *config,
					 const struct legacy_tables *tables)
{
	struct legacy_events *le = calloc(1, sizeof(*le));

	if (!le)
		return NULL;
	le->config = config;
	le->tables = tables;
	return le;
}

void legacy_events_close(struct legacy_events *le)
{
	if (!le)
		return;
	for (int i = 0; i < CPUS_MAX; i++)
		free(le->recent[i]);
	free(le);
}

/* --- what others counted meanwhile --- */

static void keep(struct legacy_events *le, const struct nfp_xt_visit *v, size_t size)
{
	struct recent *r;

	if (v->cpu >= CPUS_MAX || v->flags & NFP_XT_MISSED)
		return;
	if (!le->recent[v->cpu])
		le->recent[v->cpu] = calloc(1, sizeof(*le->recent[0]));
	r = le->recent[v->cpu];
	if (r)
		memcpy(&r->v[r->next++ % KEPT], v, size < sizeof(*v) ? size : sizeof(*v));
}

/* Numbers of a CPU's traversals go round. */
static bool within(const struct nfp_xt_visit *inner, const struct nfp_xt_visit *outer)
{
	return (int32_t)(inner->first - outer->first) > 0 &&
	       (int32_t)(inner->first - outer->last) <= 0;
}

static uint32_t counted(const struct nfp_xt_visit *v)
{
	return v->recseq[1] - v->recseq[0];
}

/* All traversals that began on its CPU while it was under way. False: they are not all known. */
static bool inner_ones(const struct legacy_events *le, const struct nfp_xt_visit *v,
		       const struct nfp_xt_visit **inner, unsigned int *n)
{
	const struct recent *r = v->cpu < CPUS_MAX ? le->recent[v->cpu] : NULL;

	*n = 0;
	for (int i = 0; v->first != v->last && r && i < KEPT; i++)
		if (r->v[i].ev.type && within(&r->v[i], v))
			inner[(*n)++] = &r->v[i];
	return *n == v->last - v->first;
}

/* What xt_recseq of its CPU rose by belongs to it and to those that are known. */
static bool alone(const struct nfp_xt_visit *v, const struct nfp_xt_visit **inner, unsigned int n)
{
	uint32_t rest = counted(v);

	for (unsigned int i = 0; i < n; i++) {
		bool direct = true;

		for (unsigned int k = 0; k < n; k++)
			direct &= k == i || !within(inner[i], inner[k]);
		rest -= direct ? counted(inner[i]) : 0;
	}
	/* Odd: it ran within another one (xt_write_recseq_begin()). */
	return rest == (v->recseq[0] & 1 ? 0 : 2);
}

/* False: an inner one counted what the outer one did not see. */
static bool take_away(struct xt_hit *hits, size_t *n, const struct nfp_xt_visit *v,
		      const struct nfp_xt_visit *inner)
{
	if (inner->flags)
		return false;
	if (inner->serial != v->serial)
		return true;
	for (uint32_t i = 0; i < inner->n; i++) {
		size_t k = 0;

		while (k < *n && hits[k].node != inner->hits[i].node)
			k++;
		/* One that could not match this packet was not looked at. */
		if (k == *n)
			continue;
		if (hits[k].times < inner->hits[i].times)
			return false;
		hits[k].times -= inner->hits[i].times;
		if (!hits[k].times)
			hits[k] = hits[--*n];
	}
	return true;
}

/* --- doubts --- */

static const char *flagged(const struct nfp_xt_visit *v)
{
	static const struct {
		uint8_t flag;
		const char *why;
	} flags[] = {
		{NFP_XT_MISSED, "the beginning of its way through table %s of iptables-legacy was "
				"missed"},
		{NFP_XT_UNKNOWN, "table %s of iptables-legacy was changed, and not read again yet"},
		{NFP_XT_REPLACING, "table %s of iptables-legacy was replaced while it was in it"},
		{NFP_XT_OVERFLOW, "more rules of table %s of iptables-legacy may match it than "
				  "can be watched"},
		{NFP_XT_CHANGED, "its addresses were changed within table %s of iptables-legacy"},
		{NFP_XT_DISTURBED, "other packets counted in table %s of iptables-legacy at the "
				   "same time"},
	};

	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		if (v->flags & flags[i].flag)
			return flags[i].why;
	return NULL;
}

static const char disturbed[] =
	"other packets counted in table %s of iptables-legacy at the same time";

static void doubt(struct legacy_events *le, const struct event *of, const struct nfp_xt_visit *v,
		  const char *why, enum certainty certainty)
{
	struct event ev = *of;
	char text[200], name[NFP_XT_NAME];

	snprintf(name, sizeof(name), "%.*s", NFP_XT_NAME - 1, v->table);
	/* Format strings are this file's own. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	snprintf(text, sizeof(text), why, name);
#pragma GCC diagnostic pop
	ev.type = EVENT_LOST;
	memset(&ev.lost, 0, sizeof(ev.lost));
	ev.lost.after_post = true;
	ev.lost.because = text;
	ev.lost.certainty = certainty;
	ev.lost.legacy = true;
	le->sink(le->ctx, &ev);
}

/* --- steps --- */

static enum verdict verdict_of(uint32_t nf)
{
	switch (nf & NF_VERDICT_MASK) {
	case NF_ACCEPT:
		return VERDICT_ACCEPT;
	case NF_DROP:
		return VERDICT_DROP;
	case NF_STOLEN:
		return VERDICT_STOLEN;
	case NF_QUEUE:
		return VERDICT_QUEUE;
	}
	return VERDICT_UNKNOWN;
}

static enum verdict verdict_at(const struct xt_node *n, bool last, uint32_t returned)
{
	switch (n->kind) {
	case XT_KIND_VERDICT:
		return verdict_of(n->verdict);
	case XT_KIND_RETURN:
		return VERDICT_RETURN;
	case XT_KIND_JUMP:
		return VERDICT_JUMP;
	case XT_KIND_GOTO:
		return VERDICT_GOTO;
	case XT_KIND_TARGET:
		return last ? verdict_of(returned) : VERDICT_CONTINUE;
	}
	return VERDICT_CONTINUE;
}

static void tell_step(struct legacy_events *le, struct event *ev, const struct xt_walk *w,
		      uint32_t node, bool last, uint32_t returned)
{
	const struct xt_node *n = &w->nodes[node];
	const struct rs_chain *c = w->chains[n->chain].chain;
	bool jumps = n->kind == XT_KIND_JUMP || n->kind == XT_KIND_GOTO;

	memset(&ev->rule, 0, sizeof(ev->rule));
	ev->rule.legacy = true;
	ev->rule.table = w->table->name;
	ev->rule.chain = c->name;
	ev->rule.number = xt_walk_number(w, node);
	ev->rule.verdict = verdict_at(n, last, returned);
	ev->rule.target = jumps ? w->chains[w->nodes[n->target].chain].chain->name : NULL;
	ev->type = ev->rule.number <= c->n_rules ? EVENT_RULE
		   : c->base			 ? EVENT_POLICY
						 : EVENT_RETURN;
	le->sink(le->ctx, ev);
}

static void tell_path(struct legacy_events *le, struct event *ev, const struct nfp_xt_visit *v,
		      const struct xt_walk *w, const struct xt_hit *hits, size_t n)
{
	struct xt_path path;
	enum xt_replay_result rc = xt_replay(w, v->hook, hits, n, v->verdict, &path);

	if (rc == XT_REPLAY_ONE || rc == XT_REPLAY_AMBIGUOUS)
		for (size_t i = 0; i < path.n; i++)
			tell_step(le, ev, w, path.nodes[i], i + 1 == path.n && !path.stopped,
				  v->verdict);
	if (rc == XT_REPLAY_AMBIGUOUS)
		doubt(le, ev, v,
		      "there are several ways through table %s of iptables-legacy that hit these "
		      "rules",
		      CERTAIN_ORDER_AMBIGUOUS);
	else if (rc != XT_REPLAY_ONE)
		doubt(le, ev, v,
		      "what was counted in table %s of iptables-legacy makes no way through it",
		      CERTAIN_NOT);
	free(path.nodes);
}

static void on_visit(struct legacy_events *le, struct event *ev, const struct nfp_xt_visit *v)
{
	const struct legacy_table *t = legacy_tables_find(le->tables, v->serial);
	const struct nfp_xt_visit *inner[KEPT];
	struct xt_hit hits[NFP_XT_HITS];
	const char *why = flagged(v);
	unsigned int n_inner;
	size_t n = v->n;

	if (!why && !t)
		why = "table %s of iptables-legacy was changed, and not read again yet";
	else if (!why && v->cpu != v->ev.cpu)
		why = "it went to another CPU while it was in table %s of iptables-legacy";
	else if (!why && (!inner_ones(le, v, inner, &n_inner) || !alone(v, inner, n_inner)))
		why = disturbed;
	for (size_t i = 0; !why && i < n; i++)
		hits[i] = (struct xt_hit){v->hits[i].node, v->hits[i].times};
	for (unsigned int i = 0; !why && i < n_inner; i++)
		if (!take_away(hits, &n, v, inner[i]))
			why = disturbed;
	if (why)
		doubt(le, ev, v, why, CERTAIN_NOT);
	else
		tell_path(le, ev, v, t->walk, hits, n);
}

bool legacy_events_record(struct legacy_events *le, const struct nfp_xt_visit *v, size_t size,
			  void (*sink)(void *ctx, const struct event *ev), void *ctx)
{
	struct event ev = {.has_id = true,
			   .sure_id = true,
			   .id = v->id,
			   .cpu = (int)v->ev.cpu,
			   .hook = v->hook,
			   .family = v->pf,
			   .after_ns = v->began,
			   .before_ns = v->ev.ktime};
	int ns;

	if (size < offsetof(struct nfp_xt_visit, hits) + v->n * sizeof(v->hits[0]) ||
	    v->n > NFP_XT_HITS)
		return true;
	le->sink = sink;
	le->ctx = ctx;
	if (v->id) {
		ns = le->config->find_view(le->config->find_ctx, v->ev.netns);
		ev.ns = ns < 0 ? EVENT_NS_UNKNOWN : (unsigned int)ns;
		on_visit(le, &ev, v);
	}
	keep(le, v, size);
	return v->flags & NFP_XT_MISSED || (!(v->flags & NFP_XT_UNKNOWN) && legacy_tables_find(le->tables, v->serial));
}
