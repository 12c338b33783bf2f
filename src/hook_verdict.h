/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which hook function dropped a packet, where no rule did. */
#ifndef NFPATH_HOOK_VERDICT_H
#define NFPATH_HOOK_VERDICT_H

#include "src/resolve.h"
#include "src/view.h"

/*
 * After annotate(). Chains of nf_tables and tables of iptables are heard of, so it was one of the
 * others, behind the last that was heard of and before the next. One: it becomes a step, which
 * decided. Several: they are named as what was not seen.
 */
void blame_hook(struct path *p, const struct view *views, const struct path_rules *rules);

#endif
