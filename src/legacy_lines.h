/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * iptables-legacy for the netlink engine. For each rule that a traced packet matched the kernel
 * gives a line to the logger that is bound for its family, and nfnetlink_log sends it to group 0:
 * where there are such tables we hold that group, and bind that logger. Both are given back as
 * they were.
 */
#ifndef NFPATH_LEGACY_LINES_H
#define NFPATH_LEGACY_LINES_H

#include <stdbool.h>
#include <stdint.h>

struct channel;
struct engine_config;
struct view;

/* Of one namespace. The first three are set before the first call, and are borrowed. */
struct legacy_lines {
	const struct engine_config *config; /* whom to warn */
	const struct view *view;
	struct channel *channel; /* where the lines are to arrive */
	bool bound;		 /* group 0 is ours */
	char missing[320];	 /* why they cannot be had; empty: they can, or there are none */
	uint32_t seq;
};

/* Binds them if the namespace has such tables now. What fails is told as a warning, and stays in
 * missing. */
void legacy_lines_want(struct legacy_lines *l);
/* Restores what was bound; harmless without. */
void legacy_lines_give_back(struct legacy_lines *l);

#endif
