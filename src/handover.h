/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The same packet under another id. The kernel makes the id from the skb and from the device by
 * which it came (nft_get_trace_id()): it changes where a packet is received again, from loopback or
 * from a port of a bridge, and where a bridge device sends it on.
 */
#ifndef NFPATH_HANDOVER_H
#define NFPATH_HANDOVER_H

#include "src/live.h"

/* Is ev, at the start of a hook, the next stop of l, which has the same id? */
bool handover_goes_on(const struct live *l, const struct event *ev);

/*
 * The packet that ev, whose id nobody has, is about; NULL: none that we know. Where several with
 * the same headers may be meant, they all say that they are not certain.
 */
struct live *handover_find(struct live_table *t, const struct event *ev);

#endif
