/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Looks a namespace over for packets that reverse path filtering drops: sources that are known to
 * be behind a device (routes, neighbours, connections) are put to route_decide() one by one.
 */
#ifndef NFPATH_ROUTE_AUDIT_H
#define NFPATH_ROUTE_AUDIT_H

#include "route/collect.h"
#include "route/fixes.h"

enum { AUDIT_SOURCES = 2000 }; /* of each kind; more are counted as not looked at */

struct audit_device {
	struct route_device dev;
	struct route_settings set;
	uint8_t addr[ROUTE_ADDR]; /* an IPv4 address of it */
	bool has_addr;
	bool gateway; /* some route leads to a router there */
};

struct audit_finding {
	/* "neighbour", "route", "multi-homed", "connection": such sources are dropped. "asymmetric":
	 * one of them passes, and is answered by another device. "product", "vpn": a setting. */
	const char *kind;
	char dev[ROUTE_NAME], back[ROUTE_NAME]; /* arrival; by which the way back leaves */
	unsigned int count;			/* sources that this is about */
	char sentence[512], fix[512];		/* fix may be empty */
};

struct audit {
	struct route_settings all, initial; /* net.ipv4.conf.{all,default} */
	struct audit_device *devices;
	size_t n_devices;
	struct audit_finding *findings;
	size_t n_findings;
	size_t sources, not_looked_at;
	bool has_connections; /* they could be read */
};

/* 0 or a negative errno and a sentence; audit_free() follows in any case. */
int route_audit(struct route_collector *c, struct audit *a, struct error *err);
void audit_free(struct audit *a);

/* Is there a finding that is not "asymmetric"? */
bool audit_drops(const struct audit *a);

/* A device of a network between nodes (flannel.1), by which nobody far away comes. */
bool audit_is_overlay(const struct audit_device *d);

/* A new finding, of count 1, whose texts the caller fills in. NULL: out of memory. */
struct audit_finding *audit_add(struct audit *a, const char *kind, const char *dev);

/* What known products want of these settings, and have not got (route/audit_products.c). 0 or
 * -ENOMEM. */
int audit_products(struct audit *a, const struct policy_rule *rules, size_t n_rules);

#endif
