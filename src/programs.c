// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/programs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "bpf/nfpath.skel.h"
#include "netfilter/exprs.h"
#include "src/clock.h"
#include "src/kernel_btf.h"
#include "src/libbpf_util.h"

/* For each program the function or tracepoint that it watches; a tracepoint has no kind of link but
 * its own. */
enum {
	TRACEPOINT = 1,
	/*
	 * Where runs are left out, the packets tell what it missed. A visit knows of its expressions; one
	 * whose end was left out is found by the next one, or at the end of the packet; and a hook that a
	 * packet did not leave it left when it comes to the next one, and else the path says that it
	 * vanished there.
	 */
	TOLD = 2,
	TOLD_BY_FREES = 4, /* likewise, by all of PROGRAM_KPROBE_FREES together */
};

static const struct row {
	const char *program, *target;
	enum program_part part;
	enum expr_kind kind;
	unsigned int flags;
} rows[] = {
	{"hook_entered", "nf_hook_slow", PROGRAM_HOOKS, 0, 0},
	{"hook_left", "nf_hook_slow", PROGRAM_HOOKS, 0, TOLD},
	/* First: addresses of chains and rules are trusted until it runs. */
	{"committing", "nf_tables_commit", PROGRAM_CHAINS, 0, 0},
	{"committed", "nf_tables_commit", PROGRAM_CHAINS, 0, 0},
	{"chain_entered", "nft_do_chain", PROGRAM_CHAINS, 0, 0},
	{"chain_left", "nft_do_chain", PROGRAM_CHAINS, 0, TOLD},
	{"followed_dropped", "kfree_skb", PROGRAM_ENDS, 0, TRACEPOINT},
	{"followed_consumed", "consume_skb", PROGRAM_ENDS, 0, TRACEPOINT | TOLD_BY_FREES},
	{"followed_transmitted", "net_dev_queue", PROGRAM_ENDS, 0, TRACEPOINT},
	{"followed_freed", "__kfree_skb", PROGRAM_ENDS, 0, 0},
	{"followed_merged", "kfree_skb_partial", PROGRAM_ENDS, 0, 0},
	{"followed_deferred", "skb_attempt_defer_free", PROGRAM_FREES, 0, 0},
	{"followed_napi_freed", "__napi_kfree_skb", PROGRAM_FREES, 0, 0},
	{"followed_freed_by_gro", "__kfree_skb_defer", PROGRAM_FREES, 0, 0},
	{"followed_stolen", "napi_skb_free_stolen_head", PROGRAM_FREES, 0, 0},
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
	{"legacy4_entered", "ipt_do_table", PROGRAM_LEGACY4, 0, 0},
	{"legacy4_left", "ipt_do_table", PROGRAM_LEGACY4, 0, TOLD},
	{"legacy6_entered", "ip6t_do_table", PROGRAM_LEGACY6, 0, 0},
	{"legacy6_left", "ip6t_do_table", PROGRAM_LEGACY6, 0, TOLD},
	{"legacy4_entered_kprobe", "ipt_do_table", PROGRAM_LEGACY4_KPROBES, 0, 0},
	{"legacy6_entered_kprobe", "ip6t_do_table", PROGRAM_LEGACY6_KPROBES, 0, 0},

	{"hook_entered_kprobe", "nf_hook_slow", PROGRAM_KPROBES, 0, 0},
	{"chain_entered_kprobe", "nft_do_chain", PROGRAM_KPROBES, 0, 0},
	{"followed_consumed_by_consume_skb", "consume_skb", PROGRAM_KPROBE_FREES, 0, 0},
	{"followed_consumed_by___consume_stateless_skb", "__consume_stateless_skb", PROGRAM_KPROBE_FREES, 0, 0},
	{"followed_consumed_by_napi_consume_skb", "napi_consume_skb", PROGRAM_KPROBE_FREES, 0, 0},
	{"followed_freed_kprobe", "__kfree_skb", PROGRAM_KPROBE_FREES, 0, 0},
	{"followed_merged_kprobe", "kfree_skb_partial", PROGRAM_KPROBE_FREES, 0, 0},
	{"followed_deferred_kprobe", "skb_attempt_defer_free", PROGRAM_KPROBE_FREES, 0, 0},
	{"followed_napi_freed_kprobe", "__napi_kfree_skb", PROGRAM_KPROBE_FREES, 0, 0},
	{"followed_freed_by_gro_kprobe", "__kfree_skb_defer", PROGRAM_KPROBE_FREES, 0, 0},
	{"followed_stolen_kprobe", "napi_skb_free_stolen_head", PROGRAM_KPROBE_FREES, 0, 0},

#define LEFT(kind, fn) {#fn "_left", #fn, PROGRAM_EXPRS, kind, TOLD}
#define ENTERED(kind, fn) {#fn "_entered", #fn, PROGRAM_EXPRS, kind, TOLD}
	{"immediate", "nft_immediate_eval", PROGRAM_EXPRS, EXPR_IMMEDIATE, TOLD},
	{"lookup", "nft_lookup_eval", PROGRAM_EXPRS, EXPR_VERDICT_MAP, TOLD},
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

/* How far from a sight of a packet its lookups may be: a processor may be taken away from its machine
 * between the two. */
static const uint64_t lookup_window_ns = 5 * 1000 * 1000;

enum { ROWS = sizeof(rows) / sizeof(rows[0]), BATCHES_MAX = 64 };

/* Functions and types of nf_tables live in these; those of nf_tables itself are the better ones. And
 * those of iptables-legacy. */
static const char *const modules[] = {"nf_tables", "nft_*", "x_tables", "ip_tables", "ip6_tables",
				      NULL};

struct programs {
	const struct programs_config *config;
	struct kernel_btf *kb; /* opened when first needed */
	bool types_picked;     /* kb's file has the types of our object */
	int kfree_args;	       /* of the tracepoint kfree_skb */
	struct nfpath_bpf *batches[BATCHES_MAX]; /* the first one's maps serve all */
	unsigned int n_batches;
	struct bpf_program *attached[ROWS];
	struct bpf_link *links[ROWS]; /* NULL, though attached: by a kprobe instead */
	struct nfpath_bpf *finder;    /* the batch with find_counter() */
	bool counts; /* the kernel programs have all counters of runs left out */
	uint64_t since_ns[EXPR_KINDS]; /* CLOCK_MONOTONIC: the last program for it came; 0: none did */
	bool failed[ROWS]; /* the kernel has it, and does not let us, or will never have it */
	struct ring_buffer *rb;
	volatile unsigned long *consumer, *producer; /* of the ring, mapped */
	programs_cb cb;
	void *ctx;
	int n_read;
	uint64_t read_ns; /* ktime of the record read last */
};

/* --- which functions there are --- */

struct kernel_btf *programs_types(struct error *err)
{
	const char *functions[ROWS + 1] = {0};
	size_t n = 0;

	for (int i = 0; i < ROWS; i++)
		if (!(rows[i].flags & TRACEPOINT))
			functions[n++] = rows[i].target;
	return kernel_btf_open(functions, modules, err);
}

const char *programs_function(unsigned int i, enum program_part *part, unsigned int *kind)
{
	if (i >= ROWS)
		return NULL;
	*part = rows[i].part;
	*kind = rows[i].kind;
	return rows[i].flags & TRACEPOINT ? "" : rows[i].target;
}

static int open_types(struct programs *p, struct error *err)
{
	if (p->kb) {
		kernel_btf_refresh(p->kb);
		return 0;
	}
	p->kb = programs_types(err);
	if (!p->kb)
		return err->rc;
	p->kfree_args = kernel_btf_tracepoint(p->kb, "kfree_skb", NULL);
	return 0;
}

/* Modules may bring functions later; tracepoints are the kernel's own. */
static bool has_target(struct programs *p, int i)
{
	if (!(rows[i].flags & TRACEPOINT))
		return !kernel_btf_func(p->kb, rows[i].target, NULL, NULL);
	p->failed[i] = kernel_btf_tracepoint(p->kb, rows[i].target, NULL) < 0;
	return !p->failed[i];
}

static void rest(struct programs *p)
{
	kernel_btf_rest(p->kb);
	p->types_picked = false;
}

/* --- loading --- */

static size_t ring_size(size_t bytes)
{
	size_t size = sysconf(_SC_PAGESIZE);

	while (size < bytes)
		size *= 2;
	return size;
}

static void configure(const struct programs *p, struct nfpath_bpf *skel)
{
	const struct programs_config *c = p->config;

	skel->rodata->kfree_has_reason = p->kfree_args >= 3;
	skel->rodata->kfree_has_socket = p->kfree_args >= 4;
	memcpy((void *)&skel->rodata->filter, &c->filter, sizeof(c->filter));
	skel->rodata->has_filter = c->has_filter;
	skel->rodata->begins_anywhere = !c->begin;
	skel->rodata->all_drops = c->all_drops;
	skel->rodata->with_stacks = c->stacks;
	bpf_map__set_autocreate(skel->maps.stacks, c->stacks);
	skel->rodata->window_ns = lookup_window_ns;
	if (c->ring_bytes)
		bpf_map__set_max_entries(skel->maps.records, ring_size(c->ring_bytes));
	bpf_map__set_autocreate(skel->maps.sockets, false);
}

static int share_maps(const struct programs *p, struct nfpath_bpf *skel)
{
	struct bpf_map *map;
	int rc = 0;

	if (!p->n_batches)
		return 0;
	bpf_object__for_each_map(map, skel->obj) {
		const char *name = bpf_map__name(map);
		const struct bpf_map *first =
			bpf_object__find_map_by_name(p->batches[0]->obj, name);

		if (strstr(name, ".rodata") || !first || bpf_map__fd(first) < 0)
			continue;
		rc = rc ? rc : bpf_map__reuse_fd(map, bpf_map__fd(first));
	}
	return rc;
}

static int pick_types(struct programs *p, const struct nfpath_bpf *skel)
{
	int rc = p->types_picked ? 0 : kernel_btf_core(p->kb, bpf_object__btf(skel->obj), NULL);

	p->types_picked = !rc;
	return rc;
}

static bool wants_kprobes(const bool *want)
{
	for (int i = 0; i < ROWS; i++)
		if (want[i] && rows[i].part == PROGRAM_KPROBES)
			return true;
	return false;
}

static int load_batch(struct programs *p, const bool *want, struct nfpath_bpf **out)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts, .btf_custom_path = kernel_btf_core_path(p->kb));
	struct nfpath_bpf *skel = nfpath_bpf__open_opts(&opts);
	struct bpf_program *prog;
	int rc;

	if (!skel)
		return -errno;
	bpf_object__for_each_program(prog, skel->obj)
		bpf_program__set_autoload(prog, false);
	configure(p, skel);
	for (int i = 0; i < ROWS; i++)
		if (want[i])
			bpf_program__set_autoload(
				bpf_object__find_program_by_name(skel->obj, rows[i].program), true);
	/* What is at kprobes comes with what looks for the counters. */
	bpf_program__set_autoload(skel->progs.find_counter, wants_kprobes(want));
	rc = share_maps(p, skel);
	if (!rc)
		rc = pick_types(p, skel);
	if (!rc)
		rc = nfpath_bpf__load(skel);
	if (rc) {
		nfpath_bpf__destroy(skel);
		return rc;
	}
	*out = skel;
	return 0;
}

