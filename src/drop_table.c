// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/drop_table.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "src/drop_cause.h"
#include "src/escape.h"
#include "src/render_json.h"
#include "src/render_text.h"

enum { NAME_WIDTH = 34 };

struct row {
	char *text; /* cause, reason, location, namespace, as they are shown: what tells rows apart */
	char *json; /* the same, of the first drop */
	uint64_t n, before; /* all, and those before this span */
};

struct drop_table {
	struct row *rows; /* few: most drops first, as far as they were sorted */
	size_t n;
	struct bytes_out name, text, json; /* of the drop at hand */
};

struct drop_table *drop_table_new(void)
{
	return calloc(1, sizeof(struct drop_table));
}

void drop_table_free(struct drop_table *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->n; i++) {
		free(t->rows[i].text);
		free(t->rows[i].json);
	}
	free(t->rows);
	bytes_free(&t->name);
	bytes_free(&t->text);
	bytes_free(&t->json);
	free(t);
}

static void make_text(struct drop_table *t, const struct path *p)
{
	struct bytes_out *text = &t->text;
	struct drop_cause c;
	int pad;

	drop_cause(&c, p);
	t->name.len = text->len = 0;
	drop_cause_name(&t->name, &c);
	bytes_char(&t->name, '\0');
	if (bytes_undo(&t->name, 0)) {
		text->failed = true;
		return;
	}
	escape_add(text, t->name.data);
	bytes_char(text, '\0');
	if (text->failed)
		return;
	pad = NAME_WIDTH - text_width(text->data);
	text->len--;
	bytes_printf(text, "%*s  ", pad > 0 ? pad : 0, "");
	if (c.kernel) {
		text_reason(text, c.kernel);
		bytes_str(text, "  ");
	}
	bytes_str(text, "netns=");
	text_netns(text, &path_here(p)->netns);
	bytes_char(text, '\0');
}

static int by_count(const void *a, const void *b)
{
	const struct row *x = a, *y = b;

	if (x->n != y->n)
		return x->n < y->n ? 1 : -1;
	return strcmp(x->text, y->text);
}

static struct row *find(const struct drop_table *t, const char *text)
{
	for (size_t i = 0; i < t->n; i++)
		if (!strcmp(t->rows[i].text, text))
			return &t->rows[i];
	return NULL;
}

static struct row *add_row(struct drop_table *t, const struct path *p)
{
	struct row *rows = reallocarray(t->rows, t->n + 1, sizeof(*rows)), row = {0};

	if (!rows)
		return NULL;
	t->rows = rows;
	t->json.len = 0;
	json_drop_cause(&t->json, p);
	bytes_char(&t->json, '\0');
	if (bytes_undo(&t->json, 0))
		return NULL;
	row.text = strdup(t->text.data);
	row.json = strdup(t->json.data);
	if (!row.text || !row.json) {
		free(row.text);
		free(row.json);
		return NULL;
	}
	rows[t->n] = row;
	return &rows[t->n++];
}

int drop_table_add(struct drop_table *t, const struct path *p)
{
	struct row *row;

	make_text(t, p);
	if (bytes_undo(&t->text, 0))
		return -ENOMEM;
	row = find(t, t->text.data);
	if (!row)
		row = add_row(t, p);
	if (!row)
		return -ENOMEM;
	row->n++;
	return 0;
}

void drop_table_next(struct drop_table *t)
{
	for (size_t i = 0; i < t->n; i++)
		t->rows[i].before = t->rows[i].n;
	qsort(t->rows, t->n, sizeof(*t->rows), by_count);
}

static uint64_t count_of(const struct row *row, const struct drop_span *span)
{
	return span->whole ? row->n : row->n - row->before;
}

/* A rate takes a second at least. */
static double rate_of(const struct row *row, const struct drop_span *span)
{
	double seconds = (double)span->ns / 1e9;

	return (double)count_of(row, span) / (seconds > 1 ? seconds : 1);
}

/* As many characters of s as fit. */
static void write_clipped(struct bytes_out *out, const char *s, unsigned int columns)
{
	size_t len = 0;

	for (unsigned int n = 0; s[len]; len++) {
		n += (s[len] & 0xc0) != 0x80;
		if (columns && n > columns)
			break;
	}
	bytes_add(out, s, len);
	bytes_char(out, '\n');
}

static void write_row(struct bytes_out *out, const struct row *row, const struct drop_span *span,
		      unsigned int columns)
{
	enum { LEFT = 24 };
	char left[64];

	snprintf(left, sizeof(left), "%10" PRIu64 " %11.1f  ", row->n, rate_of(row, span));
	bytes_str(out, left);
	write_clipped(out, row->text, !columns ? 0 : columns > LEFT ? columns - LEFT : 1);
}

unsigned int drop_table_write(const struct drop_table *t, struct bytes_out *out,
			      const struct drop_span *span, unsigned int columns, unsigned int lines)
{
	size_t n = t->n;
	bool more = lines && n + 1 > lines;

	if (more)
		n = lines > 2 ? lines - 2 : 0;
	write_clipped(out, "     drops       per s  cause", columns);
	for (size_t i = 0; i < n; i++)
		write_row(out, &t->rows[i], span, columns);
	if (more)
		bytes_printf(out, "           and %zu more\n", t->n - n);
	return (unsigned int)n + 1 + more;
}

void drop_table_write_new(const struct drop_table *t, struct bytes_out *out,
			  const struct drop_span *span, bool json)
{
	for (size_t i = 0; i < t->n; i++) {
		const struct row *row = &t->rows[i];

		if (!count_of(row, span))
			continue;
		if (!json) {
			text_time(out, span->time_ns);
			write_row(out, row, span, 0);
			continue;
		}
		json_drop_head(out, span->time_ns);
		bytes_printf(out,
			     ",%s,\"packet\":null,\"count\":%" PRIu64 ",\"per_second\":%.3f}\n",
			     row->json, count_of(row, span), rate_of(row, span));
	}
}
