/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One rule of iptables, wherever it came from: an entry of iptables-legacy's blob, or the
 * expressions that iptables-nft made of it. And its text. Private to netfilter/.
 */
#ifndef NFPATH_NETFILTER_XT_RULE_H
#define NFPATH_NETFILTER_XT_RULE_H

#include <net/if.h>
#include <netinet/in.h> /* before linux/netfilter.h, which takes the kernel's copy */
#include <linux/netfilter/x_tables.h>
#include <linux/netfilter_ipv4/ip_tables.h>
#include <linux/netfilter_ipv6/ip6_tables.h>
#include <stdbool.h>
#include <stdint.h>

#include "netfilter/ruleset.h"

struct nftnl_rule;

struct xt_rule {
	uint8_t family; /* NFPROTO_IPV4, NFPROTO_IPV6 */
	const char *chain;
	union { /* addresses, interfaces, protocol; extensions' save functions want it too */
		struct ipt_ip v4;
		struct ip6t_ip6 v6;
	} ip;
	struct {
		const struct xt_entry_match *m;
		bool owned;
	} * matches; /* in their order */
	size_t n_matches;
	const struct xt_entry_target *target; /* an extension; NULL: none */
	bool target_owned;
	enum verdict verdict; /* of a rule without extension: accept, …; VERDICT_CONTINUE: none */
	const char *to;	      /* VERDICT_JUMP, VERDICT_GOTO: the chain */
};

/* Rule `number` (1-based) of a chain of iptables-legacy. Points into the snapshot. 0 or -ENOMEM. */
int xt_rule_from_entry(struct xt_rule *r, const struct rs_chain *c, uint32_t number);

/*
 * What iptables-nft meant by these expressions; points into nlr. 0, -ENOMEM, or -EOPNOTSUPP when
 * there is one that it does not write.
 */
int xt_rule_from_nft(struct xt_rule *r, uint8_t family, const char *chain,
		     const struct nftnl_rule *nlr);

/* Appends a match with `len` bytes of data, zero where data is NULL; returns its data, owned by the
 * rule. NULL: out of memory. */
void *xt_rule_add_match(struct xt_rule *r, const char *name, uint8_t revision, const void *data,
			size_t len);
void *xt_rule_set_target(struct xt_rule *r, const char *name, uint8_t revision, const void *data,
			 size_t len);
void xt_rule_free(struct xt_rule *r);

struct xt_text {
	char *text;	  /* as iptables-save prints it, without line end; owned by the caller */
	size_t target_at; /* where its "-j" or "-g" begins; strlen(text): there is none */
	bool unknown;	  /* an extension could not be printed, its bytes stand there instead */
};

/*
 * Prints by libxtables, in the current namespace (an ipset is asked for its name there); touches
 * neither the real stdout nor the kernel's modules. 0 or -ENOMEM.
 */
int xt_rule_print(const struct xt_rule *r, struct xt_text *out);

#endif
