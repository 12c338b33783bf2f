/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Single changes to a host's routing, for route/fixes.c. */
#ifndef NFPATH_ROUTE_CHANGES_H
#define NFPATH_ROUTE_CHANGES_H

#include "route/decide.h"

struct attempt {
	struct route_facts *f;
	const struct route_flow *flow;
	const struct route_decision *d; /* as things are */
	struct fib_fact route;		/* for changes that add one */
};

/* One of the settings of the device by which the packet comes. */
struct change_setting {
	const char *name;
	int value;
	size_t field;	    /* of struct route_settings */
	const char *effect; /* "%s" once: the device */
};

/* Whether it can matter here, the facts with it, what to type, and what else it does; of a setting
 * only the first. */
struct change {
	bool (*matters)(const struct attempt *a);
	void (*apply)(struct attempt *a);
	void (*command)(const struct attempt *a, char *buf, size_t size);
	void (*effect)(const struct attempt *a, char *buf, size_t size);
	const struct change_setting *setting; /* NULL: it is something else */
	bool adds_route;		      /* facts have room for one */
};

/* Smallest first. */
extern const struct change route_changes[];
extern const unsigned int route_n_changes;

void route_change_apply(const struct change *c, struct attempt *a);
void route_change_command(const struct change *c, const struct attempt *a, char *buf, size_t size);
void route_change_effect(const struct change *c, const struct attempt *a, char *buf, size_t size);

/* The rule that refused the destination; NULL: none did. */
const struct policy_rule *route_refusing_rule(const struct attempt *a);

#endif
