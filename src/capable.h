/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What this process may do. */
#ifndef NFPATH_CAPABLE_H
#define NFPATH_CAPABLE_H

#include "src/error.h"

/* Every engine takes CAP_NET_ADMIN and CAP_SYS_ADMIN: 0, or -EPERM with the one that is missing. */
int capable_of_tracing(struct error *why);

#endif
