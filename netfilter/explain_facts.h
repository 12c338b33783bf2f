/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What every rule of a ruleset looks for and does, in one form for the three tools that write
 * rules. Readers (explain_xt.c, explain_nft.c, explain_sets.c) fill it, everybody else only reads
 * it. What it has no word for is there as FACT_OTHER, so that nobody takes the rule for one without
 * it.
 */
#ifndef NFPATH_NETFILTER_EXPLAIN_FACTS_H
#define NFPATH_NETFILTER_EXPLAIN_FACTS_H

#include "netfilter/ruleset.h"

/* Of what a fact speaks. */
enum fact_key {
	KEY_OTHER,
	KEY_SADDR, /* 4 or 16 bytes, network order */
	KEY_DADDR,
	KEY_FAMILY, /* NFPROTO_*, 1 byte */
	KEY_PROTO,  /* 1 byte */
	KEY_SPORT,  /* 2 bytes, network order */
	KEY_DPORT,
	KEY_IIF, /* name, up to 16 bytes */
	KEY_OIF,
	KEY_MARK,     /* 4 bytes, host order */
	KEY_CT_STATE, /* NF_CT_STATE_BIT(), 4 bytes, host order */
	KEY_STYPE,    /* 1 << RTN_*, of the source address; 4 bytes, host order */
	KEY_DTYPE,
	KEY_RANDOM, /* numgen: in sets only */
	KEYS,
};

enum fact_op {
	FACT_MASKED,	 /* (key & mask) == value */
	FACT_RANGE,	 /* value <= key <= mask */
	FACT_BITS,	 /* key & value, any of them */
	FACT_IN_SET,	 /* the keys are in the set */
	FACT_CHANCE,	 /* by chance */
	FACT_REMEMBERED, /* the client was here before: recent, a set filled by rules */
	FACT_UNLESS,	 /* for the walk: the rule did not match */
	FACT_OTHER,	 /* something else, called `what` */
};

enum { FACT_BYTES = 16, FACT_SET_KEYS = 5 };

struct fact_set;
struct fact_rule;

struct fact {
	uint8_t key, op, len; /* len: bytes of value that count */
	bool inv;
	bool implied; /* of the walk: those to whom it does not apply went another way before */
	union {
		struct {
			uint8_t value[FACT_BYTES], mask[FACT_BYTES];
		};
		struct {
			const struct fact_set *set;
			uint8_t keys[FACT_SET_KEYS], n_keys;
		};
		double chance;
		const struct fact_rule *rule;
		struct {
			const char *what; /* FACT_OTHER: of the extension or expression */
			uint32_t seconds; /* FACT_REMEMBERED: for how long */
		};
	};
};

/* One element; the parts of its key lie as in the registers, each padded to 4 bytes. */
struct fact_elem {
	const uint8_t *key, *end; /* end: inclusive; the same as key for a single value */
	const uint8_t *data;	  /* of a map that is none of verdicts */
	enum verdict verdict;
	const struct fact_chain *to;
	const char *comment;
};

struct fact_set {
	const struct rs_table *table; /* NULL: of one rule of iptables (multiport) */
	const char *name;
	uint64_t handle;     /* unique in the table for ever */
	uint32_t klen, dlen; /* bytes */
	bool verdicts, data, intervals, dynamic;
	uint32_t timeout; /* seconds; 0: none */
	uint32_t modulus; /* its only key is a number below this one; 0: not known to be so */
	struct fact_elem *elems;
	size_t n;
	const char *why; /* static: the elements could not be read; NULL: they are here */
	bool asked;	 /* they were read, or it was tried */
};

enum fact_act {
	ACT_NONE,
	ACT_DNAT,
	ACT_SNAT,
	ACT_MASQUERADE,
	ACT_REDIRECT,
	ACT_REJECT,
	ACT_TPROXY,
	ACT_REMEMBER, /* adds the client to what FACT_REMEMBERED asks */
	ACT_OTHER,    /* LOG and the like; what it decides is not known where verdict is unknown */
};

/* Addresses and ports that NAT chooses from; NULL and 0: it leaves them as they are. */
struct fact_nat {
	uint8_t family;		  /* of the addresses: NFPROTO_IPV4, NFPROTO_IPV6 */
	const uint8_t *min, *max; /* addresses */
	uint16_t port_min, port_max;
	const struct fact_set *map; /* or by a map: of addresses, or of addresses and ports */
	uint8_t keys[FACT_SET_KEYS], n_keys;
	uint32_t modulus; /* of KEY_RANDOM among keys */
	bool map_port;
};

