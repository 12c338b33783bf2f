// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/fib_bpf.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "src/bpf_alone.h"
#include "src/netns.h"

struct fib_bpf {
	struct fib_reader reader; /* its ctx is this struct */
	int netns_fd;
	struct {
		bool tried;
		struct alone_bpf *skel; /* NULL: not loaded, or refused */
	} of[2]; /* IPv4, IPv6 */
};

static struct alone_bpf *loaded(struct fib_bpf *b, bool v6)
{
	static const char *const no_modules[] = {NULL};
	struct error err = {0};

	if (!b->of[v6].tried)
		b->of[v6].skel = bpf_alone_open(v6 ? "fib6_read" : "fib_read", no_modules,
						"reads routes", &err);
	b->of[v6].tried = true;
	return b->of[v6].skel;
}

/* The first `bits` (32 at most) of this word of an address, the others zero; host order. */
static uint32_t head_of(const uint8_t *word, unsigned int bits)
{
	uint32_t host;

	memcpy(&host, word, sizeof(host));
	return ntohl(host) & (bits < 32 ? ~(~0u >> bits) : ~0u);
}

static void tell(const struct nfp_fib_read *a, struct fib_route *route)
{
	uint32_t dst = htonl(a->prefix);

	memset(route, 0, sizeof(*route));
	memcpy(route->dst, &dst, sizeof(dst));
	memcpy(route->prefsrc, &a->prefsrc, sizeof(a->prefsrc));
	route->has_prefsrc = a->prefsrc;
	route->plen = a->plen;
	route->table = a->table;
	route->metric = a->metric;
	route->type = a->found_type;
	route->scope = a->scope;
	route->protocol = a->protocol;
	route->tos = a->tos;
}

static void tell_leg(const struct nfp_fib_read *a, struct fib_route *route)
{
	struct fib_leg *leg = &route->legs[route->n_legs];

	route->realms |= a->realms;
	if (!a->at.ifindex)
		return;
	leg->ifindex = a->at.ifindex;
	leg->gw_family = a->at.gw_family;
	leg->flags = a->at.flags;
	memcpy(leg->gw, a->at.gw, leg->gw_family == AF_INET ? 4 : sizeof(leg->gw));
	route->n_legs_told = ++route->n_legs;
}

/* 0, -EAGAIN: there is no such route; another negative errno. */
static int ask(struct fib_bpf *b, const struct nfp_fib_read *question)
{
	struct nfp_fib_read *a = &b->of[0].skel->bss->fib;
	int rc;

	*a = *question;
	rc = bpf_alone_run(b->of[0].skel->progs.fib_read);
	if (rc || a->state == NFP_FIB_FOUND)
		return rc;
	return a->state == NFP_FIB_NONE ? -EAGAIN : -EFAULT;
}

/* The n-th route of this prefix: one question for each next hop. */
static int read_one(struct fib_bpf *b, const struct nfp_fib_read *question, struct fib_route *route)
{
	const struct nfp_fib_read *a = &b->of[0].skel->bss->fib;
	struct nfp_fib_read q = *question;
	uint64_t info;
	int rc = ask(b, &q);

	if (rc)
		return rc;
	info = a->info;
	if (a->n_legs > FIB_LEGS)
		return -EFAULT;
	tell(a, route);
	if (a->n_legs)
		tell_leg(a, route);
	while (++q.leg < a->n_legs) {
		if (ask(b, &q) || a->info != info)
			return -EFAULT;
		tell_leg(a, route);
	}
	return 0;
}

static int read_prefixes(struct fib_bpf *b, uint32_t table, uint8_t type, const uint8_t *addr,
			 void (*cb)(const struct fib_route *route, void *data), void *data)
{
	struct nfp_fib_read q = {.table = table, .type = type};
	struct fib_route route;
	int rc;

	for (int plen = 32; plen >= 0; plen--) {
		q.plen = plen;
		q.prefix = head_of(addr, plen);
		for (q.skip = 0; !(rc = read_one(b, &q, &route)); q.skip++)
			cb(&route, data);
		if (rc != -EAGAIN)
			return rc;
	}
	return 0;
}

/* --- IPv6 --- */

static void tell6(const struct nfp_fib6_read *a, struct fib_route *route)
{
	memset(route, 0, sizeof(*route));
	for (unsigned int i = 0; i < 4; i++) {
		uint32_t word = htonl(a->prefix[i]);

		memcpy(route->dst + 4 * i, &word, sizeof(word));
	}
	route->plen = a->plen;
	route->table = a->table;
	route->metric = a->metric;
	route->type = a->type;
	route->protocol = a->protocol;
}

/* The longest first; the one with the least metric is all that counts of a type that refuses. */
static int read_prefixes6(struct fib_bpf *b, uint32_t table, uint8_t type, const uint8_t *addr,
			  void (*cb)(const struct fib_route *route, void *data), void *data)
{
	struct nfp_fib6_read *a = &b->of[1].skel->bss->fib6;
	struct fib_route route;

	for (int plen = 128; plen >= 0; plen--) {
		int rc;

		*a = (struct nfp_fib6_read){.table = table, .plen = plen, .type = type};
		for (int i = 0; i < 4; i++)
			a->prefix[i] = head_of(addr + 4 * i, plen > 32 * i ? plen - 32 * i : 0);
		rc = bpf_alone_run(b->of[1].skel->progs.fib6_read);
		if (rc || a->state == NFP_FIB_UNREADABLE)
			return rc ? rc : -EFAULT;
		if (a->state == NFP_FIB_NONE)
			continue;
		tell6(a, &route);
		cb(&route, data);
		return 0;
	}
	return 0;
}

static int read_table(void *ctx, uint8_t family, uint32_t table, uint8_t type, const uint8_t *addr,
		      void (*cb)(const struct fib_route *route, void *data), void *data)
{
	bool v6 = family == AF_INET6;
	struct fib_bpf *b = ctx;
	int rc, token;

	if ((v6 && !fib_type_error(type)) || !loaded(b, v6))
		return -EOPNOTSUPP;
	token = netns_enter(b->netns_fd);
	if (token < 0)
		return token;
	rc = v6 ? read_prefixes6(b, table, type, addr, cb, data)
		: read_prefixes(b, table, type, addr, cb, data);
	netns_leave(token);
	return rc;
}

struct fib_reader *fib_bpf_new(int netns_fd)
{
	struct fib_bpf *b = calloc(1, sizeof(*b));

	if (!b)
		return NULL;
	b->netns_fd = netns_fd;
	b->reader = (struct fib_reader){.read = read_table, .ctx = b};
	return &b->reader;
}

void fib_bpf_free(struct fib_reader *reader)
{
	struct fib_bpf *b = reader ? reader->ctx : NULL;

	if (!b)
		return;
	alone_bpf__destroy(b->of[0].skel);
	alone_bpf__destroy(b->of[1].skel);
	free(b);
}
