// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/programs_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "bpf/nfpath.skel.h"
#include "src/clock.h"
#include "src/kernel_btf.h"

/* Functions and types of nf_tables live in these; those of nf_tables itself are the better ones. And
 * those of iptables-legacy. */
static const char *const modules[] = {"nf_tables", "nft_*", "x_tables", "ip_tables", "ip6_tables",
				      NULL};

struct kernel_btf *programs_types(struct error *err)
{
	const char *functions[ROWS + 1] = {0};
	size_t n = 0;

	for (int i = 0; i < ROWS; i++)
		if (!(program_rows[i].flags & (TRACEPOINT | OF_CGROUP)))
			functions[n++] = program_rows[i].target;
	return kernel_btf_open(functions, modules, err);
}

int programs_open_types(struct programs *p, struct error *err)
{
	if (p->kb) {
		kernel_btf_refresh(p->kb);
		return 0;
	}
	p->kb = programs_types(err);
	if (!p->kb)
		return err->rc;
	p->kfree_args = kernel_btf_tracepoint(p->kb, "kfree_skb", NULL);
	return 0;
}

/* Modules may bring functions later; tracepoints are the kernel's own. */
static bool has_target(struct programs *p, int i)
{
	if (program_rows[i].flags & OF_CGROUP)
		return p->config->cgroup;
	if (!(program_rows[i].flags & TRACEPOINT))
		return !kernel_btf_func(p->kb, program_rows[i].target, NULL, NULL);
	p->failed[i] = kernel_btf_tracepoint(p->kb, program_rows[i].target, NULL) < 0;
	return !p->failed[i];
}

void programs_rest(struct programs *p)
{
	kernel_btf_rest(p->kb);
	p->types_picked = false;
}

/* --- loading --- */

static size_t ring_size(size_t bytes)
{
	size_t size = sysconf(_SC_PAGESIZE);

	while (size < bytes)
		size *= 2;
	return size;
}

static void configure(const struct programs *p, struct nfpath_bpf *skel)
{
	const struct programs_config *c = p->config;

	skel->rodata->kfree_has_reason = p->kfree_args >= 3;
	skel->rodata->kfree_has_socket = p->kfree_args >= 4;
	memcpy((void *)&skel->rodata->filter, &c->filter, sizeof(c->filter));
	skel->rodata->knows_chains = p->knows_chains;
	skel->rodata->has_filter = c->has_filter;
	skel->rodata->by_headers = c->has_filter && !c->replies && !c->cgroup;
	if (!skel->rodata->by_headers)
		memset((void *)&skel->rodata->filter.ports, 0, sizeof(c->filter.ports));
	skel->rodata->finds_replies = c->replies;
	skel->rodata->lose_one_of = c->lose_one_of;
	skel->rodata->tells_nesting = c->nesting;
	skel->rodata->preempted = c->preempted;
	bpf_map__set_autocreate(skel->maps.replies, c->replies);
	skel->rodata->begins_anywhere = !c->begin;
	skel->rodata->all_drops = c->all_drops;
	skel->rodata->command_cgroup = c->cgroup ? c->cgroup->id : 0;
	bpf_map__set_autocreate(skel->maps.command_answers, c->cgroup);
	bpf_map__set_autocreate(skel->maps.command_places, c->cgroup);
	skel->rodata->with_stacks = c->stacks;
	bpf_map__set_autocreate(skel->maps.stacks, c->stacks);
	if (c->ring_bytes)
		bpf_map__set_max_entries(skel->maps.records, ring_size(c->ring_bytes));
	bpf_map__set_autocreate(skel->maps.sockets, false);
}

static int share_maps(const struct programs *p, struct nfpath_bpf *skel)
{
	struct bpf_map *map;
	int rc = 0;

	if (!p->n_batches)
		return 0;
	bpf_object__for_each_map(map, skel->obj) {
		const char *name = bpf_map__name(map);
		const struct bpf_map *first =
			bpf_object__find_map_by_name(p->batches[0]->obj, name);

		if (strstr(name, ".rodata") || !first || bpf_map__fd(first) < 0)
			continue;
		rc = rc ? rc : bpf_map__reuse_fd(map, bpf_map__fd(first));
	}
	return rc;
}

