// SPDX-License-Identifier: GPL-2.0-or-later
/* One line a packet; docs/trace.schema.json is its contract. What is not known is null, never left
 * out. */
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

#include "src/escape.h"
#include "src/json_cache.h"
#include "src/packet.h"

/* An object under construction. Out of memory is remembered, so that one look at the end is enough.
 */
struct object {
	json_t *json;
	bool failed;
};

static struct object object_new(void)
{
	struct object o = {.json = json_object()};

	o.failed = !o.json;
	return o;
}

static void put(struct object *o, const char *key, json_t *value)
{
	if (json_object_set_new_nocheck(o->json, key, value))
		o->failed = true;
}

static void put_object(struct object *o, const char *key, struct object value)
{
	o->failed |= value.failed;
	put(o, key, value.json);
}

static void put_null(struct object *o, const char *key)
{
	put(o, key, json_null());
}

static void put_bool(struct object *o, const char *key, bool value)
{
	put(o, key, json_boolean(value));
}

static void put_int(struct object *o, const char *key, bool known, json_int_t value)
{
	put(o, key, known ? json_integer(value) : json_null());
}

static void put_str(struct object *o, const char *key, const char *s)
{
	json_t *value = s ? json_string(s) : json_null();
	char *repaired;

	/* NULL for a string: invalid UTF-8, or no memory, which the second try then finds too. */
	if (!value) {
		repaired = utf8_repair(s);
		value = repaired ? json_string(repaired) : NULL;
		free(repaired);
	}
	put(o, key, value);
}

static void put_addr(struct object *o, const char *key, bool known, uint8_t family,
		     const uint8_t *addr)
{
	char buf[64];

	put_str(o, key, known ? addr_text(buf, sizeof(buf), family, addr) : NULL);
}

static void put_time(struct object *o, const char *key, uint64_t ns)
{
	time_t seconds = ns / 1000000000;
	char date[32] = "", buf[64];
	struct tm tm;

	if (gmtime_r(&seconds, &tm))
		strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(buf, sizeof(buf), "%s.%09uZ", date, (unsigned int)(ns % 1000000000));
	put_str(o, key, date[0] ? buf : NULL);
}

static const char *packet_family(const struct packet *p)
{
	if (p->family)
		return p->family == AF_INET ? "ip" : "ip6";
	return p->ethertype == ETHERTYPE_ARP ? "arp" : NULL;
}

static void put_proto(struct object *o, const struct packet *p)
{
	char number[8];
	const char *name = proto_name(p->proto);

	snprintf(number, sizeof(number), "%u", p->proto);
	put_str(o, "proto", !p->family ? NULL : name ? name : number);
}

static void put_mac(struct object *o, const char *key, const uint8_t *m)
{
	char buf[24];

	snprintf(buf, sizeof(buf), "%02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1], m[2], m[3], m[4],
		 m[5]);
	put_str(o, key, buf);
}

static struct object icmp_object(const struct packet *p)
{
	struct object o = object_new();
	bool echo = packet_is_echo(p);

	put_int(&o, "type", true, p->icmp_type);
	put_int(&o, "code", true, p->icmp_code);
	put_int(&o, "id", echo, p->icmp_id);
	put_int(&o, "seq", echo, p->icmp_seq);
	return o;
}

static struct object link_object(const struct packet *p)
{
	struct object o = object_new();

	put_mac(&o, "src", p->ll_src);
	put_mac(&o, "dst", p->ll_dst);
	put_int(&o, "ethertype", true, p->ethertype);
	return o;
}

static struct object packet_object(const struct packet *p)
{
	struct object o = object_new();
	char flags[16];

