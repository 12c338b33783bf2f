// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/raw_tp.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include "bpf/nfpath.skel.h"
#include "src/libbpf_util.h"

struct raw_tp {
	const struct raw_tp_wants *wants; /* while it is opened */
	bool stacks;			  /* its map was asked for */
	struct nfpath_bpf *skel;
	struct ring_buffer *rb;
	struct raw_tp_part parts[NFP_RAW_TYPES];
	uint32_t next_socket;
	raw_tp_cb cb;
	void *arg;
	int n_polled;
};

/* Which program makes records of a type: one at a tracepoint, or, where the kernel lacks that, one
 * at the entry of a function (fentry). */
static const struct source {
	const char *tracepoint;
	const char *program;
	bool needs_messages;
	const char *function, *function_program;
} sources[NFP_RAW_TYPES] = {
	[NFP_MESSAGE] = {"sk_data_ready", "message_queued", false, "sock_def_readable",
			 "message_queued_function"},
	[NFP_FIB4] = {"fib_table_lookup", "fib4_lookup", true, NULL, NULL},
	[NFP_FIB6] = {"fib6_table_lookup", "fib6_lookup", true, NULL, NULL},
	[NFP_KFREE] = {"kfree_skb", "skb_dropped", false, NULL, NULL},
	[NFP_TRANSMIT] = {"net_dev_queue", "skb_transmitted", false, NULL, NULL},
};

__attribute__((format(printf, 2, 3))) static void unavailable(struct raw_tp_part *part,
							      const char *fmt, ...)
{
	va_list ap;

	part->available = false;
	va_start(ap, fmt);
	vsnprintf(part->why, sizeof(part->why), fmt, ap);
	va_end(ap);
}

static unsigned int count_available(const struct raw_tp *rt)
{
	unsigned int i, n = 0;

	for (i = 0; i < NFP_RAW_TYPES; i++)
		n += rt->parts[i].available;
	return n;
}

/* Lookups that no message of their CPU frames could be anybody's: they are not recorded without
 * messages. */
static void drop_dependent(struct raw_tp *rt)
{
	unsigned int i;

	if (rt->parts[NFP_MESSAGE].available)
		return;
	for (i = 0; i < NFP_RAW_TYPES; i++)
		if (sources[i].needs_messages && rt->parts[i].available)
			unavailable(&rt->parts[i],
				    "useless without the tracepoint sk_data_ready (Linux 6.3) or "
				    "fentry");
}

/* Number of arguments of a tracepoint (DECLARE_TRACE makes `typedef void (*btf_trace_NAME)(void *,
 * …)`); negative: none such. */
static int tracepoint_args(const struct btf *btf, const char *tracepoint)
{
	char name[64];
	const struct btf_type *t;
	int id;

	snprintf(name, sizeof(name), "btf_trace_%s", tracepoint);
	id = btf__find_by_name_kind(btf, name, BTF_KIND_TYPEDEF);
	if (id < 0)
		return -ENOENT;
	t = btf__type_by_id(btf, btf__type_by_id(btf, id)->type);
	if (!t || !btf_is_ptr(t))
		return -ENOENT;
	t = btf__type_by_id(btf, t->type);
	if (!t || !btf_is_func_proto(t) || btf_vlen(t) < 1)
		return -ENOENT;
	return btf_vlen(t) - 1;
}

static bool has_function(const struct btf *btf, const char *function)
{
	return function && btf__find_by_name_kind(btf, function, BTF_KIND_FUNC) > 0;
}

static void look_at_tracepoints(struct raw_tp *rt, const struct btf *btf)
{
	struct raw_tp_part *part;
	unsigned int i;

	for (i = 0; i < NFP_RAW_TYPES; i++) {
		part = &rt->parts[i];
		part->type = i;
		part->name = sources[i].tracepoint;
		part->available = true;
		if (tracepoint_args(btf, part->name) >= 0)
			continue;
		if (has_function(btf, sources[i].function))
			part->by_function = true;
		else
			unavailable(part, "this kernel has no tracepoint %s", part->name);
	}
	drop_dependent(rt);
}

static const char *program_name(const struct raw_tp *rt, unsigned int type)
{
	return rt->parts[type].by_function ? sources[type].function_program : sources[type].program;
}

static struct bpf_program *program_of(const struct raw_tp *rt, const struct nfpath_bpf *skel,
				      unsigned int type)
{
	return bpf_object__find_program_by_name(skel->obj, program_name(rt, type));
}

/* A map of the bpf engine. */
static void leave_out(struct bpf_map *map)
{
	bpf_map__set_autocreate(map, false);
}

/* Where drops are looked at though nothing is traced. */
static void configure_drops(const struct raw_tp *rt, struct nfpath_bpf *skel)
{
	skel->rodata->with_stacks = rt->stacks;
	if (!rt->stacks)
		leave_out(skel->maps.stacks);
	if (!rt->wants || !rt->wants->all) {
		leave_out(skel->maps.begin_netns);
		return;
	}
	skel->rodata->all_drops = true;
	skel->rodata->begins_anywhere = false;
	skel->rodata->has_filter = rt->wants->has_filter;
	memcpy((void *)&skel->rodata->filter, &rt->wants->filter, sizeof(rt->wants->filter));
}

