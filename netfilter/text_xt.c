// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The text of an iptables rule: addresses, interfaces and protocol by ourselves, matches and
 * targets by their extensions, which print to stdout and know no other way: while they do, stdout
 * and stderr are streams into memory.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <netdb.h>
#include <xtables.h>

#include "netfilter/xt_ext.h"
#include "netfilter/xt_rule.h"

static void print_addr(FILE *out, char letter, int af, const void *addr, const void *mask,
		       bool inverted)
{
	static const uint8_t any[16];
	int bytes = af == AF_INET ? 4 : 16, len = mask_prefix(mask, bytes);
	char buf[INET6_ADDRSTRLEN];

	/* save_ipv4_addr() leaves out 0.0.0.0/0 only, save_ipv6_addr() every address with prefix
	 * length 0. */
	if (!inverted && len == 0 && (af == AF_INET6 || !memcmp(addr, any, bytes)))
		return;
	fprintf(out, "%s -%c %s", inverted ? " !" : "", letter,
		inet_ntop(af, addr, buf, sizeof(buf)));
	if (len < 0)
		fprintf(out, "/%s", inet_ntop(af, mask, buf, sizeof(buf)));
	else
		fprintf(out, "/%d", len);
}

/* The mask covers the name, and its final NUL unless the name is a prefix. */
static void print_iface(FILE *out, char letter, const char *name, const uint8_t *mask,
			bool inverted)
{
	int i;

	if (!mask[0])
		return;
	fprintf(out, "%s -%c ", inverted ? " !" : "", letter);
	for (i = 0; i < IFNAMSIZ && mask[i]; i++)
		if (name[i])
			fputc(name[i], out);
	if (i < IFNAMSIZ && name[i - 1])
		fputc('+', out);
}

static void print_proto(FILE *out, uint16_t proto, bool inverted)
{
	const struct protoent *ent;
	const char *name = NULL;

	if (!proto)
		return;
	for (int i = 0; xtables_chain_protos[i].name && !name; i++)
		if (xtables_chain_protos[i].num == proto)
			name = xtables_chain_protos[i].name;
	if (!name) {
		ent = getprotobynumber(proto);
		name = ent ? ent->p_name : NULL;
	}
	if (inverted)
		fputs(" !", out);
	if (name)
		fprintf(out, " -p %s", name);
	else
		fprintf(out, " -p %u", proto);
}

struct printer {
	const struct xt_rule *r;
	FILE *out;
	bool unknown;
};

/* Source, destination, interfaces, protocol, fragment. The inversion flags of the two families are
 * the same numbers. */
static void print_head(struct printer *p)
{
	const struct ip6t_ip6 *v6 = &p->r->ip.v6;
	const struct ipt_ip *v4 = &p->r->ip.v4;

	fprintf(p->out, "-A %s", p->r->chain);
	if (p->r->family == NFPROTO_IPV6) {
		print_addr(p->out, 's', AF_INET6, &v6->src, &v6->smsk,
			   v6->invflags & IP6T_INV_SRCIP);
		print_addr(p->out, 'd', AF_INET6, &v6->dst, &v6->dmsk,
			   v6->invflags & IP6T_INV_DSTIP);
		print_iface(p->out, 'i', v6->iniface, v6->iniface_mask,
			    v6->invflags & IP6T_INV_VIA_IN);
		print_iface(p->out, 'o', v6->outiface, v6->outiface_mask,
			    v6->invflags & IP6T_INV_VIA_OUT);
		print_proto(p->out, v6->proto, v6->invflags & XT_INV_PROTO);
		return;
	}
	print_addr(p->out, 's', AF_INET, &v4->src, &v4->smsk, v4->invflags & IPT_INV_SRCIP);
	print_addr(p->out, 'd', AF_INET, &v4->dst, &v4->dmsk, v4->invflags & IPT_INV_DSTIP);
	print_iface(p->out, 'i', v4->iniface, v4->iniface_mask, v4->invflags & IPT_INV_VIA_IN);
	print_iface(p->out, 'o', v4->outiface, v4->outiface_mask, v4->invflags & IPT_INV_VIA_OUT);
	print_proto(p->out, v4->proto, v4->invflags & XT_INV_PROTO);
	if (v4->flags & IPT_F_FRAG)
		fprintf(p->out, "%s -f", v4->invflags & IPT_INV_FRAG ? " !" : "");
}

static void print_target(struct printer *p)
{
	static const char *const names[] = {
		[VERDICT_ACCEPT] = "ACCEPT",
		[VERDICT_DROP] = "DROP",
		[VERDICT_QUEUE] = "QUEUE",
		[VERDICT_RETURN] = "RETURN",
	};
	const struct xt_rule *r = p->r;

	if (r->target)
		p->unknown |= !xt_ext_print(p->out, r, (const void *)r->target, true);
	else if (r->verdict == VERDICT_JUMP || r->verdict == VERDICT_GOTO)
		fprintf(p->out, " -%c %s", r->verdict == VERDICT_GOTO ? 'g' : 'j', r->to);
	else if (r->verdict < sizeof(names) / sizeof(names[0]) && names[r->verdict])
		fprintf(p->out, " -j %s", names[r->verdict]);
}

/* All of it, with stdout being the memory stream; returns where the target begins. */
static size_t print_rule(struct printer *p)
{
	struct xtables_globals *before;
	off_t at;

	before = xt_ext_begin(p->r->family);
	print_head(p);
	for (size_t i = 0; i < p->r->n_matches; i++)
		p->unknown |= !xt_ext_print(p->out, p->r, p->r->matches[i].m, false);
	at = ftello(p->out);
	print_target(p);
	xt_ext_end(before);
	return at;
}

int xt_rule_print(const struct xt_rule *r, struct xt_text *out)
{
	FILE *real_out = stdout, *real_err = stderr, *scratch;
	struct printer p = {.r = r};
	char *noise = NULL;
	size_t size, n;

	memset(out, 0, sizeof(*out));
	p.out = open_memstream(&out->text, &size);
	scratch = open_memstream(&noise, &n);
	if (p.out && scratch) {
		stdout = p.out;
		stderr = scratch;
		out->target_at = print_rule(&p);
		stdout = real_out;
		stderr = real_err;
	}
	if (scratch)
		fclose(scratch);
	free(noise);
	if (!p.out || fclose(p.out) || !scratch) {
		free(out->text);
		out->text = NULL;
		return -ENOMEM;
	}
	/* " -j" begins with the space that parts it from the rest. */
	if (out->text[out->target_at])
		out->target_at++;
	out->unknown = p.unknown;
	return 0;
}
