// SPDX-License-Identifier: GPL-2.0-or-later
/* Sets and maps of nf_tables with their elements. */
#include <errno.h>
#include <libmnl/libmnl.h>
#include <libnftnl/set.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdlib.h>
#include <string.h>

#include "netfilter/explain_sets.h"
#include "netfilter/source.h"
#include "netfilter/text_parts.h"

/* More than one program writes by hand; such a set has no elements here, and says why. */
enum { ELEMS_MAX = 1 << 20 };

struct sets_dump {
	struct facts *f;
};

static uint32_t get_u32(const struct nftnl_set *s, uint16_t attr)
{
	return nftnl_set_is_set(s, attr) ? nftnl_set_get_u32(s, attr) : 0;
}

static int keep_set(struct sets_dump *d, const struct nftnl_set *s)
{
	const struct rs_table *t = ruleset_table(d->f->rs, false, get_u32(s, NFTNL_SET_FAMILY),
						 nftnl_set_get_str(s, NFTNL_SET_TABLE));
	uint32_t flags = get_u32(s, NFTNL_SET_FLAGS);
	struct fact_set *set, **bigger;
	size_t n = d->f->n_sets;

	if (!t)
		return -EAGAIN;
	if (!(n & (n - 1))) { /* doubled at powers of two */
		bigger = realloc(d->f->sets, (n ? 2 * n : 1) * sizeof(*bigger));
		if (!bigger)
			return -ENOMEM;
		d->f->sets = bigger;
	}
	set = facts_alloc(d->f, sizeof(*set));
	if (!set)
		return -ENOMEM;
	d->f->sets[d->f->n_sets++] = set;
	set->table = t;
	set->name = facts_strdup(d->f, nftnl_set_get_str(s, NFTNL_SET_NAME));
	if (nftnl_set_is_set(s, NFTNL_SET_HANDLE))
		set->handle = nftnl_set_get_u64(s, NFTNL_SET_HANDLE);
	set->klen = get_u32(s, NFTNL_SET_KEY_LEN);
	set->dlen = get_u32(s, NFTNL_SET_DATA_LEN);
	set->verdicts = flags & NFT_SET_MAP && get_u32(s, NFTNL_SET_DATA_TYPE) == NFT_DATA_VERDICT;
	set->data = flags & NFT_SET_MAP && !set->verdicts;
	set->intervals = flags & NFT_SET_INTERVAL;
	set->dynamic = flags & NFT_SET_EVAL;
	if (nftnl_set_is_set(s, NFTNL_SET_TIMEOUT))
		set->timeout = nftnl_set_get_u64(s, NFTNL_SET_TIMEOUT) / 1000;
	return set->name ? 0 : -ENOMEM;
}

static int on_set(const struct nlmsghdr *nlh, void *data)
{
	struct nftnl_set *s = nftnl_set_alloc();
	int rc = s ? 0 : -ENOMEM;

	if (!rc && nftnl_set_nlmsg_parse(nlh, s) < 0)
		rc = -EPROTO;
	if (!rc && nftnl_set_is_set(s, NFTNL_SET_NAME) && nftnl_set_is_set(s, NFTNL_SET_TABLE))
		rc = keep_set(data, s);
	nftnl_set_free(s);
	return rc;
}

static const uint8_t *copy_of(struct elems_dump *d, struct nftnl_set_elem *e, uint16_t attr,
			      uint32_t want)
{
	uint32_t len = 0;
	const void *p = nftnl_set_elem_is_set(e, attr) ? nftnl_set_elem_get(e, attr, &len) : NULL;
	uint8_t *copy;

	if (!p || !len)
		return NULL;
	copy = facts_alloc(d->f, want > len ? want : len);
	return copy ? memcpy(copy, p, len) : NULL;
}

static bool more_room(struct elems_dump *d)
{
	size_t cap = d->cap ? 2 * d->cap : 16;
	void *v, *ends;

	if (d->n < d->cap)
		return true;
	v = realloc(d->v, cap * sizeof(*d->v));
	if (v)
		d->v = v;
	ends = realloc(d->ends, cap);
	if (ends)
		d->ends = ends;
	if (!v || !ends)
		return false;
	d->cap = cap;
	return true;
}

