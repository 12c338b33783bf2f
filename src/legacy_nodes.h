/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A table of iptables-legacy as the kernel programs walk through it. */
#ifndef NFPATH_LEGACY_NODES_H
#define NFPATH_LEGACY_NODES_H

#include <stddef.h>

#include "bpf/event.h"
#include "netfilter/xt_walk.h"

/* All nodes of a table, and the patterns of devices behind them; owned by the caller. NULL: out of
 * memory. */
struct nfp_xt_node *legacy_nodes(const struct xt_walk *w, size_t *n);

#endif
