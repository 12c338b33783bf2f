// SPDX-License-Identifier: GPL-2.0-or-later
/* `nfpath explain` for people. Everything that comes from rules is escaped a line at a time. */
#include <errno.h>
#include <inttypes.h>
#include <linux/netfilter.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "src/escape.h"
#include "src/explain_host.h"
#include "src/explain_text.h"
#include "src/explain_view.h"

/* --- lines: written raw into memory, then escaped --- */

void etext_begin(struct etext *t)
{
	if (!t->raw)
		t->raw = open_memstream(&t->line, &t->size);
	if (t->raw)
		rewind(t->raw);
	else
		t->failed = true;
}

void etext_end(struct etext *t)
{
	if (!t->raw || fflush(t->raw)) {
		t->failed = true;
		return;
	}
	t->line[t->size] = 0; /* a longer one was there before */
	escape_write(t->out, t->line);
	fputc('\n', t->out);
}

void etext_line(struct etext *t, const char *fmt, ...)
{
	va_list ap;

	etext_begin(t);
	if (t->raw) {
		va_start(ap, fmt);
		vfprintf(t->raw, fmt, ap);
		va_end(ap);
	}
	etext_end(t);
}

/* --- owners --- */

static const char *backend_words(const struct rs_table *t)
{
	return t->backend == BACKEND_NFT	    ? ""
	       : t->backend == BACKEND_IPTABLES_NFT ? " (iptables-nft)"
						    : " (iptables-legacy)";
}

static void one_owner(struct etext *t, const struct explain *x, const struct explainer *e)
{
	struct owned_table *v = calloc(x->facts->rs->n_tables + 1, sizeof(*v));
	unsigned int n = v ? explain_owned(x, e, v) : 0;

	t->failed |= !v;
	for (unsigned int i = 0; i < n; i++)
		etext_line(t, "  %-24s %s %s%s: %u chain%s, %u rule%s",
			   i	? ""
			   : !e ? "administrator"
			   : e->mode
				   ? (snprintf(t->buf, sizeof(t->buf), "%s (%s)", e->name, e->mode),
				      t->buf)
				   : e->name,
			   family_name(v[i].table->family), v[i].table->name,
			   backend_words(v[i].table), v[i].chains, v[i].chains == 1 ? "" : "s",
			   v[i].rules, v[i].rules == 1 ? "" : "s");
	free(v);
}

static void on_note(void *data, const char *sentence)
{
	struct etext *t = data;

	if (!t->notes++)
		fputs("\nnotes\n", t->out);
	etext_line(t, "  %s", sentence);
}

static void map_head(struct etext *t, const struct explain_view *v)
{
	const struct ruleset *rs = v->x->facts->rs;

	fputs("owners\n", t->out);
	for (unsigned int i = 0; i < n_explainers; i++)
		one_owner(t, v->x, explainers[i]);
	one_owner(t, v->x, NULL);
	fputs("\nhooks, in the order of their chains\n", t->out);
	for (unsigned int hook = 0; hook < NF_INET_NUMHOOKS; hook++)
		for (int32_t last = INT32_MIN, next;; last = next) {
			bool any = false;

			next = INT32_MAX;
			for (size_t i = 0; i < rs->n_base; i++)
				if (rs->base[i]->hook == hook && rs->base[i]->priority > last &&
				    rs->base[i]->table->family <= NFPROTO_IPV6 &&
				    rs->base[i]->priority <= next) {
					next = rs->base[i]->priority;
					any = true;
				}
			for (size_t i = 0; any && i < rs->n_base; i++) {
				const struct rs_chain *c = rs->base[i];

				if (c->hook != hook || c->priority != next ||
				    c->table->family > NFPROTO_IPV6 ||
				    c->table->family == NFPROTO_ARP)
					continue;
				etext_line(t, "  %-12s %5d  %s %s:%s%s, policy %s, %u rule%s",
					   hook_name(c->table->family, c->hook), c->priority,
					   family_name(c->table->family), c->table->name, c->name,
					   backend_words(c->table), verdict_name(c->policy),
					   c->n_rules, c->n_rules == 1 ? "" : "s");
			}
			if (!any)
				break;
		}
	explain_notes(v->x, on_note, t);
}

/* --- services --- */

static void port_words(FILE *out, uint16_t min, uint16_t max)
{
	if (min)
		fprintf(out, ":%u", min);
	if (min != max)
		fprintf(out, "-%u", max);
}

static void addr_words(FILE *out, uint8_t family, const uint8_t *addr, const uint8_t *mask,
		       bool port)
{
	bool brackets = family == NFPROTO_IPV6 && port;

	fputs(brackets ? "[" : "", out);
	words_addr(out, family, addr, mask);
	fputs(brackets ? "]" : "", out);
}

static void service_addr(FILE *out, const struct explain_service *s)
{
	const char *proto = words_proto(s->proto);

	if (s->has_addr)
		addr_words(out, s->family, s->addr, s->addr_mask, s->port != 0);
	else
		fputs(s->family == NFPROTO_IPV6 ? "[*]" : "*", out);
	port_words(out, s->port, s->port_max);
	if (proto)
		fprintf(out, "/%s", proto);
	else if (s->proto)
		fprintf(out, "/%u", s->proto);
}

