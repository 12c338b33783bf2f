// SPDX-License-Identifier: GPL-2.0-or-later
/* For tests/bpf/attach.c: programs at functions of the kernel proper and of modules, and what CO-RE
 * makes of every kind of access. */
typedef unsigned char __u8;
typedef signed short __s16;
typedef unsigned short __u16;
typedef signed int __s32;
typedef unsigned int __u32;
typedef signed long long __s64;
typedef unsigned long long __u64;
typedef __u16 __be16;
typedef __u32 __be32;
typedef __u32 __wsum;

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include "tests/bpf/attach.h"

char LICENSE[] SEC("license") = "GPL";

#define CORE __attribute__((preserve_access_index))

typedef struct {
	struct net *net;
} CORE possible_net_t;

struct ns_common {
	unsigned int inum;
} CORE;

struct netns_ipv4 {
	int sysctl_ip_default_ttl; /* somewhere deep within struct net */
} CORE;

struct net {
	struct ns_common ns;
	struct netns_ipv4 ipv4;
	unsigned int ifindex;
} CORE;

struct net_device {
	int ifindex;
	possible_net_t nd_net;
	char name[16];
} CORE;

struct sk_buff {
	struct net_device *dev; /* in a nameless union in a nameless struct */
	unsigned int len;
	__u16 network_header; /* in a union of a nameless struct and struct sk_buff_headers */
	__u8 pkt_type : 3;
	__u8 ignore_df : 1;
	char cb[48];
} CORE;

struct nf_hook_state {
	__u8 hook;
	__u8 pf;
	struct net *net;
} CORE;

/* Types of the module nf_tables. */
struct nft_table___t {
	char *name;
	__u16 family : 6;
	__u16 flags : 8;
} CORE;

struct nft_rule_blob___t {
	unsigned long size;
	unsigned char data[0];
} CORE;

struct nft_chain___t {
	struct nft_rule_blob___t *blob_gen_0;
	struct nft_table___t *table;
	char *name;
} CORE;

struct nft_base_chain___t {
	__u8 policy;
	struct nft_chain___t chain;
} CORE;

struct nft_verdict___t {
	__u32 code;
	struct nft_chain___t *chain;
} CORE;

struct nft_regs___t {
	struct nft_verdict___t verdict; /* in a nameless union with data[] */
} CORE;

struct nft_pktinfo___t {
	struct sk_buff *skb;
	const struct nf_hook_state *state;
} CORE;

struct nft_expr_ops___t {
	unsigned int size;
} CORE;

/* No such member, no such type. */
struct nft_chain___absent {
	int of_our_own_making;
} CORE;

struct of_our_own_making {
	int x;
} CORE;

enum nft_chain_types {
	NFT_CHAIN_T_ROUTE = 77,
	NFT_CHAIN_T_OF_OUR_OWN_MAKING = 78,
};

enum ip_conntrack_info___t {
	IP_CT_IS_REPLY___t = 77,
};

struct told told;

static __always_inline int ran(unsigned int i)
{
	__sync_fetch_and_add(&told.runs[i], 1);
	return 0;
}

