/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One question to fib_read.bpf.c or fib6_read.bpf.c, and its answer: shared with user space as event.h is. */
#ifndef NFPATH_BPF_FIB_READ_H
#define NFPATH_BPF_FIB_READ_H

#ifndef __VMLINUX_H__
#include <linux/types.h>
#endif

enum nfp_fib_state {
	NFP_FIB_UNREADABLE, /* or more than is told here: an object as next hop, one without carrier */
	NFP_FIB_NONE,	    /* no such route, or no such table */
	NFP_FIB_FOUND,
};

struct nfp_fib_leg {
	__u32 ifindex;
	__u8 gw[16];
	__u8 gw_family; /* 0: none */
	__u8 flags;	/* RTNH_F_* */
	__u8 pad[2];
};

/* A route of one IPv4 table with this prefix, and one of its next hops. */
struct nfp_fib_read {
	/* The question. */
	__u32 table;
	__u32 prefix; /* host order, zero behind its length */
	__u32 skip;   /* routes before it */
	__u32 leg;
	__u8 plen;
	__u8 type; /* RTN_*; 0: any */
	__u8 pad[2];
	/* The answer. */
	__u32 state;   /* enum nfp_fib_state */
	__u64 info;    /* address: a route that is changed is another one */
	__u32 metric;
	__u32 prefsrc; /* network order */
	__u32 n_legs;
	__u8 found_type, tos, scope, protocol;
	struct nfp_fib_leg at; /* if there is such a leg */
	__u8 realms;	       /* it has one */
	__u8 pad2[7];
};

/* A route of one IPv6 table with this prefix, and the least metric. */
struct nfp_fib6_read {
	/* The question. */
	__u32 table;
	__u32 prefix[4]; /* host order, zero behind its length */
	__u32 plen;
	__u32 type; /* RTN_*, one that refuses */
	/* The answer. */
	__u32 state; /* enum nfp_fib_state */
	__u32 metric;
	__u32 protocol;
};

_Static_assert(sizeof(struct nfp_fib_read) == 48 + 24 + 8, "padding would differ");

#endif
