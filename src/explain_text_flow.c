// SPDX-License-Identifier: GPL-2.0-or-later
/* Rules one below the other: those of a packet's way, and those of a chain. */
#include <linux/netfilter.h>
#include <stdlib.h>
#include <string.h>

#include "src/explain_text.h"
#include "src/explain_view.h"

/* What a rule does, in the words of its text: "jump KUBE-SERVICES", "DNAT to 10.0.1.12:8081". */
static void doing(FILE *out, const struct walk_step *s)
{
	static const char *const acts[] = {
		[ACT_DNAT] = "DNAT",
		[ACT_SNAT] = "SNAT",
		[ACT_MASQUERADE] = "masquerade",
		[ACT_REDIRECT] = "redirect",
		[ACT_REJECT] = "reject",
		[ACT_TPROXY] = "tproxy",
	};
	const struct fact_rule *r = s->rule;
	const struct fact_chain *to = s->elem ? s->elem->to : r->to;
	enum verdict verdict = s->elem && r->vmap ? s->elem->verdict : r->verdict;

	if (r->marks)
		fprintf(out, "mark 0x%x/0x%x%s", r->mark_value, r->mark_mask | r->mark_value,
			verdict == VERDICT_CONTINUE ? "" : ", ");
	if (r->act < sizeof(acts) / sizeof(acts[0]) && acts[r->act])
		fputs(acts[r->act], out);
	else if (r->vmap && !s->elem)
		fprintf(out, "vmap %s", r->vmap->name);
	else if (to)
		fprintf(out, "%s %s", verdict_name(verdict), to->rs->name);
	else if (r->act == ACT_OTHER && r->what)
		fputs(r->what, out);
	else if (verdict != VERDICT_CONTINUE)
		fputs(verdict_name(verdict), out);
	else if (!r->marks)
		fputs("-", out);
}

static void step_line(struct etext *t, const struct walk_step *s, const struct explain_endpoint *to,
		      const struct explain_facts *when)
{
	const struct explain *x = t->v->x;
	const struct explainer *e = explain_owner(x, s->rule->chain, s->rule);
	uint8_t family = s->rule->chain->rs->table->family;
	char *words = NULL;
	size_t size;
	FILE *f;

	family = family == NFPROTO_IPV6 || t->v->ask.family == NFPROTO_IPV6 ? NFPROTO_IPV6
									    : NFPROTO_IPV4;
	etext_begin(t);
	f = open_memstream(&words, &size);
	if (f && t->raw) {
		if (e->words)
			e->words(x, s, f);
		fclose(f);
		fputs("    ", t->raw);
		words_step(t->raw, s, family);
		fputs("   ", t->raw);
		doing(t->raw, s);
		if (to) {
			fputs(" to ", t->raw);
			etext_endpoint(t->raw, to);
		}
		if (when && when->n) {
			fputs("   if ", t->raw);
			words_facts(t->raw, when, family);
		}
		if (*words || e->owns)
			fprintf(t->raw, "   # %s%s%s", e->name, *words ? ": " : "", words);
	}
	free(words);
	etext_end(t);
}

/* Only what the way before did not show already. */
static void end_lines(struct etext *t, const struct flow_end *e, const struct flow_end *before)
{
	unsigned int same = 0;
	bool last;

	while (before && same < before->n_path && same + 1 < e->n_path &&
	       before->path[same].rule == e->path[same].rule &&
	       before->path[same].elem == e->path[same].elem)
		same++;
	for (unsigned int i = same; i < e->n_path; i++) {
		last = i + 1 == e->n_path;
		step_line(t, &e->path[i], last && e->nat ? &e->to : NULL, last ? &e->when : NULL);
	}
}

static void part_lines(struct etext *t, const struct flow_part *p)
{
	const struct rs_chain *c = p->chain->rs;

	for (unsigned int i = 0; i < p->n; i++)
		end_lines(t, &p->ends[i], i ? &p->ends[i - 1] : NULL);
	if (p->left_out)
		etext_line(t, "    … and %u more", p->left_out);
	if (c->policy == VERDICT_DROP)
		etext_line(t, "    %s%s%s:%s:policy   drop   what comes to the end of this chain",
			   c->table->backend == BACKEND_NFT ? family_name(c->table->family) : "",
			   c->table->backend == BACKEND_NFT ? " " : "", c->table->name, c->name);
}

