// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "src/escape.h"
#include "src/features.h"

static int flushed(FILE *out)
{
	if (fflush(out) || ferror(out))
		return errno ? -errno : -EIO;
	return 0;
}

static int widest(const struct features *f)
{
	size_t width = strlen("feature");

	for (unsigned int i = 0; i < f->n; i++)
		if (strlen(f->v[i].name) > width)
			width = strlen(f->v[i].name);
	return (int)width;
}

static void text_row(const struct feature *v, int width, FILE *out)
{
	const char *since = v->since ? v->since : "-";

	if (v->available && !*v->why.text) {
		fprintf(out, "%-*s  yes   %s\n", width, v->name, since);
		return;
	}
	fprintf(out, "%-*s  %-4s  %-6s  ", width, v->name, v->available ? "yes" : "no", since);
	escape_write(out, v->why.text); /* it may hold the name of a process */
	fputc('\n', out);
	if (!v->available)
		fprintf(out, "%-*s  lost: %s\n", width + 14, "", v->without);
}

int features_text(const struct features *f, FILE *out)
{
	int width = widest(f);

	fprintf(out, "engine: %s (", f->engine ? f->engine->name : "none");
	escape_write(out, f->engine_why.text);
	fprintf(out, ")\n\n%-*s  here  since   why\n", width, "feature");
	for (unsigned int i = 0; i < f->n; i++)
		text_row(&f->v[i], width, out);
	return flushed(out);
}

/* NULL or empty becomes null, invalid UTF-8 U+FFFD. */
static json_t *string_or_null(const char *s)
{
	char *repaired = s && *s ? utf8_repair(s) : NULL;
	json_t *j = repaired ? json_string(repaired) : json_null();

	free(repaired);
	return j;
}

static json_t *json_row(const struct feature *v)
{
	return json_pack("{s:s, s:b, s:o, s:o, s:o}", "name", v->name, "available", v->available,
			 "why", string_or_null(v->why.text), "without", string_or_null(v->without),
			 "since", string_or_null(v->since));
}

int features_json(const struct features *f, FILE *out)
{
	json_t *list = json_array(), *root;
	int rc = -ENOMEM;

	for (unsigned int i = 0; list && i < f->n; i++) {
		if (json_array_append_new(list, json_row(&f->v[i]))) {
			json_decref(list);
			return -ENOMEM;
		}
	}
	root = json_pack("{s:i, s:s?, s:o, s:o}", "schema", 1, "engine",
			 f->engine ? f->engine->name : NULL, "engine_why",
			 string_or_null(f->engine_why.text), "features", list);
	if (root && !json_dumpf(root, out, JSON_COMPACT)) {
		fputc('\n', out);
		rc = flushed(out);
	}
	json_decref(root);
	return rc;
}
