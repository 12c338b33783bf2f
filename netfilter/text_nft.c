// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The texts of a chain's rules by libnftables. It prints whole chains only, each rule with its
 * handle behind it: the handles that the kernel gives for the same generation tell whether every
 * text was found where it should be.
 */
#include <errno.h>
#include <libmnl/libmnl.h>
#include <netinet/in.h> /* before linux/netfilter.h, which takes the kernel's copy */
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <nftables/libnftables.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "netfilter/text_parts.h"
#include "src/fd.h"
#include "src/netns.h"

enum { TRIES = 5 };

static uint64_t handle_of(const struct nlattr *attr)
{
	uint64_t v;

	if (mnl_attr_get_payload_len(attr) != sizeof(v))
		return 0;
	memcpy(&v, mnl_attr_get_payload(attr), sizeof(v));
	return be64toh(v);
}

static int on_table(const struct nlmsghdr *nlh, void *data)
{
	const struct nlattr *attr;
	uint64_t *handle = data;

	mnl_attr_for_each(attr, nlh, sizeof(struct nfgenmsg))
		if (mnl_attr_get_type(attr) == NFTA_TABLE_HANDLE)
			*handle = handle_of(attr);
	return 0;
}

int nft_table_check(struct nf_source *s, const struct rs_table *t)
{
	struct nlmsghdr *nlh = nf_source_msg(s, NFT_MSG_GETTABLE, 0, t->family);
	uint64_t handle = 0;
	int rc;

	mnl_attr_put_strz(nlh, NFTA_TABLE_NAME, t->name);
	rc = nf_source_ask(s, on_table, &handle);
	return rc ? rc : handle == t->handle ? 0 : -ENOENT;
}

/* A copy of the comment in user data, in *out; none: NULL. */
static int comment_of(const struct nlattr *attr, char **out)
{
	const char *comment =
		udata_comment(mnl_attr_get_payload(attr), mnl_attr_get_payload_len(attr));

	if (!comment || *out)
		return 0;
	*out = strdup(comment);
	return *out ? 0 : -ENOMEM;
}

struct chain_dump {
	struct chain_lines *lines;
	const struct rs_chain *c;
	char *comment; /* of the chain */
};

static int on_chain(const struct nlmsghdr *nlh, void *data)
{
	struct chain_dump *d = data;
	const struct nlattr *attr;
	int rc = 0;

	mnl_attr_for_each(attr, nlh, sizeof(struct nfgenmsg))
		if (!rc && mnl_attr_get_type(attr) == NFTA_CHAIN_USERDATA)
			rc = comment_of(attr, &d->comment);
	return rc;
}

static bool names_other(const struct nlattr *attr, const char *name)
{
	return mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) || strcmp(mnl_attr_get_str(attr), name);
}

static int on_rule(const struct nlmsghdr *nlh, void *data)
{
	struct chain_dump *d = data;
	struct chain_line line = {0}, *bigger;
	const struct nlattr *attr;
	int rc = 0;

	mnl_attr_for_each(attr, nlh, sizeof(struct nfgenmsg)) {
		uint16_t type = mnl_attr_get_type(attr);

		/* A kernel may not know how to dump one chain only. */
		if ((type == NFTA_RULE_TABLE && names_other(attr, d->c->table->name)) ||
		    (type == NFTA_RULE_CHAIN && names_other(attr, d->c->name)))
			break;
		if (type == NFTA_RULE_HANDLE)
			line.handle = handle_of(attr);
		else if (type == NFTA_RULE_USERDATA && !rc)
			rc = comment_of(attr, &line.comment);
	}
	if (!rc && line.handle && !(d->lines->n & (d->lines->n - 1))) {
		bigger = realloc(d->lines->v, (d->lines->n ? 2 * d->lines->n : 1) * sizeof(line));
		if (bigger)
			d->lines->v = bigger;
		else
			rc = -ENOMEM;
	}
	if (rc || !line.handle)
		free(line.comment);
	else
		d->lines->v[d->lines->n++] = line;
	return rc;
}

