// SPDX-License-Identifier: GPL-2.0-or-later
/* Reads the facts of one rule, or of one chain, of a snapshot that was read before. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <libnftnl/expr.h>
#include <libnftnl/rule.h>

#include "netfilter/explain_facts.h"
#include "netfilter/text_parts.h"

static bool is_legacy(const struct fact_chain *c)
{
	return c->rs->table->backend == BACKEND_IPTABLES_LEGACY;
}

struct sets_wanted {
	struct facts *f;
	struct nf_source *s;
	const struct rs_table *t;
	int rc;
};

/* Verdict maps with their elements; of other sets only what they are. */
static int want_set(struct nftnl_expr *e, void *data)
{
	struct sets_wanted *w = data;
	struct fact_set *set;
	const char *name;

	if (strcmp(nftnl_expr_get_str(e, NFTNL_EXPR_NAME), "lookup"))
		return 0;
	name = nftnl_expr_get_str(e, NFTNL_EXPR_LOOKUP_SET);
	if (name && !facts_set_named(w->f, w->t, name))
		w->rc = facts_read_set(w->f, w->s, w->t, name);
	set = w->rc ? NULL : facts_set_named(w->f, w->t, name);
	if (set && set->verdicts)
		w->rc = facts_read_set_elems(w->f, w->s, set);
	return w->rc ? -1 : 0;
}

static int read_nft(struct facts *f, struct nf_source *s, struct fact_rule *r,
		    struct nftnl_rule *nlr)
{
	const struct rs_chain *c = r->chain->rs;
	struct sets_wanted w = {.f = f, .s = s, .t = c->table};
	uint64_t handle = c->handles[r->number - 1];
	size_t before = f->n_sets;
	int rc = nft_rule_fetch(s, c, handle, nlr);

	if (rc)
		return rc;
	nftnl_expr_foreach(nlr, want_set, &w);
	if (!w.rc && f->n_sets != before)
		w.rc = nft_rule_check(s, c, handle);
	return w.rc ? w.rc : facts_fill_rule(f, r, nlr);
}

int facts_read_rule(struct facts *f, struct nf_source *s, struct fact_chain *c, uint32_t number)
{
	struct nftnl_rule *nlr;
	int rc = number && number <= c->rs->n_rules ? facts_room(f, c) : -ENOENT;

	if (rc || is_legacy(c))
		return rc ? rc : facts_fill_entry(f, c, number);
	nlr = nftnl_rule_alloc();
	rc = nlr ? read_nft(f, s, &c->rules[number - 1], nlr) : -ENOMEM;
	if (nlr)
		nftnl_rule_free(nlr);
	return rc;
}

/* --- a chain --- */

struct chain_dump {
	struct facts *f;
	struct fact_chain *c;
	uint32_t n;
};

static int keep(struct chain_dump *d, const struct nftnl_rule *nlr)
{
	const struct rs_chain *c = d->c->rs;

	if (d->n == c->n_rules || nftnl_rule_get_u64(nlr, NFTNL_RULE_HANDLE) != c->handles[d->n])
		return -ENOENT;
	return facts_fill_rule(d->f, &d->c->rules[d->n++], nlr);
}

static int on_rule(const struct nlmsghdr *nlh, void *data)
{
	struct nftnl_rule *nlr = nftnl_rule_alloc();
	int rc;

	if (!nlr)
		return -ENOMEM;
	rc = nftnl_rule_nlmsg_parse(nlh, nlr) < 0 ? -EPROTO : keep(data, nlr);
	nftnl_rule_free(nlr);
	return rc;
}

int facts_read_chain(struct facts *f, struct nf_source *s, struct fact_chain *c)
{
	struct chain_dump d = {.f = f, .c = c};
	int rc = facts_room(f, c);

	for (c->n_known = 0; !rc && is_legacy(c) && c->n_known < c->rs->n_rules;)
		rc = facts_fill_entry(f, c, ++c->n_known);
	if (!rc && !is_legacy(c)) {
		rc = nft_dump_chain(s, c->rs, on_rule, &d);
		if (!rc)
			rc = nft_table_check(s, c->rs->table);
		if (!rc && d.n != c->rs->n_rules)
			rc = -ENOENT;
		c->n_known = d.n;
	}
	if (rc)
		c->n_known = 0;
	return rc;
}
