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
	/* Those above are of the netlink engine too. */
	NFP_SIGHT,    /* struct nfp_sight */
	NFP_VISIT,    /* struct nfp_visit */
	NFP_CHAIN,    /* struct nfp_chain */
	NFP_KEY,      /* struct nfp_key */
	NFP_GONE,     /* struct nfp_gone */
	NFP_COMMIT,   /* struct nfp_event: the rules of nf_tables in its namespace are others now */
	NFP_TYPES,
	NFP_RAW_TYPES = NFP_SIGHT,
};

enum {
	NFP_DEV_LEN = 16,    /* IFNAMSIZ */
	NFP_HEADER_LEN = 64, /* bytes kept from the network header on */
	NFP_HELD = 4,	     /* lookups kept per CPU in case a message follows */
	NFP_SOCKETS = 1024,
	NFP_PREFIX_UNKNOWN = 0xff,
	NFP_NAME_LEN = 256,   /* NFT_NAME_MAXLEN */
	NFP_STEPS = 16,	      /* steps of one record of a visit; a longer one takes several */
	NFP_STACK = 16,	      /* NFT_JUMP_STACK_SIZE */
	NFP_KEY_LEN = 64,     /* NFT_DATA_VALUE_MAXLEN */
	NFP_PACKETS = 1 << 16, /* followed at a time */
	NFP_VISITS = 1024,    /* base chains being walked at a time */
	NFP_COUNTERS = 64,    /* programs whose left out runs are looked at packet by packet */
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
	__u32 id;	/* of the packet, where it is followed (struct nfp_sight); else 0 */
	__u32 in_visit; /* nft_do_chain() freed it: the record of that visit is still to come */
	char dev[NFP_DEV_LEN];
	__u8 header[NFP_HEADER_LEN];
};

/* --- packets that are followed by their skb --- */

/* Which packets to follow. Coarse: it may take too many, never too few. Addresses and ports in network order. */
struct nfp_filter {
	__u32 src[4], src_mask[4], dst[4], dst_mask[4], addr[4], addr_mask[4]; /* addr: either side; mask all 0: any */
	__u32 mark, mark_mask;
	__u16 sport[2], dport[2], port[2]; /* host order, both included; [1] 0: any */
	__u8 family;			   /* AF_*; 0: any packet, IP or not */
	__u8 proto;			   /* 0: any */
	__u8 has_src, has_dst, has_addr, has_ports, has_proto, pad[1];
};

/* What is known of a followed packet: the values of the map `packets`, by the address of the skb. */
struct nfp_followed {
	__u32 id;
	__u32 netns;   /* where it was seen last */
	__u64 print;   /* of its addresses and ports then */
	__u64 seen;    /* ktime */
	__u32 copy_of; /* 0: none */
	__u8 shown;    /* it has been seen in a hook; else it is a copy that has not */
	__u8 in_visit; /* nft_do_chain() is at it */
	__u8 pad[2];
};

enum { NFP_ENTER, NFP_LEAVE };
enum {
	NFP_SIGHT_BEGINS = 1, /* its id is new */
	NFP_SIGHT_FULL = 2,   /* the record goes on to its end; else it ends before in[] */
};
enum { NFP_CT_NONE = 0xff };

/* A followed packet enters a hook, or every function of the hook let it pass. */
struct nfp_sight {
	struct nfp_event ev;
	__u32 id;      /* of the packet; never given twice */
	__u32 copy_of; /* the packet that it was cloned from; 0: none */
	__u32 mark, len;
	__u32 iif, oif;	      /* 0: none */
	__u16 protocol;	      /* ethertype, network order */
	__u16 header_len;     /* bytes in header[] */
	__u8 pf, hook;
	__u8 what;	      /* NFP_ENTER, NFP_LEAVE */
	__u8 flags;	      /* NFP_SIGHT_* */
	__u8 ct;	      /* enum ip_conntrack_info; NFP_CT_NONE */
	__u8 ll_len;	      /* bytes in ll[] */
	__u8 pad[6];
	char in[NFP_DEV_LEN], out[NFP_DEV_LEN];
	__u8 ll[16];
	__u8 header[NFP_HEADER_LEN];
};

/* What a rule of a visit did. */
struct nfp_step {
	__u64 chain;   /* address: struct nfp_chain tells its name */
	__u64 handle;  /* of the rule */
	__u64 target;  /* address of the chain that it chose; 0: none */
	__s32 verdict; /* NF_*, NFT_* */
	__u32 keyed;   /* a struct nfp_key of this packet, the oldest one unused, belongs to it */
};

enum {
	NFP_VISIT_PART = 1,    /* it goes on in the next record of this packet and base chain */
	NFP_VISIT_POLICY = 2,  /* no rule ended it: the policy did */
	NFP_VISIT_UNKNOWN = 4, /* a rule could not be named: it was replaced meanwhile */
	NFP_VISIT_NEXT = 8,    /* it is the continuation of a NFP_VISIT_PART */
};

/* One walk through a base chain, the chains that it jumps to included: nft_do_chain(). Only n steps are there. */
struct nfp_visit {
	struct nfp_event ev; /* at its end */
	__u64 began;	     /* ktime */
	__u64 base;	     /* chain, address */
	__u64 gen;	     /* of the chains' addresses */
	__u32 id;
	__s32 verdict;	     /* what it returned */
	__u8 pf, hook;
	__u8 flags;	     /* NFP_VISIT_* */
	__u8 policy;	     /* NF_* */
	__u32 n;
	struct nfp_step steps[NFP_STEPS];
};

/* The name of a chain, before its address is first used in a generation. */
struct nfp_chain {
	struct nfp_event ev;
	__u64 chain, gen;
	__u32 family; /* NFPROTO_* of its table */
	__u32 pad;
	char table[NFP_NAME_LEN], name[NFP_NAME_LEN];
};

/* The key with which a verdict map was asked. */
struct nfp_key {
	struct nfp_event ev;
	__u32 id;
	__u32 len;
	char set[NFP_NAME_LEN];
	__u8 key[NFP_KEY_LEN];
};

/* The memory of a followed packet was freed. */
struct nfp_gone {
	struct nfp_event ev;
	__u32 id;
	__u16 dropped;
	__u16 unsure; /* what it did last was not seen */
};

_Static_assert(sizeof(struct nfp_event) == 24, "shared with user space");
_Static_assert(sizeof(struct nfp_message) == 24 + 24, "shared with user space");
_Static_assert(sizeof(struct nfp_fib) == 24 + 104, "shared with user space");
_Static_assert(sizeof(struct nfp_skb) == 24 + 48 + 16 + 64, "shared with user space");
_Static_assert(sizeof(struct nfp_filter) == 96 + 8 + 12 + 8, "shared with user space");
_Static_assert(sizeof(struct nfp_followed) == 32, "shared with user space");
_Static_assert(sizeof(struct nfp_sight) == 24 + 40 + 32 + 16 + 64, "shared with user space");
_Static_assert(sizeof(struct nfp_step) == 32, "shared with user space");
_Static_assert(sizeof(struct nfp_visit) == 24 + 40 + NFP_STEPS * 32, "shared with user space");
_Static_assert(sizeof(struct nfp_chain) == 24 + 24 + 2 * NFP_NAME_LEN, "shared with user space");
_Static_assert(sizeof(struct nfp_key) == 24 + 8 + NFP_NAME_LEN + NFP_KEY_LEN, "shared with user space");
_Static_assert(sizeof(struct nfp_gone) == 24 + 8, "shared with user space");

#endif
