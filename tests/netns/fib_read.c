// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * fib_read NETNS: for each line "TABLE TYPE ADDR" of stdin (numbers; TYPE 0: any) the routes of that
 * table that cover ADDR, read out of the kernel's memory and told by its dump; of IPv6 the one that a lookup takes. One
 * line each: "same N", "untold: reason", or "differs" and both.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/rtnetlink.h>

#include "route/query.h"
#include "src/fib_bpf.h"
#include "src/netns.h"

enum { ROUTES = 256, TEXT = 512 };

struct routes {
	char v[ROUTES][TEXT];
	unsigned int n;
	int family;
};

static void begin(void *data)
{
	((struct routes *)data)->n = 0;
}

/* All that both tell, but names; of flags, whether it is alive. */
static void on_route(const struct fib_route *r, void *data)
{
	struct routes *l = data;
	char dst[INET6_ADDRSTRLEN], src[INET_ADDRSTRLEN], gw[INET6_ADDRSTRLEN], *p;
	int room = TEXT, n;

	if (l->n == ROUTES)
		return;
	p = l->v[l->n++];
	inet_ntop(l->family, r->dst, dst, sizeof(dst));
	inet_ntop(AF_INET, r->prefsrc, src, sizeof(src));
	n = snprintf(p, room, "%s/%u table %u type %u metric %u scope %u protocol %u tos %u src %s realms %d legs %u", dst,
		     r->plen, r->table, r->type, r->metric, r->scope, r->protocol, r->tos, src, r->realms, r->n_legs_told);
	for (unsigned int i = 0; i < r->n_legs && n < room; i++) {
		const struct fib_leg *leg = &r->legs[i];

		p += n;
		room -= n;
		if (!leg->gw_family || !inet_ntop(leg->gw_family, leg->gw, gw, sizeof(gw)))
			strcpy(gw, "-");
		n = snprintf(p, room, ", dev %u via %s%s", leg->ifindex, gw, leg->flags & RTNH_F_DEAD ? " dead" : "");
	}
}

static int by_text(const void *a, const void *b)
{
	return strcmp(a, b);
}

static void print(const char *who, const struct routes *l)
{
	for (unsigned int i = 0; i < l->n; i++)
		printf("; %s: %s", who, l->v[i]);
}

static void compare(struct routes *read, struct routes *told)
{
	qsort(read->v, read->n, TEXT, by_text);
	qsort(told->v, told->n, TEXT, by_text);
	if (read->n == told->n && !memcmp(read->v, told->v, sizeof(read->v[0]) * read->n)) {
		printf("same %u\n", read->n);
		return;
	}
	printf("differs");
	print("read", read);
	print("told", told);
	printf("\n");
}

static int tell(struct rtnl *rtnl, uint32_t table, uint8_t type, const uint8_t *addr, struct routes *told)
{
	struct route_flow flow = {.family = told->family};
	struct route_best best = {.flow = &flow};
	int rc;

	if (told->family == AF_INET)
		return route_query_table(rtnl, AF_INET, table, type, addr, begin, on_route, told);
	memcpy(flow.dst, addr, ROUTE_ADDR);
	rc = route_query_best(rtnl, table, type, &best);
	if (!rc && best.found)
		on_route(&best.route, told);
	return rc;
}

int main(int argc, char **argv)
{
	static struct routes read, told;
	struct netns_set set = {0};
	struct error err = {0};
	struct fib_reader *reader;
	struct rtnl *rtnl;
	char line[256], text[64];
	unsigned int table, type;
	uint8_t addr[ROUTE_ADDR] = {0};

	if (argc != 2 || netns_add(&set, argv[1], &err) || !(rtnl = rtnl_open(set.v[0].fd, &err))) {
		fprintf(stderr, "fib_read: %s\n", argc == 2 ? err.text : "give a namespace");
		return 1;
	}
	reader = fib_bpf_new(set.v[0].fd);
	while (reader && fgets(line, sizeof(line), stdin)) {
		int rc, family;

		if (sscanf(line, "%u %u %63s", &table, &type, text) != 3)
			return 1;
		family = strchr(text, ':') ? AF_INET6 : AF_INET;
		if (inet_pton(family, text, addr) != 1)
			return 1;
		memset(&read, 0, sizeof(read));
		memset(&told, 0, sizeof(told));
		read.family = told.family = family;
		rc = reader->read(reader->ctx, family, table, type, addr, on_route, &read);
		if (rc)
			printf("untold: %s\n", strerror(-rc));
		else if (tell(rtnl, table, type, addr, &told))
			return 1;
		else
			compare(&read, &told);
	}
	fib_bpf_free(reader);
	rtnl_close(rtnl);
	netns_set_free(&set);
	return 0;
}
