/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the host knows and rules do not: its own addresses, and whose the others are. No daemon is
 * asked. */
#ifndef NFPATH_EXPLAIN_HOST_H
#define NFPATH_EXPLAIN_HOST_H

#include <stdbool.h>
#include <stdint.h>

#include "src/error.h"

struct explain_host;
struct owner_host;

/* Of the network namespace of netns_fd. NULL: out of memory. */
struct explain_host *explain_host_open(int netns_fd);
void explain_host_close(struct explain_host *h);

/* Is it an address of the namespace? */
bool explain_host_has(const struct explain_host *h, uint8_t family, const uint8_t *addr);

/* Name of the container or pod with this address; NULL: not known. */
const char *explain_host_name(const struct explain_host *h, uint8_t family, const uint8_t *addr);

/* Name of the bridge in whose network the address is; NULL: not known. */
const char *explain_host_bridge(const struct explain_host *h, uint8_t family, const uint8_t *addr);

/* The same for the owners of rules in a trace (netfilter/rule_owner.h); opened with a struct netns. */
extern const struct owner_host owner_host;

#endif
