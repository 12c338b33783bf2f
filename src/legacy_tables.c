// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/legacy_tables.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "bpf/nfpath.skel.h"
#include "src/clock.h"
#include "src/kernel_address.h"
#include "src/legacy_nodes.h"

/* Records of traversals of what was replaced may still be read. */
static const uint64_t keep_ns = 2000ULL * 1000 * 1000;

struct entry {
	LIST_ENTRY(entry) next;
	struct legacy_table t;
};

LIST_HEAD(entries, entry);

enum { BUCKETS = 256 };

struct legacy_tables {
	const struct engine_config *config;
	struct nfpath_bpf *skel;
	struct entries entries[BUCKETS]; /* by serial */
};

/* --- opening --- */

static int find_symbols(struct legacy_tables *lt, struct error *err)
{
	uint64_t recseq, offsets;
	int rc = kernel_address("xt_recseq", &recseq);

	if (rc)
		return fail(err, rc, "the kernel does not tell where its xt_recseq is: %s",
			    strerror(-rc));
	rc = kernel_address("__per_cpu_offset", &offsets);
	if (rc && rc != -ENOENT) /* a kernel for one processor has none */
		return fail(err, rc, "the kernel does not tell where its __per_cpu_offset is: %s",
			    strerror(-rc));
	lt->skel->bss->xt_one_cpu = libbpf_num_possible_cpus() == 1;
	lt->skel->bss->per_cpu_offset_at = offsets;
	lt->skel->bss->xt_recseq_at = recseq;
	return 0;
}

struct legacy_tables *legacy_tables_open(const struct engine_config *config, struct programs *p,
					 struct error *err)
{
	struct legacy_tables *lt = calloc(1, sizeof(*lt));

	if (!lt) {
		fail(err, -ENOMEM, "out of memory");
		return NULL;
	}
	lt->config = config;
	lt->skel = programs_skeleton(p);
	if (!find_symbols(lt, err))
		return lt;
	free(lt);
	return NULL;
}

static void entry_free(struct entry *e)
{
	LIST_REMOVE(e, next);
	xt_walk_free(e->t.walk);
	ruleset_put(e->t.rs);
	free(e);
}

void legacy_tables_close(struct legacy_tables *lt)
{
	struct entry *e;

	if (!lt)
		return;
	for (int i = 0; i < BUCKETS; i++)
		while ((e = LIST_FIRST(&lt->entries[i])))
			entry_free(e);
	free(lt);
}

/* --- tying --- */

static struct entry *find(const struct legacy_tables *lt, uint32_t serial)
{
	struct entry *e;

	LIST_FOREACH(e, &lt->entries[serial % BUCKETS], next)
		if (e->t.serial == serial)
			return e;
	return NULL;
}

const struct legacy_table *legacy_tables_find(const struct legacy_tables *lt, uint32_t serial)
{
	struct entry *e = find(lt, serial);

	return e ? &e->t : NULL;
}

/* The programs find the nodes by the serial. */
static int put_nodes(const struct legacy_tables *lt, uint32_t serial,
		     const struct nfp_xt_node *nodes, size_t n)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_INNER_MAP);
	uint32_t *keys = calloc(n, sizeof(*keys)), count = n;
	int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "nfpath_xt_nodes", sizeof(uint32_t),
				sizeof(*nodes), n, &opts);
	int rc = keys ? fd : -ENOMEM;

	for (size_t i = 0; keys && i < n; i++)
		keys[i] = i;
	if (rc >= 0)
		rc = bpf_map_update_batch(fd, keys, nodes, &count, NULL);
	if (!rc)
		rc = bpf_map_update_elem(bpf_map__fd(lt->skel->maps.xt_nodes), &serial, &fd,
					 BPF_ANY);
	free(keys);
	if (fd >= 0)
		close(fd);
	return rc;
}

/* Not if it was replaced meanwhile: then nobody comes to it any more. */
static int put_info(const struct legacy_tables *lt, uint64_t address, uint32_t serial,
		    const struct xt_walk *w)
{
	struct nfp_xt_info info = {.serial = serial, .ready = 1};
	int fd = bpf_map__fd(lt->skel->maps.xt_infos), rc;

	memcpy(info.entry, w->entry, sizeof(info.entry));
	memcpy(info.underflow, w->underflow, sizeof(info.underflow));
	rc = bpf_map_update_elem(fd, &address, &info, BPF_EXIST);
	return rc == -ENOENT ? 0 : rc;
}

