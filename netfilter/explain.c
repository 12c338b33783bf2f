// SPDX-License-Identifier: GPL-2.0-or-later
#include "netfilter/explain.h"

#include <string.h>

#include "netfilter/explainers.h"

/* The first that says yes is the owner. */
const struct explainer *const explainers[] = {
	&explain_self,
	&explain_kube_iptables,
	&explain_kube_nftables,
	&explain_docker_iptables,
	&explain_docker_nftables,
	&explain_podman,
	&explain_cni_portmap,
	&explain_cni_bridge,
	&explain_flannel,
	&explain_calico,
	&explain_firewalld,
	&explain_ufw,
};

const unsigned int n_explainers = sizeof(explainers) / sizeof(explainers[0]);

enum { NOBODY = 255 };

static const struct explainer administrator = {.name = "administrator"};

bool begins(const char *s, const char *with)
{
	return !strncmp(s, with, strlen(with));
}

void explain_find_owners(struct facts *f)
{
	for (size_t i = 0; i < f->n_chains; i++) {
		struct fact_chain *c = &f->chains[i];

		c->owner = NOBODY;
		for (unsigned int k = 0; k < n_explainers && c->owner == NOBODY; k++)
			if (explainers[k]->owns(c->rs))
				c->owner = k;
	}
}

const struct explainer *explain_chain_owner(const struct fact_chain *c)
{
	return c->owner < n_explainers ? explainers[c->owner] : NULL;
}

const struct explainer *explain_owner(const struct explain *x, const struct fact_chain *c,
				      const struct fact_rule *rule)
{
	const struct explainer *e = explain_chain_owner(c);

	if (!e && rule && rule->to)
		e = explain_chain_owner(rule->to);
	if (!e && rule && rule->vmap && rule->vmap->n && rule->vmap->elems[0].to)
		e = explain_chain_owner(rule->vmap->elems[0].to);
	for (unsigned int k = 0; !e && rule && k < n_explainers; k++)
		if (explainers[k]->owns_rule && explainers[k]->owns_rule(rule))
			e = explainers[k];
	return e ? e : &administrator;
}

const char *explain_kind_name(enum explain_kind k)
{
	static const char *const names[EXPLAIN_KINDS] = {
		[EXPLAIN_PUBLISHED_PORT] = "published-port",
		[EXPLAIN_CLUSTER_IP] = "cluster-ip",
		[EXPLAIN_NODE_PORT] = "node-port",
		[EXPLAIN_LOAD_BALANCER] = "load-balancer",
		[EXPLAIN_EXTERNAL_IP] = "external-ip",
	};

	return names[k];
}

const struct explain_way *explain_main_way(const struct explain_service *s)
{
	for (unsigned int i = s->n_ways; i--;)
		if (!s->ways[i].when.n)
			return &s->ways[i];
	return s->n_ways && !s->only_external ? &s->ways[s->n_ways - 1] : NULL;
}

static bool addr_fits(const struct explain_service *s, const uint8_t *addr)
{
	int len = fact_key_len(KEY_DADDR, s->family);

	for (int i = 0; s->has_addr && i < len; i++)
		if ((s->addr[i] ^ addr[i]) & s->addr_mask[i])
			return false;
	return true;
}

struct explain_service *explain_find(const struct explain *x, size_t *from, uint8_t family,
				     const uint8_t *addr, uint8_t proto, uint16_t port)
{
	while (*from < x->n_services) {
		struct explain_service *s = x->services[(*from)++];

		if (s->family == family && (!s->proto || s->proto == proto) &&
		    (!s->port || (port >= s->port && port <= s->port_max)) && addr_fits(s, addr))
			return s;
	}
	return NULL;
}

const char *explain_word(struct explain *x, const char *s)
{
	size_t len = s ? strcspn(s, " ") : 0;
	char *copy = len ? facts_alloc(x->facts, len + 1) : NULL;

	return copy ? memcpy(copy, s, len) : NULL;
}

/* The one address that a rule sends to; NULL: several, or none. */
static const uint8_t *only_target(const struct fact_rule *r)
{
	const struct fact_nat *nat = r->nat;

	if (!nat || nat->map || !nat->min ||
	    memcmp(nat->min, nat->max, fact_key_len(KEY_DADDR, nat->family)) != 0)
		return NULL;
	return nat->min;
}

void explain_published_port(const struct explain *x, const struct fact_rule *r, FILE *out)
{
	const uint8_t *to = only_target(r);
	const char *name = NULL;

	fputs("port", out);
	for (unsigned int i = 0; i < r->n_facts; i++)
		if (r->facts[i].key == KEY_DPORT && r->facts[i].op <= FACT_RANGE) {
			fputc(' ', out);
			words_value(out, &r->facts[i], r->chain->rs->table->family);
		}
	if (x->name_of && to)
		name = x->name_of(x->name_data, r->nat->family, to);
	if (name)
		fprintf(out, " of %s%s", begins(name, "container ") ? "" : "container ", name);
}

void explain_target_bridge(const struct explain *x, const struct fact_rule *r, FILE *out)
{
	const uint8_t *to = only_target(r);
	const char *name =
		x->bridge_of && to ? x->bridge_of(x->name_data, r->nat->family, to) : NULL;

	if (name)
		fprintf(out, " on bridge %s", name);
}

void explain_keep_facts(struct explain *x, struct explain_facts *to, const struct fact *v,
			unsigned int n)
{
	struct fact *copy = n ? facts_alloc(x->facts, n * sizeof(*v)) : NULL;

	to->v = copy ? memcpy(copy, v, n * sizeof(*v)) : NULL;
	to->n = copy ? n : 0;
}
