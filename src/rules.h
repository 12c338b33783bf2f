/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The rulesets of one namespace over time, and how sure we are which of them a packet met.
 *
 * nf_tables counts its generations, iptables-legacy can only be compared; neither says when a
 * packet saw which. So each snapshot has a span in which it is known to have been in force: from a
 * moment after it was read to the last check that still found it. A packet whose whole life lies in
 * one span met that snapshot. Any other packet met one of several, and is named only where they
 * agree.
 */
#ifndef NFPATH_RULES_H
#define NFPATH_RULES_H

#include "netfilter/rule_owner.h"
#include "netfilter/rule_text.h"
#include "netfilter/set_key.h"
#include "src/lock_watch.h"
#include "src/netns.h"

struct rules;

/* Reads the first snapshot. ns and lock are borrowed. NULL on failure, err says why. */
struct rules *rules_open(const struct netns *ns, struct lock_watch *lock, struct error *err);
void rules_close(struct rules *r);

/* The snapshot in force when it was last looked at; borrowed until the next rules_sync(). */
const struct ruleset *rules_now(const struct rules *r);

/*
 * Looks whether the ruleset changed, and reads it again if so. legacy: iptables-legacy too, whose
 * check costs a read of its tables; it is done no more often than its cost allows. Returns 1 when
 * there is a new snapshot, 0 when not, or a negative errno (the old snapshot stays, and packets
 * from then on are not certain).
 */
int rules_sync(struct rules *r, bool legacy, struct error *err);

/* Are the legacy tables those of the newest snapshot? Reads all of them. 1, 0 or a negative errno. */
int rules_legacy_same(struct rules *r);

/* Somebody knows that no legacy table was replaced between rules_legacy_same() and until_ns
 * (CLOCK_MONOTONIC). */
void rules_legacy_kept(struct rules *r, uint64_t until_ns);

/*
 * We committed `commits` transactions ourselves, which touch no table that is not ours: if the
 * generation says that nobody else did, the snapshot stays in force and is not read again.
 */
void rules_expect_own(struct rules *r, unsigned int commits);

/* CLOCK_MONOTONIC, ns: up to when the last check of iptables-legacy speaks. */
uint64_t rules_legacy_checked(const struct rules *r);

enum { RULES_CANDIDATES = 4 };

struct rules_answer {
	const struct ruleset *rs[RULES_CANDIDATES]; /* newest first; at least one; borrowed until
						       the next rules_sync() */
	unsigned int n;
	bool complete; /* no other ruleset than these can have been in force: with n == 1, that one
			  was */
	const char *because; /* why it is not complete; NULL: it is */
};

/* The rulesets that a packet can have met that lived between after_ns and before_ns
 * (CLOCK_MONOTONIC). */
void rules_at(const struct rules *r, uint64_t after_ns, uint64_t before_ns, bool legacy,
	      struct rules_answer *a);

struct rule_texts *rules_texts(struct rules *r);

/* Whose its rules are. */
struct rule_owners *rules_owners(struct rules *r);

/* Is nothing changed since after_ns (CLOCK_MONOTONIC) that was in force with rs, sets included? Of
 * a packet that rules_at() ties to rs alone. */
bool rules_same_sets(const struct rules *r, const struct ruleset *rs, uint64_t after_ns);

/* The types of its sets. */
struct set_types *rules_sets(struct rules *r);

/* How often the ruleset was seen to change. */
unsigned int rules_changes(const struct rules *r);

#endif
