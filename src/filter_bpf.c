// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/filter_bpf.h"

#include <arpa/inet.h>
#include <string.h>

static void set_addr(__u32 addr[4], __u32 mask[4], __u8 *has, __u8 *family,
		     const struct filter_addr *a)
{
	uint8_t bits[ADDR_MAX] = {0};

	if (!a->set)
		return;
	for (int i = 0; i < a->plen; i++)
		bits[i / 8] |= 0x80 >> i % 8;
	memcpy(addr, a->addr, ADDR_MAX);
	memcpy(mask, bits, ADDR_MAX);
	*has = 1;
	*family = a->family;
}

static void set_ports(__u16 range[2], __u8 *has, const struct filter_ports *p)
{
	if (!p->set)
		return;
	range[0] = p->lo;
	range[1] = p->hi;
	*has = 1;
	/* hi 0 is "any": port 0 alone is left to filter_match(). */
}

static bool is_one(const __u16 range[2])
{
	return range[1] && range[0] == range[1];
}

/* Where one port each is wanted: ranges are left to in_ranges(). */
static void set_words(struct nfp_filter *out)
{
	const __u32 sport = htonl(0xffff0000), dport = htonl(0xffff);

	if (is_one(out->sport)) {
		out->ports[0].mask |= sport;
		out->ports[0].want |= htonl((__u32)out->sport[0] << 16);
	}
	if (is_one(out->dport)) {
		out->ports[0].mask |= dport;
		out->ports[0].want |= htonl(out->dport[0]);
	}
	if (!out->ports[0].mask && is_one(out->port)) {
		out->ports[0].mask = sport;
		out->ports[0].want = htonl((__u32)out->port[0] << 16);
		out->ports[1].mask = dport;
		out->ports[1].want = htonl(out->port[0]);
	}
	out->sport_asked = (out->ports[0].mask & sport) != 0;
}

/* With replies: what was asked of one side is asked of either. */
static struct filter both_ways(const struct filter *f)
{
	struct filter b = *f;

	if (!b.either.set)
		b.either = b.src.set ? b.src : b.dst;
	if (!b.port.set)
		b.port = b.sport.set ? b.sport : b.dport;
	b.src.set = b.dst.set = b.sport.set = b.dport.set = b.has_mark = false;
	return b;
}

bool filter_bpf(struct nfp_filter *out, const struct filter *f)
{
	struct filter replies;

	if (f->conn) {
		replies = both_ways(f);
		f = &replies;
	}
	memset(out, 0, sizeof(*out));
	set_addr(out->src, out->src_mask, &out->has_src, &out->family, &f->src);
	set_addr(out->dst, out->dst_mask, &out->has_dst, &out->family, &f->dst);
	set_addr(out->addr, out->addr_mask, &out->has_addr, &out->family, &f->either);
	set_ports(out->sport, &out->has_ports, &f->sport);
	set_ports(out->dport, &out->has_ports, &f->dport);
	set_ports(out->port, &out->has_ports, &f->port);
	set_words(out);
	out->has_proto = f->has_proto;
	out->proto = f->proto;
	if (f->has_mark) {
		out->mark = f->mark & f->mark_mask;
		out->mark_mask = f->mark_mask;
	}
	return out->family || out->has_ports || out->has_proto || out->mark_mask;
}
