// SPDX-License-Identifier: GPL-2.0-or-later
/* Sets of intervals, as the kernel keeps them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "netfilter/explain_facts.h"

/* Where one interval ends and the next begins at the same key, the end comes first. */
struct bound {
	const uint8_t *key;
	uint32_t klen;
	size_t elem;
	bool end;
};

static int compare_bounds(const void *a, const void *b)
{
	const struct bound *x = a, *y = b;
	int rc = memcmp(x->key, y->key, x->klen);

	return rc ? rc : y->end - x->end;
}

/* The key before this one, as a number. */
static uint8_t *key_before(struct facts *f, const uint8_t *key, uint32_t len)
{
	uint8_t *copy = facts_alloc(f, len);

	if (!copy)
		return NULL;
	memcpy(copy, key, len);
	for (uint32_t i = len; i-- && copy[i]-- == 0;)
		;
	return copy;
}

/*
 * Sets of intervals of one key hold where each begins and, as an element of its own, where it ends
 * (nft_set_rbtree). Those of several keys hold both in one element.
 */
int facts_close_intervals(struct facts *f, const struct fact_set *set, struct fact_elem *v,
			  size_t *count, const uint8_t *ends)
{
	struct bound *b = calloc(*count ? *count : 1, sizeof(*b));
	uint8_t *last = facts_alloc(f, set->klen);
	size_t n = 0;

	if (!b || !last) {
		free(b);
		return -ENOMEM;
	}
	memset(last, 0xff, set->klen);
	for (size_t i = 0; i < *count; i++)
		b[i] = (struct bound){v[i].key, set->klen, i, ends[i]};
	qsort(b, *count, sizeof(*b), compare_bounds);
	for (size_t i = 0; i < *count; i++) {
		struct fact_elem *e = &v[b[i].elem];

		if (b[i].end || e->end != e->key)
			continue;
		e->end = i + 1 < *count ? key_before(f, b[i + 1].key, set->klen) : last;
	}
	free(b);
	for (size_t i = 0; i < *count; i++)
		if (!ends[i])
			v[n++] = v[i];
	*count = n;
	return 0;
}
