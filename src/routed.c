// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/routed.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/clock.h"
#include "src/fib_bpf.h"
#include "src/packet.h"

enum { TABLES = 32 }; /* of one decision; more are more rules than anybody has */

/* What a step of either type says of the decision. */
struct decision {
	unsigned int at, n_asked;
	uint32_t *table;
	int32_t *rule;
	int *error, *type;
	const char **prefix, **dev, **gateway, **untold;
};

static struct decision decision_of(struct step *s)
{
	if (s->type == STEP_ROUTE)
		return (struct decision){s->route.at,	  s->route.n_asked, &s->route.table,
					 &s->route.rule,  &s->route.error,  &s->route.type,
					 &s->route.prefix, &s->route.dev,   &s->route.gateway,
					 &s->route.untold};
	return (struct decision){s->rpf.at,	 s->rpf.n_asked,      &s->rpf.table,
				 &s->rpf.rule,	 &s->rpf.error,	      &s->rpf.reverse_type,
				 &s->rpf.prefix, &s->rpf.reverse_dev, &s->rpf.gateway,
				 &s->rpf.untold};
}

bool routed_is_current(const struct path *p, int family, struct view *v)
{
	return netconf_changed(v->netconf, family) <= p->after_ns;
}

/* What is remembered from before the packet's end holds for it, whatever has changed since then. */
static bool was_current(const struct path *p, int family, struct view *v)
{
	return netconf_changed_by(v->netconf, family, p->heard_ns) <= p->after_ns;
}

/* NULL: out of memory. What it remembers is not older than the last change that the packet can have met. */
static struct route_teller *teller_of(const struct path *p, struct view *v)
{
	uint64_t changed = netconf_changed_by(v->netconf, AF_UNSPEC, p->heard_ns);

	if (!v->fib_reader)
		v->fib_reader = fib_bpf_new(v->ns->fd);
	if (!v->teller)
		v->teller = route_teller_open(v->ns->fd, v->fib_reader);
	else if (v->told_ns <= changed)
		route_teller_forget(v->teller);
	else
		return v->teller;
	v->told_ns = clock_ns();
	return v->teller;
}

/* Most packets go where one before them went. */
static const char *prefix_text(struct path *p, const struct route_flow *flow, int plen)
{
	static struct {
		uint8_t family, dst[ADDR_MAX];
		int plen;
		char text[64];
	} last;
	uint8_t addr[ADDR_MAX];
	char text[sizeof(last.text) - 8];

	if (last.family == flow->family && last.plen == plen &&
	    !memcmp(last.dst, flow->dst, sizeof(last.dst)))
		return path_str(p, last.text);
	last.family = flow->family;
	last.plen = plen;
	memcpy(last.dst, flow->dst, sizeof(last.dst));
	memcpy(addr, flow->dst, sizeof(addr));
	for (int bit = plen; bit < ADDR_MAX * 8; bit++)
		addr[bit / 8] &= (uint8_t) ~(0x80 >> bit % 8);
	snprintf(last.text, sizeof(last.text), "%s/%d",
		 addr_text(text, sizeof(text), flow->family, addr), plen);
	return path_str(p, last.text);
}

/* What fib4_rule_action() makes of a rule that refuses. */
static int refusal(uint8_t action)
{
	return action == FR_ACT_UNREACHABLE ? -ENETUNREACH
	       : action == FR_ACT_PROHIBIT  ? -EACCES
					    : -EINVAL;
}

static void set(struct path *p, struct decision *d, const struct route_flow *flow,
		const struct route_told *told)
{
	*d->untold = told->untold;
	if (told->end == REPLAY_UNKNOWN)
		return;
	if (told->end == REPLAY_TABLE) {
		*d->rule = (int32_t)told->pref;
		*d->table = told->table;
		*d->type = told->type ? told->type : *d->type;
		if (told->plen >= 0)
			*d->prefix = prefix_text(p, flow, told->plen);
		return;
	}
	/* It went past all tables: a last route that a rule did not want is none. */
	*d->table = 0;
	/* Its error is that of no route at all. */
	*d->type = told->end == REPLAY_REFUSED && told->action == FR_ACT_UNREACHABLE
			   ? RTN_UNREACHABLE
			   : 0;
	*d->prefix = *d->dev = *d->gateway = NULL;
	*d->rule = told->end == REPLAY_REFUSED ? (int32_t)told->pref : -1;
	*d->error = told->end == REPLAY_REFUSED ? refusal(told->action) : -ENETUNREACH;
}

static struct route_seen seen_of(const struct path *p, const struct decision *d, bool whole,
				 struct seen_table *tables)
{
	const struct path_lookup *asked = &p->lookups[d->at];
	struct route_seen seen = {.flow = asked->flow,
				  .v = tables,
				  .n = d->n_asked < TABLES ? d->n_asked : TABLES,
				  .whole = whole,
				  .plen = -1,
				  .type = *d->type,
				  .dev = *d->dev};

	/* The last ones count. */
	asked += d->n_asked - seen.n;
	for (unsigned int i = 0; i < seen.n; i++)
		tables[i] = (struct seen_table){asked[i].table, asked[i].error};
	if (*d->prefix)
		seen.plen = atoi(strrchr(*d->prefix, '/') + 1);
	if (*d->gateway)
		seen.has_gateway = inet_pton(seen.flow.family, *d->gateway, seen.gateway) == 1;
	return seen;
}

void routed_tell(struct path *p, struct step *s, struct view *v, bool ended)
{
	struct seen_table tables[TABLES];
	struct decision d = decision_of(s);
	struct route_teller *teller;
	struct route_told told;
	struct route_seen seen;

	if (!d.n_asked)
		return;
	/* What is sent was routed before anything was seen of it. */
	seen = seen_of(p, &d, s->type != STEP_ROUTE || s->route.input, tables);
	*d.untold = "routing has changed since";
	if (!was_current(p, seen.flow.family, v))
		return;
	teller = teller_of(p, v);
	if (!teller)
		return;
	/* What was read just now may be younger than a change. */
	if (route_tell(teller, &seen, &told) && !routed_is_current(p, seen.flow.family, v))
		return;
	/* Tables may be asked yet, or were and it was not seen. */
	if (!ended && told.end != REPLAY_TABLE)
		told.end = REPLAY_UNKNOWN;
	set(p, &d, &seen.flow, &told);
}
