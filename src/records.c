// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/records.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bpf/event.h"

enum { ROOM_MIN = 1 << 16 };

/* All are multiples of 8: each stands aligned behind the one before. */
static const size_t sizes[NFP_RAW_TYPES] = {
	[NFP_MESSAGE] = sizeof(struct nfp_message), [NFP_FIB4] = sizeof(struct nfp_fib),
	[NFP_FIB6] = sizeof(struct nfp_fib),	    [NFP_KFREE] = sizeof(struct nfp_skb),
	[NFP_TRANSMIT] = sizeof(struct nfp_skb),
};

static int make_room(struct records *r, size_t size)
{
	size_t room = r->room ? r->room * 2 : ROOM_MIN;
	char *bytes;

	if (r->begin) {
		memmove(r->bytes, r->bytes + r->begin, r->end - r->begin);
		r->end -= r->begin;
		r->begin = 0;
	}
	if (r->room - r->end >= size)
		return 0;
	bytes = realloc(r->bytes, room);
	if (!bytes)
		return -ENOMEM;
	r->bytes = bytes;
	r->room = room;
	return 0;
}

int records_add(struct records *r, const struct nfp_event *ev)
{
	size_t size = sizes[ev->type];
	int rc = r->room - r->end < size ? make_room(r, size) : 0;

	if (rc)
		return rc;
	memcpy(r->bytes + r->end, ev, size);
	r->end += size;
	return 0;
}

const struct nfp_event *records_first(const struct records *r)
{
	return r->begin == r->end ? NULL : (const void *)(r->bytes + r->begin);
}

void records_drop_first(struct records *r)
{
	r->begin += sizes[records_first(r)->type];
	if (r->begin == r->end)
		records_forget(r);
}

void records_forget(struct records *r)
{
	r->begin = r->end = 0;
}

void records_free(struct records *r)
{
	free(r->bytes);
	*r = (struct records){0};
}
