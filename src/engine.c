// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/engine.h"

#include <errno.h>
#include <string.h>

/* In the order in which "auto" prefers them. */
static const struct engine_ops *const engines[] = {&engine_netlink};

const struct engine_ops *engine_choose(const char *name, struct error *why, struct error *err)
{
	bool any = !strcmp(name, "auto");

	for (size_t i = 0; i < sizeof(engines) / sizeof(engines[0]); i++) {
		if (!any && strcmp(name, engines[i]->name))
			continue;
		if (!engines[i]->probe(err)) {
			fail(why, 0, "%s",
			     any ? "it is the only engine of this version" : "as asked for");
			return engines[i];
		}
		if (!any)
			return NULL;
	}
	return NULL;
}