static bool is_at_kprobe(const struct row *r)
{
	return r->part == PROGRAM_KPROBES || r->part == PROGRAM_KPROBE_FREES ||
	       r->part == PROGRAM_LEGACY4_KPROBES || r->part == PROGRAM_LEGACY6_KPROBES;
}

static struct bpf_link *attach_one(const struct bpf_program *prog, const struct row *r)
{
	if (is_at_kprobe(r))
		return bpf_program__attach_kprobe(prog, false, r->target);
	return bpf_program__type(prog) == BPF_PROG_TYPE_TRACING ? kernel_btf_attach(prog)
								: bpf_program__attach(prog);
}

static void note_since(struct programs *p, const bool *want)
{
	uint64_t now = clock_ns();

	for (int i = 0; i < ROWS; i++)
		if (want[i] && p->attached[i] && rows[i].part == PROGRAM_EXPRS)
			p->since_ns[rows[i].kind] = now;
}

static int attach_batch(struct programs *p, struct nfpath_bpf *skel, const bool *want)
{
	int n = 0;

	p->batches[p->n_batches++] = skel;
	if (wants_kprobes(want))
		p->finder = skel;
	for (int i = 0; i < ROWS; i++) {
		if (!want[i])
			continue;
		p->attached[i] = bpf_object__find_program_by_name(skel->obj, rows[i].program);
		p->links[i] = attach_one(p->attached[i], &rows[i]);
		if (p->links[i]) {
			n++;
			continue;
		}
		p->attached[i] = NULL;
		p->failed[i] = true;
	}
	note_since(p, want);
	return n;
}

