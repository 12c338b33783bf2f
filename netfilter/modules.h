/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Is a part of the kernel there, as a module or built in? To ask it when it is not would load it. */
#ifndef NFPATH_NETFILTER_MODULES_H
#define NFPATH_NETFILTER_MODULES_H

#include <stdbool.h>

enum kernel_module {
	MODULE_CTNETLINK,
	MODULE_TCP_DIAG,
	MODULE_UDP_DIAG,
	N_MODULES,
};

/* Finds out what is built in, which may take a while: else the first question does. */
void modules_look(void);

bool module_is_there(enum kernel_module m);

#endif
