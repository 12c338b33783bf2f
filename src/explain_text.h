/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the two files of the text output share. */
#ifndef NFPATH_EXPLAIN_TEXT_H
#define NFPATH_EXPLAIN_TEXT_H

#include <stdbool.h>
#include <stdio.h>

struct explain_view;
struct explain_endpoint;

struct etext {
	FILE *out;
	const struct explain_view *v;
	FILE *raw; /* the line that is being made, one stream for all; NULL: out of memory */
	char *line;
	size_t size;
	unsigned int notes;
	bool failed;
	char buf[64];
};

void etext_begin(struct etext *t);
void etext_end(struct etext *t);
void etext_line(struct etext *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void etext_endpoint(FILE *out, const struct explain_endpoint *e);

/* A packet's way, hook by hook; a chain with its rules. */
void etext_flow(struct etext *t);
void etext_chains(struct etext *t);

#endif
