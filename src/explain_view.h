/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What `nfpath explain` was asked, what it found, and its two ways to say it. */
#ifndef NFPATH_EXPLAIN_VIEW_H
#define NFPATH_EXPLAIN_VIEW_H

#include <stdio.h>

#include "netfilter/explain.h"
#include "netfilter/explain_flow.h"
#include "src/error.h"

struct explain_host;

enum ask_kind { ASK_MAP, ASK_ADDR, ASK_CHAIN, ASK_SERVICE };

struct ask {
	enum ask_kind kind;
	const char *text; /* as it was typed */
	uint8_t family, proto, addr[16];
	uint16_t port;
	char service[256]; /* ASK_SERVICE: "ns/svc" or "ns/svc:port" */
};

struct explain_view {
	struct explain *x;
	struct ask ask;
	struct explain_service **services; /* those that were asked for */
	size_t n_services;
	struct flow *flow;		 /* ASK_ADDR; else NULL */
	const struct explain_host *host; /* NULL: the ruleset is of a file */
};

/* 0 or a negative errno of the output. */
int explain_text(const struct explain_view *v, FILE *out);
int explain_json(const struct explain_view *v, FILE *out);

/* Tables of an owner, for both: counts of chains and rules. */
struct owned_table {
	const struct rs_table *table;
	unsigned int chains, rules;
};
/* Those of one owner (NULL: the administrator's); how many. v has room for every table. */
unsigned int explain_owned(const struct explain *x, const struct explainer *e,
			   struct owned_table *v);

/* How the tables get into each other's way: whole sentences. */
void explain_notes(const struct explain *x, void (*note)(void *data, const char *sentence),
		   void *data);

#endif
