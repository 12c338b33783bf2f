// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The netlink engine: an nft table of our own in each namespace sets the trace bit on the packets
 * that the filter selects, and one socket a namespace hears what nf_tables and ip_tables then say
 * about them. Raw tracepoints beside it, where they are allowed, add drops, route lookups and the
 * true order.
 */
#include <errno.h>
#include <linux/netfilter.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "netfilter/nf_log.h"
#include "src/capable.h"
#include "src/clock.h"
#include "src/engine.h"
#include "src/legacy_lines.h"
#include "src/filter_bpf.h"
#include "src/nl_events.h"
#include "src/observers.h"
#include "src/overdue.h"
#include "src/raw_events.h"
#include "src/records.h"

/* 40,000 packets without loss were measured with this; the kernel counts twice what is asked for.
 */
enum { DEFAULT_RCVBUF = 32 << 20, CPUS_MAX = 4096 };

/* A datagram whose record did not come by then goes without. */
static const uint64_t record_wait_ns = 20 * 1000 * 1000;

struct place {
	struct channel channel;
	struct overdue overdue;
	struct nl_source source;
	struct own_table *table;
	struct observers *observers;
	struct legacy_lines legacy;
	int raw_index; /* of the socket in raw_tp; -1: none */
};

struct engine {
	const struct engine_config *config;
	struct raw_tp *raw;
	struct kernel_names *names;
	struct place *places;	  /* one a view */
	int16_t cpu_ns[CPUS_MAX]; /* the view that each CPU was last busy in */
	uint64_t record_ns;	  /* of the last record of raw */
	uint64_t raw_read_ns;	  /* all its records from before this have been read */
	uint64_t raw_lost;	  /* records of raw that are known to be missing */
	bool orders;		  /* the records say when each datagram was queued (Linux 6.3) */
	struct records records;	  /* read, not told on */
	int records_rc;		  /* why one could not be kept */
	bool unpaired;		  /* which datagram a record belongs to is not known any more */
	char blind[640];
	void (*sink)(void *ctx, const struct event *ev);
	void *sink_ctx;
};

/* Those of the start: this engine asks for no more. */
static unsigned int n_views(const struct engine *e)
{
	return *e->config->n_views;
}

static void warn(const struct engine *e, const char *sentence)
{
	if (e->config->warn)
		e->config->warn(e->config->warn_ctx, sentence);
}

/* --- tables of our own --- */

/* Without the owner flag (before Linux 5.12) a killed nfpath leaves its table: its name says whose
 * it was. */
static void remove_stale(struct place *p)
{
	const struct ruleset *rs = rules_now(p->source.view->rules);

	for (size_t i = 0; i < rs->n_tables; i++) {
		const struct rs_table *t = rs->tables[i];
		int pid = t->ours ? atoi(t->name + strlen("nfpath_")) : 0;

		if (pid > 0 && kill(pid, 0) && errno == ESRCH)
			own_table_remove_stale(p->table, t->family, t->name);
	}
}

static int observe(struct place *p, unsigned int *moved, struct error *err)
{
	const struct view *v = p->source.view;
	struct rules *rules = v->rules;
	const struct ruleset *rs = rules_now(rules);
	const struct hook_list *hooks =
		observers_want_replies(p->observers) ? hook_view_list(v->hooks, rs, true) : NULL;
	int rc = observers_add(p->observers, p->table, rs, hooks, moved, err);

	if (rc > 0)
		rules_expect_own(rules, rc);
	return rc < 0 ? rc : 0;
}

