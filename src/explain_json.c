// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <jansson.h>
#include <linux/netfilter.h>
#include <stdlib.h>
#include <string.h>

#include "src/escape.h"
#include "src/explain_host.h"
#include "src/explain_view.h"

static json_t *string_or_null(const char *s)
{
	char *repaired = s && *s ? utf8_repair(s) : NULL;
	json_t *j = repaired ? json_string(repaired) : json_null();

	free(repaired);
	return j;
}

/*
 * What one of the words_ functions writes: one stream for all of them, since there are hundreds of
 * thousands. Between said_begin() and said_end() nobody else may begin.
 */
static struct {
	FILE *f;
	char *text;
	size_t size;
} said;

static FILE *said_begin(void)
{
	if (!said.f)
		said.f = open_memstream(&said.text, &said.size);
	if (said.f)
		rewind(said.f);
	return said.f;
}

static json_t *said_end(void)
{
	if (fflush(said.f))
		return json_null();
	said.text[said.size] = 0; /* a longer one was there before */
	return string_or_null(said.text);
}

static void said_close(void)
{
	if (said.f)
		fclose(said.f);
	free(said.text);
}

static json_t *step_json(const struct walk_step *step, uint8_t family)
{

	if (!step->rule || !said_begin())
		return json_null();
	words_step(said.f, step, family);
	return said_end();
}

static json_t *facts_json(const struct explain_facts *l, uint8_t family)
{
	json_t *list = json_array();

	for (unsigned int i = 0; i < l->n && said_begin(); i++) {
		words_fact(said.f, &l->v[i], family);
		json_array_append_new(list, said_end());
	}
	return list;
}

static json_t *addr_json(bool has, uint8_t family, const uint8_t *addr, const uint8_t *mask)
{

	if (!has || !said_begin())
		return json_null();
	words_addr(said.f, family, addr, mask);
	return said_end();
}

static json_t *port_json(uint16_t port)
{
	return port ? json_integer(port) : json_null();
}

/* Chances are kept in 31 bits by the kernel. */
static json_t *share_json(double share)
{
	return json_real((long)(share * 1e6 + 0.5) / 1e6);
}

static json_t *endpoints_json(const struct explain_view *v, const struct explain_way *way)
{
	json_t *list = json_array();

	for (unsigned int i = 0; way && i < way->n_endpoints; i++) {
		const struct explain_endpoint *e = &way->endpoints[i];
		const char *name = v->host && e->has_addr
					   ? explain_host_name(v->host, e->family, e->addr)
					   : NULL;

		json_array_append_new(list,
				      json_pack("{s:o, s:o, s:o, s:o, s:o}", "address",
						addr_json(e->has_addr, e->family, e->addr, NULL),
						"port", port_json(e->port), "share",
						share_json(e->share), "name", string_or_null(name),
						"rule", step_json(&e->at, e->family)));
	}
	return list;
}

/* Why, in one sentence; null: no rule marks it for that. */
static json_t *masquerade_json(const struct explain_way *way, uint8_t family)
{

	if (!way || !way->n_masquerade || !said_begin())
		return json_null();
	for (unsigned int i = 0; i < way->n_masquerade; i++) {
		const struct explain_masquerade *m = &way->masquerade[i];

		fputs(i ? "; " : "", said.f);
		if (m->hairpin)
			fputs("client is the endpoint itself", said.f);
		else if (m->when.n)
			words_facts(said.f, &m->when, family);
		else
			fputs("always", said.f);
	}
	return said_end();
}

static json_t *ways_json(const struct explain_view *v, const struct explain_service *s)
{
	json_t *list = json_array();

	/* A single way for everybody is what stands in the service itself. */
	if (s->n_ways == 1 && !s->ways[0].when.n)
		return list;
	for (unsigned int i = 0; i < s->n_ways; i++)
		json_array_append_new(list, json_pack("{s:o, s:o, s:o}", "when",
						      facts_json(&s->ways[i].when, s->family),
						      "endpoints", endpoints_json(v, &s->ways[i]),
						      "masquerade",
						      masquerade_json(&s->ways[i], s->family)));
	return list;
}

static json_t *affinity_json(const struct explain_service *s)
{
	if (!s->affinity)
		return json_null();
	return json_pack("{s:o}", "seconds",
			 s->affinity_seconds ? json_integer(s->affinity_seconds) : json_null());
}

static json_t *ranges_json(const struct explain_service *s)
{
	json_t *list = json_array();

	for (unsigned int i = 0; i < s->ranges.n && said_begin(); i++) {
		const struct fact *f = &s->ranges.v[i];

		words_addr(said.f, s->family, f->value, f->op == FACT_MASKED ? f->mask : NULL);
		if (f->op == FACT_RANGE) {
			fputc('-', said.f);
			words_addr(said.f, s->family, f->mask, NULL);
		}
		json_array_append_new(list, said_end());
	}
	return list;
}

static json_t *service_json(const struct explain_view *v, const struct explain_service *s)
{
	const struct explain_way *way = explain_main_way(s);
	const char *proto = words_proto(s->proto);

	return json_pack(
		"{s:s, s:o, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:b, s:o, s:o}",
		"owner", s->owner->name, "name", string_or_null(s->name), "kind",
		explain_kind_name(s->kind), "family", s->family == NFPROTO_IPV6 ? "ip6" : "ip",
		"address", addr_json(s->has_addr, s->family, s->addr, s->addr_mask), "port",
		port_json(s->port), "port_max", port_json(s->port_max), "proto",
		proto || !s->proto ? string_or_null(proto) : json_sprintf("%u", s->proto),
		"endpoints", endpoints_json(v, way), "affinity", affinity_json(s), "source_ranges",
		ranges_json(s), "masquerade", masquerade_json(way, s->family), "rejected",
		string_or_null(s->rejected), "rejected_from_outside_only", s->only_external != NULL,
		"rule", step_json(&s->at, s->family), "ways", ways_json(v, s));
}

