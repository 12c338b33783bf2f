// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/legacy_nodes.h"

#include <linux/netfilter.h>
#include <linux/netfilter_ipv4/ip_tables.h>
#include <linux/netfilter_ipv6/ip6_tables.h>
#include <stdlib.h>
#include <string.h>

/* A shorter run is not worth its two look-ups. */
enum { RUN_MIN = 8 };

struct builder {
	const struct xt_walk *w;
	struct nfp_xt_node *nodes;
	size_t n;	     /* nodes, patterns included */
	uint32_t *patterns;  /* by hash; 0: free */
	size_t pattern_slots; /* a power of two */
};

/* --- devices --- */

static uint64_t hash32(const uint8_t *p)
{
	uint64_t h = 0, v;

	for (int i = 0; i < 32; i += 8) {
		memcpy(&v, p + i, sizeof(v));
		h = (h ^ v) * 0x9e3779b97f4a7c15ull;
		h ^= h >> 32;
	}
	return h;
}

/* The place of the pattern, which is the same for all rules that have it. 0: any device will do. */
static uint32_t pattern(struct builder *b, const char *name, const uint8_t *mask, bool inverted)
{
	struct nfp_xt_node want = {0};
	size_t at;

	memcpy(want.src, name, sizeof(want.src));
	memcpy(want.smask, mask, sizeof(want.smask));
	if (!inverted && !(want.smask[0] | want.smask[1] | want.smask[2] | want.smask[3]))
		return 0;
	at = hash32((const uint8_t *)want.src) & (b->pattern_slots - 1);
	for (; b->patterns[at]; at = (at + 1) & (b->pattern_slots - 1))
		if (!memcmp(b->nodes[b->patterns[at]].src, want.src, 32))
			return b->patterns[at];
	b->patterns[at] = b->n;
	b->nodes[b->n] = want;
	return b->n++;
}

/* --- entries --- */

static uint8_t kind_of(const struct xt_node *n)
{
	static const uint8_t kinds[] = {
		[XT_KIND_TARGET] = NFP_XT_NEXT, [XT_KIND_NEXT] = NFP_XT_NEXT,
		[XT_KIND_VERDICT] = NFP_XT_END, [XT_KIND_RETURN] = NFP_XT_RETURN,
		[XT_KIND_JUMP] = NFP_XT_JUMP,	[XT_KIND_GOTO] = NFP_XT_GOTO,
		[XT_KIND_HEAD] = NFP_XT_END,
	};

	return kinds[n->kind];
}

static void fill(struct builder *b, uint32_t i)
{
	bool v6 = b->w->table->family == NFPROTO_IPV6;
	struct nfp_xt_node *n = &b->nodes[i];
	struct xt_addresses a;

	xt_walk_addresses(b->w, i, &a);
	memcpy(n->src, a.src, sizeof(n->src));
	memcpy(n->smask, a.smask, sizeof(n->smask));
	memcpy(n->dst, a.dst, sizeof(n->dst));
	memcpy(n->dmask, a.dmask, sizeof(n->dmask));
	n->counters = b->w->nodes[i].offset + (v6 ? offsetof(struct ip6t_entry, counters)
						   : offsetof(struct ipt_entry, counters));
	n->next = i + 1;
	n->target = b->w->nodes[i].target;
	n->kind = kind_of(&b->w->nodes[i]);
	n->invert = a.invert;
	/* What fits into no packet is the kernel's to judge: such a rule may match. */
	n->proto = a.proto <= 0xff ? a.proto : 0;
	n->flags = a.plain && a.proto <= 0xff ? NFP_XT_PLAIN : 0;
	if (v6)
		n->flags |= a.flags & IP6T_F_PROTO ? NFP_XT_PROTO6 : 0;
	else
		n->flags |= a.flags & IPT_F_FRAG ? NFP_XT_FRAG : 0;
	if (a.has_ports) {
		n->flags |= NFP_XT_PORTS | (a.invert_sport ? NFP_XT_INV_SPORT : 0) |
			    (a.invert_dport ? NFP_XT_INV_DPORT : 0);
		memcpy(n->sport, a.sport, sizeof(n->sport));
		memcpy(n->dport, a.dport, sizeof(n->dport));
	}
	n->in = pattern(b, a.in, a.in_mask, a.invert & NFP_XT_INV_IN);
	n->out = pattern(b, a.out, a.out_mask, a.invert & NFP_XT_INV_OUT);
}

/* --- runs --- */

static bool same_mask(const struct nfp_xt_node *a, const struct nfp_xt_node *b, bool by_src)
{
	uint8_t inverted = by_src ? NFP_XT_INV_SRC : NFP_XT_INV_DST;

	return !(a->invert & inverted) &&
	       !memcmp(by_src ? a->smask : a->dmask, by_src ? b->smask : b->dmask,
		       sizeof(a->smask));
}

static uint32_t run_length(const struct builder *b, uint32_t first, uint32_t end, bool by_src)
{
	static const uint32_t zero[4];
	const struct nfp_xt_node *n = &b->nodes[first];
	uint32_t at = first;

	if (!memcmp(by_src ? n->smask : n->dmask, zero, sizeof(zero)))
		return 0;
	while (at < end && same_mask(&b->nodes[at], n, by_src))
		at++;
	return at - first;
}

static uint32_t bucket_of(const struct nfp_xt_node *n, uint32_t length, bool by_src)
{
	return nfp_xt_bucket(by_src ? n->src : n->dst, by_src ? n->smask : n->dmask, length);
}

static void make_run(struct builder *b, uint32_t first, uint32_t length, bool by_src)
{
	struct nfp_xt_node *run = &b->nodes[first];

	for (uint32_t i = 0; i < length; i++)
		run[i].head = first + length;
	for (uint32_t i = length; i-- > 0;) {
		uint32_t *head = &run[bucket_of(&run[i], length, by_src)].head;

		run[i].next = *head;
		*head = first + i;
	}
	run->run = length;
	run->flags |= by_src ? NFP_XT_BY_SRC : 0;
}

static void find_runs(struct builder *b)
{
	uint32_t at = 0;

	while (at < b->w->n) {
		const struct xt_span *c = &b->w->chains[b->w->nodes[at].chain];
		uint32_t end = c->first + c->chain->n_rules, by_dst, by_src;

		if (b->w->nodes[at].kind == XT_KIND_HEAD || at >= end) {
			at++;
			continue;
		}
		by_dst = run_length(b, at, end, false);
		by_src = run_length(b, at, end, true);
		if (by_dst < RUN_MIN && by_src < RUN_MIN) {
			at += by_dst > by_src ? by_dst : by_src ? by_src : 1;
			continue;
		}
		make_run(b, at, by_src > by_dst ? by_src : by_dst, by_src > by_dst);
		at += by_src > by_dst ? by_src : by_dst;
	}
}

struct nfp_xt_node *legacy_nodes(const struct xt_walk *w, size_t *n)
{
	struct builder b = {.w = w, .n = w->n, .pattern_slots = 16};

	while (b.pattern_slots < 4 * w->n)
		b.pattern_slots *= 2;
	b.patterns = calloc(b.pattern_slots, sizeof(*b.patterns));
	/* Two patterns a rule at most; what is not written costs nothing. */
	b.nodes = calloc(3 * w->n, sizeof(*b.nodes));
	if (!b.patterns || !b.nodes) {
		free(b.patterns);
		free(b.nodes);
		return NULL;
	}
	for (uint32_t i = 0; i < w->n; i++)
		fill(&b, i);
	find_runs(&b);
	free(b.patterns);
	*n = b.n;
	return b.nodes;
}
