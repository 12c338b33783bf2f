/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NFPATH_TESTS_BPF_ATTACH_H
#define NFPATH_TESTS_BPF_ATTACH_H

enum { FACTS = 28, ATTACH_PROGS = 13 };

struct told {
	__u64 facts[FACTS];
	__u64 runs[ATTACH_PROGS];
	__u32 netns;
	char chain[32]; /* whose packet was the last one at nft_do_chain() */
};

#endif
