// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/btf_core.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/btf.h>

struct source {
	const struct btf_raw *raw;
	uint32_t *copied; /* by id - first_id: its id in the new one */
};

struct build {
	struct btf *out;
	struct source *sources;
	size_t n_sources;
	struct name_set types, members; /* what the object names; enumerators are members */
	uint32_t *kinds; /* by index in types: kinds (1 << BTF_KIND_…) that earlier sources had */
	char **owned;
	size_t n_owned;
	int pointer; /* the one `void *` */
};

/* --- what the object names --- */

/* "nft_chain" for "nft_chain___old": as bpf_core_essential_name_len(). */
static size_t essential_length(const char *name)
{
	size_t n = strlen(name);

	for (long i = (long)n - 5; i >= 0; i--)
		if (name[i] != '_' && !memcmp(name + i + 1, "___", 3) && name[i + 4] != '_')
			return i + 1;
	return n;
}

static int add_essential(struct build *b, struct name_set *set, const char *name)
{
	size_t n = essential_length(name);
	char **grown;

	if (!name[n])
		return name_set_add(set, name);
	grown = realloc(b->owned, (b->n_owned + 1) * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	b->owned = grown;
	b->owned[b->n_owned] = strndup(name, n);
	if (!b->owned[b->n_owned])
		return -ENOMEM;
	return name_set_add(set, b->owned[b->n_owned++]);
}

static int add_members(struct build *b, const struct btf *object, const struct btf_type *t)
{
	int rc = 0;

	for (int i = 0; !rc && i < btf_vlen(t); i++) {
		if (btf_is_composite(t))
			rc = name_set_add(&b->members, btf__name_by_offset(
							       object, btf_members(t)[i].name_off));
		else if (btf_is_enum(t))
			rc = add_essential(b, &b->members,
					   btf__name_by_offset(object, btf_enum(t)[i].name_off));
		else if (btf_is_enum64(t))
			rc = add_essential(b, &b->members,
					   btf__name_by_offset(object, btf_enum64(t)[i].name_off));
	}
	return rc;
}

static bool is_root(unsigned int kind)
{
	return kind == BTF_KIND_STRUCT || kind == BTF_KIND_UNION || kind == BTF_KIND_ENUM ||
	       kind == BTF_KIND_ENUM64 || kind == BTF_KIND_TYPEDEF;
}

static int collect_names(struct build *b, const struct btf *object)
{
	int rc = 0;

	for (uint32_t id = 1; !rc && id < btf__type_cnt(object); id++) {
		const struct btf_type *t = btf__type_by_id(object, id);

		if (!is_root(btf_kind(t)))
			continue;
		rc = add_essential(b, &b->types, btf__name_by_offset(object, t->name_off));
		if (!rc)
			rc = add_members(b, object, t);
	}
	name_set_close(&b->types);
	name_set_close(&b->members);
	b->kinds = calloc(b->types.n + 1, sizeof(*b->kinds));
	return rc || !b->kinds ? -ENOMEM : 0;
}

/* --- copies of types; each returns the new id, or a negative errno --- */

static int copy(struct build *b, const struct source *s, uint32_t id);

static uint32_t *slot(struct build *b, const struct source *s, uint32_t id)
{
	if (id < s->raw->first_id)
		s = &b->sources[0];
	id -= s->raw->first_id;
	return id < s->raw->n ? &s->copied[id] : NULL;
}

/* Nameless structs and unions are seen through. */
static bool wanted(const struct build *b, const struct btf_raw *r, uint32_t name)
{
	const char *s = btf_raw_string(r, name);

	return !*s || name_set_find(&b->members, s) >= 0;
}

static int add_field(struct build *b, const struct source *s, const struct btf_type *t,
		     const struct btf_member *m)
{
	bool bits = BTF_INFO_KFLAG(t->info);
	uint32_t *type = slot(b, s, m->type);

	return btf__add_field(b->out, btf_raw_string(s->raw, m->name_off), type ? (int)*type : 0,
			      bits ? BTF_MEMBER_BIT_OFFSET(m->offset) : m->offset,
			      bits ? BTF_MEMBER_BITFIELD_SIZE(m->offset) : 0);
}

/* What it embeds comes first: a type must be whole before the next one is added. */
static int copy_composite(struct build *b, const struct source *s, const struct btf_type *t)
{
	const char *name = btf_raw_string(s->raw, t->name_off);
	const struct btf_member *m = (const void *)(t + 1);
	size_t n = btf_raw_vlen(t);
	int rc, id;

	for (size_t i = 0; i < n; i++) {
		if (!wanted(b, s->raw, m[i].name_off))
			continue;
		rc = copy(b, s, m[i].type);
		if (rc < 0)
			return rc;
	}
	id = btf_raw_kind(t) == BTF_KIND_UNION ? btf__add_union(b->out, name, t->size)
					       : btf__add_struct(b->out, name, t->size);
	for (size_t i = 0; id > 0 && i < n; i++) {
		if (!wanted(b, s->raw, m[i].name_off))
			continue;
		rc = add_field(b, s, t, &m[i]);
		if (rc)
			return rc;
	}
	return id;
}

static int copy_enum(struct build *b, const struct source *s, const struct btf_type *t)
{
	const struct btf_enum *e = (const void *)(t + 1);
	int rc = 0, id = btf__add_enum(b->out, btf_raw_string(s->raw, t->name_off), t->size);

	for (size_t i = 0; id > 0 && !rc && i < btf_raw_vlen(t); i++)
		if (wanted(b, s->raw, e[i].name_off))
			rc = btf__add_enum_value(b->out, btf_raw_string(s->raw, e[i].name_off),
						 e[i].val);
	return rc ? rc : id;
}

static int copy_enum64(struct build *b, const struct source *s, const struct btf_type *t)
{
	const struct btf_enum64 *e = (const void *)(t + 1);
	int rc = 0, id = btf__add_enum64(b->out, btf_raw_string(s->raw, t->name_off), t->size,
					 BTF_INFO_KFLAG(t->info));

	for (size_t i = 0; id > 0 && !rc && i < btf_raw_vlen(t); i++)
		if (wanted(b, s->raw, e[i].name_off))
			rc = btf__add_enum64_value(b->out, btf_raw_string(s->raw, e[i].name_off),
						   btf_enum64_value(&e[i]));
	return rc ? rc : id;
}

static int copy_array(struct build *b, const struct source *s, const struct btf_type *t)
{
	const struct btf_array *a = (const void *)(t + 1);
	int index = copy(b, s, a->index_type), element = copy(b, s, a->type);

	if (index < 0 || element < 0)
		return index < 0 ? index : element;
	return btf__add_array(b->out, index, element, a->nelems);
}

static int copy_typedef(struct build *b, const struct source *s, const struct btf_type *t)
{
	int target = copy(b, s, t->type);

	if (target < 0)
		return target;
	return btf__add_typedef(b->out, btf_raw_string(s->raw, t->name_off), target);
}

static int copy_int(struct build *b, const struct source *s, const struct btf_type *t)
{
	uint32_t v = *(const uint32_t *)(t + 1);

	return btf__add_int(b->out, btf_raw_string(s->raw, t->name_off), t->size,
			    BTF_INT_ENCODING(v));
}

/* A relocation ends at a pointer: what it points to is the root of the next one. */
static int the_pointer(struct build *b)
{
	if (!b->pointer)
		b->pointer = btf__add_ptr(b->out, 0);
	return b->pointer;
}

static int copy_new(struct build *b, const struct source *s, const struct btf_type *t)
{
	switch (btf_raw_kind(t)) {
	case BTF_KIND_INT:
		return copy_int(b, s, t);
	case BTF_KIND_FLOAT:
		return btf__add_float(b->out, btf_raw_string(s->raw, t->name_off), t->size);
	case BTF_KIND_PTR:
		return the_pointer(b);
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		return copy_composite(b, s, t);
	case BTF_KIND_ENUM:
		return copy_enum(b, s, t);
	case BTF_KIND_ENUM64:
		return copy_enum64(b, s, t);
	case BTF_KIND_ARRAY:
		return copy_array(b, s, t);
	case BTF_KIND_TYPEDEF:
		return copy_typedef(b, s, t);
	case BTF_KIND_CONST:
	case BTF_KIND_VOLATILE:
	case BTF_KIND_RESTRICT:
	case BTF_KIND_TYPE_TAG:
		return copy(b, s, t->type);
	default: /* no member has a type like that */
		return 0;
	}
}

static int copy(struct build *b, const struct source *s, uint32_t id)
{
	const struct btf_type *t = btf_raw_type(s->raw, id);
	uint32_t *known = t ? slot(b, s, id) : NULL;
	int rc;

	if (!known || *known)
		return known ? (int)*known : 0;
	/* Types of the kernel proper refer to its own only. */
	rc = copy_new(b, id < s->raw->first_id ? &b->sources[0] : s, t);
	if (rc > 0)
		*known = (uint32_t)rc;
	return rc;
}

static int copy_roots(struct build *b, const struct source *s)
{
	uint32_t *had = malloc((b->types.n + 1) * sizeof(*had));
	const struct btf_raw *r = s->raw;
	int rc = 0;

	if (!had)
		return -ENOMEM;
	memcpy(had, b->kinds, (b->types.n + 1) * sizeof(*had));
	for (uint32_t id = r->first_id; rc >= 0 && id < r->first_id + r->n; id++) {
		const struct btf_type *t = btf_raw_type(r, id);
		uint32_t kind = 1U << btf_raw_kind(t);
		int i = is_root(btf_raw_kind(t))
				? name_set_find(&b->types, btf_raw_string(r, t->name_off))
				: -1;

		if (i < 0 || (had[i] & kind))
			continue;
		b->kinds[i] |= kind;
		rc = copy(b, s, id);
	}
	free(had);
	return rc < 0 ? rc : 0;
}

/* --- all together --- */

static int build(struct build *b, const struct btf_raw *const *sources, size_t n,
		 const struct btf *object)
{
	int rc;

	b->out = btf__new_empty();
	b->sources = calloc(n, sizeof(*b->sources));
	if (!b->out || !b->sources)
		return -ENOMEM;
	for (b->n_sources = 0; b->n_sources < n; b->n_sources++) {
		struct source *s = &b->sources[b->n_sources];

		s->raw = sources[b->n_sources];
		s->copied = calloc(s->raw->n + 1, sizeof(*s->copied));
		if (!s->copied)
			return -ENOMEM;
	}
	rc = collect_names(b, object);
	for (size_t i = 0; !rc && i < n; i++)
		rc = copy_roots(b, &b->sources[i]);
	return rc;
}

int btf_core_build(const struct btf_raw *const *sources, size_t n, const struct btf *object,
		   struct btf **out, struct error *err)
{
	struct build b = {0};
	int rc = build(&b, sources, n, object);

	for (size_t i = 0; i < b.n_sources; i++)
		free(b.sources[i].copied);
	free(b.sources);
	while (b.n_owned)
		free(b.owned[--b.n_owned]);
	free(b.owned);
	name_set_free(&b.types);
	name_set_free(&b.members);
	free(b.kinds);
	if (rc) {
		btf__free(b.out);
		return fail(err, rc, "the kernel's types cannot be picked: %s", strerror(-rc));
	}
	*out = b.out;
	return 0;
}
