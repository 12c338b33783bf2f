// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/rules.h"

#include <errno.h>
#include <linux/netfilter.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "src/clock.h"
#include "src/explain_host.h"

/*
 * nf_tables_commit() raises the generation id before it switches the rules over, and a packet on
 * another CPU may still finish under the old ones: for so long after a new snapshot was read,
 * packets may have met either.
 */
static const uint64_t grace_ns = 20 * 1000 * 1000;
/* No packet lives longer than this in the tracker, queued ones included. */
static const uint64_t keep_ns = 5000ULL * 1000 * 1000;
/* The check of legacy tables may take this part of our time; but paths wait for it. */
enum { LEGACY_CHECK_SHARE = 5 };
static const uint64_t legacy_wait_ns = 500 * 1000 * 1000;

struct span {
	struct ruleset *rs;
	uint64_t from_ns;	  /* in force from here on … */
	uint64_t nft_until_ns;	  /* … and its nft part at least until here */
	uint64_t legacy_until_ns; /* … its legacy part until here */
	uint64_t sets_from_ns;	  /* its sets hold what they hold now from here on */
	bool gap; /* another ruleset may have been in force between the one before and this one */
	bool legacy_gap; /* … which differed in tables of iptables-legacy only */
};

enum { SPANS = 16 };

struct rules {
	const struct netns *ns;
	struct nf_source *source;
	struct rule_texts *texts;
	struct set_types *sets;
	struct rule_owners *owners;
	struct span spans[SPANS]; /* oldest first; the last one is in force */
	unsigned int n_spans;
	uint64_t opened_ns; /* from_ns of the first span */
	bool stale; /* a re-read failed: what we hold is not in force */
	uint64_t legacy_cost_ns;
	unsigned int changes;
	struct lock_watch *lock; /* borrowed */
	uint64_t lock_uses;
};

static struct span *current(const struct rules *r)
{
	return (struct span *)&r->spans[r->n_spans - 1];
}

static void drop_oldest(struct rules *r)
{
	rule_texts_forget(r->texts, r->spans[0].rs);
	ruleset_put(r->spans[0].rs);
	memmove(&r->spans[0], &r->spans[1], --r->n_spans * sizeof(r->spans[0]));
}

static void push(struct rules *r, struct ruleset *rs, bool gap, bool legacy_gap, uint64_t from_ns)
{
	uint64_t now = clock_ns();
	struct span *s;

	/* The second one covers what came before it: a span is needed as long as its successor
	 * begins too late. */
	while (r->n_spans == SPANS || (r->n_spans > 1 && r->spans[1].from_ns + keep_ns < now)) {
		if (r->n_spans == SPANS)
			r->spans[1].gap = true;
		drop_oldest(r);
	}
	s = &r->spans[r->n_spans++];
	s->rs = rs;
	s->from_ns = s->sets_from_ns = from_ns;
	s->nft_until_ns = s->legacy_until_ns = 0;
	s->gap = gap;
	s->legacy_gap = legacy_gap;
}

static bool lock_was_used(struct rules *r)
{
	uint64_t uses = lock_watch_uses(r->lock);
	bool used = uses != r->lock_uses;

	r->lock_uses = uses;
	return used;
}

struct rules *rules_open(const struct netns *ns, struct lock_watch *lock, struct error *err)
{
	struct rules *r = calloc(1, sizeof(*r));
	struct ruleset *rs;

	if (!r) {
		fail(err, -ENOMEM, "out of memory");
		return NULL;
	}
	r->ns = ns;
	r->lock = lock;
	r->lock_uses = lock_watch_uses(lock);
	r->source = nf_source_open(ns->fd, err);
	if (!r->source || nf_source_read(r->source, &rs, err))
		goto failed;
	r->opened_ns = clock_ns();
	push(r, rs, false, false, r->opened_ns);
	r->texts = rule_texts_open(r->source, ns->fd, err);
	r->sets = set_types_open(r->source);
	r->owners = rule_owners_open(r->source, &owner_host, (void *)ns);
	if (!r->texts || !r->sets || !r->owners)
		goto failed;
	return r;
failed:
	rules_close(r);
	return NULL;
}

void rules_close(struct rules *r)
{
	if (!r)
		return;
	rule_texts_close(r->texts);
	rule_owners_close(r->owners);
	set_types_close(r->sets);
	while (r->n_spans)
		ruleset_put(r->spans[--r->n_spans].rs);
	nf_source_close(r->source);
	free(r);
}

const struct ruleset *rules_now(const struct rules *r)
{
	return current(r)->rs;
}

uint64_t rules_legacy_checked(const struct rules *r)
{
	return current(r)->legacy_until_ns;
}

struct rule_texts *rules_texts(struct rules *r)
{
	return r->texts;
}

struct rule_owners *rules_owners(struct rules *r)
{
	return r->owners;
}

bool rules_same_sets(const struct rules *r, const struct ruleset *rs, uint64_t after_ns)
{
	return current(r)->rs == rs && !r->stale && current(r)->sets_from_ns <= after_ns;
}

struct set_types *rules_sets(struct rules *r)
{
	return r->sets;
}

unsigned int rules_changes(const struct rules *r)
{
	return r->changes;
}

