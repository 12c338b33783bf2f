// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/programs_parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "bpf/nfpath.skel.h"
#include "src/clock.h"
#include "src/kernel_btf.h"
#include "src/libbpf_util.h"

static int on_record(void *ctx, void *data, size_t size)
{
	struct programs *p = ctx;
	const struct nfp_event *ev = data;

	if (size < sizeof(*ev))
		return 0;
	p->n_read++;
	p->read_ns = ev->ktime;
	p->cb(p->ctx, ev, size);
	/* libbpf keeps its place (ringbuf_process_ring()). */
	return p->n_read < PROGRAMS_READ_MAX ? 0 : -ECANCELED;
}

static int open_ring(struct programs *p)
{
	int fd = bpf_map__fd(p->batches[0]->maps.records);
	long page = sysconf(_SC_PAGESIZE);

	p->rb = ring_buffer__new(fd, on_record, p, NULL);
	if (!p->rb)
		return -errno;
	p->consumer = mmap(NULL, page, PROT_READ, MAP_SHARED, fd, 0);
	p->producer = mmap(NULL, page, PROT_READ, MAP_SHARED, fd, page);
	return p->consumer == MAP_FAILED || p->producer == MAP_FAILED ? -errno : 0;
}

static int fill_begin(const struct programs *p)
{
	uint32_t one = 1;

	for (unsigned int i = 0; p->config->begin && i < p->config->n_begin; i++)
		if (bpf_map_update_elem(bpf_map__fd(p->batches[0]->maps.begin_netns),
					&p->config->begin[i], &one, BPF_ANY))
			return -errno;
	return 0;
}

static int explain(struct error *err, int rc)
{
	switch (rc) {
	case -EPERM:
	case -EACCES:
		return fail(err, rc,
			    "the kernel refuses fentry programs: it is locked down (see "
			    "/sys/kernel/security/lockdown), or CAP_BPF and CAP_PERFMON are "
			    "missing; --engine netlink does without");
	case -ENOENT:
	case -ESRCH:
		return fail(err, rc,
			    "engine bpf needs the type information of the kernel and of its "
			    "modules (/sys/kernel/btf, CONFIG_DEBUG_INFO_BTF_MODULES)");
	}
	return fail(err, rc, "this kernel does not load the programs of engine bpf (%s); "
		    "--engine netlink does without", strerror(-rc));
}

static bool applies(const struct programs *p, int i)
{
	return !(program_rows[i].flags & (p->config->preempted ? UNPREEMPTED : PREEMPTED));
}

int programs_attach(struct programs *p, uint32_t parts, uint64_t kinds, struct error *err)
{
	bool want[ROWS] = {0}, any = false;
	int n, rc;

	if (p->n_batches && !p->knows_chains)
		kinds |= 1ULL << EXPR_WALK_END;
	for (int i = 0; i < ROWS; i++) {
		want[i] = parts & 1u << program_rows[i].part && !p->attached[i] && !p->failed[i] && applies(p, i) &&
			  (program_rows[i].part != PROGRAM_EXPRS || kinds & 1ULL << program_rows[i].kind);
		any |= want[i];
	}
	if (!any)
		return 0;
	rc = programs_open_types(p, err);
	if (rc)
		return rc == -ENOENT ? explain(err, rc) : rc;
	if (!p->n_batches)
		p->knows_chains = !kernel_btf_func(p->kb, "nft_do_chain", NULL, NULL);
	n = programs_load(p, want);
	programs_rest(p);
	if (n > 0 && !p->rb) {
		rc = open_ring(p);
		if (!rc)
			rc = fill_begin(p);
		if (rc)
			return explain(err, rc);
	}
	return n < 0 ? explain(err, n) : n;
}

bool programs_has(const struct programs *p, enum program_part part, const char **name)
{
	for (int i = 0; i < ROWS; i++) {
		if (program_rows[i].part != part || p->attached[i] || !applies(p, i))
			continue;
		if (name)
			*name = program_rows[i].target;
		return false;
	}
	return true;
}

uint64_t programs_unseen(const struct programs *p, uint64_t kinds)
{
	for (int i = 0; i < ROWS; i++)
		if (program_rows[i].part == PROGRAM_EXPRS && p->attached[i])
			kinds &= ~(1ULL << program_rows[i].kind);
	return kinds;
}

uint64_t programs_since(const struct programs *p, uint64_t kinds)
{
	uint64_t since = 0;

	for (int i = 0; i < EXPR_KINDS; i++) {
		if (!(kinds & 1ULL << i))
			continue;
		if (!p->since_ns[i])
			return UINT64_MAX;
		since = p->since_ns[i] > since ? p->since_ns[i] : since;
	}
	return since;
}

int programs_open(struct programs **out, const struct programs_config *config, struct error *err)
{
	struct programs *p = calloc(1, sizeof(*p));

	*out = p;
	if (!p)
		return fail(err, -ENOMEM, "out of memory");
	libbpf_be_silent();
	p->config = config;
	return 0;
}

void programs_close(struct programs *p)
{
	long page = sysconf(_SC_PAGESIZE);

	if (!p)
		return;
	if (p->n_batches)
		programs_gate(p, false);
	for (int i = 0; i < ROWS; i++)
		bpf_link__destroy(p->links[i]);
	if (p->consumer && p->consumer != MAP_FAILED)
		munmap((void *)p->consumer, page);
	if (p->producer && p->producer != MAP_FAILED)
		munmap((void *)p->producer, page);
	ring_buffer__free(p->rb);
	while (p->n_batches)
		nfpath_bpf__destroy(p->batches[--p->n_batches]);
	kernel_btf_free(p->kb);
	free(p);
}

