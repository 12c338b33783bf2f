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

/* How many digits n has: 1233 / 4096 is just above the logarithm of 2, which may be one too many. */
static unsigned int count_digits(uint64_t n)
{
	static const uint64_t powers[DECIMAL_MAX] = {
		0, 10ULL, 100ULL, 1000ULL, 10000ULL, 100000ULL, 1000000ULL,
		10000000ULL, 100000000ULL, 1000000000ULL, 10000000000ULL,
		100000000000ULL, 1000000000000ULL, 10000000000000ULL,
		100000000000000ULL, 1000000000000000ULL, 10000000000000000ULL,
		100000000000000000ULL, 1000000000000000000ULL, 10000000000000000000ULL,
	};
	unsigned int bits = 64 - (unsigned int)__builtin_clzll(n | 1);
	unsigned int digits = bits * 1233 >> 12;

	return digits + (n >= powers[digits]);
}

char *decimal(char *to, uint64_t n, unsigned int digits)
{
	/* Two at a time: half as many divisions. */
	static const char pairs[] = "00010203040506070809101112131415161718192021222324"
				    "25262728293031323334353637383940414243444546474849"
				    "50515253545556575859606162636465666768697071727374"
				    "75767778798081828384858687888990919293949596979899";
	unsigned int len;
	char *end, *at;

	if (n < 10 && digits <= 1) {
		*to = (char)('0' + n);
		return to + 1;
	}
	len = count_digits(n);
	if (len < digits)
		len = digits < DECIMAL_MAX ? digits : DECIMAL_MAX;
	end = at = to + len;
	for (; n >= 100; n /= 100)
		memcpy(at -= 2, pairs + n % 100 * 2, 2);
	if (n >= 10)
		memcpy(at -= 2, pairs + n * 2, 2);
	else
		*--at = (char)('0' + n);
	while (at > to)
		*--at = '0';
	return end;
}

void bytes_number(struct bytes_out *b, uint64_t n, unsigned int digits)
{
	char *to = bytes_room(b, DECIMAL_MAX);

	if (to)
		b->len = (size_t)(decimal(to, n, digits) - b->data);
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
