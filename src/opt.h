/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Options as typed rows: one const table a command, from which the strings for getopt_long(), the
 * text of -h and the values in the command's own struct all come. What has no row is refused; so is
 * a value given twice, where one would silently win.
 */
// clang-format off
/*
 *	struct trace_options { struct filter filter; uint64_t count; bool json; };
 *	static const struct opt_row rows[] = {
 *		OPT_CALL("src", 's', "ADDR[/LEN]", "Filter", "source address", parse_src),
 *		OPT_UINT("count", 'n', "N", "Output", "stop after N packets",
 *			 struct trace_options, count, 1, UINT32_MAX),
 *		OPT_FLAG("json", 0, "Output", "one JSON object a line", struct trace_options, json),
 *		OPT_END,
 *	};
 *
 * Every command also takes -h, --help, without a row.
 */
// clang-format on
#ifndef NFPATH_OPT_H
#define NFPATH_OPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "src/error.h"

enum opt_type {
	OPT_TYPE_FLAG,	  /* bool: true when given; may be given again */
	OPT_TYPE_LIST,	  /* struct opt_list: each value is kept */
	OPT_TYPE_STRING,  /* const char *: borrowed from argv */
	OPT_TYPE_UINT,	  /* uint64_t from min to max */
	OPT_TYPE_SECONDS, /* uint64_t: nanoseconds, greater than 0; "2", "0.5" */
	OPT_TYPE_CHOICE,  /* enum or int: index into choices */
	OPT_TYPE_CALL,	  /* parse() does what it does */
};

struct opt_list {
	const char **v; /* strings borrowed from argv; v to be freed by opt_list_free() */
	size_t n;
};

struct opt_row {
	const char *name; /* long option without the dashes */
	char letter;	  /* 0: none */
	enum opt_type type;
	const char *arg;   /* what -h calls the value; NULL for flags and choices */
	const char *group; /* heading of -h under which it stands; groups come in order of first
			      appearance */
	const char *help;
	size_t offset; /* of the value in the command's struct */
	uint64_t min, max;
	const char *const *choices; /* NULL-terminated */
	/* 0, or -EINVAL with a sentence that names the option, the value and what is accepted. */
	int (*parse)(void *options, const char *arg, struct error *err);
};

/* offsetof(), that does not compile when the member has not the type that the row writes. */
#define OPT_MEMBER(s, m, t)                                                                        \
	(offsetof(s, m) +                                                                          \
	 0 * sizeof(char[__builtin_types_compatible_p(__typeof__(((s *)0)->m), t) ? 1 : -1]))
#define OPT_ENUM_MEMBER(s, m)                                                                      \
	(offsetof(s, m) + 0 * sizeof(char[sizeof(((s *)0)->m) == sizeof(int) ? 1 : -1]))

#define OPT_FLAG(n, l, g, h, s, m)                                                                 \
	{                                                                                          \
		.name = (n), .letter = (l), .type = OPT_TYPE_FLAG, .group = (g), .help = (h),      \
		.offset = OPT_MEMBER(s, m, bool)                                                   \
	}
#define OPT_LIST(n, l, a, g, h, s, m)                                                              \
	{                                                                                          \
		.name = (n), .letter = (l), .type = OPT_TYPE_LIST, .arg = (a), .group = (g),       \
		.help = (h), .offset = OPT_MEMBER(s, m, struct opt_list)                           \
	}
#define OPT_STRING(n, l, a, g, h, s, m)                                                            \
	{                                                                                          \
		.name = (n), .letter = (l), .type = OPT_TYPE_STRING, .arg = (a), .group = (g),     \
		.help = (h), .offset = OPT_MEMBER(s, m, const char *)                              \
	}
#define OPT_UINT(n, l, a, g, h, s, m, lo, hi)                                                      \
	{                                                                                          \
		.name = (n), .letter = (l), .type = OPT_TYPE_UINT, .arg = (a), .group = (g),       \
		.help = (h), .offset = OPT_MEMBER(s, m, uint64_t), .min = (lo), .max = (hi)        \
	}
#define OPT_SECONDS(n, l, a, g, h, s, m)                                                           \
	{                                                                                          \
		.name = (n), .letter = (l), .type = OPT_TYPE_SECONDS, .arg = (a), .group = (g),    \
		.help = (h), .offset = OPT_MEMBER(s, m, uint64_t)                                  \
	}
#define OPT_CHOICE(n, l, g, h, s, m, c)                                                            \
	{                                                                                          \
		.name = (n), .letter = (l), .type = OPT_TYPE_CHOICE, .group = (g), .help = (h),    \
		.offset = OPT_ENUM_MEMBER(s, m), .choices = (c)                                    \
	}
#define OPT_CALL(n, l, a, g, h, p)                                                                 \
	{                                                                                          \
		.name = (n), .letter = (l), .type = OPT_TYPE_CALL, .arg = (a), .group = (g),       \
		.help = (h), .parse = (p)                                                          \
	}
#define OPT_END                                                                                    \
	{                                                                                          \
		.name = NULL                                                                       \
	}

enum { OPT_ROWS_MAX = 64, OPT_ARGS_MAX = 4 };

struct opt_command {
	const char *name;    /* "trace" */
	const char *usage;   /* what follows "nfpath trace " */
	const char *summary; /* one or two lines under the usage */
	const struct opt_row *rows;
	const char *notes;     /* under the options; may be NULL */
	unsigned int max_args; /* words that are no options; at most OPT_ARGS_MAX */
	bool takes_command;    /* "-- COMMAND ARG…" */
};

/* What is left of the command line. */
struct opt_rest {
	const char *args[OPT_ARGS_MAX];
	unsigned int n_args;
	char **command; /* NULL-terminated, the tail of argv behind "--"; NULL: none given */
};

/*
 * Parses argv[1..argc-1] into *options, whose defaults the caller has set, and *rest. Returns 0, 1
 * when help was asked for (print opt_help() and exit 0), or -EINVAL (-ENOMEM) with a sentence.
 * Lists are the caller's to free in every case.
 */
int opt_parse(const struct opt_command *c, int argc, char **argv, void *options,
	      struct opt_rest *rest, struct error *err);

void opt_help(const struct opt_command *c, FILE *out);

void opt_list_free(struct opt_list *l);

#endif
