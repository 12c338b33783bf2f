/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Why a packet was dropped: the step that decided, or what the kernel's reason says where no rule
 * and no routing decision is to blame. */
#ifndef NFPATH_DROP_CAUSE_H
#define NFPATH_DROP_CAUSE_H

#include "src/bytes.h"
#include "src/path.h"

struct drop_cause {
	const char *type; /* "rule", "policy", "hook", "rp_filter", "route", "socket", "other" */
	const struct step *by;	   /* the rule, policy, function, check or lookup; NULL: none is known */
	const struct step *kernel; /* the kernel's reason and location; NULL: they were not seen */
	const char *refused;	   /* by routing, without by: as route-check names it; NULL: not known */
	const char *words;	   /* what the reason means, without both; NULL: its name is all */
};

/* Of a path that was dropped. Borrowed from it. */
void drop_cause(struct drop_cause *c, const struct path *p);

/* "filter:INPUT:rule:3", "rp_filter on eth0", "no socket takes it". Not escaped. */
void drop_cause_name(struct bytes_out *b, const struct drop_cause *c);

#endif
