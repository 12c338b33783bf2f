// SPDX-License-Identifier: GPL-2.0-or-later
/* A routing decision as one JSON object; docs/route-check.schema.json is its contract. */
#include <arpa/inet.h>
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <linux/rtnetlink.h>

#include "src/escape.h"
#include "src/route_report.h"

/* jansson takes NULL for a value that could not be made, and says so at the end. */
static json_t *string(const char *s)
{
	char *whole = s && *s ? utf8_repair(s) : NULL;
	json_t *json = whole ? json_string_nocheck(whole) : s && *s ? NULL : json_null();

	free(whole);
	return json;
}

static json_t *address(uint8_t family, const uint8_t *addr)
{
	char text[INET6_ADDRSTRLEN];

	return string(inet_ntop(family, addr, text, sizeof(text)));
}

static json_t *prefix(uint8_t family, const uint8_t *addr, uint8_t plen)
{
	char text[INET6_ADDRSTRLEN], whole[INET6_ADDRSTRLEN + 8];

	snprintf(whole, sizeof(whole), "%s/%u", inet_ntop(family, addr, text, sizeof(text)), plen);
	return string(whole);
}

static json_t *flags(const struct fib_leg *leg)
{
	return leg->flags & RTNH_F_DEAD	      ? string("dead")
	       : leg->flags & RTNH_F_LINKDOWN ? string("linkdown")
					      : json_null();
}

static json_t *gateway(const struct fib_leg *leg)
{
	return leg->gw_family ? address(leg->gw_family, leg->gw) : json_null();
}

static json_t *legs(const struct fib_route *route)
{
	json_t *list = json_array();

	for (unsigned int i = 0; i < route->n_legs; i++)
		json_array_append_new(list,
				      json_pack("{so, so, so}", "dev", string(route->legs[i].dev),
						"gateway", gateway(&route->legs[i]), "state",
						flags(&route->legs[i])));
	return list;
}

static json_t *rules(const struct route_report *r, const struct route_lookup *l)
{
	static const char *const words[] = {
		[TRIAL_OTHER] = "no-match",  [TRIAL_NO_ROUTE] = "no-route",
		[TRIAL_NO_ANSWER] = "no-route-or-throw",
		[TRIAL_THROW] = "throw",     [TRIAL_SUPPRESSED] = "suppressed",
		[TRIAL_SKIPPED] = "skipped", [TRIAL_MATCHED] = "matched",
	};
	char selectors[256], action[64];
	json_t *list = json_array();

	for (size_t i = 0; i < l->n_trials; i++) {
		const struct policy_rule *rule = &r->facts.rules[i];

		policy_rule_selectors(rule, r->facts.family, selectors, sizeof(selectors));
		policy_rule_action(rule, action, sizeof(action));
		json_array_append_new(list, json_pack("{sI, so, so, ss}", "priority",
						      (json_int_t)rule->pref, "selectors",
						      string(selectors), "action", string(action),
						      "result", words[l->trials[i]]));
	}
	return list;
}

static const char *result(const struct route_lookup *l)
{
	const char *refused = fib_error_name(l->error);

	if (!l->error)
		return fib_type_name(l->route->type);
	return refused ? refused : l->rule >= 0 ? "unreachable" : "none";
}

static json_t *lookup(const struct route_report *r, const struct route_lookup *l)
{
	const struct fib_route *route = l->route;
	const struct fib_leg *leg = route && route->n_legs ? &route->legs[0] : NULL;

	if (!l->made)
		return json_null();
	return json_pack("{so, so, so, ss, so, so, so, so}", "rule",
			 l->rule >= 0 ? json_integer(r->facts.rules[l->rule].pref) : json_null(),
			 "table", route ? json_integer(l->table) : json_null(), "prefix",
			 route ? prefix(r->facts.family, route->dst, route->plen) : json_null(),
			 "result", result(l), "dev", leg ? string(leg->dev) : json_null(),
			 "gateway", leg ? gateway(leg) : json_null(), "nexthops",
			 route ? legs(route) : json_array(), "rules", rules(r, l));
}

static json_t *known(int value)
{
	return value < 0 ? json_null() : json_integer(value);
}

static json_t *setting(int effective, int all, int dev)
{
	return json_pack("{so, so, so}", "effective", known(effective), "all", known(all), "dev",
			 known(dev));
}

