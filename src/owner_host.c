// SPDX-License-Identifier: GPL-2.0-or-later
/* Names of containers for the owners of rules. */
#include "src/explain_host.h"

#include <stdlib.h>

#include "netfilter/rule_owner.h"
#include "src/clock.h"
#include "src/netns.h"

/* A container that is not found may be starting: /proc is gone through once more, but not often. */
static const uint64_t host_again_ns = 1000ULL * 1000 * 1000;

struct named_host {
	const struct netns *ns;
	struct explain_host *known;
	uint64_t read_ns;
};

static void *open_host(void *data)
{
	struct named_host *h = calloc(1, sizeof(*h));

	if (h)
		h->ns = data;
	return h;
}

static void close_host(void *host)
{
	explain_host_close(((struct named_host *)host)->known);
	free(host);
}

static const char *name_on_host(void *host, uint8_t family, const uint8_t *addr)
{
	struct named_host *h = host;
	const char *name = h->known ? explain_host_name(h->known, family, addr) : NULL;

	if (name || (h->known && clock_ns() < h->read_ns + host_again_ns))
		return name;
	explain_host_close(h->known);
	h->known = explain_host_open(h->ns->fd);
	h->read_ns = clock_ns();
	return h->known ? explain_host_name(h->known, family, addr) : NULL;
}

static const char *bridge_on_host(void *host, uint8_t family, const uint8_t *addr)
{
	struct named_host *h = host;

	if (!h->known)
		name_on_host(host, family, addr);
	return h->known ? explain_host_bridge(h->known, family, addr) : NULL;
}

const struct owner_host owner_host = {
	.open = open_host,
	.name = name_on_host,
	.bridge = bridge_on_host,
	.close = close_host,
};
