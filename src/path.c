// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/path.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/spare.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/*
 * One arena a path: a few blocks that go away together. Strings are kept once, since a path of 20
 * steps names the same handful of tables and chains 20 times.
 */
enum { POOL_BLOCK = 1024, POOL_BUCKETS = 32, FIRST_STEPS = 8, FIRST_LOOKUPS = 2, FIRST_STRINGS = 512 };

struct pool_block {
	struct pool_block *next;
	size_t used, size; /* bytes of data */
	char *data;
};

struct pool_string {
	struct pool_string *next; /* of the same bucket */
	uint32_t hash;
	uint32_t len; /* without the NUL */
	char text[];
};

struct strpool {
	struct pool_block *blocks;
	struct pool_string *buckets[POOL_BUCKETS];
};

static void *pool_alloc(struct strpool *pool, size_t size)
{
	const size_t align = sizeof(void *);
	struct pool_block *b = pool->blocks;

	size = (size + align - 1) & ~(align - 1);
	if (b->size - b->used < size) {
		size_t room = size > POOL_BLOCK ? size : POOL_BLOCK;

		b = malloc(sizeof(*b) + room);
		if (!b)
			return NULL;
		b->next = pool->blocks;
		b->used = 0;
		b->size = room;
		b->data = (char *)(b + 1);
		pool->blocks = b;
	}
	b->used += size;
	return b->data + b->used - size;
}

/* All but the first block, which is not malloc()'s. */
static void pool_free(struct strpool *pool)
{
	struct pool_block *b, *next;

	for (b = pool->blocks; b->next; b = next) {
		next = b->next;
		free(b);
	}
}

static uint32_t pool_hash(const char *s, size_t len)
{
	uint64_t h = len, word;

	for (; len >= sizeof(word); len -= sizeof(word), s += sizeof(word)) {
		memcpy(&word, s, sizeof(word));
		h = (h ^ word) * 0x9e3779b97f4a7c15ULL;
		h ^= h >> 32;
	}
	for (; len; len--)
		h = (h ^ (unsigned char)*s++) * 0x9e3779b97f4a7c15ULL;
	return (uint32_t)(h >> 32);
}

static const char *pool_intern(struct strpool *pool, const char *s, size_t len)
{
	uint32_t hash = pool_hash(s, len);
	struct pool_string **bucket = &pool->buckets[hash % POOL_BUCKETS], *e;

	if (len > UINT32_MAX)
		return NULL;
	for (e = *bucket; e; e = e->next)
		if (e->hash == hash && e->len == len && !memcmp(e->text, s, len))
			return e->text;
	e = pool_alloc(pool, sizeof(*e) + len + 1);
	if (!e)
		return NULL;
	e->hash = hash;
	e->len = len;
	memcpy(e->text, s, len);
	e->text[len] = '\0';
	e->next = *bucket;
	*bucket = e;
	return e->text;
}

/* A path with room for what most paths have, in one piece of memory: beyond it, malloc(). */
struct path_room {
	struct path path;
	struct strpool strings;
	struct path_place place;
	/* From here on it is not cleared. */
	struct pool_block block;
	_Alignas(void *) char text[FIRST_STRINGS];
	struct step steps[FIRST_STEPS];
	struct path_lookup lookups[FIRST_LOOKUPS];
};

static struct spare rooms;

static struct path_room *room_of(struct path *p)
{
	return (struct path_room *)p;
}

struct path *path_new(void)
{
	struct path_room *room = spare_take(&rooms, sizeof(*room));
	struct path *p = &room->path;

	if (!room)
		return NULL;
	memset(room, 0, offsetof(struct path_room, text));
	room->block.size = sizeof(room->text);
	room->block.data = room->text;
	room->strings.blocks = &room->block;
	p->strings = &room->strings;
	p->places = &room->place;
	p->n_places = 1;
	p->steps = room->steps;
	p->cap_steps = FIRST_STEPS;
	p->lookups = room->lookups;
	p->cap_lookups = FIRST_LOOKUPS;
	p->decided_by = -1;
	return p;
}

void path_free(struct path *p)
{
	if (!p)
		return;
	pool_free(p->strings);
	if (p->steps != room_of(p)->steps)
		free(p->steps);
	if (p->places != &room_of(p)->place)
		free(p->places);
	if (p->lookups != room_of(p)->lookups)
		free(p->lookups);
	spare_give(&rooms, room_of(p));
}

struct path_place *path_place(const struct path *p, unsigned int ns)
{
	for (size_t i = 0; i < p->n_places; i++)
		if (p->places[i].ns == ns)
			return &p->places[i];
	return NULL;
}

struct path_place *path_move(struct path *p, unsigned int ns)
{
	struct path_place *place = path_place(p, ns), *places;

	if (!place) {
		bool moves = p->places == &room_of(p)->place;

		places = reallocarray(moves ? NULL : p->places, p->n_places + 1, sizeof(*places));
		if (!places)
			return NULL;
		if (moves)
			*places = room_of(p)->place;
		p->places = places;
		place = &places[p->n_places++];
		*place = (struct path_place){.ns = ns};
	}
	p->here = place - p->places;
	return place;
}

static bool path_grow(struct path *p)
{
	bool moves = p->steps == room_of(p)->steps;
	size_t cap = p->cap_steps * 2;
	struct step *steps;

	if (p->n_steps < p->cap_steps)
		return true;
	steps = reallocarray(moves ? NULL : p->steps, cap, sizeof(*steps));
	if (!steps)
		return false;
	if (moves)
		memcpy(steps, p->steps, p->n_steps * sizeof(*steps));
	p->steps = steps;
	p->cap_steps = cap;
	return true;
}

