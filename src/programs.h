/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel programs of the bpf engine: which there are, which this kernel has functions for, and
 * the loading of those that are wanted, some at the start and others when a ruleset needs them.
 */
#ifndef NFPATH_PROGRAMS_H
#define NFPATH_PROGRAMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/event.h"
#include "src/cgroup.h"
#include "src/error.h"

struct kernel_btf;
struct programs;

/* What a program is for. */
enum program_part {
	PROGRAM_HOOKS,	 /* where packets are taken, and where they leave a hook */
	PROGRAM_CHAINS,	 /* nf_tables' chains */
	PROGRAM_EXPRS,	 /* and its expressions, by kind */
	PROGRAM_ENDS,	 /* drops, transmissions, the end of an skb's life */
	PROGRAM_FREES,	 /* more ends, each of which only some kernels have */
	PROGRAM_COPIES,	 /* clones */
	PROGRAM_ROUTES,	 /* lookups in routing tables */
	PROGRAM_LEGACY,	 /* which rules the tables of iptables-legacy have */
	PROGRAM_LEGACY4, /* traversals of those of IPv4 */
	PROGRAM_LEGACY6,
	PROGRAM_COMMAND, /* where sockets of a command are bound */
	PROGRAM_PARTS,
};

struct programs_config {
	struct nfp_filter filter;
	bool has_filter;
	bool replies; /* of what is followed are selected, too, where NAT hides them from the filter */
	const uint32_t *begin; /* inums of the namespaces in which packets may begin; NULL: all */
	unsigned int n_begin;
	const struct cgroup_name *cgroup; /* only packets of its sockets begin; NULL: any */
	bool stacks;	/* of drops */
	bool all_drops; /* of packets that are not followed, too */
	bool preempted; /* with nesting: the kernel preempts programs, or it is not known */
	bool nesting; /* packets tell of themselves that a run may have been left out for them (bpf/nested.h) */
	unsigned int lose_one_of; /* of the records, for tests; 0: none */
	size_t ring_bytes; /* 0: the default; a power of two of pages is made of it */
};

/* The kernel's types, as far as the programs ask for them: for whoever wants to know what there is.
 * Not while programs are open. NULL: err tells. */
struct kernel_btf *programs_types(struct error *err);

/* The function that the i-th program watches, its part and, of expressions, their kind. "": it
 * watches a tracepoint. NULL: there are no more. */
const char *programs_function(unsigned int i, enum program_part *part, unsigned int *kind);

/* Loads nothing yet. 0 or a negative errno with a sentence. config is borrowed until close. */
int programs_open(struct programs **out, const struct programs_config *config, struct error *err);
void programs_close(struct programs *p);

/*
 * Loads and attaches the programs of these parts (bits 1 << enum program_part) and, with
 * PROGRAM_EXPRS, of these kinds (bits of enum expr_kind), as far as it was not done before and the
 * kernel has the functions. Functions of modules that are not loaded are tried again each time.
 * Returns how many came anew, or a negative errno with a sentence.
 */
int programs_attach(struct programs *p, uint32_t parts, uint64_t kinds, struct error *err);

/* Is every program of this part attached? name gets the first function that is not; may be NULL. */
bool programs_has(const struct programs *p, enum program_part part, const char **name);

/* Kinds of expressions none of whose functions is attached though they are wanted: bits. */
uint64_t programs_unseen(const struct programs *p, uint64_t kinds);

/* CLOCK_MONOTONIC, ns: since when all programs for these kinds are attached that are; UINT64_MAX:
 * one of the kinds has none. */
uint64_t programs_since(const struct programs *p, uint64_t kinds);

/* What all programs share; NULL: nothing is attached yet. */
struct nfpath_bpf;
struct nfpath_bpf *programs_skeleton(const struct programs *p);

void programs_gate(struct programs *p, bool open);
/* How many packets are followed now. */
int programs_followed(const struct programs *p);
/* The reader is about to sleep until a record wakes it; else it comes by itself. */
void programs_sleep(struct programs *p, bool sleeps);
/* It was not woken since. */
bool programs_sleeps(const struct programs *p);

int programs_fd(const struct programs *p);
/* The map of stacks; -1: they were not asked for, or nothing is attached yet. Owned by p. */
int programs_stacks(const struct programs *p);

/* What the callback gets is valid until it returns. */
typedef void (*programs_cb)(void *ctx, const struct nfp_event *ev, size_t size);

enum { PROGRAMS_READ_MAX = 4096 };

/*
 * Hands over the records that are there, PROGRAMS_READ_MAX at most. *synced_ns: CLOCK_MONOTONIC, up to when all records are
 * handed over. Returns how many, or a
 * negative errno.
 */
int programs_read(struct programs *p, programs_cb cb, void *ctx, uint64_t *synced_ns);

/* Records that found no room and runs that did not take place, since the start, but for those that
 * packets tell of themselves. A few system calls. */
uint64_t programs_lost(struct programs *p);
/* Packets that were wanted, or may have been, and that no hook's program saw: no path misses them. */
uint64_t programs_packets_lost(const struct programs *p);
/* Packets tell of themselves, as config->nesting asked for. */
bool programs_tell_nesting(const struct programs *p);

/* Forgets packets that nothing was heard of since before_ns: their memory was freed unseen. 0, or -errno of
 * mmap(2). */
int programs_sweep(struct programs *p, uint64_t before_ns);

#endif
