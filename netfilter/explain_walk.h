/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Ways through the chains for a packet of which only some things are known. Where a rule asks for
 * something else both answers are followed: the rule's own with what it asked for assumed. So each
 * way ends with what a packet must be to take it, and with the share of such packets that chance
 * sends there.
 */
#ifndef NFPATH_NETFILTER_EXPLAIN_WALK_H
#define NFPATH_NETFILTER_EXPLAIN_WALK_H

#include "netfilter/explain_facts.h"

enum { WALK_FACTS = 96, WALK_DEPTH = 40, WALK_MARKS = 24, MARK_FACTS = 6 };

enum truth { FALSE_, MAYBE, TRUE_ };

struct walk_step {
	const struct fact_rule *rule;
	const struct fact_elem *elem; /* of its verdict map; NULL: it has none */
};

/* A rule of this way that sets the mark, for packets of which its facts hold. */
struct walk_mark {
	const struct fact_rule *rule, *via; /* via: the rule before it, which led there */
	unsigned int n;
	struct fact facts[MARK_FACTS];
};

/* Where a way ends, or a rule of which it is not known whether it does. */
struct walk_leaf {
	enum verdict verdict; /* VERDICT_UNKNOWN: not known */
	double share;
	bool sure;	/* nothing was assumed since walk_chains() began */
	bool nat_known; /* of ACT_DNAT, ACT_SNAT, ACT_REDIRECT: the next two are what it does */
	uint8_t nat_family;
	const uint8_t *addr_min, *addr_max; /* NULL: the address stays */
	uint16_t port_min, port_max;	    /* 0: the port stays */
};

struct walk {
	const struct facts *facts;
	bool expand;	   /* one way for each element of a set of addresses or ports */
	bool any_mark;	   /* the packet may come with any mark; else it has none at first */
	bool report_marks; /* a rule that sets the mark is told as a leaf, too: VERDICT_CONTINUE */
	void (*leaf)(struct walk *w, const struct walk_leaf *leaf);
	void *data;
	/* What is assumed; the first n_given were so from the beginning. */
	struct fact assumed[WALK_FACTS];
	uint8_t origin[WALK_FACTS]; /* of each: which step of the path asked for it */
	unsigned int n_assumed, n_given;
	struct walk_step path[WALK_DEPTH]; /* the last one is where the way ends */
	unsigned int n_path;
	struct walk_mark marks[WALK_MARKS];
	unsigned int n_marks;
	uint64_t rules_left; /* that may still be looked at */
	bool cut; /* not every way was followed: it would have been too many, or too long */
};

/* Begins anew; then come the facts that are given, then walk_chain() or more. */
void walk_begin(struct walk *w, const struct facts *f,
		void (*leaf)(struct walk *w, const struct walk_leaf *leaf), void *data);
void walk_give(struct walk *w, uint8_t key, const void *value, uint8_t len);
void walk_give_bits(struct walk *w, uint8_t key, uint32_t bits);

/* Returns the share of packets that come to its end, or return. */
double walk_chain(struct walk *w, const struct fact_chain *c, double share);

/* Was nothing assumed since what was given? */
bool walk_is_sure(const struct walk *w);

/* Does the fact hold for the packet as it is at this point of its way? */
enum truth walk_truth(const struct walk *w, const struct fact *fact);
/* Does it fit an element, whose key has these parts? */
enum truth walk_elem_truth(const struct walk *w, const struct fact_set *set,
			   const struct fact_elem *e, const uint8_t *keys, uint8_t n);
/* One against another of the same key, neither inverted nor of a set. */
enum truth fact_implies(const struct fact *known, const struct fact *asked);

/* The fact about one part of an element's key. */
void fact_of_part(struct fact *out, const struct fact_set *set, const struct fact_elem *e,
		  const uint8_t *keys, uint8_t part, uint8_t family);

/* From here on the packet is one of which the fact holds. false: there is no room for it. */
bool walk_assume(struct walk *w, const struct fact *f);
/* One whose key of this set is the element's, n parts; *sure stays if that was known before. false:
 * it cannot be, or there is no room. */
bool walk_assume_elem(struct walk *w, const struct fact_set *set, const struct fact_elem *e,
		      const uint8_t *keys, uint8_t n, bool *sure);
/* How likely an element is by chance alone: where numgen is a part of the key. 0: never. */
double walk_elem_chance(const struct walk *w, const struct fact_set *set,
			const struct fact_elem *e, const uint8_t *keys, uint8_t n,
			uint32_t modulus);

/* The value that is assumed of this key, whole; NULL: none. */
const struct fact *walk_value(const struct walk *w, uint8_t key);
uint8_t walk_family(const struct walk *w);

#endif
