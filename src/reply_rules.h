/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Replies whose addresses NAT has yet to change back: `--conn` knows them by what conntrack says of
 * the packet that they answer, before they come. Sets and rules of our own nft tables of ip and ip6
 * do that in the kernel, so that no reply is faster: a packet that the filter takes is put into
 * "asked" as it is first seen; at the end of its way, when NAT is done, the tuple of the other
 * direction goes into "replies", and a packet that is first seen like that is selected.
 */
#ifndef NFPATH_REPLY_RULES_H
#define NFPATH_REPLY_RULES_H

#include "netfilter/own_table.h"
#include "src/filter_nft.h"

struct hook_list;

enum { REPLY_SETS = 4, REPLY_RULES_MAX = 2 * FILTER_MATCHES_MAX + 2 };

/* Names of chains of this family that select replies: for the rules of reply_asks() to go to. */
#define REPLIED_PRE "replied_pre"
#define REPLIED_OUT "replied_out"

struct reply_rules {
	char *v[REPLY_RULES_MAX];
	size_t n;
};

/* Has the namespace conntrack for this family? A rule of ours that asks for it would start it. */
bool reply_tracked(const struct hook_list *hooks, uint8_t family);

/* The sets of one family, NFPROTO_IPV4 or NFPROTO_IPV6. Returns how many. */
size_t reply_sets(struct own_set sets[REPLY_SETS], uint8_t family);

/* For the chains that replies are sent to. 0 or -ENOMEM. */
int reply_selects(struct reply_rules *r);

/* For the first chain of prerouting or output: remembers what matches, and goes to chain with
 * replies. 0 or -ENOMEM. */
int reply_asks(struct reply_rules *r, uint8_t family, const struct filter_matches *m,
	       const char *chain);

/* For the last chain of input or postrouting. 0 or -ENOMEM. */
int reply_learns(struct reply_rules *r, uint8_t family);

void reply_rules_free(struct reply_rules *r);

#endif