void etext_endpoint(FILE *out, const struct explain_endpoint *e)
{
	if (e->has_addr)
		addr_words(out, e->family, e->addr, NULL, e->port != 0);
	else
		fputs("this host", out);
	if (e->has_addr && memcmp(e->addr, e->addr_max, sizeof(e->addr))) {
		fputc('-', out);
		words_addr(out, e->family, e->addr_max, NULL);
	}
	port_words(out, e->port, e->port_max);
}

static void endpoint_line(struct etext *t, const struct explain_view *v,
			  const struct explain_service *s, const struct explain_endpoint *e)
{
	const char *name =
		v->host && e->has_addr ? explain_host_name(v->host, e->family, e->addr) : NULL;

	etext_begin(t);
	if (t->raw) {
		fputs("      ", t->raw);
		etext_endpoint(t->raw, e);
		fprintf(t->raw, "   %.3g %%", 100 * e->share);
		if (name)
			fprintf(t->raw, "   %s", name);
		if (v->ask.kind != ASK_MAP) {
			fputs("   by ", t->raw);
			words_step(t->raw, &e->at, s->family);
		}
	}
	etext_end(t);
}

static void masquerade_lines(struct etext *t, const struct explain_view *v,
			     const struct explain_service *s, const struct explain_way *way)
{
	for (unsigned int i = 0; i < way->n_masquerade; i++) {
		const struct explain_masquerade *m = &way->masquerade[i];
		const struct walk_step at = {.rule = m->rule};

		etext_begin(t);
		if (t->raw) {
			fputs("      masqueraded", t->raw);
			if (m->hairpin)
				fputs(" if the client is the endpoint itself", t->raw);
			else if (m->when.n)
				fputs(" if ", t->raw);
			if (!m->hairpin)
				words_facts(t->raw, &m->when, s->family);
			if (v->ask.kind != ASK_MAP) {
				fputs("   marked by ", t->raw);
				words_step(t->raw, &at, s->family);
			}
		}
		etext_end(t);
	}
	if (!way->n_masquerade && way->n_endpoints && v->ask.kind != ASK_MAP)
		etext_line(
			t,
			"      not masqueraded by a mark: the endpoint sees the client's address");
}

static void one_service(struct etext *t, const struct explain_view *v,
			const struct explain_service *s)
{
	etext_begin(t);
	if (t->raw) {
		fputs("  ", t->raw);
		service_addr(t->raw, s);
		fprintf(t->raw, "   %s: %s%s%s", s->owner->name, s->name ? s->name : "",
			s->name ? " " : "", explain_kind_name(s->kind));
		if (v->ask.kind != ASK_MAP && s->at.rule) {
			fputs("   by ", t->raw);
			words_step(t->raw, &s->at, s->family);
		}
	}
	etext_end(t);
	if (s->rejected) {
		etext_begin(t);
		if (t->raw) {
			fprintf(t->raw, "    refused%s: %s",
				s->only_external ? " from outside" : "", s->rejected);
			if (s->refusal.rule) {
				fputs("   by ", t->raw);
				words_step(t->raw, &s->refusal, s->family);
			}
		}
		etext_end(t);
	}
	if (s->ranges.n) {
		etext_begin(t);
		if (t->raw) {
			fputs("    only from: ", t->raw);
			words_facts(t->raw, &s->ranges, s->family);
		}
		etext_end(t);
	}
	if (s->affinity && s->affinity_seconds)
		etext_line(t, "    a client keeps its endpoint for %u s", s->affinity_seconds);
	else if (s->affinity)
		etext_line(t, "    a client keeps its endpoint");
	for (unsigned int i = 0; i < s->n_ways; i++) {
		const struct explain_way *way = &s->ways[i];

		if (way->when.n) {
			etext_begin(t);
			if (t->raw) {
				fputs("    if ", t->raw);
				words_facts(t->raw, &way->when, s->family);
			}
			etext_end(t);
		} else if (s->n_ways > 1) {
			etext_line(t, "    otherwise");
		}
		for (unsigned int k = 0; k < way->n_endpoints; k++)
			endpoint_line(t, v, s, &way->endpoints[k]);
		masquerade_lines(t, v, s, way);
	}
}

int explain_text(const struct explain_view *v, FILE *out)
{
	struct etext t = {.out = out, .v = v};

	if (v->ask.kind == ASK_MAP) {
		map_head(&t, v);
		fputs(v->n_services ? "\nservices\n" : "\nservices: none\n", out);
	} else if (!v->n_services && v->ask.kind == ASK_ADDR) {
		etext_line(&t, "%s: no rule sends it to another address", v->ask.text);
	} else if (v->ask.kind == ASK_CHAIN) {
		etext_chains(&t);
		if (v->n_services)
			fputs("services on a way through it\n", out);
	}
	for (size_t i = 0; i < v->n_services; i++)
		one_service(&t, v, v->services[i]);
	if (v->flow)
		etext_flow(&t);
	if (t.raw)
		fclose(t.raw);
	free(t.line);
	if (t.failed)
		return -ENOMEM;
	return fflush(out) || ferror(out) ? (errno ? -errno : -EIO) : 0;
}
