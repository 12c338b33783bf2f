// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "src/clock.h"
#include "src/cmd.h"
#include "src/drop_table.h"
#include "src/tracing.h"

static const uint64_t refresh_ns = 1000 * 1000 * 1000;

struct drops {
	const struct tracing_options *opt;
	const struct render_ops *render;
	struct drop_table *table; /* NULL: each drop is a line */
	uint64_t began_ns, last_ns; /* CLOCK_MONOTONIC: of everything, and of this span */
	bool terminal;
	unsigned int lines; /* of the table as it stands on the terminal */
};

static void drops_close(void *ctx)
{
	struct drops *d = ctx;

	drop_table_free(d->table);
	free(d);
}

static int drops_open(void **ctx, const struct tracing_options *o, struct error *err)
{
	struct drops *d = calloc(1, sizeof(*d));

	if (!d)
		return fail(err, -ENOMEM, "out of memory");
	*ctx = d;
	d->opt = o;
	d->render = render_find(o->json ? "drop-json" : "drop");
	d->terminal = !o->json && isatty(STDOUT_FILENO);
	if (!o->summary)
		return 0;
	d->table = drop_table_new();
	if (d->table)
		return 0;
	drops_close(d);
	return fail(err, -ENOMEM, "out of memory");
}

static int drops_path(void *ctx, struct render *r, const struct path *p)
{
	struct drops *d = ctx;
	int rc;

	if (p->verdict != PATH_DROPPED)
		return 0;
	rc = d->table ? drop_table_add(d->table, p) : d->render->path(r, p);
	return rc ? rc : 1;
}

/* In place of the table that stands there. */
static void redraw(struct drops *d, struct bytes_out *out, const struct drop_span *span)
{
	struct winsize w = {0};

	/* The last line is the cursor's. */
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) || w.ws_row < 2)
		w.ws_row = 24;
	if (d->lines)
		bytes_printf(out, "\033[%uA\033[J", d->lines);
	d->lines = drop_table_write(d->table, out, span, w.ws_col, w.ws_row - 1);
}

static int drops_tick(void *ctx, struct render *r, bool end)
{
	struct drops *d = ctx;
	struct bytes_out *out = &r->ready;
	size_t before = out->len;
	uint64_t now = clock_ns();
	struct drop_span span;
	struct timespec ts;

	if (!d->table)
		return 0;
	if (!d->began_ns)
		d->began_ns = d->last_ns = now;
	if (!end && now - d->last_ns < refresh_ns)
		return 0;
	clock_gettime(CLOCK_REALTIME, &ts);
	span = (struct drop_span){.time_ns = (uint64_t)ts.tv_sec * 1000000000 + ts.tv_nsec,
				  .ns = now - d->last_ns};
	if (d->terminal && !end)
		redraw(d, out, &span);
	else if (!d->terminal)
		drop_table_write_new(d->table, out, &span, d->opt->json);
	d->last_ns = now;
	drop_table_next(d->table);
	span.ns = now - d->began_ns;
	span.whole = true;
	if (end && d->terminal)
		redraw(d, out, &span);
	else if (end && !d->opt->json)
		drop_table_write(d->table, out, &span, 0, 0);
	return bytes_undo(out, before) ? -ENOMEM : 0;
}

static int drops_main(int argc, char **argv)
{
	static const struct tracing_ops ops = {
		.options = &tracing_drops_options,
		.nothing = "packet that matches was dropped",
		.all_drops = true,
		.open = drops_open,
		.path = drops_path,
		.tick = drops_tick,
		.close = drops_close,
	};

	return tracing_main(&ops, argc, argv);
}

const struct cmd cmd_drops = {
	.name = "drops",
	.summary = "every dropped packet, and the rule, check or lookup that dropped it",
	.run = drops_main,
};