/* Together they do not load: each alone then, to find those that do. */
static int load_singly(struct programs *p, bool *want)
{
	struct nfpath_bpf *skel;
	int n = 0, first = 0;

	for (int i = 0; i < ROWS; i++) {
		bool one[ROWS] = {0};
		int rc;

		if (!want[i] || p->n_batches == BATCHES_MAX)
			continue;
		one[i] = true;
		rc = load_batch(p, one, &skel);
		if (!rc) {
			n += attach_batch(p, skel, one);
			continue;
		}
		p->failed[i] = true;
		first = first ? first : rc;
	}
	return n ? n : first;
}

static int on_record(void *ctx, void *data, size_t size)
{
	struct programs *p = ctx;
	const struct nfp_event *ev = data;

	if (size < sizeof(*ev))
		return 0;
	p->n_read++;
	p->read_ns = ev->ktime;
	p->cb(p->ctx, ev, size);
	/* libbpf keeps its place (ringbuf_process_ring()). */
	return p->n_read < PROGRAMS_READ_MAX ? 0 : -ECANCELED;
}

static int open_ring(struct programs *p)
{
	int fd = bpf_map__fd(p->batches[0]->maps.records);
	long page = sysconf(_SC_PAGESIZE);

	p->rb = ring_buffer__new(fd, on_record, p, NULL);
	if (!p->rb)
		return -errno;
	p->consumer = mmap(NULL, page, PROT_READ, MAP_SHARED, fd, 0);
	p->producer = mmap(NULL, page, PROT_READ, MAP_SHARED, fd, page);
	return p->consumer == MAP_FAILED || p->producer == MAP_FAILED ? -errno : 0;
}

