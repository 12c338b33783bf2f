/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a packet's connection has to do with its way: which rule or which entry of conntrack changed
 * its addresses, what conntrack has of the connection, why it took the packet for invalid. */
#ifndef NFPATH_CONNECTIONS_H
#define NFPATH_CONNECTIONS_H

#include "src/resolve.h"
#include "src/view.h"

/* After annotate(): needs the texts of the rules. */
void connections_annotate(struct path *p, const struct view *views, const struct path_rules *rules);

#endif
