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
	NFP_XT,       /* struct nfp_xt_visit */
	NFP_XT_REPLACED, /* struct nfp_event: a table of iptables-legacy is another one now */
	NFP_ROUTE,    /* struct nfp_route */
	NFP_SENT,     /* struct nfp_sent */
	NFP_TYPES,
	NFP_RAW_TYPES = NFP_SIGHT,
};

enum {
	NFP_DEV_LEN = 16,    /* IFNAMSIZ */
	NFP_HEADER_LEN = 64, /* bytes kept from the network header on */
	NFP_HELD = 4,	     /* lookups kept per CPU in case a message follows */
	NFP_RECENT = 128,    /* lookups told per CPU after a message or a sight: a packet's own ask up to 2 x 32 tables */
	NFP_SOCKETS = 1024,
	NFP_PREFIX_UNKNOWN = 0xff,
	NFP_NAME_LEN = 256,   /* NFT_NAME_MAXLEN */
	NFP_STEPS = 16,	      /* steps of one record of a visit; a longer one takes several */
	NFP_STACK = 16,	      /* NFT_JUMP_STACK_SIZE */
	NFP_KEY_LEN = 64,     /* NFT_DATA_VALUE_MAXLEN */
	NFP_REPLIES = 1 << 16, /* that are expected at a time, the least recently known is forgotten */
	NFP_PACKETS = 1 << 17, /* places of those that are followed: one whose eight are taken is counted as lost */
	NFP_VISITS = 1024,    /* base chains being walked at a time */
	NFP_STACK_DEPTH = 32,  /* functions of a stack that are told */
	NFP_STACKS = 1024,    /* different stacks that are told */
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
	NFP_MSG_GONE = 1,   /* it was read before we could look at it: nlmsg_* and number are 0 */
	NFP_MSG_UNSURE = 2, /* several CPUs queued at once and none of the messages is known to be from this one */
};

/* One datagram was queued on a registered socket. A datagram that the socket had no room for (ENOBUFS) leaves no record. */
struct nfp_message {
	struct nfp_event ev;
	__u64 cookie; /* of the socket */
	__u32 socket; /* as raw_tp_add_socket() returned it */
	__u32 number; /* NFTA_TRACE_ID of an nft trace message, NFULA_SEQ of a line of nfnetlink_log; else 0 */
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

/* The route that an arrived packet has in its first hook, where that is behind its routing decision. Of the flow only iif is there; IPv4
 * does not tell the table. */
struct nfp_route {
	struct nfp_fib fib;
	__u32 id; /* of the packet */
	__u32 pad;
};

enum { NFP_SKB_ALONE = 1 }; /* neither traced nor followed: nothing else is told of it */

/* A packet left the stack in some way: a traced one (nf_trace), or one that is followed and dropped; of drops, any that is asked for. */
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
	__u8 header_len; /* bytes in header[] */
	__u8 flags;	/* NFP_SKB_* */
	__u32 id;	/* of the packet, where it is followed (struct nfp_sight); else 0 */
	__u32 in_visit; /* nft_do_chain() freed it: the record of that visit is still to come */
	__s32 stack;	/* id in the map `stacks`, addresses, the innermost first; negative: none */
	__u32 pad;
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
	__u8 has_src, has_dst, has_addr, has_ports, has_proto;
	__u8 sport_asked; /* ports[] looks at the source's, too */
	/* Ports as they stand in the packet: what differs from the first, and from the second if that has a mask, is none that it wants. */
	struct {
		__u32 mask, want;
	} ports[2];
};

/* Without a look at more than both ports, the source's first, as they stand in the packet. */
static inline int nfp_ports_differ(const volatile struct nfp_filter *f, __u32 ports)
{
	return (ports ^ f->ports[0].want) & f->ports[0].mask &&
	       (!f->ports[1].mask || (ports ^ f->ports[1].want) & f->ports[1].mask);
}

/* While there are none, every program ends at once. */
struct nfp_watched {
	__s32 followed; /* packets */
	__s32 open; /* traversals of tables of iptables-legacy, on all CPUs */
} __attribute__((aligned(8)));

/* What is known of a followed packet: the values of the map `packets`. */
struct nfp_followed {
	__u64 skb;     /* address; 0: nobody's */
	__u32 id;
	__u32 netns;   /* where it was seen last */
	__u64 print;   /* of its addresses and ports then */
	__u64 seen;    /* ktime */
	__u32 copy_of; /* 0: none */
	__u8 shown;    /* it has been seen in a hook; else it is a copy that has not */
	__u8 in_visit; /* nft_do_chain() is at it; NFP_IN_LEGACY: or a table of iptables-legacy */
	__u8 slot;     /* of xt_slots, where that is */
	__u8 reply;    /* it was selected as one */
	__u32 visit;   /* the place of its walk, from 1 on, whose end is not watched; 0: none */
	__u32 hooks;   /* that it has entered and not left */
	__u64 state;   /* address of the struct nf_hook_state of the hook that it is in; 0: in none, or not known */
	__u64 task;    /* task_now() when it entered that */
};