static json_t *rp_filter(const struct route_report *r)
{
	if (!r->decision.input || r->facts.family != AF_INET)
		return json_null();
	return setting(r->decision.effective.rp_filter, r->facts.all.rp_filter,
		       r->facts.dev.rp_filter);
}

static json_t *settings(const struct route_report *r)
{
	const struct route_settings *all = &r->facts.all, *dev = &r->facts.dev;
	const struct route_effective *e = &r->decision.effective;

	if (!r->decision.input)
		return json_null();
	if (r->facts.family == AF_INET6)
		return json_pack(
			"{so}", "forwarding",
			setting(e->forwarding, r->facts.all6.forwarding, r->facts.dev6.forwarding));
	return json_pack(
		"{so, so, so, so, so}", "src_valid_mark",
		setting(e->src_valid_mark, all->src_valid_mark, dev->src_valid_mark),
		"accept_local", setting(e->accept_local, all->accept_local, dev->accept_local),
		"route_localnet",
		setting(e->route_localnet, all->route_localnet, dev->route_localnet),
		"log_martians", setting(e->log_martians, all->log_martians, dev->log_martians),
		"forwarding", setting(e->forwarding, all->forwarding, dev->forwarding));
}

static json_t *packet(const struct route_report *r)
{
	const struct route_flow *f = &r->flow;

	return json_pack("{ss, so, so, so, so, sI, si, so, so, so}", "family",
			 f->family == AF_INET ? "ip" : "ip6", "src",
			 f->has_src ? address(f->family, f->src) : json_null(), "dst",
			 address(f->family, f->dst), "iif", string(r->iif), "oif", string(r->oif),
			 "mark", (json_int_t)f->mark, "tos", f->tos, "proto",
			 f->proto ? json_integer(f->proto) : json_null(), "sport",
			 f->sport ? json_integer(f->sport) : json_null(), "dport",
			 f->dport ? json_integer(f->dport) : json_null());
}

static json_t *answer(const struct route_report *r)
{
	const struct route_answer *a = &r->answer;

	return json_pack("{sb, so, so, so}", "asked", a->asked, "why_not", string(a->why_not),
			 "error", a->error ? string(strerror(-a->error)) : json_null(),
			 "disagreement", string(r->disagreement));
}

static json_t *fixes(const struct route_report *r)
{
	json_t *list = json_array();

	for (size_t i = 0; i < r->n_fixes; i++)
		json_array_append_new(list, json_pack("{so, so, sb}", "change",
						      string(r->fixes[i].change), "effect",
						      string(r->fixes[i].effect), "verified",
						      r->fixes[i].verified));
	return list;
}

static const char *outcome(const struct route_decision *d)
{
	if (d->verdict != ROUTE_PASS)
		return d->verdict == ROUTE_DROP ? "dropped" : "unknown";
	if (!d->input)
		return "sent";
	return d->local ? "delivered" : "forwarded";
}

int json_line(json_t *o, FILE *out)
{
	int rc;

	if (!o)
		return -ENOMEM;
	rc = json_dumpf(o, out, JSON_COMPACT) || fputc('\n', out) == EOF || fflush(out);
	json_decref(o);
	return rc ? errno ? -errno : -EIO : 0;
}

int route_json(const struct route_report *r, FILE *out)
{
	static const char *const verdicts[] = {"pass", "drop", "unknown"};
	const struct route_decision *d = &r->decision;
	json_t *o = json_pack("{si, ss, ss, so, so, so, so, so, so, so, so, so, so, sb, si}",
			      "schema", 1, "verdict", verdicts[d->verdict], "outcome", outcome(d),
			      "reason", string(route_reason_name(d->reason)), "sentence",
			      string(d->sentence), "netns",
			      json_pack("{sI, so}", "inum", (json_int_t)r->netns->inum, "name",
					string(r->netns->name)),
			      "packet", packet(r), "forward", lookup(r, &d->forward), "reverse",
			      lookup(r, &d->reverse), "rp_filter", rp_filter(r), "settings",
			      settings(r), "kernel", answer(r), "fixes", fixes(r),
			      "depends_on_next_hop", d->some_legs, "tables_read", r->tables_read);

	return json_line(o, out);
}
