// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/hooks_print.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "netfilter/names.h"
#include "src/escape.h"

enum { LEFT_MAX = 60, NAME_MAX_LEN = 600 };

static int flushed(FILE *out)
{
	if (fflush(out) || ferror(out))
		return errno ? -errno : -EIO;
	return 0;
}

/* --- text --- */

/* A rule's name in a trace begins in the same way. */
static void chain_text(const struct hook_fn *f, char *buf, size_t len)
{
	if (!f->table || !f->chain)
		snprintf(buf, len, "%s of nf_tables, which one is not known",
			 f->kind == HOOK_FLOWTABLE ? "a flowtable" : "a chain");
	else if (f->backend && strcmp(f->backend, "nft"))
		snprintf(buf, len, "%s:%s (%s%s%s)", f->table, f->chain, f->backend,
			 f->type ? ", type " : "", f->type ? f->type : "");
	else if (f->kind == HOOK_FLOWTABLE)
		snprintf(buf, len, "%s %s:%s (nft, flowtable)", family_name(f->chain_family),
			 f->table, f->chain);
	else
		snprintf(buf, len, "%s %s:%s (%s%s%s)", family_name(f->chain_family), f->table,
			 f->chain, f->backend ? f->backend : "nf_tables", f->type ? ", type " : "",
			 f->type ? f->type : "");
}

/* What the function works on; "": nothing to say. */
static void object_text(const struct hook_fn *f, char *buf, size_t len)
{
	*buf = 0;
	switch (f->kind) {
	case HOOK_PLAIN:
		return;
	case HOOK_CHAIN:
	case HOOK_FLOWTABLE:
	case HOOK_LEGACY:
		chain_text(f, buf, len);
		return;
	case HOOK_BPF:
		if (f->bpf_id)
			snprintf(buf, len, "BPF program %u%s%s", f->bpf_id, *f->bpf_name ? " " : "",
				 f->bpf_name);
		else
			snprintf(buf, len, "a BPF program, which one is not known");
		return;
	}
}

static void function_text(const struct hook_fn *f, char *buf, size_t len)
{
	const char *name = f->function ? f->function : f->inside ? "" : "unknown function";

	snprintf(buf, len, "%s%s%s%s%s", f->inside ? "calls " : "", name, f->module ? " [" : "",
		 f->module ? f->module : "", f->module ? "]" : "");
}

static int width_of(const struct hook_list *l)
{
	char text[NAME_MAX_LEN];
	int w = 0;

	for (size_t i = 0; i < l->n; i++) {
		function_text(&l->v[i], text, sizeof(text));
		if ((int)strlen(text) > w && strlen(text) <= LEFT_MAX)
			w = (int)strlen(text);
	}
	return w;
}

static bool same_heading(const struct hook_fn *a, const struct hook_fn *b)
{
	return a->family == b->family && a->hook == b->hook && !strcmp(a->device, b->device);
}

static void heading(const struct hook_fn *f, const struct netns *ns, FILE *out)
{
	fprintf(out, "%s %s", family_name(f->family), hook_name(f->family, f->hook));
	if (*f->device) {
		fputc(' ', out);
		escape_write(out, f->device);
	}
	fputs("  netns=", out);
	escape_write(out, ns->name);
	fputc('\n', out);
}

static void line(const struct hook_fn *f, int width, FILE *out)
{
	char near[64], function[NAME_MAX_LEN], object[NAME_MAX_LEN];
	const char *name = hook_priority_name(f, near, sizeof(near));
	char *escaped;

	function_text(f, function, sizeof(function));
	object_text(f, object, sizeof(object));
	fprintf(out, "  %11d  %-17s  ", f->priority, name ? name : "");
	if (!*object && !f->order_unknown) {
		escape_write(out, function);
		fputc('\n', out);
		return;
	}
	escaped = escape_text(function);
	fprintf(out, "%-*s  ", width, escaped ? escaped : "");
	free(escaped);
	escape_write(out, object);
	if (f->order_unknown)
		fputs("  order among equal priorities not known", out);
	fputc('\n', out);
}

int hooks_text(const struct hooks_of *v, size_t n, FILE *out)
{
	for (size_t i = 0; i < n; i++) {
		const struct hook_list *l = &v[i].list;
		int width = width_of(l);

		for (size_t k = 0; k < l->n; k++) {
			if (!k || !same_heading(&l->v[k], &l->v[k - 1]))
				heading(&l->v[k], v[i].netns, out);
			line(&l->v[k], width, out);
		}
	}
	return flushed(out);
}

