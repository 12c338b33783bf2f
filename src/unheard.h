/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tables whose rules no engine tells: those of arptables-legacy and of ebtables-legacy. Where there
 * are such, a packet that comes by them is not exact, and says so.
 */
#ifndef NFPATH_UNHEARD_H
#define NFPATH_UNHEARD_H

#include <stddef.h>
#include <stdint.h>

#include "src/path.h"
#include "src/view.h"

enum { UNHEARD_TABLES_MAX = 64 };

/* The names of the tables that there are now, "filter, nat", in buf of UNHEARD_TABLES_MAX. 1; 0: there
 * are none; -1: it is not known, and the kernel has such a thing. Makes no table, loads no module. */
int unheard_tables(struct hook_view *h, uint8_t family, char *buf);

/* One sentence for each such tool that has tables in this namespace. */
void unheard_warn(const struct view *v, void (*warn)(void *ctx, const char *sentence), void *ctx);

/* Before conclude(). */
void unheard_doubt(struct path *p, const struct view *views);

#endif
