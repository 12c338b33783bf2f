// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/tracing.h"

#include <errno.h>
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
#include "src/summary.h"

struct tracing {
	const struct tracing_ops *ops;
	const struct tracing_options *opt;
	void *ctx; /* of ops */
	struct render out;
	struct summary *summary;
	bool stop;  /* enough packets, or nobody reads them any more */
	int failed; /* negative errno of writing */
};

/* So much is written at once, at most: about a hundred packets. */
enum { BATCH = 64 * 1024 };

static void failed(struct tracing *t, int rc)
{
	t->failed = rc == -EPIPE ? 0 : rc;
	t->stop = true;
}

static void flush(struct tracing *t)
{
	int rc = render_flush(&t->out);

	if (rc)
		failed(t, rc);
}

static void on_path(void *ctx, const struct path *p)
{
	struct tracing *t = ctx;
	int rc;

	if (t->stop)
		return;
	rc = t->ops->path(t->ctx, &t->out, p);
	if (rc < 0)
		failed(t, rc);
	else if (t->out.ready.len >= BATCH)
		flush(t);
	summary_add(t->summary, p, rc > 0);
	if (t->opt->count && summary_printed(t->summary) >= t->opt->count)
		t->stop = true;
}

/* The packets that it hands out are written together. */
static int step(struct tracing *t, struct session *s, bool all, struct error *err)
{
	int rc = session_step(s, all, err), said = 0;

	if (t->ops->tick)
		said = t->ops->tick(t->ctx, &t->out, false);
	if (said)
		failed(t, said);
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
static int catch_up(struct tracing *t, struct session *s, struct error *err)
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

static int run(struct tracing *t, struct session *s, struct end *e, struct error *err)
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

static int finish(struct tracing *t, struct session *s, const struct end *e)
{
	const struct tracker_stats *stats = session_stats(s);
	int rc = t->ops->tick ? t->ops->tick(t->ctx, &t->out, true) : 0;

	if (rc)
		failed(t, rc);
	flush(t);

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
		fprintf(stderr, "nfpath: no %s before the %s\n", t->ops->nothing,
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

/* Where the kernel does not say what it drops, nothing shown must not mean nothing dropped. */
static void say_blind(const struct tracing *t, const struct session *s)
{
	const char *blind = session_blind(s);
	struct error text;

	if (!t->ops->all_drops || !blind)
		return;
	fail(&text, 0, "not all drops may be seen, for this host does not show %.600s", blind);
	say(text.text);
}

/* From an open session to the exit code. */
static int traced(struct tracing *t, const struct session_config *c, struct session *s, struct end *e,
		  char **argv, const struct cgroup *cgroup, const struct error *why)
{
	const struct tracing_options *o = t->opt;
	const struct netns_set *asked = c->begin ? c->begin : c->netns;
	struct error err = {0};
	int rc;

	say_blind(t, s);
	say_ready(c, why);
	if (argv) {
		e->child = child_start(argv, cgroup,
				       o->netns.n == 1 && asked->n == 1 ? &asked->v[0] : NULL,
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

/* Which namespaces there are to be looked into. */
struct where {
	struct netns_set asked; /* --netns; without it our own */
	struct netns_set all;	/* engine bpf: each, since packets go from one to another */
};

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

static int start(struct tracing *t, struct where *where, char **argv)
{
	const struct tracing_options *o = t->opt;
	struct error err = {0}, why = {0};
	struct session_config config = {
		.engine = engine_choose(tracing_engine(o), &why, &err),
		.filter = &o->filter,
		.netns = &where->asked,
		.rcvbuf = o->rcvbuf,
		.raw_tp = o->raw_tp,
		.lose_one_of = o->lose_one_of,
		.stacks = o->stack,
		.all_drops = t->ops->all_drops,
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

/* From options that make sense to the exit code. */
static int output(struct tracing *t, struct where *where, char **argv)
{
	const struct tracing_options *o = t->opt;
	struct error err = {0};
	int rc, status;

	t->out = (struct render){.out = stdout,
				 .color = !o->json && cmd_color(o->color),
				 .verbose = o->verbose};
	rc = t->ops->open(&t->ctx, o, &err);
	if (rc)
		return complain(exit_status(rc), &err);
	t->summary = summary_new();
	status = t->summary ? start(t, where, argv) : EXIT_FAILED;
	summary_free(t->summary);
	t->ops->close(t->ctx);
	render_free(&t->out);
	return status;
}

int tracing_main(const struct tracing_ops *ops, int argc, char **argv)
{
	struct tracing_options o = {0};
	struct where where = {0};
	struct tracing t = {.ops = ops, .opt = &o};
	struct opt_rest rest;
	struct error err = {0};
	int rc = opt_parse(ops->options, argc, argv, &o, &rest, &err), status;

	if (rc == 1) {
		opt_help(ops->options, stdout);
		status = EXIT_OK;
		goto out;
	}
	if (!rc)
		rc = filter_check(&o.filter, &err);
	if (!rc)
		rc = tracing_from_env(&o, &err);
	if (!rc)
		rc = cmd_netns(&where.asked, &o.netns, &err);
	status = rc ? complain(exit_status(rc), &err) : output(&t, &where, rest.command);
out:
	netns_set_free(&where.asked);
	netns_set_free(&where.all);
	opt_list_free(&o.netns);
	return status;
}
