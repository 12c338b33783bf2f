/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who can read verdict maps of nf_tables out of the kernel's memory: netfilter/ knows no BPF. */
#ifndef NFPATH_NETFILTER_MAP_READER_H
#define NFPATH_NETFILTER_MAP_READER_H

#include <stdint.h>

struct map_elem {
	uint32_t key;	/* its 4 bytes as they are */
	uint32_t code;	/* NF_*, NFT_* */
	uint64_t chain; /* handle of the chain of a jump or goto; else 0 */
};

/* n elements of the map with this handle, in no order; v is valid during the call only. 0, or a
 * negative errno that ends the reading. */
typedef int (*map_cb)(uint64_t handle, const struct map_elem *v, unsigned int n, void *data);

struct map_reader {
	/*
	 * Gives cb all maps that it can tell of the table with this handle (NFTA_TABLE_HANDLE;
	 * family NFPROTO_*): each is told whole, but not each map is told. What was told is true if
	 * the generation of nf_tables is afterwards what it was before. 0, cb's error, or another
	 * negative errno: the others are to be asked for.
	 */
	int (*read)(void *ctx, uint8_t family, uint64_t table, map_cb cb, void *data);
	void *ctx;
	unsigned int worth; /* so many maps that it must be asked for them */
};

#endif
