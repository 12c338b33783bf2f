// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Verdict maps whose key is a number of numgen: kube-proxy makes one for each service. The kernel
 * looks through the list of a table's sets once for each question, and for a dump three times; with
 * thousands of them that is most of what reading a ruleset costs. So where there are many they are
 * read out of its memory, and else asked for by their numbers.
 */
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nf_tables.h>
#include <stdlib.h>
#include <string.h>

#include "netfilter/explain_sets.h"
#include "netfilter/map_reader.h"
#include "netfilter/source.h"

/* Several are asked at once, as long as the answers fit in a socket's buffer: the list then stays
 * in the processor's cache. */
enum { NUMBERS_MAX = 64, MAPS_MAX = 24, NUMBER_ROOM = 32, MAP_ROOM = 1024 };

static bool has_numbers(const struct fact_set *set)
{
	return set->modulus && set->modulus <= NUMBERS_MAX && set->klen == 4 && !set->asked &&
	       !set->dynamic;
}

/* --- read out of memory --- */

struct by_handle {
	uint64_t handle;
	union {
		struct fact_set *set;
		const struct fact_chain *chain;
	};
};

/* Of one table. */
struct memory_read {
	struct facts *f;
	struct by_handle *sets, *chains;
	size_t n_sets, n_chains;
};

static int compare_handles(const void *a, const void *b)
{
	uint64_t x = ((const struct by_handle *)a)->handle,
		 y = ((const struct by_handle *)b)->handle;

	return x < y ? -1 : x > y;
}

static const struct by_handle *find_handle(const struct by_handle *v, size_t n, uint64_t handle)
{
	const struct by_handle key = {.handle = handle};

	return bsearch(&key, v, n, sizeof(*v), compare_handles);
}

/* False: one number has no element, or leads to what is not known. */
static bool place(const struct memory_read *m, const struct fact_set *set, const struct map_elem *v,
		  unsigned int n, struct fact_elem *to)
{
	uint32_t placed = 0;

	for (unsigned int i = 0; i < n; i++) {
		const struct by_handle *chain = NULL;

		if (v[i].key >= set->modulus || to[v[i].key].key)
			continue;
		if (v[i].chain && !(chain = find_handle(m->chains, m->n_chains, v[i].chain)))
			return false;
		to[v[i].key].key = (const uint8_t *)""; /* taken; the place of its number follows */
		to[v[i].key].verdict = verdict_of_nft(v[i].code);
		to[v[i].key].to = chain ? chain->chain : NULL;
		placed++;
	}
	return placed == set->modulus;
}

static int take_map(uint64_t handle, const struct map_elem *v, unsigned int n, void *data)
{
	struct memory_read *m = data;
	const struct by_handle *at = find_handle(m->sets, m->n_sets, handle);
	struct fact_elem elems[NUMBERS_MAX] = {0};
	uint32_t *numbers;

	if (!at || !place(m, at->set, v, n, elems))
		return 0;
	numbers = facts_alloc(m->f, at->set->modulus * sizeof(*numbers));
	at->set->elems = facts_alloc(m->f, at->set->modulus * sizeof(*elems));
	if (!numbers || !at->set->elems)
		return -ENOMEM;
	for (uint32_t i = 0; i < at->set->modulus; i++) {
		numbers[i] = i;
		elems[i].key = elems[i].end = (const uint8_t *)&numbers[i];
		at->set->elems[i] = elems[i];
	}
	at->set->n = at->set->modulus;
	at->set->asked = true;
	return 0;
}

static bool list_sets(struct memory_read *m, const struct rs_table *t)
{
	m->sets = calloc(m->f->n_sets + 1, sizeof(*m->sets));
	for (size_t i = 0; m->sets && i < m->f->n_sets; i++)
		if (m->f->sets[i]->table == t && has_numbers(m->f->sets[i]))
			m->sets[m->n_sets++] = (struct by_handle){.handle = m->f->sets[i]->handle,
								  .set = m->f->sets[i]};
	if (m->sets)
		qsort(m->sets, m->n_sets, sizeof(*m->sets), compare_handles);
	return m->sets;
}

static bool list_chains(struct memory_read *m, const struct rs_table *t)
{
	m->chains = calloc(t->n_chains + 1, sizeof(*m->chains));
	for (size_t i = 0; m->chains && i < t->n_chains; i++)
		m->chains[m->n_chains++] = (struct by_handle){
			.handle = t->chains[i]->handle, .chain = facts_chain(m->f, t->chains[i])};
	if (m->chains)
		qsort(m->chains, m->n_chains, sizeof(*m->chains), compare_handles);
	return m->chains;
}

