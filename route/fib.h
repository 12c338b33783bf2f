/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Routes: as the kernel tells them, and which of a table's routes its lookup takes. */
#ifndef NFPATH_ROUTE_FIB_H
#define NFPATH_ROUTE_FIB_H

#include "route/rule.h"

enum { FIB_LEGS = 64 }; /* next hops of a route that are kept; more are counted */

struct fib_leg {
	uint32_t ifindex; /* 0: none */
	char dev[ROUTE_NAME];
	uint32_t master; /* of the device; 0: none */
	uint32_t group;
	uint8_t gw_family; /* AF_UNSPEC: on the link */
	uint8_t gw[ROUTE_ADDR];
	uint8_t flags; /* RTNH_F_* */
};

struct fib_route {
	uint32_t table, metric, nexthop_id;
	uint8_t type; /* RTN_* */
	uint8_t scope, protocol, tos;
	uint8_t dst[ROUTE_ADDR], plen, src[ROUTE_ADDR], src_plen;
	bool has_prefsrc, realms;
	uint8_t prefsrc[ROUTE_ADDR];
	unsigned int n_legs, n_legs_told;
	struct fib_leg legs[FIB_LEGS];
};

/* RTM_NEWROUTE of this family. Names, masters and groups of devices are left empty. */
bool fib_route_parse(const struct nlmsghdr *nlh, uint8_t family, struct fib_route *r);

/*
 * fib_table_lookup() by comparison: does the lookup of flow rather take r than best (whose plen,
 * tos and metric count; NULL: there is none yet)? Routes come in the order of the kernel's dump.
 */
bool fib_route_better(const struct fib_route *r, const struct fib_route *best,
		      const struct route_flow *flow);

/* 0, or what fib_props[] of net/ipv4/fib_semantics.c says: -EAGAIN (throw), -EHOSTUNREACH … */
int fib_type_error(uint8_t type);
/* What a lookup that ends in this error met: "unreachable", "prohibit", "blackhole". NULL: no route that
 * refuses. */
const char *fib_error_name(int error);
/* "unicast", "local", … */
const char *fib_type_name(uint8_t type);

#endif
