// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Docker, backend iptables. It publishes a port by a rule of nat:DOCKER, and lets forwarded packets
 * through DOCKER-USER (the administrator's), DOCKER-FORWARD, DOCKER-CT, DOCKER-INTERNAL,
 * DOCKER-BRIDGE and filter:DOCKER; before 28 through DOCKER-ISOLATION-STAGE-1 and -2. In a
 * container's own namespace DOCKER_OUTPUT and DOCKER_POSTROUTING lead to its name server. Its rules
 * have no comments: bridges tell networks apart.
 */
#include <ctype.h>
#include <string.h>

#include "netfilter/explainers.h"

static bool owns(const struct rs_chain *c)
{
	return !c->base && c->table->backend != BACKEND_NFT &&
	       (!strcmp(c->name, "DOCKER") || begins(c->name, "DOCKER-") ||
		begins(c->name, "DOCKER_"));
}

/* docker0, docker_gwbridge, br- and 12 digits of the network's id. */
static bool is_bridge(const struct fact *f)
{
	const char *name = (const char *)f->value;

	if ((f->key != KEY_IIF && f->key != KEY_OIF) || f->op != FACT_MASKED)
		return false;
	if (!strncmp(name, "docker0", f->len) || !strncmp(name, "docker_gwbridge", f->len))
		return true;
	if (strncmp(name, "br-", 3))
		return false;
	for (int i = 3; i < 15; i++)
		if (!isxdigit((unsigned char)name[i]))
			return false;
	return !name[15];
}

static bool has_chain(const struct rs_table *t, const char *name)
{
	for (size_t i = 0; i < t->n_chains; i++)
		if (!strcmp(t->chains[i]->name, name))
			return true;
	return false;
}

/* A container that reaches its own published port: masqueraded where source and destination are one
 * address, beside Docker's chain. */
static bool is_hairpin(const struct fact_rule *r)
{
	const struct fact *from = NULL, *to = NULL, *port = NULL;

	for (unsigned int i = 0; i < r->n_facts; i++) {
		const struct fact *f = &r->facts[i];

		if (f->op != FACT_MASKED || f->inv)
			return false;
		from = f->key == KEY_SADDR ? f : from;
		to = f->key == KEY_DADDR ? f : to;
		port = f->key == KEY_DPORT ? f : port;
	}
	return r->act == ACT_MASQUERADE && from && to && port &&
	       !strcmp(r->chain->rs->name, "POSTROUTING") &&
	       !memcmp(from->value, to->value, sizeof(from->value)) &&
	       !memcmp(from->mask, to->mask, sizeof(from->mask)) &&
	       has_chain(r->chain->rs->table, "DOCKER");
}

static bool owns_rule(const struct fact_rule *r)
{
	if (r->chain->rs->table->backend == BACKEND_NFT)
		return false;
	for (unsigned int i = 0; i < r->n_facts; i++)
		if (is_bridge(&r->facts[i]))
			return true;
	return is_hairpin(r);
}

static bool bridge_words(const struct fact_rule *r, const char *gap, FILE *out)
{
	for (unsigned int i = 0; i < r->n_facts; i++)
		if (is_bridge(&r->facts[i])) {
			fprintf(out, "%s bridge %.16s", gap, (const char *)r->facts[i].value);
			return true;
		}
	return false;
}

static void words(const struct explain *x, const struct walk_step *s, FILE *out)
{
	const struct fact_rule *r = s->rule;
	const char *chain = r->chain->rs->name, *table = r->chain->rs->table->name;

	if (r->act == ACT_DNAT && !begins(chain, "DOCKER_")) {
		explain_published_port(x, r, out);
		if (!bridge_words(r, " on", out)) /* a bridge that people gave a name */
			explain_target_bridge(x, r, out);
	} else if (is_hairpin(r)) {
		fputs("a container to its own published port", out);
	} else if (begins(chain, "DOCKER_")) {
		fputs("a container to Docker's name server", out);
	} else if (!strcmp(chain, "DOCKER-USER")) {
		fputs("the administrator's rules, before Docker's own", out);
	} else if (begins(chain, "DOCKER-ISOLATION")) {
		fputs("networks kept apart", out);
	} else if (!strcmp(table, "raw") && r->verdict == VERDICT_DROP) {
		fputs("no way to containers past published ports", out);
	} else if (!strcmp(table, "filter") && !strcmp(chain, "DOCKER")) {
		fputs(r->verdict == VERDICT_DROP ? "port that is not published"
						 : "published port",
		      out);
		bridge_words(r, ",", out);
	} else if (r->act == ACT_MASQUERADE) {
		fputs("containers to outside", out);
		bridge_words(r, ",", out);
	}
}

const struct explainer explain_docker_iptables = {
	.name = "Docker",
	.mode = "iptables",
	.owns = owns,
	.owns_rule = owns_rule,
	.words = words,
};
