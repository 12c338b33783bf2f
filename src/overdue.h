/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Datagrams that were told on without their record. It may still come: a processor may be taken away from its machine between queueing
 * the one and writing the other. Then it must not be taken for the record of a later datagram, which would come before those between.
 */
#ifndef NFPATH_OVERDUE_H
#define NFPATH_OVERDUE_H

#include <stdbool.h>
#include <stdint.h>

enum { OVERDUE_MAX = 256 };

/* A record that has not come after so long will not come any more. */
#define OVERDUE_NS 10000000000ull

struct overdue {
	struct overdue_datagram {
		uint64_t ns; /* CLOCK_MONOTONIC, when it was read */
		uint32_t number;
		uint16_t type;
	} left[OVERDUE_MAX]; /* the oldest first */
	unsigned int n;
	unsigned int useless; /* records that came and named no datagram: so many datagrams are without theirs */
	uint64_t useless_ns;  /* when the last one came */
};

/* A datagram of this type and number, read at ns, is told on without its record. The oldest is forgotten where there is no room. */
void overdue_add(struct overdue *o, uint16_t type, uint32_t number, uint64_t ns);

/* A record came: is it that of a datagram that was told on before? any: the record does not say whose it is. */
bool overdue_take(struct overdue *o, uint16_t type, uint32_t number, bool any);

/* A record of ns came whose datagram is not there and was not told on before. */
void overdue_useless(struct overdue *o, uint64_t ns);

/* What waited for its counterpart for longer than OVERDUE_NS waits no longer. */
void overdue_forget(struct overdue *o, uint64_t now_ns);

#endif
