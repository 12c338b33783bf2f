// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Tables, chains and rule handles of nf_tables. Walks the attributes itself: of 20,000 rules only
 * four attributes are wanted, and libnftnl would make objects of all their expressions. It also
 * refuses a whole chain for one kind of device that it does not know (nftnl_chain_parse_devs).
 */
#include <errno.h>
#include <libmnl/libmnl.h>
#include <netinet/in.h> /* before linux/netfilter.h, which takes the kernel's copy */
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "netfilter/exprs.h"
#include "netfilter/source.h"
#include "src/error.h"

/* NFTA_DEVICE_PREFIX of Linux 6.17: "eth*" without the star. */
enum { DEVICE_PREFIX = 2 };

enum { MAX_ATTR = 32 };

/* The attributes at `tb` by type, NULL where there is none. Types that we do not know are passed
 * over. */
static void index_attr(const struct nlattr **tb, const struct nlattr *attr)
{
	if (mnl_attr_get_type(attr) < MAX_ATTR)
		tb[mnl_attr_get_type(attr)] = attr;
}

/* Not mnl_attr_for_each(), which rounds the end of the message up. */
static const struct nlattr *attrs_of(const struct nlmsghdr *nlh)
{
	return (const void *)((const char *)mnl_nlmsg_get_payload(nlh) + sizeof(struct nfgenmsg));
}

static size_t attrs_len(const struct nlmsghdr *nlh)
{
	return mnl_nlmsg_get_payload_len(nlh) - sizeof(struct nfgenmsg);
}

static void parse_message(const struct nlattr **tb, const struct nlmsghdr *nlh)
{
	const struct nlattr *attr;

	mnl_attr_for_each_payload(attrs_of(nlh), attrs_len(nlh))
		index_attr(tb, attr);
}

static void parse_nested(const struct nlattr **tb, const struct nlattr *nest)
{
	const struct nlattr *attr;

	mnl_attr_for_each_nested(attr, nest)
		index_attr(tb, attr);
}

static const char *str_of(const struct nlattr *attr)
{
	return attr && !mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) ? mnl_attr_get_str(attr)
								     : NULL;
}

static uint32_t u32_of(const struct nlattr *attr)
{
	uint32_t v;

	if (!attr || mnl_attr_get_payload_len(attr) != sizeof(v))
		return 0;
	memcpy(&v, mnl_attr_get_payload(attr), sizeof(v));
	return ntohl(v);
}

static uint64_t u64_of(const struct nlattr *attr)
{
	uint64_t v;

	if (!attr || mnl_attr_get_payload_len(attr) != sizeof(v))
		return 0;
	memcpy(&v, mnl_attr_get_payload(attr), sizeof(v));
	return be64toh(v);
}

/* Every message of a dump says of which generation it is (nfnl_msg_put, nft_base_seq): its low 16
 * bits. */
static int check_gen(const struct nft_dump *d, const struct nlmsghdr *nlh)
{
	const struct nfgenmsg *nfg = mnl_nlmsg_get_payload(nlh);

	return ntohs(nfg->res_id) == (d->genid & 0xffff) ? 0 : -EAGAIN;
}

static uint8_t family_of(const struct nlmsghdr *nlh)
{
	return ((const struct nfgenmsg *)mnl_nlmsg_get_payload(nlh))->nfgen_family;
}

static int on_table(const struct nlmsghdr *nlh, struct nft_dump *d)
{
	const struct nlattr *tb[MAX_ATTR] = {NULL};
	struct rs_table *t;
	const char *name;

	parse_message(tb, nlh);
	name = str_of(tb[NFTA_TABLE_NAME]);
	if (!name)
		return -EPROTO;
	t = ruleset_add_table(d->rs, BACKEND_NFT, family_of(nlh), name);
	if (!t)
		return -ENOMEM;
	t->handle = u64_of(tb[NFTA_TABLE_HANDLE]);
	t->dormant = tb[NFTA_TABLE_FLAGS] && u32_of(tb[NFTA_TABLE_FLAGS]) & NFT_TABLE_F_DORMANT;
	return 0;
}

