// SPDX-License-Identifier: GPL-2.0-or-later
/* Reads the rules of a snapshot: those of nf_tables from the kernel, of iptables-legacy from itself. */
#include <errno.h>
#include <libmnl/libmnl.h>
#include <libnftnl/rule.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <string.h>

#include "netfilter/explain_facts.h"
#include "netfilter/source.h"
#include "netfilter/xt_rule.h"
#include "src/error.h"

struct rules_dump {
	struct facts *f;
	struct fact_chain *last; /* rules come chain by chain */
};

static struct fact_chain *chain_of(struct rules_dump *d, const struct nftnl_rule *nlr)
{
	const char *table = nftnl_rule_get_str(nlr, NFTNL_RULE_TABLE);
	const char *chain = nftnl_rule_get_str(nlr, NFTNL_RULE_CHAIN);
	uint8_t family = nftnl_rule_get_u32(nlr, NFTNL_RULE_FAMILY);

	if (!table || !chain)
		return NULL;
	if (!d->last || strcmp(d->last->rs->name, chain) || strcmp(d->last->rs->table->name, table) ||
	    d->last->rs->table->family != family)
		d->last = (struct fact_chain *)facts_chain(
			d->f, ruleset_chain(d->f->rs, false, family, table, chain));
	return d->last;
}

/* Rules of the user's only: what stands in our own tables needs no words. */
static int keep_rule(struct rules_dump *d, const struct nftnl_rule *nlr)
{
	struct fact_chain *c = chain_of(d, nlr);
	struct fact_rule *r;
	struct xt_rule x;
	int rc;

	if (!c || c->n_known == c->rs->n_rules ||
	    nftnl_rule_get_u64(nlr, NFTNL_RULE_HANDLE) != c->rs->handles[c->n_known])
		return -EAGAIN;
	r = &c->rules[c->n_known++];
	if (c->rs->table->backend == BACKEND_IPTABLES_NFT) {
		rc = xt_rule_from_nft(&x, c->rs->table->family, c->rs->name, nlr);
		if (!rc) {
			rc = facts_from_xt(d->f, r, &x);
			xt_rule_free(&x);
		}
		if (rc != -EOPNOTSUPP)
			return rc;
	}
	return facts_from_nft(d->f, r, nlr);
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
	rc = nlr ? 0 : -ENOMEM;
	if (!rc && nftnl_rule_nlmsg_parse(nlh, nlr) < 0)
		rc = -EPROTO;
	if (!rc)
		rc = keep_rule(d, nlr);
	nftnl_rule_free(nlr);
	return rc;
}

static int read_nft(struct facts *f, struct nf_source *s)
{
	struct rules_dump d = {.f = f};
	uint32_t genid;
	int rc = facts_read_sets(f, s);

	if (rc)
		return rc;
	nf_source_msg(s, NFT_MSG_GETRULE, NLM_F_DUMP, NFPROTO_UNSPEC);
	rc = nf_source_ask(s, on_rule, &d);
	if (!rc)
		rc = facts_read_elems(f, s);
	if (!rc)
		rc = nf_source_genid(s, &genid);
	if (!rc && genid != f->rs->genid)
		rc = -EAGAIN;
	return rc == -EINTR ? -EAGAIN : rc;
}

static int read_legacy(struct facts *f, struct fact_chain *c)
{
	struct xt_rule x;
	int rc = 0;

	for (c->n_known = 0; !rc && c->n_known < c->rs->n_rules; c->n_known++) {
		rc = xt_rule_from_entry(&x, c->rs, c->n_known + 1);
		if (rc)
			break;
		rc = facts_from_xt(f, &c->rules[c->n_known], &x);
		xt_rule_free(&x);
	}
	return rc;
}

int facts_read(struct facts *f, struct nf_source *s, struct error *err)
{
	int rc = f->rs->genid ? read_nft(f, s) : 0;

	for (size_t i = 0; !rc && i < f->n_chains; i++)
		if (f->chains[i].rs->table->backend == BACKEND_IPTABLES_LEGACY)
			rc = read_legacy(f, &f->chains[i]);
	if (rc && rc != -EAGAIN)
		fail(err, rc, "cannot read the rules: %s", strerror(-rc));
	return rc;
}
