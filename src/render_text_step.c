// SPDX-License-Identifier: GPL-2.0-or-later
/* The line of each kind of step. */
#include "src/render_text.h"

#include <ctype.h>
#include <inttypes.h>
#include <linux/rtnetlink.h>
#include <linux/netfilter.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "src/escape.h"
#include "src/packet.h"

enum { GAP = 3 }; /* blanks between the columns, at least */

bool text_shows(const struct text *t, const struct step *s)
{
	return s->type != STEP_RETURN || t->verbose;
}

/* Characters, not bytes: every byte but the continuations of UTF-8. */
int text_width(const char *s)
{
	int n = 0;

	for (; *s; s++)
		n += (*s & 0xc0) != 0x80;
	return n;
}

const char *text_or_unknown(const char *s)
{
	return s ? s : "?";
}

static void paint(struct text *t, const char *color)
{
	if (t->color && color)
		bytes_str(t->out, color);
}

void text_painted(struct text *t, const char *color, const char *s)
{
	paint(t, color);
	escape_add(t->out, s);
	paint(t, color ? TEXT_PLAIN : NULL);
}

static const char *verdict_color(enum verdict v)
{
	return v == VERDICT_DROP ? TEXT_RED : v == VERDICT_ACCEPT ? TEXT_GREEN : NULL;
}

void text_labelled(struct bytes_out *f, const char *label, const char *value)
{
	if (!value)
		return;
	bytes_str(f, label);
	escape_add(f, value);
}

void text_owner(struct bytes_out *f, const char *state, const char *comm, int32_t pid)
{
	const char *glue = " (";

	if (state) {
		bytes_str(f, glue);
		escape_add(f, state);
		glue = ", ";
	}
	if (comm) {
		bytes_str(f, glue);
		escape_add(f, comm);
		glue = ", ";
	}
	if (pid > 0) {
		bytes_printf(f, "%spid %" PRId32, glue, pid);
		glue = ", ";
	}
	if (glue[0] == ',')
		bytes_char(f, ')');
}

void text_socket(struct bytes_out *f, const struct step *s)
{
	text_owner(f, s->deliver.state, s->deliver.comm, s->deliver.pid);
}

void text_reason(struct bytes_out *f, const struct step *s)
{
	escape_add(f, s->drop.reason ? s->drop.reason : "no reason given");
	text_labelled(f, " at ", s->drop.location);
}

void text_stack(struct bytes_out *f, const struct step *s)
{
	char name[256];
	size_t len;

	for (const char *at = s->drop.stack ? s->drop.stack : ""; *at; at += len + (at[len] == '\n')) {
		len = strcspn(at, "\n");
		snprintf(name, sizeof(name), "%.*s", (int)len, at);
		bytes_str(f, "    at ");
		escape_add(f, name);
		bytes_char(f, '\n');
	}
}

/* The heading "  PREROUTING", when this step does not stand at the hook of the one before. */
static void write_section(struct text *t, const struct step *s)
{
	const char *class = s->family == NFPROTO_BRIDGE ? "BRIDGE "
			    : s->family == NFPROTO_ARP	? "ARP "
							: "";
	const char *name = hook_name(s->family, s->hook);

	t->after_route = false;
	if (t->section && t->hook == s->hook && t->visit == s->visit && !strcmp(t->section, class))
		return;
	t->section = class;
	t->hook = s->hook;
	t->visit = s->visit;
	bytes_str(t->out, "  ");
	bytes_str(t->out, class);
	for (; *name; name++)
		bytes_char(t->out, toupper((unsigned char)*name));
	bytes_char(t->out, '\n');
}

void text_netns(struct bytes_out *f, const struct path_netns *netns)
{
	if (netns->name)
		escape_add(f, netns->name);
	else
		bytes_printf(f, "%" PRIu64, netns->inum);
}

/* A line that belongs to no hook; the next one that does gets a heading again. */
static void end_section(struct text *t)
{
	t->section = NULL;
	t->after_route = false;
}

/* From here on it is in another namespace. */
static void write_netns(struct text *t, const struct step *s)
{
	const struct path_place *place = path_place(t->p, s->ns);

	end_section(t);
	t->ns = s->ns;
	bytes_str(t->out, "  netns ");
	text_netns(t->out, &place->netns);
	text_labelled(t->out, "  in=", *place->iif ? place->iif : NULL);
	bytes_char(t->out, '\n');
}

