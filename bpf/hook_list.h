/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One question to hook_list.bpf.c, and its answer: shared with user space as event.h is. */
#ifndef NFPATH_BPF_HOOK_LIST_H
#define NFPATH_BPF_HOOK_LIST_H

#ifndef __VMLINUX_H__
#include <linux/types.h>
#endif

enum {
	NFP_HOOK_SYMBOL = 200,
	NFP_HOOK_NAME = 256, /* NFT_NAME_MAXLEN */
};

/* enum nf_hook_ops_type */
enum { NFP_OPS_PLAIN, NFP_OPS_CHAIN, NFP_OPS_BPF, NFP_OPS_FLOWTABLE };

enum nfp_hook_answer {
	NFP_HOOK_IS,  /* the function with this index */
	NFP_HOOK_END, /* there is none with this index */
	NFP_HOOK_NO_DEVICE,
	NFP_HOOK_NO_LIST, /* this kernel has no such list */
	NFP_HOOK_UNREADABLE,
};

struct nfp_hook_ask {
	/* The question. */
	__u64 inside;  /* priv of a function of nf_nat: of what that calls; 0: of the hook */
	__u32 ifindex; /* of NFPROTO_NETDEV */
	__u32 index;
	__u32 as; /* NFP_OPS_* to take it for where the kernel notes none */
	__u8 family, hook;
	__u8 pad[2];
	/* The answer. */
	__u32 answer; /* enum nfp_hook_answer */
	__u32 n;      /* functions in the list */
	__u64 list;   /* its address: a list that is changed is another one */
	__u64 function, priv;
	__s32 priority;
	__u32 type; /* NFP_OPS_* */
	__u32 bpf_id;
	__u32 chain_family;
	char symbol[NFP_HOOK_SYMBOL]; /* "name [module]"; empty: this kernel does not say */
	char table[NFP_HOOK_NAME], chain[NFP_HOOK_NAME]; /* empty: not known */
};

_Static_assert(sizeof(struct nfp_hook_ask) == 72 + 200 + 512, "padding would differ");

#endif
