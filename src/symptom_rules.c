// SPDX-License-Identifier: GPL-2.0-or-later
/* Conditions of symptoms that look at rules: their texts, conntrack, queues. */
#include <errno.h>
#include <netinet/in.h> /* before linux/netfilter.h, which takes the kernel's copy */
#include <linux/netfilter.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "src/symptoms.h"

/* --- texts --- */

/* The text without what stands in quotes, where a comment may say anything. */
static bool says(const struct step *rule, const char *words, char rest[64])
{
	const char *text = rule->type == STEP_RULE && rule->rule.text ? rule->rule.text : "";
	size_t len = strlen(words);
	bool quoted = false;

	for (; *text; text++) {
		if (*text == '\\' && text[1])
			text++;
		else if (*text == '"')
			quoted = !quoted;
		else if (!quoted && !strncmp(text, words, len)) {
			if (rest)
				snprintf(rest, 64, "%s", text + len);
			return true;
		}
	}
	return false;
}

static bool is_family4(const struct step *rule, uint8_t family)
{
	return rule->family == NFPROTO_IPV4 || (rule->family == NFPROTO_INET && family == AF_INET);
}

/* What programs at the sender are told: icmp_err_convert[], icmpv6_err_convert(). */
const char *symptom_reject(const struct step *rule, uint8_t family)
{
	static const struct {
		const char *word, *kind4, *kind6;
	} kinds[] = {
		{"reset", "reset", "reset"},
		{"port-unreach", "port", "port"},
		{"host-unreach", "host", "host"},
		{"addr-unreach", "host", "host"},
		{"host-prohibited", "host", NULL},
		{"net-unreach", "net", NULL},
		{"net-prohibited", "net", NULL},
		{"no-route", "net", "net"},
		{"prot-unreach", "protocol", NULL},
		{"proto-unreach", "protocol", NULL},
		{"prohibited", "host", "denied"},
		{"policy-fail", NULL, "denied"},
		{"reject-route", NULL, "denied"},
	};
	static const char *const before[] = {"tcp ", "icmpx ", "icmpv6 ", "icmp ", "type ", NULL};
	char with[64];
	const char *code = with;

	if (rule->type != STEP_RULE || !rule->rule.action || strcasecmp(rule->rule.action, "reject"))
		return NULL;
	if (!says(rule, "--reject-with ", with) && !says(rule, "reject with ", with))
		return says(rule, "reject", NULL) || says(rule, "REJECT", NULL) ? "port" : NULL;
	/* "icmp type host-prohibited", "icmp-host-prohibited"; behind it may stand more. */
	for (const char *const *w = before; *w; w++)
		if (!strncmp(code, *w, strlen(*w)))
			code += strlen(*w);
	with[code - with + strcspn(code, " ")] = '\0';
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strstr(code, kinds[i].word))
			return is_family4(rule, family) ? kinds[i].kind4 : kinds[i].kind6;
	return NULL;
}

static bool is_of_other_chain(const struct step *a, const struct step *b)
{
	return strcmp(a->rule.table, b->rule.table) != 0 || a->family != b->family ||
	       a->backend != b->backend || a->rule.priority != b->rule.priority;
}

/* A rule that accepted it at the same hook, in another chain of the hook. */
static bool find_accept(struct finding *f, bool of_other_backend)
{
	if (!symptom_by_ruleset(f) || !f->by->rule.table)
		return false;
	for (const struct step *s = f->by; s-- > f->p->steps;) {
		bool legacy = s->backend == BACKEND_IPTABLES_LEGACY;

		if (s->type != STEP_RULE || s->verdict != VERDICT_ACCEPT || s->rule.nat_chain ||
		    s->ns != f->by->ns || s->hook != f->by->hook || s->visit != f->by->visit ||
		    !s->rule.table || !is_of_other_chain(s, f->by))
			continue;
		if (of_other_backend && legacy == (f->by->backend == BACKEND_IPTABLES_LEGACY))
			continue;
		f->other = s;
		return true;
	}
	return false;
}

bool symptom_was_accepted_before(struct finding *f)
{
	return find_accept(f, false);
}

