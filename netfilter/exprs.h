/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kinds of expressions that rules are made of, as far as it matters who runs them: those that do
 * something, or that set a verdict. */
#ifndef NFPATH_NETFILTER_EXPRS_H
#define NFPATH_NETFILTER_EXPRS_H

#include <stdint.h>

enum expr_kind {
	EXPR_IMMEDIATE,
	EXPR_VERDICT_MAP, /* a lookup whose result is a verdict */
	EXPR_COUNTER,
	EXPR_LOG,
	EXPR_LAST,
	EXPR_NOTRACK,
	EXPR_DUP,
	EXPR_FWD,
	EXPR_META_SET,
	EXPR_PAYLOAD_SET,
	EXPR_EXTHDR_SET,
	EXPR_CT_SET,
	EXPR_DYNSET,
	EXPR_OBJREF,
	EXPR_REJECT,
	EXPR_NAT,
	EXPR_MASQ,
	EXPR_REDIR,
	EXPR_QUEUE,
	EXPR_LIMIT,
	EXPR_QUOTA,
	EXPR_CONNLIMIT,
	EXPR_SYNPROXY,
	EXPR_TPROXY,
	EXPR_FLOW_OFFLOAD,
	EXPR_TARGET, /* of iptables-nft */
	/* No expressions, but what a ruleset may ask of who watches it all the same. */
	EXPR_FIRST_SIGHT, /* a base chain in a hook that nf_hook_slow() does not run: bridge, prerouting */
	EXPR_WALK_END,	  /* the end of a walk is not told by what the packet does next */
	EXPR_KINDS,
};

struct nlattr;

/* The kinds in a rule's NFTA_RULE_EXPRESSIONS that can tell that it matched, bit 1 << kind: those with
 * a verdict, and the last one. */
uint64_t expr_kinds(const struct nlattr *expressions);

/* What a base chain asks, and what expressions of these kinds ask beside themselves: EXPR_FIRST_SIGHT, EXPR_WALK_END. family:
 * NFPROTO_*; hook: NF_INET_*. */
uint64_t expr_kinds_of_chain(uint8_t family, unsigned int hook, int32_t priority, const char *type);
uint64_t expr_kinds_beside(uint64_t found);

#endif
