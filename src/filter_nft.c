// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/filter_nft.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "src/packet.h"

static void write_addr(FILE *out, const struct filter_addr *a, const char *side, bool arp)
{
	char text[64];

	if (!a->set)
		return;
	fprintf(out, "%s %s%s %s/%u ",
		arp			? "arp"
		: a->family == AF_INET6 ? "ip6"
					: "ip",
		side, arp ? " ip" : "", addr_text(text, sizeof(text), a->family, a->addr), a->plen);
}

static void write_ports(FILE *out, const struct filter_ports *p, const char *side)
{
	if (p->set && p->lo == p->hi)
		fprintf(out, "th %s %u ", side, p->lo);
	else if (p->set)
		fprintf(out, "th %s %u-%u ", side, p->lo, p->hi);
}

/* nft has no way to write a name with a quote in it: then filter_match() alone decides. */
static void write_ifname(FILE *out, const char *key, const char *name)
{
	if (*name && !strchr(name, '"'))
		fprintf(out, "%s \"%s\" ", key, name);
}

static bool needs_ports(const struct filter *f)
{
	return f->sport.set || f->dport.set || f->port.set;
}

static void write_proto(FILE *out, const struct filter *f)
{
	if (f->has_proto)
		fprintf(out, "meta l4proto %u ", f->proto);
	else if (f->has_tcp_flags)
		fprintf(out, "meta l4proto tcp ");
	else if (needs_ports(f))
		fprintf(out, "meta l4proto { tcp, udp, udplite, sctp, dccp } ");
}

/* One combination: which side --addr and --port are taken for. later_fragment: it has no ports to
 * ask for. */
static void write_match(FILE *out, const struct filter *f, enum filter_place place,
			const struct cgroup_name *cgroup, bool addr_dst, bool port_dst,
			bool later_fragment)
{
	bool arp = place == FILTER_ARP;

	if (place != FILTER_LEAVING)
		write_ifname(out, "iifname", f->iif);
	else
		write_ifname(out, "oifname", f->oif);
	write_addr(out, &f->src, "saddr", arp);
	write_addr(out, &f->dst, "daddr", arp);
	write_addr(out, &f->either, addr_dst ? "daddr" : "saddr", arp);
	if (!later_fragment) {
		write_proto(out, f);
		write_ports(out, &f->sport, "sport");
		write_ports(out, &f->dport, "dport");
		write_ports(out, &f->port, port_dst ? "dport" : "sport");
		if (f->has_tcp_flags)
			fprintf(out, "tcp flags & 0x%02x == 0x%02x ", f->tcp_mask, f->tcp_flags);
	}
	if (f->has_mark)
		fprintf(out, "meta mark & 0x%08x == 0x%08x ", f->mark_mask, f->mark);
	if (cgroup)
		fprintf(out, "socket cgroupv2 level %d \"%s\" ", cgroup->level, cgroup->path);
}

static int add(struct filter_matches *m, const struct filter *f, enum filter_place place,
	       const struct cgroup_name *cgroup, bool addr_dst, bool port_dst, const char *fragment)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return -ENOMEM;
	if (fragment)
		fprintf(out, "%s ", fragment);
	write_match(out, f, place, cgroup, addr_dst, port_dst, fragment != NULL);
	if (fclose(out))
		return -ENOMEM;
	m->v[m->n++] = text;
	return 0;
}

uint8_t filter_family(const struct filter *f)
{
	return f->src.set      ? f->src.family
	       : f->dst.set    ? f->dst.family
	       : f->either.set ? f->either.family
			       : 0;
}

static int add_all(struct filter_matches *m, const struct filter *f, enum filter_place place,
		   const struct cgroup_name *cgroup, bool fragments)
{
	bool l4 = needs_ports(f) || f->has_tcp_flags;
	int rc = 0;

	fragments = fragments && l4 && !cgroup;
	if (place == FILTER_LEAVING && *f->iif)
		return 0;
	if (place == FILTER_ARP && (l4 || f->has_proto || cgroup || filter_family(f) == AF_INET6))
		return 0;
	for (int a = 0; !rc && a <= (f->either.set ? 1 : 0); a++) {
		for (int p = 0; !rc && p <= (f->port.set ? 1 : 0); p++)
			rc = add(m, f, place, cgroup, a, p, NULL);
		/*
		 * Later fragments carry no ports: whether they belong is known when conntrack has
		 * put the packet together. They are selected here, and filter_match() decides then.
		 */
		if (!rc && fragments && filter_family(f) != AF_INET6)
			rc = add(m, f, place, cgroup, a, 0, "ip frag-off & 0x1fff != 0");
		if (!rc && fragments && filter_family(f) != AF_INET)
			rc = add(m, f, place, cgroup, a, 0, "frag frag-off != 0");
	}
	return rc;
}

static int to_nft(const struct filter *f, enum filter_place place, const struct cgroup_name *cgroup,
		  bool fragments, struct filter_matches *m)
{
	struct filter replies = filter_mirror(f);
	int rc;

	memset(m, 0, sizeof(*m));
	rc = add_all(m, f, place, cgroup, fragments);
	if (!rc && f->conn)
		rc = add_all(m, &replies, place, cgroup, fragments);
	if (rc)
		filter_matches_free(m);
	return rc;
}

int filter_to_nft(const struct filter *f, enum filter_place place, const struct cgroup_name *cgroup,
		  struct filter_matches *m)
{
	return to_nft(f, place, cgroup, true, m);
}

int filter_to_nft_whole(const struct filter *f, enum filter_place place,
			const struct cgroup_name *cgroup, struct filter_matches *m)
{
	return to_nft(f, place, cgroup, false, m);
}

void filter_matches_free(struct filter_matches *m)
{
	while (m->n)
		free(m->v[--m->n]);
}
