/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How a failure travels: inside, functions return a negative errno and leave one sentence here,
 * with the offending value and the next step. The edge (main, the command) prints it, once.
 */
#ifndef NFPATH_ERROR_H
#define NFPATH_ERROR_H

struct error {
	char text[512]; /* empty: nothing to say */
	int rc;		/* what fail() was given, for those who return a pointer */
};

/* Writes the sentence and returns rc, so that a caller may `return fail(err, -EINVAL, "…", …)`. err
 * may be NULL. */
int fail(struct error *err, int rc, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

#endif
