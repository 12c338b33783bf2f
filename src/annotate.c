// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/annotate.h"

#include <string.h>

#include "src/advice.h"
#include "src/packet.h"
#include "src/resolve.h"

static void add_text(const struct path *p, struct step *s, const struct view *views,
		     const struct path_rules *rules)
{
	const struct rs_chain *c = resolve_chain(p, s, rules);
	const struct rule_text *t;

	if (s->type != STEP_RULE || !c || !s->rule.number || s->rule.no_text)
		return;
	t = rule_text(rules_texts(views[s->ns].rules), resolve_answer(p, s, rules)->rs[0], c,
		      s->rule.number);
	s->rule.text = t->text;
	s->rule.comment = t->comment;
	s->rule.action = t->action;
	s->rule.brief = t->brief;
	s->rule.no_text = t->text ? NULL : t->why;
	/* An extension target's name is its action; a target is a chain. */
	if (s->backend == BACKEND_IPTABLES_LEGACY && s->verdict != VERDICT_JUMP &&
	    s->verdict != VERDICT_GOTO)
		s->rule.target = NULL;
}

static void add_fix(struct path *p)
{
	const struct step *s = p->decided_by >= 0 ? &p->steps[p->decided_by] : NULL;
	char source[64];

	if (!s || s->type != STEP_RP_FILTER || s->rpf.pass || !s->rpf.iif)
		return;
	addr_text(source, sizeof(source), p->packet.family, p->packet.src.addr);
	/* The larger of all and DEV counts, so loose on the device is the smallest change; it helps
	 * only where some route leads back. */
	if (s->rpf.reverse_dev || !s->rpf.looked)
		p->fix = path_strf(p,
				   "sysctl -w net.ipv4.conf.%s.rp_filter=2, or route %s through %s",
				   s->rpf.iif, source, s->rpf.iif);
	else
		p->fix = path_strf(p, "add a route to %s", source);
}

/*
 * The kernel's TRACE lines are those of group 0 that begin so; a rule that logs there with such a
 * prefix is not told from them.
 */
static bool forges_lines(const struct step *s)
{
	const char *at = s->type == STEP_RULE && s->rule.text ? s->rule.text : "", *end;

	/* Only one that ends like theirs, in a number and a space, is taken for one. */
	while ((at = strstr(at, "\"TRACE: "))) {
		end = strstr(++at, " \"");
		if (end && end[-1] >= '0' && end[-1] <= '9')
			return true;
	}
	return false;
}

static void doubt_forged_lines(struct path *p)
{
	if (!resolve_has_legacy(p))
		return;
	for (size_t i = 0; i < p->n_steps; i++)
		if (forges_lines(&p->steps[i]))
			path_doubt(p, CERTAIN_NOT,
				   "one of its rules logs lines that look like the kernel's TRACE "
				   "lines of iptables-legacy");
}

void annotate(struct path *p, struct view *views, const struct path_rules *rules)
{
	for (size_t i = 0; i < p->n_steps; i++)
		add_text(p, &p->steps[i], views, rules);
	annotate_owners(p, views, rules);
	doubt_forged_lines(p);
	advise(p, views);
	if (!p->fix)
		add_fix(p);
}
