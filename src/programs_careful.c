// SPDX-License-Identifier: GPL-2.0-or-later
/* Runs that the kernel leaves out, and what is done about it: bpf/missed.h. */
#include "src/programs_parts.h"

#include <errno.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "bpf/nfpath.skel.h"
#include "src/libbpf_util.h"

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

int programs_be_careful(struct programs *p, struct error *err)
{
	int rc = programs_attach(p, 1u << PROGRAM_KPROBES | 1u << PROGRAM_KPROBE_FREES, 0, err);

	if (rc < 0)
		return rc;
	if (!programs_has(p, PROGRAM_KPROBES, NULL))
		return fail(err, -EOPNOTSUPP, "this kernel has no kprobes at %s() and %s()",
			    "nf_hook_slow", "nft_do_chain");
	if (!p->finder || !programs_watch_counters(p))
		return fail(err, -EOPNOTSUPP,
			    "this kernel does not tell where it counts what it leaves out");
	__atomic_store_n(&p->batches[0]->bss->by_kprobes, 1, __ATOMIC_SEQ_CST);
	for (int i = 0; i < ROWS; i++) {
		int k = program_row_by_kprobe(i);

		if (k < 0 || !p->links[k] || !p->links[i])
			continue;
		bpf_link__destroy(p->links[i]);
		p->links[i] = NULL;
	}
	return 0;
}
