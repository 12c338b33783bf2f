// SPDX-License-Identifier: GPL-2.0-or-later
#include "netfilter/set_key.h"

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <net/if.h>
#include <netdb.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "netfilter/source.h"

/* --- parts of a key --- */

static void print_hex(char *out, size_t size, const uint8_t *key, size_t len)
{
	size_t at = snprintf(out, size, "0x");

	for (size_t i = 0; i < len && at + 3 < size; i++)
		at += snprintf(out + at, size - at, "%02x", key[i]);
}

static void print_ip(char *out, size_t size, const uint8_t *key, size_t len)
{
	inet_ntop(AF_INET, key, out, size);
}

static void print_ip6(char *out, size_t size, const uint8_t *key, size_t len)
{
	inet_ntop(AF_INET6, key, out, size);
}

static void print_ether(char *out, size_t size, const uint8_t *k, size_t len)
{
	snprintf(out, size, "%02x:%02x:%02x:%02x:%02x:%02x", k[0], k[1], k[2], k[3], k[4], k[5]);
}

static void print_proto(char *out, size_t size, const uint8_t *key, size_t len)
{
	static const struct {
		uint8_t number;
		const char *name;
	} names[] = {{1, "icmp"}, {6, "tcp"},	 {17, "udp"},	 {33, "dccp"},	  {47, "gre"},
		     {50, "esp"}, {51, "ah"},	 {58, "ipv6-icmp"}, {132, "sctp"}, {136, "udplite"}};

	snprintf(out, size, "%u", key[0]);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].number == key[0])
			snprintf(out, size, "%s", names[i].name);
}

static void print_service(char *out, size_t size, const uint8_t *key, size_t len)
{
	snprintf(out, size, "%u", key[0] << 8 | key[1]);
}

/* Numbers that the kernel keeps in its own byte order. */
static void print_mark(char *out, size_t size, const uint8_t *key, size_t len)
{
	uint32_t v;

	memcpy(&v, key, sizeof(v));
	snprintf(out, size, "0x%08x", v);
}

static void print_number(char *out, size_t size, const uint8_t *key, size_t len)
{
	uint32_t v;

	memcpy(&v, key, sizeof(v));
	snprintf(out, size, "%u", v);
}

/* NF_CT_STATE_BIT() */
static void print_ct_state(char *out, size_t size, const uint8_t *key, size_t len)
{
	static const struct {
		uint32_t bit;
		const char *name;
	} states[] = {{1, "invalid"}, {2, "established"}, {4, "related"}, {8, "new"}, {64, "untracked"}};
	uint32_t v;

	memcpy(&v, key, sizeof(v));
	snprintf(out, size, "0x%x", v);
	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++)
		if (v == states[i].bit)
			snprintf(out, size, "%s", states[i].name);
}

static void print_ifname(char *out, size_t size, const uint8_t *key, size_t len)
{
	snprintf(out, size, "\"%.*s\"", (int)len, (const char *)key);
}

static void print_ethertype(char *out, size_t size, const uint8_t *key, size_t len)
{
	snprintf(out, size, "0x%02x%02x", key[0], key[1]);
}

enum {
	TYPE_INTEGER = 4,
	TYPE_NUMBER = 20, /* ifindex: in the kernel's own byte order */
};

/* The datatypes of nft: the number is the index that NFTA_SET_KEY_TYPE carries. */
static const struct part_type {
	uint8_t number, len;
	void (*print)(char *out, size_t size, const uint8_t *key, size_t len);
} part_types[] = {
	{7, 4, print_ip},	 {8, 16, print_ip6},  {9, 6, print_ether}, {10, 2, print_ethertype},
	{12, 1, print_proto},	 {13, 2, print_service}, {19, 4, print_mark}, {41, 16, print_ifname},
	{TYPE_NUMBER, 4, print_number}, {26, 4, print_ct_state},
};

enum { TYPE_BITS = 6, TYPE_MASK = 63, REGISTER = 4, PARTS_MAX = 5 };

static const struct part_type *part_type(uint32_t number)
{
	for (size_t i = 0; i < sizeof(part_types) / sizeof(part_types[0]); i++)
		if (part_types[i].number == number)
			return &part_types[i];
	return NULL;
}

