// SPDX-License-Identifier: GPL-2.0-or-later
/* One line a drop: when, by whom, the packet, the kernel's reason and place. */
#include "src/render_text.h"

#include <errno.h>
#include <inttypes.h>
#include <sys/socket.h>

#include "src/drop_cause.h"
#include "src/escape.h"

enum { NAME_WIDTH = 34 }; /* longer names push the rest of their line aside */

/* Escaped, into names; returns its width. */
static int make_name(struct text *t, const struct drop_cause *c, struct bytes_out *name)
{
	name->len = t->names->len = 0;
	drop_cause_name(name, c);
	bytes_char(name, '\0');
	if (bytes_undo(name, 0))
		return -ENOMEM;
	escape_add(t->names, name->data);
	bytes_char(t->names, '\0');
	return bytes_undo(t->names, 0) ? -ENOMEM : text_width(t->names->data);
}

static void write_device(struct bytes_out *f, const char *label, const char *name)
{
	text_labelled(f, label, *name ? name : NULL);
}

static void write_details(struct text *t)
{
	const struct packet *k = &t->p->packet;

	if (!t->verbose)
		return;
	bytes_printf(t->out, "  mark=0x%" PRIx32, k->mark);
	if (k->family == AF_INET)
		bytes_printf(t->out, "  id=%u", k->ip_id);
	if (k->len)
		bytes_printf(t->out, "  len=%" PRIu32, k->len);
}

/* What the rule says, for it may be anybody's. */
static void write_rule_text(struct text *t, const struct drop_cause *c)
{
	if (!t->verbose || !c->by || c->by->type != STEP_RULE)
		return;
	text_labelled(t->out, "  rule: ", c->by->rule.text ? c->by->rule.text : c->by->rule.no_text);
}

static void write_remarks(struct text *t)
{
	const struct path *p = t->p;

	if (t->verbose)
		text_labelled(t->out, "  why: ", p->refusal);
	text_labelled(t->out, "  diagnosis: ", p->diagnosis);
	text_labelled(t->out, "  fix: ", p->fix);
	if (p->certainty != CERTAIN_EXACT)
		text_labelled(t->out, p->certainty == CERTAIN_NOT ? "  uncertain: " : "  order ambiguous: ",
			      text_or_unknown(p->because));
	text_labelled(t->out, "  not seen: ", p->unseen);
}

static void write_line(struct text *t, const struct drop_cause *c, int width)
{
	static const char blanks[] = "                                    ";
	const struct path *p = t->p;

	text_time(t->out, p->time_ns);
	bytes_str(t->out, "  ");
	if (t->color)
		bytes_str(t->out, TEXT_RED);
	bytes_str(t->out, t->names->data);
	if (t->color)
		bytes_str(t->out, TEXT_PLAIN);
	bytes_add(t->out, blanks, width < NAME_WIDTH ? NAME_WIDTH - width + 2 : 2);
	text_packet(t->out, &p->packet);
	write_device(t->out, "  in=", p->packet.iif);
	write_device(t->out, "  out=", p->packet.oif);
	bytes_str(t->out, "  netns=");
	text_netns(t->out, &path_here(p)->netns);
	write_details(t);
	if (c->kernel) {
		bytes_str(t->out, "  ");
		text_reason(t->out, c->kernel);
	}
	write_rule_text(t, c);
	write_remarks(t);
	bytes_char(t->out, '\n');
	if (c->kernel)
		text_stack(t->out, c->kernel);
}

static int drop_path(struct render *r, const struct path *p)
{
	struct text t = {.p = p,
			 .out = &r->ready,
			 .names = &r->names,
			 .color = r->color,
			 .verbose = r->verbose};
	size_t before = r->ready.len;
	struct drop_cause c;
	int width;

	drop_cause(&c, p);
	width = make_name(&t, &c, &r->name);
	if (width < 0)
		return width;
	write_line(&t, &c, width);
	return bytes_undo(t.out, before) ? -ENOMEM : 0;
}

const struct render_ops render_drop = {.name = "drop", .path = drop_path};
