/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What `trace` and `drops` share: they follow packets until they are told to end. A command is a row
 * of options, and what it makes of a path. */
#ifndef NFPATH_TRACING_H
#define NFPATH_TRACING_H

#include "src/opt.h"
#include "src/render.h"
#include "src/session.h"

/* The options of both; those that a command has no row for stay 0. */
struct tracing_options {
	struct filter filter;
	struct opt_list netns;
	uint64_t count, timeout_ns;
	bool drop_only, json, verbose, stack, summary;
	int engine, color; /* indices into their choices */
	/* From the environment, for tests and odd hosts. */
	size_t rcvbuf;
	enum raw_tp_use raw_tp;
	unsigned int lose_one_of;
};

extern const struct opt_command tracing_trace_options, tracing_drops_options;
/* Of o->engine. */
const char *tracing_engine(const struct tracing_options *o);
/* 0 or -EINVAL with a sentence. */
int tracing_from_env(struct tracing_options *o, struct error *err);

struct tracing_ops {
	const struct opt_command *options;
	const char *nothing; /* of what there may have been none: "packet matched" */
	bool all_drops;	   /* drops of packets that were not followed are wanted, too */
	/* Before the session. 0 or a negative errno with a sentence. */
	int (*open)(void **ctx, const struct tracing_options *o, struct error *err);
	/* Adds to r->ready what is to be shown of p. 1: it counts as shown; 0: it is left out; or a
	 * negative errno. */
	int (*path)(void *ctx, struct render *r, const struct path *p);
	/* Now and then, at least once a second; and at the end. May be NULL. 0 or a negative errno. */
	int (*tick)(void *ctx, struct render *r, bool end);
	void (*close)(void *ctx);
};

/* From the command line to the exit code. */
int tracing_main(const struct tracing_ops *ops, int argc, char **argv);

#endif
