// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/summary.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "src/decision.h"
#include "src/escape.h"

enum { BUCKETS = 1024, SHOWN = 5 };

struct decider {
	struct decider *next;
	uint64_t count;
	char *what;
};

struct summary {
	uint64_t seen, printed, dropped, inexact;
	struct decider *buckets[BUCKETS];
	size_t n_deciders;
	struct bytes_out line; /* of the packet that is being added */
};

struct summary *summary_new(void)
{
	return calloc(1, sizeof(struct summary));
}

void summary_free(struct summary *s)
{
	if (!s)
		return;
	for (int i = 0; i < BUCKETS; i++) {
		while (s->buckets[i]) {
			struct decider *d = s->buckets[i];

			s->buckets[i] = d->next;
			free(d->what);
			free(d);
		}
	}
	bytes_free(&s->line);
	free(s);
}

static unsigned int hash(const char *s)
{
	unsigned int h = 5381;

	for (; *s; s++)
		h = h * 33 + (unsigned char)*s;
	return h % BUCKETS;
}

static void count_decider(struct summary *s, const char *what)
{
	struct decider **bucket = &s->buckets[hash(what)], *d;

	for (d = *bucket; d && strcmp(d->what, what); d = d->next)
		;
	if (!d) {
		d = calloc(1, sizeof(*d));
		if (d)
			d->what = strdup(what);
		if (!d || !d->what) {
			free(d);
			return;
		}
		d->next = *bucket;
		*bucket = d;
		s->n_deciders++;
	}
	d->count++;
}

void summary_add(struct summary *s, const struct path *p, bool printed)
{
	struct bytes_out *line = &s->line;

	s->seen++;
	s->printed += printed;
	s->dropped += p->verdict == PATH_DROPPED;
	s->inexact += p->certainty != CERTAIN_EXACT;
	if (p->decided_by < 0 || !printed)
		return;
	line->len = 0;
	line->failed = false;
	bytes_str(line, path_verdict_name(p->verdict));
	bytes_str(line, " by ");
	decision_name(line, &p->steps[p->decided_by]);
	bytes_char(line, '\0');
	if (!line->failed)
		count_decider(s, line->data);
}

uint64_t summary_printed(const struct summary *s)
{
	return s->printed;
}

static int by_count(const void *a, const void *b)
{
	const struct decider *x = *(const struct decider *const *)a,
			     *y = *(const struct decider *const *)b;

	if (x->count != y->count)
		return x->count < y->count ? 1 : -1;
	return strcmp(x->what, y->what);
}

static void print_deciders(const struct summary *s, FILE *out)
{
	struct decider **all = calloc(s->n_deciders ? s->n_deciders : 1, sizeof(*all));
	size_t n = 0;

	if (!all)
		return;
	for (int i = 0; i < BUCKETS; i++)
		for (struct decider *d = s->buckets[i]; d; d = d->next)
			all[n++] = d;
	qsort(all, n, sizeof(*all), by_count);
	for (size_t i = 0; i < n && i < SHOWN; i++) {
		fprintf(out, "%8" PRIu64 "  ", all[i]->count);
		escape_write(out, all[i]->what);
		fputc('\n', out);
	}
	if (n > SHOWN)
		fprintf(out, "          and %zu more\n", n - SHOWN);
	free(all);
}

void summary_print(const struct summary *s, FILE *out, uint64_t lost, uint64_t stray,
		   unsigned int rules_changed)
{
	fprintf(out,
		"nfpath: %" PRIu64 " packets seen, %" PRIu64 " traced, %" PRIu64
		" dropped, %" PRIu64 " events lost\n",
		s->seen, s->printed, s->dropped, lost);
	if (s->inexact)
		fprintf(out, "nfpath: %" PRIu64 " paths are not exact, each says why\n",
			s->inexact);
	if (stray)
		fprintf(out, "nfpath: %" PRIu64 " lines of iptables-legacy fitted no packet\n",
			stray);
	if (rules_changed)
		fprintf(out, "nfpath: the ruleset changed %u times meanwhile\n", rules_changed);
	print_deciders(s, out);
}
