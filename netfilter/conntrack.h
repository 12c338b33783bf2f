/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What conntrack has of a connection now, by the addresses of one of its packets. Asking changes
 * nothing in the kernel and loads no module. */
#ifndef NFPATH_NETFILTER_CONNTRACK_H
#define NFPATH_NETFILTER_CONNTRACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct nlmsghdr;

/* One direction. Addresses in network order, the first 4 bytes for IPv4; ports in host order. */
struct ct_tuple {
	uint8_t family; /* AF_INET, AF_INET6 */
	uint8_t proto;
	uint8_t src[16], dst[16];
	uint16_t sport, dport;	       /* 0 where the protocol has none */
	uint8_t icmp_type, icmp_code;  /* echo and the like */
	uint16_t icmp_id;
};

struct ct_entry {
	struct ct_tuple orig, reply;
	uint32_t id;	    /* nf_ct_get_id(); 0: not said */
	uint32_t status;    /* IPS_* */
	uint32_t mark;
	uint16_t zone;	    /* of either direction */
	uint8_t tcp_state;  /* enum tcp_conntrack; 0: none */
};

struct conntrack;

/* netns_fd is borrowed, and must stay open; no socket is opened before the first question. NULL: out
 * of memory. */
struct conntrack *conntrack_open(int netns_fd);
void conntrack_close(struct conntrack *c);

/*
 * The connection that has this tuple in one of its directions, in this zone. 0; -ENOENT: there is none;
 * -EOPNOTSUPP: the kernel cannot be asked without loading a module (nf_conntrack_netlink); or
 * another negative errno.
 */
int conntrack_get(struct conntrack *c, const struct ct_tuple *t, uint16_t zone,
		  struct ct_entry *e);

/* Has conntrack dropped packets of this namespace since conntrack_open() (its table was full, or two
 * packets began the same connection)? 1, 0; a negative errno: it is not said. */
int conntrack_has_dropped(struct conntrack *c);

/*
 * Has conntrack taken a packet of this namespace for invalid between conntrack_open() and until_ns
 * (CLOCK_MONOTONIC), or later? Errors of ICMP are not counted. 1, 0; a negative errno: it is not said.
 */
int conntrack_has_refused(struct conntrack *c, uint64_t until_ns);

/* How many connections it has in this namespace now, and how many it may have. 0 or a negative errno. */
int conntrack_fill(const struct conntrack *c, unsigned int *count, unsigned int *max);

/* Is the packet of this tuple one of the reply direction? */
bool conntrack_is_reply(const struct ct_entry *e, const struct ct_tuple *t);

/* One message of ctnetlink. 0, or -EBADMSG; never reads past nlh->nlmsg_len. */
int conntrack_decode(const struct nlmsghdr *nlh, struct ct_entry *e);

/* "SYN_SENT", …; NULL: not known. */
const char *conntrack_tcp_state(uint8_t state);

#endif
