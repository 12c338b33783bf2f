/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Pieces of the JSON of drops, for sums of them. docs/drops.schema.json has the whole. */
#ifndef NFPATH_RENDER_JSON_H
#define NFPATH_RENDER_JSON_H

#include "src/bytes.h"
#include "src/path.h"

/* Opens the object; CLOCK_REALTIME. */
void json_drop_head(struct bytes_out *o, uint64_t time_ns);
/* Its members netns, cause, reason and location. */
void json_drop_cause(struct bytes_out *o, const struct path *p);

#endif
