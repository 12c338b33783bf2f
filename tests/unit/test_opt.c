// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/filter.h"
#include "src/opt.h"

#include <cmocka.h> /* last: it has a macro fail() */

enum engine { ENGINE_AUTO, ENGINE_BPF, ENGINE_NETLINK };

struct options {
	struct filter filter;
	struct opt_list netns;
	uint64_t count, timeout_ns;
	enum engine engine;
	const char *label;
	bool json, verbose;
};

static int parse_src(void *options, const char *arg, struct error *err)
{
	return filter_addr(&((struct options *)options)->filter.src, "--src", arg, err);
}

static int parse_sport(void *options, const char *arg, struct error *err)
{
	return filter_ports(&((struct options *)options)->filter.sport, "--sport", arg, err);
}

static const char *const engines[] = {"auto", "bpf", "netlink", NULL};

static const struct opt_row rows[] = {
	OPT_CALL("src", 's', "ADDR[/LEN]", "Filter", "source address or network", parse_src),
	OPT_CALL("sport", 'S', "PORT[-PORT]", "Filter", "source port or range", parse_sport),
	OPT_UINT("count", 'n', "N", "Output", "stop after N packets", struct options, count, 1,
		 UINT64_MAX),
	OPT_LIST("netns", 0, "NAME|PID|PATH|self|all", "Filter",
		 "packets of this network namespace; may be repeated", struct options, netns),
	OPT_SECONDS("timeout", 0, "SEC", "Output", "stop after SEC seconds", struct options,
		    timeout_ns),
	OPT_CHOICE("engine", 0, "Engine", "how to look", struct options, engine, engines),
	OPT_STRING("label", 0, "TEXT", "Output", "a label", struct options, label),
	OPT_FLAG("json", 0, "Output", "one JSON object a packet", struct options, json),
	OPT_FLAG("verbose", 'v', "Output", "more", struct options, verbose),
	OPT_END,
};

static const struct opt_command trace = {
	.name = "trace",
	.usage = "[FILTER] [-- COMMAND ARG…]",
	.summary = "Shows the path of each packet.",
	.rows = rows,
	.notes = "Needs root.",
	.takes_command = true,
};

static const struct opt_command explain = {.name = "explain",
					   .usage = "[ADDR:PORT]",
					   .summary = "Explains.",
					   .rows = rows,
					   .max_args = 1};

struct parsed {
	struct options o;
	struct opt_rest rest;
	struct error err;
	char *argv[32];
	int rc;
};

/* Parses the words of a line that blanks separate; "_" is an empty word. */
static struct parsed *parse(const struct opt_command *c, const char *line)
{
	struct parsed *p = calloc(1, sizeof(*p));
	int argc = 1;
	char *copy = strdup(line), *save = NULL;

	p->argv[0] = strdup(c->name);
	for (char *w = strtok_r(copy, " ", &save); w && argc < 31; w = strtok_r(NULL, " ", &save))
		p->argv[argc++] = strdup(strcmp(w, "_") ? w : "");
	free(copy);
	p->rc = opt_parse(c, argc, p->argv, &p->o, &p->rest, &p->err);
	return p;
}

static void drop(struct parsed *p)
{
	for (int i = 0; i < 32; i++)
		free(p->argv[i]);
	opt_list_free(&p->o.netns);
	free(p);
}

static void check_refused(const struct opt_command *c, const char *line, const char *want)
{
	struct parsed *p = parse(c, line);

	if (p->rc != -EINVAL)
		print_message("# %s: %d\n", line, p->rc);
	assert_int_equal(p->rc, -EINVAL);
	assert_string_equal(p->err.text, want);
	drop(p);
}