static int fill_drops(const struct raw_tp *rt)
{
	uint32_t one = 1;

	for (unsigned int i = 0; rt->wants && rt->wants->all && i < rt->wants->n_netns; i++)
		if (bpf_map_update_elem(bpf_map__fd(rt->skel->maps.begin_netns),
					&rt->wants->netns[i], &one, BPF_ANY))
			return -errno;
	return 0;
}

/* Opens the skeleton with the available programs, or with just one of them, and loads it. */
static int load(struct raw_tp *rt, const struct btf *btf, int only, struct nfpath_bpf **out)
{
	int args = tracepoint_args(btf, sources[NFP_KFREE].tracepoint);
	struct nfpath_bpf *skel = nfpath_bpf__open();
	struct bpf_program *prog;
	unsigned int i;
	int rc;

	if (!skel)
		return -errno;
	bpf_object__for_each_program(prog, skel->obj)
	{
		bpf_program__set_autoload(prog, false);
	}
	leave_out(skel->maps.packets);
	leave_out(skel->maps.visits);
	leave_out(skel->maps.rules);
	leave_out(skel->maps.chains);
	configure_drops(rt, skel);
	skel->rodata->lose_one_of = rt->wants ? rt->wants->lose_one_of : 0;
	skel->rodata->kfree_has_reason = args >= 3;
	skel->rodata->kfree_has_socket = args >= 4;
	for (i = 0; i < NFP_RAW_TYPES; i++)
		bpf_program__set_autoload(program_of(rt, skel, i),
					  only < 0 ? rt->parts[i].available : only == (int)i);
	rc = nfpath_bpf__load(skel);
	if (rc) {
		nfpath_bpf__destroy(skel);
		return rc;
	}
	*out = skel;
	return 0;
}

/* Together they do not load: find out which of them do alone, then load those. */
static int load_what_loads(struct raw_tp *rt, const struct btf *btf)
{
	struct nfpath_bpf *skel;
	unsigned int i;
	int rc, first = 0;

	for (i = 0; i < NFP_RAW_TYPES; i++) {
		if (!rt->parts[i].available)
			continue;
		rc = load(rt, btf, i, &skel);
		if (!rc) {
			nfpath_bpf__destroy(skel);
			continue;
		}
		if (!first)
			first = rc;
		unavailable(&rt->parts[i],
			    rt->parts[i].by_function
				    ? "this kernel has no tracepoint sk_data_ready, and "
				      "refuses fentry instead: %s"
				    : "the kernel does not load its program: %s",
			    strerror(-rc));
	}
	drop_dependent(rt);
	if (!count_available(rt))
		return first ? first : -EOPNOTSUPP;
	return load(rt, btf, -1, &rt->skel);
}

static int attach(struct raw_tp *rt)
{
	struct bpf_object_skeleton *s = rt->skel->skeleton;
	struct bpf_link *link;
	int i, rc, type, first = 0;

	for (i = 0; i < s->prog_cnt; i++) {
		for (type = 0; type < NFP_RAW_TYPES; type++)
			if (!strcmp(program_name(rt, type), s->progs[i].name))
				break;
		if (type == NFP_RAW_TYPES || !rt->parts[type].available)
			continue;
		link = bpf_program__attach(*s->progs[i].prog);
		if (link) {
			*s->progs[i].link = link;
			continue;
		}
		rc = -errno;
		if (!first)
			first = rc;
		unavailable(&rt->parts[type], "the kernel refuses to attach to it: %s",
			    strerror(-rc));
	}
	drop_dependent(rt);
	return count_available(rt) ? 0 : first;
}

/* libbpf would blame RLIMIT_MEMLOCK for every EPERM. */
static int explain(struct error *err, int rc)
{
	switch (rc) {
	case -EPERM:
	case -EACCES:
		if (geteuid() != 0)
			return fail(err, -EPERM,
				    "raw tracepoints need root, or CAP_BPF with CAP_PERFMON: run "
				    "as root to see drop reasons and route lookups");
		return fail(err, -EPERM,
			    "the kernel refuses raw tracepoints: locked down (see "
			    "/sys/kernel/security/lockdown) or a container without CAP_BPF and "
			    "CAP_PERFMON; drop reasons and route lookups stay unseen");
	case -ENOENT:
	case -ESRCH:
		return fail(err, -ENOENT,
			    "raw tracepoints need the kernel's type information: there is no "
			    "readable /sys/kernel/btf/vmlinux (CONFIG_DEBUG_INFO_BTF)");
	case -ENOMEM:
		return fail(err, rc, "out of memory while loading the raw tracepoint programs");
	default:
		return fail(err, -EOPNOTSUPP,
			    "this kernel does not load the raw tracepoint programs (%s): they "
			    "need the BPF ring buffer (Linux 5.8)",
			    strerror(-rc));
	}
}

