// SPDX-License-Identifier: GPL-2.0-or-later
/* A routing decision for people. */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdarg.h>
#include <string.h>
#include <linux/rtnetlink.h>

#include "src/escape.h"
#include "src/packet.h"
#include "src/render_text.h"
#include "src/route_report.h"

enum { RULES_IN_FULL = 24 }; /* with more, those that do not match are counted only */

static const char *address(uint8_t family, const uint8_t *addr, char *buf)
{
	return inet_ntop(family, addr, buf, INET6_ADDRSTRLEN) ? buf : "?";
}

static void painted(const struct route_report *r, FILE *out, const char *color, const char *s)
{
	fprintf(out, "%s%s%s", r->color ? color : "", s, r->color ? TEXT_PLAIN : "");
}

static void write_flow_details(const struct route_flow *f, FILE *out)
{
	const char *proto = proto_name(f->proto);

	if (f->proto && proto)
		fprintf(out, "  proto=%s", proto);
	else if (f->proto)
		fprintf(out, "  proto=%u", f->proto);
	if (f->mark)
		fprintf(out, "  mark=0x%x", f->mark);
	if (f->tos)
		fprintf(out, "  tos=0x%02x", f->tos);
}

static void write_endpoint(const struct route_flow *f, bool source, FILE *out)
{
	uint16_t port = source ? f->sport : f->dport;
	char text[INET6_ADDRSTRLEN];
	bool v6 = f->family == AF_INET6 && port;

	if (source && !f->has_src)
		fputs("(any own address)", out);
	else
		fprintf(out, "%s%s%s", v6 ? "[" : "",
			address(f->family, source ? f->src : f->dst, text), v6 ? "]" : "");
	if (port)
		fprintf(out, ":%u", port);
}

static void write_head(const struct route_report *r, FILE *out)
{
	write_endpoint(&r->flow, true, out);
	fputs(" > ", out);
	write_endpoint(&r->flow, false, out);
	if (r->iif[0]) {
		fputs("  in=", out);
		escape_write(out, r->iif);
	}
	if (r->oif[0]) {
		fputs("  out=", out);
		escape_write(out, r->oif);
	}
	write_flow_details(&r->flow, out);
	fputs("  netns=", out);
	escape_write(out, r->netns->name);
	fputc('\n', out);
}

static void write_leg(const struct fib_leg *leg, FILE *out)
{
	char gw[INET6_ADDRSTRLEN];

	if (leg->gw_family)
		fprintf(out, " via %s", address(leg->gw_family, leg->gw, gw));
	fputs(" dev ", out);
	escape_write(out, leg->dev[0] ? leg->dev : "?");
	if (leg->flags & RTNH_F_DEAD)
		fputs(" (dead)", out);
	else if (leg->flags & RTNH_F_LINKDOWN)
		fputs(" (no carrier)", out);
}

/* "unicast 10.0.0.0/8 via 10.1.1.1 dev eth0 metric 100" */
static void write_route(const struct fib_route *route, uint8_t family, FILE *out)
{
	char dst[INET6_ADDRSTRLEN];

	fprintf(out, "%s ", fib_type_name(route->type));
	if (!route->plen)
		fputs("default", out);
	else
		fprintf(out, "%s/%u", address(family, route->dst, dst), route->plen);
	if (route->n_legs_told > 1)
		fprintf(out, " over %u next hops:", route->n_legs_told);
	for (unsigned int i = 0; i < route->n_legs; i++) {
		if (i)
			fputc(',', out);
		write_leg(&route->legs[i], out);
	}
	if (route->nexthop_id)
		fprintf(out, " nhid %u", route->nexthop_id);
	if (route->metric)
		fprintf(out, " metric %u", route->metric);
}

static void write_trial(const struct route_report *r, const struct route_lookup *l, size_t i,
			FILE *out)
{
	static const char *const words[] = {[TRIAL_OTHER] = "does not match",
					    [TRIAL_NO_ROUTE] = "no route",
					    [TRIAL_NO_ANSWER] = "no route, or a throw",
					    [TRIAL_THROW] = "throw: on to the next rule",
					    [TRIAL_SUPPRESSED] = "suppressed",
					    [TRIAL_SKIPPED] = "-",
					    [TRIAL_MATCHED] = "decides"};
	const struct policy_rule *rule = &r->facts.rules[i];
	char selectors[256], action[64], line[400];

	policy_rule_selectors(rule, r->facts.family, selectors, sizeof(selectors));
	policy_rule_action(rule, action, sizeof(action));
	snprintf(line, sizeof(line), "%s %s", selectors, action);
	fprintf(out, "    rule %-6u ", rule->pref);
	escape_write(out, line);
	fprintf(out, "%*s  ", (int)(text_width(line) < 40 ? 40 - text_width(line) : 0), "");
	if (l->trials[i] == TRIAL_MATCHED && l->route)
		write_route(l->route, r->facts.family, out);
	else
		fputs(words[l->trials[i]], out);
	fputc('\n', out);
}

static void write_trials(const struct route_report *r, const struct route_lookup *l, FILE *out)
{
	bool all = r->verbose || l->n_trials <= RULES_IN_FULL;
	size_t hidden = 0;

	for (size_t i = 0; i < l->n_trials; i++) {
		if (all || l->trials[i] != TRIAL_OTHER)
			write_trial(r, l, i, out);
		else
			hidden++;
	}
	if (hidden)
		fprintf(out, "    %zu rules do not match (-v lists them)\n", hidden);
}

