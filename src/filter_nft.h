/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A filter in nft's language, for the kernel to select packets by. It may take more than
 * filter_match() (which decides), never less. */
#ifndef NFPATH_FILTER_NFT_H
#define NFPATH_FILTER_NFT_H

#include <stddef.h>

#include "src/cgroup.h"
#include "src/filter.h"

enum filter_place {
	FILTER_ARRIVING, /* prerouting, ingress: no output device yet */
	FILTER_LEAVING,	 /* output: no input device */
	FILTER_ARP,
};

enum { FILTER_MATCHES_MAX = 16 };

struct filter_matches {
	char *v[FILTER_MATCHES_MAX]; /* alternatives; "" matches everything */
	size_t n;		     /* 0: nothing can match there */
};

/* cgroup: whose sockets' packets are wanted, NULL: any. 0 or -ENOMEM. */
int filter_to_nft(const struct filter *f, enum filter_place place, const struct cgroup_name *cgroup,
		  struct filter_matches *m);
/* Of packets that are no later fragments. */
int filter_to_nft_whole(const struct filter *f, enum filter_place place,
			const struct cgroup_name *cgroup, struct filter_matches *m);
/* AF_INET or AF_INET6, when addresses say which; else 0. */
uint8_t filter_family(const struct filter *f);
void filter_matches_free(struct filter_matches *m);

#endif
