/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Members of JSON objects, written one after the other. */
#ifndef NFPATH_RENDER_JSON_OUT_H
#define NFPATH_RENDER_JSON_OUT_H

#include <jansson.h>
#include <net/ethernet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "src/bytes.h"
#include "src/escape.h"
#include "src/packet.h"

/*
 * Members are written straight into the line: trees of the library cost more than all else that is
 * done for a packet. Strings that need more than quotes are the library's.
 */

static inline void open_object(struct bytes_out *o)
{
	bytes_char(o, '{');
}

static inline void close_object(struct bytes_out *o)
{
	bytes_char(o, '}');
}

/*
 * Keys are our own: nothing in them needs to be escaped. Inline, so that their lengths are known. A
 * packet has some 80 members, so each asks for room but once.
 */
#define MEMBER inline __attribute__((always_inline))

/* A key, and room for `more` behind it: where that goes. NULL: out of memory. */
static MEMBER char *begin_member(struct bytes_out *o, const char *key, size_t more)
{
	size_t len = strlen(key);
	char *to = bytes_room(o, len + sizeof(",\"\":") + more);

	if (!to)
		return NULL;
	if (o->len && to[-1] != '{')
		*to++ = ',';
	*to++ = '"';
	memcpy(to, key, len);
	memcpy(to + len, "\":", 2);
	return to + len + 2;
}

/* It goes up to here. */
static inline void end_member(struct bytes_out *o, const char *end)
{
	o->len = (size_t)(end - o->data);
}

static MEMBER void put_key(struct bytes_out *o, const char *key)
{
	char *to = begin_member(o, key, 0);

	if (to)
		end_member(o, to);
}

static inline void add_null(struct bytes_out *o)
{
	bytes_add(o, "null", 4);
}

static inline int add_bytes(const char *data, size_t len, void *out)
{
	bytes_add(out, data, len);
	return 0;
}

/* Only ASCII is written: what a terminal could be fooled with is \uNNNN there. */
static inline void add_escaped(struct bytes_out *o, const char *s)
{
	json_t *value = json_string(s);
	char *repaired;

	/* NULL: invalid UTF-8, or no memory, which the second try then finds too. */
	if (!value) {
		repaired = utf8_repair(s);
		value = repaired ? json_string(repaired) : NULL;
		free(repaired);
	}
	if (!value || json_dump_callback(value, add_bytes, o, JSON_ENCODE_ANY | JSON_ENSURE_ASCII))
		o->failed = true;
	json_decref(value);
}

/* How many bytes stand for themselves: all but quote, backslash, controls and what is not ASCII. */
static inline size_t plain_length(const char *s)
{
	static const bool plain[256] = {[0x20 ... '"' - 1] = true,
					['"' + 1 ... '\\' - 1] = true,
					['\\' + 1 ... 0x7e] = true};
	size_t len = 0;

	while (plain[(uint8_t)s[len]])
		len++;
	return len;
}

static inline char *quote(char *to, const char *s, size_t len)
{
	*to = '"';
	memcpy(to + 1, s, len);
	to[len + 1] = '"';
	return to + len + 2;
}

static inline void add_str(struct bytes_out *o, const char *s)
{
	size_t len;
	char *to;

	if (!s) {
		add_null(o);
		return;
	}
	len = plain_length(s);
	if (s[len])
		add_escaped(o, s);
	else if ((to = bytes_room(o, len + 2)))
		o->len = (size_t)(quote(to, s, len) - o->data);
}

/* What needs no quotes. */
static MEMBER void put_bare(struct bytes_out *o, const char *key, const char *word)
{
	size_t len = strlen(word);
	char *to = begin_member(o, key, len);

	if (!to)
		return;
	memcpy(to, word, len);
	end_member(o, to + len);
}

static MEMBER void put_null(struct bytes_out *o, const char *key)
{
	put_bare(o, key, "null");
}

static MEMBER void put_bool(struct bytes_out *o, const char *key, bool value)
{
	if (value)
		put_bare(o, key, "true");
	else
		put_bare(o, key, "false");
}

static MEMBER void put_int(struct bytes_out *o, const char *key, bool known, int64_t value)
{
	char *to;

	if (!known) {
		put_null(o, key);
		return;
	}
	to = begin_member(o, key, 1 + DECIMAL_MAX);
	if (!to)
		return;
	if (value < 0)
		*to++ = '-';
	end_member(o, decimal(to, value < 0 ? -(uint64_t)value : (uint64_t)value, 1));
}

static MEMBER void put_str(struct bytes_out *o, const char *key, const char *s)
{
	if (!s) {
		put_null(o, key);
		return;
	}
	put_key(o, key);
	add_str(o, s);
}

/* A name of our own, in which nothing needs to be escaped. */
static MEMBER void put_name(struct bytes_out *o, const char *key, const char *name)
{
	size_t len;
	char *to;

	if (!name) {
		put_null(o, key);
		return;
	}
	len = strlen(name);
	to = begin_member(o, key, len + 2);
	if (to)
		end_member(o, quote(to, name, len));
}

static MEMBER void put_addr(struct bytes_out *o, const char *key, bool known, uint8_t family,
		     const uint8_t *addr)
{
	char buf[64];

	put_name(o, key, known ? addr_text(buf, sizeof(buf), family, addr) : NULL);
}

static inline const char *packet_family(const struct packet *p)
{
	if (p->family)
		return p->family == AF_INET ? "ip" : "ip6";
	return p->ethertype == ETHERTYPE_ARP ? "arp" : NULL;
}

static inline void put_proto(struct bytes_out *o, const struct packet *p)
{
	char number[8];
	const char *name = p->family ? proto_name(p->proto) : NULL;

	if (p->family && !name) {
		snprintf(number, sizeof(number), "%u", p->proto);
		name = number;
	}
	put_name(o, "proto", name);
}

#endif
