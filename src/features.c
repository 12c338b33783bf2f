// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/features.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/netfilter.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "src/cgroup.h"
#include "src/features_probes.h"
#include "src/hook_view.h"
#include "src/kernel_btf.h"
#include "src/programs.h"
#include "src/unheard.h"

enum { SCRATCH_SECONDS = 30 };

/* --- probes that need no more than a look --- */

static int probe_capability(const struct probe_context *c, int cap, struct error *why)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	if (syscall(SYS_capget, &header, data))
		return fail(why, -errno, "capget: %s", strerror(errno));
	if (!(data[CAP_TO_INDEX(cap)].effective & CAP_TO_MASK(cap)))
		return fail(why, -EPERM, "this process does not have it: run nfpath as root");
	return 0;
}

/* Entering the namespace in which we are asks for the same as any other. */
static int probe_netns(const struct probe_context *c, int arg, struct error *why)
{
	int rc = 0, fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return fail(why, -errno, "/proc/self/ns/net: %s", strerror(errno));
	if (setns(fd, CLONE_NEWNET))
		rc = fail(why, -errno, "setns: %s", strerror(errno));
	close(fd);
	return rc;
}

/* Asking the kernel for a table that is not there would make it: the list of names does not. */
static int probe_legacy(const struct probe_context *c, int family, struct error *why)
{
	const char *path =
		family == NFPROTO_IPV4 ? "/proc/net/ip_tables_names" : "/proc/net/ip6_tables_names";
	char name[64];
	FILE *f = fopen(path, "re");

	if (!f && errno == ENOENT)
		return fail(why, -ENOENT, "the kernel module of its tables is not loaded");
	if (!f)
		return fail(why, -errno, "not probed: %s: %s", path, strerror(errno));
	*why->text = 0;
	while (fgets(name, sizeof(name), f)) {
		size_t len = strlen(why->text);

		name[strcspn(name, "\n")] = 0;
		snprintf(why->text + len, sizeof(why->text) - len, "%s%s", len ? ", " : "", name);
	}
	fclose(f);
	return *why->text ? 0 : fail(why, -ENOENT, "this network namespace has none");
}

/* The same of tables that nfpath knows of, but not their rules. */
static int probe_unheard(const struct probe_context *c, int family, struct error *why)
{
	struct hook_reader reader = {0};
	char tables[UNHEARD_TABLES_MAX];
	int fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC), there = -1;
	struct hook_view *h = fd < 0 ? NULL : hook_view_open(fd, &reader);

	if (h)
		there = unheard_tables(h, (uint8_t)family, tables);
	hook_view_close(h);
	hook_reader_close(&reader);
	if (fd >= 0)
		close(fd);
	if (there < 0)
		return fail(why, -ENODATA,
			    "not probed: neither a BPF program nor nfnetlink_hook lists the functions "
			    "at hooks here");
	if (!there)
		return fail(why, -ENOENT, "this network namespace has none");
	return fail(why, 0, "%s; which of their rules a packet hits is not seen", tables);
}

static int probe_cgroup(const struct probe_context *c, int arg, struct error *why)
{
	const char *mount = cgroup_mount();

	if (!mount)
		return fail(why, -ENOENT, "cgroup v2 is not mounted on /sys/fs/cgroup");
	if (access(mount, W_OK))
		return fail(why, -errno, "cannot make a cgroup in %s: %s", mount, strerror(errno));
	return fail(why, 0, "%s", mount);
}

/* --- the table --- */

#define NOTHING_YET "nothing: the engine that would use it is not part of this version"

/* Without it there is no trace. */
enum vital {
	NEVER,
	NETLINK, /* by that engine */
	ALWAYS,
};

