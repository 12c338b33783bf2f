// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The bpf engine: programs at the functions of netfilter follow the packets that the filter selects,
 * in all namespaces at once, and touch nothing. What they record is made into events in
 * bpf_events.c.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "src/bpf_events.h"
#include "src/capable.h"
#include "src/clock.h"
#include "src/engine.h"
#include "src/filter_bpf.h"
#include "src/kernel_btf.h"
#include "src/legacy_watch.h"
#include "src/programs.h"

/* What was not heard of for so long is forgotten in the kernel: longer than the tracker waits. */
static const uint64_t forget_ns = 6000ULL * 1000 * 1000;
/* With no record for so long, the reader is woken by the next one instead of looking for it. */
static const uint64_t doze_ns = 200ULL * 1000 * 1000;

struct engine {
	const struct engine_config *config;
	struct programs_config programs_config;
	struct programs *programs;
	struct bpf_events *events;
	struct legacy_watch *legacy;
	struct kernel_names *names;
	uint32_t *begin;
	uint64_t kinds; /* of expressions, in all rulesets */
	unsigned int n_views; /* whose rulesets kinds knows */
	uint64_t synced_ns, heard_ns, swept_ns, lost, packets_lost;
	/* When losses were looked for, and up to when packets may miss what was lost: those of them
	 * that wait in the ring, too. */
	uint64_t checked_ns, doubt_from_ns, doubt_until_ns;
	bool behind;   /* more records wait */
	bool followed; /* packets were followed when last looked at */
	char blind[256], missing[256];
	void (*sink)(void *ctx, const struct event *ev);
	void *sink_ctx;
};

/* Those of iptables-legacy come when there are such tables (legacy_watch.c). */
static const uint32_t all_parts = (1u << PROGRAM_LEGACY) - 1;

/* --- opening --- */

/* Is an fentry program allowed at all? A function that is there in all versions and seldom runs. */
static int try_fentry(struct error *why)
{
	static const struct bpf_insn return_0[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = 0},
		{.code = BPF_JMP | BPF_EXIT},
	};
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .expected_attach_type = BPF_TRACE_FENTRY);
	int id = kernel_btf_find("__icmp_send"), fd;

	if (id < 0)
		return fail(why, id,
			    "engine bpf needs the kernel's type information: there is no usable "
			    "/sys/kernel/btf/vmlinux");
	opts.attach_btf_id = (uint32_t)id;
	fd = bpf_prog_load(BPF_PROG_TYPE_TRACING, "nfpath_probe", "GPL", return_0,
			   sizeof(return_0) / sizeof(return_0[0]), &opts);
	if (fd < 0)
		return fail(why, fd,
			    "engine bpf needs fentry programs, which the kernel refuses: %s; it is "
			    "locked down, or CAP_BPF and CAP_PERFMON are missing",
			    strerror(-fd));
	close(fd);
	return 0;
}

/* The helper that walks chains of any length came with Linux 5.17. */
static int try_loop(struct error *why)
{
	int rc = libbpf_probe_bpf_helper(BPF_PROG_TYPE_TRACING, BPF_FUNC_loop, NULL);

	/* Programs of this type cannot be probed by libbpf: -EOPNOTSUPP; by another type then. */
	if (rc < 0)
		rc = libbpf_probe_bpf_helper(BPF_PROG_TYPE_RAW_TRACEPOINT, BPF_FUNC_loop, NULL);
	return rc == 1 ? 0
		       : fail(why, -EOPNOTSUPP,
			      "engine bpf needs bpf_loop(), which came with Linux 5.17");
}

static int bpf_probe(struct error *why)
{
	int rc = capable_of_tracing(why);

	if (!rc)
		rc = try_fentry(why);
	return rc ? rc : try_loop(why);
}

