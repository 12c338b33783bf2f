/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `nfpath route-check --audit`: what route/audit.h found, told. */
#ifndef NFPATH_ROUTE_AUDIT_H_
#define NFPATH_ROUTE_AUDIT_H_

#include <stdio.h>

#include "route/audit.h"
#include "src/netns.h"

/* Rules that check the way back of IPv6, which has no rp_filter. */
struct audit_rules {
	char **v; /* owned: name and text */
	size_t n;
	char why[256]; /* why they could not be read; empty: they could */
};

/* Reads the rules of the namespace and keeps those with `fib saddr` or `-m rpfilter`. */
void audit_rules_read(int netns_fd, struct audit_rules *r);
void audit_rules_free(struct audit_rules *r);

/* 0 or a negative errno. */
int route_audit_text(const struct audit *a, const struct audit_rules *rules, const struct netns *ns,
		     FILE *out);
int route_audit_json(const struct audit *a, const struct audit_rules *rules, const struct netns *ns,
		     FILE *out);

/* Audits the namespace and prints; the exit status. */
int route_audit_run(const struct netns *ns, bool json);

#endif
