/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One message of nfnetlink_hook (NFNL_MSG_HOOK_GET, Linux 5.14): a function registered at a hook.
 * Kernel: nfnl_hook_dump_one(). */
#ifndef NFPATH_NETFILTER_HOOK_LIST_MSG_H
#define NFPATH_NETFILTER_HOOK_LIST_MSG_H

#include <stdbool.h>
#include <stdint.h>

struct nlmsghdr;

/* linux/netfilter/nfnetlink_hook.h is newer than the headers that this is built with may be. */
enum {
	HOOK_SUBSYS = 12, /* NFNL_SUBSYS_HOOK */
	HOOK_MSG_GET = 0,
};

enum { /* enum nfnl_hook_attributes */
       HOOK_ATTR_HOOKNUM = 1,
       HOOK_ATTR_PRIORITY,
       HOOK_ATTR_DEV,
       HOOK_ATTR_FUNCTION,
       HOOK_ATTR_MODULE,
       HOOK_ATTR_CHAIN_INFO,
       HOOK_ATTR_MAX = HOOK_ATTR_CHAIN_INFO
};

enum { HOOK_INFO_DESC = 1, HOOK_INFO_TYPE, HOOK_INFO_MAX = HOOK_INFO_TYPE };

/* What the description of a chain or flowtable has; that of a BPF program has its id as 1. */
enum {
	HOOK_DESC_TABLE = 1,
	HOOK_DESC_FAMILY,
	HOOK_DESC_NAME,
	HOOK_DESC_MAX = HOOK_DESC_NAME,
	HOOK_DESC_BPF_ID = 1
};

/* enum nfnl_hook_chaintype */
enum { HOOK_TYPE_NFTABLES = 1, HOOK_TYPE_BPF = 2, HOOK_TYPE_FLOWTABLE = 3 };

/* Points into the message that it was decoded from. */
struct hook_msg {
	uint8_t family; /* NFPROTO_* of the list that it stands in, never NFPROTO_INET */
	uint32_t hook;
	int32_t priority;
	const char *function, *module; /* NULL: not said */
	uint32_t type;		       /* HOOK_TYPE_*, or a newer one; 0: nothing is said */
	/* HOOK_TYPE_NFTABLES, HOOK_TYPE_FLOWTABLE: NULL: not said */
	uint8_t chain_family;
	const char *table, *chain;
	uint32_t bpf_id; /* HOOK_TYPE_BPF; 0: not said */
};

/* 0, or -EBADMSG for what is no complete message; *m is then not to be used. Never reads past
 * nlh->nlmsg_len. */
int hook_msg_decode(const struct nlmsghdr *nlh, struct hook_msg *m);

#endif
