/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The path of one packet: the model in the middle. The tracker fills it, annotate adds words,
 * renderers only read it; nothing here knows an engine or an output format.
 */
#ifndef NFPATH_PATH_H
#define NFPATH_PATH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "netfilter/names.h"
#include "route/rule.h"

struct rs_chain;

enum { ADDR_MAX = 16, IFNAME_MAX = 16 };

/* An address and a port, in host order; what the protocol lacks is 0 and has_ports says so. */
struct endpoint {
	uint8_t addr[ADDR_MAX]; /* network order; the first 4 bytes for IPv4 */
	uint16_t port;
};

/* What a packet's headers say. Filled by packet_parse() (packet.h) from whatever part of them the
 * kernel gave. */
struct packet {
	uint8_t family; /* AF_INET, AF_INET6; 0: neither (arp, bridged frames of another protocol):
			   see ethertype */
	uint8_t proto;	/* IPPROTO_*, after the IPv6 extension headers that were there to read */
	bool has_addrs;
	bool has_ports; /* TCP, UDP, UDP-Lite, SCTP, DCCP, and not a later fragment */
	bool has_tcp;
	bool fragment; /* later fragment (offset > 0) */
	bool more_frags;
	bool has_icmp;
	uint8_t tcp_flags; /* as in byte 13 of the TCP header */
	uint8_t icmp_type, icmp_code;
	uint16_t icmp_id, icmp_seq; /* echo only */
	uint16_t ip_id;		    /* IPv4 only */
	uint16_t ethertype;	    /* when there is a link-layer header */
	uint32_t len;		    /* of the IP packet, bytes, as its header says */
	uint32_t mark;		    /* of the skb when it was first seen */
	uint32_t tcp_seq;
	uint16_t frag_off; /* of a later fragment, bytes */
	uint32_t frag_id;  /* of an IPv6 fragment */
	struct endpoint src, dst;
	uint8_t ll_src[6], ll_dst[6];
	bool has_ll;
	bool arp_request; /* of Ethernet and IPv4: src asks who has dst, though has_addrs is false */
	char iif[IFNAME_MAX], oif[IFNAME_MAX]; /* empty: none or not known */
};

enum step_type {
	STEP_RULE,
	STEP_POLICY,
	STEP_RETURN, /* the end of a user chain was reached: back to the rule after the jump */
	STEP_NAT,
	STEP_HEADERS, /* others were put around it or taken off: a tunnel */
	STEP_CONNTRACK,
	STEP_ROUTE,
	STEP_RP_FILTER,
	STEP_HOOK,
	STEP_DELIVER,
	STEP_TRANSMIT,
	STEP_DROP,
};

/* One lookup in one routing table. A decision takes several where a table has no route, or one that
 * a policy rule does not want. */
struct path_lookup {
	struct route_flow flow; /* has_src: not 0.0.0.0; uid and VRF are not told */
	uint32_t table;
	int error; /* 0: found */
};

/* Who gave a packet other addresses. */
enum nat_cause {
	NAT_CAUSE_UNKNOWN,
	NAT_CAUSE_RULE,	      /* of a chain of type nat */
	NAT_CAUSE_CONNECTION, /* what conntrack had of an earlier packet: no such chain was visited */
};

enum ct_state { CT_NONE, CT_NEW, CT_ESTABLISHED, CT_RELATED, CT_INVALID, CT_UNTRACKED };

/* Strings in a step are owned by the path's string pool unless said otherwise; NULL is "not known"
 * and JSON null. */
