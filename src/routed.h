/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which policy rule and prefix a routing decision of a path had. */
#ifndef NFPATH_ROUTED_H
#define NFPATH_ROUTED_H

#include "src/path.h"
#include "src/view.h"

/*
 * Of a step of type STEP_ROUTE or STEP_RP_FILTER, in the namespace of v: sets rule, table, prefix and
 * type, as far as what can be read now is what the packet met; else `untold` says why not. ended: its
 * way ended there, so no table was asked after those that were seen.
 */
void routed_tell(struct path *p, struct step *s, struct view *v, bool ended);

/* Has nothing of this family's routing changed since the packet was first seen? */
bool routed_is_current(const struct path *p, int family, struct view *v);

#endif
