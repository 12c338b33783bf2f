// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <linux/netfilter.h>
#include <stdlib.h>
#include <string.h>

#include "src/explain_host.h"
#include "src/explain_view.h"
#include "src/render_json_out.h"

/* What it is written from and to. */
struct json {
	const struct explain_view *v;
	struct bytes_out o;
	FILE *to;
	/* What one of the words_ functions writes: one stream for all of them, since there are
	 * hundreds of thousands. Between words_begin() and add_words() nobody else may begin. */
	FILE *words;
	char *text;
	size_t size;
};

static FILE *words_begin(struct json *j)
{
	if (!j->words)
		j->words = open_memstream(&j->text, &j->size);
	if (!j->words)
		j->o.failed = true;
	else
		rewind(j->words);
	return j->words;
}

/* Nothing is null. */
static void add_some(struct bytes_out *o, const char *s)
{
	add_str(o, s && *s ? s : NULL);
}

static void add_words(struct json *j)
{
	if (fflush(j->words)) {
		j->o.failed = true;
		return;
	}
	j->text[j->size] = 0; /* a longer one was there before */
	add_some(&j->o, j->text);
}

static void put_some(struct bytes_out *o, const char *key, const char *s)
{
	put_key(o, key);
	add_some(o, s);
}

static void open_list(struct bytes_out *o, const char *key)
{
	put_key(o, key);
	bytes_char(o, '[');
}

/* Before each element. */
static void next(struct bytes_out *o)
{
	if (o->len && o->data[o->len - 1] != '[')
		bytes_char(o, ',');
}

static void close_list(struct bytes_out *o)
{
	bytes_char(o, ']');
}

static void put_step(struct json *j, const struct walk_step *step, uint8_t family)
{
	put_key(&j->o, "rule");
	if (!step->rule || !words_begin(j)) {
		add_null(&j->o);
		return;
	}
	words_step(j->words, step, family);
	add_words(j);
}

static void put_facts(struct json *j, const char *key, const struct explain_facts *l,
		      uint8_t family)
{
	open_list(&j->o, key);
	for (unsigned int i = 0; i < l->n && words_begin(j); i++) {
		next(&j->o);
		words_fact(j->words, &l->v[i], family);
		add_words(j);
	}
	close_list(&j->o);
}

static void put_address(struct json *j, bool has, uint8_t family, const uint8_t *addr,
			const uint8_t *mask)
{
	put_key(&j->o, "address");
	if (!has || !words_begin(j)) {
		add_null(&j->o);
		return;
	}
	words_addr(j->words, family, addr, mask);
	add_words(j);
}

static void put_port(struct bytes_out *o, const char *key, uint16_t port)
{
	put_int(o, key, port, port);
}

/* Chances are kept in 31 bits by the kernel: six digits. */
static void put_share(struct bytes_out *o, double share)
{
	uint64_t micro = (uint64_t)(share * 1e6 + 0.5), rest = micro % 1000000;
	unsigned int digits = 6;

	for (; digits > 1 && rest % 10 == 0; digits--)
		rest /= 10;
	put_key(o, "share");
	bytes_number(o, micro / 1000000, 1);
	bytes_char(o, '.');
	bytes_number(o, rest, digits);
}

static void put_endpoints(struct json *j, const struct explain_way *way)
{
	open_list(&j->o, "endpoints");
	for (unsigned int i = 0; way && i < way->n_endpoints; i++) {
		const struct explain_endpoint *e = &way->endpoints[i];

		next(&j->o);
		open_object(&j->o);
		put_address(j, e->has_addr, e->family, e->addr, NULL);
		put_port(&j->o, "port", e->port);
		put_share(&j->o, e->share);
		put_some(&j->o, "name",
			 j->v->host && e->has_addr
				 ? explain_host_name(j->v->host, e->family, e->addr)
				 : NULL);
		put_step(j, &e->at, e->family);
		close_object(&j->o);
	}
	close_list(&j->o);
}

/* Why, in one sentence; null: no rule marks it for that. */
static void put_masquerade(struct json *j, const struct explain_way *way, uint8_t family)
{
	put_key(&j->o, "masquerade");
	if (!way || !way->n_masquerade || !words_begin(j)) {
		add_null(&j->o);
		return;
	}
	for (unsigned int i = 0; i < way->n_masquerade; i++) {
		const struct explain_masquerade *m = &way->masquerade[i];

		fputs(i ? "; " : "", j->words);
		if (m->hairpin)
			fputs("client is the endpoint itself", j->words);
		else if (m->when.n)
			words_facts(j->words, &m->when, family);
		else
			fputs("always", j->words);
	}
	add_words(j);
}

