/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What this host allows: one row a feature, each with a probe that tries the thing itself and never
 * asks for a version. Probes leave the host as it is: what must be made to be tried is made in a
 * fresh network namespace of a child process, and vanishes with it.
 */
#ifndef NFPATH_FEATURES_H
#define NFPATH_FEATURES_H

#include <stdbool.h>
#include <stdio.h>

#include "src/engine.h"
#include "src/error.h"

struct feature {
	const char *name;
	const char
		*since; /* Linux version that brought it; NULL: older than any that is supported */
	const char *without; /* what is lost where it is missing */
	bool available;	     /* to this process, now */
	struct error why;    /* not available: the reason; available: a detail, or empty */
};

struct features {
	const struct engine_ops *engine; /* that --engine auto takes; NULL: none works here */
	struct error engine_why;	 /* one sentence, for either case */
	struct feature *v;
	unsigned int n;
};

/* Runs every probe. 0, or -ENOMEM with a sentence. features_free() in either case. */
int features_probe(struct features *f, struct error *err);
void features_free(struct features *f);

/* Each writes everything, and flushes: 0 or a negative errno. */
int features_text(const struct features *f, FILE *out);
int features_json(const struct features *f, FILE *out);

#endif
