// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/render.h"

#include <string.h>

const struct render_ops *render_find(const char *name)
{
	static const struct render_ops *const all[] = {&render_text, &render_json};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (!strcmp(all[i]->name, name))
			return all[i];
	return NULL;
}