bool symptom_was_accepted_by_other_tool(struct finding *f)
{
	return find_accept(f, true);
}

bool symptom_has_limit(struct finding *f)
{
	return says(f->by, "limit rate over ", NULL) || says(f->by, "--hashlimit-above ", NULL);
}

bool symptom_counts_connections(struct finding *f)
{
	return says(f->by, "ct count over ", NULL) || says(f->by, "--connlimit-above ", NULL);
}

/* --- conntrack --- */

bool symptom_is_invalid(struct finding *f)
{
	f->other = symptom_last(f, STEP_CONNTRACK);
	return f->other && f->other->ct.state == CT_INVALID &&
	       (says(f->by, "invalid", NULL) || says(f->by, "INVALID", NULL));
}

bool symptom_is_untracked(struct finding *f)
{
	const struct step *ct = symptom_last(f, STEP_CONNTRACK);

	if (!symptom_by_ruleset(f) || !ct || ct->ct.state != CT_UNTRACKED || ct->ct.by < 0)
		return false;
	f->other = &f->p->steps[ct->ct.by];
	return true;
}

bool symptom_is_known(struct finding *f)
{
	f->other = symptom_last(f, STEP_CONNTRACK);
	return f->other && (f->other->ct.state == CT_ESTABLISHED || f->other->ct.state == CT_RELATED);
}

bool symptom_conntrack_is_full(struct finding *f)
{
	unsigned int count, max;

	if (!f->p->by_conntrack || conntrack_fill(f->view->conntrack, &count, &max) || count < max)
		return false;
	f->count = count;
	f->limit = max;
	return true;
}

/* --- queues for programs --- */

/* Of a rule that names one: "queue to 5", "queue num 5", "--queue-num 5". */
static int queue_of(const struct step *rule)
{
	static const char *const before[] = {"--queue-num ", "queue num ", "queue to ",
					     "queue flags bypass to "};
	char number[64], *end;

	for (size_t i = 0; i < sizeof(before) / sizeof(before[0]); i++) {
		if (!says(rule, before[i], number))
			continue;
		long n = strtol(number, &end, 10);

		return end != number && (!*end || *end == ' ') && n >= 0 && n <= 65535 ? (int)n : -1;
	}
	return -1;
}

/* nfqnl_seq_show(): who reads is listed. */
static bool nobody_reads(const struct finding *f, int queue)
{
	int token = netns_enter(f->view->ns->fd);
	bool found = false;
	char line[256];
	FILE *list;

	if (token < 0)
		return false;
	list = fopen("/proc/thread-self/net/netfilter/nfnetlink_queue", "re");
	netns_leave(token);
	if (!list) /* nfnetlink_queue, which makes it, is not loaded: there are no queues */
		return errno == ENOENT;
	while (!found && fgets(line, sizeof(line), list))
		found = atoi(line) == queue;
	fclose(list);
	return !found;
}

static bool is_queue_unread(struct finding *f, bool dropped)
{
	for (const struct step *s = f->p->steps + f->p->n_steps; s-- > f->p->steps;) {
		/* What iptables-legacy's NFQUEUE said is concluded from what followed. */
		bool queues = s->type == STEP_RULE &&
			      (s->verdict == VERDICT_QUEUE ||
			       (s->rule.action && !strcmp(s->rule.action, "NFQUEUE")));
		int queue = queues && &f->views[s->ns] == f->view
				    ? queue_of(s)
				    : -1;

		if (queue < 0)
			continue;
		f->other = s;
		f->count = queue;
		return says(s, "bypass", NULL) != dropped && nobody_reads(f, queue);
	}
	return false;
}

bool symptom_queue_is_unread(struct finding *f)
{
	return symptom_was_dropped(f) && !f->by && f->drop && f->p->certainty == CERTAIN_EXACT &&
	       is_queue_unread(f, true);
}

bool symptom_queue_was_skipped(struct finding *f)
{
	return f->p->verdict != PATH_QUEUED && f->p->verdict != PATH_UNKNOWN &&
	       f->p->verdict != PATH_DROPPED && f->p->certainty == CERTAIN_EXACT &&
	       is_queue_unread(f, false);
}
