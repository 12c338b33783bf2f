/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What `nfpath route-check` found out: between the command and its renderers, which only read. */
#ifndef NFPATH_ROUTE_REPORT_H
#define NFPATH_ROUTE_REPORT_H

#include <stdio.h>

#include <jansson.h>

#include "route/collect.h"
#include "route/fixes.h"
#include "src/netns.h"

struct fib_reader; /* route/learn.h */

struct route_report {
	struct route_flow flow; /* as it was asked */
	char iif[ROUTE_NAME], oif[ROUTE_NAME];
	const struct netns *netns;
	const struct fib_reader *reader; /* of its routes; NULL: none */
	struct route_facts facts;
	struct route_decision decision;
	struct route_answer answer; /* the kernel's */
	const char *disagreement; /* in what the kernel's answer is another one; NULL: in nothing */
	struct route_fix fixes[ROUTE_FIXES];
	size_t n_fixes;
	unsigned int tables_read; /* as a whole */
	bool color, verbose;
};

/*
 * Decides what flow, iif, oif and netns ask, which the caller has set. 0 or a negative errno and a
 * sentence; route_report_clear() follows in any case.
 */
int route_report_fill(struct route_report *r, struct error *err);
void route_report_clear(struct route_report *r);

/* Each writes one report; 0 or a negative errno (-EPIPE). */
int route_text(const struct route_report *r, FILE *out);
int route_json(const struct route_report *r, FILE *out);

/* Writes the object as one line, and ends it. NULL: out of memory. As above. */
int json_line(json_t *o, FILE *out);

#endif
