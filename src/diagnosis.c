// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/diagnosis.h"

#include <stdlib.h>
#include <string.h>

#include "src/packet.h"

enum { KEPT = 256 };

/* A connection that NAT is part of, as conntrack had it. */
struct connection {
	unsigned int ns;
	uint8_t family, proto;
	struct endpoint reply_src, reply_dst;
	uint64_t path_id;
};

struct diagnosis {
	struct connection kept[KEPT]; /* the last ones, in a ring */
	size_t n;
};

struct diagnosis *diagnosis_open(void)
{
	return calloc(1, sizeof(struct diagnosis));
}

void diagnosis_close(struct diagnosis *d)
{
	free(d);
}

static void remember(struct diagnosis *d, const struct path *p)
{
	for (size_t i = 0; i < p->n_steps; i++) {
		const struct step *s = &p->steps[i];

		if (s->type != STEP_CONNTRACK || !s->ct.has_entry || !s->ct.nats || s->ct.reply)
			continue;
		d->kept[d->n++ % KEPT] = (struct connection){
			.ns = s->ns,
			.family = p->packet.family,
			.proto = p->packet.proto,
			.reply_src = s->ct.reply_src,
			.reply_dst = s->ct.reply_dst,
			.path_id = p->id,
		};
	}
}

static bool same_endpoint(const struct endpoint *a, const struct endpoint *b)
{
	return a->port == b->port && !memcmp(a->addr, b->addr, ADDR_MAX);
}

static const struct step *drop_of(const struct path *p)
{
	for (size_t i = p->n_steps; i-- > 0;)
		if (p->steps[i].type == STEP_DROP)
			return &p->steps[i];
	return NULL;
}

/*
 * Nobody waits for it here, but a connection that was seen waits for its like, from another address:
 * who answers took another one than it was asked by (a proxy with an unbound socket), so conntrack
 * takes the answer for something new, and undoes no NAT.
 */
static void wrong_source(const struct diagnosis *d, struct path *p)
{
	const struct packet *k = &p->packet;
	const struct step *drop = drop_of(p);
	char want[64], got[64], to[64];

	if (!drop || !drop->drop.reason || strcmp(drop->drop.reason, "NO_SOCKET") || !k->has_ports)
		return;
	for (size_t i = d->n; i-- > 0 && d->n - i <= KEPT;) {
		const struct connection *c = &d->kept[i % KEPT];

		if (c->ns != drop->ns || c->family != k->family || c->proto != k->proto ||
		    !same_endpoint(&c->reply_dst, &k->dst) || c->reply_src.port != k->src.port ||
		    same_endpoint(&c->reply_src, &k->src))
			continue;
		p->diagnosis = path_strf(
			p,
			"an answer from the wrong address: the connection of packet #%llu waits at %s for "
			"answers from %s, and this one is from %s, so it belongs to no connection and its "
			"NAT is not undone",
			(unsigned long long)c->path_id,
			endpoint_text(to, sizeof(to), k->family, &k->dst, true),
			endpoint_text(want, sizeof(want), k->family, &c->reply_src, true),
			endpoint_text(got, sizeof(got), k->family, &k->src, true));
		if (!p->fix)
			p->fix = path_strf(
				p, "let the service answer from %s: bind its socket to that address",
				addr_text(want, sizeof(want), k->family, c->reply_src.addr));
		return;
	}
}

void diagnose(struct diagnosis *d, struct path *p)
{
	wrong_source(d, p);
	remember(d, p);
}
