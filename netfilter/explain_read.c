// SPDX-License-Identifier: GPL-2.0-or-later
/* Reads the rules of a snapshot: those of nf_tables from the kernel, of iptables-legacy from
 * itself. */
#include <errno.h>
#include <libmnl/libmnl.h>
#include <libnftnl/rule.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdlib.h>
#include <string.h>

#include "netfilter/explain_facts.h"
#include "netfilter/source.h"
#include "netfilter/xt_rule.h"
#include "src/error.h"

enum { TRIES = 10 };

/* The rules of one chain as they come. */
struct rules_dump {
	struct facts *f;
	struct fact_chain *chain;
	struct fact_rule *v;
	uint64_t *handles;
	uint32_t n, cap;
};

static bool more_room(struct rules_dump *d)
{
	uint32_t cap = d->cap ? 2 * d->cap : 64;
	void *v, *handles;

	if (d->n < d->cap)
		return true;
	v = realloc(d->v, cap * sizeof(*d->v));
	if (v)
		d->v = v;
	handles = realloc(d->handles, cap * sizeof(*d->handles));
	if (handles)
		d->handles = handles;
	if (!v || !handles)
		return false;
	d->cap = cap;
	return true;
}

int facts_fill_rule(struct facts *f, struct fact_rule *r, const struct nftnl_rule *nlr)
{
	const struct rs_chain *c = r->chain->rs;
	struct xt_rule x;
	int rc = -EOPNOTSUPP;

	if (c->table->backend == BACKEND_IPTABLES_NFT)
		rc = xt_rule_from_nft(&x, c->table->family, c->name, nlr);
	if (!rc) {
		rc = facts_from_xt(f, r, &x);
		xt_rule_free(&x);
	}
	return rc == -EOPNOTSUPP ? facts_from_nft(f, r, nlr) : rc;
}

static int keep_rule(struct rules_dump *d, const struct nftnl_rule *nlr)
{
	struct fact_rule *r = &d->v[d->n];

	memset(r, 0, sizeof(*r));
	r->chain = d->chain;
	d->handles[d->n] = nftnl_rule_get_u64(nlr, NFTNL_RULE_HANDLE);
	r->number = ++d->n;
	return facts_fill_rule(d->f, r, nlr);
}

static int on_rule(const struct nlmsghdr *nlh, void *data)
{
	const struct nfgenmsg *nfg = mnl_nlmsg_get_payload(nlh);
	struct rules_dump *d = data;
	struct nftnl_rule *nlr;
	int rc;

	if (ntohs(nfg->res_id) != (d->f->rs->genid & 0xffff))
		return -EAGAIN;
	nlr = nftnl_rule_alloc();
	rc = nlr && more_room(d) ? 0 : -ENOMEM;
	if (!rc && nftnl_rule_nlmsg_parse(nlh, nlr) < 0)
		rc = -EPROTO;
	if (!rc)
		rc = keep_rule(d, nlr);
	nftnl_rule_free(nlr);
	return rc;
}

static bool is_legacy(const struct fact_chain *c)
{
	return c->rs->table->backend == BACKEND_IPTABLES_LEGACY;
}

static int read_chain(struct rules_dump *d, struct nf_source *s, struct fact_chain *c)
{
	struct rs_chain *rs = (struct rs_chain *)c->rs; /* it was read without its rules, for us */
	int rc;

	d->chain = c;
	d->n = 0;
	rc = nft_dump_chain(s, rs, on_rule, d);
	if (rc || !d->n)
		return rc;
	c->rules = facts_alloc(d->f, d->n * sizeof(*c->rules));
	rs->handles = malloc(d->n * sizeof(*rs->handles));
	if (!c->rules || !rs->handles)
		return -ENOMEM;
	memcpy(c->rules, d->v, d->n * sizeof(*c->rules));
	memcpy(rs->handles, d->handles, d->n * sizeof(*rs->handles));
	c->n_known = rs->n_rules = d->n;
	return 0;
}

static int read_nft(struct facts *f, struct nf_source *s)
{
	struct rules_dump d = {.f = f};
	uint32_t genid;
	int rc = facts_read_sets(f, s);

	for (size_t i = 0; !rc && i < f->n_chains; i++)
		if (!is_legacy(&f->chains[i]))
			rc = read_chain(&d, s, &f->chains[i]);
	free(d.v);
	free(d.handles);
	if (!rc)
		rc = facts_read_elems(f, s);
	if (!rc)
		rc = nf_source_genid(s, &genid);
	return !rc && genid != f->rs->genid ? -EAGAIN : rc;
}

int facts_fill_entry(struct facts *f, const struct fact_chain *c, uint32_t number)
{
	struct xt_rule x;
	int rc = xt_rule_from_entry(&x, c->rs, number);

	if (rc)
		return rc;
	rc = facts_from_xt(f, &c->rules[number - 1], &x);
	xt_rule_free(&x);
	return rc;
}

static int read_legacy(struct facts *f, struct fact_chain *c)
{
	int rc = facts_room(f, c);

	for (c->n_known = 0; !rc && c->n_known < c->rs->n_rules; c->n_known++)
		rc = facts_fill_entry(f, c, c->n_known + 1);
	return rc;
}

static int fill(struct facts *f, struct nf_source *s)
{
	int rc = f->rs->genid ? read_nft(f, s) : 0;

	for (size_t i = 0; !rc && i < f->n_chains; i++)
		if (is_legacy(&f->chains[i]))
			rc = read_legacy(f, &f->chains[i]);
	return rc;
}

struct facts *facts_read(struct nf_source *s, const struct map_reader *maps, struct error *err)
{
	struct ruleset *rs;
	struct facts *f;
	int rc = -EAGAIN;

	s->maps = maps;
	for (int i = 0; i < TRIES && rc == -EAGAIN; i++) {
		s->no_rules = true;
		rc = nf_source_read(s, &rs, err);
		s->no_rules = false;
		if (rc)
			return NULL;
		f = facts_new(rs);
		ruleset_put(rs);
		rc = f ? fill(f, s) : -ENOMEM;
		if (!rc)
			return f;
		facts_free(f);
	}
	if (rc == -EAGAIN)
		fail(err, rc,
		     "the ruleset changed each of the %d times it was read; try again when it is "
		     "quiet",
		     TRIES);
	else
		fail(err, rc, "cannot read the rules: %s", strerror(-rc));
	return NULL;
}
