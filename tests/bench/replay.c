// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What nfpath does with the records of the bpf engine, without the kernel that makes them: for
 * callgrind, and to count instructions of user space alone.
 *
 *   replay record FILE PORT   writes the records of UDP packets to PORT until it is interrupted;
 *                             where the kernel allows fentry programs
 *   replay json|text FILE     the session and the renderer over these records, on standard output;
 *                             in a namespace with the ruleset of the recording, loaded anew
 *
 * The clock of a record is the time of its replay, its namespace the one in which this runs.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/bpf_events.h"
#include "src/clock.h"
#include "src/filter_bpf.h"
#include "src/programs.h"
#include "src/render.h"
#include "src/session.h"

/* Records of one round, and the pause after it: so that packets become quiet meanwhile. */
enum { BATCH = 65536, ROUND = 600, PAUSE_US = 1000, QUIET_US = 200000 };

static volatile sig_atomic_t ended;

static void on_signal(int sig)
{
	ended = 1;
}

static int complain(const struct error *err)
{
	fprintf(stderr, "replay: %s\n", err->text);
	return 1;
}

/* --- recording --- */

static void write_record(void *ctx, const struct nfp_event *ev, size_t size)
{
	uint64_t len = (size + 7) & ~7ul;
	static const char pad[8];

	fwrite(&len, sizeof(len), 1, ctx);
	fwrite(ev, 1, size, ctx);
	fwrite(pad, 1, len - size, ctx);
}

static int record(const char *file, const char *port)
{
	struct filter filter = {0};
	struct programs_config config = {0};
	struct programs *p = NULL;
	struct error err = {0};
	FILE *out = fopen(file, "we");
	uint64_t synced;
	int rc = -EIO;

	if (!out)
		fail(&err, -errno, "%s: %s", file, strerror(errno));
	else if (!filter_proto(&filter, "udp", &err) &&
		 !filter_ports(&filter.dport, "PORT", port, &err)) {
		config.has_filter = filter_bpf(&config.filter, &filter);
		rc = programs_open(&p, &config, &err);
	}
	if (!rc && programs_attach(p, (1u << PROGRAM_PARTS) - 1, ~0ull, &err) >= 0) {
		programs_gate(p, true);
		fprintf(stderr, "ready\n");
		while (!ended && programs_read(p, write_record, out, &synced) >= 0)
			usleep(PAUSE_US);
	}
	programs_close(p);
	return (out && fclose(out)) || *err.text ? complain(&err) : 0;
}

/* --- an engine that reads them again --- */

static struct {
	char *data;
	size_t len, at;
	uint32_t netns;
} file;

struct engine {
	struct kernel_names *names;
	struct bpf_events *events;
	uint64_t synced_ns;
};

static void replay_close(struct engine *e)
{
	bpf_events_close(e->events);
	kernel_names_free(e->names);
	free(e);
}

static struct engine *replay_open(const struct engine_config *config, struct error *err)
{
	struct engine *e = calloc(1, sizeof(*e));

	e->names = kernel_names_open();
	e->events = bpf_events_open(config, e->names);
	e->synced_ns = clock_ns();
	return e;
}

static unsigned int replay_fds(const struct engine *e, struct pollfd *fds, unsigned int max)
{
	return 0;
}

static int replay_read(struct engine *e, void (*sink)(void *ctx, const struct event *ev), void *ctx,
		       struct error *err)
{
	for (int i = 0; i < ROUND && file.at < file.len; i++) {
		uint64_t size;
		struct nfp_event *rec = (void *)(file.data + file.at + sizeof(size));

		memcpy(&size, file.data + file.at, sizeof(size));
		file.at += sizeof(size) + size;
		rec->ktime = e->synced_ns = clock_ns();
		rec->netns = rec->netns ? file.netns : 0;
		if (rec->type == NFP_VISIT)
			((struct nfp_visit *)rec)->began = rec->ktime;
		bpf_events_record(e->events, rec, size, sink, ctx);
	}
	if (file.at == file.len)
		e->synced_ns = clock_ns();
	return 0;
}

static uint64_t replay_synced(const struct engine *e)
{
	return e->synced_ns;
}

static bool replay_idle(const struct engine *e)
{
	return file.at == file.len;
}

static bool replay_behind(const struct engine *e)
{
	return file.at < file.len;
}

static void replay_rules_changed(struct engine *e, unsigned int view)
{
}

static const char *replay_missing(const struct engine *e, unsigned int view,
				  const struct rules_answer *rules, uint64_t after_ns)
{
	return NULL;
}

static const char *replay_blind(const struct engine *e)
{
	return NULL;
}

static const struct engine_ops engine_replay = {
	.name = "bpf",
	.open = replay_open,
	.close = replay_close,
	.fds = replay_fds,
	.read = replay_read,
	.synced = replay_synced,
	.idle = replay_idle,
	.behind = replay_behind,
	.rules_changed = replay_rules_changed,
	.missing = replay_missing,
	.blind = replay_blind,
};

/* --- replaying --- */

struct output {
	const struct render_ops *ops;
	struct render render;
	unsigned long n;
};

static void on_path(void *ctx, const struct path *p)
{
	struct output *o = ctx;

	o->ops->path(&o->render, p);
	if (o->render.ready.len > BATCH)
		render_flush(&o->render);
	o->n++;
}

static int read_file(const char *name)
{
	FILE *f = fopen(name, "re");
	struct stat st;

	if (!f || fstat(fileno(f), &st))
		return -errno;
	file.len = (size_t)st.st_size;
	file.data = malloc(file.len);
	if (!file.data || fread(file.data, 1, file.len, f) != file.len)
		return -EIO;
	fclose(f);
	return 0;
}

static int replay(const char *format, const char *name)
{
	struct output out = {.ops = render_find(format), .render.out = stdout};
	struct netns_set here = {0};
	struct filter filter = {0};
	struct error err = {0};
	struct session_config config = {.engine = &engine_replay,
					.filter = &filter,
					.netns = &here,
					.path = on_path,
					.ctx = &out};
	struct session *s;
	int rc = read_file(name);

	if (rc || !out.ops)
		rc = fail(&err, rc ? rc : -EINVAL, "cannot replay %s as %s", name, format);
	else
		rc = netns_add(&here, "self", &err);
	if (rc)
		return complain(&err);
	file.netns = (uint32_t)here.v[0].inum;
	s = session_open(&config, &rc, &err);
	while (s && !rc && session_behind(s)) {
		rc = session_step(s, false, &err);
		usleep(PAUSE_US);
	}
	usleep(QUIET_US);
	if (s && !rc)
		rc = session_step(s, false, &err);
	if (s && !rc)
		rc = session_step(s, true, &err);
	rc = s ? rc : -EIO;
	render_flush(&out.render);
	render_free(&out.render);
	session_close(s);
	netns_set_free(&here);
	free(file.data);
	fprintf(stderr, "%lu paths\n", out.n);
	return rc ? complain(&err) : 0;
}

int main(int argc, char **argv)
{
	signal(SIGINT, on_signal);
	if (argc == 4 && !strcmp(argv[1], "record"))
		return record(argv[2], argv[3]);
	if (argc == 3)
		return replay(argv[1], argv[2]);
	fprintf(stderr, "replay record FILE PORT, or replay json|text FILE\n");
	return 2;
}
