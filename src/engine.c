// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/engine.h"

#include <errno.h>
#include <string.h>

/* In the order in which "auto" prefers them. */
static const struct engine_ops *const engines[] = {&engine_bpf, &engine_netlink};

/* Why auto passes over it here; NULL: it does not. */
static const char *unfit(const struct engine_ops *e, const struct engine_wish *wish)
{
	if (e != &engine_bpf)
		return NULL;
	if (wish->command)
		return "engine bpf does not know yet which packets are a command's";
	return NULL;
}

static const struct engine_ops *choose_any(const struct engine_wish *wish, struct error *why,
					   struct error *err)
{
	struct error first = {0};

	for (size_t i = 0; i < sizeof(engines) / sizeof(engines[0]); i++) {
		const char *no = unfit(engines[i], wish);
		int rc = no ? fail(err, -EOPNOTSUPP, "%s", no) : engines[i]->probe(err);

		if (!rc) {
			fail(why, 0, "%s", i ? first.text : "the best that works here");
			return engines[i];
		}
		if (!i)
			first = *err;
	}
	return NULL;
}

const struct engine_ops *engine_choose(const char *name, const struct engine_wish *wish,
				       struct error *why, struct error *err)
{
	if (!strcmp(name, "auto"))
		return choose_any(wish, why, err);
	for (size_t i = 0; i < sizeof(engines) / sizeof(engines[0]); i++) {
		if (strcmp(name, engines[i]->name))
			continue;
		if (engines[i] == &engine_bpf && wish->command) {
			fail(err, -EOPNOTSUPP,
			     "--engine bpf does not know yet which packets are those of '-- COMMAND'; "
			     "--engine netlink does");
			return NULL;
		}
		fail(why, 0, "as asked for");
		return engines[i]->probe(err) ? NULL : engines[i];
	}
	return NULL;
}
