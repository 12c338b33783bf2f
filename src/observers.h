/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which chains of our own see a packet where: the table of observers of the netlink engine. */
#ifndef NFPATH_OBSERVERS_H
#define NFPATH_OBSERVERS_H

#include "netfilter/own_table.h"
#include "netfilter/ruleset.h"
#include "src/cgroup.h"
#include "src/filter.h"

/*
 * Before everybody else: conntrack's defragmentation is at -400, and a chain of the user's that is
 * earlier still moves ours in front of it. One that comes later at this priority goes before ours
 * (nf_hook_entries_grow()).
 */
enum { OBSERVER_PRIORITY = -500 };

enum observer_kind {
	OBSERVER_NONE,
	OBSERVER_ENTER, /* first in its hook: selects packets */
	OBSERVER_PASS,	/* empty, in the middle of its hook: shows the headers after NAT to who
			   cannot see them else */
	OBSERVER_ASK,	/* remembers what the filter selects, for the replies; says nothing */
	OBSERVER_REPLY, /* selects packets, too: those that answer others */
	OBSERVER_LEARN, /* with a rule that remembers what the packet's answers will look like */
	OBSERVER_LEAVE, /* last in its hook, empty: the end of its chain says that the packet got
			   there, with its headers */
};

struct observer {
	enum observer_kind kind;
	uint8_t hook; /* NF_INET_* that stands for it in events */
};

struct observers;
struct hook_list;

/* filter and cgroup are borrowed. NULL: out of memory. */
struct observers *observers_open(const struct filter *filter, const struct cgroup_name *cgroup);
void observers_close(struct observers *o);

/* Has the filter replies to find? */
bool observers_want_replies(const struct observers *o);

/*
 * Adds to t the chains that this ruleset calls for and that were not added yet: always those of
 * inet, those of bridge, arp and netdev only where the ruleset has tables of these families; those
 * of replies where hooks (NULL: they are not known) have conntrack already.
 * Chains of the user's that came before ours since, ours are put before: *moved says how many.
 * Returns how many transactions that took, or a negative errno with a sentence.
 */
int observers_add(struct observers *o, struct own_table *t, const struct ruleset *rs,
		  const struct hook_list *hooks, unsigned int *moved, struct error *err);

/* Which observer a chain of our table is. */
struct observer observer_of(uint8_t family, const char *chain);

#endif