	put_str(&o, "family", packet_family(p));
	put_proto(&o, p);
	put_addr(&o, "src", p->has_addrs, p->family, p->src.addr);
	put_int(&o, "sport", p->has_ports, p->src.port);
	put_addr(&o, "dst", p->has_addrs, p->family, p->dst.addr);
	put_int(&o, "dport", p->has_ports, p->dst.port);
	put_int(&o, "len", p->len, p->len);
	put_str(&o, "tcp_flags",
		p->has_tcp ? tcp_flags_text(flags, sizeof(flags), p->tcp_flags) : NULL);
	put_int(&o, "ip_id", p->family == AF_INET && p->has_addrs, p->ip_id);
	put_int(&o, "mark", true, p->mark);
	put_str(&o, "iif", p->iif[0] ? p->iif : NULL);
	put_str(&o, "oif", p->oif[0] ? p->oif : NULL);
	if (p->has_icmp)
		put_object(&o, "icmp", icmp_object(p));
	if (p->fragment || p->more_frags)
		put_str(&o, "fragment", p->fragment ? "later" : "first");
	if (p->has_ll)
		put_object(&o, "link", link_object(p));
	return o;
}

static void put_hook(struct object *o, const struct step *s)
{
	put_str(o, "hook", s->hook == HOOK_NONE ? NULL : hook_name(s->family, s->hook));
}

static void put_place(struct object *o, const struct step *s)
{
	put_str(o, "backend", backend_name(s->backend));
	put_str(o, "family", family_name(s->family));
	put_hook(o, s);
	put_str(o, "table", s->rule.table);
	put_str(o, "chain", s->rule.chain);
}

static void put_rule(struct object *o, const struct path *p, const struct step *s)
{
	put_place(o, s);
	put_int(o, "rule", s->rule.number, s->rule.number);
	put_int(o, "handle", s->rule.handle, s->rule.handle);
	put_str(o, "verdict", verdict_name(s->verdict));
	put_str(o, "target", s->rule.target);
	put_str(o, "action", s->rule.action);
	put_str(o, "text", s->rule.text);
	put_str(o, "comment", s->rule.comment);
	put_null(o, "owner");
	if (!s->rule.text && s->rule.no_text)
		put_str(o, "text_unavailable", s->rule.no_text);
	if (s->rule.verdict_inferred)
		put_bool(o, "verdict_inferred", true);
	if (s->rule.element)
		put_str(o, "element", s->rule.element);
}

static void put_policy(struct object *o, const struct path *p, const struct step *s)
{
	put_place(o, s);
	put_str(o, "verdict", verdict_name(s->verdict));
}

static void put_return(struct object *o, const struct path *p, const struct step *s)
{
	put_place(o, s);
}

static void put_nat(struct object *o, const struct path *p, const struct step *s)
{
	/* Inside a tunnel it may have been of the other family. */
	uint8_t family = s->family == NFPROTO_IPV6   ? AF_INET6
			 : s->family == NFPROTO_IPV4 ? AF_INET
						     : p->packet.family;

	put_str(o, "kind", s->nat.dnat ? "dnat" : "snat");
	put_addr(o, "src", true, family, s->nat.src.addr);
	put_int(o, "sport", s->nat.has_ports, s->nat.src.port);
	put_addr(o, "dst", true, family, s->nat.dst.addr);
	put_int(o, "dport", s->nat.has_ports, s->nat.dst.port);
}

static void put_headers(struct object *o, const struct path *p, const struct step *s)
{
	const struct packet now = {.family = s->headers.family, .proto = s->headers.proto};

	put_str(o, "family", packet_family(&now));
	put_proto(o, &now);
	put_addr(o, "src", true, now.family, s->headers.src.addr);
	put_int(o, "sport", s->headers.has_ports, s->headers.src.port);
	put_addr(o, "dst", true, now.family, s->headers.dst.addr);
	put_int(o, "dport", s->headers.has_ports, s->headers.dst.port);
}

static void put_conntrack(struct object *o, const struct path *p, const struct step *s)
{
	put_str(o, "state", s->ct.state == CT_NONE ? NULL : ct_state_name(s->ct.state));
	put_null(o, "orig");
	put_null(o, "reply");
	put_int(o, "id", s->ct.id, s->ct.id);
	put_str(o, "direction", s->ct.reply ? "reply" : "original");
}

