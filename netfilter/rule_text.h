/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a rule says, byte for byte as `iptables-save`, `ip6tables-save` or `nft -s list ruleset`
 * prints it (without counters, handle and indentation). Made only for rules that packets hit, then
 * kept.
 */
#ifndef NFPATH_NETFILTER_RULE_TEXT_H
#define NFPATH_NETFILTER_RULE_TEXT_H

#include "netfilter/ruleset.h"

struct rule_text {
	char *text; /* "-A INPUT -p tcp -j ACCEPT", "tcp dport 22 accept"; NULL: could not be had,
		       see why */
	char *comment; /* of the rule, unquoted; NULL: none */
	char *action; /* what the rule does: "DNAT", "REJECT", "LOG", "accept", "masquerade"…; NULL:
			 nothing */
	char *brief; /* the doing part alone, for one line: "jump KUBE-SERVICES", "DNAT
			to 10.0.1.12:8081", "accept" */
	const char
		*why; /* static: why text is NULL, or what is not known of it; NULL: it is whole */
};

struct rule_texts;

/* A cache over one namespace, that of s. s is borrowed and must outlive it; netns_fd is the one
 * given to nf_source_open(). */
struct rule_texts *rule_texts_open(struct nf_source *s, int netns_fd, struct error *err);
void rule_texts_close(struct rule_texts *t);

/*
 * The text of rule `number` (1-based) of chain c in snapshot rs. Never NULL; owned by the cache,
 * valid until rule_texts_close() or rule_texts_forget(). The rule may be gone from the kernel by
 * now: an nft rule is asked for by (table handle, rule handle), which the kernel never gives out
 * twice, so that it is this rule or none; a legacy rule is read from the snapshot itself. An
 * extension that is not installed stands there as "-m NAME [unknown revision N: 0x…]", and why is
 * set.
 */
const struct rule_text *rule_text(struct rule_texts *t, const struct ruleset *rs,
				  const struct rs_chain *c, uint32_t number);

/* From now on each nft rule is read for itself, wherever that is possible, not only those of large
 * tables. For tests, as is how often it was. */
void rule_texts_singly(struct rule_texts *t);
size_t rule_texts_n_single(const struct rule_texts *t);

/* Drops every cached text that belongs to rs (by its tables); called when a snapshot is replaced.
 */
void rule_texts_forget(struct rule_texts *t, const struct ruleset *rs);

#endif
