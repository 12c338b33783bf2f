// SPDX-License-Identifier: GPL-2.0-or-later
/* One line a packet; docs/trace.schema.json is its contract, docs/drops.schema.json that of dropped
 * ones alone. What is not known is null, never left out. */
#include "src/render.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <linux/netfilter.h>
#include <net/ethernet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "src/render_json.h"

#include "src/bytes.h"
#include "src/drop_cause.h"
#include "src/escape.h"
#include "src/packet.h"

/*
 * Members are written straight into the line: trees of the library cost more than all else that is
 * done for a packet. Strings that need more than quotes are the library's.
 */

static void open_object(struct bytes_out *o)
{
	bytes_char(o, '{');
}

static void close_object(struct bytes_out *o)
{
	bytes_char(o, '}');
}

/* Keys are our own: nothing in them needs to be escaped. Inline, so that their lengths are known. */
#define MEMBER inline __attribute__((always_inline))

static MEMBER void put_key(struct bytes_out *o, const char *key)
{
	if (o->len && o->data[o->len - 1] != '{')
		bytes_char(o, ',');
	bytes_char(o, '"');
	bytes_str(o, key);
	bytes_add(o, "\":", 2);
}

static void add_null(struct bytes_out *o)
{
	bytes_add(o, "null", 4);
}

static void add_int(struct bytes_out *o, int64_t value)
{
	if (value < 0)
		bytes_char(o, '-');
	bytes_number(o, value < 0 ? -(uint64_t)value : (uint64_t)value, 1);
}

static int add_bytes(const char *data, size_t len, void *out)
{
	bytes_add(out, data, len);
	return 0;
}

/* Only ASCII is written: what a terminal could be fooled with is \uNNNN there. */
static void add_escaped(struct bytes_out *o, const char *s)
{
	json_t *value = json_string(s);
	char *repaired;

	/* NULL: invalid UTF-8, or no memory, which the second try then finds too. */
	if (!value) {
		repaired = utf8_repair(s);
		value = repaired ? json_string(repaired) : NULL;
		free(repaired);
	}
	if (!value || json_dump_callback(value, add_bytes, o, JSON_ENCODE_ANY | JSON_ENSURE_ASCII))
		o->failed = true;
	json_decref(value);
}

static void add_str(struct bytes_out *o, const char *s)
{
	/* All but quote, backslash, controls and what is not ASCII. */
	static const bool plain[256] = {[0x20 ... '"' - 1] = true,
					['"' + 1 ... '\\' - 1] = true,
					['\\' + 1 ... 0x7e] = true};
	size_t len = 0;

	if (!s) {
		add_null(o);
		return;
	}
	while (plain[(uint8_t)s[len]])
		len++;
	if (s[len]) {
		add_escaped(o, s);
		return;
	}
	bytes_char(o, '"');
	bytes_add(o, s, len);
	bytes_char(o, '"');
}

static MEMBER void put_null(struct bytes_out *o, const char *key)
{
	put_key(o, key);
	add_null(o);
}

static MEMBER void put_bool(struct bytes_out *o, const char *key,
							   bool value)
{
	put_key(o, key);
	bytes_str(o, value ? "true" : "false");
}

static MEMBER void put_int(struct bytes_out *o, const char *key,
							  bool known, int64_t value)
{
	put_key(o, key);
	if (known)
		add_int(o, value);
	else
		add_null(o);
}

static MEMBER void put_str(struct bytes_out *o, const char *key,
							  const char *s)
{
	put_key(o, key);
	add_str(o, s);
}

static MEMBER void put_addr(struct bytes_out *o, const char *key, bool known, uint8_t family,
		     const uint8_t *addr)
{
	char buf[64];

	put_str(o, key, known ? addr_text(buf, sizeof(buf), family, addr) : NULL);
}

static void put_time(struct bytes_out *o, const char *key, uint64_t ns)
{
	static time_t last = -1; /* the packets of a second share its date */
	static char date[32];
	time_t seconds = ns / 1000000000;
	struct tm tm;

	if (seconds != last) {
		*date = '\0';
		if (gmtime_r(&seconds, &tm))
			strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm);
		last = seconds;
	}
	if (!*date) {
		put_null(o, key);
		return;
	}
	put_key(o, key);
	bytes_char(o, '"');
	bytes_str(o, date);
	bytes_char(o, '.');
	bytes_number(o, ns % 1000000000, 9);
	bytes_add(o, "Z\"", 2);
}

static const char *packet_family(const struct packet *p)
{
	if (p->family)
		return p->family == AF_INET ? "ip" : "ip6";
	return p->ethertype == ETHERTYPE_ARP ? "arp" : NULL;
}

static void put_proto(struct bytes_out *o, const struct packet *p)
{
	char number[8];
	const char *name = p->family ? proto_name(p->proto) : NULL;

	if (p->family && !name) {
		snprintf(number, sizeof(number), "%u", p->proto);
		name = number;
	}
	put_str(o, "proto", name);
}