static int set_begin(struct engine *e)
{
	const struct netns_set *begin = e->config->begin;

	if (!begin)
		return 0;
	e->begin = calloc(begin->n, sizeof(*e->begin));
	if (!e->begin)
		return -ENOMEM;
	for (unsigned int i = 0; i < begin->n; i++)
		e->begin[i] = begin->v[i].inum;
	e->programs_config.begin = e->begin;
	e->programs_config.n_begin = begin->n;
	return 0;
}

/* What the rulesets of all namespaces are made of. */
static uint64_t kinds_now(const struct engine *e)
{
	uint64_t kinds = 0;

	for (unsigned int i = 0; i < *e->config->n_views; i++)
		kinds |= rules_now(e->config->views[i].rules)->exprs;
	return kinds;
}

static void note_missing(struct engine *e)
{
	const char *function = NULL;

	*e->missing = 0;
	/* Without nf_tables_commit(), too: nothing would say how long an address means a rule. */
	if (e->kinds && !programs_has(e->programs, PROGRAM_CHAINS, &function))
		snprintf(e->missing, sizeof(e->missing),
			 "the rules of nf_tables: this kernel does not let %s() be watched",
			 function);
	else if (programs_unseen(e->programs, e->kinds))
		snprintf(e->missing, sizeof(e->missing),
			 "some of its statements: this kernel has no function for them that can "
			 "be watched");
}

static void note_blind(struct engine *e)
{
	const char *function = NULL;

	if (!programs_has(e->programs, PROGRAM_HOOKS, &function) ||
	    !programs_has(e->programs, PROGRAM_ENDS, &function) ||
	    !programs_has(e->programs, PROGRAM_ROUTES, &function))
		snprintf(e->blind, sizeof(e->blind),
			 "what %s() tells, which this kernel does not let be watched", function);
}

/* Somebody's program at a cgroup above may allow none below. */
static void check_command(const struct engine *e)
{
	if (e->config->cgroup && !programs_has(e->programs, PROGRAM_COMMAND, NULL) && e->config->warn)
		e->config->warn(e->config->warn_ctx,
				"this host does not let be watched to which ports the command binds its "
				"sockets: what comes to them is shown only once they have answered");
}

static int attach(struct engine *e, struct error *err)
{
	uint32_t parts = all_parts | (e->config->cgroup ? 1u << PROGRAM_COMMAND : 0);
	int rc = programs_attach(e->programs, parts, e->kinds, err);
	const char *function;

	if (rc < 0)
		return rc;
	if (!programs_has(e->programs, PROGRAM_HOOKS, &function))
		return fail(err, -EOPNOTSUPP,
			    "engine bpf needs %s(), which this kernel does not let be watched; "
			    "--engine netlink does without",
			    function);
	return 0;
}

static bool file_says(const char *path, const char *what)
{
	FILE *f = fopen(path, "re");
	char line[64] = "";

	if (!f)
		return false;
	if (!fgets(line, sizeof(line), f))
		*line = '\0';
	fclose(f);
	return strstr(line, what);
}

/* Kernel programs are, where the kernel does not say that they are not (debugfs). */
static bool may_preempt(void)
{
	static const char path[] = "/sys/kernel/debug/sched/preempt";

	return !file_says(path, "(none)") && !file_says(path, "(voluntary)");
}

/* PREEMPT_RT counts who holds a lock among those that keep from migrating (rt_spin_lock()). */
static bool tells_nesting(void)
{
	return !file_says("/sys/kernel/realtime", "1");
}

static void bpf_close(struct engine *e)
{
	if (!e)
		return;
	legacy_watch_close(e->legacy);
	programs_close(e->programs);
	bpf_events_close(e->events);
	kernel_names_free(e->names);
	free(e->begin);
	free(e);
}

static struct engine *bpf_open(const struct engine_config *config, struct error *err)
{
	struct engine *e = calloc(1, sizeof(*e));
	int rc;

