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

/* *a is what rules_at() said of this path, with legacy as resolve_has_legacy(p). */
void resolve(struct path *p, const struct rules_answer *a);

bool resolve_has_legacy(const struct path *p);

/* The chain of a resolved step in the ruleset of *a that named it; NULL when none did. */
const struct rs_chain *resolve_chain(const struct step *s, const struct rules_answer *a);

#endif
