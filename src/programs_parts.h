/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between the files that are src/programs.h: nobody else includes it. */
#ifndef NFPATH_PROGRAMS_PARTS_H
#define NFPATH_PROGRAMS_PARTS_H

#include "netfilter/exprs.h"
#include "src/programs.h"

struct bpf_link;
struct bpf_program;
struct nfpath_bpf;
struct ring_buffer;

/* --- src/programs_rows.c --- */

/* For each program the function or tracepoint that it watches; a tracepoint has no kind of link but
 * its own. */
enum {
	TRACEPOINT = 1,
	OF_CGROUP = 2, /* watches no function: it runs for the sockets of one cgroup */
	NESTED = 4, /* what it was left out for tells so by the other programs that it meets (is_nested()) */
	FREED = 8, /* likewise, where it is freed; but where programs at tracepoints are not seen to nest */
	TWICE = 16, /* what it was left out for another one of these meets, if there is such */
	PREEMPTED = 32, /* where the kernel preempts programs, and nowhere else */
	UNPREEMPTED = 64, /* where it does not */
};

struct program_row {
	const char *program, *target;
	enum program_part part;
	enum expr_kind kind;
	unsigned int flags;
};

enum { ROWS = 80, BATCHES_MAX = 64 };
extern const struct program_row program_rows[ROWS];

/* --- src/programs_load.c --- */

struct programs {
	const struct programs_config *config;
	struct kernel_btf *kb; /* opened when first needed */
	bool types_picked;     /* kb's file has the types of our object */
	int kfree_args;	       /* of the tracepoint kfree_skb */
	struct nfpath_bpf *batches[BATCHES_MAX]; /* the first one's maps serve all */
	unsigned int n_batches;
	struct bpf_program *attached[ROWS];
	struct bpf_link *links[ROWS];
	bool knows_chains; /* the types of nf_tables were there when the first programs were loaded */
	uint64_t since_ns[EXPR_KINDS]; /* CLOCK_MONOTONIC: the last program for it came; 0: none did */
	uint64_t missed[ROWS], lost_runs; /* of the kernel's counters, as they were last; of those, what nobody tells of */
	bool failed[ROWS]; /* the kernel has it, and does not let us, or will never have it */
	struct ring_buffer *rb;
	volatile unsigned long *consumer, *producer; /* of the ring, mapped */
	programs_cb cb;
	void *ctx;
	int n_read;
	uint64_t read_ns; /* ktime of the record read last */
};

/* Opens the kernel's types, or what came to them since. 0 or a negative errno with a sentence. */
int programs_open_types(struct programs *p, struct error *err);
/* They need no memory until they are opened again. */
void programs_rest(struct programs *p);
/* Loads and attaches those of these rows that the kernel has functions for: together, or each alone where that fails. How many came, or a
 * negative errno. */
int programs_load(struct programs *p, bool *want);

#endif
