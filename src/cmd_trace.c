// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdlib.h>

#include "src/cmd.h"
#include "src/error.h"
#include "src/tracing.h"

struct trace {
	const struct render_ops *render;
	bool drop_only;
};

static int trace_open(void **ctx, const struct tracing_options *o, struct error *err)
{
	struct trace *t = malloc(sizeof(*t));

	if (!t)
		return fail(err, -ENOMEM, "out of memory");
	*t = (struct trace){.render = render_find(o->json ? "json" : "text"),
			    .drop_only = o->drop_only};
	*ctx = t;
	return 0;
}

static int trace_path(void *ctx, struct render *r, const struct path *p)
{
	const struct trace *t = ctx;
	int rc;

	if (t->drop_only && p->verdict != PATH_DROPPED)
		return 0;
	rc = t->render->path(r, p);
	return rc ? rc : 1;
}

static int trace_main(int argc, char **argv)
{
	static const struct tracing_ops ops = {
		.options = &tracing_trace_options,
		.nothing = "packet matched",
		.open = trace_open,
		.path = trace_path,
		.close = free,
	};

	return tracing_main(&ops, argc, argv);
}

const struct cmd cmd_trace = {
	.name = "trace",
	.summary = "the path of each packet: every rule hit, NAT, route, verdict, and why",
	.run = trace_main,
};
