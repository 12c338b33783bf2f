/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What one IPv4 table answers for one address: the kernel's own lookup (nl_fib_lookup() of
 * net/ipv4/fib_frontend.c), for tables up to 255. No policy rule, no check of sources, and no packet's
 * flow: the flow that it looks up has no device at all.
 */
#ifndef NFPATH_ROUTE_FIB_ASK_H
#define NFPATH_ROUTE_FIB_ASK_H

#include <stdbool.h>
#include <stdint.h>

#include "route/rule.h"

struct fib_ask;

enum { FIB_ASK_TABLES = 255 };

struct fib_answer {
	int error; /* 0: a route; -EAGAIN: none, or one of type throw; -ENOENT: no such table */
	uint8_t plen, type; /* of error 0 */
};

/* NULL: this kernel has none, or the namespace cannot be entered. */
struct fib_ask *fib_ask_open(int netns_fd);
void fib_ask_close(struct fib_ask *a);

/* The table is at most FIB_ASK_TABLES, flow of IPv4; of it, address and TOS count. False: no answer. */
bool fib_ask(struct fib_ask *a, uint32_t table, const struct route_flow *flow,
	     struct fib_answer *answer);

#endif