static const struct row {
	const char *name;
	probe_fn probe;
	int arg;
	bool scratch; /* in a network namespace of its own */
	enum vital vital;
	const char *since, *without;
} rows[] = {
	{"CAP_NET_ADMIN", probe_capability, CAP_NET_ADMIN, false, ALWAYS, NULL,
	 "tracing: reading rules, marking packets, hearing trace messages"},
	{"CAP_SYS_ADMIN", probe_capability, CAP_SYS_ADMIN, false, ALWAYS, NULL,
	 "tracing: entering network namespaces"},
	{"entering network namespaces", probe_netns, 0, false, ALWAYS, "3.0", "--netns, and tracing"},
	/* nf_tables and its family inet: 96518518cc41, 99633ab29b21 */
	{"nf_tables", probe_nf_tables, 0, true, NETLINK, "3.14",
	 "tracing: packets are selected and observed by a table of nfpath's own"},
	/* 33d5a7b14bfd (extend tracing infrastructure) */
	{"nft trace messages", probe_nft_trace, 0, true, NETLINK, "4.6",
	 "tracing: the kernel does not say which rules a packet hit"},
	/* 6001a930ce03 (introduce table ownership) */
	{"table owner flag", probe_owner_flag, 0, true, NEVER, "5.12",
	 "the kernel does not remove nfpath's table after SIGKILL; the next start does"},
	/* 7e5c6aa67e6f (add packets conntrack state to debug trace info) */
	{"conntrack in trace messages", probe_trace_conntrack, 0, true, NEVER, "6.16",
	 "conntrack steps: new, established, related, invalid"},
	{"nft family bridge", probe_nft_family, NFPROTO_BRIDGE, true, NEVER, "3.14",
	 "rules of the bridge family; there are none in such a kernel"},
	{"nft family arp", probe_nft_family, NFPROTO_ARP, true, NEVER, "3.14",
	 "rules of the arp family; there are none in such a kernel"},
	{"nft family netdev (ingress)", probe_nft_family, NFPROTO_NETDEV, true, NEVER, "4.2",
	 "rules at ingress; there are none in such a kernel"},
	{"iptables-legacy tables, IPv4", probe_legacy, NFPROTO_IPV4, false, NEVER, NULL,
	 "no rules of iptables-legacy to trace"},
	{"iptables-legacy tables, IPv6", probe_legacy, NFPROTO_IPV6, false, NEVER, NULL,
	 "no rules of iptables-legacy to trace"},
	{"arptables-legacy tables", probe_unheard, NFPROTO_ARP, false, NEVER, NULL,
	 "nothing: no engine sees their rules, and a path that comes by such a table says so"},
	{"ebtables-legacy tables", probe_unheard, NFPROTO_BRIDGE, false, NEVER, NULL,
	 "nothing: no engine sees their rules, and a path that comes by such a table says so"},
	{"nfnetlink_log", probe_nflog, 0, true, NEVER, NULL,
	 "rules of iptables-legacy: their TRACE lines come by it"},
	{"nflog group 0 free", probe_group_free, 0, false, NEVER, NULL,
	 "rules of iptables-legacy: their TRACE lines go to whoever holds it"},
	{"cgroup v2", probe_cgroup, 0, false, NEVER, "4.5",
	 "-- COMMAND; select by --src, --dport …"},
	/* e0bb96db96f8 (nft_socket: add support for cgroupsv2) */
	{"nft match socket cgroupv2", probe_socket_cgroup, 0, true, NEVER, "5.13",
	 "engine netlink: -- COMMAND; select by --src, --dport …"},
	/* 341dfcf8d78e (btf: expose BTF info through sysfs) */
	{"BTF of the kernel", probe_btf, 0, false, NEVER, "5.4", "raw tracepoints, drop reasons"},
	/* c4f6699dfcb8; the ring buffer is 457f44363a88 of 5.8 */
	{"raw tracepoints", probe_raw_tp, 0, false, NEVER, "5.8",
	 "drops that no rule made, route lookups, rp_filter decisions, the true order of messages"},
	/* 40e0b0908142 (introduce trace_sk_data_ready) */
	{"tracepoint sk_data_ready", probe_raw_tp_part, NFP_MESSAGE, false, NEVER, "6.3",
	 "CPU and time of each message; route lookups cannot be tied to packets"},
	/* f6d3c19274c7 (FIB tracepoints) */
	{"tracepoint fib_table_lookup", probe_raw_tp_part, NFP_FIB4, false, NEVER, "4.4",
	 "IPv4 route lookups and rp_filter decisions"},
	/* b811580d91e9 (IPv6 fib lookup tracepoint) */
	{"tracepoint fib6_table_lookup", probe_raw_tp_part, NFP_FIB6, false, NEVER, "4.5",
	 "IPv6 route lookups"},
	{"tracepoint kfree_skb", probe_raw_tp_part, NFP_KFREE, false, NEVER, "2.6.30",
	 "drops that no rule made: rp_filter, no route, no socket"},
	/* cf66ba58b5cb (define tracepoints for dev queue and receive) */
	{"tracepoint net_dev_queue", probe_raw_tp_part, NFP_TRANSMIT, false, NEVER, "2.6.37",
	 "transmit steps: which device a packet was given to"},
	/* c504e5c2f964 (introduce kfree_skb_reason) */
	{"drop reasons", probe_drop_reasons, 0, false, NEVER, "5.17",
	 "names of drop reasons; a drop is shown with its place only"},
	{"drop reason IP_RPFILTER", probe_rp_filter_reason, 0, false, NEVER, "5.18",
	 "the kernel's own word on rp_filter; the verdict is computed from the reverse route"},
	{"kernel symbols", probe_symbols, 0, false, NEVER, NULL,
	 "names of functions that dropped a packet; their addresses are shown"},
	/* 2541517c32be; as a perf event: e12f03d7031a of 4.17 */
	{"kprobes", probe_kprobe, 0, false, NEVER, "4.17", NOTHING_YET},
	/* fec56f5890d9 (introduce BPF trampoline) */
	{"fentry", probe_fentry, 0, false, NEVER, "5.5",
	 "engine bpf; for engine netlink, what takes the tracepoint sk_data_ready where the kernel "
	 "lacks that"},
	{"fexit", probe_fexit, 0, false, NEVER, "5.5", "engine bpf"},
	/* e6f2dd0f8067 (add bpf_loop helper) */
	{"bpf_loop", probe_bpf_loop, 0, false, NEVER, "5.17", "engine bpf"},
	/* 457f44363a88 (implement BPF ring buffer) */
	{"ring buffer", probe_ring_buffer, 0, false, NEVER, "5.8",
	 "engine bpf, and raw tracepoints"},
	/* 2c865a8a28a1 (add rule blob layout); that BTF says so of a module: 36e68442d1af of 5.11 */
	{"rule blobs of nf_tables", probe_rule_blobs, 0, false, NEVER, "5.17",
	 "engine bpf: which rule a packet matched"},
	{"function nf_hook_slow", probe_part, PROGRAM_HOOKS, false, NEVER, NULL,
	 "engine bpf: where packets enter and leave netfilter"},
	{"functions nft_do_chain and nf_tables_commit", probe_part, PROGRAM_CHAINS, false, NEVER,
	 NULL, "engine bpf: chains, policies and rules of nf_tables"},
	{"functions of nft statements", probe_expressions, 0, false, NEVER, NULL,
	 "engine bpf: rules of nf_tables"},
	{"functions of iptables-legacy, tables", probe_part, PROGRAM_LEGACY, false, NEVER, NULL,
	 "engine bpf: rules of iptables-legacy"},
	{"functions of iptables-legacy, IPv4", probe_part, PROGRAM_LEGACY4, false, NEVER, NULL,
	 "engine bpf: rules of iptables-legacy"},
	{"functions of iptables-legacy, IPv6", probe_part, PROGRAM_LEGACY6, false, NEVER, NULL,
	 "engine bpf: rules of ip6tables-legacy"},
	{"functions that free packets", probe_part, PROGRAM_ENDS, false, NEVER, NULL,
	 "engine bpf: the end of some packets is noticed late"},
	{"functions that copy packets", probe_part, PROGRAM_COPIES, false, NEVER, NULL,
	 "engine bpf: which packet another one is a copy of"},
	/* 84601d6ee68a (add bpf_link support for BPF_NETFILTER programs) */
	{"BPF netfilter links", probe_bpf_netfilter, 0, true, NEVER, "6.4",
	 "nothing in a trace: BPF programs at netfilter hooks are no rules, and not shown"},
	/* e2cf17d3774c (add new hook nfnl subsystem) */
	{"nfnetlink_hook", probe_hook_list, 0, true, NEVER, "5.14",
	 "nothing where raw tracepoints are allowed: a BPF program lists the functions at hooks then"},
};