static int add_device(char ***v, size_t *n, const char *name, bool prefix)
{
	char **bigger = realloc(*v, (*n + 2) * sizeof(**v));

	if (!bigger)
		return -ENOMEM;
	*v = bigger;
	bigger[*n] = bigger[*n + 1] = NULL;
	if (asprintf(&bigger[*n], "%s%s", name, prefix ? "*" : "") < 0) {
		bigger[*n] = NULL;
		return -ENOMEM;
	}
	++*n;
	return 0;
}

static int parse_devices(struct rs_chain *c, const struct nlattr *const *hook)
{
	const struct nlattr *dev;
	size_t n = 0;
	int rc = 0;

	if (str_of(hook[NFTA_HOOK_DEV]))
		return add_device(&c->devices, &n, str_of(hook[NFTA_HOOK_DEV]), false);
	if (!hook[NFTA_HOOK_DEVS])
		return 0;
	mnl_attr_for_each_nested(dev, hook[NFTA_HOOK_DEVS])
		if (!rc && str_of(dev))
			rc = add_device(&c->devices, &n, str_of(dev),
					mnl_attr_get_type(dev) == DEVICE_PREFIX);
	return rc;
}

/* NFTA_CHAIN_HOOK is there for base chains only (nf_tables_fill_chain_info). */
static int parse_base(struct rs_chain *c, const struct nlattr *const *tb)
{
	const struct nlattr *hook[MAX_ATTR] = {NULL};
	const char *type = str_of(tb[NFTA_CHAIN_TYPE]);

	if (!tb[NFTA_CHAIN_HOOK])
		return 0;
	parse_nested(hook, tb[NFTA_CHAIN_HOOK]);
	c->base = true;
	c->hook = u32_of(hook[NFTA_HOOK_HOOKNUM]);
	c->priority = (int32_t)u32_of(hook[NFTA_HOOK_PRIORITY]);
	c->policy = tb[NFTA_CHAIN_POLICY] ? verdict_of_nft(u32_of(tb[NFTA_CHAIN_POLICY]))
					  : VERDICT_ACCEPT;
	c->type = strdup(type ? type : "unknown");
	return c->type ? parse_devices(c, hook) : -ENOMEM;
}

static int on_chain(const struct nlmsghdr *nlh, struct nft_dump *d)
{
	const struct nlattr *tb[MAX_ATTR] = {NULL};
	const char *table, *name;
	struct rs_table *t;
	struct rs_chain *c;
	int rc;

	parse_message(tb, nlh);
	table = str_of(tb[NFTA_CHAIN_TABLE]);
	name = str_of(tb[NFTA_CHAIN_NAME]);
	if (!table || !name)
		return -EPROTO;
	t = ruleset_table(d->rs, false, family_of(nlh), table);
	if (!t)
		return -EAGAIN;
	c = rs_table_add_chain(d->rs, t, name);
	if (!c)
		return -ENOMEM;
	c->handle = u64_of(tb[NFTA_CHAIN_HANDLE]);
	if (c->base)
		return 0;
	rc = parse_base(c, tb);
	if (!rc && c->base)
		d->rs->exprs |= expr_kinds_of_chain(family_of(nlh), c->hook, c->priority, c->type);
	return rc;
}

static int add_handle(struct nft_dump *d, uint64_t handle)
{
	struct rs_chain *c = d->last;
	uint64_t *bigger;

	if (c->n_rules == d->last_cap) {
		d->last_cap = d->last_cap ? d->last_cap * 2 : 4;
		bigger = realloc(c->handles, d->last_cap * sizeof(*bigger));
		if (!bigger)
			return -ENOMEM;
		c->handles = bigger;
	}
	c->handles[c->n_rules++] = handle;
	return 0;
}

static bool is_last_chain(const struct nft_dump *d, uint8_t family, const char *table,
			  const char *chain)
{
	return d->last && !strcmp(d->last->name, chain) && !strcmp(d->last->table->name, table) &&
	       d->last->table->family == family;
}