static json_t *owner_json(const struct explain *x, const struct explainer *e)
{
	struct owned_table *v = calloc(x->facts->rs->n_tables + 1, sizeof(*v));
	unsigned int n = v ? explain_owned(x, e, v) : 0;
	json_t *tables = n ? json_array() : NULL;

	for (unsigned int i = 0; i < n; i++)
		json_array_append_new(tables, json_pack("{s:s, s:s, s:o, s:i, s:i}", "backend",
							backend_name(v[i].table->backend), "family",
							family_name(v[i].table->family), "table",
							string_or_null(v[i].table->name), "chains",
							v[i].chains, "rules", v[i].rules));
	free(v);
	if (!tables)
		return NULL;
	return json_pack("{s:s, s:s?, s:o}", "name", e ? e->name : "administrator", "mode",
			 e ? e->mode : NULL, "tables", tables);
}

static json_t *owners_json(const struct explain *x)
{
	json_t *list = json_array(), *one;

	for (unsigned int i = 0; i <= n_explainers; i++) {
		one = owner_json(x, i < n_explainers ? explainers[i] : NULL);
		if (one)
			json_array_append_new(list, one);
	}
	return list;
}

static json_t *end_json(const struct explain_view *v, const struct flow_end *e)
{
	json_t *steps = json_array(), *to = json_null();

	for (unsigned int i = 0; i < e->n_path; i++) {
		const struct explainer *o =
			explain_owner(v->x, e->path[i].rule->chain, e->path[i].rule);
		json_t *words = json_null();

		if (o->words && said_begin()) {
			o->words(v->x, &e->path[i], said.f);
			words = said_end();
		}
		json_array_append_new(steps, json_pack("{s:o, s:s, s:o}", "rule",
						       step_json(&e->path[i], v->ask.family),
						       "owner", o->name, "words", words));
	}
	if (e->nat)
		to = json_pack("{s:o, s:o}", "address",
			       addr_json(e->to.has_addr, e->to.family, e->to.addr, NULL), "port",
			       port_json(e->to.port));
	return json_pack("{s:o, s:o, s:s, s:o, s:o}", "steps", steps, "when",
			 facts_json(&e->when, v->ask.family), "verdict", verdict_name(e->verdict),
			 "share", share_json(e->share), "nat", to);
}

static json_t *flow_json(const struct explain_view *v)
{
	json_t *hooks = json_array();

	for (unsigned int i = 0; v->flow && i < v->flow->n; i++) {
		const struct flow_hook *h = &v->flow->hooks[i];
		json_t *chains = json_array();

		for (unsigned int k = 0; k < h->n; k++) {
			const struct flow_part *p = &h->parts[k];
			const struct rs_chain *c = p->chain->rs;
			json_t *ends = json_array();

			for (unsigned int n = 0; n < p->n; n++)
				json_array_append_new(ends, end_json(v, &p->ends[n]));
			json_array_append_new(
				chains,
				json_pack("{s:s, s:o, s:o, s:i, s:s, s:o, s:i, s:b}", "backend",
					  backend_name(c->table->backend), "table",
					  string_or_null(c->table->name), "chain",
					  string_or_null(c->name), "priority", c->priority,
					  "policy", verdict_name(c->policy), "ends", ends,
					  "left_out", p->left_out, "ends_here", p->ends_here));
		}
		json_array_append_new(
			hooks, json_pack("{s:s, s:o, s:o, s:o}", "hook",
					 hook_name(NFPROTO_IPV4, h->hook), "address",
					 addr_json(h->to.has_addr, v->ask.family, h->to.addr, NULL),
					 "port", port_json(h->to.port), "chains", chains));
	}
	return hooks;
}

static void on_note(void *data, const char *sentence)
{
	json_array_append_new(data, string_or_null(sentence));
}

/* One value, which is given away; false: out of memory, or it cannot be written. */
static bool put(FILE *out, const char *before, json_t *j)
{
	/* In one piece: jansson writes to a FILE word by word. */
	char *text = j ? json_dumps(j, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
	bool done = text && fputs(before, out) >= 0 && fputs(text, out) >= 0;

	free(text);
	json_decref(j);
	return done;
}

/* Service by service: all of them at once would be a tree of millions of values. */
int explain_json(const struct explain_view *v, FILE *out)
{
	json_t *notes = json_array();
	bool done = put(out, "{\"schema\":1,\"owners\":", owners_json(v->x)) &&
		    fputs(",\"services\":[", out) >= 0;

	for (size_t i = 0; done && i < v->n_services; i++)
		done = put(out, i ? "," : "", service_json(v, v->services[i]));
	if (v->ask.kind == ASK_MAP)
		explain_notes(v->x, on_note, notes);
	done = done && put(out, "],\"flow\":", v->flow ? flow_json(v) : json_null());
	if (!done)
		json_decref(notes);
	done = done && put(out, ",\"notes\":", notes) && fputs("}\n", out) >= 0;
	said_close();
	if (!done && !ferror(out))
		return -ENOMEM;
	return fflush(out) || ferror(out) ? (errno ? -errno : -EIO) : 0;
}
