/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A buffer whose end is the end of readable memory: one byte read too many and the test dies. */
#ifndef NFPATH_TESTS_UNIT_GUARD_H
#define NFPATH_TESTS_UNIT_GUARD_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct guard {
	uint8_t *map;
	size_t page;
};

static inline struct guard guard_open(void)
{
	struct guard g = {.page = sysconf(_SC_PAGESIZE)};

	g.map = mmap(NULL, 2 * g.page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (g.map == MAP_FAILED || mprotect(g.map + g.page, g.page, PROT_NONE))
		abort();
	return g;
}

/* A copy of the bytes, the last of which is the last one that may be read. */
static inline const uint8_t *guard_put(struct guard *g, const void *bytes, size_t len)
{
	uint8_t *at = g->map + g->page - len;

	if (len)
		memcpy(at, bytes, len);
	return at;
}

static inline void guard_close(struct guard *g)
{
	munmap(g->map, 2 * g->page);
}

#endif
