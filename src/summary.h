/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The footer of a trace: how many packets, what became of them, and which rules decided most. */
#ifndef NFPATH_SUMMARY_H
#define NFPATH_SUMMARY_H

#include <stdio.h>

#include "src/path.h"

struct summary;

struct summary *summary_new(void);
void summary_free(struct summary *s);

/* Counts a finished path; printed: it was shown. */
void summary_add(struct summary *s, const struct path *p, bool printed);

uint64_t summary_printed(const struct summary *s);

/* stray: iptables-legacy lines that belonged to no packet; rules_changed: times that a ruleset was
 * seen to change. */
void summary_print(const struct summary *s, FILE *out, uint64_t lost, uint64_t stray,
		   unsigned int rules_changed);

#endif
