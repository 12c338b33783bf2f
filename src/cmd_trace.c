// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "src/child.h"
#include "src/clock.h"
#include "src/cmd.h"
#include "src/opt.h"
#include "src/render.h"
#include "src/session.h"
#include "src/summary.h"


static const char *const engine_choices[] = {"auto", "bpf", "netlink", NULL};
static const char *const color_choices[] = {"auto", "always", "never", NULL};

struct trace_options {
	struct filter filter;
	struct opt_list netns;
	uint64_t count;
	uint64_t timeout_ns;
	bool drop_only, json, verbose;
	int engine, color;
	/* From the environment, for tests and odd hosts. */
	size_t rcvbuf;
	enum raw_tp_use raw_tp;
};

static int opt_src(void *o, const char *arg, struct error *err)
{
	return filter_addr(&((struct trace_options *)o)->filter.src, "--src", arg, err);
}

static int opt_dst(void *o, const char *arg, struct error *err)
{
	return filter_addr(&((struct trace_options *)o)->filter.dst, "--dst", arg, err);
}

static int opt_addr(void *o, const char *arg, struct error *err)
{
	return filter_addr(&((struct trace_options *)o)->filter.either, "--addr", arg, err);
}

static int opt_sport(void *o, const char *arg, struct error *err)
{
	return filter_ports(&((struct trace_options *)o)->filter.sport, "--sport", arg, err);
}

static int opt_dport(void *o, const char *arg, struct error *err)
{
	return filter_ports(&((struct trace_options *)o)->filter.dport, "--dport", arg, err);
}

static int opt_port(void *o, const char *arg, struct error *err)
{
	return filter_ports(&((struct trace_options *)o)->filter.port, "--port", arg, err);
}

static int opt_proto(void *o, const char *arg, struct error *err)
{
	return filter_proto(&((struct trace_options *)o)->filter, arg, err);
}

static int opt_iif(void *o, const char *arg, struct error *err)
{
	return filter_ifname(((struct trace_options *)o)->filter.iif, "--iif", arg, err);
}

static int opt_oif(void *o, const char *arg, struct error *err)
{
	return filter_ifname(((struct trace_options *)o)->filter.oif, "--oif", arg, err);
}

static int opt_mark(void *o, const char *arg, struct error *err)
{
	return filter_mark(&((struct trace_options *)o)->filter, arg, err);
}

static int opt_tcp_flags(void *o, const char *arg, struct error *err)
{
	return filter_tcp_flags(&((struct trace_options *)o)->filter, arg, err);
}

static const struct opt_row rows[] = {
	OPT_CALL("src", 's', "ADDR[/LEN]", "Filter", "source address or network", opt_src),
	OPT_CALL("dst", 'd', "ADDR[/LEN]", "Filter", "destination address or network", opt_dst),
	OPT_CALL("addr", 0, "ADDR[/LEN]", "Filter", "either of them", opt_addr),
	OPT_CALL("sport", 'S', "PORT[-PORT]", "Filter", "source port or range", opt_sport),
	OPT_CALL("dport", 'D', "PORT[-PORT]", "Filter", "destination port or range", opt_dport),
	OPT_CALL("port", 'P', "PORT[-PORT]", "Filter", "either of them", opt_port),
	OPT_CALL("proto", 'p', "PROTO", "Filter", "tcp, udp, icmp, icmp6, … or a number",
		 opt_proto),
	OPT_CALL("iif", 'i', "DEV", "Filter", "device by which it arrives", opt_iif),
	OPT_CALL("oif", 'o', "DEV", "Filter", "device by which it leaves", opt_oif),
	OPT_CALL("mark", 0, "V[/MASK]", "Filter", "packet mark where it is first seen", opt_mark),
	OPT_CALL("tcp-flags", 0, "FLAGS", "Filter",
		 "TCP flags that are set, or with ! not: syn,!ack", opt_tcp_flags),
	OPT_FLAG("conn", 0, "Filter", "the replies too", struct trace_options, filter.conn),
	OPT_LIST("netns", 0, "NS", "Filter",
		 "network namespace: NAME, PID, PATH, self or all; may be repeated",
		 struct trace_options, netns),
	OPT_UINT("count", 'n', "N", "Output", "stop after N packets", struct trace_options, count,
		 1, UINT32_MAX),
	OPT_SECONDS("timeout", 0, "SEC", "Output", "stop after SEC seconds", struct trace_options,
		    timeout_ns),
	OPT_FLAG("drop-only", 0, "Output", "show dropped packets only", struct trace_options,
		 drop_only),
	OPT_FLAG("json", 0, "Output", "one JSON object a packet and line", struct trace_options,
		 json),
	OPT_CHOICE("color", 0, "Output", "colour; auto: on a terminal, unless NO_COLOR is set",
		   struct trace_options, color, color_choices),
	OPT_FLAG("verbose", 'v', "Output", "full rule texts, ends of chains, header details",
		 struct trace_options, verbose),
	OPT_CHOICE("engine", 0, "Engine", "how the kernel is observed; auto takes what works here",
		   struct trace_options, engine, engine_choices),
	OPT_END,
};

