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

/* Keys are our own: nothing in them needs to be escaped. Inline, so that their lengths are known. */
#define MEMBER inline __attribute__((always_inline))

static MEMBER void put_key(struct bytes_out *o, const char *key)
{
	if (o->len && o->data[o->len - 1] != '{')
		bytes_char(o, ',');
	bytes_char(o, '"');
	bytes_str(o, key);
	bytes_add(o, "\":", 2);
}

static inline void add_null(struct bytes_out *o)
{
	bytes_add(o, "null", 4);
}

static inline void add_int(struct bytes_out *o, int64_t value)
{
	if (value < 0)
		bytes_char(o, '-');
	bytes_number(o, value < 0 ? -(uint64_t)value : (uint64_t)value, 1);
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

static inline void add_str(struct bytes_out *o, const char *s)
{
	/* All but quote, backslash, controls and what is not ASCII. */
	static const bool plain[256] = {[0x20 ... '"' - 1] = true,
					['"' + 1 ... '\\' - 1] = true,
					['\\' + 1 ... 0x7e] = true};
	size_t len = 0;

	if (!s) {
		add_null(o);
		return;
	}
	while (plain[(uint8_t)s[len]])
		len++;
	if (s[len]) {
		add_escaped(o, s);
		return;
	}
	bytes_char(o, '"');
	bytes_add(o, s, len);
	bytes_char(o, '"');
}

static MEMBER void put_null(struct bytes_out *o, const char *key)
{
	put_key(o, key);
	add_null(o);
}

static MEMBER void put_bool(struct bytes_out *o, const char *key,
							   bool value)
{
	put_key(o, key);
	bytes_str(o, value ? "true" : "false");
}

static MEMBER void put_int(struct bytes_out *o, const char *key,
							  bool known, int64_t value)
{
	put_key(o, key);
	if (known)
		add_int(o, value);
	else
		add_null(o);
}

static MEMBER void put_str(struct bytes_out *o, const char *key,
							  const char *s)
{
	put_key(o, key);
	add_str(o, s);
}

static MEMBER void put_addr(struct bytes_out *o, const char *key, bool known, uint8_t family,
		     const uint8_t *addr)
{
	char buf[64];

	put_str(o, key, known ? addr_text(buf, sizeof(buf), family, addr) : NULL);
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
	put_str(o, "proto", name);
}

#endif
