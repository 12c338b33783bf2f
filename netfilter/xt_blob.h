/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How the rules of iptables-legacy lie in the blob that IPT_SO_GET_ENTRIES gives: struct ipt_entry
 * and struct ip6t_entry differ in the length of their address part only. Private to netfilter/.
 */
#ifndef NFPATH_NETFILTER_XT_BLOB_H
#define NFPATH_NETFILTER_XT_BLOB_H

#include <linux/netfilter/x_tables.h>
#include <stddef.h>
#include <stdint.h>

#include "netfilter/ruleset.h"

struct xt_layout {
	int level, get_info, get_entries; /* of getsockopt() */
	size_t entry; /* size of the entry without its matches; the rest are offsets into it */
	size_t flags, target_offset, next_offset, counters;
	uint8_t goto_flag;   /* in the byte at flags */
	const char *program; /* whose tables these are */
};

/* family: NFPROTO_IPV4 or NFPROTO_IPV6. */
const struct xt_layout *xt_layout_of(uint8_t family);

/* The lengths in one entry; with all of its matches and its target inside of it. */
struct xt_entry {
	const uint8_t *p;
	uint16_t target_offset, next_offset;
	const struct xt_entry_target *target;
};

/*
 * The entry at p, of which `left` bytes may be read. 0, or -EPROTO when any size in it is wrong:
 * after 0 one may walk the matches from p + l->entry to target without a further look, and names
 * end with NUL.
 */
int xt_entry_at(const struct xt_layout *l, const uint8_t *p, size_t left, struct xt_entry *e);

/* Finds the chains and rules in t->blob, which nobody has checked yet. 0, -EPROTO (malformed) or
 * -ENOMEM. */
int xt_blob_parse(struct ruleset *rs, struct rs_table *t);

#endif
