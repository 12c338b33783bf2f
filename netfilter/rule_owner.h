/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whose a rule is that a packet met, and what it means there, by the same explainers as `nfpath
 * explain`. Rules are read one by one when they are first asked for, and the answer is kept as long
 * as the generation of the ruleset that it was made for.
 */
#ifndef NFPATH_NETFILTER_RULE_OWNER_H
#define NFPATH_NETFILTER_RULE_OWNER_H

#include "netfilter/ruleset.h"

struct rule_owners;

/* Names of containers, and of the bridges that they are on. open() looks at the host; NULL: nobody has a name. */
struct owner_host {
	void *(*open)(void *data);
	const char *(*name)(void *host, uint8_t family, const uint8_t *addr);
	const char *(*bridge)(void *host, uint8_t family, const uint8_t *addr);
	void (*close)(void *host);
};

/* s is borrowed. NULL: out of memory. */
struct rule_owners *rule_owners_open(struct nf_source *s, const struct owner_host *host,
				     void *host_data);
void rule_owners_close(struct rule_owners *o);

/* What is known of the packet when it met the rule; of verdict maps it tells the element. */
struct owner_packet {
	uint8_t family;		      /* NFPROTO_IPV4, NFPROTO_IPV6; 0: neither */
	uint8_t proto;		      /* 0: not known */
	const uint8_t *saddr, *daddr; /* NULL: not known */
	bool has_ports;
	uint16_t sport, dport;
};

struct owner_hit {
	struct ruleset *rs;	      /* that the packet met, for certain */
	const struct rs_chain *chain; /* of rs */
	uint32_t number;
	enum verdict verdict; /* as the kernel said */
	const char *target;   /* NULL: none */
	bool same_sets;	      /* named sets hold what they held when the packet came */
	struct owner_packet packet;
};

struct rule_owner {
	const char *name, *mode; /* as those of struct explainer; name NULL: no owner is known */
	const char *words;	 /* NULL: nothing is known but the owner */
};

/* Fills *out, whose strings are valid until the next call. */
void rule_owner(struct rule_owners *o, const struct owner_hit *hit, struct rule_owner *out);

#endif
