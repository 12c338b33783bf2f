// SPDX-License-Identifier: GPL-2.0-or-later
/* What follows from what is known: yes, no, or it depends. */
#include <string.h>

#include <netinet/in.h>
#include <linux/netfilter.h>

#include "netfilter/explain_walk.h"

static uint32_t u32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static enum truth truth_of(bool yes)
{
	return yes ? TRUE_ : FALSE_;
}

static enum truth inverted(enum truth t)
{
	return t == TRUE_ ? FALSE_ : t == FALSE_ ? TRUE_ : MAYBE;
}

/* (key & m1) == v1 is known; is (key & m2) == v2? */
static enum truth masked_masked(const struct fact *a, const struct fact *b)
{
	bool covered = true;

	for (uint8_t i = 0; i < b->len; i++) {
		if ((a->value[i] ^ b->value[i]) & a->mask[i] & b->mask[i])
			return FALSE_;
		if (b->mask[i] & ~a->mask[i])
			covered = false;
	}
	return covered ? TRUE_ : MAYBE;
}

/* The lowest and the highest key of which the fact holds. A mask with holes: wider than it is. */
static void bounds_of(const struct fact *f, uint8_t lo[FACT_BYTES], uint8_t hi[FACT_BYTES])
{
	for (uint8_t i = 0; i < f->len; i++) {
		lo[i] = f->value[i];
		hi[i] = f->op == FACT_RANGE ? f->mask[i] : f->value[i] | (uint8_t)~f->mask[i];
	}
}

static bool mask_is_prefix(const struct fact *f)
{
	bool ended = f->op == FACT_RANGE;

	for (uint8_t i = 0; f->op == FACT_MASKED && i < f->len; i++) {
		uint8_t holes = ~f->mask[i];

		if ((ended && f->mask[i]) || (holes & (holes + 1)))
			return false;
		ended |= f->mask[i] != 0xff;
	}
	return true;
}

static enum truth by_bounds(const struct fact *a, const struct fact *b)
{
	uint8_t alo[FACT_BYTES], ahi[FACT_BYTES], blo[FACT_BYTES], bhi[FACT_BYTES];

	bounds_of(a, alo, ahi);
	bounds_of(b, blo, bhi);
	if (memcmp(ahi, blo, a->len) < 0 || memcmp(bhi, alo, a->len) < 0)
		return FALSE_;
	if (mask_is_prefix(b) && memcmp(alo, blo, a->len) >= 0 && memcmp(ahi, bhi, a->len) <= 0)
		return TRUE_;
	return MAYBE;
}

enum truth fact_implies(const struct fact *known, const struct fact *asked)
{
	if (known->len != asked->len)
		return MAYBE;
	if (known->op == FACT_BITS && asked->op == FACT_BITS) {
		if (!(u32(known->value) & u32(asked->value)))
			return FALSE_;
		return u32(known->value) & ~u32(asked->value) ? MAYBE : TRUE_;
	}
	if (known->op == FACT_MASKED && asked->op == FACT_MASKED)
		return masked_masked(known, asked);
	if (known->op > FACT_RANGE || asked->op > FACT_RANGE)
		return MAYBE;
	return by_bounds(known, asked);
}

/* Known is that this does not hold: so nothing narrower does. */
static enum truth not_implies(const struct fact *known, const struct fact *asked)
{
	return fact_implies(asked, known) == TRUE_ ? FALSE_ : MAYBE;
}

static bool same_set(const struct fact *a, const struct fact *b)
{
	return a->op == FACT_IN_SET && b->op == FACT_IN_SET && a->set == b->set &&
	       a->n_keys == b->n_keys && !memcmp(a->keys, b->keys, a->n_keys);
}

/* Without asking for the mark, and without the inversion. */
static enum truth plain_truth(const struct walk *w, const struct fact *f)
{
	for (unsigned int i = w->n_assumed; i--;) {
		const struct fact *a = &w->assumed[i];
		enum truth t;

		if (same_set(a, f))
			return truth_of(!a->inv);
		if (a->key != f->key || a->key == KEY_OTHER || a->op > FACT_BITS ||
		    f->op > FACT_BITS)
			continue;
		t = a->inv ? not_implies(a, f) : fact_implies(a, f);
		if (t != MAYBE)
			return t;
	}
	return MAYBE;
}

/* From a network's first address to its last: the network. */
static void as_prefix(struct fact *f)
{
	bool addr = f->key == KEY_SADDR || f->key == KEY_DADDR;
	struct fact masked = *f;

	masked.op = FACT_MASKED;
	for (uint8_t i = 0; i < f->len; i++) {
		masked.mask[i] = ~(f->value[i] ^ f->mask[i]);
		if (f->value[i] & (uint8_t)~masked.mask[i])
			return;
	}
	if (!memcmp(f->value, f->mask, f->len) || (addr && mask_is_prefix(&masked)))
		*f = masked;
}

