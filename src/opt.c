// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/opt.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

enum {
	VAL_ROW = 256, /* values of getopt_long(): row i is VAL_ROW + i, with or without a letter */
	HELP_COLUMN = 34,
};

static bool takes_value(const struct opt_row *r)
{
	return r->type != OPT_TYPE_FLAG;
}

static unsigned int count_rows(const struct opt_command *c)
{
	unsigned int n = 0;

	while (c->rows[n].name)
		n++;
	return n;
}

static int fail_value(const struct opt_row *r, const char *arg, struct error *err,
		      const char *accepted)
{
	return fail(err, -EINVAL, "--%s: '%s' is not accepted; give %s", r->name, arg, accepted);
}

static int set_list(const struct opt_row *r, void *member, const char *arg, struct error *err)
{
	struct opt_list *l = member;
	const char **v = reallocarray(l->v, l->n + 1, sizeof(*v));

	if (!v)
		return fail(err, -ENOMEM, "--%s: out of memory", r->name);
	l->v = v;
	l->v[l->n++] = arg;
	return 0;
}

static int set_uint(const struct opt_row *r, void *member, const char *arg, struct error *err)
{
	char accepted[96];
	uint64_t n = 0;
	const char *c;

	for (c = arg; *c >= '0' && *c <= '9' && n <= (r->max - (*c - '0')) / 10; c++)
		n = n * 10 + (*c - '0');
	if (c == arg || *c || n < r->min || n > r->max) {
		snprintf(accepted, sizeof(accepted), "a whole number from %llu to %llu",
			 (unsigned long long)r->min, (unsigned long long)r->max);
		return fail_value(r, arg, err, accepted);
	}
	*(uint64_t *)member = n;
	return 0;
}

/* By hand, since strtod() reads "1e3", "inf" and, in many a locale, a comma. */
static int set_seconds(const struct opt_row *r, void *member, const char *arg, struct error *err)
{
	const uint64_t second = 1000000000, most = 1000000000; /* about 31 years */
	uint64_t ns = 0, unit = second;
	const char *c;

	for (c = arg; *c >= '0' && *c <= '9' && ns <= most * second; c++)
		ns = ns * 10 + (*c - '0') * second;
	if (c != arg && *c == '.' && c[1])
		for (c++; *c >= '0' && *c <= '9'; c++)
			ns += (*c - '0') * (unit /= 10);
	if (*c || !ns || ns > most * second)
		return fail_value(r, arg, err, "seconds greater than 0, like 5 or 0.5");
	*(uint64_t *)member = ns;
	return 0;
}

static void join_choices(const struct opt_row *r, const char *glue, char *buf, size_t size)
{
	size_t n = 0;

	buf[0] = '\0';
	for (unsigned int i = 0; r->choices[i] && n < size; i++)
		n += snprintf(buf + n, size - n, "%s%s", i ? glue : "", r->choices[i]);
}

static int set_choice(const struct opt_row *r, void *member, const char *arg, struct error *err)
{
	char accepted[128];

	for (int i = 0; r->choices[i]; i++) {
		if (!strcmp(r->choices[i], arg)) {
			memcpy(member, &i, sizeof(i));
			return 0;
		}
	}
	join_choices(r, ", ", accepted, sizeof(accepted));
	return fail(err, -EINVAL, "--%s: '%s' is not accepted; give one of %s", r->name, arg,
		    accepted);
}

static int set_flag(const struct opt_row *r, void *member, const char *arg, struct error *err)
{
	*(bool *)member = true;
	return 0;
}

static int set_string(const struct opt_row *r, void *member, const char *arg, struct error *err)
{
	*(const char **)member = arg;
	return 0;
}

static int set_row(const struct opt_row *r, void *options, const char *arg, struct error *err)
{
	static int (*const set[])(const struct opt_row *, void *, const char *, struct error *) = {
		[OPT_TYPE_FLAG] = set_flag,	  [OPT_TYPE_LIST] = set_list,
		[OPT_TYPE_STRING] = set_string,	  [OPT_TYPE_UINT] = set_uint,
		[OPT_TYPE_SECONDS] = set_seconds, [OPT_TYPE_CHOICE] = set_choice,
	};

	if (r->type == OPT_TYPE_CALL)
		return r->parse(options, arg, err);
	return set[r->type](r, (char *)options + r->offset, arg, err);
}

