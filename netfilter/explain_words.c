// SPDX-License-Identifier: GPL-2.0-or-later
/* Facts, addresses and rules in words. */
#include <arpa/inet.h>
#include <inttypes.h>
#include <linux/netfilter.h>
#include <string.h>

#include "netfilter/explain.h"

static uint32_t u32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

const char *words_proto(uint8_t proto)
{
	static const struct {
		uint8_t number;
		const char *name;
	} names[] = {{IPPROTO_ICMP, "icmp"},	  {IPPROTO_TCP, "tcp"},
		     {IPPROTO_UDP, "udp"},	  {IPPROTO_DCCP, "dccp"},
		     {IPPROTO_ICMPV6, "icmpv6"},  {IPPROTO_SCTP, "sctp"},
		     {IPPROTO_UDPLITE, "udplite"}};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].number == proto)
			return names[i].name;
	return NULL;
}

void words_addr(FILE *out, uint8_t family, const uint8_t *addr, const uint8_t *mask)
{
	int af = family == NFPROTO_IPV6 ? AF_INET6 : AF_INET,
	    bytes = family == NFPROTO_IPV6 ? 16 : 4;
	char text[INET6_ADDRSTRLEN];
	int len = mask ? mask_prefix(mask, bytes) : 8 * bytes;

	fputs(inet_ntop(af, addr, text, sizeof(text)), out);
	if (len < 0)
		fprintf(out, "/%s", inet_ntop(af, mask, text, sizeof(text)));
	else if (len < 8 * bytes)
		fprintf(out, "/%d", len);
}

/* --- values by key --- */

static void value_addr(FILE *out, const struct fact *f, uint8_t family)
{
	family = f->len == 16 ? NFPROTO_IPV6 : NFPROTO_IPV4;
	words_addr(out, family, f->value, f->op == FACT_RANGE ? NULL : f->mask);
	if (f->op == FACT_RANGE) {
		fputc('-', out);
		words_addr(out, family, f->mask, NULL);
	}
}

static void value_port(FILE *out, const struct fact *f, uint8_t family)
{
	fprintf(out, "%u", f->value[0] << 8 | f->value[1]);
	if (f->op == FACT_RANGE)
		fprintf(out, "-%u", f->mask[0] << 8 | f->mask[1]);
}

static void value_proto(FILE *out, const struct fact *f, uint8_t family)
{
	const char *name = words_proto(f->value[0]);

	if (name)
		fputs(name, out);
	else
		fprintf(out, "%u", f->value[0]);
}

static void value_family(FILE *out, const struct fact *f, uint8_t family)
{
	fputs(family_name(f->value[0]), out);
}

/* The mask covers the final NUL unless the name is a beginning. */
static void value_iface(FILE *out, const struct fact *f, uint8_t family)
{
	size_t n = 0;

	while (n < f->len && f->mask[n] && f->value[n])
		n++;
	fwrite(f->value, 1, n, out);
	if (n < f->len && !f->mask[n])
		fputc('*', out);
}

static void value_mark(FILE *out, const struct fact *f, uint8_t family)
{
	fprintf(out, "0x%x", u32(f->value));
	if (f->op == FACT_MASKED && u32(f->mask) != UINT32_MAX)
		fprintf(out, "/0x%x", u32(f->mask));
}

static void value_bits(FILE *out, const struct fact *f, const char *const *names, unsigned int n)
{
	const char *gap = "";

	for (unsigned int i = 0; i < 32; i++) {
		if (!(u32(f->value) & 1u << i))
			continue;
		if (i < n && names[i])
			fprintf(out, "%s%s", gap, names[i]);
		else
			fprintf(out, "%sbit %u", gap, i);
		gap = ",";
	}
}

static void value_state(FILE *out, const struct fact *f, uint8_t family)
{
	static const char *const names[] = {"invalid", "established", "related", "new"};

	value_bits(out, f, names, 4);
}

static void value_type(FILE *out, const struct fact *f, uint8_t family)
{
	static const char *const names[] = {NULL,	 "unicast",	"local",
					    "broadcast", "anycast",	"multicast",
					    "blackhole", "unreachable", "prohibit"};

	value_bits(out, f, names, sizeof(names) / sizeof(names[0]));
}

