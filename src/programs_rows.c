// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/programs_parts.h"

#include <string.h>

const struct program_row program_rows[] = {
	{"hook_entered", "nf_hook_slow", PROGRAM_HOOKS, 0, NESTED},
	{"hook_left", "nf_hook_slow", PROGRAM_HOOKS, 0, NESTED | UNPREEMPTED},
	{"hook_left_preempted", "nf_hook_slow", PROGRAM_HOOKS, 0, NESTED | PREEMPTED},
	/* First: addresses of chains and rules are trusted until it runs. */
	{"committing", "nf_tables_commit", PROGRAM_CHAINS, 0, 0},
	{"committed", "nf_tables_commit", PROGRAM_CHAINS, 0, 0},
	{"chain_entered", "nft_do_chain", PROGRAM_CHAINS, 0, NESTED},
	{"followed_dropped", "kfree_skb", PROGRAM_ENDS, 0, TRACEPOINT | FREED},
	{"followed_consumed", "consume_skb", PROGRAM_ENDS, 0, TRACEPOINT | TWICE},
	{"followed_transmitted", "net_dev_queue", PROGRAM_ENDS, 0, TRACEPOINT},
	{"followed_freed", "__kfree_skb", PROGRAM_ENDS, 0, 0},
	{"followed_merged", "kfree_skb_partial", PROGRAM_ENDS, 0, 0},
	{"followed_deferred", "skb_attempt_defer_free", PROGRAM_FREES, 0, 0},
	{"followed_napi_freed", "__napi_kfree_skb", PROGRAM_FREES, 0, 0},
	{"followed_freed_by_gro", "__kfree_skb_defer", PROGRAM_FREES, 0, 0},
	{"followed_stolen", "napi_skb_free_stolen_head", PROGRAM_FREES, 0, 0},
	{"consumed_stateless", "__consume_stateless_skb", PROGRAM_FREES, 0, TWICE | PREEMPTED},
	{"consumed_napi", "napi_consume_skb", PROGRAM_FREES, 0, TWICE | PREEMPTED},
	{"copied_by_skb_clone", "skb_clone", PROGRAM_COPIES, 0, 0},
	{"copied_by_skb_copy", "skb_copy", PROGRAM_COPIES, 0, 0},
	{"copied_by___pskb_copy_fclone", "__pskb_copy_fclone", PROGRAM_COPIES, 0, 0},
	{"copied_by_skb_copy_expand", "skb_copy_expand", PROGRAM_COPIES, 0, 0},
	{"followed_lookup4", "fib_table_lookup", PROGRAM_ROUTES, 0, TRACEPOINT},
	{"followed_lookup6", "fib6_table_lookup", PROGRAM_ROUTES, 0, TRACEPOINT},

	/* First: what is known of a table's memory is trusted until it runs. */
	{"legacy_replacing", "xt_replace_table", PROGRAM_LEGACY, 0, 0},
	{"legacy_replaced", "xt_replace_table", PROGRAM_LEGACY, 0, 0},
	{"legacy_found", "xt_find_table_lock", PROGRAM_LEGACY, 0, 0},
	{"legacy4_entered", "ipt_do_table", PROGRAM_LEGACY4, 0, NESTED},
	{"legacy4_left", "ipt_do_table", PROGRAM_LEGACY4, 0, NESTED},
	{"legacy6_entered", "ip6t_do_table", PROGRAM_LEGACY6, 0, NESTED},
	{"legacy6_left", "ip6t_do_table", PROGRAM_LEGACY6, 0, NESTED},

	{"command_bound4", "", PROGRAM_COMMAND, 0, OF_CGROUP},
	{"command_bound6", "", PROGRAM_COMMAND, 0, OF_CGROUP},

#define LEFT(kind, fn) {#fn "_left", #fn, PROGRAM_EXPRS, kind, NESTED}
#define ENTERED(kind, fn) {#fn "_entered", #fn, PROGRAM_EXPRS, kind, NESTED}
	{"chain_first_entered", "nft_do_chain", PROGRAM_EXPRS, EXPR_FIRST_SIGHT, 0},
	{"chain_left", "nft_do_chain", PROGRAM_EXPRS, EXPR_WALK_END, NESTED},
	{"immediate", "nft_immediate_eval", PROGRAM_EXPRS, EXPR_IMMEDIATE, NESTED},
	{"lookup", "nft_lookup_eval", PROGRAM_EXPRS, EXPR_VERDICT_MAP, NESTED},
	ENTERED(EXPR_COUNTER, nft_counter_eval),
	ENTERED(EXPR_LOG, nft_log_eval),
	ENTERED(EXPR_LAST, nft_last_eval),
	ENTERED(EXPR_NOTRACK, nft_notrack_eval),
	ENTERED(EXPR_DUP, nft_dup_ipv4_eval),
	ENTERED(EXPR_DUP, nft_dup_ipv6_eval),
	ENTERED(EXPR_DUP, nft_dup_netdev_eval),
	LEFT(EXPR_FWD, nft_fwd_netdev_eval),
	LEFT(EXPR_FWD, nft_fwd_neigh_eval),
	LEFT(EXPR_META_SET, nft_meta_set_eval),
	LEFT(EXPR_PAYLOAD_SET, nft_payload_set_eval),
	LEFT(EXPR_EXTHDR_SET, nft_exthdr_tcp_set_eval),
	LEFT(EXPR_EXTHDR_SET, nft_exthdr_tcp_strip_eval),
	LEFT(EXPR_CT_SET, nft_ct_set_eval),
	LEFT(EXPR_CT_SET, nft_ct_set_zone_eval),
	LEFT(EXPR_DYNSET, nft_dynset_eval),
	LEFT(EXPR_OBJREF, nft_objref_eval),
	LEFT(EXPR_OBJREF, nft_objref_map_eval),
	LEFT(EXPR_REJECT, nft_reject_inet_eval),
	LEFT(EXPR_REJECT, nft_reject_ipv4_eval),
	LEFT(EXPR_REJECT, nft_reject_ipv6_eval),
	LEFT(EXPR_REJECT, nft_reject_bridge_eval),
	LEFT(EXPR_REJECT, nft_reject_netdev_eval),
	LEFT(EXPR_NAT, nft_nat_eval),
	LEFT(EXPR_NAT, nft_nat_inet_eval),
	LEFT(EXPR_MASQ, nft_masq_eval),
	LEFT(EXPR_MASQ, nft_masq_ipv4_eval),
	LEFT(EXPR_MASQ, nft_masq_ipv6_eval),
	LEFT(EXPR_MASQ, nft_masq_inet_eval),
	LEFT(EXPR_REDIR, nft_redir_eval),
	LEFT(EXPR_REDIR, nft_redir_ipv4_eval),
	LEFT(EXPR_REDIR, nft_redir_ipv6_eval),
	LEFT(EXPR_REDIR, nft_redir_inet_eval),
	LEFT(EXPR_QUEUE, nft_queue_eval),
	LEFT(EXPR_QUEUE, nft_queue_sreg_eval),
	LEFT(EXPR_LIMIT, nft_limit_pkts_eval),
	LEFT(EXPR_LIMIT, nft_limit_bytes_eval),
	LEFT(EXPR_QUOTA, nft_quota_eval),
	LEFT(EXPR_CONNLIMIT, nft_connlimit_eval),
	LEFT(EXPR_SYNPROXY, nft_synproxy_eval),
	LEFT(EXPR_TPROXY, nft_tproxy_eval),
	LEFT(EXPR_FLOW_OFFLOAD, nft_flow_offload_eval),
	LEFT(EXPR_TARGET, nft_target_eval_xt),
	LEFT(EXPR_TARGET, nft_target_eval_bridge),
#undef LEFT
#undef ENTERED
};

const char *programs_function(unsigned int i, enum program_part *part, unsigned int *kind)
{
	if (i >= ROWS)
		return NULL;
	*part = program_rows[i].part;
	*kind = program_rows[i].kind;
	return program_rows[i].flags & (TRACEPOINT | OF_CGROUP) ? "" : program_rows[i].target;
}
