// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/hook_view.h"

#include <netinet/in.h> /* before linux/netfilter.h, which takes the kernel's copy */
#include <linux/netfilter.h>
#include <stdlib.h>
#include <unistd.h>

#include "src/clock.h"
#include "src/error.h"
#include "src/hooks_bpf.h"

/* For so long what was read counts as now. */
static const uint64_t fresh_ns = 100 * 1000 * 1000;

struct hook_view {
	int netns_fd;
	struct hook_reader *reader;
	struct hook_list list;
	struct ruleset *rs; /* that it was read under; NULL: not read */
	uint64_t read_ns;
	bool whole;
	struct hook_list link;
	uint64_t link_ns; /* 0: not read */
	bool link_read;	  /* and that succeeded */
};

void hook_reader_close(struct hook_reader *r)
{
	hooks_bpf_free(r->bpf);
	*r = (struct hook_reader){0};
}

struct hook_view *hook_view_open(int netns_fd, struct hook_reader *r)
{
	struct hook_view *h = calloc(1, sizeof(*h));

	if (!h)
		return NULL;
	h->netns_fd = netns_fd;
	h->reader = r;
	return h;
}

static void forget(struct hook_view *h)
{
	hook_list_free(&h->list);
	h->list = (struct hook_list){0};
	ruleset_put(h->rs);
	h->rs = NULL;
}

void hook_view_close(struct hook_view *h)
{
	if (!h)
		return;
	forget(h);
	hook_list_free(&h->link);
	free(h);
}

static bool is_ip(uint8_t family)
{
	return family == NFPROTO_IPV4 || family == NFPROTO_IPV6;
}

/* With those of bridges. */
static uint32_t places(bool ip, bool arp)
{
	uint32_t set = 0;

	for (size_t i = 0; i < N_HOOK_PLACES; i++)
		if ((ip && is_ip(hook_places[i].family)) ||
		    (arp && hook_places[i].family == NFPROTO_ARP) ||
		    hook_places[i].family == NFPROTO_BRIDGE)
			set |= 1U << i;
	return set;
}

/* Without anything that was to be read of IP? */
static bool is_whole(const struct hook_list *l)
{
	for (size_t i = 0; i < l->n_gaps; i++)
		if (!l->gaps[i].family || is_ip(l->gaps[i].family))
			return false;
	return true;
}

/* A trace loads no module: nfnetlink_hook is asked only where it is there (and nobody else can be). */
static int read_list(const struct hook_view *h, struct hook_list *l, uint32_t which)
{
	struct hook_reader *r = h->reader;
	struct error err;

	if (!r->tried)
		r->bpf = hooks_bpf_open(&err);
	r->tried = true;
	if (r->bpf)
		return hooks_bpf_read(r->bpf, l, h->netns_fd, which, &err);
	if (access("/sys/module/nfnetlink_hook", F_OK))
		return -1;
	return hook_list_read(l, h->netns_fd, which, &err);
}

const struct hook_list *hook_view_list(struct hook_view *h, const struct ruleset *rs, bool now)
{
	/* Many packets may be dropped, and reading takes a millisecond. */
	if (h->rs != rs || (now && h->read_ns + fresh_ns < clock_ns())) {
		forget(h);
		h->whole = !read_list(h, &h->list, places(true, false)) && is_whole(&h->list) &&
			   !hook_list_explain(&h->list, rs);
		if (h->whole)
			hooks_bpf_names(&h->list);
		h->rs = ruleset_get((struct ruleset *)rs);
		h->read_ns = clock_ns();
	}
	return h->whole ? &h->list : NULL;
}

const struct hook_list *hook_view_link(struct hook_view *h)
{
	if (!h->link_ns || h->link_ns + fresh_ns < clock_ns()) {
		hook_list_free(&h->link);
		h->link = (struct hook_list){0};
		h->link_read = !read_list(h, &h->link, places(false, true)) &&
			       !hook_list_explain(&h->link, NULL);
		h->link_ns = clock_ns();
	}
	return h->link_read ? &h->link : NULL;
}
