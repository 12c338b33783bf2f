// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * kube-proxy in mode iptables, and the chains of kubelet. KUBE-SERVICES and KUBE-NODEPORTS lead to
 * KUBE-SVC- (cluster policy), KUBE-SVL- (local policy), KUBE-EXT- (entry from outside; KUBE-XLB-
 * before 1.26), KUBE-FW- (source ranges), and those to KUBE-SEP-, an endpoint. What they are for
 * stands in comments.
 */
#include <string.h>

#include "netfilter/explainers.h"

static bool owns(const struct rs_chain *c)
{
	return !c->base && begins(c->name, "KUBE-") && c->table->backend != BACKEND_NFT;
}

static bool owns_rule(const struct fact_rule *r)
{
	return r->comment && begins(r->comment, "kubernetes ");
}

static bool is_word(const char *comment, const char *end)
{
	size_t len = strlen(comment), tail = strlen(end);

	return len > tail && !strcmp(comment + len - tail, end);
}

static void service(struct explain *x, struct explain_service *s, const struct walk *w)
{
	static const struct {
		const char *end;
		enum explain_kind kind;
	} kinds[] = {{" cluster IP", EXPLAIN_CLUSTER_IP},
		     {" external IP", EXPLAIN_EXTERNAL_IP},
		     {" loadbalancer IP", EXPLAIN_LOAD_BALANCER}};
	const char *comment = s->at.rule->comment;

	/* A refusal does not say of which kind an address from outside is. */
	s->kind = !s->has_addr ? EXPLAIN_NODE_PORT
		  : !strcmp(s->at.rule->chain->rs->name, "KUBE-EXTERNAL-SERVICES")
			  ? EXPLAIN_EXTERNAL_IP
			  : EXPLAIN_CLUSTER_IP;
	if (!comment || !strchr(comment, '/'))
		return;
	s->name = explain_word(x, comment);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (is_word(comment, kinds[i].end))
			s->kind = kinds[i].kind;
}

static bool refuses(const struct rs_chain *c)
{
	return !strcmp(c->table->name, "filter") &&
	       (!strcmp(c->name, "KUBE-SERVICES") || !strcmp(c->name, "KUBE-EXTERNAL-SERVICES") ||
		!strcmp(c->name, "KUBE-NODEPORTS"));
}

static void refused(struct explain *x, struct explain_service *s, const struct walk *w,
		    const struct walk_leaf *leaf)
{
	const char *comment = w->path[w->n_path - 1].rule->comment;

	if (comment && is_word(comment, " has no endpoints"))
		s->rejected = "no endpoints";
	else if (comment && is_word(comment, " has no local endpoints"))
		s->rejected = s->only_external = "no local endpoints";
	else
		s->rejected = "a rule of kube-proxy";
}

/* --- source ranges: rules of KUBE-FW- that lead on, each with a source --- */

static bool to(const struct fact_rule *r, const char *prefix)
{
	return r->to && begins(r->to->rs->name, prefix);
}

static void take_ranges(struct explain *x, struct explain_service *s, const struct fact_chain *c)
{
	struct fact ranges[64];
	unsigned int n = 0;

	for (uint32_t i = 0; i < c->n_known; i++) {
		const struct fact_rule *r = &c->rules[i];

		if (!r->to || !begins(r->to->rs->name, "KUBE-") || to(r, "KUBE-MARK-"))
			continue;
		/* Before 1.25 a service may be its own client; that is no range. */
		if (r->n_facts != 1 || r->facts[0].key != KEY_SADDR || r->facts[0].inv ||
		    n == sizeof(ranges) / sizeof(ranges[0]))
			return;
		ranges[n++] = r->facts[0];
	}
	explain_keep_facts(x, &s->ranges, ranges, n);
}

