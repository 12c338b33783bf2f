/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The subcommands: each is one cmd_*.c and one row in main.c's table. */
#ifndef NFPATH_CMD_H
#define NFPATH_CMD_H

#include <stdbool.h>

#include "src/error.h"
#include "src/netns.h"
#include "src/opt.h"

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

extern const struct cmd cmd_trace, cmd_drops, cmd_route_check, cmd_explain, cmd_hooks, cmd_features;

/* The exit code for a negative errno; what it means on the edge. */
int exit_status(int rc);

/* Prints a sentence to stderr, with whatever a terminal could stumble over escaped. */
void say(const char *sentence);

/* Prints the sentence to stderr and returns status. */
int complain(int status, const struct error *err);

/* --- what several commands do --- */

/* The values of --netns, "self" where there are none; that "all" are not all is said. */
int cmd_netns(struct netns_set *set, const struct opt_list *names, struct error *err);

/* The values of --color, in this order. */
enum cmd_color { COLOR_AUTO, COLOR_ALWAYS, COLOR_NEVER };
bool cmd_color(enum cmd_color choice);

/* The exit code when the output was written with this result, 0 or a negative errno: a failure is
 * said; a reader that went away (EPIPE) is none. */
int cmd_written(int rc);

#endif
