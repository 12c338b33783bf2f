/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What becomes of one source, and where its answers go. */
#ifndef NFPATH_ROUTE_AUDIT_JUDGE_H
#define NFPATH_ROUTE_AUDIT_JUDGE_H

#include "route/audit.h"

/* A source that is known to be behind a device. */
struct audit_source {
	uint32_t ifindex;
	uint8_t addr[ROUTE_ADDR], to[ROUTE_ADDR];
	bool has_to; /* else it sends to the device's own address */
};

/* Adds what is to be said about it to the findings. kind: how it is known. */
int audit_judge(struct route_collector *c, struct audit *a, const char *kind,
		const struct audit_source *s, struct error *err);

/* NULL: there is none of that number. */
struct audit_device *audit_device(struct audit *a, uint32_t ifindex);

#endif