static int dump_chain(struct nf_source *s, struct chain_dump *d)
{
	const struct rs_table *t = d->c->table;
	struct nlmsghdr *nlh = nf_source_msg(s, NFT_MSG_GETCHAIN, 0, t->family);
	int rc;

	mnl_attr_put_strz(nlh, NFTA_CHAIN_TABLE, t->name);
	mnl_attr_put_strz(nlh, NFTA_CHAIN_NAME, d->c->name);
	rc = nf_source_ask(s, on_chain, d);
	if (rc)
		return rc;
	nlh = nf_source_msg(s, NFT_MSG_GETRULE, NLM_F_DUMP, t->family);
	mnl_attr_put_strz(nlh, NFTA_RULE_TABLE, t->name);
	mnl_attr_put_strz(nlh, NFTA_RULE_CHAIN, d->c->name);
	rc = nf_source_ask(s, on_rule, d);
	return rc == -EINTR ? -EAGAIN : rc;
}

/* What nft's grammar takes for a name (its scanner's "string"); it knows no quotes around one. */
static bool name_is_sane(const char *name)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
	static const char rest[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				   "0123456789/\\-_.";

	return *name && (strchr(letters, *name) || *name == '_' || *name == '.') &&
	       name[strspn(name, rest)] == 0;
}

static int nft_list(const struct rs_chain *c, char **out)
{
	int rc = fd_low_is_free();
	struct nft_ctx *nft;
	char *cmd = NULL;

	*out = NULL;
	if (rc)
		return rc;
	rc = -ENOMEM;
	nft = nft_ctx_new(NFT_CTX_DEFAULT);
	if (nft && !nft_ctx_buffer_output(nft) && !nft_ctx_buffer_error(nft) &&
	    asprintf(&cmd, "list chain %s %s %s", family_name(c->table->family), c->table->name,
		     c->name) >= 0) {
		nft_ctx_output_set_flags(nft, NFT_CTX_OUTPUT_STATELESS | NFT_CTX_OUTPUT_HANDLE);
		rc = nft_run_cmd_from_buffer(nft, cmd) ? -EOPNOTSUPP : 0;
		free(cmd);
		if (!rc && !(*out = strdup(nft_ctx_get_output_buffer(nft))))
			rc = -ENOMEM;
	}
	if (nft)
		nft_ctx_free(nft);
	return rc;
}

/* libnftables opens its socket and asks for names of interfaces where it runs. */
static int nft_list_there(struct nf_source *s, const struct rs_chain *c, char **out)
{
	int token = netns_enter(s->netns_fd), rc;

	if (token < 0)
		return token;
	rc = nft_list(c, out);
	netns_leave(token);
	return rc;
}

/* The next " # handle N" at a line's end: returns where it begins, *after is the next line. NULL:
 * no more. */
static char *next_mark(char *p, uint64_t *handle, char **after)
{
	static const char mark[] = " # handle ";
	char *end;

	while ((p = strstr(p, mark))) {
		const char *digits = p + sizeof(mark) - 1;

		end = p + sizeof(mark) - 1 + strspn(digits, "0123456789");
		if (end != digits && *end == '\n') {
			*handle = strtoull(digits, NULL, 10);
			*after = end + 1;
			return p;
		}
		p++;
	}
	return NULL;
}

/* The line after p's, which begins so; NULL: it does not. */
static char *pass_line(char *p, const char *begins)
{
	if (!p || strncmp(p, begins, strlen(begins)))
		return NULL;
	p = strchr(p, '\n');
	return p ? p + 1 : NULL;
}

