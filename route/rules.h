/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The policy rules of a namespace, read as a whole. */
#ifndef NFPATH_ROUTE_RULES_H
#define NFPATH_ROUTE_RULES_H

#include "route/rtnl.h"
#include "route/rule.h"

/* In the order of the kernel, with the numbers of their devices. *rules is the caller's to free. 0 or
 * a negative errno, also when some of them are there then. */
int policy_rules_read(struct rtnl *r, uint8_t family, struct policy_rule **rules, size_t *n);

#endif