static const struct opt_command command = {
	.name = "trace",
	.usage = "[FILTER] [OPTIONS] [-- COMMAND ARG…]",
	.summary = "The path of each packet: every rule it hit, NAT, the routing decision, the "
		   "verdict, and why.",
	.rows = rows,
	.notes = "A filter matches a packet where it is first seen; it is then followed whatever "
		 "NAT makes of it.\n"
		 "With a COMMAND, only packets of its sockets are traced; its output goes to "
		 "standard error.\n"
		 "Ctrl-C ends the trace.\n",
	.takes_command = true,
};

struct trace {
	const struct trace_options *opt;
	const struct render_ops *render;
	struct render out;
	struct summary *summary;
	bool stop;  /* enough packets, or nobody reads them any more */
	int failed; /* negative errno of writing */
};

/* So much is written at once, at most: about a hundred packets. */
enum { BATCH = 64 * 1024 };

static void failed(struct trace *t, int rc)
{
	t->failed = rc == -EPIPE ? 0 : rc;
	t->stop = true;
}

static void flush(struct trace *t)
{
	int rc = render_flush(&t->out);

	if (rc)
		failed(t, rc);
}

static void on_path(void *ctx, const struct path *p)
{
	struct trace *t = ctx;
	bool print = !t->stop && (!t->opt->drop_only || p->verdict == PATH_DROPPED);

	if (t->stop)
		return;
	if (print) {
		int rc = t->render->path(&t->out, p);

		if (rc)
			failed(t, rc);
		else if (t->out.ready.len >= BATCH)
			flush(t);
	}
	summary_add(t->summary, p, print);
	if (t->opt->count && summary_printed(t->summary) >= t->opt->count)
		t->stop = true;
}

/* The packets that it hands out are written together. */
static int step(struct trace *t, struct session *s, bool all, struct error *err)
{
	int rc = session_step(s, all, err);

	flush(t);
	return rc;
}

static void on_warning(void *ctx, const char *sentence)
{
	say(sentence);
}

/* Signals that end us, and the end of the command, as something to poll. */
static int open_signals(struct error *err)
{
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGCHLD);
	if (signal(SIGHUP, SIG_IGN) != SIG_IGN) {
		signal(SIGHUP, SIG_DFL);
		sigaddset(&set, SIGHUP);
		/*
		 * Killed shells and sudos leave no tracer behind. Who ignores SIGHUP (nohup) wants
		 * us to live on. SIGTERM from a parent that is gone already would not come: then we
		 * are somebody else's child.
		 */
		prctl(PR_SET_PDEATHSIG, SIGTERM);
	}
	signal(SIGPIPE, SIG_IGN);
	signal(SIGCHLD, SIG_DFL); /* inherited as ignored, no command could be waited for */
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0)
		return fail(err, -errno, "cannot watch for signals: %s", strerror(errno));
	sigprocmask(SIG_BLOCK, &set, NULL);
	return fd;
}