static int keep_elem(struct nftnl_set_elem *e, void *data)
{
	struct elems_dump *d = data;
	struct fact_elem *v;
	uint32_t len = 0;
	const void *udata;

	if (!more_room(d))
		return -1;
	v = &d->v[d->n];
	memset(v, 0, sizeof(*v));
	v->key = copy_of(d, e, NFTNL_SET_ELEM_KEY, d->set->klen);
	if (!v->key)
		return 0; /* the one that catches all */
	v->end = copy_of(d, e, NFTNL_SET_ELEM_KEY_END, d->set->klen) ?: v->key;
	v->verdict = VERDICT_UNKNOWN;
	if (nftnl_set_elem_is_set(e, NFTNL_SET_ELEM_VERDICT))
		v->verdict = verdict_of_nft(nftnl_set_elem_get_u32(e, NFTNL_SET_ELEM_VERDICT));
	if (nftnl_set_elem_is_set(e, NFTNL_SET_ELEM_CHAIN))
		v->to = facts_chain_named(d->f, d->set->table,
					  nftnl_set_elem_get_str(e, NFTNL_SET_ELEM_CHAIN));
	v->data = copy_of(d, e, NFTNL_SET_ELEM_DATA, d->set->dlen);
	if (nftnl_set_elem_is_set(e, NFTNL_SET_ELEM_USERDATA)) {
		udata = nftnl_set_elem_get(e, NFTNL_SET_ELEM_USERDATA, &len);
		udata = udata_comment(udata, len);
		v->comment = udata ? facts_strdup(d->f, udata) : NULL;
	}
	d->ends[d->n++] =
		nftnl_set_elem_is_set(e, NFTNL_SET_ELEM_FLAGS) &&
		nftnl_set_elem_get_u32(e, NFTNL_SET_ELEM_FLAGS) & NFT_SET_ELEM_INTERVAL_END;
	return 0;
}

int set_elems_message(const struct nlmsghdr *nlh, void *data)
{
	struct nftnl_set *s = nftnl_set_alloc();
	struct elems_dump *d = data;
	int rc = s ? 0 : -ENOMEM;

	if (!rc && nftnl_set_elems_nlmsg_parse(nlh, s) < 0)
		rc = -EPROTO;
	if (!rc && d->n > ELEMS_MAX)
		d->set->why = "it has too many elements";
	else if (!rc && nftnl_set_elem_foreach(s, keep_elem, d) < 0)
		rc = -ENOMEM;
	nftnl_set_free(s);
	return rc;
}

void set_put_name(struct nlmsghdr *nlh, const struct fact_set *set)
{
	mnl_attr_put_strz(nlh, NFTA_SET_ELEM_LIST_TABLE, set->table->name);
	mnl_attr_put_strz(nlh, NFTA_SET_ELEM_LIST_SET, set->name);
}

static int compare_elems(const void *a, const void *b, void *data)
{
	size_t x = *(const size_t *)a, y = *(const size_t *)b;
	const struct elems_dump *d = data;

	return memcmp(d->v[x].key, d->v[y].key, d->set->klen)
		       ?: memcmp(d->v[x].end, d->v[y].end, d->set->klen) ?: d->ends[x] - d->ends[y];
}

static int compare_places(const void *a, const void *b)
{
	size_t x = *(const size_t *)a, y = *(const size_t *)b;

	return x < y ? -1 : x > y;
}

/*
 * A dump goes on behind as many elements as it has told (nf_tables_dump_set()); a transaction that
 * is not committed yet puts its own among them, unseen, and then some are told twice.
 */