enum { N_ROWS = sizeof(rows) / sizeof(rows[0]) };

static void choose_engine(struct features *f)
{
	struct error none = {0};

	f->engine = engine_choose("auto", &f->engine_why, &none);
	if (!f->engine)
		f->engine_why = none;
	for (unsigned int i = 0; f->engine && i < f->n; i++) {
		if (f->v[i].available || !rows[i].vital ||
		    (rows[i].vital == NETLINK && f->engine != &engine_netlink))
			continue;
		f->engine = NULL;
		fail(&f->engine_why, 0, "no engine works without %s: %.400s", rows[i].name,
		     f->v[i].why.text);
	}
}

int features_probe(struct features *f, struct error *err)
{
	struct probe_context c = {0};

	memset(f, 0, sizeof(*f));
	f->v = calloc(N_ROWS, sizeof(*f->v));
	if (!f->v)
		return fail(err, -ENOMEM, "out of memory");
	f->n = N_ROWS;
	c.raw_rc = raw_tp_open(&c.raw, NULL, &c.raw_why);
	c.types = programs_types(&c.types_why);
	for (unsigned int i = 0; i < f->n; i++) {
		const struct row *r = &rows[i];
		struct feature *v = &f->v[i];
		int rc = r->scratch ? scratch_run(r->probe, &c, r->arg, SCRATCH_SECONDS, &v->why)
				    : r->probe(&c, r->arg, &v->why);

		v->name = r->name;
		v->since = r->since;
		v->without = r->without;
		v->available = !rc;
		if (rc && !*v->why.text)
			fail(&v->why, rc, "%s", strerror(-rc));
	}
	kernel_btf_free(c.types);
	raw_tp_close(c.raw);
	choose_engine(f);
	return 0;
}

void features_free(struct features *f)
{
	free(f->v);
	memset(f, 0, sizeof(*f));
}
