/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The nft tables of our own, nfpath_PID, through which the netlink engine marks and observes
 * packets. With the owner flag (Linux 5.12) the kernel removes them when this process is gone,
 * however it went; before that they are plain tables, removed on close.
 */
#ifndef NFPATH_NETFILTER_OWN_TABLE_H
#define NFPATH_NETFILTER_OWN_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct error;
struct own_table;

struct own_chain {
	uint8_t family; /* NFPROTO_*: one table of this family holds it */
	const char *name;
	const char *hook;   /* as nft writes it; NULL: no base chain */
	const char *device; /* ingress and egress only; else NULL */
	int32_t priority;
	char *const *matches; /* nft expressions; each becomes a rule with … */
	size_t n_matches;
	const char *action; /* … this behind it; NULL: nothing */
	bool replaces; /* the chain of this name that was added before */
};

/* The action that selects a packet: with this bit the kernel tells what becomes of it. */
#define OWN_SELECTS "meta nftrace set 1 accept"

struct own_set {
	uint8_t family;
	const char *name, *body; /* as nft writes it */
};

/* NULL on failure, err says why. netns_fd is borrowed during the call. */
struct own_table *own_table_open(int netns_fd, struct error *err);
/* Removes what was added. */
void own_table_close(struct own_table *t);

const char *own_table_name(const struct own_table *t);

/* Adds the sets, then the chains, in one transaction: all or none. 0 or a negative errno with a
 * sentence. */
int own_table_add(struct own_table *t, const struct own_set *sets, size_t n_sets,
		  const struct own_chain *chains, size_t n, struct error *err);

/* Is the table's life tied to ours by the kernel? Meaningful after the first own_table_add(). */
bool own_table_owned(const struct own_table *t);

/* Removes a table that a dead nfpath left on a kernel without the owner flag. */
int own_table_remove_stale(struct own_table *t, uint8_t family, const char *name);

#endif