/* What getopt_long() wants, made of the rows. */
struct getopt_tables {
	char letters[2 * OPT_ROWS_MAX + 8];
	struct option longs[OPT_ROWS_MAX + 2];
};

static void make_tables(const struct opt_command *c, unsigned int n, struct getopt_tables *t)
{
	char *l = t->letters;

	/* "-": words in their place, which must not be moved behind a "--"; ":": a missing value is
	 * told apart. */
	*l++ = '-';
	*l++ = ':';
	*l++ = 'h';
	for (unsigned int i = 0; i < n; i++) {
		const struct opt_row *r = &c->rows[i];

		t->longs[i] = (struct option){r->name, takes_value(r), NULL, VAL_ROW + i};
		if (!r->letter)
			continue;
		*l++ = r->letter;
		if (takes_value(r))
			*l++ = ':';
	}
	*l = '\0';
	t->longs[n] = (struct option){"help", no_argument, NULL, 'h'};
	t->longs[n + 1] = (struct option){0};
}

static const struct opt_row *row_of(const struct opt_command *c, unsigned int n, int val)
{
	if (val >= VAL_ROW && val < VAL_ROW + (int)n)
		return &c->rows[val - VAL_ROW];
	for (unsigned int i = 0; i < n; i++)
		if (val && c->rows[i].letter == val)
			return &c->rows[i];
	return NULL;
}

/* The long options of t that begin with the len characters at s, as "--src or --sport". */
static unsigned int candidates(const struct getopt_tables *t, const char *s, size_t len, char *buf,
			       size_t size)
{
	unsigned int found = 0;
	size_t n = 0;

	buf[0] = '\0';
	for (const struct option *o = t->longs; o->name; o++) {
		if (strncmp(o->name, s, len))
			continue;
		if (n < size)
			n += snprintf(buf + n, size - n, "%s--%s", found ? " or " : "", o->name);
		found++;
	}
	return found;
}

/* getopt_long() said '?': unknown, ambiguous, or a flag with a value. word: the argument it read
 * last. */
static int fail_unknown(const struct opt_command *c, unsigned int n, const struct getopt_tables *t,
			const char *word, struct error *err)
{
	const struct opt_row *r = row_of(c, n, optopt);
	char names[256];
	size_t len;

	if (strncmp(word, "--", 2) && optopt > ' ' && optopt < 0x7f)
		return fail(err, -EINVAL,
			    "there is no option '-%c'; `nfpath %s -h` lists the options", optopt,
			    c->name);
	if (r)
		return fail(err, -EINVAL, "--%s: takes no value, but '%s' gives it one", r->name,
			    word);
	len = strcspn(word + 2, "=");
	if (len && candidates(t, word + 2, len, names, sizeof(names)) > 1)
		return fail(err, -EINVAL, "option '%.*s' may be %s; spell it out", (int)len + 2,
			    word, names);
	if (optopt == 'h')
		return fail(err, -EINVAL, "--help: takes no value, but '%s' gives it one", word);
	return fail(err, -EINVAL, "there is no option '%.*s'; `nfpath %s -h` lists the options",
		    (int)len + 2, word, c->name);
}

static int fail_missing(const struct opt_row *r, struct error *err)
{
	char accepted[128];

	if (r->choices)
		join_choices(r, "|", accepted, sizeof(accepted));
	else
		snprintf(accepted, sizeof(accepted), "%s", r->arg);
	return fail(err, -EINVAL, "--%s: its value is missing; give --%s %s", r->name, r->name,
		    accepted);
}

static int take_word(const struct opt_command *c, const char *word, struct opt_rest *rest,
		     struct error *err)
{
	if (rest->n_args < c->max_args && rest->n_args < OPT_ARGS_MAX) {
		rest->args[rest->n_args++] = word;
		return 0;
	}
	if (c->takes_command)
		return fail(err, -EINVAL,
			    "'%s' is no option of nfpath %s; a command to run stands behind --, as "
			    "in `-- "
			    "ping 10.0.0.1`",
			    word, c->name);
	return fail(err, -EINVAL, "'%s' is too much; `nfpath %s -h` shows what %s takes", word,
		    c->name, c->name);
}