static void write_left(struct text *t, const struct step *s)
{
	static const char blanks[] = "                                                               ";
	const struct text_column *c = text_column(t, s);
	int pad = t->left > c->width ? t->left - c->width : 0;

	bytes_str(t->out, "    ");
	bytes_str(t->out, t->names->data + c->at);
	bytes_add(t->out, blanks, (size_t)(pad + GAP));
}

/* A drop is red however it is worded; green is for the word accept, not for all that ends in it
 * (DNAT, MASQUERADE). */
static const char *doing_color(const struct step *s)
{
	const char *color = verdict_color(s->verdict), *accept = verdict_name(VERDICT_ACCEPT);

	if (s->verdict == VERDICT_ACCEPT && s->rule.brief &&
	    strncasecmp(s->rule.brief, accept, strlen(accept)))
		return NULL;
	return color;
}

static void write_doing(struct text *t, const struct step *s)
{
	const char *verdict = verdict_name(s->verdict);
	/* A verdict map says nothing of what its element says. */
	const char *brief = s->rule.element ? NULL : s->rule.brief;

	text_painted(t, doing_color(s), brief ? brief : verdict);
	if (!brief)
		text_labelled(t->out, " ", s->rule.target);
	if (!s->rule.verdict_inferred)
		return;
	if (!brief)
		bytes_str(t->out, " (inferred from what followed)");
	else if (t->verbose)
		bytes_printf(t->out, " (%s, inferred from what followed)", verdict);
}

static void write_remark(struct text *t, const char *label, const char *remark)
{
	if (!remark)
		return;
	bytes_str(t->out, "    ");
	paint(t, TEXT_DIM);
	bytes_str(t->out, "# ");
	bytes_str(t->out, label);
	escape_add(t->out, remark);
	paint(t, TEXT_PLAIN);
}

static void write_owner(struct text *t, const struct step *s)
{
	if (!s->rule.owner)
		return;
	bytes_str(t->out, "    ");
	paint(t, TEXT_DIM);
	bytes_str(t->out, "# ");
	escape_add(t->out, s->rule.owner);
	text_labelled(t->out, ": ", s->rule.owner_words);
	paint(t, TEXT_PLAIN);
}

static void write_rule(struct text *t, const struct step *s)
{
	write_left(t, s);
	if (s->type == STEP_RETURN)
		bytes_str(t->out, "end of chain");
	else
		write_doing(t, s);
	write_remark(t, "element ", s->rule.element);
	write_owner(t, s);
	/* Often the comment is what the owner's words are made of. */
	if (s->rule.comment &&
	    !(s->rule.owner_words && strstr(s->rule.owner_words, s->rule.comment)))
		write_remark(t, "", s->rule.comment);
	bytes_char(t->out, '\n');
	if (!t->verbose || s->type != STEP_RULE || (!s->rule.text && !s->rule.no_text))
		return;
	bytes_str(t->out, "        ");
	escape_add(t->out, s->rule.text ? s->rule.text : s->rule.no_text);
	bytes_char(t->out, '\n');
}

static void write_hook(struct text *t, const struct step *s)
{
	write_left(t, s);
	text_painted(t, verdict_color(s->verdict), verdict_name(s->verdict));
	bytes_char(t->out, '\n');
}

/* One side of the headers, before and after, of which *now is kept. */
static void write_change(struct text *t, const char *side, struct endpoint *now,
			 const struct endpoint *to, bool to_ports)
{
	char from[64], into[64];

	bytes_printf(t->out, "    NAT %s %s -> %s", side,
		endpoint_text(from, sizeof(from), t->family, now, t->has_ports),
		endpoint_text(into, sizeof(into), t->family, to, to_ports));
	*now = *to;
}

/* " by ip nat:pre:rule:1 (handle 3)" */
static void write_by(struct text *t, int by)
{
	if (by < 0)
		return;
	bytes_str(t->out, " by ");
	bytes_str(t->out, t->names->data + text_column(t, &t->p->steps[by])->at);
}

static void write_nat(struct text *t, const struct step *s)
{
	if (s->nat.dnat)
		write_change(t, "dst", &t->dst, &s->nat.dst, s->nat.has_ports);
	if (s->nat.snat)
		write_change(t, "src", &t->src, &s->nat.src, s->nat.has_ports);
	t->has_ports = s->nat.has_ports;
	write_by(t, s->nat.by);
	if (s->nat.cause == NAT_CAUSE_CONNECTION)
		bytes_str(t->out, " by its connection's entry in conntrack");
	bytes_char(t->out, '\n');
}

