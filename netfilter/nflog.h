/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * TRACE lines of iptables-legacy through nfnetlink_log. ip_tables' trace_packet() gives them to the
 * logger that is bound to the packet's family, always for group 0, which one socket a namespace can
 * own.
 */
#ifndef NFPATH_NETFILTER_NFLOG_H
#define NFPATH_NETFILTER_NFLOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "netfilter/attrs.h"

struct nlmsghdr;

/* What trace_packet() calls them (net/ipv4/netfilter/ip_tables.c, enum nf_ip_trace_comments). */
enum xt_trace_kind { XT_TRACE_RULE, XT_TRACE_RETURN, XT_TRACE_POLICY };

enum { XT_NAME_MAX = 64 };

struct nflog_msg {
	uint8_t family; /* NFPROTO_IPV4, NFPROTO_IPV6, … of the packet */
	uint8_t hook;	/* NF_INET_* */
	uint32_t seq;	/* of the group: a gap is a lost line */
	bool has_seq;
	uint32_t iif, oif, mark;
	struct bytes ll, payload; /* payload: from the network header on */
	bool trace; /* a TRACE line; else what somebody's NFLOG target logs into group 0 */
	/* Of a TRACE line; valid when `trace`. */
	char table[XT_NAME_MAX], chain[XT_NAME_MAX];
	enum xt_trace_kind kind;
	uint32_t number; /* 1-based */
};

/* 0 or -EBADMSG. Points into the message; never reads past nlh->nlmsg_len. */
int nflog_msg_decode(const struct nlmsghdr *nlh, struct nflog_msg *m);

enum nflog_request { NFLOG_BIND_FAMILY, NFLOG_BIND_GROUP, NFLOG_MODE, NFLOG_UNBIND_GROUP };

/*
 * Puts one configuration request into buf (at least 256 bytes) and returns its header, which
 * carries NLM_F_ACK and seq. family: only for NFLOG_BIND_FAMILY. NFLOG_MODE asks for the first 128
 * bytes of each packet, at once (queue threshold 1), numbered.
 */
struct nlmsghdr *nflog_request(void *buf, enum nflog_request what, uint8_t family, uint32_t seq);

#endif
