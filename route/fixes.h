/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What would let a refused packet pass: each change is tried on the facts first. */
#ifndef NFPATH_ROUTE_FIXES_H
#define NFPATH_ROUTE_FIXES_H

#include "route/collect.h"

enum { ROUTE_FIXES = 8 };

struct route_fix {
	char change[512]; /* commands for a shell, joined by " && " */
	char effect[768]; /* what else it does */
	bool verified;	  /* decided again with the change: the packet passes */
};

/*
 * Smallest first; of changes that need others beside them the smallest set. f is as it was
 * afterwards, but may know more. Returns how many.
 */
size_t route_fixes(struct route_collector *c, struct route_facts *f, const struct route_flow *flow,
		   const struct route_decision *d, struct route_fix fixes[ROUTE_FIXES]);

/* What is to be done about a refusal that no change of this host's routing would lift; NULL: nothing is
 * known of that. */
const char *route_no_fix(enum route_reason reason);

/* A word of a command line, quoted where a shell would read something else. */
const char *route_shell_word(const char *s, char *buf, size_t size);

#endif