static bool same_endpoints(const struct explain_way *a, const struct explain_way *b)
{
	return a->n_endpoints == b->n_endpoints &&
	       !memcmp(a->endpoints, b->endpoints, a->n_endpoints * sizeof(*a->endpoints));
}

static bool is_range(const struct explain_service *s, const struct fact *f)
{
	for (unsigned int i = 0; i < s->ranges.n; i++)
		if (!memcmp(&s->ranges.v[i], f, sizeof(*f)))
			return true;
	return false;
}

/* Sources in the ranges take one way if they all come to the same endpoints. */
static void finish(struct explain *x, struct explain_service *s)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < s->n_chains && !s->ranges.n; i++)
		if (begins(s->chains[i]->rs->name, "KUBE-FW-"))
			take_ranges(x, s, s->chains[i]);
	if (!s->ranges.n)
		return;
	for (unsigned int i = 0; i < s->n_ways; i++) {
		if (s->ways[i].when.n != 1 || !is_range(s, s->ways[i].when.v) ||
		    !same_endpoints(&s->ways[i], &s->ways[0]))
			return;
		n++;
	}
	if (n) {
		s->ways[0].when.n = 0;
		s->n_ways = 1;
	}
}

/* --- words for one rule --- */

static bool is_remembered(const struct fact_rule *r)
{
	for (unsigned int i = 0; i < r->n_facts; i++)
		if (r->facts[i].op == FACT_REMEMBERED)
			return true;
	return false;
}

/* The i-th of n rules is taken with 1/(n-i) by those that the ones before have left. */
static void endpoint_words(const struct fact_rule *r, FILE *out)
{
	const struct fact_chain *c = r->chain;
	unsigned int n = 0, number = 0;
	double left = 1, chance = 0, mine;

	for (uint32_t i = 0; i < c->n_known; i++) {
		const struct fact_rule *other = &c->rules[i];

		if (!to(other, "KUBE-SEP-") || is_remembered(other))
			continue;
		n++;
		mine = left;
		for (unsigned int k = 0; k < other->n_facts; k++)
			if (other->facts[k].op == FACT_CHANCE)
				mine *= other->facts[k].chance;
		left -= mine;
		if (other == r) {
			number = n;
			chance = mine;
		}
	}
	if (is_remembered(r))
		fputs("the endpoint that this client had before", out);
	else if (number)
		fprintf(out, "endpoint %u of %u, chance %.3g %%", number, n, 100 * chance);
}

/* Which endpoint of how many, and with which chance, the rules before it say. */
static bool needs_chain(const struct rs_chain *c)
{
	return begins(c->name, "KUBE-SVC-") || begins(c->name, "KUBE-SVL-") ||
	       begins(c->name, "KUBE-XLB-");
}

static void words(const struct explain *x, const struct walk_step *s, FILE *out)
{
	const struct fact_rule *r = s->rule;
	const char *chain = r->chain->rs->name, *comment = r->comment;

	if (to(r, "KUBE-SEP-"))
		endpoint_words(r, out);
	else if (to(r, "KUBE-MARK-MASQ"))
		fputs("to be masqueraded", out);
	else if (to(r, "KUBE-MARK-DROP"))
		fputs("to be dropped", out);
	else if (begins(chain, "KUBE-SEP-") && r->act == ACT_DNAT)
		fprintf(out, "the endpoint of %s", comment ? comment : "a service");
	else if (!strcmp(chain, "KUBE-NODEPORTS") && comment && r->to)
		fprintf(out, "%s node port", comment);
	else if (begins(chain, "KUBE-FW-") && r->to)
		fputs("a source that may use it", out);
	else if (comment)
		fputs(comment, out);
}

const struct explainer explain_kube_iptables = {
	.name = "kube-proxy",
	.mode = "iptables",
	.owns = owns,
	.owns_rule = owns_rule,
	.words = words,
	.needs_chain = needs_chain,
	.service = service,
	.finish = finish,
	.refuses = refuses,
	.refused = refused,
};