static bool same_hook(const struct flow_hook *a, const struct flow_hook *b)
{
	if (a->hook != b->hook || a->n != b->n || a->local != b->local)
		return false;
	for (unsigned int i = 0; i < a->n; i++) {
		const struct flow_part *p = &a->parts[i], *q = &b->parts[i];

		if (p->chain != q->chain || p->n != q->n)
			return false;
		for (unsigned int k = 0; k < p->n; k++)
			if (p->ends[k].n_path != q->ends[k].n_path ||
			    p->ends[k].when.n != q->ends[k].when.n ||
			    memcmp(p->ends[k].path, q->ends[k].path,
				   p->ends[k].n_path * sizeof(p->ends[k].path[0])) ||
			    (p->ends[k].when.n &&
			     memcmp(p->ends[k].when.v, q->ends[k].when.v,
				    p->ends[k].when.n * sizeof(p->ends[k].when.v[0]))))
				return false;
	}
	return true;
}

static void hook_lines(struct etext *t, const struct flow *f, unsigned int index)
{
	const struct flow_hook *h = &f->hooks[index];
	unsigned int n = 0;
	bool ends = false;

	for (unsigned int i = 0; i < index; i++)
		if (same_hook(h, &f->hooks[i]))
			return; /* said already, of another endpoint */
	for (unsigned int i = 0; i < h->n; i++)
		n += h->parts[i].n + (h->parts[i].chain->rs->policy == VERDICT_DROP);
	if (!n)
		return;
	etext_begin(t);
	if (t->raw) {
		fprintf(t->raw, "  %s, to ", hook_name(NFPROTO_IPV4, h->hook));
		etext_endpoint(t->raw, &h->to);
		for (unsigned int i = index + 1; i < f->n; i++)
			if (same_hook(h, &f->hooks[i])) {
				fputs(", ", t->raw);
				etext_endpoint(t->raw, &f->hooks[i].to);
			}
		if (h->local == LOCAL_UNKNOWN && h->hook == NF_INET_LOCAL_IN)
			fputs(" (if that is an address of the host)", t->raw);
		if (h->hook == NF_INET_LOCAL_OUT)
			fputs(" (if this host sends it)", t->raw);
	}
	etext_end(t);
	for (unsigned int i = 0; i < h->n; i++) {
		part_lines(t, &h->parts[i]);
		ends |= h->parts[i].ends_here;
	}
	if (ends)
		fputs("    no packet gets further\n", t->out);
}

void etext_flow(struct etext *t)
{
	const struct flow *f = t->v->flow;

	for (unsigned int i = 0; i < f->n; i++)
		hook_lines(t, f, i);
	if (f->endpoints_left_out)
		etext_line(t, "  … and to %u more endpoints", f->endpoints_left_out);
	if (f->cut)
		etext_line(t, "  there are more ways through these chains than were followed");
}

static void one_chain(struct etext *t, const struct fact_chain *c)
{
	const struct explainer *e = explain_chain_owner(c);
	const struct facts *f = t->v->x->facts;

	etext_line(t, "chain %s of table %s %s%s%s", c->rs->name, family_name(c->rs->table->family),
		   c->rs->table->name,
		   e		 ? ", made by "
		   : c->rs->base ? ", at a hook"
				 : ", nobody's that is known",
		   e ? e->name : "");
	for (size_t i = 0; i < f->n_chains; i++)
		for (uint32_t k = 0; k < f->chains[i].n_known; k++) {
			struct walk_step s = {.rule = &f->chains[i].rules[k]};

			if (s.rule->to == c)
				step_line(t, &s, NULL, NULL);
			for (size_t n = 0; s.rule->vmap && n < s.rule->vmap->n; n++)
				if (s.rule->vmap->elems[n].to == c) {
					s.elem = &s.rule->vmap->elems[n];
					step_line(t, &s, NULL, NULL);
				}
		}
	fputs("  its rules\n", t->out);
	for (uint32_t i = 0; i < c->n_known; i++) {
		const struct explain_facts when = {(struct fact *)c->rules[i].facts,
						   c->rules[i].n_facts};
		const struct walk_step s = {.rule = &c->rules[i]};

		step_line(t, &s, NULL, &when);
	}
}

void etext_chains(struct etext *t)
{
	const struct facts *f = t->v->x->facts;

	for (size_t i = 0; i < f->n_chains; i++)
		if (!strcmp(f->chains[i].rs->name, t->v->ask.text))
			one_chain(t, &f->chains[i]);
}
