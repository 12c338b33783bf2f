/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The records that the kernel programs hand to user space through one ring buffer. The only header that both sides include:
 * fixed-width types, no implicit padding, sizes asserted where it is compiled. Addresses and ports are in network order,
 * everything else is in host order.
 */
#ifndef NFPATH_BPF_EVENT_H
#define NFPATH_BPF_EVENT_H

#ifndef __bpf__
#include <linux/types.h>
#endif

enum nfp_type {
	NFP_MESSAGE,  /* struct nfp_message */
	NFP_FIB4,     /* struct nfp_fib */
	NFP_FIB6,     /* struct nfp_fib */
	NFP_KFREE,    /* struct nfp_skb: dropped */
	NFP_TRANSMIT, /* struct nfp_skb: given to a device's queue */
	NFP_TYPES,
};

enum {
	NFP_DEV_LEN = 16,    /* IFNAMSIZ */
	NFP_HEADER_LEN = 64, /* bytes kept from the network header on */
	NFP_HELD = 4,	     /* lookups kept per CPU in case a message follows */
	NFP_SOCKETS = 1024,
	NFP_PREFIX_UNKNOWN = 0xff,
};

/* Every record begins with this. Records of one CPU stand in the order in which that CPU did them. */
struct nfp_event {
	__u32 type;  /* enum nfp_type */
	__u32 cpu;
	__u64 ktime; /* ns, CLOCK_MONOTONIC */
	__u32 pid;   /* of the process that ran on the CPU: the sender for local output, else an innocent bystander */
	__u32 netns; /* inum of nsfs; 0: not known */
};

enum {
	NFP_MSG_GONE = 1,   /* it was read before we could look at it: nlmsg_* and trace_id are 0 */
	NFP_MSG_UNSURE = 2, /* several CPUs queued at once and none of the messages is known to be from this one */
};

/* One datagram was queued on a registered socket. A datagram that the socket had no room for (ENOBUFS) leaves no record. */
struct nfp_message {
	struct nfp_event ev;
	__u64 cookie; /* of the socket */
	__u32 socket; /* as raw_tp_add_socket() returned it */
	__u32 trace_id; /* NFTA_TRACE_ID; 0: not an nft trace message */
	__u32 nlmsg_len;
	__u16 nlmsg_type;
	__u8 flags; /* NFP_MSG_* */
	__u8 pad;
};

/* One lookup in one FIB table. */
struct nfp_fib {
	struct nfp_event ev;
	__u8 src[16], dst[16]; /* of the flow; IPv4: the first 4 bytes */
	__u32 table;
	__s32 error;	       /* 0: found; -EAGAIN (11): not in this table, the next rule is asked */
	__u32 iif, oif, mark;  /* of the flow */
	__u16 sport, dport;    /* 0 unless a policy rule looks at them or the packet leaves this host */
	__u8 family;	       /* AF_INET, AF_INET6 */
	__u8 proto, tos;
	__u8 result;	       /* RTN_*; 0: not known */
	__u8 prefix_len;       /* NFP_PREFIX_UNKNOWN: not known (IPv4 always) */
	__u8 gw_family;	       /* 0: no gateway */
	__u8 scope;	       /* RT_SCOPE_* of the next hop (IPv4) */
	__u8 protocol;	       /* RTPROT_* of the route */
	__u32 metric;
	__u32 ifindex;	       /* next hop; 0: none */
	__u8 gw[16];
	char dev[NFP_DEV_LEN];
};

/* A traced packet (nf_trace) left the stack in some way. */
struct nfp_skb {
	struct nfp_event ev;
	__u64 skb;	/* address: the same packet until it is freed, then free for reuse */
	__u64 location; /* code address that freed it; 0 for NFP_TRANSMIT */
	__u32 reason;	/* enum skb_drop_reason of the running kernel; 0: this kernel has none */
	__u32 ifindex;	/* of skb->dev; 0: none */
	__u32 iif;	/* skb->skb_iif: the device by which it came; 0: local */
	__u32 mark;
	__u32 len;	/* skb->len */
	__u16 protocol; /* ethertype, network order */
	__u16 header_len; /* bytes in header[] */
	char dev[NFP_DEV_LEN];
	__u8 header[NFP_HEADER_LEN];
};

_Static_assert(sizeof(struct nfp_event) == 24, "shared with user space");
_Static_assert(sizeof(struct nfp_message) == 24 + 24, "shared with user space");
_Static_assert(sizeof(struct nfp_fib) == 24 + 104, "shared with user space");
_Static_assert(sizeof(struct nfp_skb) == 24 + 40 + 16 + 64, "shared with user space");

#endif
