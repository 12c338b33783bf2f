/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Output formats: each is one file with one struct render_ops, listed in the table of render.c.
 * They only read. */
#ifndef NFPATH_RENDER_H
#define NFPATH_RENDER_H

#include <stdio.h>

#include "src/path.h"


struct render {
	FILE *out;
	bool color;
	bool verbose;
};

struct render_ops {
	const char *name; /* "text", "json" */
	/* Writes one packet as one block or line, in one write where stdio allows. 0 or a negative
	 * errno (-EPIPE). */
	int (*path)(const struct render *r, const struct path *p);
};

/* NULL: there is no such format. */
const struct render_ops *render_find(const char *name);

/* For render.c's table. */
extern const struct render_ops render_text, render_json;

#endif
