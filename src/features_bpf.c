// SPDX-License-Identifier: GPL-2.0-or-later
/* Probes of BPF and kernel symbols. What they load or attach is gone when they return. */
#include <errno.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include "netfilter/exprs.h"
#include "src/features_probes.h"
#include "src/kernel_btf.h"
#include "src/kernel_names.h"
#include "src/kernel_symbols.h"
#include "src/programs.h"

/* A function of the kernel that is there in all versions, and seldom runs: while a probe is
 * attached to it, it is slower. */
static const char rare_function[] = "__icmp_send";

/* `return 0` */
static const struct bpf_insn return_0[] = {
	{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = 0},
	{.code = BPF_JMP | BPF_EXIT},
};
/* `return NF_ACCEPT`: a netfilter program must return a verdict */
static const struct bpf_insn return_1[] = {
	{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = 1},
	{.code = BPF_JMP | BPF_EXIT},
};

enum { INSNS = sizeof(return_0) / sizeof(return_0[0]) };

int probe_btf(const struct probe_context *c, int arg, struct error *why)
{
	static const char path[] = "/sys/kernel/btf/vmlinux";

	return access(path, R_OK) ? fail(why, -errno, "%s: %s", path, strerror(errno)) : 0;
}

int probe_raw_tp(const struct probe_context *c, int arg, struct error *why)
{
	*why = c->raw_why;
	return c->raw_rc;
}

int probe_raw_tp_part(const struct probe_context *c, int type, struct error *why)
{
	const struct raw_tp_part *part;

	if (!c->raw)
		return fail(why, c->raw_rc, "raw tracepoints are not available");
	part = &raw_tp_parts(c->raw)[type];
	if (!part->available)
		return fail(why, -EOPNOTSUPP, "%s", part->why);
	if (part->by_function)
		fail(why, 0, "by fentry of sock_def_readable instead: the kernel lacks it");
	return 0;
}

enum { REASON_NOT_SPECIFIED = 2, REASONS_MAX = 1024 };

int probe_drop_reasons(const struct probe_context *c, int arg, struct error *why)
{
	struct kernel_names *kn = kernel_names_open();
	const char *name = kn ? kernel_drop_reason(kn, REASON_NOT_SPECIFIED) : NULL;
	int rc = 0;

	if (!name)
		rc = fail(why, -ENOENT,
			  "the kernel's type information (BTF) has no enum skb_drop_reason");
	kernel_names_free(kn);
	return rc;
}

int probe_rp_filter_reason(const struct probe_context *c, int arg, struct error *why)
{
	struct kernel_names *kn = kernel_names_open();
	bool found = false;

	for (uint32_t r = 0; kn && !found && r < REASONS_MAX; r++) {
		const char *name = kernel_drop_reason(kn, r);

		found = name && !strcmp(name, "IP_RPFILTER");
	}
	kernel_names_free(kn);
	return found ? 0 : fail(why, -ENOENT, "this kernel has no such drop reason");
}

int probe_symbols(const struct probe_context *c, int arg, struct error *why)
{
	return kernel_symbols_probe(why);
}

/* libbpf's own sentence on EPERM, about a memory limit, would be the wrong one. */
static int refused(struct error *why, int rc, const char *what)
{
	return fail(why, rc, "%s: %s", what, strerror(-rc));
}

/* The type of perf event that is a kprobe. */
static int kprobe_type(struct error *why)
{
	static const char path[] = "/sys/bus/event_source/devices/kprobe/type";
	FILE *f = fopen(path, "re");
	int type;

	if (!f)
		return fail(why, -errno, "%s: %s", path, strerror(errno));
	if (fscanf(f, "%d", &type) != 1)
		type = fail(why, -EBADMSG, "%s: not a number", path);
	fclose(f);
	return type;
}

static int attach_kprobe(int prog, int type, struct error *why)
{
	struct perf_event_attr attr = {.size = sizeof(attr),
				       .type = (uint32_t)type,
				       .config1 = (uint64_t)(uintptr_t)rare_function};
	int rc = 0, fd = (int)syscall(SYS_perf_event_open, &attr, -1, 0, -1, PERF_FLAG_FD_CLOEXEC);

	if (fd < 0)
		return refused(why, -errno, "the kernel refuses a kprobe");
	if (ioctl(fd, PERF_EVENT_IOC_SET_BPF, prog))
		rc = refused(why, -errno, "the kernel refuses a program on a kprobe");
	close(fd);
	return rc;
}

int probe_kprobe(const struct probe_context *c, int arg, struct error *why)
{
	int prog, rc, type = kprobe_type(why);

	if (type < 0)
		return type;
	prog = bpf_prog_load(BPF_PROG_TYPE_KPROBE, "nfpath_probe", "GPL", return_0, INSNS, NULL);
	if (prog < 0)
		return refused(why, prog, "the kernel does not load a kprobe program");
	rc = attach_kprobe(prog, type, why);
	close(prog);
	return rc;
}

/* A descriptor. The kernel looks the function up when it loads such a program
 * (bpf_check_attach_target()). */
static int load_at(enum bpf_attach_type type, int btf_fd, uint32_t id, struct error *why)
{
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .expected_attach_type = type, .attach_btf_id = id,
		    .attach_btf_obj_fd = (uint32_t)btf_fd);
	int prog = bpf_prog_load(BPF_PROG_TYPE_TRACING, "nfpath_probe", "GPL", return_0, INSNS,
				 &opts);

	return prog < 0 ? refused(why, prog,
				  type == BPF_TRACE_FENTRY
					  ? "the kernel does not load an fentry program"
					  : "the kernel does not load an fexit program")
			: prog;
}

