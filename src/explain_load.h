/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A ruleset from a file, so that the kernel itself says what it means. */
#ifndef NFPATH_EXPLAIN_LOAD_H
#define NFPATH_EXPLAIN_LOAD_H

#include <stdio.h>

#include "src/error.h"

/*
 * Puts this process into a network namespace of its own (in a user namespace of its own unless it
 * is root's; nothing of the host changes) and loads the file there: what iptables-save,
 * ip6tables-save or `nft list ruleset` printed, also one behind the other, also by gzip. 0, or a
 * negative errno with a sentence that names the line.
 */
int explain_load(const char *path, struct error *err);

/* --- for explain_load.c and explain_load_line.c --- */

/* Runs argv with `in` as its standard input; what it writes goes to out and complaint. Its exit
 * status, or a negative errno. */
int explain_load_run(char *const argv[], int in, FILE *out, FILE *complaint);

/* The line of part to blame where argv, an iptables-restore, blames line `commit`; the same number
 * when that is no COMMIT, or nothing before it is to blame. */
unsigned long explain_load_line(char *const argv[], const char *part, unsigned long commit);

#endif
