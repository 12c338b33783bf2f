// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/diagnosis.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "src/packet.h"
#include "src/symptoms.h"

enum { KEPT = 256 };

struct diagnosis {
	struct connection kept[KEPT]; /* the last ones, in a ring */
	size_t n;
	const struct symptom *of_passed[8]; /* the rows of packets that nobody dropped; NULL behind the last */
};

struct diagnosis *diagnosis_open(void)
{
	struct diagnosis *d = calloc(1, sizeof(*d));
	size_t n = 0;

	for (size_t i = 0; d && i < n_symptoms; i++)
		if (symptoms[i].passed && n + 1 < sizeof(d->of_passed) / sizeof(d->of_passed[0]))
			d->of_passed[n++] = &symptoms[i];
	return d;
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

static const struct connection *find_awaited(const struct diagnosis *d, const struct finding *f)
{
	const struct packet *k = &f->p->packet;

	for (size_t i = d->n; k->has_ports && i-- > 0 && d->n - i <= KEPT;) {
		const struct connection *c = &d->kept[i % KEPT];

		if (&f->views[c->ns] == f->view && c->family == k->family && c->proto == k->proto &&
		    same_endpoint(&c->reply_dst, &k->dst) && c->reply_src.port == k->src.port &&
		    !same_endpoint(&c->reply_src, &k->src))
			return c;
	}
	return NULL;
}

/*
 * Nobody waits for it here, but a connection that was seen waits for its like, from another address:
 * who answers took another one than it was asked by (a proxy with an unbound socket), so conntrack
 * takes the answer for something new, and undoes no NAT.
 */
bool symptom_waits_elsewhere(struct finding *f)
{
	f->awaited = find_awaited(f->memory, f);
	return f->awaited;
}

/* --- one path --- */

/* Its headers as they are in the end. */
static void find_ends(struct finding *f)
{
	struct path_ends e = path_ends(f->p);

	if (!f->p->packet.has_addrs)
		e.family = 0;
	for (size_t i = 0; i < f->p->n_steps; i++)
		path_ends_pass(&e, &f->p->steps[i]);
	f->family = e.family;
	f->proto = e.proto;
	f->has_ports = e.has_ports;
	f->src = e.src;
	f->dst = e.dst;
}

static void find_decision(struct finding *f)
{
	const struct path *p = f->p;

	for (size_t i = p->n_steps; i-- > 0 && !f->drop;)
		if (p->steps[i].type == STEP_DROP)
			f->drop = &p->steps[i];
	if (p->decided_by >= 0 && p->steps[p->decided_by].type != STEP_DROP)
		f->by = &p->steps[p->decided_by];
}

/* --- one row --- */

static bool is_word(const char *word, size_t len, const char *s, size_t s_len)
{
	return len == s_len && !strncmp(word, s, len);
}

/* REASON or REASON@FUNCTION; compilers name a part of a function FUNCTION.isra.0 and the like. */
static bool is_reason(const char *word, size_t len, const struct step *drop)
{
	const char *at = memchr(word, '@', len), *location = drop->drop.location;
	size_t reason = at ? (size_t)(at - word) : len;

	if (!drop->drop.reason || !is_word(word, reason, drop->drop.reason, strlen(drop->drop.reason)))
		return false;
	return !at || (location && is_word(at + 1, len - reason - 1, location, strcspn(location, "+.")));
}

static bool has_reason(const struct finding *f, const char *words)
{
	/* A rule or a decision of routing says more than the kernel's reason. */
	if (!f->drop || f->by)
		return false;
	for (size_t len; *words; words += len + (words[len] == ' ')) {
		len = strcspn(words, " ");
		if (is_reason(words, len, f->drop))
			return true;
	}
	return false;
}

static bool has_reject(struct finding *f, const char *kind)
{
	const char *is = symptom_by_rule(f) ? symptom_reject(f->by, f->family) : NULL;

	return is && !strcmp(is, kind);
}

static bool fits(struct finding *f, const struct symptom *s)
{
	if (s->reason && !has_reason(f, s->reason))
		return false;
	if (s->refused && (!f->p->refused || strcmp(f->p->refused, s->refused) != 0))
		return false;
	if (s->reject && !has_reject(f, s->reject))
		return false;
	for (size_t i = 0; i < sizeof(s->is) / sizeof(s->is[0]) && s->is[i]; i++)
		if (!s->is[i](f))
			return false;
	return true;
}

/* False: not all of its words are known. */
static bool tell(struct finding *f, const struct symptom *s)
{
	const char *words = s->words ? symptom_words(f, s->words) : NULL;
	const char *next;

	f->for_shell = true;
	next = s->next ? symptom_words(f, s->next) : NULL;
	f->for_shell = false;
	if ((s->words && !words) || (s->next && !next))
		return false;
	f->p->symptom = s->id;
	f->p->diagnosis = words;
	if (next)
		f->p->fix = next;
	return true;
}

static void try_row(struct finding *f, const struct symptom *s)
{
	f->awaited = NULL;
	f->listener = NULL;
	f->other = NULL;
	f->where = NULL;
	f->count = f->limit = 0;
	if (fits(f, s))
		tell(f, s);
}

void diagnose(struct diagnosis *d, struct path *p, const struct view *views, unsigned int n_views)
{
	bool dropped = p->verdict == PATH_DROPPED;
	struct finding f;

	memset(&f, 0, offsetof(struct finding, listeners));
	f.p = p;
	f.views = views;
	f.n_views = n_views;
	f.memory = d;
	f.view = &views[path_here(p)->ns];
	find_ends(&f);
	find_decision(&f);
	for (size_t i = 0; dropped && i < n_symptoms && !p->symptom; i++)
		try_row(&f, &symptoms[i]);
	for (size_t i = 0; !dropped && d->of_passed[i] && !p->symptom; i++)
		try_row(&f, d->of_passed[i]);
	remember(d, p);
}