	fail(err, -ENOMEM, "out of memory");
	if (!e)
		return NULL;
	e->config = config;
	e->names = kernel_names_open();
	e->events = e->names ? bpf_events_open(config, e->names) : NULL;
	if (!e->events)
		goto failed;
	e->programs_config.has_filter = filter_bpf(&e->programs_config.filter, config->filter);
	e->programs_config.replies = config->filter->conn;
	e->programs_config.ring_bytes = config->rcvbuf;
	e->programs_config.lose_one_of = config->lose_one_of;
	e->programs_config.all_drops = config->all_drops;
	e->programs_config.stacks = config->stacks;
	e->programs_config.cgroup = config->cgroup;
	e->programs_config.nesting = tells_nesting();
	e->programs_config.preempted = may_preempt();
	rc = set_begin(e);
	if (!rc)
		rc = programs_open(&e->programs, &e->programs_config, err);
	e->kinds = kinds_now(e);
	e->n_views = *config->n_views;
	if (!rc)
		rc = attach(e, err);
	e->legacy = rc ? NULL : legacy_watch_open(config, e->programs);
	if (rc || !e->legacy)
		goto failed;
	kernel_names_stacks(e->names, programs_stacks(e->programs));
	check_command(e);
	note_missing(e);
	note_blind(e);
	for (unsigned int i = 0; i < e->n_views; i++)
		legacy_watch_changed(e->legacy, i);
	legacy_watch_sync(e->legacy, clock_ns());
	e->synced_ns = e->heard_ns = e->swept_ns = e->checked_ns = clock_ns();
	programs_sleep(e->programs, true);
	programs_gate(e->programs, true);
	return e;
failed:
	bpf_close(e);
	return NULL;
}

/* --- running --- */

static unsigned int bpf_fds(const struct engine *e, struct pollfd *fds, unsigned int max)
{
	if (!max)
		return 0;
	fds[0] = (struct pollfd){.fd = programs_fd(e->programs), .events = POLLIN};
	return 1;
}

static void on_record(void *ctx, const struct nfp_event *ev, size_t size)
{
	struct engine *e = ctx;

	if (!legacy_watch_record(e->legacy, ev, size, e->sink, e->sink_ctx))
		bpf_events_record(e->events, ev, size, e->sink, e->sink_ctx);
	else if (ev->type == NFP_XT && size >= offsetof(struct nfp_xt_visit, hits))
		bpf_events_traversed(e->events, ((const struct nfp_xt_visit *)ev)->id, e->sink,
				     e->sink_ctx);
}

static struct event lost_event(uint64_t now, uint64_t count)
{
	return (struct event){.type = EVENT_LOST,
			      .ns = EVENT_NS_UNKNOWN,
			      .cpu = -1,
			      .before_ns = now,
			      .lost.count = count};
}

static void say_packets_lost(struct engine *e, uint64_t now)
{
	uint64_t lost = programs_packets_lost(e->programs);
	struct event ev = lost_event(now, lost - e->packets_lost);

	if (lost == e->packets_lost)
		return;
	e->packets_lost = lost;
	ev.lost.whole = true;
	e->sink(e->sink_ctx, &ev);
}

/* What found no room in a map or in the ring, and runs that the kernel left out because the program
 * was running on that CPU: something of somebody is missing. */
static void say_lost(struct engine *e, uint64_t read_until_ns)
{
	uint64_t checked = e->checked_ns, now = clock_ns();
	uint64_t lost = programs_lost(e->programs);
	struct event ev = lost_event(now, lost - e->lost);

	ev.lost.after_post = true;
	e->checked_ns = now;
	if (lost != e->lost) {
		/* One follows upon another before all is read. */
		if (e->doubt_until_ns <= read_until_ns)
			e->doubt_from_ns = checked;
		e->doubt_until_ns = now;
	} else if (e->doubt_until_ns <= read_until_ns) {
		return;
	}
	ev.after_ns = e->doubt_from_ns;
	e->lost = lost;
	e->sink(e->sink_ctx, &ev);
}

