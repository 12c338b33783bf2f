// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "src/cmd.h"
#include "src/escape.h"

static const struct cmd *const commands[] = {&cmd_trace,   &cmd_drops, &cmd_route_check,
					     &cmd_explain, &cmd_hooks, &cmd_features};

enum { N_COMMANDS = sizeof(commands) / sizeof(commands[0]) };

static void usage(FILE *out)
{
	fprintf(out, "Usage: nfpath COMMAND [OPTIONS]\n\n");
	for (size_t i = 0; i < N_COMMANDS; i++)
		fprintf(out, "  %-12s %s\n", commands[i]->name, commands[i]->summary);
	fprintf(out, "\n  -h, --help, --version\n\n`nfpath COMMAND -h` tells the options of a "
		     "command.\n");
}

int exit_status(int rc)
{
	switch (rc) {
	case 0:
		return EXIT_OK;
	case -EINVAL:
	case -ENOENT:
		return EXIT_USAGE;
	case -EPERM:
	case -EACCES:
	case -EOPNOTSUPP:
		return EXIT_REFUSED;
	}
	return EXIT_FAILED;
}

/* Sentences hold arguments and names of all kinds. */
void say(const char *sentence)
{
	fputs("nfpath: ", stderr);
	escape_write(stderr, sentence);
	fputc('\n', stderr);
}

int complain(int status, const struct error *err)
{
	say(*err->text ? err->text : "failed, and it is not known why");
	return status;
}

int main(int argc, char **argv)
{
	struct error err;

	if (argc < 2) {
		usage(stderr);
		return EXIT_USAGE;
	}
	if (!strcmp(argv[1], "-h") || !strcmp(argv[1], "--help") || !strcmp(argv[1], "help")) {
		usage(stdout);
		return EXIT_OK;
	}
	if (!strcmp(argv[1], "--version")) {
		printf("nfpath %s\n", NFPATH_VERSION);
		return EXIT_OK;
	}
	for (size_t i = 0; i < N_COMMANDS; i++)
		if (!strcmp(argv[1], commands[i]->name))
			return commands[i]->run(argc - 1, argv + 1);
	fail(&err, 0, "'%s' is not a command; `nfpath -h` lists them", argv[1]);
	return complain(EXIT_USAGE, &err);
}
