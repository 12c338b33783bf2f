// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * map_read NETNS [SECONDS]: verdict maps of nf_tables, read out of the kernel's memory and told by its dump. One line for
 * each: "same FAMILY TABLE MAP N", "untold FAMILY TABLE MAP N", or "differs" and both. Then one line about all sets as `explain` reads
 * them with the reader and without it: "facts same N" (elements) or "facts differ".
 * With SECONDS, while others change the rules: that is done again and again, and what differs is told where the moment was quiet: the
 * generation is the same before and after, and so are two dumps. (The generation alone says too little: the kernel's dump of a map of 64
 * elements was seen to hold 84, those before a transaction and those behind it, 6.18.) At the end "rounds N quiet N torn N elements N".
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "netfilter/explain_facts.h"
#include "src/map_bpf.h"
#include "src/netns.h"

struct told {
	uint64_t table, handle;
	struct map_elem v[64];
	unsigned int n;
};

struct told_list {
	struct told *v;
	size_t n;
	uint64_t table;
};

static int on_map(uint64_t handle, const struct map_elem *v, unsigned int n, void *data)
{
	struct told_list *l = data;
	struct told *t;

	l->v = realloc(l->v, (l->n + 1) * sizeof(*l->v));
	if (!l->v)
		return -ENOMEM;
	t = &l->v[l->n++];
	*t = (struct told){.table = l->table, .handle = handle, .n = n};
	memcpy(t->v, v, n * sizeof(*v));
	return 0;
}

static const struct told *find(const struct told_list *l, const struct fact_set *set)
{
	const struct told *found = NULL;

	for (size_t i = 0; i < l->n; i++)
		if (l->v[i].table == set->table->handle && l->v[i].handle == set->handle) {
			if (found)
				return NULL; /* told twice: as if it were not */
			found = &l->v[i];
		}
	return found;
}

/* "00000001=jump c3", in order. */
static char *words_of_dump(const struct fact_set *set)
{
	char (*v)[300] = calloc(set->n + 1, sizeof(*v)), *out = calloc(set->n + 1, sizeof(*v));

	for (size_t i = 0; i < set->n; i++) {
		const struct fact_elem *e = &set->elems[i];

		for (uint32_t k = 0; k < 4; k++)
			sprintf(v[i] + 2 * k, "%02x", e->key[k]);
		snprintf(v[i] + 8, sizeof(v[i]) - 8, "=%d %s ", e->verdict, e->to ? e->to->rs->name : "-");
	}
	qsort(v, set->n, sizeof(*v), (int (*)(const void *, const void *))strcmp);
	for (size_t i = 0; i < set->n; i++)
		strcat(out, v[i]);
	free(v);
	return out;
}

static const char *chain_name(const struct fact_set *set, uint64_t handle)
{
	for (size_t i = 0; i < set->table->n_chains; i++)
		if (set->table->chains[i]->handle == handle)
			return set->table->chains[i]->name;
	return handle ? "?" : "-";
}

static char *words_of_told(const struct fact_set *set, const struct told *t)
{
	char (*v)[300] = calloc(t->n + 1, sizeof(*v)), *out = calloc(t->n + 1, sizeof(*v));

	for (unsigned int i = 0; i < t->n; i++) {
		for (uint32_t k = 0; k < 4; k++)
			sprintf(v[i] + 2 * k, "%02x", ((const uint8_t *)&t->v[i].key)[k]);
		snprintf(v[i] + 8, sizeof(v[i]) - 8, "=%d %s ", verdict_of_nft(t->v[i].code), chain_name(set, t->v[i].chain));
	}
	qsort(v, t->n, sizeof(*v), (int (*)(const void *, const void *))strcmp);
	for (unsigned int i = 0; i < t->n; i++)
		strcat(out, v[i]);
	free(v);
	return out;
}

/* Returns how many elements were compared. */
static size_t compare(const struct facts *f, const struct told_list *l, bool quiet)
{
	size_t n = 0, known = 0;

	for (size_t i = 0; i < f->n_sets; i++) {
		const struct fact_set *set = f->sets[i];
		const struct told *t = find(l, set);
		char *dump, *told;

		if (!set->verdicts || !t) {
			if (set->verdicts && !quiet)
				printf("untold %u %s %s %zu\n", set->table->family, set->table->name, set->name, set->n);
			continue;
		}
		known++;
		n += t->n;
		dump = words_of_dump(set);
		told = words_of_told(set, t);
		if (strcmp(dump, told))
			printf("differs %u %s %s; read: %s; told: %s\n", set->table->family, set->table->name, set->name, told, dump);
		else if (!quiet)
			printf("same %u %s %s %zu\n", set->table->family, set->table->name, set->name, set->n);
		free(dump);
		free(told);
	}
	if (known != l->n)
		printf("differs: %zu maps were read, of which the kernel tells %zu\n", l->n, known);
	return n;
}

