/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Output formats: each is one file with one struct render_ops, listed in the table of render.c.
 * They only read. */
#ifndef NFPATH_RENDER_H
#define NFPATH_RENDER_H

#include <stdio.h>

#include "src/bytes.h"
#include "src/path.h"

struct render {
	FILE *out;
	bool color;
	bool verbose;
	/* What is kept from packet to packet: zero at first, render_free() at the end. */
	struct bytes_out ready;		       /* whole packets that are not written yet */
	struct bytes_out name, names, columns; /* of the packet at hand */
	struct json_kept *kept;
};

struct render_ops {
	const char *name; /* "text", "json": packets; "drop", "drop-json": dropped ones */
	/* Adds one packet, as one block or line, to what is ready. 0 or a negative errno: then nothing
	 * of it is. */
	int (*path)(struct render *r, const struct path *p);
};

/* Writes what is ready; no packet is torn between two writes. 0 or a negative errno (-EPIPE). */
int render_flush(struct render *r);
/* Without writing. */
void render_free(struct render *r);

/* NULL: there is no such format. */
const struct render_ops *render_find(const char *name);

/* For render.c's table. */
extern const struct render_ops render_text, render_json, render_drop, render_drop_json;

#endif
