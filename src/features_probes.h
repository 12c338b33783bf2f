/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The probes behind the table of features.c. Each: 0 (with a detail in why, or nothing), or a
 * negative errno with the reason. */
#ifndef NFPATH_FEATURES_PROBES_H
#define NFPATH_FEATURES_PROBES_H

#include "src/error.h"
#include "src/raw_tp.h"

/* What several probes look at, made once. */
struct probe_context {
	struct raw_tp *raw; /* NULL: not available, raw_rc and raw_why tell */
	int raw_rc;
	struct error raw_why;
	struct kernel_btf *types; /* NULL: not available, types_why tells */
	struct error types_why;
};

/* arg is the row's own. */
typedef int (*probe_fn)(const struct probe_context *c, int arg, struct error *why);

/*
 * Runs fn in a child, in a network namespace of the child's own with loopback up, and returns what
 * it returns, with its sentence. Where no such namespace can be made, or the child dies or takes
 * more than `seconds`: a negative errno with a sentence.
 */
int scratch_run(probe_fn fn, const struct probe_context *c, int arg, unsigned int seconds,
		struct error *why);

/* features_nft.c: to be called by scratch_run(), except group_free and cgroup2. */
int probe_nf_tables(const struct probe_context *c, int arg, struct error *why);
int probe_nft_family(const struct probe_context *c, int family, struct error *why);
int probe_owner_flag(const struct probe_context *c, int arg, struct error *why);
int probe_nft_trace(const struct probe_context *c, int arg, struct error *why);
int probe_trace_conntrack(const struct probe_context *c, int arg, struct error *why);
int probe_nflog(const struct probe_context *c, int arg, struct error *why);
int probe_hook_list(const struct probe_context *c, int arg, struct error *why);
int probe_socket_cgroup(const struct probe_context *c, int arg, struct error *why);
int probe_group_free(const struct probe_context *c, int arg, struct error *why);

/* features_bpf.c; bpf_netfilter by scratch_run(). */
int probe_btf(const struct probe_context *c, int arg, struct error *why);
int probe_raw_tp(const struct probe_context *c, int arg, struct error *why);
int probe_raw_tp_part(const struct probe_context *c, int type, struct error *why);
int probe_drop_reasons(const struct probe_context *c, int arg, struct error *why);
int probe_rp_filter_reason(const struct probe_context *c, int arg, struct error *why);
int probe_symbols(const struct probe_context *c, int arg, struct error *why);
int probe_kprobe(const struct probe_context *c, int arg, struct error *why);
int probe_fentry(const struct probe_context *c, int arg, struct error *why);
int probe_fexit(const struct probe_context *c, int arg, struct error *why);
int probe_bpf_loop(const struct probe_context *c, int arg, struct error *why);
int probe_ring_buffer(const struct probe_context *c, int arg, struct error *why);
int probe_rule_blobs(const struct probe_context *c, int arg, struct error *why);
int probe_part(const struct probe_context *c, int part, struct error *why);
int probe_expressions(const struct probe_context *c, int arg, struct error *why);
int probe_bpf_netfilter(const struct probe_context *c, int arg, struct error *why);

#endif
