// SPDX-License-Identifier: GPL-2.0-or-later
#include "netfilter/rule_text.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <libnftnl/rule.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/xt_comment.h>
#include <stdlib.h>
#include <string.h>

#include "netfilter/text_parts.h"
#include "netfilter/xt_rule.h"
#include "src/error.h"
#include "src/netns.h"

/* To list one chain of a table with more of them takes libnftables longer than to copy a rule. */
enum { N_BUCKETS = 1024, MANY_CHAINS = 64 };

struct entry {
	struct entry *next;
	const struct rs_chain *chain;
	const struct rs_table *table;
	uint32_t number;
	struct rule_text text;
};

/* What nft said of a chain, kept for the next of its rules. */
struct listing {
	struct listing *next;
	const struct rs_chain *chain;
	const struct rs_table *table;
	struct chain_lines *lines;
};

struct rule_texts {
	struct nf_source *s;
	struct entry *buckets[N_BUCKETS];
	struct listing *listings;
	struct text_alone *alone;
	bool singly, no_alone; /* read every rule for itself; it was found that none can be */
	size_t n_single;
};

struct rule_texts *rule_texts_open(struct nf_source *s, int netns_fd, struct error *err)
{
	struct rule_texts *t = calloc(1, sizeof(*t));

	if (!t) {
		fail(err, -ENOMEM, "out of memory");
		return NULL;
	}
	t->s = s; /* it knows its namespace */
	return t;
}

static void entry_free(struct entry *e)
{
	free(e->text.text);
	free(e->text.comment);
	free(e->text.action);
	free(e->text.brief);
	free(e);
}

static bool is_of(const struct rs_table *t, const struct ruleset *rs)
{
	for (size_t i = 0; rs && i < rs->n_tables; i++)
		if (rs->tables[i] == t)
			return true;
	return !rs;
}

/* Drops what belongs to rs; NULL: everything. */
static void drop(struct rule_texts *t, const struct ruleset *rs)
{
	for (size_t i = 0; i < N_BUCKETS; i++)
		for (struct entry **p = &t->buckets[i], *e; (e = *p);) {
			if (!is_of(e->table, rs)) {
				p = &e->next;
				continue;
			}
			*p = e->next;
			entry_free(e);
		}
	for (struct listing **p = &t->listings, *l; (l = *p);) {
		if (!is_of(l->table, rs)) {
			p = &l->next;
			continue;
		}
		*p = l->next;
		chain_lines_free(l->lines);
		free(l);
	}
}

void rule_texts_forget(struct rule_texts *t, const struct ruleset *rs)
{
	if (rs)
		drop(t, rs);
}

void rule_texts_close(struct rule_texts *t)
{
	if (!t)
		return;
	drop(t, NULL);
	text_alone_close(t->alone);
	free(t);
}

void rule_texts_singly(struct rule_texts *t)
{
	t->singly = true;
}

size_t rule_texts_n_single(const struct rule_texts *t)
{
	return t->n_single;
}

static int take_line(struct rule_text *rt, const struct chain_line *line)
{
	rt->text = strdup(line->text);
	rt->comment = line->comment ? strdup(line->comment) : NULL;
	if (!rt->text || (line->comment && !rt->comment))
		return -ENOMEM;
	return brief_of_nft(rt);
}

/* The rule alone, where its table is large. -EOPNOTSUPP: ask for the chain. */
static int text_alone(struct rule_texts *t, const struct rs_chain *c, uint64_t handle,
		      struct rule_text *rt)
{
	struct chain_lines *lines;
	int rc;

	if (t->no_alone || (!t->singly && c->table->n_chains < MANY_CHAINS))
		return -EOPNOTSUPP;
	if (!t->alone)
		t->alone = text_alone_open();
	t->no_alone = !t->alone;
	if (t->no_alone)
		return -EOPNOTSUPP;
	rc = text_alone_read(t->alone, t->s, c, handle, &lines);
	if (rc)
		return rc == -ENOENT || rc == -ENOMEM ? rc : -EOPNOTSUPP;
	rc = take_line(rt, lines->v);
	chain_lines_free(lines);
	t->n_single++;
	return rc;
}

/* The text of nft for the rule with this handle, from a listing of its chain. */
static int text_from_chain(struct rule_texts *t, const struct rs_chain *c, uint64_t handle,
			   struct rule_text *rt)
{
	struct listing *l = t->listings;

	while (l && l->chain != c)
		l = l->next;
	if (!l) {
		l = calloc(1, sizeof(*l));
		if (!l)
			return -ENOMEM;
		l->chain = c;
		l->table = c->table;
		l->next = t->listings;
		t->listings = l;
		l->lines = chain_lines_read(t->s, c);
	}
	if (!l->lines)
		return -ENOMEM;
	rt->why = l->lines->why;
	for (size_t i = 0; i < l->lines->n; i++) {
		const struct chain_line *line = &l->lines->v[i];

		if (line->handle != handle)
			continue;
		return take_line(rt, line);
	}
	if (!rt->why)
		rt->why = "the rule was removed before its text was asked for";
	return 0;
}

static int text_by_nft(struct rule_texts *t, const struct rs_chain *c, uint64_t handle,
		       struct rule_text *rt)
{
	int rc = text_alone(t, c, handle, rt);

	return rc == -EOPNOTSUPP ? text_from_chain(t, c, handle, rt) : rc;
}