static int take_option(const struct opt_command *c, unsigned int n, int val, uint64_t *seen,
		       void *options, struct error *err)
{
	const struct opt_row *r = row_of(c, n, val);
	uint64_t bit = 1ULL << (r - c->rows);

	if (*seen & bit && r->type != OPT_TYPE_FLAG && r->type != OPT_TYPE_LIST)
		return fail(err, -EINVAL,
			    "--%s: given twice, the second time with '%s'; give it once", r->name,
			    optarg);
	*seen |= bit;
	return set_row(r, options, optarg, err);
}

/* What stands behind "--". */
static int take_tail(const struct opt_command *c, char **tail, bool dashes, struct opt_rest *rest,
		     struct error *err)
{
	int rc = 0;

	if (c->takes_command && dashes) {
		if (!*tail)
			return fail(err, -EINVAL,
				    "there is no command behind --; give one, as in `-- ping "
				    "10.0.0.1`");
		rest->command = tail;
		return 0;
	}
	for (; *tail && !rc; tail++)
		rc = take_word(c, *tail, rest, err);
	return rc;
}

int opt_parse(const struct opt_command *c, int argc, char **argv, void *options,
	      struct opt_rest *rest, struct error *err)
{
	unsigned int n = count_rows(c);
	struct getopt_tables t;
	uint64_t seen = 0;
	int rc = 0, val, at;

	*rest = (struct opt_rest){0};
	make_tables(c, n, &t);
	opterr = 0;
	optind = 0; /* glibc: begin anew */
	while (!rc) {
		at = optind ? optind : 1;
		val = getopt_long(argc, argv, t.letters, t.longs, NULL);
		if (val == -1)
			break;
		if (val == 'h')
			return 1;
		if (val == 1)
			rc = take_word(c, optarg, rest, err);
		else if (val == '?')
			rc = fail_unknown(c, n, &t, argv[at], err);
		else if (val == ':')
			rc = fail_missing(row_of(c, n, optopt), err);
		else
			rc = take_option(c, n, val, &seen, options, err);
	}
	/* Only a "--" ends the options before the end of argv. */
	return rc ? rc : take_tail(c, argv + optind, optind == at + 1, rest, err);
}

static void print_row(const struct opt_row *r, FILE *out)
{
	char left[128], arg[96] = "";
	int n;

	if (r->choices)
		join_choices(r, "|", arg, sizeof(arg));
	else if (r->arg)
		snprintf(arg, sizeof(arg), "%s", r->arg);
	n = snprintf(left, sizeof(left), r->letter ? "  -%c, --%s" : "  %c   --%s",
		     r->letter ? r->letter : ' ', r->name);
	if (arg[0])
		n += snprintf(left + n, sizeof(left) - n, " %s", arg);
	if (n > HELP_COLUMN - 2)
		fprintf(out, "%s\n%*s%s\n", left, HELP_COLUMN, "", r->help);
	else
		fprintf(out, "%-*s%s\n", HELP_COLUMN, left, r->help);
}

static bool first_of_group(const struct opt_row *rows, const struct opt_row *r)
{
	while (rows < r && strcmp(rows->group, r->group))
		rows++;
	return rows == r;
}

void opt_help(const struct opt_command *c, FILE *out)
{
	static const struct opt_row help = {.name = "help", .letter = 'h', .help = "this text"};

	fprintf(out, "Usage: nfpath %s %s\n\n%s\n", c->name, c->usage, c->summary);
	for (const struct opt_row *g = c->rows; g->name; g++) {
		if (!first_of_group(c->rows, g))
			continue;
		fprintf(out, "\n%s:\n", g->group);
		for (const struct opt_row *r = g; r->name; r++)
			if (!strcmp(r->group, g->group))
				print_row(r, out);
	}
	fputc('\n', out);
	print_row(&help, out);
	if (c->notes)
		fprintf(out, "\n%s\n", c->notes);
}

void opt_list_free(struct opt_list *l)
{
	free(l->v);
	*l = (struct opt_list){0};
}