static int pick_types(struct programs *p, const struct nfpath_bpf *skel)
{
	int rc = p->types_picked ? 0 : kernel_btf_core(p->kb, bpf_object__btf(skel->obj), NULL);

	p->types_picked = !rc;
	return rc;
}

static int load_batch(struct programs *p, const bool *want, struct nfpath_bpf **out)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts, .btf_custom_path = kernel_btf_core_path(p->kb));
	struct nfpath_bpf *skel = nfpath_bpf__open_opts(&opts);
	struct bpf_program *prog;
	int rc;

	if (!skel)
		return -errno;
	bpf_object__for_each_program(prog, skel->obj)
		bpf_program__set_autoload(prog, false);
	configure(p, skel);
	for (int i = 0; i < ROWS; i++)
		if (want[i])
			bpf_program__set_autoload(
				bpf_object__find_program_by_name(skel->obj, program_rows[i].program), true);
	rc = share_maps(p, skel);
	if (!rc)
		rc = pick_types(p, skel);
	if (!rc)
		rc = nfpath_bpf__load(skel);
	if (rc) {
		nfpath_bpf__destroy(skel);
		return rc;
	}
	*out = skel;
	return 0;
}

static struct bpf_link *attach_to_cgroup(const struct bpf_program *prog, const struct cgroup_name *cgroup)
{
	int fd = open(cgroup->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct bpf_link *link = fd < 0 ? NULL : bpf_program__attach_cgroup(prog, fd);

	if (fd >= 0)
		close(fd);
	return link;
}

static struct bpf_link *attach_one(const struct programs *p, const struct bpf_program *prog,
				   const struct program_row *r)
{
	if (r->flags & OF_CGROUP)
		return attach_to_cgroup(prog, p->config->cgroup);
	return bpf_program__type(prog) == BPF_PROG_TYPE_TRACING ? kernel_btf_attach(prog)
								: bpf_program__attach(prog);
}

static bool programs_has_kind(const struct programs *p, enum expr_kind kind)
{
	return !programs_unseen(p, 1ULL << kind);
}

static void note_since(struct programs *p, const bool *want)
{
	uint64_t now = clock_ns();

	for (int i = 0; i < ROWS; i++)
		if (want[i] && p->attached[i] && program_rows[i].part == PROGRAM_EXPRS)
			p->since_ns[program_rows[i].kind] = now;
}

static int attach_batch(struct programs *p, struct nfpath_bpf *skel, const bool *want)
{
	int n = 0;

	p->batches[p->n_batches++] = skel;
	for (int i = 0; i < ROWS; i++) {
		if (!want[i])
			continue;
		p->attached[i] = bpf_object__find_program_by_name(skel->obj, program_rows[i].program);
		p->links[i] = attach_one(p, p->attached[i], &program_rows[i]);
		if (p->links[i]) {
			n++;
			continue;
		}
		p->attached[i] = NULL;
		p->failed[i] = true;
	}
	if (programs_has_kind(p, EXPR_WALK_END))
		__atomic_store_n(&p->batches[0]->bss->ends_seen, 1, __ATOMIC_SEQ_CST);
	note_since(p, want);
	return n;
}

/* Together they do not load: each alone then, to find those that do. */
static int load_singly(struct programs *p, bool *want)
{
	struct nfpath_bpf *skel;
	int n = 0, first = 0;

	for (int i = 0; i < ROWS; i++) {
		bool one[ROWS] = {0};
		int rc;

		if (!want[i] || p->n_batches == BATCHES_MAX)
			continue;
		one[i] = true;
		rc = load_batch(p, one, &skel);
		if (!rc) {
			n += attach_batch(p, skel, one);
			continue;
		}
		p->failed[i] = true;
		first = first ? first : rc;
	}
	return n ? n : first;
}

int programs_load(struct programs *p, bool *want)
{
	struct nfpath_bpf *skel;
	bool any = false;
	int rc;

	for (int i = 0; i < ROWS; i++) {
		want[i] = want[i] && has_target(p, i);
		any |= want[i];
	}
	if (!any || p->n_batches == BATCHES_MAX)
		return 0;
	rc = load_batch(p, want, &skel);
	return rc ? load_singly(p, want) : attach_batch(p, skel, want);
}
