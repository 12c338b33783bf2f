/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Bytes that grow: where an output is put together before it is written. A traced packet takes some
 * hundred calls of these, so the short ones are inline. */
#ifndef NFPATH_BYTES_H
#define NFPATH_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* failed: out of memory, they are not all there; so that one look at the end is enough. */
struct bytes_out {
	char *data;
	size_t len, cap;
	bool failed;
};

/* Makes room for that many more. False: out of memory. */
bool bytes_grow(struct bytes_out *b, size_t more);
void bytes_free(struct bytes_out *b);
/* Did anything fail? Then it is forgotten, with all that was added since there were len bytes. */
bool bytes_undo(struct bytes_out *b, size_t len);

/* Where that many more go, for a caller that fills them in and then adds to len; NULL: out of
 * memory. */
static inline char *bytes_room(struct bytes_out *b, size_t more)
{
	if (b->cap - b->len <= more && !bytes_grow(b, more))
		return NULL;
	return b->data + b->len;
}

static inline void bytes_add(struct bytes_out *b, const void *data, size_t len)
{
	char *to = bytes_room(b, len);

	if (!to)
		return;
	memcpy(to, data, len);
	b->len += len;
}

static inline void bytes_char(struct bytes_out *b, char c)
{
	if (b->cap - b->len < 1 && !bytes_grow(b, 1))
		return;
	b->data[b->len++] = c;
}

static inline void bytes_str(struct bytes_out *b, const char *s)
{
	bytes_add(b, s, strlen(s));
}

enum { DECIMAL_MAX = 20 }; /* digits of 2^64 */

/* Writes n with at least that many digits, and no NUL; returns their end. */
char *decimal(char *to, uint64_t n, unsigned int digits);
void bytes_number(struct bytes_out *b, uint64_t n, unsigned int digits);
void bytes_printf(struct bytes_out *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