const char *hooks_gap_place(const struct hook_gap *g, char *buf, size_t len)
{
	snprintf(buf, len, "%s%s%s%s%s", family_name(g->family), g->hook < 0 ? "" : " ",
		 g->hook < 0 ? "" : hook_name(g->family, (uint8_t)g->hook),
		 *g->device ? " of " : "", g->device);
	return buf;
}

/* --- JSON --- */

/* NULL or empty becomes null, invalid UTF-8 U+FFFD. */
static json_t *string_or_null(const char *s)
{
	char *repaired = s && *s ? utf8_repair(s) : NULL;
	json_t *j = repaired ? json_string(repaired) : json_null();

	free(repaired);
	return j;
}

static json_t *json_netns(const struct netns *ns)
{
	return json_pack("{s:I, s:o}", "inum", (json_int_t)ns->inum, "name",
			 string_or_null(ns->name));
}

/* "inet filter input" */
static json_t *json_chain(const struct hook_fn *f)
{
	char buf[NAME_MAX_LEN];

	if (!f->table || !f->chain)
		return json_null();
	snprintf(buf, sizeof(buf), "%s %s %s", family_name(f->chain_family), f->table, f->chain);
	return string_or_null(buf);
}

static json_t *json_parts(const struct hook_fn *f)
{
	if (!f->table || !f->chain)
		return json_null();
	return json_pack("{s:s, s:o, s:o, s:o}", "family", family_name(f->chain_family), "table",
			 string_or_null(f->table), "chain", string_or_null(f->chain), "type",
			 string_or_null(f->type));
}

static json_t *json_bpf(const struct hook_fn *f)
{
	if (f->kind != HOOK_BPF)
		return json_null();
	return json_pack("{s:o, s:o}", "id", f->bpf_id ? json_integer(f->bpf_id) : json_null(),
			 "name", string_or_null(f->bpf_name));
}

static const char *kind_name(enum hook_kind k)
{
	static const char *const names[] = {
		[HOOK_PLAIN] = "function", [HOOK_CHAIN] = "chain", [HOOK_FLOWTABLE] = "flowtable",
		[HOOK_LEGACY] = "table",   [HOOK_BPF] = "bpf",
	};

	return names[k];
}

static json_t *json_fn(const struct hook_fn *f, const struct netns *ns)
{
	char near[64];

	return json_pack("{s:o, s:s, s:s, s:o, s:i, s:o, s:o, s:o, s:s, s:o, s:o, s:o, s:o, s:b, "
			 "s:b}",
			 "netns", json_netns(ns), "family", family_name(f->family), "hook",
			 hook_name(f->family, f->hook), "device", string_or_null(f->device),
			 "priority", (int)f->priority, "priority_name",
			 string_or_null(hook_priority_name(f, near, sizeof(near))), "function",
			 string_or_null(f->function), "module", string_or_null(f->module), "kind",
			 kind_name(f->kind), "backend", string_or_null(f->backend), "chain",
			 json_chain(f), "chain_parts", json_parts(f), "bpf", json_bpf(f), "inside",
			 f->inside, "order_unknown", f->order_unknown);
}

static json_t *json_gap(const struct hook_gap *g, const struct netns *ns)
{
	const char *hook = g->hook < 0 ? NULL : hook_name(g->family, (uint8_t)g->hook);

	return json_pack("{s:o, s:s?, s:s?, s:o, s:o}", "netns", json_netns(ns), "family",
			 g->family ? family_name(g->family) : NULL, "hook", hook, "device",
			 string_or_null(g->device), "why", string_or_null(g->why));
}

static int fill(const struct hooks_of *v, json_t *hooks, json_t *unread)
{
	for (size_t i = 0; i < v->list.n; i++)
		if (json_array_append_new(hooks, json_fn(&v->list.v[i], v->netns)))
			return -ENOMEM;
	for (size_t i = 0; i < v->list.n_gaps; i++)
		if (json_array_append_new(unread, json_gap(&v->list.gaps[i], v->netns)))
			return -ENOMEM;
	return 0;
}

int hooks_json(const struct hooks_of *v, size_t n, const char *source, FILE *out)
{
	json_t *hooks = json_array(), *unread = json_array(), *root = NULL;
	int rc = hooks && unread ? 0 : -ENOMEM;

	for (size_t i = 0; !rc && i < n; i++)
		rc = fill(&v[i], hooks, unread);
	if (!rc)
		root = json_pack("{s:i, s:s, s:O, s:O}", "schema", 1, "source", source, "hooks",
				 hooks, "unread", unread);
	if (!rc && (!root || json_dumpf(root, out, JSON_COMPACT)))
		rc = ferror(out) ? -errno : -ENOMEM;
	if (!rc) {
		fputc('\n', out);
		rc = flushed(out);
	}
	json_decref(root);
	json_decref(hooks);
	json_decref(unread);
	return rc;
}
