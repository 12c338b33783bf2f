// SPDX-License-Identifier: GPL-2.0-or-later
/* One block a packet: a head line, each step in the order of the kernel, what became of the packet.
 */
#include "src/render_text.h"

#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "src/decision.h"
#include "src/escape.h"
#include "src/packet.h"

enum { LEFT_MAX = 60 }; /* names longer than this do not push the others aside */

/* Rules and hook functions stand in the left column. */
static bool is_named(const struct step *s)
{
	return s->type == STEP_RULE || s->type == STEP_POLICY || s->type == STEP_RETURN ||
	       s->type == STEP_HOOK;
}

/* Adds a name and its NUL; returns its width. */
static int add_name(struct bytes_out *names, const char *name)
{
	size_t at = names->len;
	bool plain = escape_add_plain(names, name);

	if (!plain)
		escape_add(names, name);
	bytes_char(names, '\0');
	if (names->failed)
		return 0;
	return plain ? (int)(names->len - 1 - at) : text_width(names->data + at);
}

static int make_names(struct text *t, struct bytes_out *name)
{
	for (size_t i = 0; i < t->p->n_steps; i++) {
		const struct step *s = &t->p->steps[i];
		struct text_column c = {.at = t->names->len};

		name->len = 0;
		if (is_named(s))
			decision_name(name, s);
		bytes_char(name, '\0');
		if (bytes_undo(name, 0))
			return -ENOMEM;
		c.width = add_name(t->names, name->data);
		if (bytes_undo(t->names, 0))
			return -ENOMEM;
		bytes_add(t->columns, &c, sizeof(c));
		if (c.width > t->left && c.width <= LEFT_MAX && text_shows(t, s))
			t->left = c.width;
	}
	return bytes_undo(t->columns, 0) ? -ENOMEM : 0;
}

static void write_icmp(struct bytes_out *f, const struct packet *p)
{
	static const struct {
		uint8_t proto, type;
		const char *name;
	} names[] = {
		{IPPROTO_ICMP, 0, "echo-reply"},
		{IPPROTO_ICMP, 3, "destination-unreachable"},
		{IPPROTO_ICMP, 5, "redirect"},
		{IPPROTO_ICMP, 8, "echo-request"},
		{IPPROTO_ICMP, 11, "time-exceeded"},
		{IPPROTO_ICMP, 12, "parameter-problem"},
		{IPPROTO_ICMPV6, 1, "destination-unreachable"},
		{IPPROTO_ICMPV6, 2, "packet-too-big"},
		{IPPROTO_ICMPV6, 3, "time-exceeded"},
		{IPPROTO_ICMPV6, 4, "parameter-problem"},
		{IPPROTO_ICMPV6, 128, "echo-request"},
		{IPPROTO_ICMPV6, 129, "echo-reply"},
		{IPPROTO_ICMPV6, 133, "nd-router-solicit"},
		{IPPROTO_ICMPV6, 134, "nd-router-advert"},
		{IPPROTO_ICMPV6, 135, "nd-neighbor-solicit"},
		{IPPROTO_ICMPV6, 136, "nd-neighbor-advert"},
	};
	const char *name = NULL;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].proto == p->proto && names[i].type == p->icmp_type)
			name = names[i].name;
	if (name)
		bytes_printf(f, " [%s", name);
	else
		bytes_printf(f, " [type %u", p->icmp_type);
	if (p->icmp_code || !name)
		bytes_printf(f, " code %u", p->icmp_code);
	if (packet_is_echo(p))
		bytes_printf(f, " id %u seq %u", p->icmp_id, p->icmp_seq);
	bytes_char(f, ']');
}

