// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/engine.h"

#include <errno.h>
#include <string.h>

/* In the order in which "auto" prefers them. */
static const struct engine_ops *const engines[] = {&engine_bpf, &engine_netlink};

static const struct engine_ops *choose_any(struct error *why, struct error *err)
{
	struct error first = {0};

	for (size_t i = 0; i < sizeof(engines) / sizeof(engines[0]); i++) {
		if (!engines[i]->probe(err)) {
			fail(why, 0, "%s", i ? first.text : "the best that works here");
			return engines[i];
		}
		if (!i)
			first = *err;
	}
	return NULL;
}

const struct engine_ops *engine_choose(const char *name, struct error *why, struct error *err)
{
	if (!strcmp(name, "auto"))
		return choose_any(why, err);
	for (size_t i = 0; i < sizeof(engines) / sizeof(engines[0]); i++) {
		if (strcmp(name, engines[i]->name))
			continue;
		fail(why, 0, "as asked for");
		return engines[i]->probe(err) ? NULL : engines[i];
	}
	return NULL;
}
