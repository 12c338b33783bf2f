/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Records of raw tracepoints that have been read and not been told on: before the counters of lost
 * ones say that nothing is missing among them, none of them may be paired with a datagram.
 */
#ifndef NFPATH_RECORDS_H
#define NFPATH_RECORDS_H

#include <stddef.h>

struct nfp_event;

struct records {
	char *bytes; /* owned */
	size_t begin, end, room;
};

/* Appends a copy; its type is one of those below NFP_RAW_TYPES. 0 or -ENOMEM. */
int records_add(struct records *r, const struct nfp_event *ev);

/* The oldest, valid until the next call; NULL: there is none. */
const struct nfp_event *records_first(const struct records *r);
void records_drop_first(struct records *r);

void records_forget(struct records *r);
void records_free(struct records *r);

#endif