static int place_open(struct engine *e, struct place *p, unsigned int i, struct error *err)
{
	const struct engine_config *c = e->config;
	const struct netns *ns = c->views[i].ns;
	unsigned int moved;
	int rc;

	p->source = (struct nl_source){.ns = i, .view = &c->views[i]};
	p->legacy =
		(struct legacy_lines){.config = c, .view = &c->views[i], .channel = &p->channel};
	p->raw_index = -1;
	rc = channel_open(&p->channel, ns->fd, c->rcvbuf ? c->rcvbuf : DEFAULT_RCVBUF, err);
	if (rc)
		return rc;
	/* From its first datagram on: they are paired by counting. */
	if (e->raw)
		p->raw_index = raw_tp_add_socket(e->raw, p->channel.fd);
	rc = channel_join_trace(&p->channel, err);
	if (rc)
		return rc;
	p->table = own_table_open(ns->fd, err);
	p->observers = observers_open(c->filter, c->cgroup);
	if (!p->table)
		return err->rc;
	if (!p->observers)
		return fail(err, -ENOMEM, "out of memory");
	p->source.own_table = own_table_name(p->table);
	remove_stale(p);
	legacy_lines_want(&p->legacy);
	return observe(p, &moved, err);
}

static void place_close(struct engine *e, struct place *p)
{
	own_table_close(p->table);
	observers_close(p->observers);
	if (!p->channel.buffers)
		return;
	legacy_lines_give_back(&p->legacy);
	if (e->raw && p->raw_index >= 0)
		raw_tp_remove_socket(e->raw, p->channel.fd);
	channel_close(&p->channel);
}

/* --- the engine --- */

static int netlink_probe(struct error *why)
{
	return capable_of_tracing(why);
}

/* With the drops of packets that are not traced, where they are wanted. */
static int open_tracepoints(struct engine *e, struct error *why)
{
	const struct engine_config *c = e->config;
	struct raw_tp_wants wants = {.lose_one_of = c->lose_one_of,
				     .stacks = c->stacks,
				     .all = c->all_drops,
				     .n_netns = n_views(e)};
	uint32_t *netns;
	int rc;

	netns = calloc(wants.n_netns, sizeof(*netns));
	if (!netns)
		return fail(why, -ENOMEM, "out of memory");
	for (unsigned int i = 0; i < wants.n_netns; i++)
		netns[i] = c->views[i].ns->inum;
	wants.netns = netns;
	wants.has_filter = filter_bpf(&wants.filter, c->filter);
	rc = raw_tp_open(&e->raw, &wants, why);
	free(netns);
	return rc;
}

static void open_raw(struct engine *e)
{
	enum raw_tp_use use = e->config->raw_tp;
	struct error why = {0};

	if (use != RAW_TP_OFF) {
		if (!open_tracepoints(e, &why)) {
			kernel_names_stacks(e->names, raw_tp_stacks(e->raw));
			e->orders =
				raw_tp_parts(e->raw)[NFP_MESSAGE].available && use == RAW_TP_ALL;
			raw_tp_gate(e->raw, true);
			if (!e->orders)
				snprintf(e->blind, sizeof(e->blind),
					 "route lookups and rp_filter decisions, which take "
					 "the raw tracepoint sk_data_ready (Linux 6.3) "
					 "or fentry");
			return;
		}
		e->raw = NULL;
	} else {
		fail(&why, 0, "NFPATH_RAW_TP is off");
	}
	snprintf(e->blind, sizeof(e->blind),
		 "drop reasons, route lookups and rp_filter decisions, since raw tracepoints are "
		 "not available: %s",
		 why.text);
}

static void netlink_close(struct engine *e)
{
	if (!e)
		return;
	for (unsigned int i = 0; e->places && i < n_views(e); i++)
		place_close(e, &e->places[i]);
	records_free(&e->records);
	raw_tp_close(e->raw);
	kernel_names_free(e->names);
	free(e->places);
	free(e);
}

static struct engine *netlink_open(const struct engine_config *config, struct error *err)
{
	struct engine *e = calloc(1, sizeof(*e));

	if (!e || !(e->places = calloc(*config->n_views, sizeof(*e->places)))) {
		free(e);
		fail(err, -ENOMEM, "out of memory");
		return NULL;
	}
	e->config = config;
	memset(e->cpu_ns, 0xff, sizeof(e->cpu_ns));
	for (unsigned int i = 0; i < *config->n_views; i++)
		e->places[i].channel.fd = -1;
	nf_log_repair();
	e->names = kernel_names_open();
	if (e->names)
		open_raw(e);
	for (unsigned int i = 0; i < *config->n_views; i++) {
		if (place_open(e, &e->places[i], i, err)) {
			netlink_close(e);
			return NULL;
		}
	}
	/* By now nf_tables is there. */
	for (unsigned int i = 0, says = nl_says_ct(); i < *config->n_views; i++)
		e->places[i].source.says_ct = says;
	return e;
}

