/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the rules that programs write mean: who made which chain, and which addresses and ports are
 * published where. An explainer is one file with a struct explainer and a row in explain.c; nothing
 * else knows it by name. What no explainer knows is the administrator's.
 */
#ifndef NFPATH_NETFILTER_EXPLAIN_H
#define NFPATH_NETFILTER_EXPLAIN_H

#include <stdio.h>

#include "netfilter/explain_walk.h"

struct explain;
struct explain_service;

struct explainer {
	const char *name; /* of the program: "kube-proxy" */
	const char *mode; /* NULL: it has but one */
	/* Did it make this chain? A chain of its own, not one that a hook calls and others share.
	 */
	bool (*owns)(const struct rs_chain *c);
	/* Did it make this rule of a chain that is nobody's? Only asked where the rule leads to no
	 * chain of a known owner. NULL: never. */
	bool (*owns_rule)(const struct fact_rule *r);
	/* What the step means, in a few words; writes nothing where there is nothing to say. NULL:
	 * never. */
	void (*words)(const struct explain *x, const struct walk_step *s, FILE *out);
	/* Do these words need the other rules of this chain? NULL: never. */
	bool (*needs_chain)(const struct rs_chain *c);
	/* Gives a service its name and kind, when its first way was found: w stands at the end of
	 * it. */
	void (*service)(struct explain *x, struct explain_service *s, const struct walk *w);
	/* When all ways are known. NULL: there is nothing to add. */
	void (*finish)(struct explain *x, struct explain_service *s);
	/* A chain in which it refuses packets to services. NULL: there is none. */
	bool (*refuses)(const struct rs_chain *c);
	/* Such a refusal: s is the service of this address and port. */
	void (*refused)(struct explain *x, struct explain_service *s, const struct walk *w,
			const struct walk_leaf *leaf);
};

enum explain_kind {
	EXPLAIN_PUBLISHED_PORT,
	EXPLAIN_CLUSTER_IP,
	EXPLAIN_NODE_PORT,
	EXPLAIN_LOAD_BALANCER,
	EXPLAIN_EXTERNAL_IP,
	EXPLAIN_KINDS,
};

struct explain_endpoint {
	uint8_t family;
	bool has_addr; /* else: this host (REDIRECT), or the address stays */
	uint8_t addr[16], addr_max[16];
	uint16_t port, port_max; /* 0: stays */
	double share;
	struct walk_step at; /* the rule that sends there */
};

/* Facts that must hold, beyond address and port. */
struct explain_facts {
	struct fact *v;
	unsigned int n;
};

/* Why some packets of a way are masqueraded. */
struct explain_masquerade {
	const struct fact_rule *rule; /* that sets the mark, or leads to a chain that does */
	struct explain_facts when;    /* none: always */
	bool hairpin;		      /* when the endpoint itself is the client */
};

struct explain_way {
	struct explain_facts when;
	struct explain_endpoint *endpoints;
	unsigned int n_endpoints;
	struct explain_masquerade *masquerade;
	unsigned int n_masquerade;
};

struct explain_service {
	const struct explainer *owner; /* never NULL */
	const char *name;	       /* NULL: it has none */
	enum explain_kind kind;
	uint8_t family;
	bool has_addr;
	uint8_t addr[16], addr_mask[16];
	uint8_t proto;		 /* 0: any */
	uint16_t port, port_max; /* 0: any */
	struct walk_step at;	 /* what asks for address and port */
	struct explain_way *ways;
	unsigned int n_ways;
	bool affinity;
	uint32_t affinity_seconds;   /* 0: not known */
	struct explain_facts ranges; /* sources that may use it; none: all */
	const char *rejected;	     /* why it is refused; NULL: it is not */
	const char *only_external;   /* refused from outside only: why */
	struct walk_step refusal;
	const struct fact_chain **chains; /* that its ways go through */
	unsigned int n_chains;
	struct explain_service *next; /* private to explain_map.c, as is the next one */
	size_t number;
};

/* A mark that makes packets masqueraded, and where. */
struct explain_mark {
	uint32_t value, mask;
	const struct fact_rule *rule;
};

enum { EXPLAIN_MARKS = 16 };

struct explain {
	struct facts *facts; /* borrowed */
	struct explain_service **services;
	size_t n_services;
	struct explain_mark marks[EXPLAIN_MARKS];
	unsigned int n_marks;
	bool cut; /* there were more ways than were followed */
	/* Name of the container or pod with this address. NULL: nobody has a name. */
	const char *(*name_of)(void *data, uint8_t family, const uint8_t *addr);
	/* Name of the bridge in whose network it is. NULL: that is not known of any. */
	const char *(*bridge_of)(void *data, uint8_t family, const uint8_t *addr);
	void *name_data;
	struct explain_private *p;
};

/* NULL: out of memory. */
struct explain *explain_open(struct facts *f);
void explain_close(struct explain *x);

/* Who made the rule, or the chain (rule NULL)? Never NULL: the last one is the administrator. */
const struct explainer *explain_owner(const struct explain *x, const struct fact_chain *c,
				      const struct fact_rule *rule);
const struct explainer *explain_chain_owner(const struct fact_chain *c);
extern const struct explainer *const explainers[];
extern const unsigned int n_explainers;

/* The last way that asks for nothing more, or else the last one; NULL: there is none. */
const struct explain_way *explain_main_way(const struct explain_service *s);
/* In order; NULL: no more. `from` is the index to begin at, and is set behind the one found. */
struct explain_service *explain_find(const struct explain *x, size_t *from, uint8_t family,
				     const uint8_t *addr, uint8_t proto, uint16_t port);

/* --- words (explain_words.c); names stand in them as they are: to be escaped --- */

void words_fact(FILE *out, const struct fact *f, uint8_t family);
/* Without saying of what: "8080", "10.0.0.0/8". */
void words_value(FILE *out, const struct fact *f, uint8_t family);
void words_facts(FILE *out, const struct explain_facts *l, uint8_t family);
void words_addr(FILE *out, uint8_t family, const uint8_t *addr, const uint8_t *mask);
/* "nat:KUBE-SERVICES:rule:2", "ip kube-proxy:services:rule:1 (handle 9)", with the element's key.
 */
void words_step(FILE *out, const struct walk_step *s, uint8_t family);
void words_elem_key(FILE *out, const struct walk_step *s, uint8_t family);
const char *words_proto(uint8_t proto); /* "tcp", …; NULL: not a usual one */
const char *explain_kind_name(enum explain_kind k);

/* --- for explainers --- */

bool begins(const char *s, const char *with);
/* "port 8080 of container web", of a rule of DNAT to one address. */
void explain_published_port(const struct explain *x, const struct fact_rule *r, FILE *out);
/* " on bridge br-…", by the address that the rule sends to; nothing where that is not known. For
 * rules that do not name it. */
void explain_target_bridge(const struct explain *x, const struct fact_rule *r, FILE *out);
/* For a service that an explainer knows by its text, up to the first blank. */
const char *explain_word(struct explain *x, const char *s);
void explain_keep_facts(struct explain *x, struct explain_facts *to, const struct fact *v,
			unsigned int n);

#endif
