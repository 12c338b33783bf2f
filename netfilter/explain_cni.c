// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Plugins of CNI: portmap (chains CNI-HOSTPORT-, CNI-DN-, or the table cni_hostport) and the
 * masquerading of bridge and ptp (chains CNI- and 24 digits, or the table cni_plugins_masquerade).
 */
#include <ctype.h>
#include <string.h>

#include "netfilter/explainers.h"

static bool owns_portmap(const struct rs_chain *c)
{
	if (c->table->backend == BACKEND_NFT)
		return !strcmp(c->table->name, "cni_hostport");
	return !c->base && (begins(c->name, "CNI-HOSTPORT-") || begins(c->name, "CNI-DN-"));
}

/* dnat name: "NETWORK" id: "CONTAINER"; how a quoted word after `key` begins, *len long. */
static const char *quoted(const char *comment, const char *key, size_t *len)
{
	const char *at = comment ? strstr(comment, key) : NULL, *end;

	if (!at)
		return NULL;
	at += strlen(key);
	end = strchr(at, '"');
	if (!end)
		return NULL;
	*len = end - at;
	return at;
}

static void portmap_words(const struct explain *x, const struct walk_step *s, FILE *out)
{
	size_t net_len, id_len;
	const char *net = quoted(s->rule->comment, "dnat name: \"", &net_len);
	const char *id = quoted(s->rule->comment, "id: \"", &id_len);

	if (net && id)
		fprintf(out, "published port, network %.*s, container %.*s", (int)net_len, net,
			id_len > 12 ? 12 : (int)id_len, id);
	else if (s->rule->to && !strcmp(s->rule->to->rs->name, "CNI-HOSTPORT-SETMARK"))
		fputs("to be masqueraded", out);
	else if (s->rule->comment)
		fputs(s->rule->comment, out);
}

static bool owns_bridge(const struct rs_chain *c)
{
	size_t n = 4;

	if (c->table->backend == BACKEND_NFT)
		return !strcmp(c->table->name, "cni_plugins_masquerade");
	if (c->base || !begins(c->name, "CNI-"))
		return false;
	while (isxdigit((unsigned char)c->name[n]))
		n++;
	return n == 28 && !c->name[n];
}

static void bridge_words(const struct explain *x, const struct walk_step *s, FILE *out)
{
	if (s->rule->comment)
		fputs(s->rule->comment, out);
}

const struct explainer explain_cni_portmap = {
	.name = "CNI portmap",
	.owns = owns_portmap,
	.words = portmap_words,
};

const struct explainer explain_cni_bridge = {
	.name = "CNI bridge",
	.owns = owns_bridge,
	.words = bridge_words,
};
