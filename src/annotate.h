/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Adds what a person needs to a resolved path: texts and comments of its rules, what the routing
 * decision means, the fix. */
#ifndef NFPATH_ANNOTATE_H
#define NFPATH_ANNOTATE_H

#include "src/path.h"
#include "src/view.h"

/* Before conclude(): what the settings of the namespace say about rp_filter and routes. */
void annotate_routing(struct path *p, const struct view *v);

/* After conclude(): rule texts by the ruleset *a, names, the fix. */
void annotate(struct path *p, const struct view *v, const struct rules_answer *a);

#endif
