// SPDX-License-Identifier: GPL-2.0-or-later
/* Runs that the kernel leaves out, and what is done about it: bpf/missed.h. */
#include "src/programs_parts.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "bpf/nfpath.skel.h"
#include "src/clock.h"
#include "src/libbpf_util.h"

/* Hooks that had begun before their entries were counted have ended by then. */
static const uint64_t settle_ns = 200 * 1000 * 1000;

bool programs_is_careful(const struct programs *p)
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

bool programs_watch_counters(struct programs *p)
{
	struct nfpath_bpf__bss *bss = p->batches[0]->bss;
	unsigned int n = 0;

	p->counts = false;
	bss->cpus_base = find_counter(p, bpf_map__fd(p->batches[0]->maps.cpus), true);
	for (int i = 0; i < ROWS; i++) {
		uint64_t at;

		if (!p->attached[i] || program_rows[i].part != PROGRAM_EXPRS)
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

static bool failed_any(const struct programs *p, enum program_part part)
{
	for (int i = 0; i < ROWS; i++)
		if (program_rows[i].part == part && p->failed[i])
			return true;
	return false;
}

bool programs_is_told(const struct programs *p, int i)
{
	return program_rows[i].flags & TOLD ||
	       (program_rows[i].flags & TOLD_BY_FREES && !failed_any(p, PROGRAM_KPROBE_FREES));
}

uint64_t programs_missed(const struct programs *p)
{
	uint64_t n = 0;

	for (int i = 0; i < ROWS; i++)
		if (p->attached[i] && (programs_is_told(p, i) || program_row_by_kprobe(i) >= 0))
			n += libbpf_missed_runs(p->attached[i]);
	return n;
}

/* Those that are called name; NULL: not attached. */
static const struct bpf_program *attached(const struct programs *p, const char *name)
{
	for (int i = 0; i < ROWS; i++)
		if (p->attached[i] && !strcmp(program_rows[i].program, name))
			return p->attached[i];
	return NULL;
}

/*
 * A kprobe's run is left out where a task was preempted in the midst of a system call about a map,
 * on that CPU (bpf_disable_instrumentation()), and before Linux 6.7 nobody counts that
 * (trace_call_bpf()): so the ends of hooks are counted, too. Those that are under way make the
 * difference smaller: about one a CPU, so fewer than that may as well be none.
 */
uint64_t programs_entries_missed(struct programs *p)
{
	const struct bpf_program *entries = attached(p, "hook_entered_kprobe");
	const struct bpf_program *ends = attached(p, "hook_counted");
	const struct nfpath_bpf__bss *bss = p->batches[0]->bss;
	uint64_t told = entries ? libbpf_missed_runs(entries) : 0;
	int64_t without;

	if (!ends)
		return told;
	/* The ends first: what begins between the two is an entry too many, not an end. */
	without = (int64_t)(__atomic_load_n(&bss->hooks_ended, __ATOMIC_SEQ_CST) +
			    libbpf_missed_runs(ends));
	without -= (int64_t)__atomic_load_n(&bss->hooks_entered, __ATOMIC_SEQ_CST);
	if (!p->entries_settle_ns) {
		p->entries_settle_ns = clock_ns() + settle_ns;
		p->entries_before = without;
	}
	if (without > p->entries_before && clock_ns() < p->entries_settle_ns)
		p->entries_before = without;
	without -= p->entries_before;
	if (without > p->entries_missed && without > sysconf(_SC_NPROCESSORS_ONLN))
		p->entries_missed = without;
	return told > (uint64_t)p->entries_missed ? told : (uint64_t)p->entries_missed;
}

int programs_be_careful(struct programs *p, struct error *err)
{
	int rc = programs_attach(
		p,
		1u << PROGRAM_COUNTED | 1u << PROGRAM_KPROBES | 1u << PROGRAM_KPROBE_FREES |
			1u << PROGRAM_EXPRS,
		1ULL << EXPR_WALK_END, err);

	if (rc < 0)
		return rc;
	if (!programs_has(p, PROGRAM_KPROBES, NULL))
		return fail(err, -EOPNOTSUPP, "this kernel has no kprobes at %s() and %s()",
			    "nf_hook_slow", "nft_do_chain");
	if (!p->finder || !programs_watch_counters(p))
		return fail(err, -EOPNOTSUPP,
			    "this kernel does not tell where it counts what it leaves out");
	__atomic_store_n(&p->batches[0]->bss->by_kprobes, 1, __ATOMIC_SEQ_CST);
	if (p->batches[0]->bss->gate)
		programs_gate(p, true);
	for (int i = 0; i < ROWS; i++) {
		int k = program_row_by_kprobe(i);

		if (k < 0 || !p->links[k] || !p->links[i])
			continue;
		bpf_link__destroy(p->links[i]);
		p->links[i] = NULL;
	}
	return 0;
}