/* IDLE_MS: rules that change while nothing happens are looked at now and then. */
enum { TICK_MS = 20, IDLE_MS = 1000, COMMAND_GRACE_MS = 400, CATCH_UP_MS = 10000 };

/* What arrives meanwhile is handled in one go: a packet's trace messages come one by one, and each
 * round asks for the generation of the rules. */
static const struct timespec gather = {.tv_nsec = 2 * 1000 * 1000};

struct end {
	int signals; /* signalfd */
	pid_t child; /* 0: none */
	bool child_ended;
	uint64_t at_ns; /* deadline; 0: none */
	bool signalled;
	bool unread; /* nobody reads the results any more */
};

static void on_signals(struct end *e)
{
	struct signalfd_siginfo si;

	while (read(e->signals, &si, sizeof(si)) == sizeof(si)) {
		if (si.ssi_signo != SIGCHLD)
			e->signalled = true;
		else if (e->child && waitpid(e->child, NULL, WNOHANG) == e->child) {
			uint64_t grace = clock_ns() + (uint64_t)COMMAND_GRACE_MS * 1000000;

			e->child_ended = true;
			e->at_ns = !e->at_ns || grace < e->at_ns ? grace : e->at_ns;
		}
	}
}

static int patience(const struct session *s, const struct end *e)
{
	uint64_t now = clock_ns();

	if (session_behind(s))
		return 0;
	if (!session_idle(s))
		return TICK_MS;
	if (!e->at_ns || e->at_ns > now + IDLE_MS * 1000000ULL)
		return IDLE_MS;
	return e->at_ns <= now ? 0 : (int)((e->at_ns - now) / 1000000) + 1;
}

/* One wait. Sets e->signalled when we were told to end. */
static int wait_for(struct session *s, struct end *e)
{
	enum { OWN_FDS = 2 };
	struct pollfd fds[SESSION_FDS_MAX + OWN_FDS];
	unsigned int n = session_fds(s, fds, SESSION_FDS_MAX);

	fds[n] = (struct pollfd){.fd = e->signals, .events = POLLIN};
	/* For POLLERR, that of a pipe without readers: `| head -1` is not to wait for a packet. */
	fds[n + 1] = (struct pollfd){.fd = STDOUT_FILENO};
	if (poll(fds, n + OWN_FDS, patience(s, e)) < 0)
		return errno == EINTR ? 0 : -errno;
	e->unread = fds[n + 1].revents & POLLERR;
	for (unsigned int i = 0; i < n; i++) {
		if (fds[i].revents && !session_behind(s)) {
			nanosleep(&gather, NULL);
			break;
		}
	}
	on_signals(e);
	return 0;
}

/* What the kernel said before the end may still wait in a backlog. */
static int catch_up(struct trace *t, struct session *s, struct error *err)
{
	uint64_t end = clock_ns(), limit = end + CATCH_UP_MS * 1000000ULL;
	int rc = 0;

	while (!rc && !t->stop && session_synced(s) < end) {
		nanosleep(&gather, NULL);
		rc = step(t, s, false, err);
		if (clock_ns() > limit) {
			on_warning(t, "ended before all trace messages were read: the last paths "
				      "may lack steps");
			break;
		}
	}
	return rc;
}

static int run(struct trace *t, struct session *s, struct end *e, struct error *err)
{
	int rc = 0;

	while (!rc && !t->stop && !e->signalled && !(e->at_ns && clock_ns() >= e->at_ns)) {
		rc = wait_for(s, e);
		if (rc)
			return fail(err, rc, "cannot wait for trace messages: %s", strerror(-rc));
		t->stop |= e->unread;
		rc = step(t, s, false, err);
	}
	if (!rc && !t->stop)
		rc = catch_up(t, s, err);
	/* What is still in flight is shown as far as it came. */
	if (!rc && !t->stop)
		rc = step(t, s, true, err);
	return rc;
}