static int on_record(void *arg, void *data, size_t size)
{
	static const size_t sizes[NFP_RAW_TYPES] = {
		[NFP_MESSAGE] = sizeof(struct nfp_message), [NFP_FIB4] = sizeof(struct nfp_fib),
		[NFP_FIB6] = sizeof(struct nfp_fib),	    [NFP_KFREE] = sizeof(struct nfp_skb),
		[NFP_TRANSMIT] = sizeof(struct nfp_skb),
	};
	const struct nfp_event *ev = data;
	struct raw_tp *rt = arg;

	if (size < sizeof(*ev) || ev->type >= NFP_RAW_TYPES || size < sizes[ev->type])
		return 0;
	rt->n_polled++;
	rt->cb(ev, rt->arg);
	/* libbpf keeps its place (ringbuf_process_ring()). */
	return rt->n_polled < RAW_TP_POLL_MAX ? 0 : -ECANCELED;
}

static int open_all(struct raw_tp *rt, const struct btf *btf)
{
	int rc;

	look_at_tracepoints(rt, btf);
	if (!count_available(rt))
		return -EOPNOTSUPP;
	rc = load(rt, btf, -1, &rt->skel);
	if (rc)
		rc = load_what_loads(rt, btf);
	if (!rc)
		rc = fill_drops(rt);
	if (rc)
		return rc;
	rt->rb = ring_buffer__new(bpf_map__fd(rt->skel->maps.records), on_record, rt, NULL);
	if (!rt->rb)
		return -errno;
	return attach(rt);
}

int raw_tp_open(struct raw_tp **out, const struct raw_tp_wants *wants, struct error *err)
{
	struct raw_tp *rt = calloc(1, sizeof(*rt));
	struct btf *btf;
	int rc;

	*out = NULL;
	if (!rt)
		return fail(err, -ENOMEM, "out of memory");
	rt->wants = wants;
	rt->stacks = wants && wants->stacks;
	libbpf_be_silent();
	btf = btf__load_vmlinux_btf();
	rc = btf ? open_all(rt, btf) : -errno;
	btf__free(btf);
	rt->wants = NULL;
	if (rc) {
		raw_tp_close(rt);
		return explain(err, rc);
	}
	*out = rt;
	return 0;
}

void raw_tp_close(struct raw_tp *rt)
{
	if (!rt)
		return;
	ring_buffer__free(rt->rb);
	nfpath_bpf__destroy(rt->skel);
	free(rt);
}

const struct raw_tp_part *raw_tp_parts(const struct raw_tp *rt)
{
	return rt->parts;
}

static int socket_cookie(int fd, uint64_t *cookie)
{
	socklen_t len = sizeof(*cookie);

	return getsockopt(fd, SOL_SOCKET, SO_COOKIE, cookie, &len) ? -errno : 0;
}

int raw_tp_add_socket(struct raw_tp *rt, int fd)
{
	uint32_t index = rt->next_socket;
	uint64_t cookie;
	int rc = socket_cookie(fd, &cookie);

	if (rc)
		return rc;
	if (bpf_map_update_elem(bpf_map__fd(rt->skel->maps.sockets), &cookie, &index, BPF_NOEXIST))
		return -errno;
	rt->next_socket++;
	return index;
}

int raw_tp_remove_socket(struct raw_tp *rt, int fd)
{
	uint64_t cookie;
	int rc = socket_cookie(fd, &cookie);

	if (rc)
		return rc;
	return bpf_map_delete_elem(bpf_map__fd(rt->skel->maps.sockets), &cookie) ? -errno : 0;
}

void raw_tp_gate(struct raw_tp *rt, bool open)
{
	__atomic_store_n(&rt->skel->bss->gate, open, __ATOMIC_RELEASE);
}

int raw_tp_stacks(const struct raw_tp *rt)
{
	return rt->stacks ? bpf_map__fd(rt->skel->maps.stacks) : -1;
}

int raw_tp_fd(const struct raw_tp *rt)
{
	return ring_buffer__epoll_fd(rt->rb);
}

int raw_tp_poll(struct raw_tp *rt, raw_tp_cb cb, void *arg)
{
	int rc;

	rt->cb = cb;
	rt->arg = arg;
	rt->n_polled = 0;
	rc = ring_buffer__consume(rt->rb);
	return rc < 0 && rc != -ECANCELED ? rc : rt->n_polled;
}

uint64_t raw_tp_lost(const struct raw_tp *rt, uint64_t *by_type)
{
	uint64_t n, sum = 0;
	unsigned int i;

	for (i = 0; i < NFP_RAW_TYPES; i++) {
		n = rt->skel->bss->lost[i];
		if (rt->parts[i].available)
			n += libbpf_missed_runs(program_of(rt, rt->skel, i));
		if (by_type)
			by_type[i] = n;
		sum += n;
	}
	return sum;
}