static void test_every_type(void **state)
{
	struct parsed *p =
		parse(&trace, "-s 10.0.0.1 --sport=80-90 --netns a --netns=b -n5 --timeout "
			      "0.25 --engine netlink --label x --json -v -v");

	assert_string_equal(p->err.text, "");
	assert_int_equal(p->rc, 0);
	assert_true(p->o.filter.src.set);
	assert_int_equal(p->o.filter.sport.hi, 90);
	assert_int_equal(p->o.netns.n, 2);
	assert_string_equal(p->o.netns.v[0], "a");
	assert_string_equal(p->o.netns.v[1], "b");
	assert_int_equal(p->o.count, 5);
	assert_int_equal(p->o.timeout_ns, 250000000);
	assert_int_equal(p->o.engine, ENGINE_NETLINK);
	assert_string_equal(p->o.label, "x");
	assert_true(p->o.json && p->o.verbose);
	assert_null(p->rest.command);
	drop(p);
}

static void test_defaults_stay(void **state)
{
	struct parsed *p = parse(&trace, "");

	assert_int_equal(p->rc, 0);
	assert_int_equal(p->o.engine, ENGINE_AUTO);
	assert_int_equal(p->o.netns.n, 0);
	assert_false(p->o.json);
	drop(p);
}

static void test_abbreviations(void **state)
{
	struct parsed *p = parse(&trace, "--sr ::1 --e bpf --ver");

	assert_int_equal(p->rc, 0);
	assert_true(p->o.filter.src.set && p->o.verbose);
	assert_int_equal(p->o.engine, ENGINE_BPF);
	drop(p);
	check_refused(&trace, "--s 1", "option '--s' may be --src or --sport; spell it out");
	check_refused(&trace, "--s=1", "option '--s' may be --src or --sport; spell it out");
}

static void test_unknown_options(void **state)
{
	check_refused(&trace, "--conn",
		      "there is no option '--conn'; `nfpath trace -h` lists the options");
	check_refused(&trace, "--stack=3",
		      "there is no option '--stack'; `nfpath trace -h` lists the options");
	check_refused(&trace, "-x", "there is no option '-x'; `nfpath trace -h` lists the options");
	check_refused(&trace, "-vx",
		      "there is no option '-x'; `nfpath trace -h` lists the options");
	check_refused(&trace, "--json=yes",
		      "--json: takes no value, but '--json=yes' gives it one");
	check_refused(&trace, "--help=1", "--help: takes no value, but '--help=1' gives it one");
}

static void test_missing_values(void **state)
{
	check_refused(&trace, "--src", "--src: its value is missing; give --src ADDR[/LEN]");
	check_refused(&trace, "-v -n", "--count: its value is missing; give --count N");
	check_refused(&trace, "--engine",
		      "--engine: its value is missing; give --engine auto|bpf|netlink");
}

static void test_wrong_values(void **state)
{
	static const char *const counts[] = {
		"0", "-1", "1x", "18446744073709551616", "99999999999999999999", "_", "+1", "0x10"};
	static const char *const seconds[] = {"0",   "-1",	     "1e3",	   "inf",
					      "0,5", "1.",	     ".5",	   "1.5.5",
					      "_",   "0.0000000001", "99999999999"};
	char line[128], want[256];

	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		const char *v = strcmp(counts[i], "_") ? counts[i] : "";

		snprintf(line, sizeof(line), "-n %s", counts[i]);
		snprintf(want, sizeof(want),
			 "--count: '%s' is not accepted; give a whole number from 1 to "
			 "18446744073709551615",
			 v);
		check_refused(&trace, line, want);
	}
	for (size_t i = 0; i < sizeof(seconds) / sizeof(seconds[0]); i++) {
		const char *v = strcmp(seconds[i], "_") ? seconds[i] : "";

		snprintf(line, sizeof(line), "--timeout %s", seconds[i]);
		snprintf(want, sizeof(want),
			 "--timeout: '%s' is not accepted; give seconds greater than 0, like 5 or "
			 "0.5",
			 v);
		check_refused(&trace, line, want);
	}
	check_refused(&trace, "--engine net",
		      "--engine: 'net' is not accepted; give one of auto, bpf, netlink");
	check_refused(&trace, "--sport 99999",
		      "--sport: '99999' is not a port; give a number from 0 to 65535, a range like "
		      "8000-8080, or a service name");
}