static int on_rule(const struct nlmsghdr *nlh, struct nft_dump *d)
{
	const char *table = NULL, *chain = NULL;
	struct rs_chain *c;
	const struct nlattr *attr;
	uint64_t handle = 0;

	/* nf_tables_fill_rule_info() puts these three first, and the expressions next. */
	mnl_attr_for_each_payload(attrs_of(nlh), attrs_len(nlh)) {
		if (mnl_attr_get_type(attr) == NFTA_RULE_TABLE)
			table = str_of(attr);
		else if (mnl_attr_get_type(attr) == NFTA_RULE_CHAIN)
			chain = str_of(attr);
		else if (mnl_attr_get_type(attr) == NFTA_RULE_HANDLE)
			handle = u64_of(attr);
		else if (mnl_attr_get_type(attr) == NFTA_RULE_EXPRESSIONS) {
			d->rs->exprs |= expr_kinds(attr);
			break;
		}
	}
	if (!table || !chain || !handle)
		return -EPROTO;
	if (!is_last_chain(d, family_of(nlh), table, chain)) {
		c = ruleset_chain(d->rs, false, family_of(nlh), table, chain);
		if (!c || c->handles)
			return -EAGAIN;
		d->last = c;
		d->last_cap = 0;
	}
	return add_handle(d, handle);
}

int nft_dump_message(const struct nlmsghdr *nlh, void *data)
{
	if (nlh->nlmsg_len < MNL_NLMSG_HDRLEN + sizeof(struct nfgenmsg))
		return -EPROTO;
	if (check_gen(data, nlh))
		return -EAGAIN;
	switch (NFNL_MSG_TYPE(nlh->nlmsg_type)) {
	case NFT_MSG_NEWTABLE:
		return on_table(nlh, data);
	case NFT_MSG_NEWCHAIN:
		return on_chain(nlh, data);
	case NFT_MSG_NEWRULE:
		return on_rule(nlh, data);
	}
	return 0;
}

static int dump(struct nf_source *s, uint16_t type, struct nft_dump *d)
{
	int rc;

	nf_source_msg(s, type, NLM_F_DUMP, NFPROTO_UNSPEC);
	rc = nf_source_ask(s, nft_dump_message, d);
	return rc == -EINTR ? -EAGAIN : rc;
}

/*
 * Chain by chain: for each piece of 32 KB that it answers the kernel goes through all rules before it
 * again (__nf_tables_dump_rules), which takes seconds for the 80,000 rules of a large cluster's node.
 * A chain is found by its hash.
 */
static int dump_rules(struct nf_source *s, struct nft_dump *d)
{
	const struct ruleset *rs = d->rs;
	int rc = 0;

	for (size_t i = 0; !rc && i < rs->n_tables; i++)
		for (size_t k = 0; !rc && k < rs->tables[i]->n_chains; k++)
			rc = nft_dump_chain(s, rs->tables[i]->chains[k], nft_dump_message, d);
	return rc;
}

int nft_dump_chain(struct nf_source *s, const struct rs_chain *c,
		   int (*cb)(const struct nlmsghdr *nlh, void *data), void *data)
{
	struct nlmsghdr *nlh = nf_source_msg(s, NFT_MSG_GETRULE, NLM_F_DUMP, c->table->family);
	int rc;

	mnl_attr_put_strz(nlh, NFTA_RULE_TABLE, c->table->name);
	mnl_attr_put_strz(nlh, NFTA_RULE_CHAIN, c->name);
	rc = nf_source_ask(s, cb, data);
	return rc == -EINTR || rc == -ENOENT ? -EAGAIN : rc;
}

int nft_read(struct nf_source *s, struct ruleset *rs, struct error *err)
{
	struct nft_dump d = {.rs = rs};
	uint32_t after = 0;
	int rc = nf_source_genid(s, &d.genid);

	if (!rc && !d.genid)
		return 0; /* no nf_tables here: generations begin at 1 (nf_tables_init_net) */
	if (!rc)
		rc = dump(s, NFT_MSG_GETTABLE, &d);
	if (!rc)
		rc = dump(s, NFT_MSG_GETCHAIN, &d);
	if (!rc && !s->no_rules)
		rc = dump_rules(s, &d);
	if (!rc)
		rc = nf_source_genid(s, &after);
	if (!rc && after != d.genid)
		return -EAGAIN;
	if (rc == -EPERM)
		return fail(err, rc,
			    "reading the nf_tables ruleset takes CAP_NET_ADMIN in the network "
			    "namespace");
	if (rc && rc != -EAGAIN)
		return fail(err, rc, "cannot read the nf_tables ruleset: %s", strerror(-rc));
	rs->exprs |= expr_kinds_beside(rs->exprs);
	rs->genid = d.genid;
	return rc;
}
