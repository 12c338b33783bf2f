// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/replies.h"

#include <string.h>

#include "src/filter.h"
#include "src/packet.h"
#include "src/path.h"

static const struct step *first_entry(const struct path *p)
{
	for (size_t i = 0; i < p->n_steps; i++)
		if (p->steps[i].type == STEP_CONNTRACK && p->steps[i].ct.has_entry)
			return &p->steps[i];
	return NULL;
}

void replies_annotate(const struct filter *f, struct path *p)
{
	const struct step *s = first_entry(p);
	struct packet reply = p->packet;
	char src[80], dst[80];

	if (!f->conn || p->finds_replies || p->unseen || p->verdict == PATH_DROPPED || !s ||
	    s->ct.reply || !s->ct.nats)
		return;
	reply.src = s->ct.reply_src;
	reply.dst = s->ct.reply_dst;
	/* By which devices is not known yet: those that are asked for. */
	memcpy(reply.iif, f->oif, sizeof(reply.iif));
	memcpy(reply.oif, f->iif, sizeof(reply.oif));
	if (filter_match(f, &reply))
		return;
	p->unseen = path_strf(p,
			      "its replies: they arrive as %s > %s, before their NAT is undone, and "
			      "--conn does not find those by this filter",
			      endpoint_text(src, sizeof(src), reply.family, &reply.src,
					    s->ct.has_ports),
			      endpoint_text(dst, sizeof(dst), reply.family, &reply.dst,
					    s->ct.has_ports));
}