static int sweep(struct engine *e, uint64_t now, struct error *err)
{
	int rc = 0;

	if (now < e->swept_ns + forget_ns)
		return 0;
	e->swept_ns = now;
	if (programs_followed(e->programs))
		rc = programs_sweep(e->programs, now - forget_ns);
	return rc ? fail(err, rc, "cannot look for packets that were freed unseen: %s", strerror(-rc)) : 0;
}

/* A ruleset may have statements now that none had before. */
static void bpf_rules_changed(struct engine *e, unsigned int view)
{
	struct error err = {0};

	e->kinds |= rules_now(e->config->views[view].rules)->exprs;
	if (programs_attach(e->programs, all_parts, e->kinds, &err) < 0 && e->config->warn)
		e->config->warn(e->config->warn_ctx, err.text);
	note_missing(e);
	legacy_watch_changed(e->legacy, view);
	legacy_watch_sync(e->legacy, clock_ns());
}

/* So may that of a namespace that was found meanwhile. */
static void attach_for_found(struct engine *e)
{
	while (e->n_views < *e->config->n_views)
		bpf_rules_changed(e, e->n_views++);
}

static int bpf_read(struct engine *e, void (*sink)(void *ctx, const struct event *ev), void *ctx,
		    struct error *err)
{
	uint64_t now = clock_ns(), read_until = e->synced_ns;
	int n;

	e->sink = sink;
	e->sink_ctx = ctx;
	n = programs_read(e->programs, on_record, e, &e->synced_ns);
	if (n < 0)
		return fail(err, n, "cannot read the records of the kernel programs: %s",
			    strerror(-n));
	attach_for_found(e);
	legacy_watch_synced(e->legacy, e->synced_ns);
	legacy_watch_sync(e->legacy, now);
	e->behind = n >= PROGRAMS_READ_MAX;
	if (n)
		e->heard_ns = now;
	/* Runs that were left out while no packet was followed are nobody's loss. */
	if (n || e->followed)
		say_lost(e, read_until);
	say_packets_lost(e, now);
	e->followed = programs_followed(e->programs) > 0;
	if ((n = sweep(e, now, err)) < 0)
		return n;
	if (e->heard_ns + doze_ns >= now || programs_sleeps(e->programs))
		return 0;
	/* What came before they knew that we must be woken is read now. */
	programs_sleep(e->programs, true);
	n = programs_read(e->programs, on_record, e, &e->synced_ns);
	if (n > 0)
		programs_sleep(e->programs, false);
	return 0;
}

static bool bpf_behind(const struct engine *e)
{
	return e->behind;
}

static bool bpf_idle(const struct engine *e)
{
	return !e->followed && programs_sleeps(e->programs);
}

static uint64_t bpf_synced(const struct engine *e)
{
	return e->synced_ns;
}

/* A rule is in force before its ruleset is read and its programs are attached. */
static bool came_too_early(const struct engine *e, const struct rules_answer *rules,
			   uint64_t after_ns)
{
	for (unsigned int i = 0; i < rules->n; i++)
		if (programs_since(e->programs, rules->rs[i]->exprs) > after_ns)
			return true;
	return false;
}

static const char *bpf_missing(const struct engine *e, unsigned int view,
			       const struct rules_answer *rules, uint64_t after_ns)
{
	const char *legacy = legacy_watch_missing(e->legacy, rules, after_ns);

	if (legacy)
		return legacy;
	if (*e->missing)
		return e->missing;
	return came_too_early(e, rules, after_ns)
		       ? "statements that were new in its ruleset: they are watched since then, "
			 "and it was there before"
		       : NULL;
}

static const char *bpf_blind(const struct engine *e)
{
	return *e->blind ? e->blind : NULL;
}

const struct engine_ops engine_bpf = {
	.name = "bpf",
	.probe = bpf_probe,
	.open = bpf_open,
	.close = bpf_close,
	.fds = bpf_fds,
	.read = bpf_read,
	.synced = bpf_synced,
	.idle = bpf_idle,
	.behind = bpf_behind,
	.rules_changed = bpf_rules_changed,
	.missing = bpf_missing,
	.blind = bpf_blind,
};
