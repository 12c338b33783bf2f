/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Was iptables-legacy used meanwhile? Each of its commands opens /run/xtables.lock. A table that
 * was changed and changed back shows here only. One watch serves all namespaces: the lock is the
 * host's, and inotify instances are few.
 */
#ifndef NFPATH_LOCK_WATCH_H
#define NFPATH_LOCK_WATCH_H

#include <stdint.h>

struct lock_watch;

/* Never fails for want of inotify: then it sees nothing. NULL: out of memory. */
struct lock_watch *lock_watch_open(void);
void lock_watch_close(struct lock_watch *w);

/* Grows whenever the lock was used since the last call: equal numbers, no use between them. */
uint64_t lock_watch_uses(struct lock_watch *w);

#endif
