// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/legacy_watch.h"

#include <errno.h>
#include <linux/netfilter.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/libbpf.h>

#include "bpf/nfpath.skel.h"
#include "src/clock.h"
#include "src/legacy_events.h"
#include "src/legacy_tables.h"

/* Tying reads tables; what fails is tried again, but takes no more than this part of our time. */
enum { SHARE = 5 };

enum { IPV4, IPV6, FAMILIES };

static const struct {
	uint8_t pf;
	enum program_part part;
} families[FAMILIES] = {
	{NFPROTO_IPV4, PROGRAM_LEGACY4},
	{NFPROTO_IPV6, PROGRAM_LEGACY6},
};

struct legacy_watch {
	const struct engine_config *config;
	struct programs *programs;
	struct legacy_tables *tables;
	struct legacy_events *events;
	bool *waits; /* by view: it is to be tied */
	unsigned int n_waits;
	uint64_t tried_ns, cost_ns;
	bool failed, warned;
	bool wanted[FAMILIES];
	uint64_t since_ns[FAMILIES]; /* CLOCK_MONOTONIC; 0: not watched */
	char missing[160];
};

struct legacy_watch *legacy_watch_open(const struct engine_config *config, struct programs *p)
{
	struct legacy_watch *lw = calloc(1, sizeof(*lw));

	if (!lw)
		return NULL;
	lw->config = config;
	lw->programs = p;
	return lw;
}

void legacy_watch_close(struct legacy_watch *lw)
{
	if (!lw)
		return;
	legacy_events_close(lw->events);
	legacy_tables_close(lw->tables);
	free(lw->waits);
	free(lw);
}

/* --- programs --- */

static void warn(struct legacy_watch *lw, const struct error *err)
{
	lw->failed = true;
	snprintf(lw->missing, sizeof(lw->missing), "the rules of iptables-legacy: %.120s", err->text);
	if (!lw->warned && lw->config->warn)
		lw->config->warn(lw->config->warn_ctx, err->text);
	lw->warned = true;
}

static bool open_once(struct legacy_watch *lw, struct error *err)
{
	const char *function;

	if (lw->tables)
		return true;
	if (!programs_has(lw->programs, PROGRAM_LEGACY, &function)) {
		fail(err, -EOPNOTSUPP, "this kernel does not let %s() be watched", function);
		return false;
	}
	lw->tables = legacy_tables_open(lw->config, lw->programs, err);
	lw->events = lw->tables ? legacy_events_open(lw->config, lw->tables) : NULL;
	return lw->events;
}

static void attach(struct legacy_watch *lw)
{
	struct error err = {0};
	uint32_t parts = 1u << PROGRAM_LEGACY;

	for (int i = 0; i < FAMILIES; i++)
		parts |= lw->wanted[i] ? 1u << families[i].part : 0;
	if (programs_attach(lw->programs, parts, 0, &err) < 0 || !open_once(lw, &err)) {
		warn(lw, &err);
		return;
	}
	for (int i = 0; i < FAMILIES; i++)
		if (lw->wanted[i] && !lw->since_ns[i] &&
		    programs_has(lw->programs, families[i].part, NULL))
			lw->since_ns[i] = clock_ns();
}

/* --- tables --- */

void legacy_watch_changed(struct legacy_watch *lw, unsigned int view)
{
	const struct ruleset *rs = rules_now(lw->config->views[view].rules);
	bool *more, any = false;

	for (int i = 0; i < FAMILIES; i++) {
		bool has = ruleset_has_legacy(rs, families[i].pf);

		any |= has;
		lw->wanted[i] |= has;
	}
	if (!any)
		return;
	if (view >= lw->n_waits) {
		more = realloc(lw->waits, (view + 1) * sizeof(*more));
		if (!more)
			return;
		memset(more + lw->n_waits, 0, (view + 1 - lw->n_waits) * sizeof(*more));
		lw->waits = more;
		lw->n_waits = view + 1;
	}
	lw->waits[view] = true;
	lw->tried_ns = 0;
}

static bool all_watched(const struct legacy_watch *lw)
{
	for (int i = 0; i < FAMILIES; i++)
		if (lw->wanted[i] && !lw->since_ns[i])
			return false;
	return true;
}

void legacy_watch_sync(struct legacy_watch *lw, uint64_t now)
{
	bool waits = false;

	for (unsigned int i = 0; i < lw->n_waits; i++)
		waits |= lw->waits[i];
	if (!waits || lw->failed || now < lw->tried_ns + SHARE * lw->cost_ns)
		return;
	if (!lw->tables || !all_watched(lw))
		attach(lw);
	for (unsigned int i = 0; lw->tables && i < lw->n_waits; i++)
		if (lw->waits[i])
			lw->waits[i] = legacy_tables_read(lw->tables, i) != 1;
	lw->tried_ns = clock_ns();
	lw->cost_ns = lw->tried_ns - now;
	if (lw->tables)
		legacy_tables_sweep(lw->tables, now);
}

void legacy_watch_synced(struct legacy_watch *lw, uint64_t synced_ns)
{
	for (unsigned int i = 0; lw->tables && i < lw->n_waits; i++) {
		struct rules *rules = lw->config->views[i].rules;

		if (!lw->waits[i] && ruleset_has_legacy(rules_now(rules), NFPROTO_UNSPEC))
			rules_legacy_kept(rules, synced_ns);
	}
}

/* --- records --- */

/* In whose namespace, a replaced table does not say. */
static void look_at_all(struct legacy_watch *lw)
{
	for (unsigned int i = 0; i < *lw->config->n_views; i++) {
		uint64_t tried = lw->tried_ns;

		legacy_watch_changed(lw, i);
		lw->tried_ns = tried;
	}
}

bool legacy_watch_record(struct legacy_watch *lw, const struct nfp_event *ev, size_t size,
			 void (*sink)(void *ctx, const struct event *ev), void *ctx)
{
	const struct nfp_xt_visit *v = (const void *)ev;

	if (ev->type == NFP_XT_REPLACED) {
		look_at_all(lw);
		return true;
	}
	if (ev->type != NFP_XT)
		return false;
	if (lw->events && size >= offsetof(struct nfp_xt_visit, hits) &&
	    !legacy_events_record(lw->events, v, size, sink, ctx))
		look_at_all(lw);
	return true;
}

const char *legacy_watch_missing(const struct legacy_watch *lw, const struct rules_answer *rules,
				 uint64_t after_ns)
{
	for (unsigned int i = 0; i < rules->n; i++) {
		for (int f = 0; f < FAMILIES; f++) {
			if (!ruleset_has_legacy(rules->rs[i], families[f].pf))
				continue;
			if (lw->failed)
				return lw->missing;
			if (!lw->since_ns[f])
				return f == IPV4 ? "the rules of iptables-legacy: this kernel does "
						   "not let ipt_do_table() be watched"
						 : "the rules of ip6tables-legacy: this kernel does "
						   "not let ip6t_do_table() be watched";
			if (lw->since_ns[f] > after_ns)
				return "tables of iptables-legacy that were new: they are watched "
				       "since then, and it was there before";
		}
	}
	return NULL;
}
