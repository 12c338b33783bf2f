// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * dump_texts NETNS-FILE [brief] [pause] [singly]: reads the ruleset of a network namespace and prints, for
 * every rule of it, one record: backend, family, table, chain, number, text, and with "brief" also
 * action, brief, comment and why; parted by tabs, ended by NUL, since a text may hold line ends.
 * What is NULL prints as "(null)". With "pause" it says "read" and waits for a line on stdin before
 * it asks for the texts; the first record is then "changed" and what nf_source_legacy_changed()
 * says. With "singly" nft rules are read one by one where that can be, and stderr ends with how many.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "netfilter/rule_text.h"
#include "netfilter/ruleset.h"
#include "src/error.h"

static const char *or_null(const char *s)
{
	return s ? s : "(null)";
}

static void print_rule(const struct rs_chain *c, uint32_t number, const struct rule_text *rt,
		       bool brief)
{
	printf("%s\t%s\t%s\t%s\t%u\t%s", backend_name(c->table->backend),
	       family_name(c->table->family), c->table->name, c->name, number, or_null(rt->text));
	if (brief)
		printf("\t%s\t%s\t%s\t%s", or_null(rt->action), or_null(rt->brief),
		       or_null(rt->comment), or_null(rt->why));
	else if (rt->why)
		fprintf(stderr, "%s %s %s rule %u: %s\n", family_name(c->table->family),
			c->table->name, c->name, number, rt->why);
	putchar('\0');
}

static void print_all(struct rule_texts *texts, const struct ruleset *rs, bool brief)
{
	for (size_t t = 0; t < rs->n_tables; t++)
		for (size_t c = 0; c < rs->tables[t]->n_chains; c++)
			for (uint32_t i = 1; i <= rs->tables[t]->chains[c]->n_rules; i++)
				print_rule(rs->tables[t]->chains[c], i,
					   rule_text(texts, rs, rs->tables[t]->chains[c], i),
					   brief);
}

static bool has_word(int argc, char **argv, const char *word)
{
	for (int i = 2; i < argc; i++)
		if (!strcmp(argv[i], word))
			return true;
	return false;
}

static void pause_here(struct nf_source *s, struct ruleset *rs)
{
	char line[8];

	fputs("read\n", stderr);
	if (fgets(line, sizeof(line), stdin))
		printf("changed\t%d%c", nf_source_legacy_changed(s, rs), 0);
}

int main(int argc, char **argv)
{
	struct rule_texts *texts = NULL;
	struct nf_source *s = NULL;
	struct ruleset *rs = NULL;
	struct error err = {0};
	int fd, rc = 1;

	if (argc < 2)
		return 2;
	fd = open(argv[1], O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		perror(argv[1]);
		return 1;
	}
	s = nf_source_open(fd, &err);
	if (!s || nf_source_read(s, &rs, &err))
		goto out;
	texts = rule_texts_open(s, fd, &err);
	if (!texts)
		goto out;
	if (has_word(argc, argv, "pause"))
		pause_here(s, rs);
	if (has_word(argc, argv, "singly"))
		rule_texts_singly(texts);
	print_all(texts, rs, has_word(argc, argv, "brief"));
	if (has_word(argc, argv, "singly"))
		fprintf(stderr, "singly %zu\n", rule_texts_n_single(texts));
	rule_texts_forget(texts, rs);
	rc = 0;
out:
	if (*err.text)
		fprintf(stderr, "%s\n", err.text);
	rule_texts_close(texts);
	ruleset_put(rs);
	nf_source_close(s);
	close(fd);
	return rc;
}