static int try_attaching(enum bpf_attach_type type, struct error *why)
{
	int link, rc = 0, prog, id = kernel_btf_find(rare_function);

	if (id < 0)
		return refused(why, id, "the kernel's type information (BTF) cannot be used");
	prog = load_at(type, 0, (uint32_t)id, why);
	if (prog < 0)
		return prog;
	link = bpf_raw_tracepoint_open(NULL, prog);
	if (link < 0)
		rc = refused(why, link, "the kernel refuses to attach it");
	else
		close(link);
	close(prog);
	return rc;
}

int probe_fentry(const struct probe_context *c, int arg, struct error *why)
{
	return try_attaching(BPF_TRACE_FENTRY, why);
}

int probe_fexit(const struct probe_context *c, int arg, struct error *why)
{
	return try_attaching(BPF_TRACE_FEXIT, why);
}

int probe_bpf_loop(const struct probe_context *c, int arg, struct error *why)
{
	int rc = libbpf_probe_bpf_helper(BPF_PROG_TYPE_RAW_TRACEPOINT, BPF_FUNC_loop, NULL);

	if (rc < 0)
		return refused(why, rc, "not probed");
	return rc ? 0 : fail(why, -EOPNOTSUPP, "no program may call it");
}

int probe_ring_buffer(const struct probe_context *c, int arg, struct error *why)
{
	int fd = bpf_map_create(BPF_MAP_TYPE_RINGBUF, "nfpath_probe", 0, 0,
				(uint32_t)sysconf(_SC_PAGESIZE), NULL);

	if (fd < 0)
		return refused(why, fd, "the kernel does not make one");
	close(fd);
	return 0;
}

int probe_rule_blobs(const struct probe_context *c, int arg, struct error *why)
{
	if (!c->types)
		return fail(why, -ENOENT, "%s", c->types_why.text);
	if (!kernel_btf_has_struct(c->types, "nft_rule_blob"))
		return fail(why, -ENOENT,
			    "no struct nft_rule_blob in the type information of the kernel and of "
			    "module nf_tables, if that is loaded");
	return 0;
}

/* Loaded, and not attached: these functions run for each packet. */
static int probe_function(const struct probe_context *c, const char *function, struct error *why)
{
	int fd, prog, rc;
	uint32_t id;

	if (!c->types)
		return fail(why, -ENOENT, "%s", c->types_why.text);
	rc = kernel_btf_func(c->types, function, &fd, &id);
	if (rc == -ENOENT)
		return fail(why, rc,
			    "%s() is not in the type information of the kernel and of its loaded "
			    "modules",
			    function);
	if (rc)
		return refused(why, rc, "the type information of modules");
	prog = load_at(BPF_TRACE_FENTRY, fd, id, why);
	if (prog >= 0)
		close(prog);
	return prog < 0 ? prog : 0;
}

int probe_part(const struct probe_context *c, int part, struct error *why)
{
	enum program_part of;
	const char *function, *last = "";
	unsigned int kind;
	int rc = 0;

	for (unsigned int i = 0; !rc && (function = programs_function(i, &of, &kind)); i++) {
		if (*function && (int)of == part && strcmp(function, last))
			rc = probe_function(c, function, why);
		last = function;
	}
	return rc;
}

/* Many of them are in modules that come when a rule needs them: no rule, nothing to see. */
int probe_expressions(const struct probe_context *c, int arg, struct error *why)
{
	uint64_t wanted = 0, there = 0;
	enum program_part part;
	const char *function;
	unsigned int kind, n = 0;
	int rc = probe_function(c, "nft_immediate_eval", why);

	for (unsigned int i = 0; !rc && (function = programs_function(i, &part, &kind)); i++) {
		if (part != PROGRAM_EXPRS || kind >= EXPR_FIRST_SIGHT)
			continue;
		wanted |= 1ULL << kind;
		if (!kernel_btf_func(c->types, function, NULL, NULL))
			there |= 1ULL << kind;
	}
	for (uint64_t left = wanted & ~there; left; left &= left - 1)
		n++;
	if (!rc && n)
		fail(why, 0, "%u of %d kinds of statements need modules that are not loaded now", n,
		     __builtin_popcountll(wanted));
	return rc;
}

/* Of linux/bpf.h, where it is new enough (6.4). */
enum { PROG_TYPE_NETFILTER = 32, ATTACH_NETFILTER = 45, CMD_LINK_CREATE = 28 };

struct link_create_netfilter {
	uint32_t prog_fd, target_fd, attach_type, flags;
	uint32_t pf, hooknum;
	int32_t priority;
	uint32_t netfilter_flags;
};

int probe_bpf_netfilter(const struct probe_context *c, int arg, struct error *why)
{
	LIBBPF_OPTS(bpf_prog_load_opts, opts,
		    .expected_attach_type = (enum bpf_attach_type)ATTACH_NETFILTER);
	struct link_create_netfilter attr = {
		.attach_type = ATTACH_NETFILTER, .pf = 2, .hooknum = 1, .priority = -128};
	int link, rc = 0;
	int prog = bpf_prog_load((enum bpf_prog_type)PROG_TYPE_NETFILTER, "nfpath_probe", "GPL",
				 return_1, INSNS, &opts);

	if (prog < 0)
		return refused(why, prog, "the kernel does not load a netfilter program");
	attr.prog_fd = (uint32_t)prog;
	link = (int)syscall(SYS_bpf, CMD_LINK_CREATE, &attr, sizeof(attr));
	if (link < 0)
		rc = refused(why, -errno, "the kernel refuses to link a netfilter program");
	else
		close(link);
	close(prog);
	return rc;
}
