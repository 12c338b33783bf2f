// SPDX-License-Identifier: GPL-2.0-or-later
/* Rules as they were written for earlier packets: most packets meet the same few. */
#include "src/render_json.h"

#include <stdlib.h>
#include <string.h>

enum { SLOTS_BITS = 8, SLOTS = 1 << SLOTS_BITS, LONGEST = 2048, PATIENCE = 8 };

struct kept_rule {
	struct step step; /* its strings lie behind the JSON */
	char *json;	  /* NULL: none is kept here */
	size_t len;
	unsigned int missed; /* times in a row that another rule was looked for here */
};

struct json_kept {
	struct kept_rule rules[SLOTS];
};

/* The strings that are written of a rule; put_rule() has them all. */
static const size_t strings[] = {
	offsetof(struct step, rule.table),	offsetof(struct step, rule.chain),
	offsetof(struct step, rule.target),	offsetof(struct step, rule.action),
	offsetof(struct step, rule.text),	offsetof(struct step, rule.comment),
	offsetof(struct step, rule.no_text),	offsetof(struct step, rule.element),
	offsetof(struct step, rule.owner),	offsetof(struct step, rule.owner_mode),
	offsetof(struct step, rule.owner_words),
};

enum { STRINGS = sizeof(strings) / sizeof(strings[0]) };

static const char **string_of(const struct step *s, size_t i)
{
	return (const char **)((char *)s + strings[i]);
}

static bool same_numbers(const struct step *a, const struct step *b)
{
	return a->type == b->type && a->backend == b->backend && a->family == b->family &&
	       a->hook == b->hook && a->verdict == b->verdict && a->rule.number == b->rule.number &&
	       a->rule.handle == b->rule.handle &&
	       a->rule.verdict_inferred == b->rule.verdict_inferred;
}

static bool same_strings(const struct step *a, const struct step *b)
{
	for (size_t i = 0; i < STRINGS; i++) {
		const char *x = *string_of(a, i), *y = *string_of(b, i);

		if (x != y && (!x || !y || strcmp(x, y) != 0))
			return false;
	}
	return true;
}

/* Where a rule is kept, if it is: by the text that the snapshot has of it, which others may share.
 * NULL: out of memory. */
static struct kept_rule *slot_of(struct json_kept **kept, const struct step *s)
{
	const uint64_t odd = 0x9e3779b97f4a7c15ULL;
	uint64_t hash = (uintptr_t)s->rule.text * odd;

	hash = (hash ^ hash >> 32 ^ s->rule.handle << 20 ^ s->rule.number) * odd;
	if (!*kept)
		*kept = calloc(1, sizeof(**kept));
	return *kept ? &(*kept)->rules[hash >> (64 - SLOTS_BITS)] : NULL;
}

/* Nothing is kept where there is no memory. */
static void keep(struct kept_rule *k, const struct step *s, const char *json, size_t len)
{
	size_t size = len;
	char *to;

	for (size_t i = 0; i < STRINGS; i++)
		size += *string_of(s, i) ? strlen(*string_of(s, i)) + 1 : 0;
	k->missed = 0;
	free(k->json);
	k->json = size <= LONGEST ? malloc(size) : NULL;
	if (!k->json)
		return;
	memcpy(k->json, json, len);
	k->len = len;
	k->step = *s;
	to = k->json + len;
	for (size_t i = 0; i < STRINGS; i++) {
		if (!*string_of(s, i))
			continue;
		*string_of(&k->step, i) = to;
		to = stpcpy(to, *string_of(s, i)) + 1;
	}
}

void json_rule(struct bytes_out *o, struct json_kept **kept, const struct path *p,
	       const struct step *s)
{
	struct kept_rule *k = slot_of(kept, s);
	size_t before = o->len;

	if (k && k->json && same_numbers(&k->step, s) && same_strings(&k->step, s)) {
		k->missed = 0;
		bytes_add(o, k->json, k->len);
		return;
	}
	json_step(o, p, s);
	/* Keeping costs more than writing: two rules that share a slot, or one that is another for
	 * each packet, are not to take turns. */
	if (k && !o->failed && (!k->json || ++k->missed >= PATIENCE))
		keep(k, s, o->data + before, o->len - before);
}

void json_kept_free(struct json_kept *kept)
{
	if (!kept)
		return;
	for (size_t i = 0; i < SLOTS; i++)
		free(kept->rules[i].json);
	free(kept);
}