static unsigned int netlink_fds(const struct engine *e, struct pollfd *fds, unsigned int max)
{
	unsigned int n = 0;

	if (e->raw && n < max)
		fds[n++] = (struct pollfd){.fd = raw_tp_fd(e->raw), .events = POLLIN};
	for (unsigned int i = 0; i < n_views(e) && n < max; i++)
		fds[n++] = (struct pollfd){.fd = e->places[i].channel.fd, .events = POLLIN};
	return n;
}

static void deliver(struct engine *e, struct place *p, struct datagram *d, int cpu, uint64_t at_ns)
{
	if (cpu >= 0 && cpu < CPUS_MAX)
		e->cpu_ns[cpu] = (int16_t)p->source.ns;
	nl_events(&p->source, d, cpu, at_ns, e->sink, e->sink_ctx);
	free(d);
}

/* Without its record, which may still come. */
static void deliver_early(struct engine *e, struct place *p, struct datagram *d)
{
	overdue_add(&p->overdue, d->type, d->number, d->before_ns);
	deliver(e, p, d, -1, 0);
}

static void on_message(struct engine *e, const struct nfp_message *m)
{
	struct place *p = NULL;
	struct datagram *d, *before;
	bool gone = m->flags & (NFP_MSG_GONE | NFP_MSG_UNSURE);

	for (unsigned int i = 0; !p && i < n_views(e); i++)
		if (e->places[i].raw_index == (int)m->socket)
			p = &e->places[i];
	if (!p)
		return;
	overdue_forget(&p->overdue, m->ev.ktime);
	if (overdue_take(&p->overdue, m->nlmsg_type, m->number, gone))
		return;
	d = channel_take(&p->channel, m->nlmsg_type, m->number, gone);
	if (!d && !channel_read(&p->channel))
		d = channel_take(&p->channel, m->nlmsg_type, m->number, gone);
	if (!d) {
		overdue_useless(&p->overdue, m->ev.ktime);
		return;
	}
	/* Lines of a group are queued and told one at a time, nfulnl_log_packet() holds a lock: the
	 * record of one that stands before this one will not come. */
	while (d->type == LOG_LINE && (before = channel_take_line_before(&p->channel, d->number)))
		deliver_early(e, p, before);
	gone |= d->len < m->nlmsg_len;
	deliver(e, p, d, gone ? -1 : (int)m->ev.cpu, gone ? 0 : m->ev.ktime);
}

static void deliver_record(struct engine *e, const struct nfp_event *rec)
{
	struct packet packet;
	struct event ev;
	char text[256];

	if (raw_event(rec, e->config->views, n_views(e),
		      rec->cpu < CPUS_MAX ? e->cpu_ns[rec->cpu] : -1, &ev, &packet, e->names, text,
		      sizeof(text)))
		e->sink(e->sink_ctx, &ev);
}

/* Those that order messages are of no use, and not there, where e->orders is not set. */
static void keep_record(const struct nfp_event *rec, void *arg)
{
	struct engine *e = arg;

	e->record_ns = rec->ktime;
	if (!e->records_rc && (e->orders || rec->type != NFP_MESSAGE))
		e->records_rc = records_add(&e->records, rec);
}

/* Up to when everything that was queued has been read. */
static uint64_t datagrams_read_ns(const struct engine *e)
{
	uint64_t read = UINT64_MAX;

	for (unsigned int i = 0; i < n_views(e); i++) {
		uint64_t t = e->places[i].channel.empty_from_ns;

		read = t < read ? t : read;
	}
	return read;
}

