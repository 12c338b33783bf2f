/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A question to map_read.bpf.c, and its answer: shared with user space as event.h is. */
#ifndef NFPATH_BPF_MAP_READ_H
#define NFPATH_BPF_MAP_READ_H

#ifndef __VMLINUX_H__
#include <linux/types.h>
#endif

enum {
	NFP_MAPS = 128,	       /* sets that are looked at in one run, in which nobody preempts it */
	NFP_MAP_ELEMS = 64,    /* of one map; one with more is not told */
	NFP_MAPS_ELEMS = 2048, /* of all maps of one run */
};

enum nfp_maps_state {
	NFP_MAPS_UNREADABLE, /* the table was not found, or what was read is no such thing */
	NFP_MAPS_CHANGED,    /* what was read before is gone, or of another generation */
	NFP_MAPS_MORE,	     /* ask again, from the cursor on */
	NFP_MAPS_END,	     /* these were the last */
};

struct nfp_map_elem {
	__u32 key;   /* its 4 bytes as they are */
	__u32 code;  /* NF_*, NFT_* */
	__u64 chain; /* handle; 0: none */
};

struct nfp_map {
	__u64 handle;
	__u32 first, n; /* in elems[] */
};

struct nfp_maps_read {
	/* The question. */
	__u64 table;  /* its handle */
	__u32 family; /* NFPROTO_* */
	/* Where it goes on: zero at first, then as the program left it. */
	__u32 inactive; /* bit of elements that are not of this generation */
	__u64 table_at, cursor_at; /* addresses of the table and of a set of it */
	__u64 cursor;		   /* handle of that set */
	/* The answer: the maps of verdicts, of those sets that it came by, that it can tell. */
	__u32 state; /* enum nfp_maps_state */
	__u32 n_maps, n_elems;
	__u32 pad2;
	struct nfp_map maps[NFP_MAPS];
	struct nfp_map_elem elems[NFP_MAPS_ELEMS];
};

/* The program's own, from one turn of a loop to the next. */
struct nfp_maps_walk {
	const void *net, *found;      /* looking for the table */
	const void *table, *at, *end; /* along the list of its sets */
	const void *heads, *node;     /* in one of them; node NULL: on to the next bucket */
	__u32 buckets, bucket, n, ended;
	__u32 inactive; /* bit of what is not of this generation */
	__u32 pad;
};

_Static_assert(sizeof(struct nfp_maps_read) == 56 + 16 * NFP_MAPS + 16 * NFP_MAPS_ELEMS,
	       "padding would differ");

#endif
