/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Well-formed messages of the kernel, made in memory: what tests start from, and what fuzzing grows
 * from. */
#ifndef NFPATH_TESTS_UNIT_MESSAGES_H
#define NFPATH_TESTS_UNIT_MESSAGES_H

#include <arpa/inet.h>
#include <endian.h>
#include <libmnl/libmnl.h>
#include <netinet/in.h> /* before linux/netfilter.h, which takes the kernel's copy */
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_log.h>
#include <linux/netfilter/x_tables.h>
#include <linux/netfilter_ipv4/ip_tables.h>
#include <linux/netfilter_ipv6/ip6_tables.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "netfilter/hook_list_msg.h"

/* Ethernet, IPv4 without options, TCP SYN: 10.0.0.1:1000 to 10.0.0.2:80. */
static const uint8_t msg_eth[14] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0};
static const uint8_t msg_ip4_tcp[40] = {
	0x45, 0,    0, 40, 0xdf, 0xb2, 0x40, 0, 64, 6, 0, 0, 10,   0, 0,    1,	  10, 0, 0, 2,
	3,    0xe8, 0, 80, 1,	 2,    3,    4, 5,  6, 7, 8, 0x50, 2, 0xff, 0xff, 0,  0, 0, 0};

/* Since Linux 6.16 (enum nft_trace_attributes). */
enum { MSG_TRACE_CT_ID = 18, MSG_TRACE_CT_DIRECTION, MSG_TRACE_CT_STATUS, MSG_TRACE_CT_STATE };

/* buf: room for any message here, aligned to 4. */
enum { MSG_MAX = 2048 };

static inline struct nlmsghdr *msg_begin(void *buf, uint8_t subsys, uint8_t type, uint8_t family,
					 uint16_t res_id)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct nfgenmsg *g;

	nlh->nlmsg_type = subsys << 8 | type;
	g = mnl_nlmsg_put_extra_header(nlh, sizeof(*g));
	g->nfgen_family = family;
	g->version = NFNETLINK_V0;
	g->res_id = htons(res_id);
	return nlh;
}

static inline struct nlmsghdr *msg_trace_begin(void *buf, uint32_t type)
{
	struct nlmsghdr *nlh = msg_begin(buf, NFNL_SUBSYS_NFTABLES, NFT_MSG_TRACE, NFPROTO_INET, 0);

	mnl_attr_put_u32(nlh, NFTA_TRACE_ID, htonl(0xcafe0001));
	mnl_attr_put_u32(nlh, NFTA_TRACE_TYPE, htonl(type));
	mnl_attr_put_strz(nlh, NFTA_TRACE_TABLE, "filter");
	mnl_attr_put_strz(nlh, NFTA_TRACE_CHAIN, "input");
	return nlh;
}

static inline void msg_verdict(struct nlmsghdr *nlh, int32_t code, const char *chain)
{
	struct nlattr *nest = mnl_attr_nest_start(nlh, NFTA_TRACE_VERDICT);

	mnl_attr_put_u32(nlh, NFTA_VERDICT_CODE, htonl(code));
	if (chain)
		mnl_attr_put_strz(nlh, NFTA_VERDICT_CHAIN, chain);
	mnl_attr_nest_end(nlh, nest);
}