static void deliver_records(struct engine *e)
{
	/* Where they order nothing: a round reads a bounded number of datagrams, and a record waits
	 * until those before it are read. */
	uint64_t read = e->orders ? UINT64_MAX : datagrams_read_ns(e);
	const struct nfp_event *rec;

	while ((rec = records_first(&e->records)) && rec->ktime < read) {
		if (rec->type == NFP_MESSAGE)
			on_message(e, (const void *)rec);
		else
			deliver_record(e, rec);
		records_drop_first(&e->records);
	}
}

/*
 * Datagrams whose records are late or lost; all of them where there are no records. Late is counted
 * by the records that we have read: behind a backlog they come late by our clock.
 */
static void deliver_unpaired(struct engine *e, struct place *p, bool all)
{
	struct datagram *d;

	while ((d = STAILQ_FIRST(&p->channel.queue))) {
		if (!all && d->before_ns + record_wait_ns > e->raw_read_ns)
			break;
		channel_take(&p->channel, 0, 0, true);
		if (all)
			deliver(e, p, d, -1, 0);
		else
			deliver_early(e, p, d);
	}
}

/* May rules follow the last hook of IP: at egress of a device, in a bridge? */
static bool rules_after_post(const struct place *p)
{
	const struct ruleset *rs = rules_now(p->source.view->rules);

	for (size_t i = 0; i < rs->n_tables; i++)
		if (!rs->tables[i]->ours && (rs->tables[i]->family == NFPROTO_NETDEV ||
					     rs->tables[i]->family == NFPROTO_BRIDGE))
			return true;
	return false;
}

static void say_lost(struct engine *e, struct place *p)
{
	uint32_t lost = channel_lost(&p->channel);
	struct event ev = {.type = EVENT_LOST,
			   .ns = p->source.ns,
			   .cpu = -1,
			   .after_ns = p->channel.drained_ns,
			   .before_ns = clock_ns(),
			   .lost.count = lost ? lost : 1,
			   .lost.after_post = rules_after_post(p)};

	p->channel.overrun = false;
	/* Their records are still to come, and must not be taken for those of later ones. */
	if (p->raw_index >= 0 && !STAILQ_EMPTY(&p->channel.queue))
		e->unpaired = true;
	deliver_unpaired(e, p, true);
	e->sink(e->sink_ctx, &ev);
}

/* 1: more records are waiting; 0: none; or a negative errno. */
static int read_records(struct engine *e)
{
	uint64_t start = clock_ns();
	int n = raw_tp_poll(e->raw, keep_record, e);
	bool more = n == RAW_TP_POLL_MAX;

	if (n < 0 || e->records_rc)
		return n < 0 ? n : e->records_rc;
	/* Records of several CPUs stand in the order of their room in the buffer; those that
	 * take it now are hardly older than this one. */
	e->raw_read_ns = more ? e->record_ns : start;
	return more;
}

/* Records that stand between messages say nothing without them. */
static void forget_ordering(struct engine *e)
{
	if (e->orders)
		records_forget(&e->records);
}

/*
 * Records found the ring buffer full, or a program was interrupted by itself. Which ones is not
 * known: of all that were read meanwhile none is paired with a datagram, for it may be another's,
 * or come before one whose own is missing. Datagrams go without, in their order, until there is
 * nothing of either that waits, and every path until then says so.
 */
static void say_records_lost(struct engine *e)
{
	uint64_t lost = raw_tp_lost(e->raw, NULL), fresh = lost - e->raw_lost;
	bool quiet;

	if (!fresh && !e->unpaired)
		return;
	e->raw_lost = lost;
	for (unsigned int i = 0; i < n_views(e); i++) {
		struct place *p = &e->places[i];
		/* Counted once, not once a namespace. */
		struct event ev = {.type = EVENT_LOST,
				   .ns = p->source.ns,
				   .cpu = -1,
				   .before_ns = clock_ns(),
				   .lost.count = i ? 0 : fresh,
				   .lost.after_post = rules_after_post(p)};

		deliver_unpaired(e, p, true);
		p->overdue = (struct overdue){0};
		e->sink(e->sink_ctx, &ev);
	}
	forget_ordering(e);
	quiet = read_records(e) == 0 && !(e->orders && records_first(&e->records));
	forget_ordering(e);
	for (unsigned int i = 0; i < n_views(e); i++) {
		struct channel *c = &e->places[i].channel;

		quiet &= !channel_read(c) && STAILQ_EMPTY(&c->queue) && !c->overrun;
	}
	e->unpaired = !quiet;
}

