// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * firewalld: the table inet firewalld, chains of each zone: filter_IN_ZONE with _pre, _log, _deny,
 * _allow and _post. Its base chains come after those of iptables at the same hook: a drop of
 * iptables comes first, and an accept of iptables is not the last word.
 */
#include <arpa/inet.h>
#include <netdb.h>
#include <string.h>

#include "netfilter/explainers.h"

static bool owns(const struct rs_chain *c)
{
	return !strcmp(c->table->name, "firewalld") && c->table->backend == BACKEND_NFT;
}

/* One port that is let in, by the name that it has in /etc/services: firewalld's rules have none. */
static bool service_words(const struct fact_rule *r, FILE *out)
{
	const struct fact *port = NULL, *proto = NULL;
	const struct servent *known;
	uint16_t number;

	for (unsigned int i = 0; i < r->n_facts; i++) {
		const struct fact *f = &r->facts[i];

		if (f->op != FACT_MASKED || f->inv)
			continue;
		port = f->key == KEY_DPORT ? f : port;
		proto = f->key == KEY_PROTO ? f : proto;
	}
	if (r->verdict != VERDICT_ACCEPT || !port || !proto || !words_proto(proto->value[0]))
		return false;
	memcpy(&number, port->value, sizeof(number));
	known = getservbyport(number, words_proto(proto->value[0]));
	if (known)
		fprintf(out, "service %s", known->s_name);
	else
		fprintf(out, "port %u/%s", ntohs(number), words_proto(proto->value[0]));
	return true;
}

static void words(const struct explain *x, const struct walk_step *s, FILE *out)
{
	static const char *const kinds[] = {"filter_IN_", "filter_FWD_",  "filter_OUT_",
					    "nat_PRE_",	  "nat_POST_",	  "mangle_PRE_",
					    "raw_PRE_",	  "filter_FWDI_", "filter_FWDO_"};
	static const char *const parts[] = {"_pre", "_log", "_deny", "_allow", "_post"};
	const char *chain = s->rule->chain->rs->name, *zone = NULL;
	size_t len, tail;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (begins(chain, kinds[i]))
			zone = chain + strlen(kinds[i]);
	if (!zone || begins(zone, "policy_")) {
		if (zone)
			fprintf(out, "policy %s", zone + strlen("policy_"));
		return;
	}
	len = strlen(zone);
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		tail = strlen(parts[i]);
		if (len > tail && !strcmp(zone + len - tail, parts[i])) {
			fprintf(out, "zone %.*s, ", (int)(len - tail), zone);
			if (!service_words(s->rule, out))
				fputs(parts[i] + 1, out);
			return;
		}
	}
	fprintf(out, "zone %s", zone);
}

const struct explainer explain_firewalld = {.name = "firewalld", .owns = owns, .words = words};
