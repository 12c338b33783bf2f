/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What becomes of a packet to one address and port, hook by hook. */
#ifndef NFPATH_NETFILTER_EXPLAIN_FLOW_H
#define NFPATH_NETFILTER_EXPLAIN_FLOW_H

#include "netfilter/explain.h"

enum local { LOCAL_UNKNOWN, LOCAL_YES, LOCAL_NO };

struct flow_question {
	uint8_t family, proto; /* proto 0: any */
	uint8_t addr[16];
	uint16_t port; /* 0: any */
	/* Is an address one of this host's? NULL: nobody knows. */
	enum local (*is_local)(void *data, uint8_t family, const uint8_t *addr);
	void *data;
};

/* One end of a way through a base chain, or a rule on it that sets the mark. */
struct flow_end {
	struct walk_step *path;
	unsigned int n_path;
	struct explain_facts when;
	enum verdict verdict; /* VERDICT_CONTINUE: it only sets the mark */
	double share;
	bool sure; /* no condition, and all of the packets that come here */
	bool nat;
	struct explain_endpoint to; /* nat */
};

/* The ways through one base chain. */
struct flow_part {
	const struct fact_chain *chain;
	struct flow_end *ends;
	unsigned int n, left_out; /* left_out: more ends than are kept */
	bool ends_here;		  /* no packet gets further */
};

/* One hook, for packets to one destination. */
struct flow_hook {
	uint8_t hook;
	struct explain_endpoint to; /* where the packet goes at that time */
	enum local local; /* LOCAL_UNKNOWN: this is what happens if it is the hook's turn */
	struct flow_part *parts;
	unsigned int n;
};

struct flow {
	struct flow_hook *hooks;
	unsigned int n;
	unsigned int endpoints_left_out;
	bool cut;
};

/* Lives as long as x's facts. NULL: out of memory. */
struct flow *flow_ask(struct explain *x, const struct flow_question *q);

#endif