static int fill_begin(const struct programs *p)
{
	uint32_t one = 1;

	for (unsigned int i = 0; p->config->begin && i < p->config->n_begin; i++)
		if (bpf_map_update_elem(bpf_map__fd(p->batches[0]->maps.begin_netns),
					&p->config->begin[i], &one, BPF_ANY))
			return -errno;
	return 0;
}

static int explain(struct error *err, int rc)
{
	switch (rc) {
	case -EPERM:
	case -EACCES:
		return fail(err, rc,
			    "the kernel refuses fentry programs: it is locked down (see "
			    "/sys/kernel/security/lockdown), or CAP_BPF and CAP_PERFMON are "
			    "missing; --engine netlink does without");
	case -ENOENT:
	case -ESRCH:
		return fail(err, rc,
			    "engine bpf needs the type information of the kernel and of its "
			    "modules (/sys/kernel/btf, CONFIG_DEBUG_INFO_BTF_MODULES)");
	}
	return fail(err, rc, "this kernel does not load the programs of engine bpf (%s); "
		    "--engine netlink does without", strerror(-rc));
}

/* --- where runs are left out --- */

static bool is_careful(const struct programs *p)
{
	return p->n_batches && p->batches[0]->bss->by_kprobes;
}

/* The per-CPU address of the counter of a program, or of the map `cpus`; 0: cannot be found. */
static uint64_t find_counter(struct programs *p, int fd, bool is_map)
{
	uint64_t args[2] = {(uint64_t)fd, is_map};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = args, .ctx_size_in = sizeof(args));
	struct nfpath_bpf *skel = p->finder;

	if (bpf_prog_test_run_opts(bpf_program__fd(skel->progs.find_counter), &opts))
		return 0;
	return skel->bss->found;
}

/* False: one of them is not known, and then none is of use: what is left out counts as lost. */
static bool watch_counters(struct programs *p)
{
	struct nfpath_bpf__bss *bss = p->batches[0]->bss;
	unsigned int n = 0;

	p->counts = false;
	bss->cpus_base = find_counter(p, bpf_map__fd(p->batches[0]->maps.cpus), true);
	for (int i = 0; i < ROWS; i++) {
		uint64_t at;

		if (!p->attached[i] || rows[i].part != PROGRAM_EXPRS)
			continue;
		at = find_counter(p, bpf_program__fd(p->attached[i]), false);
		if (!at || !bss->cpus_base || n == NFP_COUNTERS)
			return false;
		bss->counters[n++] = at;
	}
	/* A visit that is under way holds another sum now: it will be doubted. */
	__atomic_store_n(&bss->n_counters, n, __ATOMIC_SEQ_CST);
	p->counts = true;
	return true;
}

