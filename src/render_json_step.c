// SPDX-License-Identifier: GPL-2.0-or-later
/* The steps of a path as JSON, a function each; docs/trace.schema.json is their contract. */
#include "src/render_json.h"

#include <linux/netfilter.h>
#include <sys/socket.h>

#include "src/render_json_out.h"

static void put_hook(struct bytes_out *o, const struct step *s)
{
	put_name(o, "hook", s->hook == HOOK_NONE ? NULL : hook_name(s->family, s->hook));
}

static void put_place(struct bytes_out *o, const struct step *s)
{
	put_name(o, "backend", backend_name(s->backend));
	put_name(o, "family", family_name(s->family));
	put_hook(o, s);
	put_str(o, "table", s->rule.table);
	put_str(o, "chain", s->rule.chain);
}

static void put_owner(struct bytes_out *o, const struct step *s)
{
	if (!s->rule.owner) {
		put_null(o, "owner");
		return;
	}
	put_key(o, "owner");
	open_object(o);
	put_str(o, "name", s->rule.owner);
	put_str(o, "mode", s->rule.owner_mode);
	put_str(o, "words", s->rule.owner_words);
	close_object(o);
}

static void put_rule(struct bytes_out *o, const struct path *p, const struct step *s)
{
	put_place(o, s);
	put_int(o, "rule", s->rule.number, s->rule.number);
	put_int(o, "handle", s->rule.handle, s->rule.handle);
	put_name(o, "verdict", verdict_name(s->verdict));
	put_str(o, "target", s->rule.target);
	put_str(o, "action", s->rule.action);
	put_str(o, "text", s->rule.text);
	put_str(o, "comment", s->rule.comment);
	put_owner(o, s);
	if (!s->rule.text && s->rule.no_text)
		put_str(o, "text_unavailable", s->rule.no_text);
	if (s->rule.verdict_inferred)
		put_bool(o, "verdict_inferred", true);
	if (s->rule.element)
		put_str(o, "element", s->rule.element);
}

static void put_policy(struct bytes_out *o, const struct path *p, const struct step *s)
{
	put_place(o, s);
	put_name(o, "verdict", verdict_name(s->verdict));
}

static void put_return(struct bytes_out *o, const struct path *p, const struct step *s)
{
	put_place(o, s);
}

static void put_tuple(struct bytes_out *o, uint8_t family, const struct endpoint *src,
		      const struct endpoint *dst, bool has_ports)
{
	put_addr(o, "src", true, family, src->addr);
	put_int(o, "sport", has_ports, src->port);
	put_addr(o, "dst", true, family, dst->addr);
	put_int(o, "dport", has_ports, dst->port);
}

static void put_nat(struct bytes_out *o, const struct path *p, const struct step *s)
{
	static const char *const causes[] = {[NAT_CAUSE_RULE] = "rule",
					     [NAT_CAUSE_CONNECTION] = "connection"};
	/* Inside a tunnel it may have been of the other family. */
	uint8_t family = s->family == NFPROTO_IPV6   ? AF_INET6
			 : s->family == NFPROTO_IPV4 ? AF_INET
						     : p->packet.family;

	put_name(o, "kind", s->nat.dnat ? "dnat" : "snat");
	put_tuple(o, family, &s->nat.src, &s->nat.dst, s->nat.has_ports);
	put_key(o, "before");
	open_object(o);
	put_tuple(o, family, &s->nat.from_src, &s->nat.from_dst, s->nat.from_ports);
	close_object(o);
	put_name(o, "cause", causes[s->nat.cause]);
	put_int(o, "by", s->nat.by >= 0, s->nat.by);
}

static void put_headers(struct bytes_out *o, const struct path *p, const struct step *s)
{
	const struct packet now = {.family = s->headers.family, .proto = s->headers.proto};

	put_name(o, "family", packet_family(&now));
	put_proto(o, &now);
	put_tuple(o, now.family, &s->headers.src, &s->headers.dst, s->headers.has_ports);
}

/* Inside a tunnel or a bridge the family of the step says nothing of IP. */
static uint8_t entry_family(const struct path *p, const struct step *s)
{
	static const uint8_t none[ADDR_MAX];

	if (s->family == NFPROTO_IPV4 || s->family == NFPROTO_IPV6)
		return s->family == NFPROTO_IPV4 ? AF_INET : AF_INET6;
	return p->packet.family == AF_INET && !memcmp(s->ct.orig_src.addr + 4, none, 12) ? AF_INET
											 : AF_INET6;
}

static void put_side(struct bytes_out *o, const char *key, const struct path *p,
		     const struct step *s, const struct endpoint *src, const struct endpoint *dst)
{
	put_key(o, key);
	if (!s->ct.has_entry) {
		add_null(o);
		return;
	}
	open_object(o);
	put_tuple(o, entry_family(p, s), src, dst, s->ct.has_ports);
	close_object(o);
}

static void put_conntrack(struct bytes_out *o, const struct path *p, const struct step *s)
{
	put_name(o, "state", s->ct.state == CT_NONE ? NULL : ct_state_name(s->ct.state));
	put_side(o, "orig", p, s, &s->ct.orig_src, &s->ct.orig_dst);
	put_side(o, "reply", p, s, &s->ct.reply_src, &s->ct.reply_dst);
	put_int(o, "id", s->ct.id, s->ct.id);
	put_name(o, "direction", s->ct.reply ? "reply" : "original");
	put_int(o, "zone", s->ct.has_entry, s->ct.zone);
	put_int(o, "mark", s->ct.has_entry, s->ct.mark);
	put_str(o, "tcp_state", s->ct.tcp_state);
	put_str(o, "why", s->ct.why);
	put_int(o, "by", s->ct.by >= 0, s->ct.by);
	put_bool(o, "nat_chains_skipped", s->ct.skips_nat);
}

