// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * route_ask NETNS: for each line "FROM TO IIF OIF MARK TOS PROTO SPORT DPORT" of stdin ("-" for
 * none; IPv4) the object that `nfpath route-check --json` prints. Thousands of questions without a
 * process for each.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <arpa/inet.h>
#include <sys/socket.h>

#include "src/fib_bpf.h"
#include "src/route_report.h"

static bool read_question(const char *line, struct route_report *r)
{
	char from[64], to[64], iif[ROUTE_NAME], oif[ROUTE_NAME];
	unsigned int mark, tos, proto, sport, dport;

	if (sscanf(line, "%63s %63s %15s %15s %u %u %u %u %u", from, to, iif, oif, &mark, &tos,
		   &proto, &sport, &dport) != 9)
		return false;
	r->flow = (struct route_flow){.family = AF_INET,
				      .has_src = strcmp(from, "-"),
				      .mark = mark,
				      .tos = tos,
				      .proto = proto,
				      .sport = sport,
				      .dport = dport};
	if (strcmp(iif, "-"))
		strcpy(r->iif, iif);
	if (strcmp(oif, "-"))
		strcpy(r->oif, oif);
	return inet_pton(AF_INET, to, r->flow.dst) == 1 &&
	       (!r->flow.has_src || inet_pton(AF_INET, from, r->flow.src) == 1);
}

int main(int argc, char **argv)
{
	struct netns_set set = {0};
	struct error err = {0};
	struct fib_reader *reader;
	unsigned int n = 0;
	char line[256];

	if (argc != 2 || netns_add(&set, argv[1], &err)) {
		fprintf(stderr, "route_ask: %s\n", argc == 2 ? err.text : "give a namespace");
		return 1;
	}
	reader = fib_bpf_new(set.v[0].fd);
	while (fgets(line, sizeof(line), stdin)) {
		/* Both ways to routes that refuse. */
		struct route_report r = {.netns = &set.v[0], .reader = n++ % 2 ? reader : NULL};

		if (!read_question(line, &r) || route_report_fill(&r, &err) ||
		    route_json(&r, stdout)) {
			fprintf(stderr, "route_ask: %s: %s\n", line, err.text);
			return 1;
		}
		route_report_clear(&r);
	}
	fib_bpf_free(reader);
	netns_set_free(&set);
	return 0;
}
