/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The subcommands: each is one cmd_*.c and one row in main.c's table. */
#ifndef NFPATH_CMD_H
#define NFPATH_CMD_H

#include "src/error.h"

/* Exit codes: a contract with scripts. */
enum exit_code {
	EXIT_OK = 0,
	EXIT_FAILED = 1,  /* while running */
	EXIT_USAGE = 2,	  /* the command line is wrong */
	EXIT_REFUSED = 3, /* this host does not allow it */
	EXIT_NOTHING = 4, /* nothing matched before --timeout or the command ended */
	EXIT_LOST = 5,	  /* finished, but events were lost */
	EXIT_DROP = 10,	  /* route-check: the packet would be dropped */
};

struct cmd {
	const char *name, *summary;
	/* argv[0] is the command's own name. Returns the exit code. */
	int (*run)(int argc, char **argv);
};

extern const struct cmd cmd_trace, cmd_route_check, cmd_explain, cmd_hooks, cmd_features;

/* The exit code for a negative errno; what it means on the edge. */
int exit_status(int rc);

/* Prints a sentence to stderr, with whatever a terminal could stumble over escaped. */
void say(const char *sentence);

/* Prints the sentence to stderr and returns status. */
int complain(int status, const struct error *err);

#endif