static void put_route(struct object *o, const struct path *p, const struct step *s)
{
	put_str(o, "result", s->route.result);
	put_int(o, "table", s->route.table, s->route.table);
	put_int(o, "rule", s->route.rule >= 0, s->route.rule);
	put_str(o, "prefix", s->route.prefix);
	put_str(o, "dev", s->route.dev);
	put_str(o, "gateway", s->route.gateway);
	put_int(o, "error", s->route.error, s->route.error);
	put_str(o, "direction", s->route.input ? "input" : "output");
}

static void put_rp_filter(struct object *o, const struct path *p, const struct step *s)
{
	put_int(o, "mode", s->rpf.mode >= 0, s->rpf.mode);
	put_str(o, "verdict", s->rpf.pass ? "pass" : "fail");
	put_str(o, "reason", s->rpf.reason);
	put_str(o, "reverse_dev", s->rpf.reverse_dev);
	put_str(o, "iif", s->rpf.iif);
	put_int(o, "conf_all", s->rpf.all >= 0, s->rpf.all);
	put_int(o, "conf_dev", s->rpf.dev_mode >= 0, s->rpf.dev_mode);
}

static void put_hookfn(struct object *o, const struct path *p, const struct step *s)
{
	put_str(o, "function", s->hookfn.function);
	put_str(o, "module", s->hookfn.module);
	put_int(o, "priority", true, s->hookfn.priority);
	put_str(o, "verdict", verdict_name(s->verdict));
	put_hook(o, s);
}

static void put_deliver(struct object *o, const struct path *p, const struct step *s)
{
	struct object socket = object_new();

	put_str(&socket, "state", s->deliver.state);
	put_int(&socket, "pid", s->deliver.pid > 0, s->deliver.pid);
	put_str(&socket, "comm", s->deliver.comm);
	put_object(o, "socket", socket);
}

static void put_transmit(struct object *o, const struct path *p, const struct step *s)
{
	put_str(o, "dev", s->transmit.dev);
}

static void put_drop(struct object *o, const struct path *p, const struct step *s)
{
	put_str(o, "reason", s->drop.reason);
	put_str(o, "location", s->drop.location);
}

static void put_netns(struct object *o, const char *key, const struct path_netns *netns)
{
	struct object value = object_new();

	put_int(&value, "inum", true, netns->inum);
	put_str(&value, "name", netns->name);
	put_object(o, key, value);
}

/* Where it is, unless that is where the packet was first seen; else NULL. */
static const struct path_netns *elsewhere(const struct path *p, const struct step *s)
{
	return s->ns == p->places[0].ns ? NULL : &path_place(p, s->ns)->netns;
}

static struct object step_object(const struct path *p, const struct step *s)
{
	static void (*const put_step[])(struct object *, const struct path *,
					const struct step *) = {
		[STEP_RULE] = put_rule,		  [STEP_POLICY] = put_policy,
		[STEP_RETURN] = put_return,	  [STEP_NAT] = put_nat,
		[STEP_CONNTRACK] = put_conntrack, [STEP_ROUTE] = put_route,
		[STEP_RP_FILTER] = put_rp_filter, [STEP_HOOK] = put_hookfn,
		[STEP_DELIVER] = put_deliver,	  [STEP_TRANSMIT] = put_transmit,
		[STEP_DROP] = put_drop,		  [STEP_HEADERS] = put_headers,
	};
	const struct path_netns *netns = elsewhere(p, s);
	struct object o = object_new();

	put_str(&o, "type", step_type_name(s->type));
	put_step[s->type](&o, p, s);
	if (netns)
		put_netns(&o, "netns", netns);
	return o;
}

static struct object head_object(const struct path *p)
{
	struct object o = object_new();

	put_int(&o, "schema", true, 1);
	put_int(&o, "id", true, p->id);
	put_str(&o, "engine", p->engine);
	put_time(&o, "time", p->time_ns);
	put_netns(&o, "netns", &p->places[0].netns);
	put_object(&o, "packet", packet_object(&p->packet));
	return o;
}

static struct object tail_object(const struct path *p)
{
	struct object o = object_new();

