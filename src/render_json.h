/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Pieces of the JSON of paths, and of drops, for sums of them. docs/trace.schema.json and docs/drops.schema.json have the whole. */
#ifndef NFPATH_RENDER_JSON_H
#define NFPATH_RENDER_JSON_H

#include "src/bytes.h"
#include "src/path.h"

struct json_kept;

/* A step of type STEP_RULE as an object, where the packet was first seen. *kept, at first NULL,
 * remembers it for packets that meet the same rule. */
void json_rule(struct bytes_out *o, struct json_kept **kept, const struct path *p,
	       const struct step *s);
void json_kept_free(struct json_kept *kept);

/* A step of the path as an object; a network namespace as member `key`. */
void json_step(struct bytes_out *o, const struct path *p, const struct step *s);
void json_step_members(struct bytes_out *o, const struct path *p, const struct step *s); /* but for type */
void json_stack(struct bytes_out *o, const struct step *s); /* only where stacks were asked for */
void json_netns(struct bytes_out *o, const char *key, const struct path_netns *netns);

/* Opens the object; CLOCK_REALTIME. */
void json_drop_head(struct bytes_out *o, uint64_t time_ns);
/* Its members netns, cause, reason and location. */
void json_drop_cause(struct bytes_out *o, const struct path *p);

#endif