static void write_headers(struct text *t, const struct step *s)
{
	const struct packet proto = {.family = s->headers.family, .proto = s->headers.proto};
	char name[32], src[64], dst[64];

	end_section(t);
	t->family = s->headers.family;
	t->src = s->headers.src;
	t->dst = s->headers.dst;
	t->has_ports = s->headers.has_ports;
	bytes_printf(t->out, "  HEADERS now %s %s > %s\n", proto_text(name, sizeof(name), &proto),
		endpoint_text(src, sizeof(src), t->family, &t->src, t->has_ports),
		endpoint_text(dst, sizeof(dst), t->family, &t->dst, t->has_ports));
}

/* What conntrack has of the connection; where NAT is part of it, it is what the NAT lines follow. */
static void write_entry(struct text *t, const struct step *s)
{
	bool ports = s->ct.has_ports;
	char a[64], b[64];

	if (s->ct.zone)
		bytes_printf(t->out, ", zone %u", s->ct.zone);
	if (s->ct.mark)
		bytes_printf(t->out, ", mark 0x%" PRIx32, s->ct.mark);
	if (!s->ct.nats && !t->verbose)
		return;
	bytes_printf(t->out, ": %s > %s", endpoint_text(a, sizeof(a), t->family, &s->ct.orig_src, ports),
		     endpoint_text(b, sizeof(b), t->family, &s->ct.orig_dst, ports));
	bytes_printf(t->out, ", replies %s > %s",
		     endpoint_text(a, sizeof(a), t->family, &s->ct.reply_src, ports),
		     endpoint_text(b, sizeof(b), t->family, &s->ct.reply_dst, ports));
}

static void write_conntrack(struct text *t, const struct step *s)
{
	bytes_str(t->out, "    conntrack ");
	bytes_str(t->out, s->ct.state == CT_NONE ? "entry" : ct_state_name(s->ct.state));
	if (s->ct.reply)
		bytes_str(t->out, ", reply");
	if (t->verbose && s->ct.id)
		bytes_printf(t->out, ", id %" PRIu32, s->ct.id);
	if (t->verbose)
		text_labelled(t->out, ", TCP ", s->ct.tcp_state);
	if (s->ct.has_entry)
		write_entry(t, s);
	write_by(t, s->ct.by);
	text_labelled(t->out, ": ", s->ct.why);
	if (s->ct.skips_nat && (s->ct.nats || t->verbose))
		write_remark(t, "", "nat chains see only the first packet of a connection");
	bytes_char(t->out, '\n');
}

/* Of the decision on the way there, or back. */
static void write_table(struct bytes_out *f, uint32_t table, int32_t rule, const char *prefix,
			const char *untold)
{
	static const char *const names[] = {
		[RT_TABLE_DEFAULT] = "default", [RT_TABLE_MAIN] = "main", [RT_TABLE_LOCAL] = "local"};
	const char *glue = " (";

	if (table) {
		bytes_str(f, glue);
		bytes_str(f, "table ");
		if (table <= RT_TABLE_LOCAL && names[table])
			bytes_str(f, names[table]);
		else
			bytes_number(f, table, 1);
	}
	glue = table ? ", " : glue;
	if (rule >= 0) {
		bytes_str(f, glue);
		bytes_str(f, "rule ");
		bytes_number(f, rule, 1);
	}
	glue = rule >= 0 ? ", " : glue;
	if (prefix) {
		bytes_str(f, glue);
		escape_add(f, prefix);
	}
	if (table || rule >= 0 || prefix)
		bytes_char(f, ')');
	if (untold)
		bytes_printf(f, " [not all known: %s]", untold);
}

static void write_route(struct text *t, const struct step *s)
{
	char dst[64];
	bool bad = s->route.error != 0;

	end_section(t);
	t->after_route = true;
	bytes_str(t->out, "  ROUTE ");
	bytes_str(t->out, addr_text(dst, sizeof(dst), t->family, t->dst.addr));
	bytes_str(t->out, ": ");
	text_painted(t, bad ? TEXT_RED : NULL, s->route.result ? s->route.result : "unknown");
	text_labelled(t->out, " via ", s->route.gateway);
	text_labelled(t->out, " dev ", s->route.dev);
	write_table(t->out, s->route.table, s->route.rule, s->route.prefix, s->route.untold);
	if (bad)
		bytes_printf(t->out, ": %s", strerror(-s->route.error));
	bytes_char(t->out, '\n');
}