static void put_mac(struct bytes_out *o, const char *key, const uint8_t *m)
{
	char buf[24];

	snprintf(buf, sizeof(buf), "%02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1], m[2], m[3], m[4],
		 m[5]);
	put_str(o, key, buf);
}

static void add_icmp(struct bytes_out *o, const struct packet *p)
{
	bool echo = packet_is_echo(p);

	open_object(o);
	put_int(o, "type", true, p->icmp_type);
	put_int(o, "code", true, p->icmp_code);
	put_int(o, "id", echo, p->icmp_id);
	put_int(o, "seq", echo, p->icmp_seq);
	close_object(o);
}

static void add_link(struct bytes_out *o, const struct packet *p)
{
	open_object(o);
	put_mac(o, "src", p->ll_src);
	put_mac(o, "dst", p->ll_dst);
	put_int(o, "ethertype", true, p->ethertype);
	close_object(o);
}

static void add_packet(struct bytes_out *o, const struct packet *p)
{
	char flags[16];

	open_object(o);
	put_str(o, "family", packet_family(p));
	put_proto(o, p);
	put_addr(o, "src", p->has_addrs, p->family, p->src.addr);
	put_int(o, "sport", p->has_ports, p->src.port);
	put_addr(o, "dst", p->has_addrs, p->family, p->dst.addr);
	put_int(o, "dport", p->has_ports, p->dst.port);
	put_int(o, "len", p->len, p->len);
	put_str(o, "tcp_flags",
		p->has_tcp ? tcp_flags_text(flags, sizeof(flags), p->tcp_flags) : NULL);
	put_int(o, "ip_id", p->family == AF_INET && p->has_addrs, p->ip_id);
	put_int(o, "mark", true, p->mark);
	put_str(o, "iif", p->iif[0] ? p->iif : NULL);
	put_str(o, "oif", p->oif[0] ? p->oif : NULL);
	if (p->has_icmp) {
		put_key(o, "icmp");
		add_icmp(o, p);
	}
	if (p->fragment || p->more_frags)
		put_str(o, "fragment", p->fragment ? "later" : "first");
	if (p->has_ll) {
		put_key(o, "link");
		add_link(o, p);
	}
	close_object(o);
}

static void put_hook(struct bytes_out *o, const struct step *s)
{
	put_str(o, "hook", s->hook == HOOK_NONE ? NULL : hook_name(s->family, s->hook));
}

static void put_place(struct bytes_out *o, const struct step *s)
{
	put_str(o, "backend", backend_name(s->backend));
	put_str(o, "family", family_name(s->family));
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
	put_str(o, "verdict", verdict_name(s->verdict));
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
	put_str(o, "verdict", verdict_name(s->verdict));
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

	put_str(o, "kind", s->nat.dnat ? "dnat" : "snat");
	put_tuple(o, family, &s->nat.src, &s->nat.dst, s->nat.has_ports);
	put_key(o, "before");
	open_object(o);
	put_tuple(o, family, &s->nat.from_src, &s->nat.from_dst, s->nat.from_ports);
	close_object(o);
	put_str(o, "cause", causes[s->nat.cause]);
	put_int(o, "by", s->nat.by >= 0, s->nat.by);
}

static void put_headers(struct bytes_out *o, const struct path *p, const struct step *s)
{
	const struct packet now = {.family = s->headers.family, .proto = s->headers.proto};

	put_str(o, "family", packet_family(&now));
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
	put_str(o, "state", s->ct.state == CT_NONE ? NULL : ct_state_name(s->ct.state));
	put_side(o, "orig", p, s, &s->ct.orig_src, &s->ct.orig_dst);
	put_side(o, "reply", p, s, &s->ct.reply_src, &s->ct.reply_dst);
	put_int(o, "id", s->ct.id, s->ct.id);
	put_str(o, "direction", s->ct.reply ? "reply" : "original");
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
	put_str(o, "direction", s->route.input ? "input" : "output");
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
	put_str(o, "verdict", s->rpf.pass ? "pass" : "fail");
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
	put_str(o, "verdict", verdict_name(s->verdict));
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
static void put_stack(struct bytes_out *o, const struct step *s)
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
	put_stack(o, s);
}

static void put_netns(struct bytes_out *o, const char *key, const struct path_netns *netns)
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

static void add_step(struct bytes_out *o, const struct path *p, const struct step *s)
{
	const struct path_netns *netns = elsewhere(p, s);

	open_object(o);
	put_str(o, "type", step_type_name(s->type));
	put_step[s->type](o, p, s);
	if (netns)
		put_netns(o, "netns", netns);
	close_object(o);
}

