/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One network namespace as a trace sees it: where it is, its rules over time, its interfaces and
 * routing settings. */
#ifndef NFPATH_VIEW_H
#define NFPATH_VIEW_H

#include "route/netconf.h"
#include "src/netns.h"
#include "src/rules.h"

struct view {
	const struct netns *ns;
	struct rules *rules;
	struct netconf *netconf;
};

#endif
