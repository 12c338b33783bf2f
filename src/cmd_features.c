// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "src/cmd.h"
#include "src/features.h"
#include "src/opt.h"

struct features_options {
	bool json;
};

static const struct opt_row rows[] = {
	OPT_FLAG("json", 0, "Output", "one JSON object", struct features_options, json),
	OPT_END,
};

static const struct opt_command command = {
	.name = "features",
	.usage = "[OPTIONS]",
	.summary = "What this host allows, feature by feature, what is lost without the rest, and "
		   "which engine a trace uses.",
	.rows = rows,
	.notes = "Each feature is tried; what has to be made for that is made in a network "
		 "namespace that vanishes.\n"
		 "'since' is the Linux version that brought the feature.\n",
};

static int show(const struct features_options *o)
{
	struct features f;
	struct error err = {0};
	int rc, status;

	rc = features_probe(&f, &err);
	if (rc) {
		status = complain(EXIT_FAILED, &err);
		goto out;
	}
	status = cmd_written(o->json ? features_json(&f, stdout) : features_text(&f, stdout));
	if (!status && !f.engine)
		status = complain(EXIT_REFUSED, &f.engine_why);
out:
	features_free(&f);
	return status;
}

static int features_main(int argc, char **argv)
{
	struct features_options o = {0};
	struct opt_rest rest;
	struct error err = {0};
	int rc = opt_parse(&command, argc, argv, &o, &rest, &err);

	if (rc == 1) {
		opt_help(&command, stdout);
		return EXIT_OK;
	}
	if (rc)
		return complain(exit_status(rc), &err);
	signal(SIGPIPE, SIG_IGN); /* `nfpath features | head` is no failure */
	return show(&o);
}

const struct cmd cmd_features = {
	.name = "features",
	.summary = "what this host allows, and which engine will be used",
	.run = features_main,
};