static void write_rpf_modes(struct bytes_out *f, const struct step *s)
{
	static const char *const words[] = {"off", "strict", "loose"};
	const char *glue = "";

	if (s->rpf.mode < 0)
		return;
	bytes_printf(f, " = %d (", s->rpf.mode);
	if (s->rpf.mode < 3) {
		bytes_str(f, words[s->rpf.mode]);
		glue = s->rpf.all >= 0 || s->rpf.dev_mode >= 0 ? "; " : "";
	}
	if (s->rpf.all >= 0) {
		bytes_printf(f, "%sconf.all=%d", glue, s->rpf.all);
		glue = ", ";
	}
	if (s->rpf.dev_mode >= 0) {
		bytes_printf(f, "%sconf.", glue);
		escape_add(f, text_or_unknown(s->rpf.iif));
		bytes_printf(f, "=%d", s->rpf.dev_mode);
	}
	bytes_char(f, ')');
}

static void write_rp_filter(struct text *t, const struct step *s)
{
	bool under_route = t->after_route;
	char src[64];

	end_section(t);
	t->after_route = under_route;
	bytes_str(t->out, under_route ? "    rp_filter " : "  rp_filter ");
	escape_add(t->out, text_or_unknown(s->rpf.iif));
	write_rpf_modes(t->out, s);
	bytes_str(t->out, ": ");
	text_painted(t, s->rpf.pass ? NULL : TEXT_RED, s->rpf.pass ? "pass" : "FAIL");
	if (s->rpf.reverse_dev) {
		addr_text(src, sizeof(src), t->family, t->src.addr);
		bytes_printf(t->out, ", reverse route to %s leaves by ", src);
		escape_add(t->out, s->rpf.reverse_dev);
		write_table(t->out, s->rpf.table, s->rpf.rule, s->rpf.prefix, s->rpf.untold);
	} else {
		text_labelled(t->out, ", ", s->rpf.reason);
	}
	bytes_char(t->out, '\n');
}

/* Where the packet ended: a line of its own only when the last line of the block does not say it.
 */
static void write_end(struct text *t, const struct step *s)
{
	enum path_verdict v = t->p->verdict;

	if (s == t->p->steps + t->p->n_steps - 1 &&
	    (s->type == STEP_TRANSMIT  ? v == PATH_FORWARDED || v == PATH_TRANSMITTED
	     : s->type == STEP_DELIVER ? v == PATH_DELIVERED
				       : v == PATH_DROPPED))
		return;
	end_section(t);
	if (s->type == STEP_TRANSMIT) {
		bytes_str(t->out, "  TRANSMIT ");
		escape_add(t->out, text_or_unknown(s->transmit.dev));
	} else if (s->type == STEP_DELIVER) {
		bytes_str(t->out, "  DELIVER to a socket");
		text_socket(t->out, s);
	} else {
		bytes_str(t->out, "  DROP ");
		text_reason(t->out, s);
	}
	bytes_char(t->out, '\n');
}

void text_steps(struct text *t)
{
	static const struct {
		void (*write)(struct text *t, const struct step *s);
		bool in_hook; /* stands under the heading of its hook */
	} ops[] = {
		[STEP_RULE] = {write_rule, true},
		[STEP_POLICY] = {write_rule, true},
		[STEP_RETURN] = {write_rule, true},
		[STEP_NAT] = {write_nat, true},
		[STEP_HEADERS] = {write_headers, false},
		[STEP_CONNTRACK] = {write_conntrack, true},
		[STEP_ROUTE] = {write_route, false},
		[STEP_RP_FILTER] = {write_rp_filter, false},
		[STEP_HOOK] = {write_hook, true},
		[STEP_DELIVER] = {write_end, false},
		[STEP_TRANSMIT] = {write_end, false},
		[STEP_DROP] = {write_end, false},
	};

	for (size_t i = 0; i < t->p->n_steps; i++) {
		const struct step *s = &t->p->steps[i];

		if (!text_shows(t, s))
			continue;
		if (s->ns != t->ns)
			write_netns(t, s);
		if (ops[s->type].in_hook && s->hook != HOOK_NONE)
			write_section(t, s);
		ops[s->type].write(t, s);
	}
}
