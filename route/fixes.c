// SPDX-License-Identifier: GPL-2.0-or-later
#include "route/fixes.h"

#include <stdio.h>
#include <string.h>

#include "route/changes.h"

enum { CHANGES_AT_ONCE = 3 };

/* Decides with the changes of mask. The facts are put back, but for what was learned. */
static bool passes(struct route_collector *c, struct attempt *a, unsigned int mask)
{
	struct route_facts before = *a->f;
	bool rule = route_refusing_rule(a) != NULL;
	struct route_decision d;
	bool pass;
	int rc;

	for (unsigned int i = 0; i < route_n_changes; i++)
		if (mask & 1u << i)
			route_change_apply(&route_changes[i], a);
	rc = route_collect_and_decide(c, a->f, a->flow, &d, NULL);
	pass = !rc && d.verdict == ROUTE_PASS;
	route_decision_free(&d);
	before.fibs = a->f->fibs;
	before.n_fibs = a->f->n_fibs;
	*a->f = before;
	if (rule)
		a->f->rules[a->d->forward.rule].without = false;
	return pass;
}

static void add_text(char *to, size_t size, const char *glue, const char *text)
{
	size_t n = strlen(to);

	snprintf(to + n, size - n, "%s%s", n ? glue : "", text);
}

static void describe(const struct attempt *a, unsigned int mask, struct route_fix *fix)
{
	char text[512];

	*fix = (struct route_fix){.verified = true};
	for (unsigned int i = 0; i < route_n_changes; i++) {
		if (!(mask & 1u << i))
			continue;
		route_change_command(&route_changes[i], a, text, sizeof(text));
		add_text(fix->change, sizeof(fix->change), " && ", text);
		route_change_effect(&route_changes[i], a, text, sizeof(text));
		add_text(fix->effect, sizeof(fix->effect), "; ", text);
	}
}

static bool possible(unsigned int mask, unsigned int useful)
{
	unsigned int routes = 0;

	for (unsigned int i = 0; i < route_n_changes; i++)
		if (mask & 1u << i && route_changes[i].adds_route)
			routes++;
	return (mask & useful) == mask && routes <= 1;
}

const char *route_no_fix(enum route_reason reason)
{
	static const char *const sentences[] = {
		[ROUTE_MARTIAN_SOURCE] =
			"nothing on this host: who sends it must use an address of its own as source",
		[ROUTE_MARTIAN_DESTINATION] =
			"nothing on this host: who sends it must send to an address of a host",
		[ROUTE_NOT_JOINED] = "a socket that joins the group on that device",
	};

	return reason < sizeof(sentences) / sizeof(sentences[0]) ? sentences[reason] : NULL;
}

size_t route_fixes(struct route_collector *c, struct route_facts *f, const struct route_flow *flow,
		   const struct route_decision *d, struct route_fix fixes[ROUTE_FIXES])
{
	struct attempt a = {.f = f, .flow = flow, .d = d};
	unsigned int useful = 0;
	size_t n = 0;

	for (unsigned int i = 0; i < route_n_changes; i++)
		if (route_changes[i].matters(&a))
			useful |= 1u << i;
	for (int at_once = 1; at_once <= CHANGES_AT_ONCE && !n; at_once++)
		for (unsigned int mask = 1; mask < 1u << route_n_changes && n < ROUTE_FIXES; mask++)
			if (__builtin_popcount(mask) == at_once && possible(mask, useful) &&
			    passes(c, &a, mask))
				describe(&a, mask, &fixes[n++]);
	return n;
}