static void put_origin(struct bytes_out *o, const struct path *p)
{
	put_key(o, "origin");
	open_object(o);
	put_str(o, "state", p->origin.state);
	put_int(o, "pid", p->origin.pid > 0, p->origin.pid);
	put_str(o, "comm", p->origin.comm);
	put_int(o, "received", p->origin.received, p->origin.received);
	close_object(o);
}

static void add_head(struct bytes_out *o, const struct path *p)
{
	put_int(o, "schema", true, 1);
	put_int(o, "id", true, p->id);
	put_str(o, "engine", p->engine);
	put_time(o, "time", p->time_ns);
	put_netns(o, "netns", &p->places[0].netns);
	put_key(o, "packet");
	add_packet(o, &p->packet);
	if (p->origin.state)
		put_origin(o, p);
}

/* What is to blame, where that can be said. */
static void put_words(struct bytes_out *o, const struct path *p)
{
	if (p->refused) {
		put_key(o, "refused");
		open_object(o);
		put_str(o, "reason", p->refused);
		put_str(o, "sentence", p->refusal);
		close_object(o);
	}
	if (p->symptom)
		put_str(o, "symptom", p->symptom);
	if (p->diagnosis)
		put_str(o, "diagnosis", p->diagnosis);
}

static void add_tail(struct bytes_out *o, const struct path *p)
{
	put_str(o, "verdict", path_verdict_name(p->verdict));
	put_int(o, "decided_by", p->decided_by >= 0, p->decided_by);
	put_str(o, "certainty", certainty_name(p->certainty));
	put_str(o, "uncertain_because", p->because);
	put_int(o, "lost", true, p->lost);
	put_str(o, "unseen", p->unseen);
	put_str(o, "fix", p->fix);
	put_words(o, p);
	if (p->here)
		put_netns(o, "last_netns", &path_here(p)->netns);
	if (p->is_copy)
		put_int(o, "copy_of", p->copy_of, p->copy_of);
}

static void make_line(struct bytes_out *line, const struct path *p)
{
	open_object(line);
	add_head(line, p);
	put_key(line, "steps");
	bytes_char(line, '[');
	for (size_t i = 0; i < p->n_steps; i++) {
		if (i)
			bytes_char(line, ',');
		add_step(line, p, &p->steps[i]);
	}
	bytes_char(line, ']');
	add_tail(line, p);
	close_object(line);
	bytes_char(line, '\n');
}

static int json_path(struct render *r, const struct path *p)
{
	size_t before = r->ready.len;

	make_line(&r->ready, p);
	return bytes_undo(&r->ready, before) ? -ENOMEM : 0;
}

const struct render_ops render_json = {.name = "json", .path = json_path};

/* --- drops --- */

static void add_cause(struct bytes_out *o, const struct path *p, const struct drop_cause *c)
{
	struct bytes_out name = {0};

	drop_cause_name(&name, c);
	bytes_char(&name, '\0');
	open_object(o);
	put_str(o, "type", c->type);
	put_str(o, "name", name.failed ? NULL : name.data);
	if (c->by)
		put_step[c->by->type](o, p, c->by);
	close_object(o);
	o->failed |= name.failed;
	bytes_free(&name);
}

void json_drop_head(struct bytes_out *o, uint64_t time_ns)
{
	open_object(o);
	put_int(o, "schema", true, 1);
	put_time(o, "time", time_ns);
}

void json_drop_cause(struct bytes_out *o, const struct path *p)
{
	struct drop_cause c;

	drop_cause(&c, p);
	put_netns(o, "netns", &path_here(p)->netns);
	put_key(o, "cause");
	add_cause(o, p, &c);
	put_str(o, "reason", c.kernel ? c.kernel->drop.reason : NULL);
	put_str(o, "location", c.kernel ? c.kernel->drop.location : NULL);
}

static int drop_json_path(struct render *r, const struct path *p)
{
	struct bytes_out *o = &r->ready;
	size_t before = o->len;
	struct drop_cause c;

	json_drop_head(o, p->time_ns);
	json_drop_cause(o, p);
	put_key(o, "packet");
	add_packet(o, &p->packet);
	put_int(o, "count", true, 1);
	put_int(o, "id", true, p->id);
	put_str(o, "engine", p->engine);
	put_str(o, "certainty", certainty_name(p->certainty));
	put_str(o, "uncertain_because", p->because);
	put_int(o, "lost", true, p->lost);
	put_str(o, "unseen", p->unseen);
	put_str(o, "fix", p->fix);
	put_words(o, p);
	if (p->here)
		put_netns(o, "first_netns", &p->places[0].netns);
	drop_cause(&c, p);
	if (c.kernel)
		put_stack(o, c.kernel);
	close_object(o);
	bytes_char(o, '\n');
	return bytes_undo(o, before) ? -ENOMEM : 0;
}

const struct render_ops render_drop_json = {.name = "drop-json", .path = drop_json_path};
