/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One trace message of nf_tables (NFT_MSG_TRACE, group NFNLGRP_NFTRACE), decoded. Kernel:
 * nft_trace_notify(). */
#ifndef NFPATH_NETFILTER_TRACE_MSG_H
#define NFPATH_NETFILTER_TRACE_MSG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "netfilter/attrs.h"
#include "netfilter/names.h"

struct nlmsghdr;

enum trace_kind {
	TRACE_RULE,   /* a rule matched */
	TRACE_END,    /* the end of a chain was reached (a rule message without a handle) */
	TRACE_POLICY, /* a base chain's policy */
};

/* Points into the message that it was decoded from. */
struct trace_msg {
	enum trace_kind kind;
	uint8_t family; /* NFPROTO_* of the table */
	uint32_t id;	/* of the skb: equal at every hook, but used again for later packets */
	const char *table, *chain;
	uint64_t handle;
	enum verdict verdict;
	const char *target; /* chain of a jump or goto; else NULL */
	/* The rest comes with the first message of each base chain that the packet visits. */
	struct bytes ll, nh, th;
	uint32_t iif, oif; /* 0: none */
	uint32_t nfproto;  /* of the hook; 0: not said */
	bool has_mark;
	uint32_t mark;
	/* Since Linux 6.15 or so; state 0: the kernel said nothing. */
	uint32_t ct_id;
	uint32_t ct_state; /* NF_CT_STATE_* bits */
	bool ct_reply;
};

/* 0, or -EBADMSG for what is no complete trace message; *m is then not to be used. Never reads past
 * nlh->nlmsg_len. */
int trace_msg_decode(const struct nlmsghdr *nlh, struct trace_msg *m);

#endif