static int reread(struct rules *r, bool gap, bool legacy_gap, struct error *err)
{
	uint32_t before = current(r)->rs->genid;
	struct ruleset *rs;
	int rc;

	/* What iptables-legacy did until now is in what we read; what it does from now on counts
	 * again. */
	lock_was_used(r);
	rc = nf_source_read(r->source, &rs, err);
	r->stale = rc != 0;
	if (rc)
		return rc;
	/* Only contents of sets, or another nfpath's tables: the same rules are in force without a
	 * break. */
	if (!gap && !legacy_gap && rs->genid == before + 1 &&
	    ruleset_same_nft(rs, current(r)->rs)) {
		current(r)->rs->genid = rs->genid;
		current(r)->sets_from_ns = clock_ns() + grace_ns;
		ruleset_put(rs);
		return 0;
	}
	/* One transaction raises the id by one: more, and there was a ruleset that we never saw. */
	gap |= rs->genid != before && rs->genid != before + 1;
	push(r, rs, gap, legacy_gap, clock_ns() + grace_ns);
	set_types_forget(r->sets);
	r->changes++;
	return 1;
}

void rules_expect_own(struct rules *r, unsigned int commits)
{
	struct ruleset *rs = current(r)->rs;
	uint32_t genid;

	if (!nf_source_genid(r->source, &genid) && genid == rs->genid + commits)
		rs->genid = genid;
}

/* Until when the next check of legacy tables can wait. */
static uint64_t legacy_due(const struct rules *r)
{
	uint64_t wait = LEGACY_CHECK_SHARE * r->legacy_cost_ns;

	return current(r)->legacy_until_ns + (wait < legacy_wait_ns ? wait : legacy_wait_ns);
}

/* 1: changed; 0: not; 2: not known to have stayed the same. Negative: errno. */
static int legacy_check(struct rules *r)
{
	uint64_t start = clock_ns(), cpu = clock_cpu_ns();
	bool used;
	int rc;

	if (start < legacy_due(r))
		return 0;
	used = lock_was_used(r);
	rc = nf_source_legacy_changed(r->source, current(r)->rs);
	/* Not what others took of the processor meanwhile. */
	r->legacy_cost_ns = clock_cpu_ns() - cpu;
	if (!rc && used)
		return 2;
	if (!rc)
		current(r)->legacy_until_ns = start;
	return rc;
}

int rules_legacy_same(struct rules *r)
{
	int rc = nf_source_legacy_changed(r->source, current(r)->rs);

	return rc < 0 ? rc : !rc;
}

void rules_legacy_kept(struct rules *r, uint64_t until_ns)
{
	if (until_ns > current(r)->legacy_until_ns)
		current(r)->legacy_until_ns = until_ns;
}

static int legacy_failed(const struct rules *r, int rc, struct error *err)
{
	return fail(err, rc,
		    "cannot read the tables of iptables-legacy in network namespace %s: %s",
		    r->ns->name, strerror(-rc));
}

int rules_sync(struct rules *r, bool legacy, struct error *err)
{
	uint64_t start = clock_ns();
	uint32_t genid;
	int rc = nf_source_genid(r->source, &genid);

	if (rc)
		return fail(err, rc,
			    "cannot read the ruleset's generation in network namespace %s: %s",
			    r->ns->name, strerror(-rc));
	if (r->stale || genid != current(r)->rs->genid)
		return reread(r, r->stale, r->stale, err);
	/* Cheap enough for every time: the first iptables-legacy command makes its table, and
	 * nobody has said a word of it yet. */
	rc = nf_source_legacy_appeared(r->source, current(r)->rs);
	if (rc)
		return rc < 0 ? legacy_failed(r, rc, err) : reread(r, true, true, err);
	current(r)->nft_until_ns = start;
	/* Not only when a packet tells: it would find the change to be its own. */
	if (!legacy && !(ruleset_has_legacy(current(r)->rs, NFPROTO_UNSPEC) &&
			 lock_watch_uses(r->lock) != r->lock_uses))
		return 0;
	rc = legacy_check(r);
	if (rc < 0)
		return legacy_failed(r, rc, err);
	return rc ? reread(r, false, true, err) : 0;
}

static void find_spans(const struct rules *r, uint64_t after_ns, uint64_t before_ns, bool legacy,
		       struct rules_answer *a)
{
	a->n = 0;
	a->complete = false;
	for (int i = r->n_spans - 1; i >= 0 && a->n < RULES_CANDIDATES; i--) {
		const struct span *s = &r->spans[i];
		bool newest = i == (int)r->n_spans - 1;
		/* Until when may it have been in force? Until the next one was read and its grace
		 * is over. */
		uint64_t until = newest ? UINT64_MAX : s[1].from_ns;
		/* Where there are no such tables, each check sees that there are still none. */
		bool by_legacy = legacy && ruleset_has_legacy(s->rs, NFPROTO_UNSPEC) &&
				 s->legacy_until_ns < s->nft_until_ns;
		uint64_t known = by_legacy ? s->legacy_until_ns : s->nft_until_ns;

		if (until < after_ns)
			break;
		/* This one was found again after the packet: the newer ones came later still. */
		if (before_ns <= known)
			a->n = 0;
		if (s->from_ns <= after_ns && before_ns <= known) {
			a->rs[0] = s->rs;
			a->n = 1;
			a->complete = true;
			return;
		}
		/* What lies between its last check and the next snapshot belongs to either, or to
		 * one that we missed. */
		a->rs[a->n++] = s->rs;
		if (s->from_ns <= after_ns) {
			a->complete = !newest;
			for (unsigned int k = 1; k < a->n; k++)
				a->complete &= !s[k].gap && !(legacy && s[k].legacy_gap);
			return;
		}
	}
	if (!a->n) {
		a->rs[0] = current(r)->rs;
		a->n = 1;
	}
}

void rules_at(const struct rules *r, uint64_t after_ns, uint64_t before_ns, bool legacy,
	      struct rules_answer *a)
{
	find_spans(r, after_ns, before_ns, legacy, a);
	a->because = a->complete		  ? NULL
		     : after_ns < r->opened_ns ? "its ruleset was read only after the packet"
						  : "the ruleset changed while it was under way";
}
