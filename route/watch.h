/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Notices that routing of a namespace has changed: routes, rules, addresses, interfaces, settings of
 * net.*.conf that rtnetlink tells. */
#ifndef NFPATH_ROUTE_WATCH_H
#define NFPATH_ROUTE_WATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "src/error.h"

struct route_watch;

/* In the namespace of netns_fd, which is borrowed for the call. NULL: err has the sentence. */
struct route_watch *route_watch_open(int netns_fd, struct error *err);
void route_watch_close(struct route_watch *w);

/* Reads what has been told since. Did an interface change? */
bool route_watch_read(struct route_watch *w);

/*
 * As of the last route_watch_read(): the last change of this family's routing was before this time,
 * CLOCK_MONOTONIC. What route_watch_open() found is no change.
 */
uint64_t route_watch_changed(const struct route_watch *w, uint8_t family);

#endif
