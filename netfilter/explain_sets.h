/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How the elements of a set are taken from the kernel's messages. Private to the readers of sets.
 */
#ifndef NFPATH_NETFILTER_EXPLAIN_SETS_H
#define NFPATH_NETFILTER_EXPLAIN_SETS_H

#include "netfilter/explain_facts.h"

struct nf_source;
struct nlmsghdr;

/* Elements as they come. */
struct elems_dump {
	struct facts *f;
	struct fact_set *set;
	struct fact_elem *v; /* while it grows */
	size_t n, cap;
	uint8_t *ends; /* NFT_SET_ELEM_INTERVAL_END of each */
};

/* Takes one message with elements into data, a struct elems_dump. 0, -EPROTO, -ENOMEM. */
int set_elems_message(const struct nlmsghdr *nlh, void *data);

/* What was read becomes the set's; rc: how the reading ended. */
int set_elems_done(struct elems_dump *d, int rc);

/* Which set a request for elements is about. */
void set_put_name(struct nlmsghdr *nlh, const struct fact_set *set);

/* The maps whose key is a number of numgen, as far as they can be read better than one by one; the
 * others stay to be asked for. 0 or a negative errno. */
int facts_read_maps(struct facts *f, struct nf_source *s);

#endif
