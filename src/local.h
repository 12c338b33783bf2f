/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Packets of this host: the socket and process that take a packet, those that a packet is from, and
 * whether that process had received something before. */
#ifndef NFPATH_LOCAL_H
#define NFPATH_LOCAL_H

#include "src/path.h"
#include "src/view.h"

struct local;

struct local *local_open(void); /* NULL: out of memory */
void local_close(struct local *l);

/* After conclude(), for each path in turn: what sockets there are now. */
void local_annotate(struct local *l, struct path *p, const struct view *views);

#endif