void fact_of_part(struct fact *out, const struct fact_set *set, const struct fact_elem *e,
		  const uint8_t *keys, uint8_t part, uint8_t family)
{
	uint32_t at = 0;

	memset(out, 0, sizeof(*out));
	for (uint8_t i = 0; i < part; i++)
		at += (fact_key_len(keys[i], family) + 3) & ~3u;
	out->key = keys[part];
	out->len = fact_key_len(keys[part], family);
	if (at + out->len > set->klen) {
		out->op = FACT_OTHER;
		out->what = "part of a key";
		return;
	}
	if (out->key == KEY_STYPE || out->key == KEY_DTYPE) {
		out->op = FACT_BITS;
		at = 1u << (u32(e->key + at) & 31);
		memcpy(out->value, &at, 4);
		return;
	}
	out->op = out->key == KEY_CT_STATE ? FACT_BITS : FACT_RANGE;
	memcpy(out->value, e->key + at, out->len);
	memcpy(out->mask, e->end + at, out->len);
	if (out->op == FACT_RANGE)
		as_prefix(out);
}

enum truth walk_elem_truth(const struct walk *w, const struct fact_set *set,
			   const struct fact_elem *e, const uint8_t *keys, uint8_t n)
{
	enum truth all = TRUE_, t;
	struct fact part;

	for (uint8_t i = 0; i < n && all != FALSE_; i++) {
		fact_of_part(&part, set, e, keys, i, walk_family(w));
		t = walk_truth(w, &part);
		if (t < all)
			all = t;
	}
	return all;
}

static enum truth set_truth(const struct walk *w, const struct fact *f)
{
	enum truth t = plain_truth(w, f), any = FALSE_;

	if (t != MAYBE || f->set->why || f->set->dynamic)
		return t;
	for (size_t i = 0; i < f->set->n && any != TRUE_; i++) {
		t = walk_elem_truth(w, f->set, &f->set->elems[i], f->keys, f->n_keys);
		if (t > any)
			any = t;
	}
	return any;
}

/* Of the facts that a rule needed when it set the mark: do they hold on this way? */
static enum truth mark_truth(const struct walk *w, const struct walk_mark *m)
{
	enum truth all = TRUE_, t;

	for (unsigned int i = 0; i < m->n && all != FALSE_; i++) {
		/* It was asked before the mark was set: no look at marks again. */
		t = m->facts[i].op == FACT_IN_SET ? MAYBE : plain_truth(w, &m->facts[i]);
		if (m->facts[i].inv)
			t = inverted(t);
		if (t < all)
			all = t;
	}
	return all;
}

/* The packet comes without a mark; what rules of its way make of it. */
static enum truth truth_of_mark(const struct walk *w, const struct fact *f)
{
	uint32_t mark = 0, unknown = w->any_mark ? UINT32_MAX : 0, asked = u32(f->mask);
	enum truth t = f->op == FACT_MASKED ? plain_truth(w, f) : MAYBE;

	if (t != MAYBE || f->op != FACT_MASKED)
		return t;
	for (unsigned int i = 0; i < w->n_marks; i++) {
		const struct fact_rule *r = w->marks[i].rule;

		t = mark_truth(w, &w->marks[i]);
		if (t == MAYBE)
			unknown |= r->mark_mask | r->mark_value;
		if (t != TRUE_)
			continue;
		unknown &= ~r->mark_mask;
		mark = (mark & ~r->mark_mask) ^ r->mark_value;
	}
	if ((mark ^ u32(f->value)) & asked & ~unknown)
		return FALSE_;
	return asked & unknown ? MAYBE : TRUE_;
}

enum truth walk_truth(const struct walk *w, const struct fact *f)
{
	enum truth t = MAYBE;

	if (f->key == KEY_MARK && f->op <= FACT_RANGE)
		t = truth_of_mark(w, f);
	else if (f->op <= FACT_BITS)
		t = plain_truth(w, f);
	else if (f->op == FACT_IN_SET)
		t = set_truth(w, f);
	return f->inv ? inverted(t) : t;
}

const struct fact *walk_value(const struct walk *w, uint8_t key)
{
	for (unsigned int i = 0; i < w->n_assumed; i++)
		if (w->assumed[i].key == key && !w->assumed[i].inv &&
		    w->assumed[i].op <= FACT_RANGE)
			return &w->assumed[i];
	return NULL;
}

uint8_t walk_family(const struct walk *w)
{
	const struct fact *f = walk_value(w, KEY_FAMILY);

	return f ? f->value[0] : NFPROTO_UNSPEC;
}
