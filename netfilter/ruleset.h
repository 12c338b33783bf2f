/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ruleset of one network namespace at one moment: tables, chains and where each rule stands. A
 * plain model: readers (nft_read.c, legacy_read.c) fill it, everybody else only reads it.
 *
 * It holds no rule texts. A rule is 8 bytes here; its text is made for the few rules that packets
 * hit (rule_text.h), so that 20,000 rules delay nobody and fit in little memory.
 */
#ifndef NFPATH_NETFILTER_RULESET_H
#define NFPATH_NETFILTER_RULESET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "netfilter/names.h"

struct error;

struct rs_chain {
	struct rs_table *table;
	char *name;
	uint64_t handle;  /* nft: unique in the table (nf_tables_alloc_handle()); legacy: 0 */
	bool base;	  /* registered at a hook; the next five fields are valid for these only */
	uint8_t hook;	  /* number of the table's family */
	int32_t priority; /* legacy: that of the table's hook function */
	enum verdict policy;
	char **devices; /* netdev and inet ingress chains: the devices, NULL-terminated; else NULL
			 */
	char *type;	/* "filter", "nat", "route"; NULL for legacy */
	uint32_t n_rules;
	uint64_t *handles; /* nft backends: the handle of each rule, in order; NULL for legacy */
	const struct rs_entry *rules; /* legacy: what each rule does, in order; NULL for nft */
};

/* What the snapshot itself knows of a rule of iptables-legacy: its TRACE line names neither verdict
 * nor target. */
struct rs_entry {
	enum verdict
		verdict; /* VERDICT_UNKNOWN: the target is an extension and decides at run time */
	const char *target; /* chain of a jump or goto, else the extension ("DNAT"), else NULL;
			       owned by the ruleset */
	uint32_t offset;    /* of its struct ipt_entry or ip6t_entry in the table's blob, bytes */
};

struct rs_table {
	enum backend backend;
	uint8_t family; /* NFPROTO_* */
	char *name;
	uint64_t handle; /* nft: unique in the namespace for ever (nft_net.table_handle only grows);
			    legacy: 0 */
	bool dormant;	 /* its chains are at no hook */
	bool ours;	 /* made by an nfpath, this or another one */
	struct rs_chain **chains;
	size_t n_chains;
	void *blob;	  /* legacy: the entries as IPT_SO_GET_ENTRIES gave them; else NULL */
	size_t blob_size; /* bytes */
	uint32_t hook_entry[5], underflow[5]; /* legacy: as struct ipt_getinfo */
	uint32_t valid_hooks;
};

struct ruleset {
	uint32_t genid; /* of nf_tables when it was dumped; 0 where there is no nf_tables */
	uint64_t exprs; /* bits of enum expr_kind (exprs.h): what its nft rules are made of */
	struct rs_table **tables; /* in the kernel's order: nft first, then legacy ip, legacy ip6 */
	size_t n_tables;
	struct rs_chain **base; /* by ruleset_classify(): the chains at a hook, not those of nfpath,
				   of tables that are not dormant */
	size_t n_base;
	struct rs_index *index; /* finds chains by name, private to ruleset.c */
	unsigned int refs;
};

/* Reference counted: a path in flight keeps the snapshot alive under which it began. put(NULL) is
 * allowed. */
struct ruleset *ruleset_new(void);
struct ruleset *ruleset_get(struct ruleset *rs);
void ruleset_put(struct ruleset *rs);

/* Finding: NULL when there is no such thing. Names are compared byte for byte. Average cost O(1).
 */
struct rs_table *ruleset_table(const struct ruleset *rs, bool legacy, uint8_t family,
			       const char *name);
struct rs_chain *ruleset_chain(const struct ruleset *rs, bool legacy, uint8_t family,
			       const char *table, const char *chain);

/*
 * Are the nft parts the same, rule for rule, tables of nfpath aside? The kernel gives out no handle
 * twice, so equal handles are equal rules. Contents of sets do not count.
 */
bool ruleset_same_nft(const struct ruleset *a, const struct ruleset *b);

/* 1-based position of the rule with this nft handle in its chain; 0 when it is not there. */
uint32_t rs_chain_position(const struct rs_chain *c, uint64_t handle);

/* For readers. Strings are copied. Adding a table or chain twice returns the first. NULL: out of
 * memory. */
struct rs_table *ruleset_add_table(struct ruleset *rs, enum backend b, uint8_t family,
				   const char *name);
struct rs_chain *rs_table_add_chain(struct ruleset *rs, struct rs_table *t, const char *name);

/*
 * Marks tables of families ip and ip6 whose name and whose every base chain (name, hook, priority,
 * type) are those that iptables-nft makes (BACKEND_IPTABLES_NFT), and tables named nfpath_PID
 * (ours). The kernel does not record the author of a table; nft and iptables-nft both show such a
 * table, and so the same rule has two texts. Then lists the base chains. 0 or -ENOMEM.
 */
int ruleset_classify(struct ruleset *rs);

/* Has it tables of iptables-legacy? family: NFPROTO_IPV4, NFPROTO_IPV6, or NFPROTO_UNSPEC for
 * either. */
bool ruleset_has_legacy(const struct ruleset *rs, uint8_t family);

/*
 * Where rulesets come from: the sockets of one network namespace. Opening neither loads a module
 * nor creates a table.
 */
struct nf_source;

/* netns_fd: of the namespace, borrowed during the call only; it may be our own. NULL on failure,
 * err says why. */
struct nf_source *nf_source_open(int netns_fd, struct error *err);
void nf_source_close(struct nf_source *s);

/*
 * Reads tables, chains and rule handles of nf_tables, guarded by the generation id (replayed a
 * bounded number of times, then -EAGAIN), and the tables of iptables-legacy that exist already
 * (/proc/net/ip{,6}_tables_names). 0 and a new reference in *out, or a negative errno with a
 * sentence in err. Kernel: nf_tables_getgen, nf_tables_getrule.
 */
int nf_source_read(struct nf_source *s, struct ruleset **out, struct error *err);

/* The generation id of nf_tables now, in *genid; 0 or a negative errno. One request, no dump. */
int nf_source_genid(struct nf_source *s, uint32_t *genid);

/*
 * Have the legacy tables of rs changed in the kernel since it was read (also: one more or one
 * less)? 1, 0 or a negative errno. Compares every entry without its counters; a counter that went
 * backwards counts as a change, since only replacing a table resets it. What it cannot see: a
 * change that was taken back between two calls, with counters kept.
 */
int nf_source_legacy_changed(struct nf_source *s, struct ruleset *rs);

/* Are there other legacy tables than when rs was read? 1, 0 or a negative errno. Costs two reads of
 * a list of names. */
int nf_source_legacy_appeared(struct nf_source *s, struct ruleset *rs);

#endif
