// SPDX-License-Identifier: GPL-2.0-or-later
/* What a rule does, taken from the end of its text: for people who read one line a rule. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "netfilter/text_parts.h"

enum { MAX_TOKENS = 256 };

struct token {
	const char *p;
	size_t len;
};

/*
 * Words parted by blanks; a quoted string is one, and so is everything in nft's braces. Only
 * iptables escapes quotes. Returns how many; 0 when there are more than anybody writes.
 */
static size_t split(const char *p, bool iptables, struct token *v)
{
	size_t n = 0;

	for (;;) {
		bool quoted = false;
		int depth = 0;

		while (*p == ' ')
			p++;
		if (!*p)
			return n;
		if (n == MAX_TOKENS)
			return 0;
		v[n].p = p;
		for (; *p && (*p != ' ' || quoted || depth); p++) {
			if (iptables && *p == '\\' && p[1])
				p++;
			else if (*p == '"')
				quoted = !quoted;
			else if (!iptables && !quoted && *p == '{')
				depth++;
			else if (!quoted && *p == '}' && depth)
				depth--;
		}
		v[n].len = p - v[n].p;
		n++;
	}
}

static bool is(const struct token *t, const char *word)
{
	return strlen(word) == t->len && !memcmp(t->p, word, t->len);
}

static bool is_one_of(const struct token *t, const char *const *words)
{
	for (; *words; words++)
		if (is(t, *words))
			return true;
	return false;
}

static int set_both(struct rule_text *rt, const char *action, size_t action_len, const char *brief,
		    size_t brief_len)
{
	rt->action = strndup(action, action_len);
	rt->brief = strndup(brief, brief_len);
	return rt->action && rt->brief ? 0 : -ENOMEM;
}

/* "--to-destination" and its like in fewer words. */
static void print_option(FILE *out, const struct token *t)
{
	static const struct {
		const char *option, *word;
	} known[] = {
		{"--to-destination", "to"},   {"--to-source", "to"},
		{"--to-ports", "to"},	      {"--to", "to"},
		{"--reject-with", "with"},    {"--set-xmark", "xset"},
		{"--log-prefix", "prefix"},   {"--log-level", "level"},
		{"--nflog-prefix", "prefix"}, {"--nflog-group", "group"},
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (is(t, known[i].option)) {
			fputs(known[i].word, out);
			return;
		}
	if (t->len > 2 && !memcmp(t->p, "--", 2))
		fwrite(t->p + 2, 1, t->len - 2, out);
	else
		fwrite(t->p, 1, t->len, out);
}

static int brief_of_extension(struct rule_text *rt, const struct token *v, size_t n)
{
	size_t size;
	FILE *out;

	rt->action = strndup(v[1].p, v[1].len);
	out = open_memstream(&rt->brief, &size);
	if (!out)
		return -ENOMEM;
	fwrite(v[1].p, 1, v[1].len, out);
	for (size_t i = 2; i < n; i++) {
		fputc(' ', out);
		print_option(out, &v[i]);
	}
	return fclose(out) || !rt->action ? -ENOMEM : 0;
}

static int brief_of_jump(struct rule_text *rt, const char *word, const struct token *chain)
{
	rt->action = strdup(word);
	if (!rt->action || asprintf(&rt->brief, "%s %s", word, chain->p) < 0) {
		rt->brief = NULL;
		return -ENOMEM;
	}
	return 0;
}

int brief_of_xt(struct rule_text *rt, size_t target_at, enum verdict verdict)
{
	static const struct {
		const char *target, *word;
	} verdicts[] = {
		{"ACCEPT", "accept"}, {"DROP", "drop"}, {"RETURN", "return"}, {"QUEUE", "queue"}};
	struct token v[MAX_TOKENS];
	size_t n = split(rt->text + target_at, true, v);

	if (n < 2)
		return 0;
	if (verdict == VERDICT_JUMP || verdict == VERDICT_GOTO)
		return brief_of_jump(rt, verdict_name(verdict), &v[1]);
	for (size_t i = 0; n == 2 && i < sizeof(verdicts) / sizeof(verdicts[0]); i++)
		if (is(&v[1], verdicts[i].target))
			return set_both(rt, verdicts[i].word, strlen(verdicts[i].word),
					verdicts[i].word, strlen(verdicts[i].word));
	return brief_of_extension(rt, v, n);
}

/* Words that begin a statement of nft, where they are not the value of a match ("icmp type
 * redirect", "ct status dnat"). */
static bool begins_statement(const struct token *v, size_t i)
{
	static const char *const words[] = {
		"accept", "drop",   "return",  "continue",   "queue",	 "jump",  "goto",
		"reject", "dnat",   "snat",    "masquerade", "redirect", "log",	  "dup",
		"fwd",	  "tproxy", "notrack", "synproxy",   "counter",	 "limit", "quota",
		"add",	  "update", "delete",  "flow",	     NULL};
	static const char *const before_value[] = {"type", "status", "operation", "!=", "&",
						   "|",	   "==",     "set",	  NULL};

	return is_one_of(&v[i], words) && !(i && is_one_of(&v[i - 1], before_value));
}

/* The expression that a "set" at i changes: from its head word ("meta mark set", "tcp option maxseg
 * size set"). */
static size_t begin_of_set(const struct token *v, size_t i)
{
	static const char *const heads[] = {
		"meta", "ct",	"ip",	  "ip6",  "tcp",  "udp",     "th", "ether", "arp",
		"vlan", "icmp", "icmpv6", "sctp", "dccp", "udplite", "ah", "esp",   "comp",
		"hbh",	"dst",	"frag",	  "rt",	  "mh",	  "exthdr",  NULL};
	size_t at = i;

	while (at--)
		if (is_one_of(&v[at], heads) || v[at].p[0] == '@')
			return at;
	return i;
}

/* The last statement that does something: counters, limits and quotas only look. */
static bool last_statement(const struct token *v, size_t n, size_t *first, size_t *end)
{
	static const char *const lookers[] = {"counter", "limit", "quota", NULL};
	size_t at = 0, stop = n;
	bool found = false;

	for (size_t i = n; i-- && !found;) {
		if (is(&v[i], "set") && i)
			at = begin_of_set(v, i);
		else if (is(&v[i], "vmap") || begins_statement(v, i))
			at = i;
		else
			continue;
		found = !is_one_of(&v[at], lookers);
		if (!found)
			stop = at;
	}
	*first = at;
	*end = stop;
	return found;
}

static size_t len_of_action(const struct token *v, size_t first, size_t end)
{
	for (size_t i = first; i < end; i++)
		if (is(&v[i], "set") && i > first)
			return v[i].p + v[i].len - v[first].p;
	return v[first].len;
}

int brief_of_nft(struct rule_text *rt)
{
	static const char intro[] = " comment \"";
	size_t len = strlen(rt->text), clen = rt->comment ? strlen(rt->comment) : 0, first, end;
	struct token v[MAX_TOKENS];
	const char *stop;
	char *text;
	int rc = 0;

	/* Known from the kernel, so that no word in it is taken for a statement. */
	if (rt->comment && len > clen + sizeof(intro))
		len -= clen + sizeof(intro);
	text = strndup(rt->text, len);
	if (!text)
		return -ENOMEM;
	if (last_statement(v, split(text, false, v), &first, &end)) {
		stop = v[end - 1].p + v[end - 1].len;
		rc = set_both(rt, v[first].p, len_of_action(v, first, end), v[first].p,
			      stop - v[first].p);
	}
	free(text);
	return rc;
}