struct step {
	enum step_type type;
	uint8_t family; /* NFPROTO_* of the table; of the packet for steps that have no table */
	uint8_t hook;	/* number of that family; HOOK_NONE outside hooks */
	enum backend backend;
	enum verdict verdict;
	unsigned int ns; /* index of the namespace in the trace's set: one of the path's places */
	unsigned int visit; /* how many hooks it had entered by then; 0: not counted */
	union {
		struct { /* STEP_RULE, STEP_POLICY, STEP_RETURN */
			const char *table, *chain;
			uint64_t handle;    /* 0: has none */
			uint32_t number;    /* 1-based; 0: not known */
			const char *target; /* chain jumped to */
			/* Of the snapshot's texts, which outlives the path. */
			const char *action, *brief, *text, *comment;
			const char *no_text; /* why text is NULL though there is a rule */
			const char *element; /* of its verdict map, which decided; NULL: none */
			/* Who made it (struct explainer), and what it means there; NULL: not
			 * known. */
			const char *owner, *owner_mode, *owner_words;
			bool nat_chain;	  /* it chooses addresses: what it accepts, others may still
					     drop */
			int32_t priority; /* of its base chain */
			const struct rs_chain *known; /* what resolve() found in the first of the
							 rulesets that it may have met; else NULL */
			bool verdict_inferred; /* from what followed, not said by the kernel
						  (extension targets of iptables-legacy) */
		} rule;
		struct { /* STEP_NAT: the headers afterwards; either dnat or snat, a packet with
			    both gets two steps */
			bool dnat, snat;
			struct endpoint src, dst, from_src, from_dst;
			bool has_ports, from_ports;
			enum nat_cause cause;
			int by; /* index of the rule's step; -1: none is known */
		} nat;
		struct { /* STEP_HEADERS: those that the next hook sees */
			uint8_t family, proto; /* AF_*, IPPROTO_* */
			bool has_ports;
			struct endpoint src, dst;
		} headers;
		struct { /* STEP_CONNTRACK */
			enum ct_state state; /* CT_NONE: not said */
			uint32_t id;
			bool reply;
			/* What conntrack had when the packet was through: */
			bool has_entry, has_ports;
			bool nats; /* one direction is not the other one turned round */
			struct endpoint orig_src, orig_dst, reply_src, reply_dst;
			uint16_t zone;
			uint32_t mark;
			const char *tcp_state;
			bool skips_nat; /* there are chains of type nat, and it visited none of
					   them: its connection is known */
			const char *why; /* of INVALID and UNTRACKED */
			int by;		 /* index of the rule's step that did it; -1: none */
		} ct;
		struct {		    /* STEP_ROUTE */
			const char *result; /* unicast, local, …, as INTERFACE lists them */
			uint32_t table;	    /* RT_TABLE_*; 0: not known */
			int32_t rule;	    /* priority of the policy rule; -1: not known */
			const char *prefix, *dev, *gateway;
			int error;  /* negative errno of the lookup; 0: found */
			int type;   /* RTN_*, 0: not said */
			bool input; /* for a packet that arrived */
			const char *untold;	/* why rule or prefix is not known; NULL: it is */
			unsigned int at, n_asked; /* the lookups of the path that it took */
		} route;
		struct {			 /* STEP_RP_FILTER */
			int mode, all, dev_mode; /* effective, conf.all, conf.DEV; -1: not known */
			bool pass;
			const char *reason, *iif, *reverse_dev;
			bool looked; /* the way back was seen to be looked up; else nothing is known
					of it */
			int reverse_type; /* RTN_* of the way back; 0: none */
			int error;	  /* of its lookup; 0: found */
			uint32_t table;	  /* of the way back, as are these; as for STEP_ROUTE */
			int32_t rule;
			const char *result, *prefix, *gateway, *untold;
			unsigned int at, n_asked;
		} rpf;
		struct { /* STEP_HOOK */
			const char *function, *module;
			int32_t priority;
			uint32_t bpf_id; /* of its BPF program; 0: it has none, or it is not known */
			const char *bpf_name;
		} hookfn;
		struct { /* STEP_TRANSMIT */
			const char *dev;
		} transmit;
		struct { /* STEP_DELIVER */
			const char *state, *comm;
			int32_t pid;
		} deliver;
		struct { /* STEP_DROP */
			const char *reason, *location;
			const char *stack; /* functions, one a line, the innermost first */
			const char *oif;   /* the device that it was about to leave by; NULL: not known */
		} drop;
	};
};

enum { HOOK_NONE = 0xff };

enum path_verdict {
	PATH_UNKNOWN,
	PATH_ACCEPTED,
	PATH_DELIVERED,
	PATH_FORWARDED,
	PATH_TRANSMITTED,
	PATH_DROPPED,
	PATH_QUEUED,
	PATH_STOLEN,
};

enum certainty { CERTAIN_EXACT, CERTAIN_ORDER_AMBIGUOUS, CERTAIN_NOT };

struct path_netns {
	uint64_t inum;
	const char *name; /* "host", the name under /run/netns, or NULL */
};

/* One namespace that the packet was in. */
struct path_place {
	unsigned int ns; /* index in the trace's set */
	struct path_netns netns;
	uint32_t passed;	/* bit 1 << NF_INET_*: hooks that it left alive … */
	uint32_t bridge_passed; /* … and those of a bridge */
	char iif[IFNAME_MAX];	/* by which it came in; empty: not known, or by several */
};