/* The first message of a base chain's visit, with everything that it can carry. */
static inline struct nlmsghdr *msg_trace_full(void *buf)
{
	struct nlmsghdr *nlh = msg_trace_begin(buf, NFT_TRACETYPE_RULE);

	mnl_attr_put_u64(nlh, NFTA_TRACE_RULE_HANDLE, htobe64(0x100000007));
	msg_verdict(nlh, NFT_JUMP, "services");
	mnl_attr_put(nlh, NFTA_TRACE_LL_HEADER, sizeof(msg_eth), msg_eth);
	mnl_attr_put(nlh, NFTA_TRACE_NETWORK_HEADER, 20, msg_ip4_tcp);
	mnl_attr_put(nlh, NFTA_TRACE_TRANSPORT_HEADER, 20, msg_ip4_tcp + 20);
	mnl_attr_put_u32(nlh, NFTA_TRACE_IIF, htonl(3));
	mnl_attr_put_u32(nlh, NFTA_TRACE_OIF, htonl(4));
	mnl_attr_put_u32(nlh, NFTA_TRACE_MARK, htonl(0x77));
	mnl_attr_put_u32(nlh, NFTA_TRACE_NFPROTO, htonl(NFPROTO_IPV4));
	mnl_attr_put_u32(nlh, MSG_TRACE_CT_ID, htonl(0x1234));
	mnl_attr_put_u8(nlh, MSG_TRACE_CT_DIRECTION, 1);
	mnl_attr_put_u32(nlh, MSG_TRACE_CT_STATE, htonl(2));
	return nlh;
}

static inline struct nlmsghdr *msg_trace_policy(void *buf)
{
	struct nlmsghdr *nlh = msg_trace_begin(buf, NFT_TRACETYPE_POLICY);

	mnl_attr_put_u32(nlh, NFTA_TRACE_POLICY, htonl(NF_DROP));
	return nlh;
}

/* prefix: NULL: none. */
static inline struct nlmsghdr *msg_nflog(void *buf, const char *prefix)
{
	struct nfulnl_msg_packet_hdr hdr = {.hw_protocol = htons(0x0800), .hook = NF_INET_LOCAL_IN};
	struct nlmsghdr *nlh = msg_begin(buf, NFNL_SUBSYS_ULOG, NFULNL_MSG_PACKET, NFPROTO_IPV4, 0);

	mnl_attr_put(nlh, NFULA_PACKET_HDR, sizeof(hdr), &hdr);
	if (prefix)
		mnl_attr_put_strz(nlh, NFULA_PREFIX, prefix);
	mnl_attr_put_u32(nlh, NFULA_IFINDEX_INDEV, htonl(3));
	mnl_attr_put_u32(nlh, NFULA_IFINDEX_OUTDEV, htonl(4));
	mnl_attr_put_u32(nlh, NFULA_MARK, htonl(0x77));
	mnl_attr_put(nlh, NFULA_HWHEADER, sizeof(msg_eth), msg_eth);
	mnl_attr_put_u32(nlh, NFULA_SEQ, htonl(41));
	mnl_attr_put(nlh, NFULA_PAYLOAD, sizeof(msg_ip4_tcp), msg_ip4_tcp);
	return nlh;
}

static inline struct nlmsghdr *msg_new_table(void *buf, uint8_t family, const char *name)
{
	struct nlmsghdr *nlh = msg_begin(buf, NFNL_SUBSYS_NFTABLES, NFT_MSG_NEWTABLE, family, 1);

	mnl_attr_put_strz(nlh, NFTA_TABLE_NAME, name);
	mnl_attr_put_u32(nlh, NFTA_TABLE_USE, htonl(1));
	mnl_attr_put_u64(nlh, NFTA_TABLE_HANDLE, htobe64(9));
	return nlh;
}

/* hook: -1 for a chain that is only jumped to. dev: of an ingress chain, else NULL. */
static inline struct nlmsghdr *msg_new_chain(void *buf, uint8_t family, const char *table,
					     const char *name, int hook, int32_t priority,
					     const char *dev)
{
	struct nlmsghdr *nlh = msg_begin(buf, NFNL_SUBSYS_NFTABLES, NFT_MSG_NEWCHAIN, family, 1);
	struct nlattr *nest, *devs;

	mnl_attr_put_strz(nlh, NFTA_CHAIN_TABLE, table);
	mnl_attr_put_strz(nlh, NFTA_CHAIN_NAME, name);
	if (hook < 0)
		return nlh;
	nest = mnl_attr_nest_start(nlh, NFTA_CHAIN_HOOK);
	mnl_attr_put_u32(nlh, NFTA_HOOK_HOOKNUM, htonl(hook));
	mnl_attr_put_u32(nlh, NFTA_HOOK_PRIORITY, htonl(priority));
	if (dev) {
		devs = mnl_attr_nest_start(nlh, NFTA_HOOK_DEVS);
		mnl_attr_put_strz(nlh, NFTA_DEVICE_NAME, dev);
		mnl_attr_put_strz(nlh, NFTA_DEVICE_NAME + 1, "eth"); /* a prefix */
		mnl_attr_nest_end(nlh, devs);
	}
	mnl_attr_nest_end(nlh, nest);
	mnl_attr_put_u32(nlh, NFTA_CHAIN_POLICY, htonl(NF_DROP));
	mnl_attr_put_strz(nlh, NFTA_CHAIN_TYPE, "filter");
	return nlh;
}

