/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Pieces of one size that were given back wait for the next one to be taken: what comes and goes with
 * each packet is not asked of malloc() each time. */
#ifndef NFPATH_SPARE_H
#define NFPATH_SPARE_H

#include <stdlib.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define NFPATH_WATCHED 1
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define NFPATH_WATCHED 1
#endif

#ifdef NFPATH_WATCHED
enum { SPARE_MAX = 0 }; /* who looks for uses of freed memory is to find them */
#else
enum { SPARE_MAX = 256 };
#endif

struct spare {
	struct spare_piece {
		struct spare_piece *next;
	} *first;
	int n;
};

/* Its bytes are not cleared. NULL: out of memory. */
static inline void *spare_take(struct spare *s, size_t size)
{
	struct spare_piece *piece = s->first;

	if (!piece)
		return malloc(size);
	s->first = piece->next;
	s->n--;
	return piece;
}

static inline void spare_give(struct spare *s, void *memory)
{
	struct spare_piece *piece = memory;

	if (s->n >= SPARE_MAX) {
		free(memory);
		return;
	}
	piece->next = s->first;
	s->first = piece;
	s->n++;
}

static inline void spare_free(struct spare *s)
{
	while (s->first)
		free(spare_take(s, 0));
}

#endif
