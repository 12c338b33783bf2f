// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/bytes.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* A packet's JSON has a thousand bytes, its text half of that. */
enum { FIRST = 2048 };

bool bytes_grow(struct bytes_out *b, size_t more)
{
	size_t cap = b->cap ? b->cap : FIRST;
	char *bigger;

	while (cap - b->len <= more)
		cap *= 2;
	bigger = b->failed ? NULL : realloc(b->data, cap);
	b->failed = !bigger;
	if (!bigger)
		return false;
	b->data = bigger;
	b->cap = cap;
	return true;
}

void bytes_free(struct bytes_out *b)
{
	free(b->data);
	*b = (struct bytes_out){0};
}

bool bytes_undo(struct bytes_out *b, size_t len)
{
	if (!b->failed)
		return false;
	b->failed = false;
	b->len = len;
	return true;
}

void bytes_number(struct bytes_out *b, uint64_t n, unsigned int digits)
{
	char text[20], *at = text + sizeof(text); /* 2^64 has 20 digits */

	do {
		*--at = (char)('0' + n % 10);
		n /= 10;
	} while (n);
	while (text + sizeof(text) - at < (long)digits && at > text)
		*--at = '0';
	bytes_add(b, at, (size_t)(text + sizeof(text) - at));
}

void bytes_printf(struct bytes_out *b, const char *fmt, ...)
{
	char *text = NULL;
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (len < 0) {
		b->failed = true;
		return;
	}
	bytes_add(b, text, (size_t)len);
	free(text);
}
