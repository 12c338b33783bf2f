/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What became of the packet, in the end, in the namespace where it was last; and which step decided
 * it. */
#ifndef NFPATH_CONCLUDE_H
#define NFPATH_CONCLUDE_H

#include "src/path.h"

/*
 * Sets verdict and decided_by of a resolved path. blind: what the engine could not see on this
 * host, said in path.unseen where a path ends without a word; NULL: it saw all there is to see.
 */
void conclude(struct path *p, const char *blind);

#endif
