// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/render.h"

#include <errno.h>
#include <string.h>

#include "src/render_json.h"

const struct render_ops *render_find(const char *name)
{
	static const struct render_ops *const all[] = {&render_text, &render_json, &render_drop,
						&render_drop_json};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (!strcmp(all[i]->name, name))
			return all[i];
	return NULL;
}

int render_flush(struct render *r)
{
	size_t len = r->ready.len;

	r->ready.len = 0;
	errno = 0;
	if (len && (fwrite(r->ready.data, 1, len, r->out) != len || fflush(r->out)))
		return errno ? -errno : -EIO;
	return 0;
}

void render_free(struct render *r)
{
	bytes_free(&r->ready);
	bytes_free(&r->name);
	bytes_free(&r->names);
	bytes_free(&r->columns);
	json_kept_free(r->kept);
	r->kept = NULL;
}
