/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Adds what a person needs to a resolved path: texts and comments of its rules, what the routing
 * decision means, the fix. */
#ifndef NFPATH_ANNOTATE_H
#define NFPATH_ANNOTATE_H

#include "src/resolve.h"
#include "src/view.h"

/* views: of the trace, by the ns of a step. */

/* Before conclude(): what the settings of the namespaces say about rp_filter and routes, and which
 * policy rules and prefixes the kernel's lookups met. */
void annotate_routing(struct path *p, struct view *views);

/* After conclude(): rule texts by these rulesets, names, the fix. */
void annotate(struct path *p, struct view *views, const struct path_rules *rules);

/* A part of it: who made each rule. */
void annotate_owners(struct path *p, const struct view *views, const struct path_rules *rules);

#endif