enum { NFP_IN_LEGACY = 2 };
enum { NFP_ENTER, NFP_LEAVE };
enum {
	NFP_SIGHT_BEGINS = 1, /* its id is new */
	NFP_SIGHT_FULL = 2,   /* the record goes on to its end; else it ends before in[] */
	NFP_SIGHT_REPLY = 4,  /* it was selected as an answer to another */
	NFP_SIGHT_LEARNED = 8, /* what answers it will be selected */
	NFP_SIGHT_NESTED = 16, /* it interrupts one of our programs, which is left out for it (bpf/nested.h) */
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
	NFP_VISIT_LEFT = 16,   /* the packet left its hook with it, unchanged: a NFP_LEAVE in the same record */
	NFP_VISIT_LEARNED = 32, /* NFP_SIGHT_LEARNED of that */
};

/* One walk through a base chain, the chains that it jumps to included: nft_do_chain(). Only n steps are there. */
struct nfp_visit {
	struct nfp_event ev; /* at its end */
	__u64 began;	     /* ktime, when the packet was seen last before it */
	__u64 base;	     /* chain, address */
	__u64 gen;	     /* of the chains' addresses */
	__u32 id;
	__s32 verdict;	     /* what it returned */
	__u8 pf, hook;
	__u8 flags;	     /* NFP_VISIT_* */
	__u8 policy;	     /* NF_* */
	__u16 n;
	__u8 ct; /* of NFP_VISIT_LEFT, as of a sight */
	__u8 pad;
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

/* A followed packet was given to a device's queue. What it looks like is known from the hook before. */
struct nfp_sent {
	struct nfp_event ev;
	__u32 id;
	__u32 pad;
	char dev[NFP_DEV_LEN];
};

/* --- iptables-legacy --- */

enum {
	NFP_XT_NAME = 32,	  /* XT_TABLE_MAXNAMELEN */
	NFP_XT_HOOKS = 5,	  /* NF_INET_NUMHOOKS */
	NFP_XT_HITS = 256,	  /* rules that one traversal may hit */
	NFP_XT_CANDIDATES = 1024, /* rules whose addresses, devices and protocol fit */
	NFP_XT_SEEN = 512,	  /* chains that one traversal may come to; a power of two */
	NFP_XT_DEPTH = 64,	  /* jumps within jumps */
	NFP_XT_SLOTS = 128,	  /* traversals under way at a time; a power of two, in a byte */
	NFP_XT_CPUS = 1024,
};

/* What a rule does when it matches, as far as the walk is concerned. */
enum nfp_xt_kind {
	NFP_XT_NEXT, /* goes on, or its extension says */
	NFP_XT_END,
	NFP_XT_RETURN,
	NFP_XT_JUMP,
	NFP_XT_GOTO,
};

enum {
	NFP_XT_PLAIN = 1,  /* it has no matches: addresses, devices and protocol are all */
	NFP_XT_FRAG = 2,   /* only later fragments (IPT_F_FRAG) */
	NFP_XT_PROTO6 = 4, /* IP6T_F_PROTO */
	NFP_XT_BY_SRC = 8, /* of the run that begins here: by source */
	NFP_XT_PORTS = 16, /* a match of tcp or udp asks for ports … */
	NFP_XT_INV_SPORT = 32,
	NFP_XT_INV_DPORT = 64,
};

/* invflags of struct ipt_ip and struct ip6t_ip6 */
enum {
	NFP_XT_INV_IN = 1,
	NFP_XT_INV_OUT = 2,
	NFP_XT_INV_SRC = 8,
	NFP_XT_INV_DST = 0x10,
	NFP_XT_INV_FRAG = 0x20,
	NFP_XT_INV_PROTO = 0x40,
};

/*
 * One entry of a table, as user space tells it to the programs: an array for each table, in the order of the entries. Behind the
 * entries stand the patterns of devices: name in src, mask in smask.
 *
 * A run is a stretch of rules in one chain whose addresses, of one side, have the same mask. Only those in the bucket of the packet's
 * address (NFP_XT_BUCKET) can match: `head` of the run's place with the bucket's number is the first of them, their `next` leads from
 * one to the other, and in the end behind the run.
 */
struct nfp_xt_node {
	__u32 src[4], smask[4], dst[4], dmask[4];
	__u32 counters; /* where its counters are, from the first entry on */
	__u32 next;	/* if it does not match */
	__u32 target;	/* of JUMP and GOTO */
	__u32 in, out;	/* place of the device's pattern; 0: any */
	__u32 run;	/* rules of the run that begins here; 0: none does */
	__u32 head;
	__u16 sport[2], dport[2]; /* from … to, host order */
	__u8 proto;	/* 0: any */
	__u8 invert;	/* NFP_XT_INV_* */
	__u8 kind;	/* enum nfp_xt_kind */
	__u8 flags;	/* NFP_XT_PLAIN … NFP_XT_INV_DPORT */
};

static inline __attribute__((always_inline)) __u32 nfp_xt_bucket(const __u32 *addr, const __u32 *mask, __u32 n)
{
	__u64 h = (__u64)(addr[0] & mask[0]) << 32 | (addr[1] & mask[1]);

	h = (h ^ (__u64)(addr[2] & mask[2]) << 32 ^ (addr[3] & mask[3])) * 0x9e3779b97f4a7c15ull;
	return (__u32)(h >> 32) % n;
}

/* Rules in force: what is known of a struct xt_table_info. A replaced table is another one. */
struct nfp_xt_info {
	__u32 serial; /* never given twice */
	__u32 ready;  /* the nodes are there, and what follows */
	__u32 entry[NFP_XT_HOOKS], underflow[NFP_XT_HOOKS]; /* nodes */
};

/* Which rules a table has, as xt_find_table_lock() found it last. */
struct nfp_xt_table {
	__u32 netns, pf;
	char name[NFP_XT_NAME];
};

struct nfp_xt_found {
	__u64 info;
	__u32 serial;
	__u32 changes; /* how often it was found with others since it was first found */
};

struct nfp_xt_hit {
	__u32 node, times;
};

enum {
	NFP_XT_UNKNOWN = 1,  /* the rules in force have not been read (yet) */
	NFP_XT_OVERFLOW = 2, /* more rules may match, or did, than there is room for */
	NFP_XT_REPLACING = 4, /* they were replaced before the traversal came to its end */
	NFP_XT_MISSED = 8,   /* its beginning was missed */
	NFP_XT_BEFORE = 64,  /* the end of a walk before it was missed */
	NFP_XT_DISTURBED = 32, /* another one began on its CPU while counters were read */
	NFP_XT_CHANGED = 16, /* the packet has other addresses in the end */
};

/* One traversal of a table: ipt_do_table(), ip6t_do_table(). Only n hits are there, in no order. */
struct nfp_xt_visit {
	struct nfp_event ev; /* at its end */
	__u64 began;	     /* ktime */
	__u32 id;     /* of the packet; 0: nobody asked for it, but one that is followed was interrupted by it */
	__u32 serial; /* of the rules; 0: not known */
	__u32 verdict; /* that the function returned */
	__u32 cpu;     /* on which it began */
	__u32 first, last; /* traversals counted on that CPU: this one, and the last one that began before its end */
	__u32 recseq[2];   /* xt_recseq of that CPU: before the first counter was read, and after the last one */
	__u8 pf, hook;
	__u8 flags; /* NFP_XT_UNKNOWN … */
	__u8 pad[5];
	char table[NFP_XT_NAME];
	__u32 n, n_candidates;
	struct nfp_xt_hit hits[NFP_XT_HITS];
};

_Static_assert(sizeof(struct nfp_xt_node) == 104, "shared with user space");
_Static_assert(sizeof(struct nfp_xt_info) == 48, "shared with user space");
_Static_assert(sizeof(struct nfp_xt_table) == 40, "shared with user space");
_Static_assert(sizeof(struct nfp_xt_found) == 16, "shared with user space");
_Static_assert(sizeof(struct nfp_xt_visit) == 24 + 88 + NFP_XT_HITS * 8, "shared with user space");
_Static_assert(sizeof(struct nfp_event) == 24, "shared with user space");
_Static_assert(sizeof(struct nfp_message) == 24 + 24, "shared with user space");
_Static_assert(sizeof(struct nfp_fib) == 24 + 104, "shared with user space");
_Static_assert(sizeof(struct nfp_route) == 24 + 104 + 8, "shared with user space");
_Static_assert(sizeof(struct nfp_skb) == 24 + 56 + 16 + 64, "shared with user space");
_Static_assert(sizeof(struct nfp_filter) == 96 + 8 + 12 + 8 + 16, "shared with user space");
_Static_assert(sizeof(struct nfp_followed) == 64, "shared with user space");
_Static_assert(sizeof(struct nfp_sight) == 24 + 40 + 32 + 16 + 64, "shared with user space");
_Static_assert(sizeof(struct nfp_step) == 32, "shared with user space");
_Static_assert(sizeof(struct nfp_visit) == 24 + 40 + NFP_STEPS * 32, "shared with user space");
_Static_assert(sizeof(struct nfp_chain) == 24 + 24 + 2 * NFP_NAME_LEN, "shared with user space");
_Static_assert(sizeof(struct nfp_key) == 24 + 8 + NFP_NAME_LEN + NFP_KEY_LEN, "shared with user space");
_Static_assert(sizeof(struct nfp_gone) == 24 + 8, "shared with user space");
_Static_assert(sizeof(struct nfp_sent) == 24 + 8 + NFP_DEV_LEN, "shared with user space");

#endif
