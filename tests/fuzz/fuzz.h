/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the harnesses share: reading choices from the fuzzer's bytes, and copies whose end is the
 * end of readable memory. */
#ifndef NFPATH_TESTS_FUZZ_FUZZ_H
#define NFPATH_TESTS_FUZZ_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/guard.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What must hold whatever the input; else the run ends as a crash. */
#define check(cond)                                                                                \
	do {                                                                                       \
		if (!(cond)) {                                                                     \
			fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #cond);  \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

struct input {
	const uint8_t *p;
	size_t len;
};

/* Past the end there are zeroes. */
static inline uint8_t take_u8(struct input *in)
{
	if (!in->len)
		return 0;
	in->len--;
	return *in->p++;
}

static inline uint16_t take_u16(struct input *in)
{
	uint16_t hi = take_u8(in);

	return hi << 8 | take_u8(in);
}

/* At most len bytes; how many in *got. */
static inline const uint8_t *take_bytes(struct input *in, size_t len, size_t *got)
{
	const uint8_t *p = in->p;

	*got = len < in->len ? len : in->len;
	in->p += *got;
	in->len -= *got;
	return p;
}

/*
 * A copy aligned to 4 that ends where memory ends: at an unmapped page if the length allows it
 * (libraries are not instrumented), else at the sanitizer's red zone.
 */
struct exact {
	uint8_t *p;
	bool heap;
};

static inline void exact_put(struct exact *e, const void *bytes, size_t len)
{
	static struct guard guard; /* of this process */

	if (!guard.map)
		guard = guard_open();
	e->heap = len % 4 || len > guard.page;
	if (e->heap) {
		e->p = malloc(len);
		check(e->p);
		memcpy(e->p, bytes, len);
	} else {
		e->p = (uint8_t *)guard_put(&guard, bytes, len);
	}
}

static inline void exact_free(struct exact *e)
{
	if (e->heap)
		free(e->p);
}

enum { MESSAGE_MAX = 4000 };

/*
 * What follows struct nlmsghdr, from the fuzzer's bytes: struct nfgenmsg, then attributes. After a
 * first byte that is odd they are taken as they come, lengths that lie included. Else each is a
 * type, a length and its payload, and its header is made here: so that an attribute of every size
 * is soon found at the end of a message. out: MESSAGE_MAX bytes. Returns its length.
 */
static inline size_t take_message(struct input *in, uint8_t *out)
{
	bool raw = take_u8(in) & 1;
	uint16_t head[2];
	const uint8_t *p;
	size_t len, at;

	p = take_bytes(in, raw ? MESSAGE_MAX : 4, &at);
	memcpy(out, p, at);
	while (!raw && at % 4 == 0 && in->len && at + 4 + 256 < MESSAGE_MAX) {
		head[1] = take_u8(in);
		p = take_bytes(in, take_u8(in), &len);
		head[0] = sizeof(head) + len;
		memcpy(out + at, head, sizeof(head));
		memcpy(out + at + sizeof(head), p, len);
		at += sizeof(head) + len;
		while (at % 4 && in->len)
			out[at++] = 0;
	}
	return at;
}

/* Do these len bytes lie inside of [begin, begin + size)? */
static inline bool inside(const void *begin, size_t size, const void *p, size_t len)
{
	const uint8_t *a = begin, *b = p;

	return b >= a && len <= size && (size_t)(b - a) <= size - len;
}

/* A string that ends inside. */
static inline bool string_inside(const void *begin, size_t size, const char *s)
{
	return inside(begin, size, s, 1) &&
	       memchr(s, 0, size - (size_t)((const uint8_t *)s - (const uint8_t *)begin));
}

#endif
