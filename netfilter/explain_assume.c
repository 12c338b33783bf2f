// SPDX-License-Identifier: GPL-2.0-or-later
/* What is given and what is assumed of a packet on its way. */
#include <string.h>

#include <netinet/in.h>

#include "netfilter/explain_walk.h"

/* Nobody's ruleset has so many; one that is made to have as many ways as possible ends here. */
enum { RULES_MAX = 5 * 1000 * 1000 };

void walk_begin(struct walk *w, const struct facts *f,
		void (*leaf)(struct walk *w, const struct walk_leaf *leaf), void *data)
{
	w->facts = f;
	w->expand = w->any_mark = w->report_marks = false;
	w->leaf = leaf;
	w->data = data;
	w->n_assumed = w->n_given = w->n_path = w->n_marks = 0;
	w->rules_left = RULES_MAX;
	w->cut = false;
}

bool walk_assume(struct walk *w, const struct fact *f)
{
	if (w->n_assumed == WALK_FACTS) {
		w->cut = true;
		return false;
	}
	w->origin[w->n_assumed] = w->n_path ? w->n_path - 1 : 0;
	w->assumed[w->n_assumed++] = *f;
	return true;
}

void walk_give(struct walk *w, uint8_t key, const void *value, uint8_t len)
{
	struct fact f = {.key = key, .op = FACT_MASKED, .len = len};

	memcpy(f.value, value, len);
	memset(f.mask, 0xff, len);
	walk_assume(w, &f);
	w->n_given = w->n_assumed;
}

void walk_give_bits(struct walk *w, uint8_t key, uint32_t bits)
{
	struct fact f = {.key = key, .op = FACT_BITS, .len = 4};

	memcpy(f.value, &bits, 4);
	walk_assume(w, &f);
	w->n_given = w->n_assumed;
}

bool walk_is_sure(const struct walk *w)
{
	for (unsigned int i = w->n_given; i < w->n_assumed; i++)
		if (!w->assumed[i].implied)
			return false;
	return true;
}

bool walk_assume_elem(struct walk *w, const struct fact_set *set, const struct fact_elem *e,
		      const uint8_t *keys, uint8_t n, bool *sure)
{
	struct fact part;
	enum truth t;

	for (uint8_t i = 0; i < n; i++) {
		if (keys[i] == KEY_RANDOM)
			continue;
		fact_of_part(&part, set, e, keys, i, walk_family(w));
		t = walk_truth(w, &part);
		if (t == FALSE_ || (t == MAYBE && !walk_assume(w, &part)))
			return false;
		if (t == MAYBE)
			*sure = false;
	}
	return true;
}

double walk_elem_chance(const struct walk *w, const struct fact_set *set, const struct fact_elem *e,
			const uint8_t *keys, uint8_t n, uint32_t modulus)
{
	uint32_t at = 0, from, to;

	for (uint8_t i = 0; i < n; i++) {
		if (keys[i] == KEY_RANDOM) {
			memcpy(&from, e->key + at, 4);
			memcpy(&to, e->end + at, 4);
			/* Intervals lie in network order, single numbers as numgen makes them. */
			if (set->intervals) {
				from = ntohl(from);
				to = ntohl(to);
			}
			if (from >= modulus || to < from)
				return 0;
			return (double)((to < modulus ? to : modulus - 1) - from + 1) / modulus;
		}
		at += (fact_key_len(keys[i], walk_family(w)) + 3) & ~3u;
	}
	return 1;
}