static bool same_elem(const struct fact_set *a, const struct fact_elem *x, const struct fact_elem *y)
{
	return !memcmp(x->key, y->key, a->klen) && !memcmp(x->end, y->end, a->klen) && x->verdict == y->verdict && !x->data == !y->data &&
	       (x->data ? !memcmp(x->data, y->data, a->dlen) : 1) && !strcmp(x->comment ?: "", y->comment ?: "") &&
	       !strcmp(x->to ? x->to->rs->name : "", y->to ? y->to->rs->name : "");
}

/* The same set in other facts; in those they are by the tables' addresses. */
static const struct fact_set *twin(const struct fact_set *set, const struct facts *f)
{
	for (size_t i = 0; i < f->n_sets; i++)
		if (f->sets[i]->handle == set->handle && f->sets[i]->table->handle == set->table->handle)
			return f->sets[i];
	return NULL;
}

/* Returns how many elements are the same, or -1 and what differs. */
static long same_facts(const struct facts *a, const struct facts *b, char *what, size_t room)
{
	long n = 0;

	if (a->n_sets != b->n_sets) {
		snprintf(what, room, "%zu and %zu sets", a->n_sets, b->n_sets);
		return -1;
	}
	for (size_t i = 0; i < a->n_sets; i++) {
		const struct fact_set *x = a->sets[i], *y = twin(x, b);

		if (!y || x->n != y->n) {
			snprintf(what, room, "%s has %zu elements, and %zu read by the reader", x->name, x->n, y ? y->n : 0);
			return -1;
		}
		for (size_t k = 0; k < x->n; k++, n++)
			if (!same_elem(x, &x->elems[k], &y->elems[k])) {
				snprintf(what, room, "element %zu of %s", k, x->name);
				return -1;
			}
	}
	return n;
}

struct reads {
	struct facts *before, *with, *after; /* by the kernel's dump, with the reader, by its dump */
	struct told_list told;
};

/* 0, -EAGAIN: the generation did not stay the same; or another negative errno. */
static int read_all(struct nf_source *s, struct map_reader *reader, struct reads *r)
{
	struct error err = {0};
	uint32_t genid = 0;
	int rc = 0;

	r->before = facts_read(s, NULL, &err);
	for (size_t i = 0; r->before && !rc && i < r->before->rs->n_tables; i++) {
		r->told.table = r->before->rs->tables[i]->handle;
		rc = reader->read(reader->ctx, r->before->rs->tables[i]->family, r->told.table, on_map, &r->told);
	}
	r->with = r->before ? facts_read(s, reader, &err) : NULL;
	r->after = r->with ? facts_read(s, NULL, &err) : NULL;
	if (!r->after)
		return err.rc;
	if (nf_source_genid(s, &genid) || r->before->rs->genid != genid || r->with->rs->genid != genid || r->after->rs->genid != genid)
		return -EAGAIN;
	return rc;
}

struct counts {
	unsigned int rounds, quiet, torn;
	size_t elements;
};

static int round_once(struct nf_source *s, struct map_reader *reader, bool quiet, struct counts *c)
{
	struct reads r = {0};
	int rc = read_all(s, reader, &r);
	char what[400];
	long n;

	c->rounds++;
	if (!rc && same_facts(r.before, r.after, what, sizeof(what)) < 0) {
		c->torn++;
		rc = -EAGAIN;
	}
	if (!rc) {
		c->quiet++;
		c->elements += compare(r.before, &r.told, quiet);
		n = same_facts(r.before, r.with, what, sizeof(what));
		if (n < 0)
			printf("facts differ: %s\n", what);
		else if (!quiet)
			printf("facts same %ld\n", n);
	} else if (rc != -EAGAIN) {
		fprintf(stderr, "map_read: %s\n", strerror(-rc));
	}
	facts_free(r.before);
	facts_free(r.with);
	facts_free(r.after);
	free(r.told.v);
	return rc;
}

int main(int argc, char **argv)
{
	struct netns_set set = {0};
	struct map_reader *reader;
	struct error err = {0};
	struct nf_source *s;
	struct counts c = {0};
	time_t end;
	int rc;

	if (argc < 2 || netns_add(&set, argv[1], &err) || !(s = nf_source_open(set.v[0].fd, &err)) ||
	    !(reader = map_bpf_new(set.v[0].fd))) {
		fprintf(stderr, "map_read: %s\n", argc >= 2 ? err.text : "give a namespace");
		return 1;
	}
	reader->worth = 1;
	end = time(NULL) + (argc > 2 ? atoi(argv[2]) : 0);
	do
		rc = round_once(s, reader, argc > 2, &c);
	while ((!rc || rc == -EAGAIN) && time(NULL) < end);
	if (argc > 2)
		printf("rounds %u quiet %u torn %u elements %zu\n", c.rounds, c.quiet, c.torn, c.elements);
	map_bpf_free(reader);
	nf_source_close(s);
	netns_set_free(&set);
	return argc > 2 && rc == -EAGAIN ? 0 : rc != 0;
}
