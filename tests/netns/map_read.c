// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * map_read NETNS [SECONDS]: verdict maps of nf_tables, read out of the kernel's memory and told by its dump. One line for
 * each: "same FAMILY TABLE MAP N", "untold FAMILY TABLE MAP N", or "differs" and both. Then one line about all sets as `explain` reads
 * them with the reader and without it: "facts same N" (elements) or "facts differ".
 * With SECONDS, while others change the rules: that is done again and again, and what differs is told where the moment was quiet: the
 * generation is the same before and after, and so are all dumps. The generation alone says too little: a dump goes on behind as many
 * elements as it has told, and a transaction that is not committed yet has put its own among them, unseen: then some are told twice
 * (nft_hash_walk(), nf_tables_dump_set(); seen on 6.18: 84 elements of a map of at most 64). At the end "rounds N quiet N torn N elements N".
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

/* Does `explain` take it from the reader? Others it has from the kernel's dump. */
static bool by_reader(const struct fact_set *set, const struct told_list *l)
{
	return set->modulus && set->n == set->modulus && find(l, set);
}

static bool same_set(const struct fact_set *x, const struct fact_set *y)
{
	if (!y || x->n != y->n)
		return false;
	for (size_t k = 0; k < x->n; k++)
		if (!same_elem(x, &x->elems[k], &y->elems[k]))
			return false;
	return true;
}

/* The set that differs, or else NULL; one of those that the reader tells first of all. */
static const struct fact_set *differs(const struct facts *a, const struct facts *b, const struct told_list *l)
{
	const struct fact_set *dumped = NULL;

	for (size_t i = 0; i < a->n_sets; i++)
		if (!same_set(a->sets[i], twin(a->sets[i], b))) {
			if (by_reader(a->sets[i], l))
				return a->sets[i];
			dumped = a->sets[i];
		}
	return dumped;
}

static size_t elements(const struct facts *f)
{
	size_t n = 0;

	for (size_t i = 0; i < f->n_sets; i++)
		n += f->sets[i]->n;
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

/* Do the dumps differ? Also that which the kernel told beside the reader, which is no fault of its. */
static bool is_torn(const struct reads *r, bool changing)
{
	const struct fact_set *beside;

	if (differs(r->before, r->after, &r->told))
		return true;
	beside = changing ? differs(r->before, r->with, &r->told) : NULL;
	return beside && !by_reader(beside, &r->told);
}

static void judge(const struct reads *r, bool quiet, struct counts *c)
{
	const struct fact_set *set = differs(r->before, r->with, &r->told), *y = set ? twin(set, r->with) : NULL;

	c->quiet++;
	c->elements += compare(r->before, &r->told, quiet);
	if (set || r->before->n_sets != r->with->n_sets)
		printf("facts differ: %zu and %zu sets, %s has %zu elements, and %zu with the reader\n", r->before->n_sets, r->with->n_sets,
		       set ? set->name : "-", set ? set->n : 0, y ? y->n : 0);
	else if (!quiet)
		printf("facts same %zu\n", elements(r->before));
}

/* The key of no element of a map comes again. */
static void look_for_repeats(const struct facts *f)
{
	for (size_t i = 0; i < f->n_sets; i++) {
		const struct fact_set *set = f->sets[i];

		for (size_t k = 0; set->verdicts && k < set->n; k++)
			for (size_t m = 0; m < k; m++)
				if (!memcmp(set->elems[k].key, set->elems[m].key, set->klen)) {
					printf("differs %s has %zu elements, two of them with one key\n", set->name, set->n);
					return;
				}
	}
}

static int round_once(struct nf_source *s, struct map_reader *reader, bool changing, struct counts *c)
{
	struct reads r = {0};
	int rc = read_all(s, reader, &r);

	c->rounds++;
	if (!rc && is_torn(&r, changing)) {
		c->torn++;
		rc = -EAGAIN;
	}
	if (!rc)
		judge(&r, changing, c);
	else if (rc != -EAGAIN)
		fprintf(stderr, "map_read: %s\n", strerror(-rc));
	if (r.with)
		look_for_repeats(r.with);
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