/* --- running --- */

struct nfpath_bpf *programs_skeleton(const struct programs *p)
{
	return p->n_batches ? p->batches[0] : NULL;
}

void programs_gate(struct programs *p, bool open)
{
	__atomic_store_n(&p->batches[0]->bss->gate, open, __ATOMIC_RELEASE);
}

int programs_followed(const struct programs *p)
{
	return __atomic_load_n(&p->batches[0]->bss->watched.followed, __ATOMIC_ACQUIRE);
}

void programs_sleep(struct programs *p, bool sleeps)
{
	__atomic_store_n(&p->batches[0]->bss->reader_sleeps, sleeps, __ATOMIC_SEQ_CST);
}

bool programs_sleeps(const struct programs *p)
{
	return __atomic_load_n(&p->batches[0]->bss->reader_sleeps, __ATOMIC_SEQ_CST);
}

int programs_fd(const struct programs *p)
{
	return ring_buffer__epoll_fd(p->rb);
}

int programs_stacks(const struct programs *p)
{
	return p->n_batches && p->config->stacks ? bpf_map__fd(p->batches[0]->maps.stacks) : -1;
}

int programs_read(struct programs *p, programs_cb cb, void *ctx, uint64_t *synced_ns)
{
	uint64_t now = clock_ns();
	unsigned long end = __atomic_load_n(p->producer, __ATOMIC_ACQUIRE);
	int rc;

	p->cb = cb;
	p->ctx = ctx;
	p->n_read = 0;
	rc = ring_buffer__consume(p->rb);
	if (rc < 0 && rc != -ECANCELED)
		return rc;
	/* A record that is being written stops it, and so does a backlog. What a packet did stands
	 * in the ring in the order in which it did it. */
	if (__atomic_load_n(p->consumer, __ATOMIC_ACQUIRE) >= end)
		*synced_ns = now;
	else if (p->read_ns > *synced_ns)
		*synced_ns = p->read_ns;
	return p->n_read;
}

bool programs_tell_nesting(const struct programs *p)
{
	return p->config->nesting && !p->batches[0]->bss->levels_unknown;
}

uint64_t programs_packets_lost(const struct programs *p)
{
	return p->batches[0]->bss->unseen;
}

/* Both of a pair were left out so often at most. */
static uint64_t left_out_twice(const struct programs *p)
{
	uint64_t at_tracepoint = 0, again = 0;
	bool all = true;

	for (int i = 0; i < ROWS; i++) {
		if (!(program_rows[i].flags & TWICE))
			continue;
		if (program_rows[i].flags & TRACEPOINT)
			at_tracepoint += p->attached[i] ? libbpf_missed_runs(p->attached[i]) : 0;
		else if (p->attached[i])
			again += libbpf_missed_runs(p->attached[i]);
		else
			all = false;
	}
	return all && again < at_tracepoint ? again : at_tracepoint;
}

/* They count as nested, like those at functions: is_nested_at_tracepoint() has seen it. */
static bool tracepoints_nest(const struct programs *p)
{
	uint32_t level = p->batches[0]->data->tracepoint_level;

	return programs_tell_nesting(p) && level && level != ~0u;
}

/* Does nobody but the kernel's counter tell what row i was left out for? Of a lookup in a routing table nobody does. */
static bool counts(const struct programs *p, int i)
{
	unsigned int flags = program_rows[i].flags;

	return program_rows[i].part != PROGRAM_ROUTES && !(flags & TWICE) &&
	       !(flags & NESTED && programs_tell_nesting(p)) && !(flags & FREED && tracepoints_nest(p));
}

uint64_t programs_lost(struct programs *p)
{
	uint64_t n = left_out_twice(p), missed;

	for (int i = 0; i < NFP_TYPES; i++)
		n += p->batches[0]->bss->lost[i];
	for (int i = 0; i < ROWS; i++) {
		if (!p->attached[i])
			continue;
		missed = libbpf_missed_runs(p->attached[i]);
		if (counts(p, i))
			p->lost_runs += missed - p->missed[i];
		p->missed[i] = missed;
	}
	return n + p->lost_runs;
}

static void forget_before(struct programs *p, struct nfp_followed *f, size_t n, uint64_t before_ns)
{
	for (size_t i = 0; i < n; i++) {
		__u64 skb = __atomic_load_n(&f[i].skb, __ATOMIC_ACQUIRE);
		__u64 seen = __atomic_load_n(&f[i].seen, __ATOMIC_ACQUIRE);

		/* Not seen: it is just being taken. */
		if (!skb || !seen || seen >= before_ns ||
		    !__atomic_compare_exchange_n(&f[i].seen, &seen, 0, false, __ATOMIC_ACQ_REL,
						 __ATOMIC_ACQUIRE))
			continue;
		if (__atomic_compare_exchange_n(&f[i].skb, &skb, 0, false, __ATOMIC_ACQ_REL,
						__ATOMIC_ACQUIRE))
			__atomic_fetch_sub(&p->batches[0]->bss->watched.followed, 1, __ATOMIC_ACQ_REL);
	}
}

int programs_sweep(struct programs *p, uint64_t before_ns)
{
	/* A part at a time: what is mapped is memory of this process. */
	enum { PARTS = 32, PART = NFP_PACKETS / PARTS };
	const size_t bytes = PART * sizeof(struct nfp_followed);
	int fd = bpf_map__fd(p->batches[0]->maps.packets);

	for (int i = 0; i < PARTS; i++) {
		void *part = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, i * bytes);

		if (part == MAP_FAILED)
			return -errno;
		forget_before(p, part, PART, before_ns);
		munmap(part, bytes);
	}
	return 0;
}