int programs_attach(struct programs *p, uint32_t parts, uint64_t kinds, struct error *err)
{
	struct nfpath_bpf *skel;
	bool want[ROWS] = {0}, any = false;
	int n, rc;

	for (int i = 0; i < ROWS; i++) {
		want[i] = parts & 1u << rows[i].part && !p->attached[i] && !p->failed[i] &&
			  (rows[i].part != PROGRAM_EXPRS || kinds & 1ULL << rows[i].kind);
		any |= want[i];
	}
	if (!any)
		return 0;
	rc = open_types(p, err);
	if (rc)
		return rc == -ENOENT ? explain(err, rc) : rc;
	any = false;
	for (int i = 0; i < ROWS; i++) {
		want[i] = want[i] && has_target(p, i);
		any |= want[i];
	}
	n = 0;
	if (any && p->n_batches < BATCHES_MAX) {
		rc = load_batch(p, want, &skel);
		n = rc ? load_singly(p, want) : attach_batch(p, skel, want);
	}
	rest(p);
	if (n > 0 && is_careful(p) && kinds && !watch_counters(p))
		return fail(err, -EOPNOTSUPP,
			    "this kernel does not tell where it counts what it leaves out");
	if (n > 0 && !p->rb) {
		rc = open_ring(p);
		if (!rc)
			rc = fill_begin(p);
		if (rc)
			return explain(err, rc);
	}
	return n < 0 ? explain(err, n) : n;
}

bool programs_has(const struct programs *p, enum program_part part, const char **name)
{
	for (int i = 0; i < ROWS; i++) {
		if (rows[i].part != part || p->attached[i])
			continue;
		if (name)
			*name = rows[i].target;
		return false;
	}
	return true;
}

uint64_t programs_unseen(const struct programs *p, uint64_t kinds)
{
	for (int i = 0; i < ROWS; i++)
		if (rows[i].part == PROGRAM_EXPRS && p->attached[i])
			kinds &= ~(1ULL << rows[i].kind);
	return kinds;
}

uint64_t programs_since(const struct programs *p, uint64_t kinds)
{
	uint64_t since = 0;

	for (int i = 0; i < EXPR_KINDS; i++) {
		if (!(kinds & 1ULL << i))
			continue;
		if (!p->since_ns[i])
			return UINT64_MAX;
		since = p->since_ns[i] > since ? p->since_ns[i] : since;
	}
	return since;
}

int programs_open(struct programs **out, const struct programs_config *config, struct error *err)
{
	struct programs *p = calloc(1, sizeof(*p));

	*out = p;
	if (!p)
		return fail(err, -ENOMEM, "out of memory");
	libbpf_be_silent();
	p->config = config;
	return 0;
}

void programs_close(struct programs *p)
{
	long page = sysconf(_SC_PAGESIZE);

	if (!p)
		return;
	if (p->n_batches)
		programs_gate(p, false);
	for (int i = 0; i < ROWS; i++)
		bpf_link__destroy(p->links[i]);
	if (p->consumer && p->consumer != MAP_FAILED)
		munmap((void *)p->consumer, page);
	if (p->producer && p->producer != MAP_FAILED)
		munmap((void *)p->producer, page);
	ring_buffer__free(p->rb);
	while (p->n_batches)
		nfpath_bpf__destroy(p->batches[--p->n_batches]);
	kernel_btf_free(p->kb);
	free(p);
}

/* --- running --- */

struct nfpath_bpf *programs_skeleton(const struct programs *p)
{
	return p->n_batches ? p->batches[0] : NULL;
}

void programs_gate(struct programs *p, bool open)
{
	__atomic_store_n(&p->batches[0]->bss->gate, open, __ATOMIC_RELEASE);
}

int programs_followed(const struct programs *p)
{
	return __atomic_load_n(&p->batches[0]->bss->n_followed, __ATOMIC_ACQUIRE);
}

void programs_sleep(struct programs *p, bool sleeps)
{
	__atomic_store_n(&p->batches[0]->bss->reader_sleeps, sleeps, __ATOMIC_SEQ_CST);
}

bool programs_sleeps(const struct programs *p)
{
	return __atomic_load_n(&p->batches[0]->bss->reader_sleeps, __ATOMIC_SEQ_CST);
}