const char *set_key_print(char text[SET_KEY_TEXT], uint32_t type, const uint8_t *key, size_t len)
{
	int n = 1;
	size_t at = 0;

	while (n < PARTS_MAX && type >> TYPE_BITS * n)
		n++;
	*text = 0;
	for (int i = n - 1; i >= 0; i--) {
		const struct part_type *p = part_type(type >> TYPE_BITS * i & TYPE_MASK);

		if (i != n - 1)
			at += snprintf(text + at, SET_KEY_TEXT - at, " . ");
		if (!p || p->len > len || (n == 1 && p->len != len)) {
			print_hex(text + at, SET_KEY_TEXT - at, key, len);
			break;
		}
		p->print(text + at, SET_KEY_TEXT - at, key, p->len);
		at += strlen(text + at);
		/* In a concatenation each part begins in a register of its own. */
		key += (p->len + REGISTER - 1) / REGISTER * REGISTER;
		len -= len < (size_t)(p->len + REGISTER - 1) / REGISTER * REGISTER
			       ? len
			       : (size_t)(p->len + REGISTER - 1) / REGISTER * REGISTER;
	}
	return text;
}

/* --- sets --- */

struct set_type {
	LIST_ENTRY(set_type) next;
	uint8_t family;
	uint32_t type; /* 0: not known */
	char *table, *set;
};

struct set_types {
	struct nf_source *source;
	LIST_HEAD(, set_type) sets;
};

struct set_types *set_types_open(struct nf_source *s)
{
	struct set_types *t = calloc(1, sizeof(*t));

	if (t)
		t->source = s;
	return t;
}

void set_types_forget(struct set_types *t)
{
	struct set_type *s;

	while ((s = LIST_FIRST(&t->sets))) {
		LIST_REMOVE(s, next);
		free(s->table);
		free(s->set);
		free(s);
	}
}

void set_types_close(struct set_types *t)
{
	if (!t)
		return;
	set_types_forget(t);
	free(t);
}

/* NFTNL_UDATA_SET_KEYBYTEORDER, which is 0, with nft's BYTEORDER_HOST_ENDIAN, which is 1. */
static bool in_host_order(const uint8_t *p, size_t len)
{
	uint32_t order;

	while (len >= 2 && p[1] <= len - 2) {
		size_t size = p[1];

		if (p[0] == 0 && size == sizeof(order)) {
			memcpy(&order, p + 2, sizeof(order));
			return order == 1;
		}
		p += 2 + size;
		len -= 2 + size;
	}
	return false;
}

/* A number as such, numgen's say, has the type "integer", and its byte order stands beside it. */
static int on_set(const struct nlmsghdr *nlh, void *data)
{
	const struct nlattr *attr;
	uint32_t *type = data;
	bool host = false;

	mnl_attr_for_each(attr, nlh, sizeof(struct nfgenmsg)) {
		if (mnl_attr_get_type(attr) == NFTA_SET_KEY_TYPE &&
		    !mnl_attr_validate(attr, MNL_TYPE_U32))
			*type = ntohl(mnl_attr_get_u32(attr));
		else if (mnl_attr_get_type(attr) == NFTA_SET_USERDATA)
			host = in_host_order(mnl_attr_get_payload(attr),
					     mnl_attr_get_payload_len(attr));
	}
	if (*type == TYPE_INTEGER && host)
		*type = TYPE_NUMBER;
	return 0;
}

static uint32_t ask(struct nf_source *s, uint8_t family, const char *table, const char *set)
{
	struct nlmsghdr *nlh = nf_source_msg(s, NFT_MSG_GETSET, 0, family);
	uint32_t type = 0;

	mnl_attr_put_strz(nlh, NFTA_SET_TABLE, table);
	mnl_attr_put_strz(nlh, NFTA_SET_NAME, set);
	return nf_source_ask(s, on_set, &type) ? 0 : type;
}

static uint32_t type_of(struct set_types *t, uint8_t family, const char *table, const char *set)
{
	struct set_type *s;

	LIST_FOREACH(s, &t->sets, next)
		if (s->family == family && !strcmp(s->table, table) && !strcmp(s->set, set))
			return s->type;
	s = calloc(1, sizeof(*s));
	if (!s)
		return 0;
	LIST_INSERT_HEAD(&t->sets, s, next);
	s->family = family;
	s->table = strdup(table);
	s->set = strdup(set);
	if (!s->table || !s->set) {
		LIST_REMOVE(s, next);
		free(s->table);
		free(s->set);
		free(s);
		return 0;
	}
	s->type = ask(t->source, family, table, set);
	return s->type;
}

const char *set_key_text(char text[SET_KEY_TEXT], struct set_types *t, uint8_t family,
			 const char *table, const char *set, const uint8_t *key, size_t len)
{
	return set_key_print(text, type_of(t, family, table, set), key, len);
}