static int tie(struct legacy_tables *lt, unsigned int view, struct ruleset *rs,
	       const struct rs_table *t, const struct nfp_xt_found *found)
{
	struct entry *e = calloc(1, sizeof(*e));
	struct nfp_xt_node *nodes = NULL;
	int rc = -ENOMEM;
	size_t n;

	if (!e)
		return -ENOMEM;
	e->t.serial = found->serial;
	e->t.view = view;
	e->t.rs = ruleset_get(rs);
	e->t.walk = xt_walk_new(t);
	LIST_INSERT_HEAD(&lt->entries[found->serial % BUCKETS], e, next);
	nodes = e->t.walk ? legacy_nodes(e->t.walk, &n) : NULL;
	if (nodes)
		rc = put_nodes(lt, found->serial, nodes, n);
	free(nodes);
	if (!rc)
		rc = put_info(lt, found->info, found->serial, e->t.walk);
	if (rc)
		entry_free(e);
	return rc;
}

static struct nfp_xt_table key_of(const struct legacy_tables *lt, unsigned int view,
				  const struct rs_table *t)
{
	struct nfp_xt_table key = {.netns = lt->config->views[view].ns->inum, .pf = t->family};

	strncpy(key.name, t->name, sizeof(key.name) - 1);
	return key;
}

static bool is_table(const struct entry *e, const struct rs_table *t)
{
	const struct rs_table *own = e->t.walk->table;

	return own->family == t->family && !strcmp(own->name, t->name);
}

/* Its older rules are not in force any more. */
static void retire(struct legacy_tables *lt, unsigned int view, const struct rs_table *t,
		   uint32_t serial)
{
	int fd = bpf_map__fd(lt->skel->maps.xt_nodes);
	struct entry *e;

	for (int i = 0; i < BUCKETS; i++) {
		LIST_FOREACH(e, &lt->entries[i], next) {
			if (e->t.view != view || e->t.serial == serial || e->t.gone_ns ||
			    !is_table(e, t))
				continue;
			e->t.gone_ns = clock_ns();
			bpf_map_delete_elem(fd, &e->t.serial);
		}
	}
}

static int tie_all(struct legacy_tables *lt, unsigned int view, struct ruleset *rs)
{
	int fd = bpf_map__fd(lt->skel->maps.xt_tables), rc = 0;
	bool all = true;

	for (size_t i = 0; !rc && i < rs->n_tables; i++) {
		const struct rs_table *t = rs->tables[i];
		struct nfp_xt_table key = key_of(lt, view, t);
		struct nfp_xt_found found;

		if (t->backend != BACKEND_IPTABLES_LEGACY)
			continue;
		/* With other rules the second time: which of them were read? */
		if (bpf_map_lookup_elem(fd, &key, &found) || found.changes) {
			all = false;
			continue;
		}
		retire(lt, view, t, found.serial);
		if (!find(lt, found.serial))
			rc = tie(lt, view, rs, t, &found);
	}
	return rc ? rc : all;
}

int legacy_tables_read(struct legacy_tables *lt, unsigned int view)
{
	struct rules *rules = lt->config->views[view].rules;
	struct ruleset *rs = (struct ruleset *)rules_now(rules);
	int fd = bpf_map__fd(lt->skel->maps.xt_tables), rc;

	for (size_t i = 0; i < rs->n_tables; i++) {
		struct nfp_xt_table key = key_of(lt, view, rs->tables[i]);

		if (rs->tables[i]->backend == BACKEND_IPTABLES_LEGACY)
			bpf_map_delete_elem(fd, &key);
	}
	__atomic_store_n(&lt->skel->bss->xt_reading, 1, __ATOMIC_SEQ_CST);
	rc = rules_legacy_same(rules);
	__atomic_store_n(&lt->skel->bss->xt_reading, 0, __ATOMIC_SEQ_CST);
	return rc == 1 ? tie_all(lt, view, rs) : rc;
}

void legacy_tables_sweep(struct legacy_tables *lt, uint64_t now)
{
	struct entry *e, *after;

	for (int i = 0; i < BUCKETS; i++) {
		for (e = LIST_FIRST(&lt->entries[i]); e; e = after) {
			after = LIST_NEXT(e, next);
			if (e->t.gone_ns && e->t.gone_ns + keep_ns < now)
				entry_free(e);
		}
	}
}