struct fact_rule {
	const struct fact_chain *chain;
	uint32_t number; /* 1-based */
	uint16_t n_facts;
	uint8_t act;	      /* enum fact_act */
	enum verdict verdict; /* VERDICT_CONTINUE: none. Of NAT and reject: what follows from it */
	bool marks;
	uint32_t mark_mask, mark_value; /* mark = (mark & ~mask) ^ value */
	const struct fact *facts;
	const struct fact_chain *to;
	const char *comment, *what; /* what: name of an ACT_OTHER */
	const struct fact_nat *nat;
	const struct fact_set *vmap; /* the verdict is that of the element */
	uint8_t vmap_keys[FACT_SET_KEYS], n_vmap_keys;
	uint32_t modulus;
};

struct fact_chain {
	const struct rs_chain *rs;
	struct fact_rule *rules; /* rs->n_rules of them */
	uint32_t n_known;	 /* how many a reader has filled */
	uint8_t owner;		 /* index of an explainer, by explain_open() */
};

struct facts {
	struct ruleset *rs; /* a reference */
	struct fact_chain *chains;
	size_t n_chains;
	struct fact_set **sets; /* by table and name */
	size_t n_sets;
	struct facts_private *p;
};

/* Every chain of rs, still without its rules. NULL: out of memory. */
struct facts *facts_new(struct ruleset *rs);
void facts_free(struct facts *f);
/* Room for the rules of a chain, still empty (VERDICT_UNKNOWN). 0 or -ENOMEM. */
int facts_room(struct facts *f, struct fact_chain *c);

/* Reads all rules of the namespace; they are of one generation. maps: who reads maps out of the
 * kernel's memory, NULL: nobody, they are asked for. NULL: err says why. */
struct nf_source;
struct map_reader;
struct facts *facts_read(struct nf_source *s, const struct map_reader *maps, struct error *err);

/*
 * Reads one rule of facts_new(), or all of its chain. They are those of f's ruleset or none: the
 * kernel gives out no handle twice. 0; -ENOENT: the rule, or one of the chain, is gone; or another
 * negative errno.
 */
int facts_read_rule(struct facts *f, struct nf_source *s, struct fact_chain *c, uint32_t number);
int facts_read_chain(struct facts *f, struct nf_source *s, struct fact_chain *c);

const struct fact_chain *facts_chain(const struct facts *f, const struct rs_chain *c);
/* In the same table; NULL: there is none. */
const struct fact_chain *facts_chain_named(const struct facts *f, const struct rs_table *t,
					   const char *name);
struct fact_set *facts_set_named(const struct facts *f, const struct rs_table *t, const char *name);

/* Memory that lives as long as f, zeroed. NULL: out of memory. */
void *facts_alloc(struct facts *f, size_t size);
char *facts_strdup(struct facts *f, const char *s);

/* The length of a key's value in bytes, in this family. */
uint8_t fact_key_len(uint8_t key, uint8_t family);

/* Facts while a rule is being read: the reader adds, and facts_rule_done() keeps them. */
enum { FACTS_MAX = 64 };
struct fact_list {
	struct fact v[FACTS_MAX];
	unsigned int n;
	bool full; /* there were more: the rule is not known */
};
/* Turns it round. */
void fact_invert(struct fact *f);
struct fact *fact_add(struct fact_list *l, uint8_t key, uint8_t op, bool inv);
void fact_add_masked(struct fact_list *l, uint8_t key, bool inv, const void *value,
		     const void *mask, uint8_t len);
void fact_add_range(struct fact_list *l, uint8_t key, bool inv, const void *lo, const void *hi,
		    uint8_t len);
void fact_add_bits(struct fact_list *l, uint8_t key, bool inv, uint32_t bits);
void fact_add_other(struct facts *f, struct fact_list *l, const char *what);
int facts_rule_done(struct facts *f, struct fact_rule *r, const struct fact_list *l);

/* Private to the readers. */
struct xt_rule;
struct nftnl_rule;
int facts_from_xt(struct facts *f, struct fact_rule *r, const struct xt_rule *x);
int facts_from_nft(struct facts *f, struct fact_rule *r, const struct nftnl_rule *nlr);
/* By whom it was written; r knows its chain and number. The second is for iptables-legacy. */
int facts_fill_rule(struct facts *f, struct fact_rule *r, const struct nftnl_rule *nlr);
int facts_fill_entry(struct facts *f, const struct fact_chain *c, uint32_t number);
/* Which sets there are; later, when the rules are known, what is in them. */
int facts_read_sets(struct facts *f, struct nf_source *s);
int facts_read_elems(struct facts *f, struct nf_source *s);
/* One of them: which it is, and what is in it. -ENOENT: there is none. */
int facts_read_set(struct facts *f, struct nf_source *s, const struct rs_table *t,
		   const char *name);
int facts_read_set_elems(struct facts *f, struct nf_source *s, struct fact_set *set);
/* Puts the ends of intervals, elements of their own where ends[] says so, into the elements that
 * begin there. 0 or -ENOMEM. */
int facts_close_intervals(struct facts *f, const struct fact_set *set, struct fact_elem *v,
			  size_t *count, const uint8_t *ends);

#endif
