/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ways that a packet can take through a table of iptables-legacy, as its snapshot knows them:
 * and, when it is known which rules counted a packet and how often, which way it was.
 *
 *	w = xt_walk_new(table);
 *	if (xt_replay(w, hook, hits, n, verdict, &path) == XT_REPLAY_ONE) …
 */
#ifndef NFPATH_NETFILTER_XT_WALK_H
#define NFPATH_NETFILTER_XT_WALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "netfilter/ruleset.h"

/* What an entry does when it matches. */
enum xt_kind {
	XT_KIND_TARGET, /* its extension says, or lets the packet go on */
	XT_KIND_NEXT,	/* it has no target */
	XT_KIND_VERDICT,
	XT_KIND_RETURN,
	XT_KIND_JUMP,
	XT_KIND_GOTO,
	XT_KIND_HEAD, /* of a user chain, and the table's last: never reached */
};

/* One entry; in the order in which they lie in the table. */
struct xt_node {
	uint32_t offset;
	uint32_t target; /* node, for jumps and gotos */
	uint32_t sure;	 /* the next node from here on that matches every packet; each chain ends with
			    one */
	uint32_t chain;	 /* index into chains[] */
	uint8_t kind;	 /* enum xt_kind */
	uint8_t verdict; /* NF_* */
};

struct xt_walk {
	const struct rs_table *table; /* borrowed */
	struct xt_node *nodes;
	size_t n;
	struct xt_span {
		const struct rs_chain *chain;
		uint32_t first; /* node of its first rule, or of its end when it has none */
	} *chains;
	size_t n_chains;
	uint32_t entry[5], underflow[5]; /* nodes, of the table's hooks */
};

/* NULL: out of memory, or the table makes no sense. */
struct xt_walk *xt_walk_new(const struct rs_table *t);
void xt_walk_free(struct xt_walk *w);

/* 1-based position in its chain, as TRACE counts: the end of a chain is one more than its rules. */
uint32_t xt_walk_number(const struct xt_walk *w, uint32_t node);

/* What ip_packet_match() and ip6_packet_match() compare, in one form for both. IPv4 addresses are
 * the first of the four words. */
struct xt_addresses {
	uint32_t src[4], smask[4], dst[4], dmask[4];
	const char *in, *out;			/* 16 bytes each */
	const uint8_t *in_mask, *out_mask;
	uint16_t proto;
	uint8_t flags, invert;
	bool plain; /* the entry has no matches besides */
	/* What its match of tcp or udp asks for; has_ports: it has one. From … to, host order. */
	bool has_ports, invert_sport, invert_dport;
	uint16_t sport[2], dport[2];
};

void xt_walk_addresses(const struct xt_walk *w, uint32_t node, struct xt_addresses *a);

/* How often an entry counted. */
struct xt_hit {
	uint32_t node, times;
};

enum xt_replay_result {
	XT_REPLAY_NONE,	     /* no way gives these counts */
	XT_REPLAY_ONE,
	XT_REPLAY_AMBIGUOUS, /* several do, of which path is one: what was hit is certain, its order is not */
	XT_REPLAY_NO_MEMORY,
};

struct xt_path {
	uint32_t *nodes; /* in their order; owned by the caller */
	size_t n;
	bool stopped; /* a match ended it (hotdrop), no rule did */
};

/*
 * All hits in an order that the table allows for a packet that enters it at this hook, and that
 * ends as the kernel's function said (NF_*). hits need no order; each node stands there once, and
 * times is not 0.
 */
enum xt_replay_result xt_replay(const struct xt_walk *w, unsigned int hook,
				const struct xt_hit *hits, size_t n, uint32_t verdict,
				struct xt_path *path);

#endif
