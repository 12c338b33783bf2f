/* SPDX-License-Identifier: GPL-2.0-or-later */
/* With --conn: will the replies to a packet be seen? */
#ifndef NFPATH_REPLIES_H
#define NFPATH_REPLIES_H

struct filter;
struct path;

/* A reply is compared as it arrives, before its NAT is undone. Where the filter does not match that,
 * the path says so. */
void replies_annotate(const struct filter *f, struct path *p);

#endif
