/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Ties the steps of a path to the ruleset that the packet met: rule numbers, hooks, backends, and
 * what a line of iptables-legacy does not say (verdict, target). Where several rulesets are
 * possible, only what they agree on is kept.
 */
#ifndef NFPATH_RESOLVE_H
#define NFPATH_RESOLVE_H

#include "src/path.h"
#include "src/rules.h"

/* What rules_at() said of this path, with legacy as resolve_has_legacy(p), for each of its places in
 * their order. Fewer than there are: nothing is known of the others. */
struct path_rules {
	const struct rules_answer *at;
	size_t n;
};

void resolve(struct path *p, const struct path_rules *rules);

bool resolve_has_legacy(const struct path *p);

/* Of the namespace of this step; NULL: nothing is known of it. */
const struct rules_answer *resolve_answer(const struct path *p, const struct step *s,
					  const struct path_rules *rules);

/* The chain of a resolved step in the ruleset that named it; NULL when none did. */
const struct rs_chain *resolve_chain(const struct path *p, const struct step *s,
				     const struct path_rules *rules);

#endif
