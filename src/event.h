/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What engines say and the tracker hears: one fact that the kernel reported about one packet. */
#ifndef NFPATH_EVENT_H
#define NFPATH_EVENT_H

#include <limits.h>

#include "src/path.h"

enum event_type {
	EVENT_RULE,	/* a rule matched */
	EVENT_POLICY,	/* a base chain's policy was applied */
	EVENT_RETURN,	/* the end of a chain was reached */
	EVENT_ENTER,	/* the packet is at the start of a hook, before everybody's rules */
	EVENT_PASS,	/* it is in the middle of a hook: how its headers are there */
	EVENT_LEAVE,	/* every function of the hook let it pass */
	EVENT_ROUTE,	/* one lookup in one routing table */
	EVENT_DROP,	/* the kernel freed it, with a reason */
	EVENT_TRANSMIT, /* given to a device */
	EVENT_LOST,	/* some events of this namespace, or of this packet, are lost */
	EVENT_GONE,	/* freed or consumed: nothing more will come */
};

/* A namespace that has no view: what happens to a packet there cannot be named. For EVENT_LOST: all
 * of them; for EVENT_ROUTE: whichever its packet is in. */
#define EVENT_NS_UNKNOWN UINT_MAX

/* Pointers are valid during the call that delivers the event. */
struct event {
	enum event_type type;
	unsigned int ns; /* index of the namespace in the trace's set */
	bool has_id; /* the kernel named the packet by a number: equal from hook to hook, reused for
			later packets */
	uint32_t id;
	bool sure_id; /* the id is this packet's alone, in all namespaces, for the whole trace */
	int cpu;		     /* -1: not known */
	uint64_t after_ns;	     /* CLOCK_MONOTONIC: it happened after this … */
	uint64_t before_ns;	     /* … and before this */
	uint8_t family;		     /* NFPROTO_* of the table */
	uint8_t hook;		     /* HOOK_NONE: the ruleset knows */
	const struct packet *packet; /* the headers at this moment; NULL: not said */
	bool iif_is_bridge;	     /* the device by which it came is a bridge */
	/* RULE, POLICY, ENTER, LEAVE: conntrack, where the kernel says it */
	enum ct_state ct_state;
	bool ct_known; /* … and it says it of every packet: CT_NONE is none */
	uint32_t ct_id;
	bool ct_reply;
	bool finds_replies; /* PASS, LEAVE: what answers it will be selected, whatever NAT makes of
			       its addresses */
	/* Behind all that every type has. */
	union {
		struct {	     /* RULE, POLICY, RETURN */
			bool legacy; /* an iptables-legacy TRACE line: no verdict, no target */
			const char *table, *chain, *target;
			uint64_t handle;
			uint32_t number;
			enum verdict verdict;
			const char *element; /* of the verdict map, which decided; NULL: none */
			bool unresolved; /* a step before this one could not be named */
		} rule;
		struct {	       /* ENTER */
			bool selected; /* by the filter, here; else it was selected before */
			bool is_reply; /* selected as one that answers a packet of the filter's */
			uint32_t copy_of; /* it is a copy of the packet with this id, which is
					     sure; 0: no copy */
		} enter;
		struct {		/* ROUTE */
			uint8_t family; /* AF_* */
			uint8_t src[ADDR_MAX], dst[ADDR_MAX], gateway[ADDR_MAX];
			bool has_gateway;
			const char *dev; /* of the next hop; NULL: none */
			bool input;	 /* for a packet that arrived by a device */
			bool carried;	 /* no lookup was seen: the packet carries what came of it */
			uint32_t iif, oif, mark; /* of the flow that was looked up, as are … */
			uint8_t tos, proto;
			uint16_t sport, dport; /* … these; 0 where no policy rule asks for them */
			uint32_t table;
			int error;
			int type; /* RTN_*; 0: not said */
			int plen; /* -1: not said */
		} route;
		struct { /* DROP */
			const char *reason, *location;
			const char *iif, *oif; /* devices then; NULL: not known */
			const char *stack;     /* functions, one a line; NULL: not told */
			bool alone; /* of a packet that is neither traced nor followed */
		} drop;
		struct { /* TRANSMIT */
			const char *dev;
		} transmit;
		struct { /* LOST */
			uint64_t count;
			bool whole; /* all events of packets that nobody else knows of */
			bool after_post; /* rules may follow IP's postrouting here: egress, bridge
					  */
			bool legacy;	 /* rules of iptables-legacy, of this packet … */
			const char *because; /* … and why they are not certain; NULL: they are lost */
			enum certainty certainty; /* with because */
		} lost;
	};
};

#endif