/* Passes the lines between "chain … {" and the first rule; NULL: they are not as they should be. */
static char *pass_head(char *p, const char *comment, bool base)
{
	static const char intro[] = "\t\tcomment \"";
	size_t len = comment ? strlen(comment) : 0;

	if (comment) {
		if (strncmp(p, intro, sizeof(intro) - 1) ||
		    strncmp(p + sizeof(intro) - 1, comment, len) ||
		    strncmp(p + sizeof(intro) - 1 + len, "\"\n", 2))
			return NULL;
		p += sizeof(intro) - 1 + len + 2;
	}
	return base ? pass_line(p, "\t\ttype ") : p;
}

/*
 * A comment or a log prefix may hold line ends and marks of its own. Each true mark is in the
 * output, so a false one makes one too many: when there are exactly as many as table, chain and
 * rules, and all name the handles expected, they are the true ones.
 */
int chain_lines_parse(struct chain_lines *l, char *out, const char *chain_comment, bool base)
{
	char *after, *begin, *mark;
	uint64_t handle;

	while (*out == '#') /* newer versions warn of tables that iptables-nft manages */
		out = pass_line(out, "#") ?: out + strlen(out);
	begin = pass_line(pass_line(out, "table "), "\tchain ");
	if (begin)
		begin = pass_head(begin, chain_comment, base);
	if (!begin)
		return -EPROTO;
	for (size_t i = 0; i < l->n; i++) {
		mark = next_mark(begin, &handle, &after);
		if (!mark || handle != l->v[i].handle || strncmp(begin, "\t\t", 2) ||
		    mark < begin + 2)
			return -EPROTO;
		*mark = 0;
		free(l->v[i].text);
		l->v[i].text = strdup(begin + 2);
		if (!l->v[i].text)
			return -ENOMEM;
		begin = after;
	}
	return strcmp(begin, "\t}\n}\n") ? -EPROTO : 0;
}

static void forget_lines(struct chain_lines *l)
{
	for (size_t i = 0; i < l->n; i++) {
		free(l->v[i].text);
		free(l->v[i].comment);
	}
	free(l->v);
	l->v = NULL;
	l->n = 0;
}

static int read_once(struct nf_source *s, const struct rs_chain *c, struct chain_lines *l)
{
	struct chain_dump d = {.lines = l, .c = c};
	uint32_t before, after;
	char *out = NULL;
	int rc = nf_source_genid(s, &before);

	if (!rc)
		rc = nft_table_check(s, c->table);
	if (!rc)
		rc = dump_chain(s, &d);
	if (!rc)
		rc = nft_list_there(s, c, &out);
	/* Whatever went wrong may be the fault of a change in the middle. */
	if (nf_source_genid(s, &after) || before != after)
		rc = -EAGAIN;
	if (!rc)
		rc = chain_lines_parse(l, out, d.comment, c->base);
	free(out);
	free(d.comment);
	if (rc)
		forget_lines(l);
	return rc;
}

static const char *why_not(int rc)
{
	switch (rc) {
	case 0:
		return NULL;
	case -ENOENT:
		return "the chain was removed before the rule's text was asked for";
	case -EAGAIN:
		return "the ruleset kept changing while the rule's text was asked for";
	case -EPROTO:
		return "what nft printed for this chain cannot be told apart by rule";
	case -EOPNOTSUPP:
		return "nft cannot list this chain";
	case -ENOMEM:
		return "out of memory";
	}
	return "the kernel did not give the rule";
}

struct chain_lines *chain_lines_read(struct nf_source *s, const struct rs_chain *c)
{
	struct chain_lines *l = calloc(1, sizeof(*l));
	int rc = -EAGAIN;

	if (!l)
		return NULL;
	if (!name_is_sane(c->name) || !name_is_sane(c->table->name)) {
		l->why = "nft cannot list a chain of this name";
		return l;
	}
	for (int i = 0; i < TRIES && rc == -EAGAIN; i++)
		rc = read_once(s, c, l);
	l->why = why_not(rc);
	return l;
}

void chain_lines_free(struct chain_lines *l)
{
	if (!l)
		return;
	forget_lines(l);
	free(l);
}
