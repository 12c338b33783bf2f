/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tables of iptables-legacy between their snapshots and the kernel programs: which rules in the
 * kernel's memory are those of a snapshot, for certain, and what the programs must know of them
 * (struct nfp_xt_node).
 */
#ifndef NFPATH_LEGACY_TABLES_H
#define NFPATH_LEGACY_TABLES_H

#include "netfilter/xt_walk.h"
#include "src/engine.h"
#include "src/programs.h"

struct legacy_tables;

struct legacy_table {
	uint32_t serial;
	unsigned int view;
	struct ruleset *rs; /* keeps walk's table alive */
	struct xt_walk *walk;
	uint64_t gone_ns; /* CLOCK_MONOTONIC: others are in force; 0: these are */
};

/* config and p are borrowed; the programs of PROGRAM_LEGACY are attached. NULL: err tells. */
struct legacy_tables *legacy_tables_open(const struct engine_config *config, struct programs *p,
					 struct error *err);
void legacy_tables_close(struct legacy_tables *lt);

/*
 * Ties the legacy tables of the view's newest snapshot to those that the kernel has. 1: all are
 * tied; 0: they are others by now, or were replaced meanwhile: once more when they were read again.
 * Or a negative errno. Reads all of the tables.
 */
int legacy_tables_read(struct legacy_tables *lt, unsigned int view);

/* NULL: none such is tied. */
const struct legacy_table *legacy_tables_find(const struct legacy_tables *lt, uint32_t serial);

/* Frees what has not been in force for a while. */
void legacy_tables_sweep(struct legacy_tables *lt, uint64_t now);

#endif
