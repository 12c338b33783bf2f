// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * From what was counted to the way through the table. Between two hits lie only entries that did
 * not match, so the way goes from hit to hit: to the next one in the chain, unless an entry that
 * matches everything stands before it. A rule that counted may have let the packet pass the first
 * time that its chain was visited, and matched it the next time: then there is a choice, and all
 * choices are tried.
 */
#include <netinet/in.h> /* before linux/netfilter.h, which takes the kernel's copy */
#include <linux/netfilter.h>
#include <stdlib.h>
#include <string.h>

#include "netfilter/xt_walk.h"

enum {
	STEPS_TRIED = 20000, /* in all; most packets have no choice */
	LONGEST = 4096,	     /* hits of one packet */
	DEEPEST = 512,	     /* jumps within jumps */
};

struct replay {
	const struct xt_walk *w;
	struct xt_hit *hits; /* by node; times: still to come */
	size_t n_hits;
	uint64_t left; /* sum of times */
	uint32_t verdict, underflow;
	uint32_t path[LONGEST];
	size_t n;
	uint32_t stack[DEEPEST]; /* nodes to come back to */
	size_t depth;
	unsigned int tried;
	struct xt_path *out;
	unsigned int found; /* 2: or more */
	bool no_memory;
};

static int by_node(const void *a, const void *b)
{
	const struct xt_hit *x = a, *y = b;

	return x->node < y->node ? -1 : x->node > y->node;
}

/* Index of the first hit at or behind this node that is still to come; n_hits: there is none. */
static size_t next_hit(const struct replay *r, uint32_t node)
{
	size_t lo = 0, hi = r->n_hits;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (r->hits[mid].node < node)
			lo = mid + 1;
		else
			hi = mid;
	}
	while (lo < r->n_hits && !r->hits[lo].times)
		lo++;
	return lo;
}

/* Will a jump lead to the chain of this node once more? */
static bool comes_again(const struct replay *r, uint32_t node)
{
	for (size_t i = 0; i < r->n_hits; i++) {
		const struct xt_node *n = &r->w->nodes[r->hits[i].node];

		if (r->hits[i].times && (n->kind == XT_KIND_JUMP || n->kind == XT_KIND_GOTO) &&
		    r->w->nodes[n->target].chain == r->w->nodes[node].chain)
			return true;
	}
	return false;
}

/* All hits have come. A way that is the same but for its end is the same way. */
static void arrive(struct replay *r, bool stopped)
{
	struct xt_path *out = r->out;

	if (r->found && out->n == r->n && !memcmp(out->nodes, r->path, r->n * sizeof(*r->path))) {
		out->stopped &= stopped;
		return;
	}
	if (r->found++)
		return;
	memcpy(out->nodes, r->path, r->n * sizeof(*r->path));
	out->n = r->n;
	out->stopped = stopped;
}

/* Where a rule that matched leads, or the end: false. */
static bool follow(struct replay *r, uint32_t *at)
{
	const struct xt_node *n = &r->w->nodes[*at];

	switch (n->kind) {
	case XT_KIND_VERDICT:
		if (!r->left && n->verdict == (r->verdict & NF_VERDICT_MASK))
			arrive(r, false);
		return false;
	case XT_KIND_TARGET:
		if (!r->left)
			arrive(r, false);
		++*at;
		return r->left;
	case XT_KIND_RETURN:
		*at = r->depth ? r->stack[--r->depth] : r->underflow;
		break;
	case XT_KIND_JUMP:
		if (r->depth == DEEPEST)
			return false;
		r->stack[r->depth++] = *at + 1;
		*at = n->target;
		break;
	case XT_KIND_GOTO:
		*at = n->target;
		break;
	default:
		++*at;
	}
	/* A match may drop the packet (hotdrop): no rule says so. */
	if (!r->left && (r->verdict & NF_VERDICT_MASK) == NF_DROP)
		arrive(r, true);
	return r->left;
}

static void go(struct replay *r, uint32_t at);

/* As if the rule matched now; then everything is as it was before. */
static void try_now(struct replay *r, size_t hit)
{
	uint32_t at = r->hits[hit].node;
	size_t n = r->n, depth = r->depth;
	uint32_t *stack = malloc((depth + 1) * sizeof(*stack));

	if (!stack) {
		r->no_memory = true;
		return;
	}
	memcpy(stack, r->stack, depth * sizeof(*stack));
	r->hits[hit].times--;
	r->left--;
	r->path[r->n++] = at;
	if (follow(r, &at))
		go(r, at);
	while (r->n > n) {
		const struct xt_hit key = {.node = r->path[--r->n]};
		struct xt_hit *h =
			bsearch(&key, r->hits, r->n_hits, sizeof(*r->hits), by_node);

		h->times++;
		r->left++;
	}
	r->depth = depth;
	memcpy(r->stack, stack, depth * sizeof(*stack));
	free(stack);
}

static void go(struct replay *r, uint32_t at)
{
	while (r->found < 2 && !r->no_memory) {
		uint32_t sure = r->w->nodes[at].sure;
		size_t hit = next_hit(r, at);

		if (++r->tried > STEPS_TRIED || hit == r->n_hits || r->hits[hit].node > sure)
			return;
		at = r->hits[hit].node;
		if (at != sure && comes_again(r, at)) {
			try_now(r, hit);
			at++;
			continue;
		}
		r->hits[hit].times--;
		r->left--;
		r->path[r->n++] = at;
		if (!follow(r, &at))
			return;
	}
}

static enum xt_replay_result run(struct replay *r, uint32_t entry)
{
	qsort(r->hits, r->n_hits, sizeof(*r->hits), by_node);
	/* A match of the first rules may have dropped it. */
	if (!r->left && (r->verdict & NF_VERDICT_MASK) == NF_DROP)
		arrive(r, true);
	go(r, entry);
	if (r->no_memory)
		return XT_REPLAY_NO_MEMORY;
	/* Not all choices were tried: another way may be there. */
	if (r->tried > STEPS_TRIED && r->found)
		return XT_REPLAY_AMBIGUOUS;
	return r->found > 1 ? XT_REPLAY_AMBIGUOUS : r->found ? XT_REPLAY_ONE : XT_REPLAY_NONE;
}

enum xt_replay_result xt_replay(const struct xt_walk *w, unsigned int hook,
				const struct xt_hit *hits, size_t n, uint32_t verdict,
				struct xt_path *path)
{
	struct replay *r = NULL;
	enum xt_replay_result rc = XT_REPLAY_NO_MEMORY;
	uint64_t left = 0;

	*path = (struct xt_path){0};
	if (hook >= NF_INET_NUMHOOKS || !(w->table->valid_hooks & 1u << hook))
		return XT_REPLAY_NONE;
	for (size_t i = 0; i < n; i++) {
		left += hits[i].times;
		if (hits[i].node >= w->n || w->nodes[hits[i].node].kind == XT_KIND_HEAD)
			return XT_REPLAY_NONE;
	}
	if (left > LONGEST)
		return XT_REPLAY_NONE;
	r = calloc(1, sizeof(*r));
	path->nodes = calloc(left + 1, sizeof(*path->nodes));
	if (!r || !path->nodes || !(r->hits = calloc(n + 1, sizeof(*hits))))
		goto out;
	memcpy(r->hits, hits, n * sizeof(*hits));
	r->w = w;
	r->n_hits = n;
	r->left = left;
	r->verdict = verdict;
	r->underflow = w->underflow[hook];
	r->out = path;
	rc = run(r, w->entry[hook]);
out:
	if (r)
		free(r->hits);
	free(r);
	return rc;
}