static const struct {
	const char *what;
	void (*value)(FILE *out, const struct fact *f, uint8_t family);
} keys[KEYS] = {
	[KEY_SADDR] = {"source", value_addr},	   [KEY_DADDR] = {"destination", value_addr},
	[KEY_FAMILY] = {"family", value_family},   [KEY_PROTO] = {"protocol", value_proto},
	[KEY_SPORT] = {"source port", value_port}, [KEY_DPORT] = {"port", value_port},
	[KEY_IIF] = {"in by", value_iface},	   [KEY_OIF] = {"out by", value_iface},
	[KEY_MARK] = {"mark", value_mark},	   [KEY_CT_STATE] = {"state", value_state},
	[KEY_STYPE] = {"source type", value_type}, [KEY_DTYPE] = {"destination type", value_type},
};

enum { ELEMS_SHOWN = 8 };

static void elem_words(FILE *out, const struct fact_set *set, const struct fact_elem *e,
		       const uint8_t *set_keys, uint8_t n, uint8_t family)
{
	struct fact part;

	for (uint8_t i = 0; i < n; i++) {
		fact_of_part(&part, set, e, set_keys, i, family);
		if (i)
			fputs(" . ", out);
		if (part.op == FACT_OTHER || !keys[part.key].value)
			fprintf(out, "%u", u32(e->key));
		else
			keys[part.key].value(out, &part, family);
	}
}

static void set_words(FILE *out, const struct fact *f, uint8_t family)
{
	bool anonymous = !f->set->table || begins(f->set->name, "__");

	for (uint8_t i = 0; i < f->n_keys; i++)
		fprintf(out, "%s%s", i ? " . " : "", keys[f->keys[i]].what ?: "something");
	fprintf(out, "%s in ", f->inv ? " not" : "");
	if (!anonymous) {
		fprintf(out, "set %s", f->set->name);
		return;
	}
	fputc('{', out);
	for (size_t i = 0; i < f->set->n && i < ELEMS_SHOWN; i++) {
		fputs(i ? ", " : "", out);
		elem_words(out, f->set, &f->set->elems[i], f->keys, f->n_keys, family);
	}
	fprintf(out, "%s}", f->set->n > ELEMS_SHOWN ? ", …" : "");
}

void words_fact(FILE *out, const struct fact *f, uint8_t family)
{
	struct walk_step s = {0};

	switch (f->op) {
	case FACT_IN_SET:
		set_words(out, f, family);
		return;
	case FACT_REMEMBERED:
		fprintf(out, "client %sseen", f->inv ? "not " : "");
		if (f->seconds)
			fprintf(out, " in the last %u s", f->seconds);
		return;
	case FACT_UNLESS:
		s.rule = f->rule;
		fputs("not returned by ", out);
		words_step(out, &s, family);
		return;
	case FACT_CHANCE:
		fprintf(out, "chance %g %%", 100 * (f->inv ? 1 - f->chance : f->chance));
		return;
	case FACT_OTHER:
		fprintf(out, "%smatch %s", f->inv ? "not " : "", f->what);
		return;
	}
	fprintf(out, "%s ", keys[f->key].what ?: "something");
	if (f->inv)
		fputs("not ", out);
	words_value(out, f, family);
}

void words_value(FILE *out, const struct fact *f, uint8_t family)
{
	if (f->op <= FACT_BITS && keys[f->key].value)
		keys[f->key].value(out, f, family);
}

void words_facts(FILE *out, const struct explain_facts *l, uint8_t family)
{
	for (unsigned int i = 0; i < l->n; i++) {
		fputs(i ? ", " : "", out);
		words_fact(out, &l->v[i], family);
	}
}

void words_elem_key(FILE *out, const struct walk_step *s, uint8_t family)
{
	const struct fact_rule *r = s->rule;

	if (r->vmap)
		elem_words(out, r->vmap, s->elem, r->vmap_keys, r->n_vmap_keys, family);
	else if (r->nat && r->nat->map)
		elem_words(out, r->nat->map, s->elem, r->nat->keys, r->nat->n_keys, family);
}

void words_step(FILE *out, const struct walk_step *s, uint8_t family)
{
	const struct rs_chain *c = s->rule->chain->rs;
	bool nft = c->table->backend == BACKEND_NFT;
	const struct fact_set *map = s->rule->vmap;

	if (nft)
		fprintf(out, "%s ", family_name(c->table->family));
	fprintf(out, "%s:%s:rule:%u", c->table->name, c->name, s->rule->number);
	if (nft && c->handles)
		fprintf(out, " (handle %" PRIu64 ")", c->handles[s->rule->number - 1]);
	if (!s->elem)
		return;
	fputs(" {", out);
	words_elem_key(out, s, family);
	fputc('}', out);
	if (map && map->table && !begins(map->name, "__"))
		fprintf(out, " of %s", map->name);
}
