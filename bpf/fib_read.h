/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One question to fib_read.bpf.c, and its answer: shared with user space as event.h is. */
#ifndef NFPATH_BPF_FIB_READ_H
#define NFPATH_BPF_FIB_READ_H

#ifndef __VMLINUX_H__
#include <linux/types.h>
#endif

enum { NFP_FIB_LEGS = 16 };

enum nfp_fib_state {
	NFP_FIB_UNREADABLE, /* or more than is told here: an object as next hop, one without carrier, too many */
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

/* A route of one IPv4 table with this prefix: those before it are skipped. */
struct nfp_fib_read {
	/* The question. */
	__u32 table;
	__u32 prefix; /* host order, zero behind its length */
	__u32 skip;
	__u8 plen;
	__u8 type; /* RTN_*; 0: any */
	__u8 pad[2];
	/* The answer. */
	__u32 state; /* enum nfp_fib_state */
	__u32 metric;
	__u32 prefsrc; /* network order */
	__u32 n_legs;
	__u8 found_type, tos, scope, protocol;
	__u8 realms;
	__u8 pad2[3];
	struct nfp_fib_leg legs[NFP_FIB_LEGS];
};

_Static_assert(sizeof(struct nfp_fib_read) == 40 + NFP_FIB_LEGS * 24, "padding would differ");

#endif