static inline struct nlmsghdr *msg_new_rule(void *buf, uint8_t family, const char *table,
					    const char *chain, uint64_t handle)
{
	struct nlmsghdr *nlh = msg_begin(buf, NFNL_SUBSYS_NFTABLES, NFT_MSG_NEWRULE, family, 1);

	mnl_attr_put_strz(nlh, NFTA_RULE_TABLE, table);
	mnl_attr_put_strz(nlh, NFTA_RULE_CHAIN, chain);
	mnl_attr_put_u64(nlh, NFTA_RULE_HANDLE, htobe64(handle));
	return nlh;
}

/* A function at a hook; its description follows by msg_hook_chain() or msg_hook_bpf(). module: NULL: none. */
static inline struct nlmsghdr *msg_hook(void *buf, uint8_t family, uint32_t hook, int32_t priority,
					const char *function, const char *module)
{
	struct nlmsghdr *nlh = msg_begin(buf, HOOK_SUBSYS, HOOK_MSG_GET, family, 0);

	if (module)
		mnl_attr_put_strz(nlh, HOOK_ATTR_MODULE, module);
	mnl_attr_put_strz(nlh, HOOK_ATTR_FUNCTION, function);
	mnl_attr_put_u32(nlh, HOOK_ATTR_HOOKNUM, htonl(hook));
	mnl_attr_put_u32(nlh, HOOK_ATTR_PRIORITY, htonl(priority));
	return nlh;
}

static inline struct nlmsghdr *msg_hook_chain(struct nlmsghdr *nlh, uint32_t type, uint8_t family,
					      const char *table, const char *chain)
{
	struct nlattr *info = mnl_attr_nest_start(nlh, HOOK_ATTR_CHAIN_INFO), *desc;

	mnl_attr_put_u32(nlh, HOOK_INFO_TYPE, htonl(type));
	desc = mnl_attr_nest_start(nlh, HOOK_INFO_DESC);
	mnl_attr_put_strz(nlh, HOOK_DESC_TABLE, table);
	mnl_attr_put_strz(nlh, HOOK_DESC_NAME, chain);
	mnl_attr_put_u8(nlh, HOOK_DESC_FAMILY, family);
	mnl_attr_nest_end(nlh, desc);
	mnl_attr_nest_end(nlh, info);
	return nlh;
}

static inline struct nlmsghdr *msg_hook_bpf(struct nlmsghdr *nlh, uint32_t id)
{
	struct nlattr *info = mnl_attr_nest_start(nlh, HOOK_ATTR_CHAIN_INFO), *desc;

	mnl_attr_put_u32(nlh, HOOK_INFO_TYPE, htonl(HOOK_TYPE_BPF));
	desc = mnl_attr_nest_start(nlh, HOOK_INFO_DESC);
	mnl_attr_put_u32(nlh, HOOK_DESC_BPF_ID, htonl(id));
	mnl_attr_nest_end(nlh, desc);
	mnl_attr_nest_end(nlh, info);
	return nlh;
}

/* A table of iptables-legacy as IPT_SO_GET_ENTRIES gives it. */
struct msg_blob {
	uint8_t bytes[4096] __attribute__((aligned(8)));
	uint32_t len;
	uint8_t family;
	uint32_t hook_entry[5], underflow[5], valid_hooks;
};