static void write_mac(struct bytes_out *f, const uint8_t *m)
{
	bytes_printf(f, "%02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1], m[2], m[3], m[4], m[5]);
}

void text_packet(struct bytes_out *f, const struct packet *p)
{
	char proto[32], src[64], dst[64], flags[16];

	bytes_str(f, proto_text(proto, sizeof(proto), p));
	if (p->has_addrs) {
		bytes_char(f, ' ');
		bytes_str(f, endpoint_text(src, sizeof(src), p->family, &p->src, p->has_ports));
		bytes_str(f, " > ");
		bytes_str(f, endpoint_text(dst, sizeof(dst), p->family, &p->dst, p->has_ports));
	} else if (p->has_ll) {
		bytes_char(f, ' ');
		write_mac(f, p->ll_src);
		bytes_str(f, " > ");
		write_mac(f, p->ll_dst);
	}
	if (p->has_tcp)
		bytes_printf(f, " [%s]", tcp_flags_text(flags, sizeof(flags), p->tcp_flags));
	if (p->has_icmp)
		write_icmp(f, p);
	if (p->fragment || p->more_frags)
		bytes_str(f, p->fragment ? " [later fragment]" : " [first fragment]");
}

static void write_ifname(struct bytes_out *f, const char *label, const char *name)
{
	bytes_str(f, label);
	escape_add(f, name);
}

/* By this computer's clock and zone, as the logs beside it. */
void text_time(struct bytes_out *f, uint64_t ns)
{
	static time_t last = -1; /* the packets of a second share its digits */
	static char hms[16];
	time_t seconds = ns / 1000000000;
	struct tm tm;

	if (seconds != last) {
		strcpy(hms, "??:??:??");
		if (localtime_r(&seconds, &tm))
			strftime(hms, sizeof(hms), "%H:%M:%S", &tm);
		last = seconds;
	}
	bytes_str(f, hms);
	bytes_char(f, '.');
	bytes_number(f, ns % 1000000000 / 1000, 6);
}

static void write_head(struct text *t)
{
	const struct path *p = t->p;
	const struct packet *k = &p->packet;
	struct bytes_out *f = t->out;

	bytes_char(f, '#');
	bytes_number(f, p->id, 1);
	bytes_char(f, ' ');
	text_packet(f, k);
	if (k->iif[0])
		write_ifname(f, "  in=", k->iif);
	if (k->oif[0] && (t->verbose || !k->iif[0]))
		write_ifname(f, "  out=", k->oif);
	bytes_str(f, "  netns=");
	text_netns(f, &p->places[0].netns);
	if (t->verbose) {
		bytes_printf(f, "  mark=0x%" PRIx32, k->mark);
		if (k->family == AF_INET)
			bytes_printf(f, "  id=%u", k->ip_id);
		if (k->len)
			bytes_printf(f, "  len=%" PRIu32, k->len);
	}
	bytes_str(f, "  ");
	text_time(f, p->time_ns);
	bytes_char(f, '\n');
}

/* Of this host: who sent it, and what that had received. */
static void write_origin(struct text *t)
{
	const struct path *p = t->p;

	if (!p->origin.state)
		return;
	bytes_str(t->out, "  FROM a socket");
	text_owner(t->out, p->origin.state, p->origin.comm, p->origin.pid);
	if (p->origin.received)
		bytes_printf(t->out, ", whose process received packet #%" PRIu64 " before",
			     p->origin.received);
	bytes_char(t->out, '\n');
}

static const struct step *last_of(const struct path *p, enum step_type type)
{
	for (size_t i = p->n_steps; i; i--)
		if (p->steps[i - 1].type == type)
			return &p->steps[i - 1];
	return NULL;
}

/* The step that decided; where none is named and the packet was dropped, the kernel's own reason.
 */
static const struct step *decider(const struct path *p)
{
	if (p->decided_by >= 0 && (size_t)p->decided_by < p->n_steps)
		return &p->steps[p->decided_by];
	return p->verdict == PATH_DROPPED ? last_of(p, STEP_DROP) : NULL;
}

/* Of the steps that have a name in the left column it is there already. */
static void write_decider(struct text *t, const char *label, const struct step *s)
{
	struct bytes_out name = {0};

	bytes_str(t->out, label);
	if (is_named(s)) {
		bytes_str(t->out, t->names->data + text_column(t, s)->at);
		return;
	}
	decision_name(&name, s);
	bytes_char(&name, '\0');
	if (name.failed)
		t->out->failed = true;
	else
		escape_add(t->out, name.data);
	bytes_free(&name);
}

static const char *out_device(const struct path *p)
{
	const struct step *sent = last_of(p, STEP_TRANSMIT), *route = last_of(p, STEP_ROUTE);
	unsigned int ns = path_here(p)->ns;

	if (sent && sent->ns == ns && sent->transmit.dev)
		return sent->transmit.dev;
	if (!p->here && p->packet.oif[0])
		return p->packet.oif;
	return route && route->ns == ns ? route->route.dev : NULL;
}

static const struct {
	const char *word, *color;
} outcomes[] = {
	[PATH_UNKNOWN] = {"UNKNOWN", NULL},
	[PATH_ACCEPTED] = {"ACCEPTED", TEXT_GREEN},
	[PATH_DELIVERED] = {"DELIVERED", TEXT_GREEN},
	[PATH_FORWARDED] = {"FORWARDED", TEXT_GREEN},
	[PATH_TRANSMITTED] = {"TRANSMITTED", TEXT_GREEN},
	[PATH_DROPPED] = {"DROPPED", TEXT_RED},
	[PATH_QUEUED] = {"QUEUED", NULL},
	[PATH_STOLEN] = {"STOLEN", NULL},
};

/* Where the packet went, for those that got through. */
static void write_destination(struct text *t)
{
	const struct step *socket = last_of(t->p, STEP_DELIVER);

	if (t->p->verdict == PATH_FORWARDED)
		text_labelled(t->out, " to ", out_device(t->p));
	else if (t->p->verdict == PATH_TRANSMITTED)
		text_labelled(t->out, " by ", out_device(t->p));
	else if (t->p->verdict == PATH_DELIVERED)
		bytes_str(t->out, socket ? " to a socket" : " to this host");
	if (t->p->verdict == PATH_DELIVERED && socket)
		text_socket(t->out, socket);
}

static void write_outcome(struct text *t)
{
	const struct path *p = t->p;
	const struct step *by = decider(p), *drop = last_of(p, STEP_DROP);
	bool went_on = p->verdict == PATH_FORWARDED || p->verdict == PATH_TRANSMITTED ||
		       p->verdict == PATH_DELIVERED;

	bytes_str(t->out, "  ");
	text_painted(t, outcomes[p->verdict].color, outcomes[p->verdict].word);
	if (p->here) {
		bytes_str(t->out, " in netns ");
		text_netns(t->out, &path_here(p)->netns);
	}
	write_destination(t);
	if (by)
		write_decider(t, went_on ? ", let through by " : " by ", by);
	else if (p->verdict == PATH_DROPPED)
		bytes_str(t->out, ", the cause was not seen");
	if (t->verbose && p->verdict == PATH_DROPPED && drop && drop != by) {
		bytes_str(t->out, " (");
		text_reason(t->out, drop);
		bytes_char(t->out, ')');
	}
	bytes_char(t->out, '\n');
}

static void write_note(struct text *t, const char *label, const char *note)
{
	bytes_printf(t->out, "    %s: ", label);
	escape_add(t->out, note);
	bytes_char(t->out, '\n');
}

static void write_notes(struct text *t)
{
	const struct path *p = t->p;
	const struct step *drop = last_of(p, STEP_DROP);

	if (drop)
		text_stack(t->out, drop);
	if (p->copy_of)
		bytes_printf(t->out, "    copy: of packet #%" PRIu64 "\n", p->copy_of);
	else if (p->is_copy)
		bytes_str(t->out, "    copy: of a packet that is not shown\n");
	if (p->refusal) {
		bytes_str(t->out, "    why: ");
		escape_add(t->out, p->refusal);
		bytes_printf(t->out, " (%s)\n", p->refused);
	}
	if (p->diagnosis)
		write_note(t, "diagnosis", p->diagnosis);
	if (p->fix)
		write_note(t, "fix", p->fix);
	if (p->certainty != CERTAIN_EXACT)
		write_note(t, p->certainty == CERTAIN_NOT ? "uncertain" : "order ambiguous",
			   p->because ? p->because : "no reason given");
	if (p->lost)
		bytes_printf(t->out, "    lost: %" PRIu64 " events while this packet was in flight\n",
			p->lost);
	if (p->unseen)
		write_note(t, "not seen", p->unseen);
}

/* The whole block is made first, so that it reaches the file in one piece. */
static int text_path(struct render *r, const struct path *p)
{
	struct text t = {.p = p,
			 .out = &r->ready,
			 .names = &r->names,
			 .columns = &r->columns,
			 .color = r->color,
			 .verbose = r->verbose};
	size_t before = r->ready.len;

	t.family = p->packet.arp_request ? AF_INET : p->packet.family;
	t.src = p->packet.src;
	t.dst = p->packet.dst;
	t.has_ports = p->packet.has_ports;
	t.ns = p->places[0].ns;
	r->names.len = r->columns.len = 0;
	if (make_names(&t, &r->name))
		return -ENOMEM;
	write_head(&t);
	write_origin(&t);
	text_steps(&t);
	write_outcome(&t);
	write_notes(&t);
	bytes_char(t.out, '\n');
	return bytes_undo(t.out, before) ? -ENOMEM : 0;
}

const struct render_ops render_text = {.name = "text", .path = text_path};
