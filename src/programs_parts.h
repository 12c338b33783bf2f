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
	/*
	 * Where runs are left out, the packets tell what it missed. A visit knows of its expressions; one
	 * whose end was left out is found by the next one, or at the end of the packet; and a hook that a
	 * packet did not leave it left when it comes to the next one, and else the path says that it
	 * vanished there.
	 */
	TOLD = 2,
	TOLD_BY_FREES = 4, /* likewise, by all of PROGRAM_KPROBE_FREES together */
	OF_CGROUP = 8, /* watches no function: it runs for the sockets of one cgroup */
	COUNTED = 16, /* its runs left out are programs_entries_missed() */
	NESTED = 32, /* what it was left out for tells so by the other programs that it meets (is_nested()) */
};

struct program_row {
	const char *program, *target;
	enum program_part part;
	enum expr_kind kind;
	unsigned int flags;
};

enum { ROWS = 91, BATCHES_MAX = 64 };
extern const struct program_row program_rows[ROWS];

/* Of the kind that kprobes are. */
bool program_is_at_kprobe(const struct program_row *r);
/* The row of the one at a kprobe that does the same; -1: there is none. */
int program_row_by_kprobe(int i);

/* --- src/programs_load.c --- */

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
	/* Ends of hooks without an entry by kprobe: those that had begun before it was there, and the
	 * most that there were since. CLOCK_MONOTONIC: until then more may come of the former. */
	int64_t entries_before, entries_missed;
	uint64_t entries_settle_ns;
	bool knows_chains; /* the types of nf_tables were there when the first programs were loaded */
	uint64_t since_ns[EXPR_KINDS]; /* CLOCK_MONOTONIC: the last program for it came; 0: none did */
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

/* --- src/programs_careful.c --- */

/* Its entries are at kprobes. */
bool programs_is_careful(const struct programs *p);
/* Runs of entries by kprobes that were left out. */
uint64_t programs_entries_missed(struct programs *p);
/* False: a counter is not known, and then none is of use: what is left out counts as lost. */
bool programs_watch_counters(struct programs *p);
/* The packets tell what the program of row i missed. */
bool programs_is_told(const struct programs *p, int i);

#endif