static int finish(const struct trace *t, struct session *s, const struct end *e)
{
	const struct tracker_stats *stats = session_stats(s);

	summary_print(t->summary, stderr, stats->lost, stats->stray, session_rules_changes(s));
	if (t->failed) {
		struct error err;

		fail(&err, 0, "cannot write the results: %s", strerror(-t->failed));
		return complain(EXIT_FAILED, &err);
	}
	if (stats->lost) {
		fprintf(stderr, "nfpath: events were lost: paths that were in flight then say so; "
				"narrow the filter\n");
		return EXIT_LOST;
	}
	if (!summary_printed(t->summary) && !e->signalled && !t->stop) {
		fprintf(stderr, "nfpath: no packet matched before the %s\n",
			e->child_ended ? "command ended" : "time was over");
		return EXIT_NOTHING;
	}
	return EXIT_OK;
}

static void say_ready(const struct session_config *c, const struct error *why)
{
	fprintf(stderr, "nfpath: ready; engine %s (%s), %u network namespace%s\n", c->engine->name,
		why->text, c->netns->n, c->netns->n == 1 ? "" : "s");
	fflush(stderr);
}

/* From an open session to the exit code. */
static int traced(struct trace *t, const struct session_config *c, struct session *s, struct end *e,
		  char **argv, const struct cgroup *cgroup, const struct error *why)
{
	const struct trace_options *o = t->opt;
	struct error err = {0};
	int rc;

	say_ready(c, why);
	if (argv) {
		e->child = child_start(argv, cgroup,
				       o->netns.n == 1 && c->netns->n == 1 ? &c->netns->v[0] : NULL,
				       &err);
		if (e->child < 0)
			return complain(exit_status(e->child), &err);
	}
	if (o->timeout_ns)
		e->at_ns = clock_ns() + o->timeout_ns;
	rc = run(t, s, e, &err);
	if (e->child && !e->child_ended)
		child_end(e->child);
	return rc ? complain(EXIT_FAILED, &err) : finish(t, s, e);
}

enum { RCVBUF_MAX = 1 << 30 };

/*
 * NFPATH_RAW_TP is a test's knob: "off" as on hosts that refuse raw tracepoints, "drops" as where
 * they do not tell when a message is queued.
 */
static int raw_tp_from_env(enum raw_tp_use *use, struct error *err)
{
	static const char *const words[] = {
		[RAW_TP_ALL] = "all", [RAW_TP_DROPS] = "drops", [RAW_TP_OFF] = "off"};
	const char *s = getenv("NFPATH_RAW_TP");

	*use = RAW_TP_ALL;
	if (!s)
		return 0;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (!strcmp(s, words[i])) {
			*use = i;
			return 0;
		}
	}
	return fail(err, -EINVAL, "NFPATH_RAW_TP: '%s' is none of all, drops, off", s);
}

/* The receive buffer of each trace socket, bytes; 0: not set. */
static int rcvbuf_from_env(size_t *size, struct error *err)
{
	const char *s = getenv("NFPATH_RCVBUF");
	char *end;
	unsigned long v;

	*size = 0;
	if (!s)
		return 0;
	v = strtoul(s, &end, 10);
	if (*s < '0' || *s > '9' || *end || !v || v > RCVBUF_MAX)
		return fail(err, -EINVAL,
			    "NFPATH_RCVBUF: '%s' is no size of a receive buffer; give bytes from 1 "
			    "to %d",
			    s, RCVBUF_MAX);
	*size = v;
	return 0;
}

/* Which namespaces there are to be looked into. */
struct where {
	struct netns_set asked; /* --netns; without it our own */
	struct netns_set all;	/* engine bpf: each, since packets go from one to another */
};

static const struct engine_ops *choose(const struct trace_options *o, bool has_command,
				       struct error *why, struct error *err)
{
	const struct engine_wish wish = {.command = has_command};