static const char *error_word(int error)
{
	const char *refused = fib_error_name(error);

	return refused ? refused : "no route";
}

static void write_lookup(const struct route_report *r, const char *title,
			 const struct route_lookup *l, FILE *out)
{
	char dst[INET6_ADDRSTRLEN], table[16];

	if (!l->made)
		return;
	fprintf(out, "  %s %s: ", title, address(r->facts.family, l->flow.dst, dst));
	if (l->error)
		fputs(error_word(l->error), out);
	else
		write_route(l->route, r->facts.family, out);
	if (l->route && l->rule >= 0)
		fprintf(out, " (table %s, rule %u)",
			route_table_name(l->table, table, sizeof(table)),
			r->facts.rules[l->rule].pref);
	fputc('\n', out);
	write_trials(r, l, out);
}

static void write_setting(const struct route_report *r, const char *name, const char *combined,
			  int effective, int all, int dev, FILE *out)
{
	fprintf(out, "    %-14s = %d  (%s", name, effective, combined);
	if (all >= 0)
		fprintf(out, "conf.all=%d, ", all);
	fputs("conf.", out);
	escape_write(out, r->facts.in.name);
	fprintf(out, "=%d)\n", dev);
}

static void write_settings(const struct route_report *r, FILE *out)
{
	const struct route_settings *all = &r->facts.all, *dev = &r->facts.dev;
	const struct route_effective *e = &r->decision.effective;

	if (!r->decision.input)
		return;
	fputs("  SETTINGS of ", out);
	escape_write(out, r->facts.in.name);
	fputc('\n', out);
	if (r->facts.family == AF_INET6) {
		write_setting(r, "forwarding", "that of all counts: ", e->forwarding,
			      r->facts.all6.forwarding, r->facts.dev6.forwarding, out);
		return;
	}
	write_setting(r, "rp_filter", "the larger: ", e->rp_filter, all->rp_filter, dev->rp_filter,
		      out);
	write_setting(r, "src_valid_mark", "either: ", e->src_valid_mark, all->src_valid_mark,
		      dev->src_valid_mark, out);
	write_setting(r, "accept_local", "either: ", e->accept_local, all->accept_local,
		      dev->accept_local, out);
	write_setting(r, "route_localnet", "either: ", e->route_localnet, all->route_localnet,
		      dev->route_localnet, out);
	write_setting(r, "log_martians", "either: ", e->log_martians, all->log_martians,
		      dev->log_martians, out);
	write_setting(r, "forwarding", "", e->forwarding, -1, dev->forwarding, out);
}

static void write_answer(const struct route_report *r, FILE *out)
{
	if (!r->answer.asked)
		fprintf(out, "  the kernel was not asked: %s\n", r->answer.why_not);
	else if (r->disagreement)
		fprintf(out, "  THE KERNEL DISAGREES: %s (its answer: %s)\n", r->disagreement,
			r->answer.error ? strerror(-r->answer.error) : "it passes");
	else
		fprintf(out, "  the kernel says the same (RTM_GETROUTE: %s)\n",
			r->answer.error ? strerror(-r->answer.error) : "passes");
}

static void write_fixes(const struct route_report *r, FILE *out)
{
	const char *nothing = route_no_fix(r->decision.reason);

	for (size_t i = 0; i < r->n_fixes; i++) {
		fputs("    fix: ", out);
		escape_write(out, r->fixes[i].change);
		fputs("\n         ", out);
		escape_write(out, r->fixes[i].effect);
		fputc('\n', out);
	}
	if (!r->n_fixes && r->decision.verdict == ROUTE_DROP)
		fprintf(out, "    %s%s\n", nothing ? "fix: " : "",
			nothing ? nothing : "no single change is known that would let it pass");
}

static void write_verdict(const struct route_report *r, FILE *out)
{
	const struct route_decision *d = &r->decision;
	const char *reason = route_reason_name(d->reason);

	fputs("  ", out);
	if (d->verdict == ROUTE_PASS)
		painted(r, out, TEXT_GREEN,
			!d->input  ? "SENT"
			: d->local ? "PASSES to this host"
				   : "PASSES, forwarded");
	else
		painted(r, out, TEXT_RED, d->verdict == ROUTE_DROP ? "DROPPED" : "UNDECIDED");
	if (d->verdict == ROUTE_DROP)
		fprintf(out, " (%s)", reason);
	fputs(": ", out);
	escape_write(out, d->sentence);
	fputc('\n', out);
	if (d->some_legs)
		fputs("    it depends on the next hop that the kernel picks for this connection\n",
		      out);
	if (d->reason == ROUTE_RPF_STRICT || d->reason == ROUTE_RPF_LOOSE)
		fputs("    ARP requests from this source are not answered there either\n", out);
}

int route_text(const struct route_report *r, FILE *out)
{
	write_head(r, out);
	write_lookup(r, "ROUTE", &r->decision.forward, out);
	write_lookup(r, "REVERSE ROUTE", &r->decision.reverse, out);
	write_settings(r, out);
	write_answer(r, out);
	if (r->tables_read)
		fprintf(out, "  %u routing table%s had to be read as a whole\n", r->tables_read,
			r->tables_read == 1 ? "" : "s");
	write_verdict(r, out);
	write_fixes(r, out);
	return fflush(out) || ferror(out) ? -errno : 0;
}
