/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What would let a packet pass that routing refused. */
#ifndef NFPATH_ADVICE_H
#define NFPATH_ADVICE_H

#include "src/path.h"
#include "src/view.h"

/*
 * Sets p->fix, by the routing decision made again over what is set now (route/decide.h): only where
 * that decision refuses the packet too, and for what the kernel said. Of a flood only some packets
 * are advised, so that reading keeps up.
 */
void advise(struct path *p, const struct view *v);

#endif