static int drop_repeated(struct elems_dump *d)
{
	size_t *at = calloc(d->n + 1, sizeof(*at)), n = 0;

	if (!at)
		return -ENOMEM;
	for (size_t i = 0; i < d->n; i++)
		at[i] = i;
	qsort_r(at, d->n, sizeof(*at), compare_elems, d);
	for (size_t i = 0; i < d->n; i++)
		if (!i || compare_elems(&at[i], &at[n - 1], d))
			at[n++] = at[i];
	qsort(at, n, sizeof(*at), compare_places);
	for (size_t i = 0; i < n; i++) {
		d->v[i] = d->v[at[i]];
		d->ends[i] = d->ends[at[i]];
	}
	d->n = n;
	free(at);
	return 0;
}

int set_elems_done(struct elems_dump *d, int rc)
{
	struct fact_set *set = d->set;
	bool one_key = set->klen <= 4 || set->klen == 16;

	if (!rc)
		rc = drop_repeated(d);
	if (!rc && set->intervals && one_key)
		rc = facts_close_intervals(d->f, set, d->v, &d->n, d->ends);
	set->elems = rc ? NULL : facts_alloc(d->f, d->n * sizeof(*d->v));
	if (!rc && !set->elems)
		rc = -ENOMEM;
	if (!rc && d->n)
		memcpy(set->elems, d->v, d->n * sizeof(*d->v));
	set->n = rc ? 0 : d->n;
	free(d->v);
	free(d->ends);
	/* The set is gone: so is the ruleset. */
	return rc == -EINTR || rc == -ENOENT ? -EAGAIN : rc;
}

int facts_read_set_elems(struct facts *f, struct nf_source *s, struct fact_set *set)
{
	struct elems_dump d = {.f = f, .set = set};

	if (set->asked || set->dynamic)
		return 0;
	set->asked = true;
	set_put_name(nf_source_msg(s, NFT_MSG_GETSETELEM, NLM_F_DUMP, set->table->family), set);
	return set_elems_done(&d, nf_source_ask(s, set_elems_message, &d));
}

static int compare_sets(const void *a, const void *b)
{
	const struct fact_set *x = *(const struct fact_set *const *)a;
	const struct fact_set *y = *(const struct fact_set *const *)b;

	if (x->table != y->table)
		return x->table < y->table ? -1 : 1;
	return strcmp(x->name, y->name);
}

struct fact_set *facts_set_named(const struct facts *f, const struct rs_table *t, const char *name)
{
	const struct fact_set key = {.table = t, .name = name}, *at = &key;
	struct fact_set **found = NULL;

	if (name && f->n_sets)
		found = bsearch(&at, f->sets, f->n_sets, sizeof(at), compare_sets);
	return found ? *found : NULL;
}

int facts_read_sets(struct facts *f, struct nf_source *s)
{
	struct sets_dump d = {.f = f};
	int rc;

	nf_source_msg(s, NFT_MSG_GETSET, NLM_F_DUMP, NFPROTO_UNSPEC);
	rc = nf_source_ask(s, on_set, &d);
	if (rc)
		return rc == -EINTR ? -EAGAIN : rc;
	if (f->n_sets)
		qsort(f->sets, f->n_sets, sizeof(*f->sets), compare_sets);
	return 0;
}

int facts_read_set(struct facts *f, struct nf_source *s, const struct rs_table *t, const char *name)
{
	struct nlmsghdr *nlh = nf_source_msg(s, NFT_MSG_GETSET, 0, t->family);
	struct sets_dump d = {.f = f};
	int rc;

	mnl_attr_put_strz(nlh, NFTA_SET_TABLE, t->name);
	mnl_attr_put_strz(nlh, NFTA_SET_NAME, name);
	rc = nf_source_ask(s, on_set, &d);
	if (f->n_sets)
		qsort(f->sets, f->n_sets, sizeof(*f->sets), compare_sets);
	return rc;
}

int facts_read_elems(struct facts *f, struct nf_source *s)
{
	int rc = facts_read_maps(f, s);

	for (size_t i = 0; !rc && i < f->n_sets; i++)
		if (!f->sets[i]->table->ours)
			rc = facts_read_set_elems(f, s, f->sets[i]);
	return rc;
}