	return engine_choose(engine_choices[o->engine], &wish, why, err);
}

/* The bpf engine sees every namespace at no extra cost: unless some are asked for, packets may
 * begin anywhere. */
static int look_everywhere(struct session_config *c, struct where *where, bool asked,
			   struct error *err)
{
	int rc;

	if (c->engine != &engine_bpf)
		return 0;
	rc = netns_add(&where->all, "all", err);
	if (!rc && *err->text)
		say(err->text);
	*err = (struct error){0};
	c->begin = asked ? c->netns : NULL;
	/* One that is asked for by a path need not be among those of processes and names. */
	for (unsigned int i = 0; !rc && asked && i < where->asked.n; i++)
		rc = netns_add_copy(&where->all, &where->asked.v[i], err);
	c->netns = &where->all;
	return rc;
}

static int start(struct trace *t, struct where *where, char **argv)
{
	const struct trace_options *o = t->opt;
	struct error err = {0}, why = {0};
	struct session_config config = {
		.engine = choose(o, argv != NULL, &why, &err),
		.filter = &o->filter,
		.netns = &where->asked,
		.rcvbuf = o->rcvbuf,
		.raw_tp = o->raw_tp,
		.path = on_path,
		.warn = on_warning,
		.ctx = t,
	};
	struct cgroup *cgroup = NULL;
	struct session *s = NULL;
	struct end end = {.signals = -1};
	int rc, status = EXIT_FAILED;

	if (!config.engine)
		return complain(EXIT_REFUSED, &err);
	rc = look_everywhere(&config, where, o->netns.n > 0, &err);
	if (rc)
		return complain(exit_status(rc), &err);
	end.signals = open_signals(&err);
	if (end.signals < 0)
		return complain(EXIT_FAILED, &err);
	if (argv) {
		cgroup = cgroup_open(&err);
		if (!cgroup) {
			status = complain(EXIT_REFUSED, &err);
			goto out;
		}
		config.cgroup = cgroup_name(cgroup);
	}
	s = session_open(&config, &rc, &err);
	if (s)
		status = traced(t, &config, s, &end, argv, cgroup, &why);
	else /* by now the command line is not to blame any more */
		status = complain(exit_status(rc) == EXIT_REFUSED ? EXIT_REFUSED : EXIT_FAILED,
				  &err);
	session_close(s);
out:
	cgroup_close(cgroup);
	close(end.signals);
	return status;
}

static int trace_main(int argc, char **argv)
{
	struct trace_options o = {0};
	struct where where = {0};
	struct trace t = {.opt = &o};
	struct opt_rest rest;
	struct error err = {0};
	int rc = opt_parse(&command, argc, argv, &o, &rest, &err), status;

	if (rc == 1) {
		opt_help(&command, stdout);
		status = EXIT_OK;
		goto out;
	}
	if (!rc)
		rc = filter_check(&o.filter, &err);
	if (!rc)
		rc = rcvbuf_from_env(&o.rcvbuf, &err);
	if (!rc)
		rc = raw_tp_from_env(&o.raw_tp, &err);
	if (!rc)
		rc = cmd_netns(&where.asked, &o.netns, &err);
	if (rc) {
		status = complain(exit_status(rc), &err);
		goto out;
	}
	t.render = render_find(o.json ? "json" : "text");
	t.out = (struct render){.out = stdout,
				.color = !o.json && cmd_color(o.color),
				.verbose = o.verbose};
	t.summary = summary_new();
	status = t.summary ? start(&t, &where, rest.command) : EXIT_FAILED;
	summary_free(t.summary);
	render_free(&t.out);
out:
	netns_set_free(&where.asked);
	netns_set_free(&where.all);
	opt_list_free(&o.netns);
	return status;
}

const struct cmd cmd_trace = {
	.name = "trace",
	.summary = "the path of each packet: every rule hit, NAT, route, verdict, and why",
	.run = trace_main,
};
