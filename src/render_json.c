// SPDX-License-Identifier: GPL-2.0-or-later
/* One line a packet; docs/trace.schema.json is its contract, docs/drops.schema.json that of dropped
 * ones alone. What is not known is null, never left out. */
#include "src/render.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "src/render_json.h"

#include "src/bytes.h"
#include "src/drop_cause.h"
#include "src/escape.h"
#include "src/render_json_out.h"
#include "src/packet.h"

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
	put_name(o, "family", packet_family(p));
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
		put_name(o, "fragment", p->fragment ? "later" : "first");
	if (p->has_ll) {
		put_key(o, "link");
		add_link(o, p);
	}
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
	put_name(o, "engine", p->engine);
	put_time(o, "time", p->time_ns);
	json_netns(o, "netns", &p->places[0].netns);
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
	put_name(o, "verdict", path_verdict_name(p->verdict));
	put_int(o, "decided_by", p->decided_by >= 0, p->decided_by);
	put_name(o, "certainty", certainty_name(p->certainty));
	put_str(o, "uncertain_because", p->because);
	put_int(o, "lost", true, p->lost);
	put_str(o, "unseen", p->unseen);
	put_str(o, "fix", p->fix);
	put_words(o, p);
	if (p->here)
		json_netns(o, "last_netns", &path_here(p)->netns);
	if (p->is_copy)
		put_int(o, "copy_of", p->copy_of, p->copy_of);
}

static void make_line(struct render *r, const struct path *p)
{
	struct bytes_out *line = &r->ready;

	open_object(line);
	add_head(line, p);
	put_key(line, "steps");
	bytes_char(line, '[');
	for (size_t i = 0; i < p->n_steps; i++) {
		if (i)
			bytes_char(line, ',');
		if (p->steps[i].type == STEP_RULE && p->steps[i].ns == p->places[0].ns)
			json_rule(line, &r->kept, p, &p->steps[i]);
		else
			json_step(line, p, &p->steps[i]);
	}
	bytes_char(line, ']');
	add_tail(line, p);
	close_object(line);
	bytes_char(line, '\n');
}

static int json_path(struct render *r, const struct path *p)
{
	size_t before = r->ready.len;

	make_line(r, p);
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
		json_step_members(o, p, c->by);
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
	json_netns(o, "netns", &path_here(p)->netns);
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
	put_name(o, "engine", p->engine);
	put_name(o, "certainty", certainty_name(p->certainty));
	put_str(o, "uncertain_because", p->because);
	put_int(o, "lost", true, p->lost);
	put_str(o, "unseen", p->unseen);
	put_str(o, "fix", p->fix);
	put_words(o, p);
	if (p->here)
		json_netns(o, "first_netns", &p->places[0].netns);
	drop_cause(&c, p);
	if (c.kernel)
		json_stack(o, c.kernel);
	close_object(o);
	bytes_char(o, '\n');
	return bytes_undo(o, before) ? -ENOMEM : 0;
}

const struct render_ops render_drop_json = {.name = "drop-json", .path = drop_json_path};