static void put_ways(struct json *j, const struct explain_service *s)
{
	/* A single way for everybody is what stands in the service itself. */
	bool single = s->n_ways == 1 && !s->ways[0].when.n;

	open_list(&j->o, "ways");
	for (unsigned int i = 0; !single && i < s->n_ways; i++) {
		next(&j->o);
		open_object(&j->o);
		put_facts(j, "when", &s->ways[i].when, s->family);
		put_endpoints(j, &s->ways[i]);
		put_masquerade(j, &s->ways[i], s->family);
		close_object(&j->o);
	}
	close_list(&j->o);
}

static void put_affinity(struct bytes_out *o, const struct explain_service *s)
{
	put_key(o, "affinity");
	if (!s->affinity) {
		add_null(o);
		return;
	}
	open_object(o);
	put_int(o, "seconds", s->affinity_seconds, s->affinity_seconds);
	close_object(o);
}

static void put_ranges(struct json *j, const struct explain_service *s)
{
	open_list(&j->o, "source_ranges");
	for (unsigned int i = 0; i < s->ranges.n && words_begin(j); i++) {
		const struct fact *f = &s->ranges.v[i];

		next(&j->o);
		words_addr(j->words, s->family, f->value, f->op == FACT_MASKED ? f->mask : NULL);
		if (f->op == FACT_RANGE) {
			fputc('-', j->words);
			words_addr(j->words, s->family, f->mask, NULL);
		}
		add_words(j);
	}
	close_list(&j->o);
}

static void put_service_proto(struct bytes_out *o, uint8_t proto)
{
	char number[8];

	snprintf(number, sizeof(number), "%u", proto);
	put_some(o, "proto", words_proto(proto) ?: proto ? number : NULL);
}

static void add_service(struct json *j, const struct explain_service *s)
{
	const struct explain_way *way = explain_main_way(s);
	struct bytes_out *o = &j->o;

	open_object(o);
	put_str(o, "owner", s->owner->name);
	put_some(o, "name", s->name);
	put_str(o, "kind", explain_kind_name(s->kind));
	put_str(o, "family", s->family == NFPROTO_IPV6 ? "ip6" : "ip");
	put_address(j, s->has_addr, s->family, s->addr, s->addr_mask);
	put_port(o, "port", s->port);
	put_port(o, "port_max", s->port_max);
	put_service_proto(o, s->proto);
	put_endpoints(j, way);
	put_affinity(o, s);
	put_ranges(j, s);
	put_masquerade(j, way, s->family);
	put_some(o, "rejected", s->rejected);
	put_bool(o, "rejected_from_outside_only", s->only_external != NULL);
	put_step(j, &s->at, s->family);
	put_ways(j, s);
	close_object(o);
}

/* e NULL: the administrator. Who has nothing is left out. */
static void add_owner(struct json *j, const struct explainer *e)
{
	const struct explain *x = j->v->x;
	struct owned_table *v = calloc(x->facts->rs->n_tables + 1, sizeof(*v));
	unsigned int n = v ? explain_owned(x, e, v) : 0;
	struct bytes_out *o = &j->o;

	o->failed |= !v;
	if (n) {
		next(o);
		open_object(o);
		put_str(o, "name", e ? e->name : "administrator");
		put_str(o, "mode", e ? e->mode : NULL);
		open_list(o, "tables");
	}
	for (unsigned int i = 0; i < n; i++) {
		next(o);
		open_object(o);
		put_str(o, "backend", backend_name(v[i].table->backend));
		put_str(o, "family", family_name(v[i].table->family));
		put_some(o, "table", v[i].table->name);
		put_int(o, "chains", true, v[i].chains);
		put_int(o, "rules", true, v[i].rules);
		close_object(o);
	}
	if (n) {
		close_list(o);
		close_object(o);
	}
	free(v);
}

/* --- one packet's way --- */

