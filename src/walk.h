/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Do the rules of a path make one way through their chains, as nft_do_chain() and ipt_do_table()
 * go? */
#ifndef NFPATH_WALK_H
#define NFPATH_WALK_H

#include "src/resolve.h"

/*
 * p is resolved, by these rulesets. false: a step is missing or one is not its own; what each
 * says may be right, the whole is not.
 */
bool walk_is_possible(const struct path *p, const struct path_rules *rules);

/* Does every chain speak that is at a hook which p passed, in each of its namespaces? p as above. */
bool walk_is_complete(const struct path *p, const struct path_rules *rules);

#endif
