/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Would the source address of a packet pass reverse path filtering? The rule of
 * __fib_validate_source(), over collected facts. */
#ifndef NFPATH_ROUTE_RP_FILTER_H
#define NFPATH_ROUTE_RP_FILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { RP_UNKNOWN = -1, RP_OFF = 0, RP_STRICT = 1, RP_LOOSE = 2 };

/* The device by which one next hop of the reverse route leaves. */
struct rp_leg {
	uint32_t ifindex;
	const char *dev; /* may be NULL: then the number is named */
};

/* Borrowed for the call. */
struct rp_input {
	int all, dev_mode; /* net.ipv4.conf.{all,DEV}.rp_filter; RP_UNKNOWN */
	struct rp_leg iif; /* arrival */
	bool no_addr;	   /* the arrival device has no IPv4 address */
	bool accept_local; /* its sysctl: own addresses may be a source */
	bool ipsec;	   /* the packet was decrypted: such ones are not filtered */
	bool full_check;   /* mode off: the route back is looked up all the same */
	const char *src;   /* source address, in words */
	uint8_t type;	   /* RTN_* of the reverse route; 0: none, or one that refuses */
	const struct rp_leg *legs;
	size_t n_legs;
};

enum rp_cause {
	RP_PASSES,
	RP_NO_ROUTE,	   /* nothing leads back */
	RP_OTHER_DEVICE,   /* strict: it leads elsewhere */
	RP_LOCAL_SOURCE,   /* the source is an address of this host */
	RP_INVALID_SOURCE, /* the source is no unicast address */
};

struct rp_verdict {
	int mode; /* the effective one, max(all, dev_mode); RP_UNKNOWN */
	bool pass;
	enum rp_cause cause;
	char reason[192]; /* "strict: the route back to 192.0.2.1 leaves by eth1, not by eth0" */
};

/* 0, or -ENODATA: the answer depends on a mode that is not known; then only v->mode is set. */
int rp_filter_judge(const struct rp_input *in, struct rp_verdict *v);

/* max(all, dev_mode), as IN_DEV_RPFILTER() has it; RP_UNKNOWN if an unknown one could change it. */
int rp_filter_mode(int all, int dev_mode);

/* "off", "strict", "loose", "unknown" */
const char *rp_filter_mode_name(int mode);

#endif