static void put_steps(struct json *j, const struct flow_end *e)
{
	open_list(&j->o, "steps");
	for (unsigned int i = 0; i < e->n_path; i++) {
		const struct explainer *owner =
			explain_owner(j->v->x, e->path[i].rule->chain, e->path[i].rule);

		next(&j->o);
		open_object(&j->o);
		put_step(j, &e->path[i], j->v->ask.family);
		put_str(&j->o, "owner", owner->name);
		put_key(&j->o, "words");
		if (owner->words && words_begin(j)) {
			owner->words(j->v->x, &e->path[i], j->words);
			add_words(j);
		} else {
			add_null(&j->o);
		}
		close_object(&j->o);
	}
	close_list(&j->o);
}

static void add_end(struct json *j, const struct flow_end *e)
{
	open_object(&j->o);
	put_steps(j, e);
	put_facts(j, "when", &e->when, j->v->ask.family);
	put_str(&j->o, "verdict", verdict_name(e->verdict));
	put_share(&j->o, e->share);
	put_key(&j->o, "nat");
	if (e->nat) {
		open_object(&j->o);
		put_address(j, e->to.has_addr, e->to.family, e->to.addr, NULL);
		put_port(&j->o, "port", e->to.port);
		close_object(&j->o);
	} else {
		add_null(&j->o);
	}
	close_object(&j->o);
}

static void add_part(struct json *j, const struct flow_part *p)
{
	const struct rs_chain *c = p->chain->rs;
	struct bytes_out *o = &j->o;

	open_object(o);
	put_str(o, "backend", backend_name(c->table->backend));
	put_some(o, "table", c->table->name);
	put_some(o, "chain", c->name);
	put_int(o, "priority", true, c->priority);
	put_str(o, "policy", verdict_name(c->policy));
	open_list(o, "ends");
	for (unsigned int i = 0; i < p->n; i++) {
		next(o);
		add_end(j, &p->ends[i]);
	}
	close_list(o);
	put_int(o, "left_out", true, p->left_out);
	put_bool(o, "ends_here", p->ends_here);
	close_object(o);
}

static void add_flow(struct json *j)
{
	const struct flow *flow = j->v->flow;

	bytes_char(&j->o, '[');
	for (unsigned int i = 0; i < flow->n; i++) {
		const struct flow_hook *h = &flow->hooks[i];

		next(&j->o);
		open_object(&j->o);
		put_str(&j->o, "hook", hook_name(NFPROTO_IPV4, h->hook));
		put_address(j, h->to.has_addr, j->v->ask.family, h->to.addr, NULL);
		put_port(&j->o, "port", h->to.port);
		open_list(&j->o, "chains");
		for (unsigned int k = 0; k < h->n; k++) {
			next(&j->o);
			add_part(j, &h->parts[k]);
		}
		close_list(&j->o);
		close_object(&j->o);
	}
	close_list(&j->o);
}

/* --- the whole --- */

static void on_note(void *data, const char *sentence)
{
	struct bytes_out *o = data;

	next(o);
	add_some(o, sentence);
}

/* What there is so far; all services at once would be tens of megabytes. */
static void write_out(struct json *j, size_t when)
{
	if (j->o.failed || j->o.len < when)
		return;
	fwrite(j->o.data, 1, j->o.len, j->to);
	j->o.len = 0;
}

static void write_services(struct json *j)
{
	enum { PIECE = 1 << 16 };

	bytes_str(&j->o, ",\"services\":[");
	for (size_t i = 0; i < j->v->n_services && !j->o.failed && !ferror(j->to); i++) {
		bytes_str(&j->o, i ? "," : "");
		add_service(j, j->v->services[i]);
		write_out(j, PIECE);
	}
	bytes_str(&j->o, "],\"flow\":");
}

int explain_json(const struct explain_view *v, FILE *out)
{
	struct json j = {.v = v, .to = out};
	bool failed;

	bytes_str(&j.o, "{\"schema\":1,\"owners\":[");
	for (unsigned int i = 0; i <= n_explainers; i++)
		add_owner(&j, i < n_explainers ? explainers[i] : NULL);
	close_list(&j.o);
	write_services(&j);
	if (v->flow)
		add_flow(&j);
	else
		add_null(&j.o);
	bytes_str(&j.o, ",\"notes\":[");
	if (v->ask.kind == ASK_MAP)
		explain_notes(v->x, on_note, &j.o);
	bytes_str(&j.o, "]}\n");
	write_out(&j, 0);
	failed = j.o.failed;
	bytes_free(&j.o);
	if (j.words)
		fclose(j.words);
	free(j.text);
	if (failed && !ferror(out))
		return -ENOMEM;
	return fflush(out) || ferror(out) ? (errno ? -errno : -EIO) : 0;
}
