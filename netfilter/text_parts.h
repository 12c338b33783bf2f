/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The parts that rule_text.c puts together. Private to netfilter/. */
#ifndef NFPATH_NETFILTER_TEXT_PARTS_H
#define NFPATH_NETFILTER_TEXT_PARTS_H

#include <stddef.h>
#include <stdint.h>

#include "netfilter/rule_text.h"
#include "netfilter/source.h"

struct nftnl_rule;
struct nftnl_set;

/* Every rule of one chain as `nft -s -a list ruleset` prints it. */
struct chain_lines {
	size_t n;
	struct chain_line {
		uint64_t handle;
		char *comment; /* NULL: none */
		char *text;    /* with its comment, without handle; NULL until nft has said it */
	} * v;
	const char *why; /* static: why the texts could not be had; NULL: they are there */
};

/* By libnftables, in the namespace of s. Never NULL but for lack of memory; owned by the caller. */
struct chain_lines *chain_lines_read(struct nf_source *s, const struct rs_chain *c);
void chain_lines_free(struct chain_lines *l);

/* What the text of a rule rests on; text_needs_find() gives -EOPNOTSUPP for a rule whose text may not
 * be the same elsewhere, -ENOENT when it is gone. text_needs_free() follows in any case. */
enum { TEXT_SETS_MAX = 4, TEXT_CHAINS_MAX = 300 };
struct text_needs {
	struct nftnl_rule *rule;
	struct nftnl_set *sets[TEXT_SETS_MAX]; /* with elements where they are anonymous */
	char *chains[TEXT_CHAINS_MAX];
	size_t n_sets, n_chains;
	bool any_anonymous;
	int rc;
};
int text_needs_find(struct nf_source *s, const struct rs_chain *c, uint64_t handle,
		    struct text_needs *n);
void text_needs_free(struct text_needs *n);

/*
 * A place where single rules are copied to and printed (text_alone.c). NULL: it cannot be had.
 * text_alone_read() gives the rule as the one line of *out, which is the caller's; another negative
 * errno than -ENOENT, -EOPNOTSUPP mostly: this rule cannot be copied.
 */
struct text_alone;
struct text_alone *text_alone_open(void);
void text_alone_close(struct text_alone *a);
int text_alone_read(struct text_alone *a, struct nf_source *s, const struct rs_chain *c,
		    uint64_t handle, struct chain_lines **out);

/*
 * Parses what `nft -s -a list chain` printed into l, whose handles and comments are known from the
 * kernel. 0 or -EPROTO when it is not exactly one text for each, in this order. Changes out. Apart
 * from chain_lines_read() for tests.
 */
int chain_lines_parse(struct chain_lines *l, char *out, const char *chain_comment, bool base);

/* The comment in the user data of a rule or a chain, ended by NUL inside of it; NULL: none. data
 * may be NULL when len is 0. */
const char *udata_comment(const void *data, size_t len);

/* Does the table of t still exist, as this very table? 0, -ENOENT or another negative errno. */
int nft_table_check(struct nf_source *s, const struct rs_table *t);

/* The one rule; nlr, which is new, is filled. -ENOENT: it is gone, or it is another table's by now. */
int nft_rule_fetch(struct nf_source *s, const struct rs_chain *c, uint64_t handle,
		   struct nftnl_rule *nlr);

/* Is it there still? Its anonymous sets are its own, and the same, as long as it is. 0, -ENOENT or
 * another negative errno. */
int nft_rule_check(struct nf_source *s, const struct rs_chain *c, uint64_t handle);

/* Fill action and brief (owned by the caller) from text, whose target begins at target_at. 0 or
 * -ENOMEM. */
int brief_of_xt(struct rule_text *rt, size_t target_at, enum verdict verdict);
/* The same for a text by nft. */
int brief_of_nft(struct rule_text *rt);

#endif