static char *comment_of(const struct xt_rule *r)
{
	for (size_t i = 0; i < r->n_matches; i++) {
		const struct xt_entry_match *m = r->matches[i].m;
		size_t len = m->u.match_size - sizeof(*m);

		if (!strcmp(m->u.user.name, "comment"))
			return strndup((const char *)m->data, len);
	}
	return NULL;
}

/* Prints in the namespace, where the match for an ipset asks for its name. */
static int text_of_xt(struct rule_texts *t, const struct xt_rule *r, struct rule_text *rt)
{
	int token = netns_enter(t->s->netns_fd), rc;
	struct xt_text text;

	if (token < 0)
		return token;
	rc = xt_rule_print(r, &text);
	netns_leave(token);
	if (rc)
		return rc;
	rt->text = text.text;
	rt->comment = comment_of(r);
	if (text.unknown)
		rt->why = "an extension of this rule is not known here; its bytes are shown";
	return brief_of_xt(rt, text.target_at, r->verdict);
}

static int text_of_legacy(struct rule_texts *t, const struct rs_chain *c, uint32_t number,
			  struct rule_text *rt)
{
	struct xt_rule r;
	int rc = xt_rule_from_entry(&r, c, number);

	if (rc)
		return rc;
	rc = text_of_xt(t, &r, rt);
	xt_rule_free(&r);
	return rc;
}

static int on_rule(const struct nlmsghdr *nlh, void *data)
{
	return nftnl_rule_nlmsg_parse(nlh, data) < 0 ? -EOPNOTSUPP : 0;
}

int nft_rule_fetch(struct nf_source *s, const struct rs_chain *c, uint64_t handle,
		   struct nftnl_rule *nlr)
{
	struct nlmsghdr *nlh = nf_source_msg(s, NFT_MSG_GETRULE, 0, c->table->family);
	int rc;

	mnl_attr_put_strz(nlh, NFTA_RULE_TABLE, c->table->name);
	mnl_attr_put_strz(nlh, NFTA_RULE_CHAIN, c->name);
	mnl_attr_put_u64(nlh, NFTA_RULE_HANDLE, htobe64(handle));
	rc = nf_source_ask(s, on_rule, nlr);
	/* Asked afterwards: if this is the table now, it was so before, since no handle comes
	 * twice. */
	return rc ? rc : nft_table_check(s, c->table);
}

int nft_rule_check(struct nf_source *s, const struct rs_chain *c, uint64_t handle)
{
	struct nftnl_rule *nlr = nftnl_rule_alloc();
	int rc = nlr ? nft_rule_fetch(s, c, handle, nlr) : -ENOMEM;

	if (nlr)
		nftnl_rule_free(nlr);
	return rc;
}

static int text_of_iptables_nft(struct rule_texts *t, const struct rs_chain *c, uint32_t number,
				struct rule_text *rt)
{
	struct nftnl_rule *nlr = nftnl_rule_alloc();
	struct xt_rule r;
	int rc = nlr ? nft_rule_fetch(t->s, c, c->handles[number - 1], nlr) : -ENOMEM;

	if (!rc)
		rc = xt_rule_from_nft(&r, c->table->family, c->name, nlr);
	if (!rc) {
		rc = text_of_xt(t, &r, rt);
		xt_rule_free(&r);
	} else if (rc == -EOPNOTSUPP) {
		rc = text_by_nft(t, c, c->handles[number - 1], rt);
	}
	if (nlr)
		nftnl_rule_free(nlr);
	return rc;
}

static int text_of_nft(struct rule_texts *t, const struct rs_chain *c, uint32_t number,
		       struct rule_text *rt)
{
	return text_by_nft(t, c, c->handles[number - 1], rt);
}

static void make_text(struct rule_texts *t, const struct rs_chain *c, uint32_t number,
		      struct rule_text *rt)
{
	static int (*const makers[])(struct rule_texts * t, const struct rs_chain *c,
				     uint32_t number, struct rule_text *rt) = {
		[BACKEND_NFT] = text_of_nft,
		[BACKEND_IPTABLES_NFT] = text_of_iptables_nft,
		[BACKEND_IPTABLES_LEGACY] = text_of_legacy,
	};
	int rc = makers[c->table->backend](t, c, number, rt);

	if (!rc)
		return;
	free(rt->text);
	rt->text = NULL;
	if (rc == -ENOENT)
		rt->why = "the rule was removed before its text was asked for";
	else
		rt->why = rc == -ENOMEM ? "out of memory" : "the kernel did not give the rule";
}

static size_t bucket_of(const struct rs_chain *c, uint32_t number)
{
	return (((uintptr_t)c >> 4) * 31 + number) % N_BUCKETS;
}

const struct rule_text *rule_text(struct rule_texts *t, const struct ruleset *rs,
				  const struct rs_chain *c, uint32_t number)
{
	static const struct rule_text no_memory = {.why = "out of memory"};
	static const struct rule_text no_rule = {.why = "the chain has no rule of this number"};
	size_t bucket = bucket_of(c, number);
	struct entry *e;

	for (e = t->buckets[bucket]; e; e = e->next)
		if (e->chain == c && e->number == number)
			return &e->text;
	if (!number || number > c->n_rules)
		return &no_rule;
	e = calloc(1, sizeof(*e));
	if (!e)
		return &no_memory;
	e->chain = c;
	e->table = c->table;
	e->number = number;
	make_text(t, c, number, &e->text);
	e->next = t->buckets[bucket];
	t->buckets[bucket] = e;
	return &e->text;
}
