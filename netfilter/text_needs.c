// SPDX-License-Identifier: GPL-2.0-or-later
/* What the text of one rule of nft rests on: the rule, the sets and the chains that it names. */
#include <errno.h>
#include <libmnl/libmnl.h>
#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <libnftnl/set.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdlib.h>
#include <string.h>

#include "netfilter/text_parts.h"

static int need_chain(struct text_needs *n, const char *name)
{
	for (size_t i = 0; i < n->n_chains; i++)
		if (!strcmp(n->chains[i], name))
			return 0;
	if (n->n_chains == TEXT_CHAINS_MAX)
		return -EOPNOTSUPP;
	n->chains[n->n_chains] = strdup(name);
	return n->chains[n->n_chains] ? n->n_chains++, 0 : -ENOMEM;
}

static int need_set(struct text_needs *n, const char *name)
{
	struct nftnl_set *set;

	for (size_t i = 0; i < n->n_sets; i++)
		if (!strcmp(nftnl_set_get_str(n->sets[i], NFTNL_SET_NAME), name))
			return 0;
	if (n->n_sets == TEXT_SETS_MAX)
		return -EOPNOTSUPP;
	set = nftnl_set_alloc();
	if (!set || nftnl_set_set_str(set, NFTNL_SET_NAME, name)) {
		nftnl_set_free(set);
		return -ENOMEM;
	}
	n->sets[n->n_sets++] = set;
	return 0;
}

/* Whose text is the same wherever they are: no index of an interface, which has a name there only. */
static bool is_plain(struct nftnl_expr *e, const char *name)
{
	static const char *const plain[] = {"payload", "cmp",	  "bitwise", "lookup", "immediate",
					    "numgen",  "counter", "masq",    "nat",    "reject",
					    "dynset",  "range",	  "limit",   "log",    "byteorder"};

	if (!strcmp(name, "meta"))
		switch (nftnl_expr_get_u32(e, NFTNL_EXPR_META_KEY)) {
		case NFT_META_PROTOCOL:
		case NFT_META_NFPROTO:
		case NFT_META_L4PROTO:
		case NFT_META_MARK:
		case NFT_META_IIFNAME:
		case NFT_META_OIFNAME:
			return true;
		default:
			return false;
		}
	if (!strcmp(name, "fib"))
		return nftnl_expr_get_u32(e, NFTNL_EXPR_FIB_RESULT) == NFT_FIB_RESULT_ADDRTYPE;
	if (!strcmp(name, "ct"))
		switch (nftnl_expr_get_u32(e, NFTNL_EXPR_CT_KEY)) {
		case NFT_CT_STATE:
		case NFT_CT_STATUS:
		case NFT_CT_DIRECTION:
		case NFT_CT_MARK:
			return true;
		default:
			return false;
		}
	for (size_t i = 0; i < sizeof(plain) / sizeof(*plain); i++)
		if (!strcmp(name, plain[i]))
			return true;
	return false;
}

static int on_expr(struct nftnl_expr *e, void *data)
{
	const char *name = nftnl_expr_get_str(e, NFTNL_EXPR_NAME);
	struct text_needs *n = data;

	if (!is_plain(e, name))
		n->rc = -EOPNOTSUPP;
	else if (!strcmp(name, "lookup"))
		n->rc = need_set(n, nftnl_expr_get_str(e, NFTNL_EXPR_LOOKUP_SET));
	else if (!strcmp(name, "dynset"))
		n->rc = need_set(n, nftnl_expr_get_str(e, NFTNL_EXPR_DYNSET_SET_NAME));
	else if (nftnl_expr_is_set(e, NFTNL_EXPR_IMM_CHAIN) && !strcmp(name, "immediate"))
		n->rc = need_chain(n, nftnl_expr_get_str(e, NFTNL_EXPR_IMM_CHAIN));
	return n->rc ? -1 : 0;
}

static int on_set(const struct nlmsghdr *nlh, void *data)
{
	return nftnl_set_nlmsg_parse(nlh, data) < 0 ? -EOPNOTSUPP : 0;
}

static int on_elems(const struct nlmsghdr *nlh, void *data)
{
	return nftnl_set_elems_nlmsg_parse(nlh, data) < 0 ? -EOPNOTSUPP : 0;
}

static int on_elem(struct nftnl_set_elem *e, void *data)
{
	struct text_needs *n = data;

	if (nftnl_set_elem_is_set(e, NFTNL_SET_ELEM_CHAIN))
		n->rc = need_chain(n, nftnl_set_elem_get_str(e, NFTNL_SET_ELEM_CHAIN));
	else if (nftnl_set_elem_is_set(e, NFTNL_SET_ELEM_OBJREF))
		n->rc = -EOPNOTSUPP;
	return n->rc ? -1 : 0;
}

/* A set as it is; of one that has a name no elements, which are no part of a rule's text. */
static int read_set(struct nf_source *s, const struct rs_table *t, struct text_needs *n, uint32_t id)
{
	struct nftnl_set *set = n->sets[id];
	struct nlmsghdr *nlh = nf_source_msg(s, NFT_MSG_GETSET, 0, t->family);
	char *name = strdup(nftnl_set_get_str(set, NFTNL_SET_NAME));
	int rc = name ? 0 : -ENOMEM;

	if (!rc) {
		mnl_attr_put_strz(nlh, NFTA_SET_TABLE, t->name);
		mnl_attr_put_strz(nlh, NFTA_SET_NAME, name);
		rc = nf_source_ask(s, on_set, set);
	}
	nftnl_set_unset(set, NFTNL_SET_HANDLE);
	nftnl_set_set_u32(set, NFTNL_SET_ID, id + 1);
	if (!rc && nftnl_set_get_u32(set, NFTNL_SET_FLAGS) & NFT_SET_OBJECT)
		rc = -EOPNOTSUPP;
	if (!rc && nftnl_set_get_u32(set, NFTNL_SET_FLAGS) & NFT_SET_ANONYMOUS) {
		n->any_anonymous = true;
		nlh = nf_source_msg(s, NFT_MSG_GETSETELEM, NLM_F_DUMP, t->family);
		mnl_attr_put_strz(nlh, NFTA_SET_ELEM_LIST_TABLE, t->name);
		mnl_attr_put_strz(nlh, NFTA_SET_ELEM_LIST_SET, name);
		rc = nf_source_ask(s, on_elems, set);
		if (!rc && nftnl_set_elem_foreach(set, on_elem, n) < 0)
			rc = n->rc ?: -EOPNOTSUPP;
	}
	free(name);
	return rc;
}

int text_needs_find(struct nf_source *s, const struct rs_chain *c, uint64_t handle,
		    struct text_needs *n)
{
	int rc;

	n->rule = nftnl_rule_alloc();
	rc = n->rule ? nft_rule_fetch(s, c, handle, n->rule) : -ENOMEM;
	if (!rc)
		rc = need_chain(n, c->name);
	if (!rc && nftnl_expr_foreach(n->rule, on_expr, n) < 0)
		rc = n->rc;
	for (size_t i = 0; !rc && i < n->n_sets; i++)
		rc = read_set(s, c->table, n, i);
	return rc || !n->any_anonymous ? rc : nft_rule_check(s, c, handle);
}

void text_needs_free(struct text_needs *n)
{
	if (n->rule)
		nftnl_rule_free(n->rule);
	for (size_t i = 0; i < n->n_sets; i++)
		nftnl_set_free(n->sets[i]);
	for (size_t i = 0; i < n->n_chains; i++)
		free(n->chains[i]);
}