static int netlink_read(struct engine *e, void (*sink)(void *ctx, const struct event *ev),
			void *ctx, struct error *err)
{
	int rc = 0;

	e->sink = sink;
	e->sink_ctx = ctx;
	/* Taken before the datagrams are read, a record tells of nothing that these do not lead up
	 * to. */
	if (e->raw && !e->orders)
		rc = read_records(e);
	rc = rc > 0 ? 0 : rc;
	for (unsigned int i = 0; !rc && i < n_views(e); i++) {
		nl_begin(&e->places[i].source);
		rc = channel_read(&e->places[i].channel);
	}
	if (!rc && e->raw && e->orders) {
		rc = read_records(e);
		rc = rc > 0 ? 0 : rc;
	}
	if (!rc && e->raw)
		say_records_lost(e);
	if (!rc && e->orders)
		deliver_records(e);
	for (unsigned int i = 0; !rc && i < n_views(e); i++) {
		struct place *p = &e->places[i];

		deliver_unpaired(e, p, !e->orders || p->raw_index < 0);
		if (p->channel.overrun && p->channel.empty_from_ns >= p->channel.overrun_ns)
			say_lost(e, p);
	}
	if (!e->orders)
		deliver_records(e);
	if (rc)
		return fail(err, rc, "cannot read trace messages: %s", strerror(-rc));
	return 0;
}

/* Up to when has all been delivered that was queued for this place? */
static uint64_t place_synced(const struct engine *e, const struct place *p)
{
	const struct datagram *d = STAILQ_FIRST(&p->channel.queue);
	const struct channel *c = &p->channel;

	/* The records know. What is behind the gap of an overrun is not known before the socket has
	 * been empty, which does not take long: until then the kernel adds nothing to it
	 * (NETLINK_S_CONGESTED). */
	if (p->raw_index >= 0 && !e->unpaired && !c->overrun)
		return UINT64_MAX;
	return d && d->after_ns < c->empty_from_ns ? d->after_ns : c->empty_from_ns;
}

static uint64_t netlink_synced(const struct engine *e)
{
	uint64_t synced = e->orders ? e->raw_read_ns : UINT64_MAX;

	for (unsigned int i = 0; i < n_views(e); i++) {
		uint64_t t = place_synced(e, &e->places[i]);

		synced = t < synced ? t : synced;
	}
	return synced;
}

/* Records come later than their datagrams, and some of them never: it has to look. And what it left
 * keeps a descriptor readable. */
static bool netlink_idle(const struct engine *e)
{
	return false;
}

static void netlink_rules_changed(struct engine *e, unsigned int view)
{
	struct error err = {0};
	unsigned int moved;

	legacy_lines_want(&e->places[view].legacy);
	if (observe(&e->places[view], &moved, &err)) {
		warn(e, err.text);
	} else if (moved) {
		fail(&err, 0,
		     "in network namespace %s, chains were put before those of nfpath, which moved "
		     "before them now: what they dropped meanwhile was not seen",
		     e->config->views[view].ns->name);
		warn(e, err.text);
	}
}

static const char *netlink_missing(const struct engine *e, unsigned int view,
				   const struct rules_answer *rules, uint64_t after_ns)
{
	const char *missing = e->places[view].legacy.missing;

	return *missing ? missing : NULL;
}

static const char *netlink_blind(const struct engine *e)
{
	return *e->blind ? e->blind : NULL;
}

const struct engine_ops engine_netlink = {
	.name = "netlink",
	.probe = netlink_probe,
	.open = netlink_open,
	.close = netlink_close,
	.fds = netlink_fds,
	.read = netlink_read,
	.synced = netlink_synced,
	.idle = netlink_idle,
	.behind = netlink_idle,
	.rules_changed = netlink_rules_changed,
	.missing = netlink_missing,
	.blind = netlink_blind,
};
