// SPDX-License-Identifier: GPL-2.0-or-later
#include "netfilter/xt_rule.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "netfilter/xt_blob.h"

static int push_match(struct xt_rule *r, const struct xt_entry_match *m, bool owned)
{
	void *bigger = realloc(r->matches, (r->n_matches + 1) * sizeof(*r->matches));

	if (!bigger)
		return -ENOMEM;
	r->matches = bigger;
	r->matches[r->n_matches].m = m;
	r->matches[r->n_matches++].owned = owned;
	return 0;
}

int xt_rule_from_entry(struct xt_rule *r, const struct rs_chain *c, uint32_t number)
{
	const struct xt_layout *l = xt_layout_of(c->table->family);
	const struct rs_entry *rule = &c->rules[number - 1];
	const uint8_t *p = (uint8_t *)c->table->blob + rule->offset;
	const struct xt_entry_match *m;
	struct xt_entry e;
	size_t off;
	int rc = 0;

	memset(r, 0, sizeof(*r));
	r->family = c->table->family;
	r->chain = c->name;
	/* Cannot fail: xt_blob_parse() saw it. */
	xt_entry_at(l, p, c->table->blob_size - rule->offset, &e);
	if (r->family == NFPROTO_IPV6)
		r->ip.v6 = ((const struct ip6t_entry *)p)->ipv6;
	else
		r->ip.v4 = ((const struct ipt_entry *)p)->ip;
	for (off = l->entry; !rc && off < e.target_offset; off += m->u.user.match_size) {
		m = (const void *)(p + off);
		rc = push_match(r, m, false);
	}
	r->verdict = rule->verdict;
	if (rule->verdict == VERDICT_UNKNOWN)
		r->target = e.target;
	else
		r->to = rule->target;
	if (rc)
		xt_rule_free(r);
	return rc;
}

/* struct xt_entry_match and struct xt_entry_target are laid out alike. */
static struct xt_entry_match *extension_new(const char *name, uint8_t revision, const void *data,
					    size_t len)
{
	size_t size = XT_ALIGN(sizeof(struct xt_entry_match)) + XT_ALIGN(len);
	struct xt_entry_match *m;

	if (strlen(name) >= sizeof(m->u.user.name) || size > UINT16_MAX)
		return NULL;
	m = calloc(1, size);
	if (!m)
		return NULL;
	m->u.match_size = size;
	m->u.user.revision = revision;
	strcpy(m->u.user.name, name);
	if (data)
		memcpy(m->data, data, len);
	return m;
}

void *xt_rule_add_match(struct xt_rule *r, const char *name, uint8_t revision, const void *data,
			size_t len)
{
	struct xt_entry_match *m = extension_new(name, revision, data, len);

	if (!m)
		return NULL;
	if (push_match(r, m, true)) {
		free(m);
		return NULL;
	}
	return m->data;
}

void *xt_rule_set_target(struct xt_rule *r, const char *name, uint8_t revision, const void *data,
			 size_t len)
{
	struct xt_entry_target *t = (void *)extension_new(name, revision, data, len);

	if (!t || r->target) {
		free(t);
		return NULL;
	}
	r->target = t;
	r->target_owned = true;
	r->verdict = VERDICT_UNKNOWN;
	return t->data;
}

void xt_rule_free(struct xt_rule *r)
{
	for (size_t i = 0; i < r->n_matches; i++)
		if (r->matches[i].owned)
			free((void *)r->matches[i].m);
	free(r->matches);
	if (r->target_owned)
		free((void *)r->target);
	memset(r, 0, sizeof(*r));
}
