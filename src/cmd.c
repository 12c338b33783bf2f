// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/cmd.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int cmd_netns(struct netns_set *set, const struct opt_list *names, struct error *err)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < names->n; i++)
		rc = netns_add(set, names->v[i], err);
	if (!names->n)
		rc = netns_add(set, "self", err);
	if (!rc && *err->text) /* "all" may not be all */
		say(err->text);
	return rc;
}

bool cmd_color(enum cmd_color choice)
{
	const char *no = getenv("NO_COLOR");

	if (choice == COLOR_AUTO)
		return isatty(STDOUT_FILENO) && !(no && *no);
	return choice == COLOR_ALWAYS;
}

int cmd_written(int rc)
{
	struct error err = {0};

	if (!rc || rc == -EPIPE)
		return EXIT_OK;
	fail(&err, rc, "cannot write the results: %s", strerror(-rc));
	return complain(EXIT_FAILED, &err);
}