/* As if it had not been tried. */
static void forget(const struct memory_read *m)
{
	for (size_t i = 0; i < m->n_sets; i++) {
		m->sets[i].set->asked = false;
		m->sets[i].set->elems = NULL;
		m->sets[i].set->n = 0;
	}
}

/* 0, -ENOMEM; whatever else goes wrong, they are asked for. */
static int read_table(struct facts *f, const struct map_reader *reader, const struct rs_table *t)
{
	struct memory_read m = {.f = f};
	int rc = list_sets(&m, t) ? 0 : -ENOMEM;

	if (!rc && m.n_sets && m.n_sets >= reader->worth) {
		rc = list_chains(&m, t)
			     ? reader->read(reader->ctx, t->family, t->handle, take_map, &m)
			     : -ENOMEM;
		if (rc)
			forget(&m);
	}
	free(m.sets);
	free(m.chains);
	return rc == -ENOMEM ? rc : 0;
}

static int read_from_memory(struct facts *f, const struct map_reader *reader)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < f->rs->n_tables; i++)
		if (f->rs->tables[i]->backend != BACKEND_IPTABLES_LEGACY && !f->rs->tables[i]->ours)
			rc = read_table(f, reader, f->rs->tables[i]);
	return rc;
}

/* --- asked for --- */

struct maps_dump {
	struct elems_dump d[MAPS_MAX];
	struct nlmsghdr *last;
	unsigned int n, numbers;
};

static int on_map_elems(const struct nlmsghdr *nlh, unsigned int number, void *data)
{
	struct maps_dump *m = data;

	return set_elems_message(nlh, &m->d[number]);
}

/* False: there is no room; what is there must be asked first. */
static bool add_map(struct maps_dump *m, struct facts *f, struct nf_source *s, struct fact_set *set)
{
	const uint16_t type = NFT_MSG_GETSETELEM, flags = NLM_F_ACK;
	const size_t room = MAP_ROOM + set->modulus * NUMBER_ROOM;
	struct nlattr *list, *elem, *key;
	struct nlmsghdr *nlh;

	if (m->n == MAPS_MAX || m->numbers + set->modulus > NUMBERS_MAX)
		return false;
	nlh = m->n ? nf_source_more(s, m->last, room, type, flags, set->table->family)
		   : nf_source_msg(s, type, flags, set->table->family);
	if (!nlh)
		return false;
	set_put_name(nlh, set);
	list = mnl_attr_nest_start(nlh, NFTA_SET_ELEM_LIST_ELEMENTS);
	for (uint32_t i = 0; i < set->modulus; i++) {
		elem = mnl_attr_nest_start(nlh, NFTA_LIST_ELEM);
		key = mnl_attr_nest_start(nlh, NFTA_SET_ELEM_KEY);
		mnl_attr_put(nlh, NFTA_DATA_VALUE, sizeof(i), &i);
		mnl_attr_nest_end(nlh, key);
		mnl_attr_nest_end(nlh, elem);
	}
	mnl_attr_nest_end(nlh, list);
	m->d[m->n++] = (struct elems_dump){.f = f, .set = set};
	m->numbers += set->modulus;
	m->last = nlh;
	return true;
}

static int ask_maps(struct maps_dump *m, struct nf_source *s)
{
	int rcs[MAPS_MAX], rc = 0, all;

	if (!m->n)
		return 0;
	all = nf_source_ask_all(s, m->last, m->n, on_map_elems, m, rcs);
	for (unsigned int i = 0; i < m->n; i++) {
		if (all || rcs[i]) { /* one of the numbers has no element: the map is read whole */
			free(m->d[i].v);
			free(m->d[i].ends);
			continue;
		}
		m->d[i].set->asked = true;
		rc = set_elems_done(&m->d[i], 0) ?: rc;
	}
	m->n = m->numbers = 0;
	return rc;
}

static int ask_for_maps(struct facts *f, struct nf_source *s)
{
	struct maps_dump *m = calloc(1, sizeof(*m));
	int rc = m ? 0 : -ENOMEM;

	for (size_t i = 0; !rc && i < f->n_sets; i++) {
		struct fact_set *set = f->sets[i];

		if (!has_numbers(set) || set->table->ours || add_map(m, f, s, set))
			continue;
		rc = ask_maps(m, s);
		if (!rc)
			add_map(m, f, s, set);
	}
	if (!rc)
		rc = ask_maps(m, s);
	free(m);
	return rc;
}

int facts_read_maps(struct facts *f, struct nf_source *s)
{
	int rc = s->maps ? read_from_memory(f, s->maps) : 0;

	return rc ? rc : ask_for_maps(f, s);
}