	put_str(&o, "verdict", path_verdict_name(p->verdict));
	put_int(&o, "decided_by", p->decided_by >= 0, p->decided_by);
	put_str(&o, "certainty", certainty_name(p->certainty));
	put_str(&o, "uncertain_because", p->because);
	put_int(&o, "lost", true, p->lost);
	put_str(&o, "unseen", p->unseen);
	put_str(&o, "fix", p->fix);
	if (p->here)
		put_netns(&o, "last_netns", &path_here(p)->netns);
	if (p->is_copy)
		put_int(&o, "copy_of", p->copy_of, p->copy_of);
	return o;
}

/* All that a rule's, policy's or return's JSON is made of. Empty: another step, which no two
 * packets share. */
static void step_key(struct bytes_out *key, const struct path *p, const struct step *s)
{
	const struct path_netns *netns = elsewhere(p, s);
	const uint64_t inum = netns ? netns->inum : 0;
	const uint32_t numbers[] = {s->type,
				    s->family,
				    s->hook,
				    s->backend,
				    s->verdict,
				    s->rule.number,
				    s->rule.verdict_inferred};
	const char *const strings[] = {s->rule.table,  s->rule.chain, s->rule.target,
				       s->rule.action, s->rule.text,  s->rule.comment,
				       s->rule.no_text, s->rule.element,
				       netns ? netns->name : NULL};

	if (s->type > STEP_RETURN)
		return;
	bytes_add(key, numbers, sizeof(numbers));
	bytes_add(key, &s->rule.handle, sizeof(s->rule.handle));
	bytes_add(key, &inum, sizeof(inum));
	for (size_t i = 0; i < sizeof(strings) / sizeof(strings[0]); i++)
		bytes_add_key(key, strings[i]);
}

/* Only ASCII is written: what a terminal could be fooled with is \uNNNN there. Consumes o. The
 * caller frees it; NULL: out of memory. */
static char *print(struct object o)
{
	char *text = o.failed ? NULL : json_dumps(o.json, JSON_COMPACT | JSON_ENSURE_ASCII);

	json_decref(o.json);
	return text;
}

/* From its first byte on, without the last `less`. */
static void add_object(struct bytes_out *line, struct object o, size_t first, size_t less)
{
	char *text = print(o);

	if (text)
		bytes_add(line, text + first, strlen(text) - first - less);
	else
		line->failed = true;
	free(text);
}

static void add_step(struct bytes_out *line, struct json_cache *cache, const struct path *p,
		     const struct step *s)
{
	struct bytes_out key = {0};
	const struct bytes_out *json = NULL;
	size_t at = line->len;

	if (cache)
		step_key(&key, p, s);
	json = json_cache_get(cache, &key);
	if (json) {
		bytes_add(line, json->data, json->len);
	} else {
		add_object(line, step_object(p, s), 0, 0);
		if (!line->failed)
			json_cache_put(cache, &key, line->data + at, line->len - at);
	}
	bytes_free(&key);
}

/* An object whose member "steps" is put between the others, already printed. */
static void make_line(struct bytes_out *line, struct json_cache *cache, const struct path *p)
{
	static const char open[] = ",\"steps\":[", close[] = "],";

	add_object(line, head_object(p), 0, 1);
	bytes_add(line, open, sizeof(open) - 1);
	for (size_t i = 0; i < p->n_steps; i++) {
		if (i)
			bytes_add(line, ",", 1);
		add_step(line, cache, p, &p->steps[i]);
	}
	bytes_add(line, close, sizeof(close) - 1);
	add_object(line, tail_object(p), 1, 0);
	bytes_add(line, "\n", 1);
}

static int json_path(const struct render *r, const struct path *p)
{
	struct bytes_out line = {0};
	int rc = 0;

	make_line(&line, r->cache, p);
	errno = 0;
	if (line.failed)
		rc = -ENOMEM;
	else if (fwrite(line.data, 1, line.len, r->out) != line.len || fflush(r->out))
		rc = errno ? -errno : -EIO;
	bytes_free(&line);
	return rc;
}

const struct render_ops render_json = {.name = "json", .path = json_path};