struct path {
	uint64_t id; /* 1, 2, … in the order of printing */
	const char *engine;
	uint64_t time_ns; /* CLOCK_REALTIME of its first event */
	struct path_place *places; /* each namespace once, the first one first */
	size_t n_places;	   /* at least 1 */
	size_t here;		   /* where it is now, in the end where it was last */
	struct {
		const char *state, *comm; /* state NULL: it is not of this host, or not known */
		int32_t pid;		  /* 0: not known */
		uint64_t received; /* path that ended at the same process last; 0: none */
	} origin;		   /* the socket that it is from */
	bool alone;		   /* its drop is all that was seen of it */
	bool is_copy;		   /* it began as a copy of another packet … */
	uint64_t copy_of;	   /* … whose path has this id; 0: it was not shown */
	struct packet packet;	   /* as it was first seen */
	struct step *steps;
	size_t n_steps, cap_steps;
	struct path_lookup *lookups; /* in routing tables, in the order of the steps */
	unsigned int n_lookups, cap_lookups;
	enum path_verdict verdict;
	int decided_by; /* index into steps; -1: no step decided */
	enum certainty certainty;
	const char *because;	      /* why it is not exact; NULL when it is */
	uint64_t lost;		      /* events lost while it was in flight */
	uint64_t after_ns, before_ns; /* CLOCK_MONOTONIC: it met the rules between these two */
	uint64_t heard_ns;	      /* likewise: of the last that was heard of it */
	uint8_t last_hook;	      /* the hook that it entered or left last; HOOK_NONE: none */
	bool left_last;		      /* … and it left that one */
	uint8_t last_family;	      /* NFPROTO_* of that hook */
	unsigned int visit;	      /* hooks that it entered, where they are counted */
	const char
		*unseen; /* what this engine could not see and would matter here; NULL: nothing */
	bool finds_replies; /* with --conn: by what NAT made of it, too */
	bool by_conntrack; /* a function of conntrack dropped it, or is among those that may have */
	const char *refused; /* by routing: as route-check names it; NULL: it was not, or it cannot be
				said */
	const char *refusal; /* the same as a sentence */
	const char *symptom;   /* row of src/symptoms.c that fits; NULL: none */
	const char *diagnosis; /* what went wrong, in its words; NULL: nothing to say */
	const char *fix; /* what would let the packet through; NULL: nothing to say */
	struct strpool *strings;
};

struct path *path_new(void);
void path_free(struct path *p);

/* It is in this namespace now. Returns its place; NULL: out of memory, it stays where it was. */
struct path_place *path_move(struct path *p, unsigned int ns);
/* The place of this namespace; NULL: it was not there. */
struct path_place *path_place(const struct path *p, unsigned int ns);

static inline struct path_place *path_here(const struct path *p)
{
	return &p->places[p->here];
}

/*
 * Appends an empty step of this type, in the namespace and hook where it is now, and returns it;
 * valid until the next call. NULL: out of memory. Numbers that a step gives -1 for "not known" begin
 * so.
 */
struct step *path_add(struct path *p, enum step_type type, uint8_t family, uint8_t hook);
/* The same before index `at`; decided_by moves with its step. */
struct step *path_insert(struct path *p, size_t at, enum step_type type, uint8_t family,
			 uint8_t hook);

/* Its addresses and ports, as they are somewhere on its way. */
struct path_ends {
	uint8_t family, proto; /* AF_* and IPPROTO_*, as the packet's own */
	bool has_ports;
	struct endpoint src, dst;
};

/* As they were first seen. */
struct path_ends path_ends(const struct path *p);
/* What this step makes of them, if anything. */
void path_ends_pass(struct path_ends *e, const struct step *s);

/* Appends one. False: out of memory. */
bool path_add_lookup(struct path *p, const struct path_lookup *lookup);

/* A copy of s that lives as long as the path, equal strings being one; NULL for NULL and when out
 * of memory. */
const char *path_str(struct path *p, const char *s);
const char *path_strf(struct path *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Lowers the certainty, never raises it; the first reason of the lowest level stays. */
void path_doubt(struct path *p, enum certainty c, const char *because);

const char *step_type_name(enum step_type t);
const char *path_verdict_name(enum path_verdict v);
const char *certainty_name(enum certainty c);
const char *ct_state_name(enum ct_state s);

#endif
