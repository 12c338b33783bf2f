/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What went wrong, where it takes more than one packet to say it. */
#ifndef NFPATH_DIAGNOSIS_H
#define NFPATH_DIAGNOSIS_H

#include "src/path.h"

struct diagnosis;

struct diagnosis *diagnosis_open(void); /* NULL: out of memory */
void diagnosis_close(struct diagnosis *d);

/* For each path in turn, when all else is known of it. */
void diagnose(struct diagnosis *d, struct path *p);

#endif
