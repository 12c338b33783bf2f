// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * kube-proxy in mode nftables: one table of its own in each family. Which service a packet is for
 * is said by the element of a map that sends it on: service-ips, service-nodeports,
 * no-endpoint-services, firewall-ips. Names of chains hold what they are for:
 * KIND-HASH-namespace/service/protocol/port.
 */
#include <string.h>

#include "netfilter/explainers.h"

static bool owns(const struct rs_chain *c)
{
	return !strcmp(c->table->name, "kube-proxy") && c->table->backend == BACKEND_NFT;
}

/* "ns/svc:port" of "service-ULMVA6XW-ns/svc/tcp/port"; long names end with "..." instead. false: the
 * chain has another kind of name. */
static bool name_of_chain(char name[256], const char *chain)
{
	char *proto, *port;

	chain = strchr(chain, '-');
	chain = chain ? strchr(chain + 1, '-') : NULL;
	if (!chain || strlen(chain) > 255)
		return false;
	strcpy(name, chain + 1);
	proto = strchr(name, '/');
	proto = proto ? strchr(proto + 1, '/') : NULL;
	port = proto ? strchr(proto + 1, '/') : NULL;
	if (!port)
		return strchr(name, '/') != NULL;
	if (!port[1]) {
		*proto = 0; /* the port has no name */
		return true;
	}
	*proto = ':';
	memmove(proto + 1, port + 1, strlen(port + 1) + 1);
	return true;
}

static bool map_is(const struct walk_step *s, const char *name)
{
	return s->rule->vmap && begins(s->rule->vmap->name, name);
}

static bool in_set(const struct explain *x, const struct rs_table *t, const char *name,
		   const uint8_t *addr)
{
	const struct fact_set *set = facts_set_named(x->facts, t, name);

	for (size_t i = 0; set && i < set->n; i++)
		if (!memcmp(set->elems[i].key, addr, set->klen))
			return true;
	return false;
}

static void service(struct explain *x, struct explain_service *s, const struct walk *w)
{
	const struct fact_elem *e = s->at.elem;
	char name[256];

	s->kind = strstr(s->at.rule->vmap ? s->at.rule->vmap->name : "", "nodeports")
			  ? EXPLAIN_NODE_PORT
			  : EXPLAIN_CLUSTER_IP;
	if (!e)
		return;
	if (e->comment && strchr(e->comment, '/'))
		s->name = explain_word(x, e->comment);
	else if (e->to && name_of_chain(name, e->to->rs->name))
		s->name = facts_strdup(x->facts, name);
	/* The rules do not say whether an address from outside is that of a load balancer. */
	if (s->kind == EXPLAIN_CLUSTER_IP && (!e->to || !begins(e->to->rs->name, "service-")) &&
	    !in_set(x, s->at.rule->chain->rs->table, "cluster-ips", s->addr))
		s->kind = EXPLAIN_EXTERNAL_IP;
}

static bool refuses(const struct rs_chain *c)
{
	return owns(c) &&
	       (!strcmp(c->name, "service-endpoints-check") ||
		!strcmp(c->name, "endpoints-check") ||
		!strcmp(c->name, "nodeport-endpoints-check") || !strcmp(c->name, "firewall-check"));
}

/* "ip saddr != { … } drop" */
static void take_ranges(struct explain *x, struct explain_service *s, const struct walk *w)
{
	for (unsigned int i = w->n_given; i < w->n_assumed; i++) {
		const struct fact *f = &w->assumed[i];
		struct fact *v;

		if (!f->inv)
			continue;
		if (f->key == KEY_SADDR && f->op <= FACT_RANGE) {
			explain_keep_facts(x, &s->ranges, f, 1);
			s->ranges.v[0].inv = false;
		}
		if (f->op != FACT_IN_SET || f->n_keys != 1 || f->keys[0] != KEY_SADDR)
			continue;
		v = facts_alloc(x->facts, f->set->n * sizeof(*v));
		for (size_t k = 0; v && k < f->set->n; k++)
			fact_of_part(&v[k], f->set, &f->set->elems[k], f->keys, 0, s->family);
		s->ranges.v = v;
		s->ranges.n = v ? f->set->n : 0;
	}
}

static void refused(struct explain *x, struct explain_service *s, const struct walk *w,
		    const struct walk_leaf *leaf)
{
	const struct fact_rule *last = w->path[w->n_path - 1].rule;

	if (map_is(&s->refusal, "firewall-ips")) {
		s->kind = EXPLAIN_LOAD_BALANCER;
		take_ranges(x, s, w);
		return;
	}
	/* To itself it rejects what has no endpoints; what has none here is dropped. */
	s->rejected = "no endpoints";
	if (last->act != ACT_REJECT)
		s->rejected = s->only_external = "no local endpoints";
}

/* Chains that a service has, and what their being chosen by a map of addresses says. */
static void service_words(const struct walk_step *s, const char *to, FILE *out)
{
	static const struct {
		const char *prefix, *words;
	} kinds[] = {{"service-", " cluster IP"},
		     {"local-", " cluster IP"},
		     {"external-", " external or load balancer IP"},
		     {"firewall-", " source ranges"}};
	const char *words = NULL;
	char name[256];

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (begins(to, kinds[i].prefix))
			words = kinds[i].words;
	if (!words || !name_of_chain(name, to))
		return;
	if (map_is(s, "service-nodeports"))
		words = " node port";
	fprintf(out, "%s%s", name, s->rule->vmap ? words : "");
}

/* The number that was drawn is the element's key. */
static void endpoint_words(const struct walk_step *s, FILE *out)
{
	const struct fact_rule *r = s->rule;
	uint32_t number;

	if (!r->modulus) {
		fputs("the endpoint that this client had before", out);
		return;
	}
	if (s->elem && r->n_vmap_keys == 1 && !r->vmap->intervals) {
		memcpy(&number, s->elem->key, sizeof(number));
		fprintf(out, "endpoint %u of %u", number + 1, r->modulus);
	} else {
		fprintf(out, "one endpoint of %u", r->modulus);
	}
	fprintf(out, ", chance %.3g %%", 100.0 / r->modulus);
}

/* What being found in a map of services without endpoints says. */
static const char *refusal_words(const struct walk_step *s)
{
	if (!map_is(s, "no-endpoint-"))
		return "";
	return s->elem->verdict == VERDICT_DROP ? " has no local endpoints" : " has no endpoints";
}

static void words(const struct explain *x, const struct walk_step *s, FILE *out)
{
	const struct fact_chain *chain = s->elem ? s->elem->to : s->rule->to;
	const char *to = chain ? chain->rs->name : "";

	if (s->rule->comment)
		fputs(s->rule->comment, out);
	else if (begins(to, "endpoint-"))
		endpoint_words(s, out);
	else if (!strcmp(to, "mark-for-masquerade"))
		fputs("to be masqueraded", out);
	else if (s->rule->act == ACT_MASQUERADE)
		fputs("what was marked to be masqueraded", out);
	else if (s->elem && s->elem->comment)
		fprintf(out, "%s%s", s->elem->comment, refusal_words(s));
	else
		service_words(s, to, out);
}

const struct explainer explain_kube_nftables = {
	.name = "kube-proxy",
	.mode = "nftables",
	.owns = owns,
	.words = words,
	.service = service,
	.refuses = refuses,
	.refused = refused,
};