/* Appends an entry with this target, whose data follows its header; returns its offset. */
static inline uint32_t msg_entry(struct msg_blob *b, const char *target, const void *data,
				 size_t len, bool jumps_by_goto)
{
	bool v6 = b->family == NFPROTO_IPV6;
	size_t head = v6 ? sizeof(struct ip6t_entry) : sizeof(struct ipt_entry);
	size_t size = XT_ALIGN(sizeof(struct xt_entry_target) + len);
	uint32_t at = b->len;
	struct ip6t_entry *e6 = (void *)(b->bytes + at);
	struct ipt_entry *e4 = (void *)(b->bytes + at);
	struct xt_entry_target *t = (void *)(b->bytes + at + head);

	if (v6) {
		e6->target_offset = head;
		e6->next_offset = head + size;
		e6->ipv6.flags = jumps_by_goto ? IP6T_F_GOTO : 0;
	} else {
		e4->target_offset = head;
		e4->next_offset = head + size;
		e4->ip.flags = jumps_by_goto ? IPT_F_GOTO : 0;
	}
	t->u.target_size = size;
	strcpy(t->u.user.name, target);
	memcpy(t->data, data, len);
	b->len += head + size;
	return at;
}

static inline uint32_t msg_standard(struct msg_blob *b, int verdict)
{
	return msg_entry(b, XT_STANDARD_TARGET, &verdict, sizeof(verdict), false);
}

static inline uint32_t msg_head(struct msg_blob *b, const char *chain)
{
	char name[XT_FUNCTION_MAXNAMELEN] = {0};

	strcpy(name, chain);
	return msg_entry(b, XT_ERROR_TARGET, name, sizeof(name), false);
}

static inline void msg_base_chain(struct msg_blob *b, int hook, int policy)
{
	b->valid_hooks |= 1u << hook;
	b->underflow[hook] = msg_standard(b, policy);
}

static inline void msg_set_verdict(struct msg_blob *b, uint32_t entry, int verdict)
{
	size_t head =
		b->family == NFPROTO_IPV6 ? sizeof(struct ip6t_entry) : sizeof(struct ipt_entry);

	((struct xt_standard_target *)(b->bytes + entry + head))->verdict = verdict;
}

/*
 * filter: INPUT: 1 jump web, 2 LOG, 3 drop, policy accept; FORWARD: policy drop; OUTPUT: 1 REJECT,
 * 2 goto web, policy accept; web: 1 return, 2 accept.
 */
static inline void msg_filter_table(struct msg_blob *b, uint8_t family)
{
	const uint8_t info[40] = {0};
	uint32_t jump, go, first;

	memset(b, 0, sizeof(*b));
	b->family = family;
	b->hook_entry[NF_INET_LOCAL_IN] = b->len;
	jump = msg_standard(b, 0);
	msg_entry(b, "LOG", info, 32, false);
	msg_standard(b, -NF_DROP - 1);
	msg_base_chain(b, NF_INET_LOCAL_IN, -NF_ACCEPT - 1);
	b->hook_entry[NF_INET_FORWARD] = b->len;
	msg_base_chain(b, NF_INET_FORWARD, -NF_DROP - 1);
	b->hook_entry[NF_INET_LOCAL_OUT] = b->len;
	msg_entry(b, "REJECT", info, 4, false);
	go = msg_entry(b, XT_STANDARD_TARGET, info, sizeof(int), true);
	msg_base_chain(b, NF_INET_LOCAL_OUT, -NF_ACCEPT - 1);
	msg_head(b, "web");
	first = msg_standard(b, XT_RETURN);
	msg_standard(b, -NF_ACCEPT - 1);
	msg_standard(b, XT_RETURN);
	msg_head(b, "ERROR");
	msg_set_verdict(b, jump, first);
	msg_set_verdict(b, go, first);
}

#endif
