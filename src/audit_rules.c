// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <linux/netfilter.h>
#include <stdlib.h>
#include <string.h>

#include "netfilter/rule_text.h"
#include "netfilter/ruleset.h"
#include "src/route_audit.h"

static bool sees_ipv6(const struct rs_table *t)
{
	return !t->ours && (t->family == NFPROTO_IPV6 || t->family == NFPROTO_INET ||
			    t->family == NFPROTO_NETDEV);
}

static bool checks_source(const char *text)
{
	return text &&
	       ((strstr(text, "fib saddr") && strstr(text, "oif")) || strstr(text, "-m rpfilter"));
}

static void keep(struct audit_rules *r, const struct rs_chain *c, uint32_t number, const char *text)
{
	const struct rs_table *t = c->table;
	char **v = reallocarray(r->v, r->n + 1, sizeof(*v));
	int rc;

	if (!v)
		return;
	r->v = v;
	if (t->backend == BACKEND_NFT)
		rc = asprintf(&v[r->n], "%s %s:%s:rule:%u (handle %llu)  %s",
			      family_name(t->family), t->name, c->name, number,
			      (unsigned long long)c->handles[number - 1], text);
	else
		rc = asprintf(&v[r->n], "%s:%s:rule:%u (%s, %s)  %s", t->name, c->name, number,
			      backend_name(t->backend), family_name(t->family), text);
	if (rc >= 0)
		r->n++;
}

static void look_through(struct rule_texts *texts, const struct ruleset *rs, struct audit_rules *r)
{
	for (size_t t = 0; t < rs->n_tables; t++)
		for (size_t c = 0; sees_ipv6(rs->tables[t]) && c < rs->tables[t]->n_chains; c++)
			for (uint32_t i = 1; i <= rs->tables[t]->chains[c]->n_rules; i++) {
				const struct rs_chain *chain = rs->tables[t]->chains[c];
				const char *text = rule_text(texts, rs, chain, i)->text;

				if (checks_source(text))
					keep(r, chain, i, text);
			}
}

void audit_rules_read(int netns_fd, struct audit_rules *r)
{
	struct nf_source *s;
	struct ruleset *rs = NULL;
	struct rule_texts *texts = NULL;
	struct error err = {0};

	*r = (struct audit_rules){0};
	s = nf_source_open(netns_fd, &err);
	if (s && !nf_source_read(s, &rs, &err)) {
		texts = rule_texts_open(s, netns_fd, &err);
		if (texts) {
			look_through(texts, rs, r);
			rule_texts_forget(texts, rs);
		}
	}
	if (!texts)
		snprintf(r->why, sizeof(r->why), "%.250s", err.text);
	rule_texts_close(texts);
	ruleset_put(rs);
	nf_source_close(s);
}

void audit_rules_free(struct audit_rules *r)
{
	for (size_t i = 0; i < r->n; i++)
		free(r->v[i]);
	free(r->v);
	*r = (struct audit_rules){0};
}