static void put_route(struct bytes_out *o, const struct path *p, const struct step *s)
{
	put_str(o, "result", s->route.result);
	put_int(o, "table", s->route.table, s->route.table);
	put_int(o, "rule", s->route.rule >= 0, s->route.rule);
	put_str(o, "prefix", s->route.prefix);
	put_str(o, "dev", s->route.dev);
	put_str(o, "gateway", s->route.gateway);
	put_int(o, "error", s->route.error, s->route.error);
	put_name(o, "direction", s->route.input ? "input" : "output");
	put_str(o, "untold", s->route.untold);
}

/* The way back, as in the object of a route. */
static void put_reverse(struct bytes_out *o, const struct step *s)
{
	put_key(o, "reverse");
	if (!s->rpf.looked) {
		bytes_str(o, "null");
		return;
	}
	open_object(o);
	put_str(o, "result", s->rpf.result);
	put_int(o, "table", s->rpf.table, s->rpf.table);
	put_int(o, "rule", s->rpf.rule >= 0, s->rpf.rule);
	put_str(o, "prefix", s->rpf.prefix);
	put_str(o, "dev", s->rpf.reverse_dev);
	put_str(o, "gateway", s->rpf.gateway);
	put_int(o, "error", s->rpf.error, s->rpf.error);
	put_str(o, "untold", s->rpf.untold);
	close_object(o);
}

static void put_rp_filter(struct bytes_out *o, const struct path *p, const struct step *s)
{
	put_int(o, "mode", s->rpf.mode >= 0, s->rpf.mode);
	put_name(o, "verdict", s->rpf.pass ? "pass" : "fail");
	put_str(o, "reason", s->rpf.reason);
	put_str(o, "reverse_dev", s->rpf.reverse_dev);
	put_str(o, "iif", s->rpf.iif);
	put_int(o, "conf_all", s->rpf.all >= 0, s->rpf.all);
	put_int(o, "conf_dev", s->rpf.dev_mode >= 0, s->rpf.dev_mode);
	put_reverse(o, s);
}

static void put_hookfn(struct bytes_out *o, const struct path *p, const struct step *s)
{
	put_str(o, "function", s->hookfn.function);
	put_str(o, "module", s->hookfn.module);
	put_int(o, "priority", true, s->hookfn.priority);
	put_name(o, "verdict", verdict_name(s->verdict));
	put_hook(o, s);
	if (!s->hookfn.bpf_id)
		return;
	put_key(o, "bpf");
	open_object(o);
	put_int(o, "id", true, s->hookfn.bpf_id);
	put_str(o, "name", s->hookfn.bpf_name);
	close_object(o);
}

static void put_deliver(struct bytes_out *o, const struct path *p, const struct step *s)
{
	put_key(o, "socket");
	open_object(o);
	put_str(o, "state", s->deliver.state);
	put_int(o, "pid", s->deliver.pid > 0, s->deliver.pid);
	put_str(o, "comm", s->deliver.comm);
	close_object(o);
}

static void put_transmit(struct bytes_out *o, const struct path *p, const struct step *s)
{
	put_str(o, "dev", s->transmit.dev);
}

/* Only where it was asked for. */
void json_stack(struct bytes_out *o, const struct step *s)
{
	char name[256];
	size_t len;

	if (!s->drop.stack)
		return;
	put_key(o, "stack");
	bytes_char(o, '[');
	for (const char *at = s->drop.stack; *at; at += len + (at[len] == '\n')) {
		len = strcspn(at, "\n");
		if (at != s->drop.stack)
			bytes_char(o, ',');
		snprintf(name, sizeof(name), "%.*s", (int)len, at);
		add_str(o, name);
	}
	bytes_char(o, ']');
}

static void put_drop(struct bytes_out *o, const struct path *p, const struct step *s)
{
	put_str(o, "reason", s->drop.reason);
	put_str(o, "location", s->drop.location);
	json_stack(o, s);
}
void json_netns(struct bytes_out *o, const char *key, const struct path_netns *netns)
{
	put_key(o, key);
	open_object(o);
	put_int(o, "inum", true, netns->inum);
	put_str(o, "name", netns->name);
	close_object(o);
}

/* Where it is, unless that is where the packet was first seen; else NULL. */
static const struct path_netns *elsewhere(const struct path *p, const struct step *s)
{
	return s->ns == p->places[0].ns ? NULL : &path_place(p, s->ns)->netns;
}

/* Its members but for type. */
static void (*const put_step[])(struct bytes_out *, const struct path *, const struct step *) = {
	[STEP_RULE] = put_rule,		  [STEP_POLICY] = put_policy,
	[STEP_RETURN] = put_return,	  [STEP_NAT] = put_nat,
	[STEP_CONNTRACK] = put_conntrack, [STEP_ROUTE] = put_route,
	[STEP_RP_FILTER] = put_rp_filter, [STEP_HOOK] = put_hookfn,
	[STEP_DELIVER] = put_deliver,	  [STEP_TRANSMIT] = put_transmit,
	[STEP_DROP] = put_drop,		  [STEP_HEADERS] = put_headers,
};

void json_step_members(struct bytes_out *o, const struct path *p, const struct step *s)
{
	put_step[s->type](o, p, s);
}

void json_step(struct bytes_out *o, const struct path *p, const struct step *s)
{
	const struct path_netns *netns = elsewhere(p, s);

	open_object(o);
	put_name(o, "type", step_type_name(s->type));
	json_step_members(o, p, s);
	if (netns)
		json_netns(o, "netns", netns);
	close_object(o);
}