static void test_largest_values(void **state)
{
	struct parsed *p = parse(&trace, "-n 18446744073709551615 --timeout 1000000000");

	assert_int_equal(p->rc, 0);
	assert_true(p->o.count == UINT64_MAX);
	assert_true(p->o.timeout_ns == 1000000000ULL * 1000000000ULL);
	drop(p);
}

static void test_given_twice(void **state)
{
	check_refused(&trace, "--src 10.0.0.1 -s 10.0.0.2",
		      "--src: given twice, the second time with '10.0.0.2'; give it once");
	check_refused(&trace, "-n 1 -n 1",
		      "--count: given twice, the second time with '1'; give it once");
	check_refused(&trace, "--engine auto --engine bpf",
		      "--engine: given twice, the second time with 'bpf'; give it once");
}

static void test_command(void **state)
{
	struct parsed *p = parse(&trace, "-v -- curl --json -s http://x");

	assert_int_equal(p->rc, 0);
	assert_false(p->o.json);
	assert_non_null(p->rest.command);
	assert_string_equal(p->rest.command[0], "curl");
	assert_string_equal(p->rest.command[3], "http://x");
	assert_null(p->rest.command[4]);
	drop(p);
	check_refused(&trace, "--",
		      "there is no command behind --; give one, as in `-- ping 10.0.0.1`");
	check_refused(
		&trace, "curl -v",
		"'curl' is no option of nfpath trace; a command to run stands behind --, as in `-- "
		"ping 10.0.0.1`");
	/* This "--" is the value of an option, and no command begins behind it. */
	check_refused(
		&trace, "--label -- curl",
		"'curl' is no option of nfpath trace; a command to run stands behind --, as in `-- "
		"ping 10.0.0.1`");
	p = parse(&trace, "--label -- -- curl");
	assert_int_equal(p->rc, 0);
	assert_string_equal(p->rest.command[0], "curl");
	drop(p);
}

static void test_words(void **state)
{
	struct parsed *p = parse(&explain, "10.0.0.1:80 --json");

	assert_int_equal(p->rc, 0);
	assert_int_equal(p->rest.n_args, 1);
	assert_string_equal(p->rest.args[0], "10.0.0.1:80");
	assert_true(p->o.json);
	drop(p);
	p = parse(&explain, "-- --json");
	assert_int_equal(p->rc, 0);
	assert_string_equal(p->rest.args[0], "--json");
	drop(p);
	check_refused(&explain, "a b",
		      "'b' is too much; `nfpath explain -h` shows what explain takes");
}

static void test_help(void **state)
{
	static const char want[] = "Usage: nfpath trace [FILTER] [-- COMMAND ARG…]\n"
				   "\n"
				   "Shows the path of each packet.\n"
				   "\n"
				   "Filter:\n"
				   "  -s, --src ADDR[/LEN]            source address or network\n"
				   "  -S, --sport PORT[-PORT]         source port or range\n"
				   "      --netns NAME|PID|PATH|self|all\n"
				   "                                  packets of this network "
				   "namespace; may be repeated\n"
				   "\n"
				   "Output:\n"
				   "  -n, --count N                   stop after N packets\n"
				   "      --timeout SEC               stop after SEC seconds\n"
				   "      --label TEXT                a label\n"
				   "      --json                      one JSON object a packet\n"
				   "  -v, --verbose                   more\n"
				   "\n"
				   "Engine:\n"
				   "      --engine auto|bpf|netlink   how to look\n"
				   "\n"
				   "  -h, --help                      this text\n"
				   "\n"
				   "Needs root.\n";
	struct parsed *p = parse(&trace, "-v --help --no-such-option");
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	assert_int_equal(p->rc, 1);
	drop(p);
	opt_help(&trace, f);
	fclose(f);
	assert_string_equal(text, want);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_type),     cmocka_unit_test(test_defaults_stay),
		cmocka_unit_test(test_abbreviations),  cmocka_unit_test(test_unknown_options),
		cmocka_unit_test(test_missing_values), cmocka_unit_test(test_wrong_values),
		cmocka_unit_test(test_largest_values), cmocka_unit_test(test_given_twice),
		cmocka_unit_test(test_command),	       cmocka_unit_test(test_words),
		cmocka_unit_test(test_help),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