struct step *path_insert(struct path *p, size_t at, enum step_type type, uint8_t family,
			 uint8_t hook)
{
	struct step *s;

	if (at > p->n_steps || !path_grow(p))
		return NULL;
	s = p->steps + at;
	if (at < p->n_steps)
		memmove(s + 1, s, (p->n_steps - at) * sizeof(*s));
	p->n_steps++;
	if (p->decided_by >= 0 && (size_t)p->decided_by >= at)
		p->decided_by++;

	memset(s, 0, sizeof(*s));
	s->type = type;
	s->family = family;
	s->hook = hook;
	s->ns = path_here(p)->ns;
	s->visit = p->visit;
	if (type == STEP_ROUTE)
		s->route.rule = -1;
	else if (type == STEP_RP_FILTER)
		s->rpf.mode = s->rpf.all = s->rpf.dev_mode = s->rpf.rule = -1;
	else if (type == STEP_NAT)
		s->nat.by = -1;
	else if (type == STEP_CONNTRACK)
		s->ct.by = -1;
	return s;
}

struct step *path_add(struct path *p, enum step_type type, uint8_t family, uint8_t hook)
{
	return path_insert(p, p->n_steps, type, family, hook);
}

struct path_ends path_ends(const struct path *p)
{
	const struct packet *k = &p->packet;

	return (struct path_ends){k->family, k->proto, k->has_ports, k->src, k->dst};
}

void path_ends_pass(struct path_ends *e, const struct step *s)
{
	if (s->type == STEP_HEADERS) {
		*e = (struct path_ends){s->headers.family, s->headers.proto, s->headers.has_ports,
					s->headers.src, s->headers.dst};
	} else if (s->type == STEP_NAT) {
		if (s->nat.dnat)
			e->dst = s->nat.dst;
		else
			e->src = s->nat.src;
		e->has_ports = s->nat.has_ports;
	}
}

bool path_add_lookup(struct path *p, const struct path_lookup *lookup)
{
	bool moves = p->lookups == room_of(p)->lookups;
	unsigned int cap = 2 * p->cap_lookups;
	struct path_lookup *v;

	if (p->n_lookups == p->cap_lookups) {
		v = reallocarray(moves ? NULL : p->lookups, cap, sizeof(*v));
		if (!v)
			return false;
		if (moves)
			memcpy(v, p->lookups, p->n_lookups * sizeof(*v));
		p->lookups = v;
		p->cap_lookups = cap;
	}
	p->lookups[p->n_lookups++] = *lookup;
	return true;
}

const char *path_str(struct path *p, const char *s)
{
	return s ? pool_intern(p->strings, s, strlen(s)) : NULL;
}

const char *path_strf(struct path *p, const char *fmt, ...)
{
	const char *kept = NULL;
	char *s = NULL;
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vasprintf(&s, fmt, ap);
	va_end(ap);
	if (len < 0)
		return NULL;
	kept = pool_intern(p->strings, s, len);
	free(s);
	return kept;
}

void path_doubt(struct path *p, enum certainty c, const char *because)
{
	if (c <= p->certainty)
		return;
	p->certainty = c;
	p->because = path_str(p, because);
}

static const char *pick(const char *const *names, unsigned int n, unsigned int i)
{
	return i < n && names[i] ? names[i] : "unknown";
}

const char *step_type_name(enum step_type t)
{
	static const char *const names[] = {
		[STEP_RULE] = "rule",		[STEP_POLICY] = "policy",
		[STEP_RETURN] = "return",	[STEP_NAT] = "nat",
		[STEP_CONNTRACK] = "conntrack", [STEP_ROUTE] = "route",
		[STEP_RP_FILTER] = "rp_filter", [STEP_HOOK] = "hook",
		[STEP_DELIVER] = "deliver",	[STEP_TRANSMIT] = "transmit",
		[STEP_DROP] = "drop",		[STEP_HEADERS] = "headers",
	};

	return pick(names, COUNT(names), t);
}

const char *path_verdict_name(enum path_verdict v)
{
	static const char *const names[] = {
		[PATH_UNKNOWN] = "unknown",	    [PATH_ACCEPTED] = "accepted",
		[PATH_DELIVERED] = "delivered",	    [PATH_FORWARDED] = "forwarded",
		[PATH_TRANSMITTED] = "transmitted", [PATH_DROPPED] = "dropped",
		[PATH_QUEUED] = "queued",	    [PATH_STOLEN] = "stolen",
	};

	return pick(names, COUNT(names), v);
}

const char *certainty_name(enum certainty c)
{
	static const char *const names[] = {
		[CERTAIN_EXACT] = "exact",
		[CERTAIN_ORDER_AMBIGUOUS] = "order-ambiguous",
		[CERTAIN_NOT] = "uncertain",
	};

	return pick(names, COUNT(names), c);
}

const char *ct_state_name(enum ct_state s)
{
	static const char *const names[] = {
		[CT_NONE] = "none",
		[CT_NEW] = "new",
		[CT_ESTABLISHED] = "established",
		[CT_RELATED] = "related",
		[CT_INVALID] = "invalid",
		[CT_UNTRACKED] = "untracked",
	};

	return pick(names, COUNT(names), s);
}