int programs_fd(const struct programs *p)
{
	return ring_buffer__epoll_fd(p->rb);
}

int programs_read(struct programs *p, programs_cb cb, void *ctx, uint64_t *synced_ns)
{
	uint64_t now = clock_ns();
	unsigned long end = __atomic_load_n(p->producer, __ATOMIC_ACQUIRE);
	int rc;

	p->cb = cb;
	p->ctx = ctx;
	p->n_read = 0;
	rc = ring_buffer__consume(p->rb);
	if (rc < 0 && rc != -ECANCELED)
		return rc;
	/* A record that is being written stops it, and so does a backlog. What a packet did stands
	 * in the ring in the order in which it did it. */
	if (__atomic_load_n(p->consumer, __ATOMIC_ACQUIRE) >= end)
		*synced_ns = now;
	else if (p->read_ns > *synced_ns)
		*synced_ns = p->read_ns;
	return p->n_read;
}

/* --- where runs are left out, and what is done about it --- */

static bool failed_any(const struct programs *p, enum program_part part)
{
	for (int i = 0; i < ROWS; i++)
		if (rows[i].part == part && p->failed[i])
			return true;
	return false;
}

static bool is_told(const struct programs *p, int i)
{
	return rows[i].flags & TOLD ||
	       (rows[i].flags & TOLD_BY_FREES && !failed_any(p, PROGRAM_KPROBE_FREES));
}

/* The one at a kprobe that does the same. */
static int row_by_kprobe(int i)
{
	size_t n = strlen(rows[i].program);

	for (int k = 0; k < ROWS; k++)
		if (is_at_kprobe(&rows[k]) &&
		    !strncmp(rows[k].program, rows[i].program, n) &&
		    !strcmp(rows[k].program + n, "_kprobe"))
			return k;
	return -1;
}

uint64_t programs_missed(const struct programs *p)
{
	uint64_t n = 0;

	for (int i = 0; i < ROWS; i++)
		if (p->attached[i] && (is_told(p, i) || row_by_kprobe(i) >= 0))
			n += libbpf_missed_runs(p->attached[i]);
	return n;
}

int programs_be_careful(struct programs *p, struct error *err)
{
	int rc = programs_attach(p, 1u << PROGRAM_KPROBES | 1u << PROGRAM_KPROBE_FREES, 0, err);

	if (rc < 0)
		return rc;
	if (!programs_has(p, PROGRAM_KPROBES, NULL))
		return fail(err, -EOPNOTSUPP, "this kernel has no kprobes at %s() and %s()",
			    "nf_hook_slow", "nft_do_chain");
	if (!p->finder || !watch_counters(p))
		return fail(err, -EOPNOTSUPP,
			    "this kernel does not tell where it counts what it leaves out");
	__atomic_store_n(&p->batches[0]->bss->by_kprobes, 1, __ATOMIC_SEQ_CST);
	for (int i = 0; i < ROWS; i++) {
		int k = row_by_kprobe(i);

		if (k < 0 || !p->links[k] || !p->links[i])
			continue;
		bpf_link__destroy(p->links[i]);
		p->links[i] = NULL;
	}
	return 0;
}

uint64_t programs_lost(const struct programs *p)
{
	uint64_t n = 0;

	for (int i = 0; i < NFP_TYPES; i++)
		n += p->batches[0]->bss->lost[i];
	for (int i = 0; i < ROWS; i++)
		if (p->attached[i] && rows[i].part != PROGRAM_ROUTES &&
		    !(is_careful(p) && p->counts && is_told(p, i)))
			n += libbpf_missed_runs(p->attached[i]);
	return n;
}

void programs_sweep(struct programs *p, uint64_t before_ns)
{
	int fd = bpf_map__fd(p->batches[0]->maps.packets);
	uint64_t key, next;
	bool more = !bpf_map_get_next_key(fd, NULL, &next);
	struct nfp_followed f;

	while (more) {
		key = next;
		more = !bpf_map_get_next_key(fd, &key, &next);
		if (bpf_map_lookup_elem(fd, &key, &f) || f.seen >= before_ns)
			continue;
		if (!bpf_map_delete_elem(fd, &key))
			__atomic_fetch_sub(&p->batches[0]->bss->n_followed, 1, __ATOMIC_ACQ_REL);
	}
}