SEC("raw_tp/sys_enter")
int tell(void *ctx)
{
	int i = 0;

	told.facts[i++] = bpf_core_field_offset(struct sk_buff, dev);
	told.facts[i++] = bpf_core_field_offset(struct sk_buff, len);
	told.facts[i++] = bpf_core_field_offset(struct sk_buff, network_header);
	told.facts[i++] = bpf_core_field_size(struct sk_buff, cb);
	told.facts[i++] = bpf_core_type_size(struct sk_buff);
	told.facts[i++] = bpf_core_field_offset(struct net, ns.inum);
	told.facts[i++] = bpf_core_field_offset(struct net, ipv4.sysctl_ip_default_ttl);
	told.facts[i++] = bpf_core_field_size(struct net, ipv4);
	told.facts[i++] = bpf_core_field_offset(struct net_device, nd_net.net);
	told.facts[i++] = bpf_core_field_offset(struct net_device, name[3]);
	told.facts[i++] = bpf_core_field_offset(struct nft_base_chain___t, chain.name);
	told.facts[i++] = bpf_core_field_offset(struct nft_base_chain___t, policy);
	told.facts[i++] = bpf_core_field_offset(struct nft_rule_blob___t, data);
	told.facts[i++] = bpf_core_field_offset(struct nft_regs___t, verdict.chain);
	told.facts[i++] = bpf_core_field_size(struct nft_regs___t, verdict.code);
	told.facts[i++] = bpf_core_type_size(struct nft_regs___t);
	told.facts[i++] = bpf_core_field_offset(struct nft_expr_ops___t, size);
	told.facts[i++] = bpf_core_field_exists(struct nft_chain___absent, of_our_own_making);
	told.facts[i++] = bpf_core_type_exists(struct nft_chain___absent);
	told.facts[i++] = bpf_core_type_exists(struct of_our_own_making);
	told.facts[i++] = bpf_core_enum_value(enum nft_chain_types, NFT_CHAIN_T_ROUTE);
	told.facts[i++] = bpf_core_enum_value_exists(enum nft_chain_types,
						NFT_CHAIN_T_OF_OUR_OWN_MAKING);
	told.facts[i++] = bpf_core_enum_value(enum ip_conntrack_info___t, IP_CT_IS_REPLY___t);
	told.facts[i++] = bpf_core_type_exists(possible_net_t);
	told.facts[i++] = __builtin_preserve_field_info(((struct sk_buff *)0)->ignore_df,
						   BPF_FIELD_LSHIFT_U64);
	told.facts[i++] = __builtin_preserve_field_info(((struct sk_buff *)0)->pkt_type,
						   BPF_FIELD_RSHIFT_U64);
	told.facts[i++] = __builtin_preserve_field_info(((struct nft_table___t *)0)->flags,
						   BPF_FIELD_LSHIFT_U64);
	told.facts[i++] = __builtin_preserve_field_info(((struct nft_table___t *)0)->family,
						   BPF_FIELD_BYTE_OFFSET);
	return 0;
}

/* unsigned int nft_do_chain(struct nft_pktinfo *pkt, void *priv) */
SEC("fentry/nft_do_chain")
int chain_in(__u64 *ctx)
{
	struct nft_pktinfo___t *pkt = (void *)ctx[0];
	struct nft_chain___t *chain = (void *)ctx[1];

	told.netns = BPF_CORE_READ(pkt, state, net, ns.inum);
	bpf_probe_read_kernel_str(told.chain, sizeof(told.chain), BPF_CORE_READ(chain, name));
	return ran(0);
}

SEC("fexit/nft_do_chain")
int chain_out(__u64 *ctx)
{
	return ran(1);
}

/* void nft_*_eval(const struct nft_expr *, struct nft_regs *, const struct nft_pktinfo *); the load
 * is the verifier's affair: it knows the type of the argument from the module's BTF. */
#define EVAL(i, name)                                                                              \
	SEC("fexit/" #name) int on_##name(__u64 *ctx)                                              \
	{                                                                                          \
		struct nft_regs___t *regs = (void *)ctx[1];                                        \
                                                                                                   \
		return regs->verdict.code == 12345 ? 0 : ran(i);                                   \
	}

EVAL(2, nft_immediate_eval)
EVAL(3, nft_lookup_eval)
EVAL(4, nft_counter_eval)
EVAL(5, nft_dynset_eval)
EVAL(6, nft_objref_eval)
EVAL(7, nft_meta_set_eval)
EVAL(8, nft_payload_set_eval)
EVAL(9, nft_log_eval)

SEC("fexit/nf_hook_slow")
int hooks_out(__u64 *ctx)
{
	return ran(10);
}

SEC("fentry/nf_tables_commit")
int commit(__u64 *ctx)
{
	return ran(11);
}

/* No kernel has it. */
SEC("fentry/nft_of_our_own_making")
int absent(__u64 *ctx)
{
	return ran(12);
}
