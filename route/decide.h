/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One routing decision of the kernel, done again over facts: ip_route_input_slow() with
 * __fib_validate_source(), ip_route_output_key_hash_rcu(), and what IPv6 does. No input, no output:
 * with a fact changed it says what would be if.
 */
#ifndef NFPATH_ROUTE_DECIDE_H
#define NFPATH_ROUTE_DECIDE_H

#include "route/facts.h"
#include "route/rp_filter.h"

enum trial_result {
	TRIAL_OTHER,	  /* the rule does not match */
	TRIAL_NO_ROUTE,	  /* its table has no route there */
	TRIAL_NO_ANSWER,  /* one of TRIAL_NO_ROUTE and TRIAL_THROW */
	TRIAL_THROW,	  /* it has one that sends back to the rules */
	TRIAL_SUPPRESSED, /* it has one that the rule does not want */
	TRIAL_SKIPPED,	  /* a goto, a nop, a rule that a goto skipped */
	TRIAL_MATCHED,	  /* this one decided */
};

/* One fib_lookup(). */
struct route_lookup {
	bool made;
	struct route_flow flow;
	enum trial_result *trials;     /* owned; by rule, n_rules of the facts */
	size_t n_trials;	       /* those that were come to */
	int rule;		       /* index of the one that decided; -1: none */
	uint32_t table;		       /* of route */
	const struct fib_route *route; /* borrowed from the facts; NULL: none */
	int error;		       /* 0, -ENETUNREACH, -EHOSTUNREACH, -EACCES, -EINVAL */
};

enum route_reason {
	ROUTE_PASSES,
	ROUTE_RPF_STRICT,
	ROUTE_RPF_LOOSE,
	ROUTE_MARTIAN_SOURCE,
	ROUTE_MARTIAN_DESTINATION,
	ROUTE_LOCAL_SOURCE,
	ROUTE_NO_ROUTE,
	ROUTE_UNREACHABLE,
	ROUTE_PROHIBIT,
	ROUTE_BLACKHOLE,
	ROUTE_FORWARDING_OFF,
	ROUTE_DEVICE_DOWN,
	ROUTE_PROTOCOL_OFF,   /* the device has no IPv4, or IPv6 is disabled on it */
	ROUTE_NOT_JOINED,     /* nobody here wants this multicast group */
	ROUTE_FOREIGN_SOURCE, /* output: the source is no address of this host */
	ROUTE_UNKNOWN,	      /* a fact is missing: the sentence says which */
};

enum route_verdict { ROUTE_PASS, ROUTE_DROP, ROUTE_UNDECIDED };

/* Settings that count for the decision, as the kernel combines them. */
struct route_effective {
	int rp_filter; /* the larger of all and DEV */
	bool src_valid_mark, accept_local, route_localnet, log_martians; /* either of them */
	bool forwarding;						 /* DEV alone */
};

struct route_decision {
	enum route_verdict verdict;
	enum route_reason reason;
	char sentence[320];
	bool input; /* it arrives; else this host sends it */
	bool local; /* it is for this host */
	struct route_lookup forward, reverse;
	struct route_effective effective;
	bool validated;	   /* the source was checked … */
	bool full_check;   /* … by a reverse lookup, be rp_filter off */
	bool by_addresses; /* … only against the addresses of this host */
	bool some_legs;	   /* it depends on the next hop that the kernel picks; this is the worst */
	/* When a fact is missing, the lookup that needs it. */
	struct route_flow need;
	uint32_t need_table;
};

/*
 * Decides. 0; 1: the facts lack what table d->need_table answers for d->need, d says nothing else;
 * -ENOMEM. In each case route_decision_free() follows.
 */
int route_decide(const struct route_facts *f, const struct route_flow *flow,
		 struct route_decision *d);
void route_decision_free(struct route_decision *d);

/* "rp_filter-strict"; NULL for ROUTE_PASSES. */
const char *route_reason_name(enum route_reason reason);

/* Walks the rules as fib_rules_lookup() does. As route_decide(): 0, 1, -ENOMEM. */
int route_lookup(const struct route_facts *f, const struct route_flow *flow, struct route_lookup *l,
		 struct route_decision *d);

#endif
