/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What went wrong with a packet and what to do about it: by the table of symptoms (src/symptoms.c), with
 * a memory of connections where it takes more than one packet to say it. */
#ifndef NFPATH_DIAGNOSIS_H
#define NFPATH_DIAGNOSIS_H

#include "src/path.h"
#include "src/view.h"

struct diagnosis;

struct diagnosis *diagnosis_open(void); /* NULL: out of memory */
void diagnosis_close(struct diagnosis *d);

/* For each path in turn, when all else is known of it. views: of the trace, by the ns of a place. */
void diagnose(struct diagnosis *d, struct path *p, const struct view *views, unsigned int n_views);

#endif
