/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The namespaces of a trace, each with a view: those of the start, and those that a packet came to
 * later. */
#ifndef NFPATH_VIEWS_H
#define NFPATH_VIEWS_H

#include "src/view.h"

enum { VIEWS_MAX = 4096 };

struct views;

/* warn may be NULL. NULL: out of memory, or the lock file cannot be watched. */
struct views *views_open(void (*warn)(void *ctx, const char *sentence), void *ctx);
void views_close(struct views *v);

/* Adds a view of ns, which is borrowed. 0 or a negative errno with a sentence. */
int views_add(struct views *v, const struct netns *ns, struct error *err);

/*
 * The index of the view of this namespace, which is opened if it can be found; -1: it cannot. What
 * was not found is not looked for again for some seconds. ctx: a struct views.
 */
int views_find(void *ctx, uint32_t inum);

/* They stay where they are, and there are *views_n() of them. */
struct view *views_all(struct views *v);
const unsigned int *views_n(const struct views *v);

#endif
