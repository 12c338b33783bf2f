/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between the parts of route_decide(). */
#ifndef NFPATH_ROUTE_DECIDE_PARTS_H
#define NFPATH_ROUTE_DECIDE_PARTS_H

#include <arpa/inet.h>

#include "route/decide.h"

/* Sets it; 0. */
int route_verdict(struct route_decision *d, enum route_verdict verdict, enum route_reason reason,
		  const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* The verdict for a destination whose lookup ended in an error. 0. */
int route_decide_error(const struct route_facts *f, struct route_decision *d);

/* As route_decide(). */
int route_decide_input4(const struct route_facts *f, const struct route_flow *flow,
			struct route_decision *d);
int route_decide_input6(const struct route_facts *f, const struct route_flow *flow,
			struct route_decision *d);

/*
 * fib_validate_source(): may a packet from flow->src come by the device? dst: what the reverse
 * lookup comes from, NULL for 0.0.0.0; oif: the device by which the packet leaves, 0 when it is for
 * this host. Sets a verdict in any case.
 */
int route_validate_source(const struct route_facts *f, const struct route_flow *flow,
			  const uint8_t *dst, uint32_t oif, struct route_decision *d);

#endif
