/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Questions that a path may cost, so that reading keeps up with a flood: so many a second, and none beyond. */
#ifndef NFPATH_BUDGET_H
#define NFPATH_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

#include "src/clock.h"

struct budget {
	uint64_t second;
	unsigned int spent;
};

/* False: this second's are spent. */
static inline bool budget_spend(struct budget *b, unsigned int a_second)
{
	uint64_t now = clock_coarse_ns() / 1000000000;

	if (b->second != now)
		b->spent = 0;
	b->second = now;
	if (b->spent == a_second)
		return false;
	b->spent++;
	return true;
}

#endif
